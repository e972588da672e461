"""The pages of the command line, written from the verbs themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guerdon import cli
from guerdon.cli.shell.tree import EXAMPLES, Verb, walk

MARK: Final = "<!-- verbs -->"
_MARKUP: Final = re.compile(r"\[/?[a-z]*\]")


def with_verbs(text: str) -> str:
    """Put a section for each verb where a document asks for them.

    Args:
        text: Markdown.

    Returns:
        The same, with the sections.
    """
    if MARK not in text:
        return text
    verbs = [verb for verb in walk(cli.tree()) if verb.path]
    return text.replace(MARK, "\n".join(line for verb in verbs for line in _section(verb)))


def _section(verb: Verb) -> Iterator[str]:
    yield f"### guerdon {verb.path}\n"
    yield f"{_MARKUP.sub('', verb.command.help or '')}\n"
    if verb.verbs:
        yield "Its verbs: " + ", ".join(f"[{one}](#guerdon-{verb.path}-{one})" for one in verb.verbs) + ".\n"
        return
    yield "```sh"
    yield from EXAMPLES[verb.path]
    yield "```\n"
    rows = [(one.metavar or one.name.upper(), one.help or "") for one in verb.arguments()]
    for option in verb.options():
        names = ", ".join(option.opts)
        value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
        rows.append((names + value, option.help or ""))
    if rows:
        yield "| takes | what it says |\n|---|---|"
        yield from (f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
