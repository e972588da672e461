"""The comments and blank lines of a document, found where no value is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guerdon.rules.definition.source.tree import Node


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment."""

    at: int
    """Index of its `#` in the document."""
    column: int
    """Column of its `#`, from 0."""
    text: str
    """With its `#`, without the end of the line."""
    alone: bool
    """Whether nothing else stands on its line."""


def comments_of(text: str, root: Node) -> list[Comment]:
    """Find the comments of a document.

    Args:
        text: the document.
        root: its tree.

    Returns:
        The comments in the order of the document.
    """
    found: list[Comment] = []
    at = 0
    for start, end in [*scalars(root), (len(text), len(text))]:
        found += _between(text, at, start)
        # The first line of a block scalar may end with a comment of its own.
        found += _in_header(text, start, end)
        at = max(at, end)
    return found


def scalars(node: Node) -> Iterator[tuple[int, int]]:
    """List where texts are written, keys among them.

    Args:
        node: a tree.

    Yields:
        First and last-plus-one index of each, in the order of the document.
    """
    if isinstance(node.value, dict):
        for entry in node.value.values():
            yield from scalars(entry.key)
            yield from scalars(entry.node)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from scalars(item)
    else:
        yield node.start, node.end


def _between(text: str, start: int, end: int) -> Iterator[Comment]:
    at = text.find("#", start, end)
    while at >= 0:
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        if at == 0 or text[at - 1] in " \t\n":
            yield _comment(text, at, stop)
        at = text.find("#", stop, end)


def _in_header(text: str, start: int, end: int) -> Iterator[Comment]:
    if text[start : start + 1] not in ("|", ">") or start == end:
        return
    stop = text.find("\n", start, end)
    at = text.find(" #", start, stop) + 1 if stop >= 0 else 0
    if at:
        yield _comment(text, at, stop)


def _comment(text: str, at: int, stop: int) -> Comment:
    line = text.rfind("\n", 0, at) + 1
    return Comment(at, at - line, text[at:stop].rstrip(), not text[line:at].strip())
