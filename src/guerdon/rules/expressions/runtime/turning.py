"""Conversions that an author asks for by name: `int(x)`, `decimal(x)`, `string(x)`, `bool(x)`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions import literals
from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime import dynamic, exact, instants, octets

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_SIGNED = re.compile(r"([+-]?)([0-9].*|\.[0-9].*)", re.ASCII | re.DOTALL)
_TRUE = frozenset({"1", "t", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "false", "FALSE", "False"})


def _unfit(value: Any, name: str) -> Failure:
    if value is None:
        return Failure("missing_value", f"the value is absent here; {name}() needs one")
    return Failure("bad_argument", f"{name}() cannot read this value")


def to_int(value: Any) -> int:
    """Turn a value into an int; decimal places are cut off, an instant becomes seconds since 1970.

    Args:
        value: a number, a text of digits or an instant.

    Returns:
        The int.

    Raises:
        Failure: `bad_argument`, `missing_value`, `number_too_large`.
    """
    if isinstance(value, datetime):
        return (instants.in_utc(value) - _EPOCH) // _SECOND
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return exact.whole(int(value))
    if isinstance(value, (int, Decimal, Fraction)) and not isinstance(value, bool):
        above, below = value.as_integer_ratio()
        return exact.whole(abs(above) // below * (1 if above >= 0 else -1))
    raise _unfit(value, "int")


def to_decimal(value: Any) -> Decimal:
    """Turn a value into a decimal.

    Args:
        value: an int, a decimal or a text such as `-1.50` or `1e3`.

    Returns:
        The exact decimal.

    Raises:
        Failure: `bad_argument`, `missing_value`, `number_too_large`.
    """
    if isinstance(value, str):
        match = _SIGNED.fullmatch(value)
        try:
            number = Decimal(literals.number(match.group(2))) if match else None
        except (ValueError, OverflowError) as error:
            raise _unfit(value, "decimal") from error
        if number is None or match is None:
            raise _unfit(value, "decimal")
        return -number if match.group(1) == "-" else number
    if isinstance(value, Fraction):
        return _ended(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    raise _unfit(value, "decimal")


def _ended(value: Fraction) -> Decimal:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        raise Failure("bad_argument", "the digits of this quotient never end; round it first")
    return Decimal(value.numerator) / Decimal(value.denominator)


def to_bool(value: Any) -> bool:
    """Turn a value into a truth.

    Args:
        value: a truth, or one of `1 t true TRUE True 0 f false FALSE False`.

    Returns:
        The truth.

    Raises:
        Failure: `bad_argument`, `missing_value`.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUE | _FALSE:
        return value in _TRUE
    raise _unfit(value, "bool")


def to_text(value: Any) -> str:
    """Turn a value into a text.

    Args:
        value: a truth, number, text, instant or length of time.

    Returns:
        `true`, `12`, `1.5`, `2027-01-31T17:00:00Z`, `90s`; a quotient only when its digits end.

    Raises:
        Failure: `bad_argument`, `missing_value`.
    """
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise _unfit(value, "string")


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _instant_text(value: datetime) -> str:
    local = instants.in_utc(value)
    places = f".{local.microsecond:06d}".rstrip("0") if local.microsecond else ""
    return f"{local.year:04d}{local:-%m-%dT%H:%M:%S}{places}Z"


def _length_text(value: timedelta) -> str:
    return _decimal_text(Decimal(value // _MICROSECOND).scaleb(-6)) + "s"


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (int, str),
    (Decimal, _decimal_text),
    (Fraction, lambda value: _decimal_text(_ended(value))),
    (str, str),
    (bytes, octets.to_text),
    (datetime, _instant_text),
    (timedelta, _length_text),
)


def to_instant(value: Any, zone: tzinfo) -> datetime:
    """Turn a value into an instant.

    Args:
        value: a text, an instant, or an int of seconds since 1970.
        zone: zone of local times.

    Returns:
        The instant.

    Raises:
        Failure: `bad_argument`, `missing_value`.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return instants.parse_instant(value, zone)
    if value is None or isinstance(value, bool):
        raise _unfit(value, "timestamp")
    try:
        return _EPOCH + timedelta(seconds=dynamic.as_int(value))
    except OverflowError as error:
        raise Failure("bad_argument", "an instant lies in the years 1 to 9999") from error


def to_length(value: Any) -> timedelta:
    """Turn a value into a length of time.

    Args:
        value: a text or a length of time.

    Returns:
        The length.

    Raises:
        Failure: `bad_argument`, `missing_value`.
    """
    return value if isinstance(value, timedelta) else instants.parse_length(dynamic.as_text(value))
