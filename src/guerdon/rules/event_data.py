"""The data of a program's own event types, checked against what the program declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.rules.definition import Datum
from guerdon.rules.expressions.literals import duration

TEXT_AT_MOST: Final = 10_000
ITEMS_AT_MOST: Final = 1_000
DIGITS_AT_MOST: Final = 40

_LIST: Final = re.compile(r"list\((\w+)\)")


def read_data(sent: Mapping[str, Any], declared: Mapping[str, Datum]) -> dict[str, Any]:
    """Read the declared values of an event's data; what is not declared stays with the event and is not seen.

    Args:
        sent: the data as decoded, numbers exact.
        declared: the values that the program declares for this type of event.

    Returns:
        The declared values that are there, each of its declared type.

    Raises:
        Problem: `wrong_type`, `value_unknown`, `text_length`, `too_many_items` or `too_many_digits`.
    """
    data = {}
    for name, datum in declared.items():
        value = sent.get(name)
        if value is not None:
            data[name] = _read(value, datum, f"/data/{name}")
    return data


def _read(value: Any, datum: Datum, pointer: str) -> Any:
    item_type = _LIST.fullmatch(datum.type)
    if item_type is not None:
        if not isinstance(value, list):
            raise Problem.at(pointer, "wrong_type", "expected a list")
        if len(value) > ITEMS_AT_MOST:
            raise Problem.at(pointer, "too_many_items", f"at most {ITEMS_AT_MOST} items fit here")
        return tuple(_READERS[item_type[1]](one, f"{pointer}/{place}") for place, one in enumerate(value))
    found = _READERS[datum.type](value, pointer)
    if datum.values is not None and found not in datum.values:
        raise Problem.at(pointer, "value_unknown", f"expected one of {', '.join(datum.values)}")
    return found


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise Problem.at(pointer, "wrong_type", "expected a text")
    if len(value) > TEXT_AT_MOST:
        raise Problem.at(pointer, "text_length", f"at most {TEXT_AT_MOST} characters fit here")
    return value


def _decimal(value: Any, pointer: str) -> Decimal:
    number = Decimal("NaN")
    if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
        with suppress(InvalidOperation):
            number = Decimal(value)
    if not number.is_finite():
        raise Problem.at(pointer, "wrong_type", "expected a number")
    if abs(number.adjusted()) > DIGITS_AT_MOST or len(number.as_tuple().digits) > DIGITS_AT_MOST:
        raise Problem.at(pointer, "too_many_digits", f"at most {DIGITS_AT_MOST} digits fit here")
    return number


def _integer(value: Any, pointer: str) -> int:
    number = _decimal(value, pointer)
    if number != number.to_integral_value():
        raise Problem.at(pointer, "wrong_type", "expected a whole number")
    return int(number)


def _truth(value: Any, pointer: str) -> bool:
    if not isinstance(value, bool):
        raise Problem.at(pointer, "wrong_type", "expected true or false")
    return value


def _day(value: Any, pointer: str) -> str:
    try:
        return date.fromisoformat(_text(value, pointer)).isoformat()
    except ValueError:
        raise Problem.at(pointer, "wrong_type", "expected a date such as 2026-11-21") from None


def _moment(value: Any, pointer: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value, pointer))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Problem.at(pointer, "wrong_type", "expected a time with an offset such as 2026-11-21T10:00:00Z")


def _length(value: Any, pointer: str) -> Any:
    try:
        return duration(_text(value, pointer))
    except (ValueError, OverflowError):
        raise Problem.at(pointer, "wrong_type", "expected a duration such as 1h30m") from None


def _anything(value: Any, _: str) -> Any:
    return value


_READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "string": _text,
    "int": _integer,
    "decimal": _decimal,
    "bool": _truth,
    "date": _day,
    "timestamp": _moment,
    "duration": _length,
    "any": _anything,
}
