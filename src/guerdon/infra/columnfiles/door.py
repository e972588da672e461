"""What such a file is, and the way to it that names the package it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from guerdon.base.errors import Problem
from guerdon.infra.columnfiles.kinds import Column


class ColumnFile(Protocol):
    """A file that is there."""

    @property
    def about(self) -> bytes:
        """What it says of itself."""

    @property
    def count(self) -> int:
        """Its rows."""

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Read all of it.

        Yields:
            Some rows at a time, in order.

        Raises:
            Problem: `file_broken`.
        """


def write_columns(
    path: Path, columns: Sequence[Column], about: bytes, batches: Iterable[Sequence[tuple[Any, ...]]]
) -> int:
    """Write a file, and wait until it is on the disk.

    Args:
        path: where; replaced.
        columns: in order.
        about: what it says of itself.
        batches: rows, some at a time; each goes into a group of its own.

    Returns:
        How many rows it has.

    Raises:
        Problem: `parquet_not_installed` or `file_unwritable`.
    """
    rows: int = _parquet().write(path, columns, about, batches)
    return rows


def open_columns(path: Path, columns: Sequence[Column]) -> ColumnFile:
    """Open a file that `write_columns` wrote.

    Args:
        path: where.
        columns: that it must have, no more and no less.

    Returns:
        The file.

    Raises:
        Problem: `parquet_not_installed`, `file_not_found` or `file_broken`.
    """
    if not path.is_file():
        raise Problem("file_not_found", f"there is no file {path}")
    found: ColumnFile = _parquet().Read(path, columns)
    return found


def _parquet() -> Any:
    try:
        from guerdon.infra.columnfiles import parquet
    except ImportError:
        detail = "Parquet needs one package more; install it with: pip install 'guerdon[parquet]'"
        raise Problem("parquet_not_installed", detail) from None
    return parquet
