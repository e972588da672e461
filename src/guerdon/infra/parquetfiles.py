"""Parquet files, read column by column; importing this needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from guerdon.base.errors import Problem
from guerdon.infra.rowbatches import ROWS_AT_ONCE, Batch

_KNOWN: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_null,
)


class ParquetRows:
    """A Parquet file."""

    def __init__(self, name: str, path: Path) -> None:
        """Open it and look at its columns.

        Args:
            name: how it is called in messages.
            path: where it is.

        Raises:
            Problem: `file_broken`.
        """
        self.name = name
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self.columns: Sequence[str] = file.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read chosen columns.

        Args:
            names: which, all of them in `columns`.

        Yields:
            The rows in order, at most 65,536 at once.

        Raises:
            Problem: `file_broken` or `column_type_unsupported`.
        """
        first = 1
        try:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(names), use_threads=False):
                    columns = {name: self._values(name, batch.column(name)) for name in names}
                    yield Batch(columns, range(first, first + batch.num_rows))
                    first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None

    def _values(self, name: str, column: Any) -> list[Any]:
        """Make Python's values of each different one only, for most columns repeat themselves."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not any(is_known(column.type) for is_known in _KNOWN):
            detail = f"{self.name}: the column {name} holds {column.type}, which no mapping reads"
            raise Problem("column_type_unsupported", detail)
        if pa.types.is_null(column.type):
            return [None] * len(column)
        if pa.types.is_timestamp(column.type):
            # Our instants are microseconds; what is finer is cut off.
            column = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
        coded = column.dictionary_encode(null_encoding="encode")
        values = coded.dictionary.to_pylist()
        places = coded.indices
        raw = memoryview(places.buffers()[1]).cast("b").cast("i")
        return [values[place] for place in raw[places.offset : places.offset + len(places)].tolist()]

    def _broken(self, error: Exception) -> Problem:
        words = str(error).strip() or type(error).__name__
        return Problem("file_broken", f"{self.name} is no whole Parquet file: {words.splitlines()[0]}")
