"""Parquet; importing this needs pyarrow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from guerdon.base.errors import Problem
from guerdon.infra.columnfiles.kinds import Column

_ABOUT: Final = b"guerdon"
_HASH: Final = 32
_ROWS_AT_ONCE: Final = 2_000
_TYPES: Final = {
    "integer": pa.int64(),
    "text": pa.string(),
    "instant": pa.timestamp("us", "UTC"),
    "hashes": pa.list_(pa.binary(_HASH)),
}


def write(
    path: Path, columns: Sequence[Column], about: bytes, batches: Iterable[Sequence[tuple[Any, ...]]]
) -> int:
    """Write a file, as `write_columns` says.

    Args:
        path: where; replaced.
        columns: in order.
        about: what it says of itself.
        batches: rows, some at a time.

    Returns:
        How many rows it has.

    Raises:
        Problem: `file_unwritable`.
    """
    schema = _schema(columns).with_metadata({_ABOUT: about})
    rows = 0
    try:
        with path.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
                for batch in batches:
                    arrays = [
                        pa.array([row[place] for row in batch], type=field.type)
                        for place, field in enumerate(schema)
                    ]
                    writer.write_batch(pa.record_batch(arrays, schema=schema))
                    rows += len(batch)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Problem("file_unwritable", f"{path} cannot be written: {error.strerror or error}") from None
    return rows


class Read:
    """A file that is read."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        """Open it; see `open_columns`."""
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                self.count: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        if not schema.remove_metadata().equals(_schema(columns)):
            raise Problem("file_broken", f"{path} is no archive that Guerdon wrote: it has other columns")
        self.about: bytes = (schema.metadata or {}).get(_ABOUT, b"")

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Read all of it.

        Yields:
            Some rows at a time, in order.

        Raises:
            Problem: `file_broken`.
        """
        try:
            with pq.ParquetFile(self._path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
                    yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> Problem:
        words = str(error).strip() or type(error).__name__
        return Problem("file_broken", f"{self._path} is no whole Parquet file: {words.splitlines()[0]}")


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
