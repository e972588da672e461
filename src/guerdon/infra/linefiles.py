"""Files of lines, plain, compressed or piped in: read in bounded memory, and again by place."""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple, cast

from guerdon.base.errors import Problem

STANDARD_INPUT: Final = "-"
LINE_BYTES_AT_MOST: Final = 32 * 2**20

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PIECE: Final = 2**20


class Place(NamedTuple):
    """Where a line stands."""

    number: int
    """Line number, from 1, empty lines count; or the row that the line was made from."""
    offset: int
    length: int
    """In bytes, its line end left out."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A place of a file that made no line, and why."""

    file: str
    line: int
    """Line or row, from 1."""
    code: str
    detail: str
    column: str = ""
    """The name of the wrong cell's column, where there is one."""


@dataclass(frozen=True, slots=True)
class LineFile:
    """A file whose lines can be read by place; where it was compressed, piped or made, a copy of it."""

    name: str
    """As it was named by whoever gave it."""
    path: Path
    size: int
    """Bytes of text."""
    rows: Sequence[int] = ()
    """Where lines were made from rows: the row of each, from 1."""
    unread: Sequence[Unread] = ()
    """Rows that made no line."""

    def lines(self) -> Iterator[tuple[Place, bytes]]:
        """Read all lines that are not empty, in order.

        Yields:
            The place and bytes of each, line ends left out.

        Raises:
            Problem: `line_too_long`.
        """
        number = offset = 0
        with self.path.open("rb", buffering=_PIECE) as file:
            while line := file.readline(LINE_BYTES_AT_MOST + 2):
                number += 1
                if len(line) > LINE_BYTES_AT_MOST + 1:
                    limit = f"{LINE_BYTES_AT_MOST // 2**20} MiB"
                    raise Problem("line_too_long", f"{self.name}:{number}: a line has at most {limit}")
                start = offset + (len(_BYTE_ORDER_MARK) if _is_marked(line, offset) else 0)
                text = line[start - offset :].rstrip(b"\r\n")
                if text.strip():
                    yield Place(self.rows[number - 1] if self.rows else number, start, len(text)), text
                offset += len(line)


def _is_marked(line: bytes, offset: int) -> bool:
    return offset == 0 and line.startswith(_BYTE_ORDER_MARK)


def read_place(descriptor: int, offset: int, length: int) -> bytes:
    """Read a line again.

    Args:
        descriptor: of the open file.
        offset: where the line begins, in bytes.
        length: its bytes.

    Returns:
        The line.

    Raises:
        Problem: `file_changed` where the file has become shorter.
    """
    found = os.pread(descriptor, length, offset)
    if len(found) != length:
        raise Problem("file_changed", "a file was changed while it was read")
    return found


def open_lines(name: str, folder: Path) -> LineFile:
    """Make a file of lines readable by place; what is compressed or piped is copied first.

    Args:
        name: path of the file, `.gz` or not, or `-` for the standard input.
        folder: where copies may be put.

    Returns:
        The file.

    Raises:
        Problem: `file_not_found`, `file_unreadable` or `file_broken`.
    """
    if name == STANDARD_INPUT:
        return _copied("standard input", cast("BufferedReader", sys.stdin.buffer), folder)
    path = Path(name)
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
        if compressed:
            with gzip.open(path) as unpacked:
                return _copied(name, unpacked, folder)
        return LineFile(name, path, path.stat().st_size)
    except FileNotFoundError:
        raise Problem("file_not_found", f"there is no file {name}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Problem("file_broken", f"{name} does not unpack: {error}") from None
    except OSError as error:
        raise Problem("file_unreadable", f"{name} cannot be read: {error.strerror}") from None


def _copied(name: str, source: BufferedReader | gzip.GzipFile, folder: Path) -> LineFile:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".ndjson", delete=False) as copy:
        # One read at a time: between two of them an interruption is heard.
        while piece := source.read1(_PIECE):
            copy.write(piece)
        return LineFile(name, Path(copy.name), copy.tell())
