"""What every file of rows gives: named columns, some thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from guerdon.infra.linefiles import Unread

ROWS_AT_ONCE: Final = 65_536


class Batch(NamedTuple):
    """Some rows of a file."""

    columns: Mapping[str, Sequence[Any]]
    """By name: one value a row; an empty cell is None."""
    rows: Sequence[int]
    """Where each row stands: its first line in a CSV file, its number in a Parquet file, from 1."""
    unread: Sequence[Unread] = ()
    """Rows among them that could not be read; they stand in no column."""


class RowFile(Protocol):
    """A file of rows with named columns."""

    @property
    def name(self) -> str:
        """As it was named by whoever gave it."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of its columns."""

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read chosen columns.

        Args:
            names: which, all of them in `columns`.

        Yields:
            The rows in order, at most 65,536 at once.

        Raises:
            Problem: `file_broken`, `text_undecodable` or `column_type_unsupported`.
        """
