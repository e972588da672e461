"""A history of events in files: where each event stands, and in which order they happened."""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from guerdon.base.calendar import FIRST_INSTANT, LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.infra.linefiles import LineFile, open_lines, read_place
from guerdon.rules.reading import subject_key

_MICROSECOND: Final = timedelta(microseconds=1)
_TOLD_EVERY: Final = 2**20


class _Clock(msgspec.Struct):
    time: datetime


class _Outline(msgspec.Struct):
    id: str
    source: str
    type: str
    subject: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Named(msgspec.Struct):
    id: Any = None


_CLOCKS: Final = msgspec.json.Decoder(_Clock)
_OUTLINES: Final = msgspec.json.Decoder(_Outline)
_NAMES: Final = msgspec.json.Decoder(_Named)


class History:
    """The events of one or more files, in order of time, ties in order of input."""

    def __init__(self, files: Sequence[LineFile]) -> None:
        """Make an empty history.

        Args:
            files: in the order of input.
        """
        self.files = tuple(files)
        self.file_numbers = array("H")
        self.line_numbers = array("q")
        self.offsets = array("q")
        self.lengths = array("q")
        self.times = array("q")
        self.is_sorted = True
        self.order: Sequence[int] = ()
        self.last_at: datetime | None = None

    def __len__(self) -> int:
        """Count the lines that are not empty."""
        return len(self.offsets)

    def place_of(self, index: int) -> tuple[str, int]:
        """Tell where a line stands.

        Args:
            index: its number in order of input, from 0.

        Returns:
            The file's name, and the line's number from 1.
        """
        return self.files[self.file_numbers[index]].name, self.line_numbers[index]

    def reader(self, stack: ExitStack) -> Callable[[int], bytes]:
        """Open the files.

        Args:
            stack: closes them.

        Returns:
            Index of a line → the line.
        """
        descriptors = []
        for one in self.files:
            descriptor = os.open(one.path, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            descriptors.append(descriptor)

        def read(index: int) -> bytes:
            descriptor = descriptors[self.file_numbers[index]]
            return read_place(descriptor, self.offsets[index], self.lengths[index])

        return read


def open_history(names: Iterable[str], folder: Path, told: Callable[[int], None] | None = None) -> History:
    """Find every event of some files and its time.

    Args:
        names: paths, `.gz` or not, `-` for the standard input.
        folder: where copies of compressed and piped ones may be put.
        told: hears the bytes looked through since it was last told.

    Returns:
        The history; a line whose time cannot be read takes the time of the line before it.

    Raises:
        Problem: `no_events`, or what `open_lines` raises.
    """
    history = History([open_lines(name, folder) for name in names])
    latest = now = _microseconds(FIRST_INSTANT)
    waiting = 0
    for number, file in enumerate(history.files):
        for place, line in file.lines():
            at = _time_of(line)
            now = at if at is not None else now
            history.is_sorted = history.is_sorted and now >= latest
            latest = max(latest, now)
            history.file_numbers.append(number)
            history.line_numbers.append(place.number)
            history.offsets.append(place.offset)
            history.lengths.append(place.length)
            history.times.append(now)
            waiting += place.length + 1
            if told is not None and waiting > _TOLD_EVERY:
                told(waiting)
                waiting = 0
    if not len(history):
        raise Problem("no_events", "there is no event in what was given")
    history.last_at = FIRST_INSTANT + latest * _MICROSECOND
    everyone = range(len(history))
    history.order = everyone if history.is_sorted else sorted(everyone, key=history.times.__getitem__)
    return history


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
        read = history.reader(stack)
        for index in history.order:
            part, keys = _outlined(read(index), parts)
            for key in keys:
                if owners.setdefault(key, part) != part:
                    return [history.order]
            split[part].append(index)
    return list(split)


def _outlined(line: bytes, parts: int) -> tuple[int, list[tuple[str, ...]]]:
    try:
        outline = _OUTLINES.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0, []  # no part applies it
    keys: list[tuple[str, ...]] = [(outline.source, outline.id)]
    if outline.type.startswith("order."):
        try:
            keys.append((outline.source, "order", str(_NAMES.decode(bytes(outline.data)).id)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return 0, []
    if outline.subject is None:
        return 0, keys
    return zlib.crc32(subject_key(outline.subject).encode("utf-8", "replace")) % parts, keys


def _time_of(line: bytes) -> int | None:
    try:
        at = _CLOCKS.decode(line).time
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if at.tzinfo is None or not FIRST_INSTANT <= at < LAST_INSTANT:
        return None
    return _microseconds(at)


def _microseconds(at: datetime) -> int:
    return (at.astimezone(UTC) - FIRST_INSTANT) // _MICROSECOND


def read_lines(read: Callable[[int], bytes], indexes: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Read lines in a given order.

    Args:
        read: as `History.reader` gives it.
        indexes: which lines.

    Yields:
        Index and bytes of each.
    """
    for index in indexes:
        yield index, read(index)
