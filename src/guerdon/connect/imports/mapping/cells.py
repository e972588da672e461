"""Cells: one value of a row, turned into one JSON value of an event, exactly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

import msgspec

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text, round_scaled, scaled_text
from guerdon.connect.imports.mapping.model import Cell

Convert = Callable[[Any], str]
"""From a value of a file, never None, to JSON text; it raises a Problem where that cannot be done exactly."""

_UTC: Final = "UTC"
_PLACES_AT_MOST: Final = 40
_TRUTHS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("true", "yes", "1", "y", "t"), "true"),
    **dict.fromkeys(("false", "no", "0", "n", "f"), "false"),
}
_encode = msgspec.json.Encoder().encode


def to_text(cell: Cell) -> Convert:
    """Make what turns values into texts, such as ids and names.

    Args:
        cell: how it is mapped.

    Returns:
        The conversion.
    """

    def convert(value: Any) -> str:
        text = cell.prefix + plain(value, cell)
        return f'"{text}"' if text.isalnum() and text.isascii() else _quoted(text)

    return convert


def to_number(cell: Cell, decimal_comma: bool, digits: int | None = None) -> Convert:
    """Make what turns values into exact numbers, written as texts.

    Args:
        cell: how it is mapped.
        decimal_comma: whether texts have a comma before the decimals.
        digits: places to which what comes from floats is rounded; None for those of the cell.

    Returns:
        The conversion.
    """
    places = digits if cell.from_ is not None and digits is not None else cell.digits

    def convert(value: Any) -> str:
        if places is None and type(value) is int:
            return f'"{value}"'
        number = _number(value, cell, decimal_comma)
        if places is None:
            return f'"{plain_text(number)}"'
        return f'"{scaled_text(round_scaled(Fraction(number), places, "half_up"), places)}"'

    return convert


def to_instant(cell: Cell, zones: Mapping[str, Zone]) -> Convert:
    """Make what turns values into instants, written in UTC.

    Args:
        cell: how it is mapped.
        zones: the zones of the mapping, by name.

    Returns:
        The conversion; a local time that the clock showed twice is the first of them.
    """
    zone = zones[cell.zone] if cell.zone is not None else None

    def convert(value: Any) -> str:
        moment = _moment(value, cell)
        if moment.tzinfo is None:
            if zone is None:
                detail = "expected an offset in it; say which clock it was read from: `zone: utc`, or a name"
                raise Problem("time_without_offset", detail)
            if zone.name == _UTC:
                return f'"{moment.isoformat()}Z"'
            moment = moment.replace(tzinfo=zone.info)
        with suppress(OverflowError):
            return f'"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"'
        raise Problem("time_out_of_range", f"{moment} is not in the calendar of UTC")

    return convert


def to_anything(cell: Cell, decimal_comma: bool) -> Convert:
    """Make what turns values into the JSON that the mapping says, or that the column holds.

    Args:
        cell: how it is mapped.
        decimal_comma: whether texts have a comma before the decimals.

    Returns:
        The conversion.
    """
    if cell.as_ == "truth":
        return _truth
    number, text = to_number(cell, decimal_comma), to_text(cell)
    if cell.as_ == "number" or (cell.as_ is None and cell.from_ is not None):
        return lambda value: number(value).strip('"')
    if cell.as_ == "text":
        return text

    def convert(value: Any) -> str:
        if isinstance(value, bool):
            return _truth(value)
        return number(value).strip('"') if isinstance(value, int | Decimal) else text(value)

    return convert


def plain(value: Any, cell: Cell) -> str:
    """Write a value as a text.

    Args:
        value: what a file holds; floats only where the cell says so.
        cell: how it is mapped.

    Returns:
        The text.

    Raises:
        Problem: `float_not_asked_for` or `not_a_number`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return plain_text(_number(value, cell, decimal_comma=False))


def _number(value: Any, cell: Cell, decimal_comma: bool) -> Decimal:
    number = Decimal("NaN")
    if isinstance(value, float):
        if cell.from_ is None:
            detail = "this column holds floats, which are no exact decimals; say `from: float` to read them"
            raise Problem("float_not_asked_for", detail)
        number = Decimal(repr(value))
    elif isinstance(value, str):
        text = "" if "_" in value else value.strip()
        text = text.replace(".", "").replace(",", ".") if decimal_comma else text
        with suppress(InvalidOperation):
            number = Decimal(text)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > _PLACES_AT_MOST:
        raise Problem("not_a_number", f"expected a number, not {str(value)[:40]!r}")
    return number


def _moment(value: Any, cell: Cell) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    if isinstance(value, str):
        with suppress(ValueError):
            if cell.format is not None:
                return datetime.strptime(value.strip(), cell.format)  # noqa: DTZ007 - its zone comes later
            return datetime.fromisoformat(value.strip())
    how = f"a time such as {cell.format}" if cell.format else "a time such as 2026-11-21T10:00:00"
    raise Problem("time_invalid", f"expected {how}, not {str(value)[:40]!r}")


def _truth(value: Any) -> str:
    found = _TRUTHS.get(str(value).strip().lower())
    if found is None:
        raise Problem("not_a_truth", f"expected true or false, not {str(value)[:40]!r}")
    return found


def _quoted(text: str) -> str:
    try:
        return _encode(text).decode("utf-8")
    except UnicodeEncodeError:
        raise Problem("text_undecodable", "this text holds half a character") from None
