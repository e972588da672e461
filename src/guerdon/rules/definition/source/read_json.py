"""From JSON text to the same tree that YAML gives, with numbers kept as they are written."""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError, JSONDecoder
from typing import Final

from guerdon.rules.definition.source.tree import (
    MAX_DEPTH,
    MAX_KEY,
    MAX_VALUES,
    NO_TEXT,
    Entry,
    Node,
    Source,
    join,
    whole_characters,
)

_DECODER: Final = JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PLAIN: Final = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class NotJson(ValueError):  # noqa: N818 - it is no error that the text is YAML
    """The text is not JSON; it may be YAML."""


def read_json(source: Source) -> Node:
    """Read a JSON document, every number, `true` and `false` as text.

    Args:
        source: the text.

    Returns:
        The tree.

    Raises:
        NotJson: where the text is not JSON.
        DefinitionError: `duplicate_key`, `bad_key`, `too_deep`, `too_many_values`, `invalid_character`.
    """
    reader = _Reader(source)
    root, at = reader.value(reader.space(0), "", 1)
    if reader.space(at) != len(source.text):
        raise NotJson
    return root


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.values = 0

    def space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, pointer: str, depth: int) -> tuple[Node, int]:
        self.values += 1
        if self.values > MAX_VALUES:
            detail = f"a definition has at most {MAX_VALUES} values"
            raise self.source.refuse(at, pointer, "too_many_values", detail)
        if depth > MAX_DEPTH:
            detail = f"a definition nests at most {MAX_DEPTH} levels deep"
            raise self.source.refuse(at, pointer, "too_deep", detail)
        first = self.text[at : at + 1]
        if first == "{":
            return self.mapping(at, pointer, depth)
        if first == "[":
            return self.sequence(at, pointer, depth)
        return self.scalar(at, pointer)

    def scalar(self, at: int, pointer: str) -> tuple[Node, int]:
        if self.text[at : at + 1] == '"':
            text, end = self.string(at, pointer)
            return Node(at, end, text, "json"), end
        found = _PLAIN.match(self.text, at)
        if found is None:
            raise NotJson
        return Node(at, found.end(), None if found[0] == "null" else found[0]), found.end()

    def string(self, at: int, pointer: str) -> tuple[str, int]:
        try:
            text, end = _DECODER.raw_decode(self.text, at)
        except JSONDecodeError as error:
            raise NotJson from error
        if whole_characters(text) is None:
            raise self.source.refuse(at, pointer, "invalid_character", NO_TEXT)
        return text, end

    def sequence(self, start: int, pointer: str, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        at = self.space(start + 1)
        while self.text[at : at + 1] != "]":
            item, at = self.value(at, join(pointer, len(items)), depth + 1)
            items.append(item)
            at = self.after_item(at, "]")
        return Node(start, at + 1, items), at + 1

    def mapping(self, start: int, pointer: str, depth: int) -> tuple[Node, int]:
        entries: dict[str, Entry] = {}
        at = self.space(start + 1)
        while self.text[at : at + 1] != "}":
            key, text, at = self.key(at, pointer, entries)
            node, at = self.value(at, join(pointer, text), depth + 1)
            entries[text] = Entry(key, node)
            at = self.after_item(at, "}")
        return Node(start, at + 1, entries), at + 1

    def key(self, at: int, pointer: str, entries: dict[str, Entry]) -> tuple[Node, str, int]:
        if self.text[at : at + 1] != '"':
            raise NotJson
        text, end = self.string(at, pointer)
        if len(text) > MAX_KEY:
            raise self.source.refuse(
                at, pointer, "bad_key", f"a key is a text of at most {MAX_KEY} characters"
            )
        if text in entries:
            raise self.source.duplicate(at, join(pointer, text), text, entries[text].key.start)
        colon = self.space(end)
        if self.text[colon : colon + 1] != ":":
            raise NotJson
        return Node(at, end, text, "json"), text, self.space(colon + 1)

    def after_item(self, at: int, closing: str) -> int:
        at = self.space(at)
        if self.text[at : at + 1] != ",":
            if self.text[at : at + 1] != closing:
                raise NotJson
            return at
        at = self.space(at + 1)
        if self.text[at : at + 1] == closing:
            raise NotJson
        return at
