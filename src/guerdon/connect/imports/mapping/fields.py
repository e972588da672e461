"""Fields: which cells of a row make which JSON of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.exact import currency_digits
from guerdon.connect.imports.mapping.cells import (
    Convert,
    plain,
    to_anything,
    to_instant,
    to_number,
    to_text,
)
from guerdon.connect.imports.mapping.model import Cell, LinePart, MappingFile, OrderPart

Shape = Callable[[Sequence[tuple[str, str]]], str]
"""From the labels and JSON texts of the cells that are there to the JSON of the field."""

_MONEY: Final = ("price", "subtotal", "discount", "tax", "total")
_NUMBERS: Final = ("quantity", "tax_rate")
_TEXTS: Final = ("sku", "name", "brand")


class Part(NamedTuple):
    """One cell of a field."""

    label: str
    cell: Cell
    convert: Convert


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an event, of its order or of a line."""

    name: str
    parts: tuple[Part, ...]
    shape: Shape
    required: bool = False


def envelope_fields(mapping: MappingFile) -> list[Field]:
    """List the fields around an event's data.

    Args:
        mapping: as written.

    Returns:
        The fields.
    """
    kinds = _Kinds(mapping)
    fields = [
        kinds.text("type", mapping.event, required=True),
        kinds.text("source", mapping.source, required=True),
        kinds.text("id", mapping.id, required=True),
        kinds.instant("time", mapping.time, required=True),
    ]
    for name in ("subject", "channel", "store"):
        cell = getattr(mapping, name)
        if cell is not None:
            fields.append(kinds.text(name, cell))
    return fields


def data_fields(mapping: MappingFile) -> list[Field]:
    """List the fields of a custom event's data.

    Args:
        mapping: as written.

    Returns:
        The fields.
    """
    kinds = _Kinds(mapping)
    return [Field(name, (kinds.anything(name, cell),), _alone) for name, cell in mapping.data.items()]


def order_fields(mapping: MappingFile, order: OrderPart) -> list[Field]:
    """List the fields of an order, its lines left out.

    Args:
        mapping: as written.
        order: its part about orders.

    Returns:
        The fields.
    """
    kinds = _Kinds(mapping)
    currency = Cell(value=mapping.currency)
    fields = [kinds.text("id", order.id, required=True), kinds.text("currency", currency)]
    if order.placed_at is not None:
        fields.append(kinds.instant("placed_at", order.placed_at))
    if order.prices_include_tax:
        fields.append(Field("prices_include_tax", (Part("", Cell(value="true"), str),), _alone))
    if order.shipping is not None:
        fields.append(Field("shipping", (kinds.money("amount", order.shipping),), _object))
    if order.discount is not None:
        fields.append(Field("discounts", (kinds.money("amount", order.discount),), _objects))
    return [*fields, *kinds.listed("coupons", order.coupons), *kinds.attributes(order.attributes)]


def line_fields(mapping: MappingFile, line: LinePart) -> list[Field]:
    """List the fields of a line of an order.

    Args:
        mapping: as written.
        line: its part about lines.

    Returns:
        The fields; without an id where lines are numbered.
    """
    kinds = _Kinds(mapping)
    fields = [kinds.text("id", line.id, required=True)] if line.id is not None else []
    for names, make in ((_TEXTS, kinds.text), (_NUMBERS, kinds.number), (_MONEY, kinds.one_money)):
        fields += [make(name, cell) for name in names if (cell := getattr(line, name)) is not None]
    for name in ("categories", "tags"):
        fields += kinds.listed(name, getattr(line, name))
    return [*fields, *kinds.attributes(line.attributes)]


class _Kinds:
    """Makes fields of the kinds that there are, as one mapping has them."""

    def __init__(self, mapping: MappingFile) -> None:
        self._comma = mapping.csv.decimal_comma
        self._digits = currency_digits(mapping.currency) if mapping.currency is not None else None
        names = {cell.zone for cell in _times(mapping) if cell.zone is not None}
        self._zones = {name: Zone(name) for name in names}

    def text(self, name: str, cell: Cell, required: bool = False) -> Field:
        return Field(name, (Part(name, cell, to_text(cell)),), _alone, required)

    def instant(self, name: str, cell: Cell, required: bool = False) -> Field:
        return Field(name, (Part(name, cell, to_instant(cell, self._zones)),), _alone, required)

    def number(self, name: str, cell: Cell) -> Field:
        return Field(name, (Part(name, cell, to_number(cell, self._comma)),), _alone)

    def money(self, name: str, cell: Cell) -> Part:
        digits = self._digits if cell.digits is None else cell.digits
        return Part(name, cell, to_number(cell, self._comma, digits))

    def one_money(self, name: str, cell: Cell) -> Field:
        return Field(name, (self.money(name, cell),), _alone)

    def anything(self, name: str, cell: Cell) -> Part:
        return Part(name, cell, to_anything(cell, self._comma))

    def listed(self, name: str, cells: Sequence[Cell]) -> Iterator[Field]:
        if cells:
            yield Field(name, tuple(Part(name, cell, _to_texts(cell)) for cell in cells), _list)

    def attributes(self, cells: Mapping[str, Cell]) -> Iterator[Field]:
        if cells:
            parts = tuple(self.anything(name, cell) for name, cell in cells.items())
            yield Field("attributes", parts, _object)


def _times(mapping: MappingFile) -> list[Cell]:
    placed = mapping.order.placed_at if mapping.order is not None else None
    return [mapping.time, *([placed] if placed is not None else [])]


def _to_texts(cell: Cell) -> Convert:
    one, mark = to_text(cell), cell.split
    if mark is None:
        return one

    def convert(value: Any) -> str:
        words = [word.strip() for word in plain(value, cell).split(mark)]
        return ",".join(one(word) for word in words if word)

    return convert


def _alone(found: Sequence[tuple[str, str]]) -> str:
    return found[0][1] if found else ""


def _list(found: Sequence[tuple[str, str]]) -> str:
    texts = [text for _, text in found if text]
    return f"[{','.join(texts)}]" if texts else ""


def _object(found: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{_key(label)}:{text}" for label, text in found) + "}" if found else ""


def _objects(found: Sequence[tuple[str, str]]) -> str:
    return f"[{_object(found)}]" if found else ""


def _key(label: str) -> str:
    return to_text(Cell(value="key"))(str(label))


def value_missing(name: str) -> Problem:
    """Make the refusal of a row that lacks what every event has.

    Args:
        name: the field.

    Returns:
        The problem.
    """
    return Problem("value_missing", f"this cell is empty, and every event has its `{name}`")
