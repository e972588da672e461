"""What a mapping file may say: how the columns of a file become the fields of events."""

from __future__ import annotations

import codecs
from collections.abc import Mapping as Map
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.exact import currency_digits
from guerdon.rules.definition.scalars.part import Listed, Part, Short
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.values import Flag, Line, Name, Whole

DIGITS_AT_MOST: Final = 12


def _known_zone(name: str) -> str:
    try:
        return Zone("UTC" if name == "utc" else name).name
    except Problem as problem:
        raise refusal(problem.code, problem.detail) from None


def _known_currency(code: str) -> str:
    try:
        currency_digits(code)
    except Problem as problem:
        raise refusal(problem.code, problem.detail) from None
    return code


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise refusal("unknown_encoding", f"{name!r} is not an encoding of text") from None


ZoneName = Annotated[Line, AfterValidator(_known_zone)]


class Cell(Part):
    """Where a value comes from; a lone text is the name of a column."""

    column: Line | None = None
    value: Line | None = None
    """The same value for all rows."""
    table: Name | None = None
    """The column stands in this table and not in the file of events."""
    from_: Literal["float"] | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """The column holds binary floating point, and what was meant is the shortest decimal that gives it."""
    digits: Annotated[Whole, Field(ge=0, le=DIGITS_AT_MOST)] | None = None
    """Round half up to so many places; money from floats always has its currency's."""
    prefix: str = ""
    """Stands before each value."""
    zone: ZoneName | None = None
    """The clock that times without an offset were read from."""
    format: Line | None = None
    """How times are written, as strptime has it; without it ISO 8601."""
    split: Line | None = None
    """What stands between the entries of a list."""
    as_: Literal["text", "number", "truth"] | None = Field(
        default=None, validation_alias="as", serialization_alias="as"
    )
    """What kind of value an attribute or a custom event's datum is; without it, what the column holds."""

    @model_validator(mode="after")
    def _one_origin(self) -> Cell:
        if (self.column is None) == (self.value is None):
            raise refusal("one_of_these", "a field has a column or a value", expected="column or value")
        if self.table is not None and self.column is None:
            raise refusal("missing_key", "a table needs the column that is read from it", key="table")
        return self


Column = Annotated[Cell, Short("column")]
Constant = Annotated[Cell, Short("value")]
"""A lone text stands for itself here."""


Columns = Annotated[tuple[Column, ...], Listed()]


class OrderPart(Part):
    """The fields of an order."""

    id: Column
    placed_at: Column | None = None
    prices_include_tax: Flag = False
    shipping: Column | None = None
    discount: Column | None = None
    """Taken off the whole order."""
    coupons: Columns = ()
    attributes: Map[str, Column] = Field(default_factory=dict)


class LinePart(Part):
    """The fields of one line of an order."""

    id: Column | None = None
    """Without it lines are numbered from 1, in the order in which they stand in the file."""
    sku: Column | None = None
    name: Column | None = None
    brand: Column | None = None
    quantity: Column | None = None
    price: Column | None = None
    subtotal: Column | None = None
    discount: Column | None = None
    tax: Column | None = None
    total: Column | None = None
    tax_rate: Column | None = None
    categories: Columns = ()
    tags: Columns = ()
    attributes: Map[str, Column] = Field(default_factory=dict)


class Table(Part):
    """Another file, of which the row with the right key is read."""

    file: Line
    """CSV or Parquet, beside the first file of events where the path is relative."""
    key: Line
    """Its column that says which row it is; no two rows have the same."""
    on: Line | None = None
    """The column of the events that names the row; without it the one that is called like the key."""


class Csv(Part):
    """How CSV files are written."""

    delimiter: Annotated[Line, Field(min_length=1, max_length=1)] = ","
    encoding: Annotated[Line, AfterValidator(_known_encoding)] = "utf-8"
    decimal_comma: Flag = False


class MappingFile(Part):
    """How rows become events: lines of an order where there is `order`, else one event a row."""

    event: Constant
    """The event's type; a lone text is the type itself."""
    source: Constant
    id: Column
    time: Column
    subject: Column | None = None
    channel: Constant | None = None
    store: Column | None = None
    currency: Annotated[Line, AfterValidator(_known_currency)] | None = None
    order: OrderPart | None = None
    line: LinePart | None = None
    data: Map[str, Column] = Field(default_factory=dict)
    tables: Map[Name, Table] = Field(default_factory=dict)
    csv: Csv = Csv()

    @model_validator(mode="after")
    def _orders_have_lines(self) -> MappingFile:
        if (self.order is None) != (self.line is None):
            raise refusal("missing_key", "order and line go together: each row is one line of an order")
        if self.order is not None and self.data:
            raise refusal("one_of_these", "rows are lines of an order, or events with data, not both")
        if self.order is not None and self.currency is None:
            raise refusal("missing_key", "orders need their currency here: its digits say what money is")
        is_order = (self.event.value or "").startswith("order.")
        if self.event.value is not None and is_order != (self.order is not None):
            detail = "events of a type `order.…` are mapped by order and line, all others by data"
            raise refusal("one_of_these", detail, key="event")
        return self
