"""What is wrong with a definition: each fault with its place, and a picture of that place for people."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from guerdon.base.errors import Fault, Problem

SHOWN_CHARACTERS = 60
SHOWN_LINE = 160
SHOWN_WORDS = 16
COMPARED_WORDS = 1000


@dataclass(frozen=True, slots=True)
class DefinitionFault(Fault):
    """One wrong place in a definition."""

    line: int
    """Line in the document, from 1."""
    column: int
    """Column in that line, from 1, counted in characters."""
    expected: str = ""
    """What would be right there, or nothing where the detail says it all."""
    nearest: str = ""
    """The known word that looks most like the one found, or nothing."""


class DefinitionError(Problem):
    """A refused definition, with all faults that could be found in one reading."""

    def __init__(self, errors: Sequence[DefinitionFault]) -> None:
        """Make the error.

        Args:
            errors: the faults in the order of the document, at least one.
        """
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        detail = f"line {first.line}, column {first.column}: {first.detail}{more}"
        super().__init__("invalid_definition", detail, tuple(errors))
        self.errors = tuple(errors)


def refusal(code: str, detail: str, **context: object) -> PydanticCustomError:
    """Make the error that a validator raises.

    Args:
        code: stable snake_case word.
        detail: a sentence for people.
        context: `expected` and `nearest` for the fault; `key` or `keys` where keys of the value are wrong.

    Returns:
        The error, which pydantic carries to the loader with its place.
    """
    return PydanticCustomError(code, "{detail}", {"detail": detail, **context})


def shown(value: object) -> str:
    """Quote a value for a message, cut to a readable length.

    Args:
        value: what stood in the document.

    Returns:
        Its quoted text, or what kind of thing it is.
    """
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    if len(text) > SHOWN_CHARACTERS:
        text = text[: SHOWN_CHARACTERS - 1] + "…"
    return f"'{text}'"


def listing(words: Collection[str]) -> str:
    """List words for a message, the first of them where they are many.

    Args:
        words: what could have been written.

    Returns:
        The words with commas between them.
    """
    first = ", ".join(itertools.islice(words, SHOWN_WORDS))
    return f"{first}, …" if len(words) > SHOWN_WORDS else first


def nearest_to(word: str, known: Iterable[str]) -> str:
    """Find the known word that looks most like a wrong one.

    Args:
        word: what was written.
        known: what could have been meant.

    Returns:
        The nearest known word, or nothing where none is near.
    """
    close = difflib.get_close_matches(
        word[:SHOWN_CHARACTERS], list(itertools.islice(known, COMPARED_WORDS)), n=1, cutoff=0.6
    )
    return close[0] if close else ""


def render(faults: Sequence[DefinitionFault], text: str, filename: str) -> str:
    """Draw faults for a terminal: where, what, the line and a caret under the place.

    Args:
        faults: what is wrong.
        text: the document.
        filename: how the document is called.

    Returns:
        The picture, several lines for each fault.
    """
    lines = text.split("\n")
    return "\n\n".join(_picture(fault, lines, filename) for fault in faults)


def _picture(fault: DefinitionFault, lines: list[str], filename: str) -> str:
    head = f"{filename}:{fault.line}:{fault.column}: {fault.detail} [{fault.code}]"
    if not 1 <= fault.line <= len(lines):
        return head
    line = lines[fault.line - 1].rstrip("\r")
    start = max(0, fault.column - 1 - SHOWN_LINE // 2) if len(line) > SHOWN_LINE else 0
    piece = line[start : start + SHOWN_LINE].replace("\t", " ")
    number = str(fault.line)
    return f"{head}\n  {number} | {piece}\n  {' ' * len(number)} | {' ' * (fault.column - 1 - start)}^"
