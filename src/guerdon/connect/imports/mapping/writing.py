"""Mapped files: rows in, one line of NDJSON for each event out, and a reason for each row that made none."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping.fields import (
    data_fields,
    envelope_fields,
    line_fields,
    order_fields,
    value_missing,
)
from guerdon.connect.imports.mapping.model import MappingFile, OrderPart, Table
from guerdon.connect.imports.mapping.rows import Bad, Piece, Tables, check_columns, joined, pieces_of
from guerdon.infra.linefiles import STANDARD_INPUT, LineFile, Unread, open_lines
from guerdon.infra.rowbatches import Batch, RowFile
from guerdon.infra.rowfiles import CsvFormat, open_rows

Told = Callable[[int], None]

_OPENING: Final = '{"specversion":"1.0",'
_NUMBERS: Final = [f'"id":"{number}"}}' for number in range(1, 1_001)]


@dataclass(slots=True)
class _Made:
    """What one file of rows has come to."""

    name: str
    rows: array[int] = field(default_factory=lambda: array("q"))
    unread: list[Unread] = field(default_factory=list)

    def refuse(self, row: int, bad: Bad) -> None:
        self.unread.append(Unread(self.name, row, bad.code, bad.detail, bad.column))


class _Texts(NamedTuple):
    """Rows that follow each other and are of one order."""

    rows: Sequence[int]
    heads: list[str | Bad]
    lines: list[str | Bad]


class _Order(NamedTuple):
    """An order of which rows are still to come."""

    head: str | Bad
    row: int
    places: list[int]
    lines: list[str | Bad]

    def add(self, texts: _Texts) -> None:
        """Take more of its rows."""
        self.places.extend(texts.rows)
        if texts.heads.count(self.head) == len(texts.heads):
            self.lines.extend(texts.lines)
            return
        detail = f"this row and row {self.row} are of one order and differ in what all its rows must share"
        for head, line in zip(texts.heads, texts.lines, strict=True):
            if isinstance(head, Bad):
                self.lines.append(head)
            else:
                self.lines.append(line if head == self.head else Bad("", "rows_disagree", detail))


def map_files(mapping: MappingFile, names: Iterable[str], folder: Path, told: Told | None) -> list[LineFile]:
    """Turn files of rows into files of events.

    Args:
        mapping: how.
        names: paths of CSV or Parquet files, `.gz` or not, `-` for the standard input.
        folder: where what is made may be put.
        told: hears the bytes of the files of rows that were gone through.

    Returns:
        One file of CloudEvents for each; an order's event stands where its last row did.

    Raises:
        Problem: what opening and reading raise, and `column_missing`, `table_key_repeats`, `table_unknown`.
    """
    opened = [open_lines(name, folder) for name in names]
    places = [Path(one.name).parent for one in opened if one.name != STANDARD_INPUT]
    beside = places[0] if places else Path()
    written = CsvFormat(mapping.csv.delimiter, mapping.csv.encoding)

    def open_table(table: Table) -> RowFile:
        return open_rows(open_lines(str(beside / table.file), folder), written)

    tables = Tables(mapping, open_table)
    make: Mapper = _EventRows(mapping, tables)
    if mapping.order is not None:
        make = _OrderRows(mapping, mapping.order, tables)
    return [_mapped(one, open_rows(one, written), make, (folder, told)) for one in opened]


class Mapper(ABC):
    """Turns the rows of a file into events."""

    pieces: Sequence[Piece] = ()

    @abstractmethod
    def events(self, file: RowFile, made: _Made, told: Told) -> Iterator[tuple[int, str]]:
        """Make the events of a file.

        Args:
            file: the rows.
            made: is told what is refused.
            told: hears how many rows were gone through.

        Yields:
            Each event's first row, and its JSON.
        """

    def columns(self) -> list[str]:
        """List the columns that are read.

        Returns:
            Names, each once.
        """
        return list(dict.fromkeys(chain.from_iterable(piece.columns for piece in self.pieces)))


class _EventRows(Mapper):
    """One row is one event."""

    def __init__(self, mapping: MappingFile, tables: Tables) -> None:
        self._head = pieces_of(envelope_fields(mapping), tables)
        self._data = pieces_of(data_fields(mapping), tables)
        self.pieces = (*self._head, *self._data)

    def events(self, file: RowFile, made: _Made, told: Told) -> Iterator[tuple[int, str]]:
        for batch in _batches(file, self.columns(), made):
            heads = joined([piece.texts(batch) for piece in self._head])
            data = joined([piece.texts(batch) for piece in self._data]) if self._data else [""] * len(heads)
            for row, head, body in zip(batch.rows, heads, data, strict=True):
                if isinstance(head, Bad):
                    made.refuse(row, head)
                elif isinstance(body, Bad):
                    made.refuse(row, body)
                else:
                    yield row, f'{_OPENING}{head}"data":{{{body[:-1]}}}}}'
            told(len(batch.rows))


class _OrderRows(Mapper):
    """One row is one line of an order."""

    def __init__(self, mapping: MappingFile, order: OrderPart, tables: Tables) -> None:
        assert mapping.line is not None
        if order.id.column is None or order.id.table is not None:
            raise Problem("order_column_missing", "the id of an order is a column of the file itself")
        self._key = str(order.id.column)
        self._head = pieces_of(envelope_fields(mapping), tables)
        self._order = pieces_of(order_fields(mapping, order), tables)
        self._line = pieces_of(line_fields(mapping, mapping.line), tables)
        self._numbered = mapping.line.id is None
        self.pieces = (*self._head, *self._order, *self._line)

    def events(self, file: RowFile, made: _Made, told: Told) -> Iterator[tuple[int, str]]:
        # Gone through twice: knowing how many rows each order has, only orders that are open need be kept.
        counts: Counter[Any] = Counter()
        for batch in file.batches([self._key]):
            counts.update(batch.columns[self._key])
        counts.pop(None, None)
        waiting: dict[Any, _Order] = {}
        for batch in _batches(file, self.columns(), made):
            for key, texts in self._runs(batch):
                if key is None:
                    self._refuse_nameless(texts, made)
                    continue
                order = waiting.get(key)
                if order is None:
                    order = waiting[key] = _Order(texts.heads[0], texts.rows[0], [], [])
                order.add(texts)
                if len(order.lines) == counts[key]:
                    del waiting[key]
                    text = self._written(order, made)
                    if text:
                        yield order.row, text
            told(len(batch.rows))

    def _runs(self, batch: Batch) -> Iterator[tuple[Any, _Texts]]:
        """Cut rows into runs of one order each."""
        heads, lines = self._texts(batch)
        start = 0
        for key, run in groupby(batch.columns[self._key]):
            end = start + len(list(run))
            yield key, _Texts(batch.rows[start:end], heads[start:end], lines[start:end])
            start = end

    def _refuse_nameless(self, texts: _Texts, made: _Made) -> None:
        problem = value_missing("order")
        for row in texts.rows:
            made.refuse(row, Bad(self._key, problem.code, problem.detail))

    def _texts(self, batch: Batch) -> tuple[list[str | Bad], list[str | Bad]]:
        count = len(batch.rows)
        head: list[list[str | Bad]] = [[_OPENING] * count, *(piece.texts(batch) for piece in self._head)]
        head += [['"data":{'] * count, *(piece.texts(batch) for piece in self._order)]
        line: list[list[str | Bad]] = [["{"] * count, *(piece.texts(batch) for piece in self._line)]
        return joined(head), joined(line)

    def _written(self, order: _Order, made: _Made) -> str:
        """Write an order, or say which of its rows keeps it from being one."""
        for row, text in zip((order.row, *order.places), (order.head, *order.lines), strict=True):
            if isinstance(text, Bad):
                made.refuse(row, text)
                return ""
        lines: list[str] = order.lines  # type: ignore[assignment]  # none of them is bad
        if self._numbered:
            # Beyond a thousand the order is refused anyway; its lines are only to be told apart.
            ends = _NUMBERS if len(lines) <= len(_NUMBERS) else [f'"id":"{n}"}}' for n in range(len(lines))]
            said = ",".join([line + end for line, end in zip(lines, ends, strict=False)])
        else:
            said = ",".join([f"{line[:-1]}}}" for line in lines])
        return f'{order.head}"lines":[{said}]}}}}'


def _batches(file: RowFile, names: Sequence[str], made: _Made) -> Iterator[Batch]:
    for batch in file.batches(names):
        made.unread += batch.unread
        yield batch


def _mapped(source: LineFile, file: RowFile, mapper: Mapper, to: tuple[Path, Told | None]) -> LineFile:
    folder, told = to
    check_columns(file, mapper.columns())
    made = _Made(file.name)
    gone = [0]

    def note(rows: int) -> None:
        gone[0] += rows

    with tempfile.NamedTemporaryFile(dir=folder, suffix=".ndjson", delete=False) as copy:
        for row, text in mapper.events(file, made, note):
            made.rows.append(row)
            copy.write(text.encode("utf-8") + b"\n")
        size = copy.tell()
    if told is not None:
        told(source.size)
    return LineFile(source.name, Path(copy.name), size, made.rows, made.unread)
