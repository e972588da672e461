"""Files of rows, CSV or Parquet: read column by column, some thousand rows at a time."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from guerdon.base.errors import Problem
from guerdon.infra.linefiles import LineFile, Unread
from guerdon.infra.rowbatches import ROWS_AT_ONCE, Batch, RowFile

_PARQUET_MAGIC: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a CSV file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"


def open_rows(file: LineFile, written: CsvFormat) -> RowFile:
    """Open a file of rows; what it begins with tells what it is.

    Args:
        file: unpacked.
        written: how it is written, if it is CSV.

    Returns:
        The file, its columns known.

    Raises:
        Problem: `parquet_not_installed`, `file_broken`, `text_undecodable`, `no_lines` or `column_repeats`.
    """
    with file.path.open("rb") as opened:
        is_parquet = opened.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    return open_parquet(file.name, file.path) if is_parquet else _open_csv(file, written)


@dataclass(slots=True)
class _CsvFile:
    """A CSV file whose first row names its columns."""

    name: str
    path: Path
    written: CsvFormat
    columns: Sequence[str] = field(default=())

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Read all rows that are not empty, the first one too, each with its first line."""
        encoding = "utf-8-sig" if self.written.encoding == "utf-8" else self.written.encoding
        line = 0
        try:
            with self.path.open(encoding=encoding, newline="") as file:
                reader = csv.reader(file, delimiter=self.written.delimiter, strict=True)
                for cells in reader:
                    if cells:
                        yield line + 1, cells
                    line = reader.line_num
        except csv.Error as error:
            raise Problem("file_broken", f"{self.name}:{line + 1}: this is no CSV: {error}") from None
        except UnicodeDecodeError:
            detail = f"{self.name}, somewhere after line {line}: expected {self.written.encoding}"
            raise Problem("text_undecodable", detail) from None

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        places = [self.columns.index(name) for name in names]
        width = len(self.columns)
        records = self.records()
        next(records)
        while some := list(islice(records, ROWS_AT_ONCE)):
            unread = [
                Unread(self.name, line, "cells_differ", f"{len(cells)} cells where {width} are named")
                for line, cells in some
                if len(cells) != width
            ]
            if unread:
                some = [one for one in some if len(one[1]) == width]
            rows = array("q", [line for line, _ in some])
            columns = {
                name: [cells[place] or None for _, cells in some]
                for name, place in zip(names, places, strict=True)
            }
            yield Batch(columns, rows, unread)


def _open_csv(file: LineFile, written: CsvFormat) -> RowFile:
    opened = _CsvFile(file.name, file.path, written)
    first = next(opened.records(), None)
    if first is None:
        raise Problem("no_lines", f"there is nothing in {file.name}")
    opened.columns = [cell.strip() for cell in first[1]]
    for place, name in enumerate(opened.columns):
        if name in opened.columns[:place]:
            raise Problem("column_repeats", f"{file.name}: two columns are called {name!r}")
    return opened


def open_parquet(name: str, path: Path) -> RowFile:
    """Open a Parquet file.

    Args:
        name: how it is called in messages.
        path: where it is.

    Returns:
        The file.

    Raises:
        Problem: `parquet_not_installed` or `file_broken`.
    """
    try:
        from guerdon.infra.parquetfiles import ParquetRows
    except ImportError:
        detail = "reading Parquet needs one package more; install it with: pip install 'guerdon[parquet]'"
        raise Problem("parquet_not_installed", detail) from None
    return ParquetRows(name, path)
