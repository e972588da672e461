"""A document as a tree of maps, lists and texts that know where they stood."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from guerdon.rules.definition.scalars.problems import DefinitionError, DefinitionFault, shown
from guerdon.rules.definition.scalars.words import Word

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 50_000
MAX_KEY: Final = 128

NO_TEXT: Final = "this text holds half a character or a NUL"

Style = Literal["plain", "single", "double", "block", "json"]


@dataclass(slots=True)
class Node:
    """One value of a document."""

    start: int
    """Index of its first character in the text."""
    end: int
    """Index behind its last character."""
    value: dict[str, Entry] | list[Node] | str | None
    """A map, a list, a text, or None for `null`."""
    style: Style = "plain"


@dataclass(slots=True)
class Entry:
    """One key of a map with its value."""

    key: Node
    node: Node


@dataclass(slots=True)
class Source:
    """The text of a document, and how indexes become lines and columns."""

    text: str
    filename: str
    line_starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Find where lines start."""
        self.line_starts = [0]
        self.line_starts.extend(at + 1 for at, letter in enumerate(self.text) if letter == "\n")

    def place(self, index: int) -> tuple[int, int]:
        """Turn an index into a place for people.

        Args:
            index: of a character in the text.

        Returns:
            Line and column, both from 1.
        """
        line = bisect.bisect_right(self.line_starts, index)
        return line, index - self.line_starts[line - 1] + 1

    def fault(self, index: int, pointer: str, code: str, detail: str) -> DefinitionFault:
        """Make a fault at a place of this text.

        Args:
            index: of the first wrong character.
            pointer: JSON pointer to the value, as far as it is known.
            code: stable snake_case word.
            detail: a sentence for people.

        Returns:
            The fault.
        """
        line, column = self.place(min(index, len(self.text)))
        return DefinitionFault(pointer, code, detail, line, column)

    def refuse(self, index: int, pointer: str, code: str, detail: str) -> DefinitionError:
        """Make the error of a document that cannot be read any further.

        Args:
            index: of the first wrong character.
            pointer: JSON pointer to the value, as far as it is known.
            code: stable snake_case word.
            detail: a sentence for people.

        Returns:
            The error, to be raised.
        """
        return DefinitionError([self.fault(index, pointer, code, detail)])

    def duplicate(self, index: int, pointer: str, key: str, first: int) -> DefinitionError:
        """Make the error of a key that stands twice in one map.

        Args:
            index: of the second one.
            pointer: JSON pointer to its value.
            key: the key.
            first: index of the first one.

        Returns:
            The error, to be raised.
        """
        line = self.place(first)[0]
        detail = f"the key {shown(key)} stands here a second time; the first is in line {line}"
        return self.refuse(index, pointer, "duplicate_key", detail)


def whole_characters(text: str) -> str | None:
    """Put characters together that escapes wrote as two halves.

    Args:
        text: a scalar with its escapes resolved.

    Returns:
        The text, or None where it holds half a character or a NUL, which nothing can store.
    """
    if "\0" in text:
        return None
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def join(pointer: str, key: str | int) -> str:
    """Go one step down in a JSON pointer.

    Args:
        pointer: of a map or a list.
        key: the key or index.

    Returns:
        The pointer to that value (RFC 6901).
    """
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def steps_of(pointer: str) -> Iterator[str]:
    """Take a JSON pointer apart.

    Args:
        pointer: as of RFC 6901.

    Yields:
        Its keys, unescaped.
    """
    for step in pointer.split("/")[1:]:
        yield step.replace("~1", "/").replace("~0", "~")


def plain_data(node: Node, pointer: str = "") -> object:
    """Turn a tree into plain data whose texts know their pointers.

    Args:
        node: the tree.
        pointer: JSON pointer to it.

    Returns:
        Dicts, lists, words and None.
    """
    if isinstance(node.value, dict):
        return {key: plain_data(entry.node, join(pointer, key)) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain_data(item, join(pointer, at)) for at, item in enumerate(node.value)]
    return None if node.value is None else Word(node.value, pointer)


def child(node: Node, step: str | int) -> Node | None:
    """Go one step down in a tree.

    Args:
        node: where to start.
        step: a key or an index.

    Returns:
        The value there, or None where there is none.
    """
    if isinstance(node.value, dict):
        entry = node.value.get(str(step))
        return entry.node if entry else None
    if isinstance(node.value, list) and str(step).isdecimal() and int(step) < len(node.value):
        return node.value[int(step)]
    return None
