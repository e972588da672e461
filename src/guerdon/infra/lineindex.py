"""Lines of several files put in order by a key; the files may be larger than memory."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from guerdon.base.errors import Problem
from guerdon.infra.linefiles import LineFile, Unread, open_lines, read_place

_TOLD_EVERY: Final = 2**20
_LOWEST: Final = -(2**63)


class LineIndex:
    """Where each line of some files stands, and the order of their keys, ties in order of input."""

    def __init__(self, files: Sequence[LineFile]) -> None:
        """Make an index without lines.

        Args:
            files: in the order of input.
        """
        self.files = tuple(files)
        self.is_sorted = True
        """Whether the input was in order already."""
        self.order: Sequence[int] = ()
        """Numbers of the lines in order of input, from 0, put in order of key."""
        self.greatest = _LOWEST
        """The greatest key that was found."""
        self.keyed = 0
        """How many lines had a key."""
        self._file_numbers = array("H")
        self._line_numbers = array("q")
        self._offsets = array("q")
        self._lengths = array("q")

    def __len__(self) -> int:
        """Count the lines that are not empty."""
        return len(self._offsets)

    @property
    def size(self) -> int:
        """Bytes of all lines, line ends included."""
        return sum(self._lengths) + len(self)

    @property
    def unread(self) -> list[Unread]:
        """Rows that made no line, file by file."""
        return [one for file in self.files for one in file.unread]

    def digest(self) -> str:
        """Work out a digest of all files, to tell the same input again from another.

        Returns:
            SHA-256 in hex.
        """
        seen = hashlib.sha256()
        for one in self.files:
            with one.path.open("rb") as file:
                seen.update(hashlib.file_digest(file, "sha256").digest())
        return seen.hexdigest()

    def size_of(self, index: int) -> int:
        """Tell how long a line is.

        Args:
            index: its number in order of input, from 0.

        Returns:
            Bytes, its line end included.
        """
        return self._lengths[index] + 1

    def place_of(self, index: int) -> tuple[str, int]:
        """Tell where a line stands.

        Args:
            index: its number in order of input, from 0.

        Returns:
            The file's name, and the line's number from 1.
        """
        return self.files[self._file_numbers[index]].name, self._line_numbers[index]

    def reader(self, stack: ExitStack) -> Callable[[int], bytes]:
        """Open the files.

        Args:
            stack: closes them.

        Returns:
            Index of a line → the line; it raises `file_changed` where a file has become shorter.
        """
        descriptors = []
        for one in self.files:
            descriptor = os.open(one.path, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            descriptors.append(descriptor)

        def read(index: int) -> bytes:
            descriptor = descriptors[self._file_numbers[index]]
            return read_place(descriptor, self._offsets[index], self._lengths[index])

        return read

    def look_through(self, key_of: Callable[[bytes], int | None], told: Callable[[int], None] | None) -> None:
        """Find all lines and put them in order.

        Args:
            key_of: line → its key, 64 bits; None where it has none: it stays beside the line before it.
            told: hears the bytes looked through since it was last told.
        """
        keys = array("q")
        key, waiting = _LOWEST, 0
        for number, file in enumerate(self.files):
            for place, line in file.lines():
                found = key_of(line)
                if found is not None:
                    key = found
                    self.keyed += 1
                    self.is_sorted = self.is_sorted and key >= self.greatest
                    self.greatest = max(self.greatest, key)
                keys.append(key)
                self._file_numbers.append(number)
                self._line_numbers.append(place.number)
                self._offsets.append(place.offset)
                self._lengths.append(place.length)
                waiting += place.length + 1
                if told is not None and waiting > _TOLD_EVERY:
                    told(waiting)
                    waiting = 0
        everything = range(len(keys))
        self.order = everything if self.is_sorted else array("q", sorted(everything, key=keys.__getitem__))


def index_lines(
    sources: Iterable[str | LineFile],
    folder: Path,
    key_of: Callable[[bytes], int | None],
    told: Callable[[int], None] | None = None,
) -> LineIndex:
    """Find every line of some files and put them in order.

    Args:
        sources: files that are open already, or paths, `.gz` or not, `-` for the standard input.
        folder: where copies of compressed and piped ones may be put.
        key_of: line → what it is put in order by; None where it has none.
        told: hears the bytes looked through since it was last told.

    Returns:
        The index.

    Raises:
        Problem: `no_lines`, `line_too_long`, or what `open_lines` raises.
    """
    index = LineIndex([open_lines(one, folder) if isinstance(one, str) else one for one in sources])
    index.look_through(key_of, told)
    if not len(index):
        first = next((f"; {one.file}:{one.line}: {one.detail}" for one in index.unread), "")
        raise Problem("no_lines", f"there is nothing in {', '.join(one.name for one in index.files)}{first}")
    return index
