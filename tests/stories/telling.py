"""Stories as text: how they are written down, and what one line says.

A file holds stories. Each begins with `Story:`, says in `Program:` what the program is (a fragment of YAML,
indented; the file's first one holds for all that have none), and then goes on line by line, in local time:

    2026-01-05 10:00  order 129.90 web           order, event, enrols, redeem, cancel, adjust, send, night,
      -> awards base_earn 129 points             and what the answer must say; joins, leaves, uses,
                                                 returns, previews, given (a tier), ended
    2026-01-05 10:00  order 30.00/tents as a     a line of a category, an order that has a name
    2026-01-06 10:00  returns a 1                its first line; without a number all of it
    2026-01-19 00:00  balance points available 129 pending 0
    2026-01-19 00:00  tier club bronze

`bob: order …` is about somebody else than Ann. `, heard 2026-02-01 10:00` says when it arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from zoneinfo import ZoneInfo

HEADER = {"program": "story", "currency": "USD", "timezone": "America/New_York"}
_LINE = re.compile(
    r"(?P<on>\d{4}-\d\d-\d\d) (?P<at>\d\d:\d\d(?::\d\d)?)(?P<again> again)?\s+"
    r"(?:(?P<who>[a-z]+): )?(?P<text>.+?)"
    r"(?:, heard (?P<heard>\d{4}-\d\d-\d\d \d\d:\d\d))?"
)
QUESTIONS = ("balance", "tier", "badges", "expiring", "challenge", "next", "keep")


@dataclass(frozen=True)
class Told:
    """One line: something that happens, or a question with the answer that it must have."""

    number: int
    at: datetime
    """UTC."""
    heard: datetime
    """When it arrives, UTC."""
    who: str
    words: tuple[str, ...]
    answers: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """Line number and words of each `->` line."""

    @property
    def asks(self) -> bool:
        return self.words[0] in QUESTIONS


@dataclass(frozen=True)
class Story:
    """A member's life."""

    file: str
    title: str
    program: str
    """The whole document."""
    zone: ZoneInfo
    lines: tuple[Told, ...]

    def local(self, on: str, at: str) -> datetime:
        """Read a local time of this story."""
        return datetime.fromisoformat(f"{on} {at}").replace(tzinfo=self.zone).astimezone(UTC)


def read_stories(path: Path) -> list[Story]:
    """Read the stories of a file."""
    blocks = re.split(r"^Story: ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    before, number = blocks[0], blocks[0].count("\n") + 1
    shared, _ = _program(before.splitlines())
    stories = []
    for block in blocks[1:]:
        title, *lines = block.splitlines()
        own, first = _program(lines)
        stories.append(_story(path.name, title, own or shared, list(enumerate(lines, number + 1))[first:]))
        number += block.count("\n")
    return stories


def _program(lines: list[str]) -> tuple[str, int]:
    """Find the fragment of YAML that a block begins with, and the place of the first line after it."""
    try:
        begins = lines.index("Program:") + 1
    except ValueError:
        return "", 0
    ends = begins
    while ends < len(lines) and (not lines[ends].strip() or lines[ends].startswith("    ")):
        ends += 1
    return dedent("\n".join(lines[begins:ends])), ends


def _story(file: str, title: str, fragment: str, lines: list[tuple[int, str]]) -> Story:
    head = {key: value for key, value in HEADER.items() if not re.search(rf"^{key}:", fragment, re.MULTILINE)}
    document = "".join(f"{key}: {value}\n" for key, value in head.items()) + fragment
    found = re.search(r"^timezone: *(\S+)", document, re.MULTILINE)
    assert found is not None, f"{file}: {title}: no time zone"
    zone = ZoneInfo(found[1])
    told: list[Told] = []
    for number, line in lines:
        text = line.partition(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("->"):
            assert told, f"{file}:{number}: an answer to nothing"
            told[-1].answers.append((number, tuple(text.removeprefix("->").split())))
            continue
        told.append(_told(file, number, text, zone))
    assert told, f"{file}: {title}: nothing happens"
    return Story(file, title, document, zone, tuple(told))


def _told(file: str, number: int, text: str, zone: ZoneInfo) -> Told:
    match = _LINE.fullmatch(text)
    assert match is not None, f"{file}:{number}: not a line of a story: {text}"

    def instant(words: str, fold: int = 0) -> datetime:
        return datetime.fromisoformat(words).replace(tzinfo=zone, fold=fold).astimezone(UTC)

    at = instant(f"{match['on']} {match['at']}", fold=1 if match["again"] else 0)
    return Told(
        number=number,
        at=at,
        heard=instant(match["heard"]) if match["heard"] else at,
        who=match["who"] or "ann",
        words=tuple(match["text"].split()),
    )
