"""A history of events in files: in order of time, and split by account."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.linefiles import LineFile
from guerdon.infra.lineindex import LineIndex, index_lines
from guerdon.insight.backtest.own import event_in
from guerdon.rules.reading import RETURNS, clock_of, instant_of, subject_key

_MARKS: Final = tuple(kind.encode() for kind in sorted(RETURNS))
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Outline(msgspec.Struct):
    id: str
    source: str
    type: str
    subject: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Named(msgspec.Struct):
    id: Any = None
    order: Any = None


_OUTLINES: Final = msgspec.json.Decoder(_Outline)
_NAMES: Final = msgspec.json.Decoder(_Named)


class History(msgspec.Struct, frozen=True):
    """The events of one or more files, in order of time, ties in order of input."""

    lines: LineIndex
    last_at: datetime
    """The latest event's own time, UTC."""
    returned: frozenset[str] = frozenset()
    """Ids of the orders that something came back of."""


def open_history(
    sources: Iterable[str | LineFile], folder: Path, told: Callable[[int], None] | None = None
) -> History:
    """Find every event of some files and its time.

    Args:
        sources: files that are open already, or paths, `.gz` or not, `-` for the standard input.
        folder: where copies of compressed and piped ones may be put.
        told: hears the bytes looked through since it was last told.

    Returns:
        The history; a line whose time cannot be read stands beside the line before it.

    Raises:
        Problem: `no_events`, or what `index_lines` raises.
    """
    returned: set[str] = set()

    def looked_at(line: bytes) -> int | None:
        if any(mark in line for mark in _MARKS):
            returned.update(_order_of(line))
        return clock_of(line)

    lines = index_lines(sources, folder, looked_at, told)
    if not lines.keyed:
        places = ", ".join(one.name for one in lines.files)
        raise Problem("no_events", f"no line of {places} is an event with a time")
    return History(lines, instant_of(lines.greatest), frozenset(returned))


def _order_of(line: bytes) -> list[str]:
    """Find the order that something may have come back of."""
    try:
        outline = _OUTLINES.decode(event_in(line))
        named = _NAMES.decode(bytes(outline.data))
    except _UNREADABLE:
        return []
    return [str(one) for one in (named.order, named.id) if one is not None] if outline.type in RETURNS else []


def split_by_account(history: History, parts: int) -> list[Sequence[int]]:
    """Split a history so that each account, each event id and each order is in one part only.

    Args:
        history: to be split.
        parts: how many.

    Returns:
        Line indexes of each part, in order of time; one part with all, where accounts share an id.
    """
    split = [array("q") for _ in range(parts)]
    owners: dict[tuple[str, ...], int] = {}
    with ExitStack() as stack:
        read = history.lines.reader(stack)
        for index in history.lines.order:
            part, keys = _outlined(read(index), parts)
            for key in keys:
                if owners.setdefault(key, part) != part:
                    return [history.lines.order]
            split[part].append(index)
    return [part for part in split if part]


def _outlined(line: bytes, parts: int) -> tuple[int, list[tuple[str, ...]]]:
    try:
        outline = _OUTLINES.decode(line)
        keys: list[tuple[str, ...]] = [(outline.source, outline.id)]
        if outline.type.startswith("order."):
            named = _NAMES.decode(bytes(outline.data))
            of_return = outline.type in RETURNS and named.order is not None
            keys.append((outline.source, "order", str(named.order if of_return else named.id)))
    except _UNREADABLE:
        return 0, []  # it will be refused, whichever part reads it
    if outline.subject is None:
        return 0, keys
    return zlib.crc32(subject_key(outline.subject).encode("utf-8", "replace")) % parts, keys
