"""Rows: many of them at once, from columns of cells to pieces of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping.cells import plain
from guerdon.connect.imports.mapping.fields import Field, value_missing
from guerdon.connect.imports.mapping.model import Cell, MappingFile, Table
from guerdon.infra.rowbatches import Batch, RowFile
from guerdon.rules.definition import Part, nearest_to

REMEMBERED_AT_MOST: Final = 500_000

Rows = Mapping[str, Mapping[str, Any]]
"""A table: its key as text → its other columns."""
_ANY: Final = Cell(value="any")


class Bad(NamedTuple):
    """Stands where a piece of JSON should: the row's cell says something else than it should."""

    column: str
    code: str
    detail: str


class _Memo(dict[Any, "str | Bad"]):
    """Remembers what each value came to: most columns repeat themselves."""

    def __init__(self, make: Callable[[Any], str | Bad]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Any) -> str | Bad:
        made = self[value] = self._make(value)
        return made


class Piece:
    """The JSON of all fields that read the same columns of the file, each with a comma behind it."""

    def __init__(self, columns: tuple[str, ...], fields: Sequence[Field], tables: Tables) -> None:
        """Make a piece.

        Args:
            columns: of the file of events; none where all is constant.
            fields: in the order in which they are written.
            tables: for what is looked up.
        """
        self.columns = columns
        self._fields = fields
        self._tables = tables
        self._memo = _Memo(self._one if len(columns) == 1 else self._several)

    def texts(self, batch: Batch) -> list[str | Bad]:
        """Write the piece for each row.

        Args:
            batch: rows that have the columns.

        Returns:
            One text a row, or what is wrong with it.
        """
        if not self.columns:
            return [self._made({})] * len(batch.rows)
        memo = self._memo
        if len(memo) > REMEMBERED_AT_MOST:
            memo.clear()
        if len(self.columns) == 1:
            return [memo[value] for value in batch.columns[self.columns[0]]]
        return [memo[key] for key in zip(*(batch.columns[name] for name in self.columns), strict=True)]

    def _one(self, value: Any) -> str | Bad:
        return self._made({self.columns[0]: value})

    def _several(self, values: tuple[Any, ...]) -> str | Bad:
        return self._made(dict(zip(self.columns, values, strict=True)))

    def _made(self, row: Mapping[str, Any]) -> str | Bad:
        said = []
        for field in self._fields:
            found: list[tuple[str, str]] = []
            for part in field.parts:
                value = self._tables.value(part.cell, row)
                try:
                    if value is not None and value != "":
                        found.append((part.label, part.convert(value)))
                    elif field.required:
                        raise value_missing(field.name)
                except Problem as problem:
                    return Bad(str(part.cell.column or ""), problem.code, f"{field.name}: {problem.detail}")
            text = field.shape(found)
            if text:
                said.append(f'"{field.name}":{text},')
        return "".join(said)


class Tables:
    """Other files that rows look something up in."""

    def __init__(self, mapping: MappingFile, open_table: Callable[[Table], RowFile]) -> None:
        """Read the tables that a mapping names.

        Args:
            mapping: says which, and which of their columns are used.
            open_table: opens one.

        Raises:
            Problem: `column_missing`, `table_key_repeats`, `table_unknown`, or what reading raises.
        """
        self._on = {name: str(table.on or table.key) for name, table in mapping.tables.items()}
        self._rows: dict[str, Rows] = {}
        used: dict[str, list[str]] = {}
        for cell in cells_of(mapping):
            if cell.table is not None:
                used.setdefault(cell.table, []).append(str(cell.column))
        for name, columns in used.items():
            if name not in mapping.tables:
                raise Problem("table_unknown", f"the mapping names a table {name!r} and does not say which")
            table = mapping.tables[name]
            self._rows[name] = _loaded(open_table(table), str(table.key), list(dict.fromkeys(columns)))

    def columns(self, cell: Cell) -> tuple[str, ...]:
        """Tell which column of the events a cell needs.

        Args:
            cell: as mapped.

        Returns:
            One name, or none for a constant.
        """
        if cell.table is not None:
            return (self._on[cell.table],)
        return (str(cell.column),) if cell.column is not None else ()

    def value(self, cell: Cell, row: Mapping[str, Any]) -> Any:
        """Give a cell's value.

        Args:
            cell: as mapped.
            row: the columns of the events that it may need.

        Returns:
            The value; None for an empty cell, and where the table has no such row.
        """
        if cell.value is not None:
            return cell.value
        if cell.table is None:
            return row[str(cell.column)]
        key = row[self._on[cell.table]]
        found = self._rows[cell.table].get(plain(key, _ANY)) if key is not None else None
        return found[str(cell.column)] if found is not None else None


def pieces_of(fields: Iterable[Field], tables: Tables) -> list[Piece]:
    """Put fields together that read the same columns.

    Args:
        fields: of an event, an order or a line.
        tables: know which columns are read.

    Returns:
        One piece for each set of columns.
    """
    grouped: dict[tuple[str, ...], list[Field]] = {}
    for field in fields:
        names = [name for part in field.parts for name in tables.columns(part.cell)]
        grouped.setdefault(tuple(sorted(set(names))), []).append(field)
    return [Piece(columns, some, tables) for columns, some in grouped.items()]


def joined(columns: Sequence[Sequence[str | Bad]]) -> list[str | Bad]:
    """Join pieces row by row.

    Args:
        columns: the pieces of all rows.

    Returns:
        One text a row, or the first thing that is wrong with it.
    """
    try:
        return list(map("".join, zip(*columns, strict=True)))
    except TypeError:  # one of them is no text
        return [_first_bad(texts) or "".join(map(str, texts)) for texts in zip(*columns, strict=True)]


def _first_bad(texts: Iterable[str | Bad]) -> Bad | None:
    return next((one for one in texts if isinstance(one, Bad)), None)


def check_columns(file: RowFile, names: Iterable[str]) -> None:
    """See that a file has the columns that a mapping reads.

    Args:
        file: open.
        names: the columns.

    Raises:
        Problem: `column_missing`.
    """
    for name in names:
        if name not in file.columns:
            near = nearest_to(name, file.columns)
            hint = f"; did you mean {near!r}?" if near else f"; it has {', '.join(file.columns[:20])}"
            raise Problem("column_missing", f"{file.name} has no column {name!r}{hint}")


def cells_of(mapping: MappingFile) -> list[Cell]:
    """List all cells of a mapping.

    Args:
        mapping: as written.

    Returns:
        The cells, whatever field they are for.
    """
    found: list[Cell] = []
    waiting: list[Any] = [mapping]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Cell):
            found.append(value)
        elif isinstance(value, Part):
            waiting += [one for _, one in value]
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, tuple):
            waiting += value
    return found


def _loaded(file: RowFile, key: str, columns: list[str]) -> Rows:
    check_columns(file, [key, *columns])
    rows: dict[str, dict[str, Any]] = {}
    for batch in file.batches(list(dict.fromkeys([key, *columns]))):
        values = zip(*(batch.columns[name] for name in columns), strict=True)
        for place, one in zip(batch.columns[key], values, strict=True):
            if place is None:
                continue
            name = plain(place, _ANY)
            if name in rows:
                raise Problem("table_key_repeats", f"{file.name}: two rows have the {key} {name!r}")
            rows[name] = dict(zip(columns, one, strict=True))
    return rows
