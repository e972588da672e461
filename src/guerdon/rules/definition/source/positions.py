"""Where the values of a definition stood in its document."""

from __future__ import annotations

from collections.abc import Sequence

from guerdon.rules.definition.source.tree import Node, Source, child, join, steps_of


class Positions:
    """The places of a document's values, kept beside the definition that was read from it."""

    def __init__(self, source: Source, root: Node) -> None:
        """Keep a tree with its text.

        Args:
            source: the text.
            root: the tree that was read from it.
        """
        self.source = source
        self.root = root

    def find(self, pointer: str) -> Node | None:
        """Find the value at a JSON pointer.

        Args:
            pointer: as of RFC 6901.

        Returns:
            The value, or None where the document has none there.
        """
        node: Node | None = self.root
        for step in steps_of(pointer):
            node = child(node, step) if node else None
        return node

    def place(self, pointer: str) -> tuple[int, int]:
        """Say where a value starts.

        Args:
            pointer: JSON pointer to it; where there is nothing, the nearest value around it counts.

        Returns:
            Line and column, both from 1.
        """
        node = self.find(self.nearest(pointer))
        return self.source.place(node.start if node else 0)

    def nearest(self, pointer: str) -> str:
        """Go up to what the document has, as short spellings leave out the last keys of a pointer.

        Args:
            pointer: JSON pointer into the definition.

        Returns:
            The pointer, or that of the nearest value around it that stands in the document.
        """
        while self.find(pointer) is None:
            pointer = pointer.rpartition("/")[0]
        return pointer

    def key_place(self, pointer: str) -> tuple[int, int]:
        """Say where the key of a value starts.

        Args:
            pointer: JSON pointer to the value.

        Returns:
            Line and column of its key, or of the value itself where it has no key.
        """
        above, _, _ = pointer.rpartition("/")
        parent = self.find(above) if pointer else None
        last = list(steps_of(pointer))[-1:]
        if parent is not None and isinstance(parent.value, dict) and last and last[0] in parent.value:
            return self.source.place(parent.value[last[0]].key.start)
        return self.place(pointer)

    def resolve(self, location: Sequence[str | int]) -> tuple[str, tuple[str | int, ...]]:
        """Turn the location of a validation error into a pointer of the document.

        Args:
            location: keys, indexes, and names of alternatives in angle brackets, which are in no document.

        Returns:
            JSON pointer to the deepest value that exists, and the steps that lead on from there.
        """
        node, pointer = self.root, ""
        steps = [step for step in location if not str(step).startswith("<")]
        for at, step in enumerate(steps):
            below = child(node, step)
            if below is None:
                return pointer, tuple(steps[at:])
            node, pointer = below, join(pointer, step)
        return pointer, ()


def locate(positions: Positions, pointer: str, offset: int) -> tuple[int, int]:
    """Find a character of a text value, such as the wrong place in an expression.

    Args:
        positions: of the document.
        pointer: JSON pointer to the text.
        offset: which character of the value, from 0; one behind the last is its end.

    Returns:
        Line and column in the document, both from 1.
    """
    node = positions.find(pointer)
    if node is None or not isinstance(node.value, str):
        return positions.place(pointer)
    return positions.source.place(_index(node, positions.source.text, max(0, min(offset, len(node.value)))))


_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}


def _index(node: Node, text: str, offset: int) -> int:
    """Walk value and source side by side, as folding and escapes make the source the longer one."""
    value = node.value
    assert isinstance(value, str)
    at = _first(node, text)
    for letter in value[:offset]:
        at = _skip_letter(node, text, at, letter)
    return min(_skip_silent(node, text, at, value[offset : offset + 1]), node.end)


def _first(node: Node, text: str) -> int:
    if node.style == "block":
        return text.index("\n", node.start) + 1
    return node.start if node.style == "plain" else node.start + 1


def _skip_silent(node: Node, text: str, at: int, letter: str) -> int:
    """Go over indentation and folds that show nothing, up to where the letter is written."""
    while node.style == "double" and text.startswith("\\\n", at):
        at += 2
        while text[at : at + 1] in (" ", "\t"):
            at += 1
    if letter and not letter.isspace():
        while at < node.end and text[at].isspace():
            at += 1
    return at


def _skip_letter(node: Node, text: str, at: int, letter: str) -> int:
    at = _skip_silent(node, text, at, letter)
    if node.style in ("double", "json") and text[at : at + 1] == "\\":
        length = _ESCAPE_LENGTHS.get(text[at + 1 : at + 2], 2)
        # JSON writes a character beyond the first plane as two escapes.
        return at + (12 if node.style == "json" and ord(letter) > 0xFFFF else length)
    if node.style == "single" and text[at : at + 2] == "''":
        return at + 2
    return at + 1
