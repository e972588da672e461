"""Cutting a hand-written SQL file into single statements."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<dollar>(?<![\w$])\$(?:[A-Za-z_]\w*)?\$)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<end>;)
    | (?P<quote>['"])
    | (?P<atomic>\bbegin\s+atomic\b)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One command of a file."""

    text: str
    line: int
    """Line of its first word, from 1."""


def split_statements(source: str) -> list[Statement]:
    """Cut SQL text at the semicolons that end a command.

    Semicolons in quotes, dollar quotes, comments and parentheses do not count.

    Args:
        source: the text of a file.

    Returns:
        The commands in order, without their semicolon; comments alone are none.

    Raises:
        ValueError: for an open quote or comment, or a `begin atomic` body, which is not understood.
    """
    statements: list[Statement] = []
    start = position = depth = 0
    while (match := _TOKEN.search(source, position)) is not None:
        kind = match.lastgroup
        position = _end_of_token(source, match)
        if kind in ("open", "close"):
            depth += 1 if kind == "open" else -1
        elif kind == "end" and depth <= 0:
            _keep(statements, source, start, match.start())
            start, depth = position, 0
    _keep(statements, source, start, len(source))
    return statements


def _end_of_token(source: str, token: re.Match[str]) -> int:
    match token.lastgroup:
        case "block":
            return _end_of_block(source, token.end())
        case "dollar":
            return _end_of_dollar(source, token)
        case "quote":
            raise ValueError(f"line {_line(source, token.start())}: a quote is not closed")
        case "atomic":
            raise ValueError(
                f"line {_line(source, token.start())}: write the function's body in dollar quotes"
            )
        case _:
            return token.end()


def _keep(statements: list[Statement], source: str, start: int, end: int) -> None:
    first = _first_word(source, start, end)
    if first < end:
        statements.append(Statement(source[first:end].rstrip(), _line(source, first)))


def _first_word(source: str, position: int, end: int) -> int:
    while position < end:
        if source[position].isspace():
            position += 1
        elif source.startswith("--", position):
            stop = source.find("\n", position)
            position = end if stop < 0 else stop + 1
        elif source.startswith("/*", position):
            position = _end_of_block(source, position + 2)
        else:
            return position
    return end


def _end_of_block(source: str, position: int) -> int:
    depth = 1
    for mark in _BLOCK_MARK.finditer(source, position):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ValueError(f"line {_line(source, position)}: a comment is not closed")


def _end_of_dollar(source: str, match: re.Match[str]) -> int:
    end = source.find(match.group(), match.end())
    if end < 0:
        raise ValueError(f"line {_line(source, match.start())}: {match.group()} is not closed")
    return end + len(match.group())


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1
