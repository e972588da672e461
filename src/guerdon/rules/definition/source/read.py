"""From the text of a document to its tree; no word turns into anything else on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from guerdon.rules.definition.scalars.problems import DefinitionError, shown
from guerdon.rules.definition.source.read_json import NotJson, read_json
from guerdon.rules.definition.source.slips import explain_slip
from guerdon.rules.definition.source.tree import (
    MAX_DEPTH,
    MAX_KEY,
    MAX_VALUES,
    NO_TEXT,
    Entry,
    Node,
    Source,
    Style,
    join,
    whole_characters,
)

MAX_BYTES: Final = 1_048_576
MAX_TAG: Final = 20_000

_STYLES: Final[dict[str | None, Style]] = {"'": "single", '"': "double", "|": "block", ">": "block"}
_NULLS: Final = frozenset({"null", "~"})


def decode(content: str | bytes, filename: str) -> Source:
    """Check the size and the encoding of a document.

    Args:
        content: the document, at most 1 MiB of UTF-8.
        filename: how it is called in messages.

    Returns:
        Its text.

    Raises:
        DefinitionError: `document_too_large`, `invalid_utf8`.
    """
    if len(content) > MAX_BYTES:
        raise _too_large(filename)
    if isinstance(content, str):
        return Source(_checked(content, filename).removeprefix("\ufeff"), filename)
    try:
        return Source(content.decode("utf-8-sig"), filename)
    except UnicodeDecodeError as error:
        good = content[: error.start].decode("utf-8", errors="replace")
        raise Source(good, filename).refuse(
            len(good), "", "invalid_utf8", "this byte is not UTF-8"
        ) from error


def _too_large(filename: str) -> DefinitionError:
    detail = f"a definition has at most {MAX_BYTES} bytes"
    return Source("", filename).refuse(0, "", "document_too_large", detail)


def _checked(content: str, filename: str) -> str:
    try:
        if len(content.encode("utf-8")) > MAX_BYTES:
            raise _too_large(filename)
    except UnicodeEncodeError as error:
        source = Source(content, filename)
        detail = "this character cannot be written as UTF-8"
        raise source.refuse(error.start, "", "invalid_utf8", detail) from error
    return content


def read_document(source: Source) -> Node:
    """Read a document, JSON where it is JSON, else YAML.

    Args:
        source: the text.

    Returns:
        Its tree, in which every scalar is text.

    Raises:
        DefinitionError: as `read_yaml` and `read_json` do.
    """
    if source.text.lstrip()[:1] in ("{", "["):
        # Braces may as well be YAML's; what is no JSON is left to YAML, and YAML says what is wrong.
        with contextlib.suppress(NotJson):
            return read_json(source)
    return read_yaml(source)


def read_yaml(source: Source) -> Node:
    """Read a YAML document, every scalar as text.

    Args:
        source: the text.

    Returns:
        The tree of its only document.

    Raises:
        DefinitionError: `syntax_error`, `invalid_character`, `empty_document`, `one_document`,
            `duplicate_key`, `empty_value`, `yaml_version`, `alias_not_allowed`, `tag_not_allowed`, `bad_key`,
            `too_deep`, `too_long`, `too_many_values`.
    """
    # The scanner's time grows with the square of a tag's length.
    for word in source.text.split():
        if len(word) > MAX_TAG and "!" in word:
            detail = f"no word with an exclamation mark has more than {MAX_TAG} characters"
            raise source.refuse(source.text.index(word), "", "too_long", detail)
    events = YAML(typ="safe", pure=True).parse(source.text)
    reader = _Reader(source, events)
    try:
        return reader.document()
    except ReaderError as error:
        raise source.refuse(_index_of(source, error), "", "invalid_character", str(error.reason)) from error
    except MarkedYAMLError as error:
        at, detail = explain_slip(source, error)
        raise source.refuse(at, "", "syntax_error", detail) from error
    except YAMLError as error:
        raise source.refuse(0, "", "syntax_error", "this is not YAML") from error


def _index_of(source: Source, error: ReaderError) -> int:
    return error.position if isinstance(error.position, int) else len(source.text)


def _nothing_behind(pointer: str) -> str:
    key = pointer.rpartition("/")[2]
    if key.isdecimal():
        return f"a value was expected behind {shown(key)}; numbers are written without commas, such as 1500"
    return f"a value was expected behind {shown(key)}"


class _Reader:
    def __init__(self, source: Source, events: Iterator[Any]) -> None:
        self.source = source
        self.events = events
        self.values = 0
        # Where nothing is written, what stands before it is shown.
        self.before = 0

    def document(self) -> Node:
        event = self.next()
        while isinstance(event, StreamStartEvent | DocumentStartEvent):
            if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
                raise self.refuse(event, "", "yaml_version", "definitions are read as YAML 1.2")
            event = self.next()
        if isinstance(event, StreamEndEvent):
            raise self.refuse(event, "", "empty_document", "the document is empty")
        root = self.value(event, "", 1)
        self.next()
        event = self.next()
        if not isinstance(event, StreamEndEvent):
            raise self.refuse(
                event, "", "one_document", "a definition is one document; a second one starts here"
            )
        return root

    def next(self) -> Any:
        return next(self.events)

    def refuse(self, event: Any, pointer: str, code: str, detail: str) -> Exception:
        return self.source.refuse(event.start_mark.index, pointer, code, detail)

    def value(self, event: Any, pointer: str, depth: int) -> Node:
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.refuse(
                event, pointer, "too_many_values", f"a definition has at most {MAX_VALUES} values"
            )
        if depth > MAX_DEPTH:
            raise self.refuse(
                event, pointer, "too_deep", f"a definition nests at most {MAX_DEPTH} levels deep"
            )
        self.no_tricks(event, pointer)
        if isinstance(event, MappingStartEvent):
            return self.mapping(event, pointer, depth)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(event, pointer, depth)
        return self.scalar(event, pointer)

    def no_tricks(self, event: Any, pointer: str) -> None:
        if isinstance(event, AliasEvent) or event.anchor is not None:
            detail = "anchors and aliases are not read; write the value where it is used"
            raise self.refuse(event, pointer, "alias_not_allowed", detail)
        if event.tag is not None and str(event.tag) != "!":
            raise self.refuse(
                event,
                pointer,
                "tag_not_allowed",
                "a text that begins with ! is put into quotes; tags are not read",
            )

    def scalar(self, event: ScalarEvent, pointer: str) -> Node:
        text = whole_characters(str(event.value))
        if text is None:
            raise self.refuse(event, pointer, "invalid_character", NO_TEXT)
        style = _STYLES.get(event.style, "plain")
        start, end = event.start_mark.index, event.end_mark.index
        if style == "plain" and not text:
            raise self.source.refuse(self.before, pointer, "empty_value", _nothing_behind(pointer))
        return Node(start, end, None if style == "plain" and text in _NULLS else text, style)

    def sequence(self, start: Any, pointer: str, depth: int) -> Node:
        items: list[Node] = []
        while True:
            event = self.next()
            if isinstance(event, SequenceEndEvent):
                return Node(start.start_mark.index, event.end_mark.index, items)
            items.append(self.value(event, join(pointer, len(items)), depth + 1))

    def mapping(self, start: Any, pointer: str, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        while True:
            event = self.next()
            if isinstance(event, MappingEndEvent):
                return Node(start.start_mark.index, event.end_mark.index, entries)
            key = self.key(event, pointer, entries)
            below = join(pointer, str(event.value))
            self.before = key.start
            entries[str(event.value)] = Entry(key, self.value(self.next(), below, depth + 1))

    def key(self, event: Any, pointer: str, entries: dict[str, Entry]) -> Node:
        if isinstance(event, ScalarEvent):
            self.no_tricks(event, pointer)
        if not isinstance(event, ScalarEvent) or len(event.value) > MAX_KEY:
            raise self.refuse(event, pointer, "bad_key", f"a key is a text of at most {MAX_KEY} characters")
        text = str(event.value)
        if text in entries:
            raise self.source.duplicate(
                event.start_mark.index, join(pointer, text), text, entries[text].key.start
            )
        return Node(event.start_mark.index, event.end_mark.index, text)
