"""The functions of `math` at run time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime import exact
from guerdon.rules.expressions.runtime.exact import Number

_BITS = 64
_ALL = 2**_BITS - 1


def trunc(value: Number) -> int:
    """Cut the decimal places off.

    Args:
        value: any exact number.

    Returns:
        The nearest int that is not further from zero.

    Raises:
        Failure: `number_too_large`.
    """
    above, below = value.as_integer_ratio()
    return exact.whole(-(-above // below) if above < 0 else above // below)


def as_decimal_of(run: Any) -> Any:
    """Give what a function that rounds to an int gives as a decimal.

    Args:
        run: a function of a number.

    Returns:
        The same function with a decimal for a result.
    """
    return lambda value: Decimal(run(value))


def sign(value: Number) -> int:
    """Say on which side of zero a number lies.

    Args:
        value: any exact number.

    Returns:
        -1, 0 or 1.
    """
    return (value > 0) - (value < 0)


def is_whole(value: Number) -> bool:
    """Say whether a number has no decimal places.

    Args:
        value: any exact number.

    Returns:
        True for 3 and for 3.0.
    """
    return value.as_integer_ratio()[1] == 1


def shifted_left(value: int, places: int) -> int:
    """Shift the 64 bits of an int to the left; what leaves them is lost.

    Args:
        value: an int.
        places: how far.

    Returns:
        The int of the bits that are left.

    Raises:
        Failure: `bad_argument`.
    """
    return _signed((value << _places(places)) & _ALL) if places < _BITS else _places(places) * 0


def shifted_right(value: int, places: int) -> int:
    """Shift the 64 bits of an int to the right; zeros come in from the left.

    Args:
        value: an int.
        places: how far.

    Returns:
        The int of the bits that are left.

    Raises:
        Failure: `bad_argument`.
    """
    return _signed((value & _ALL) >> min(_places(places), _BITS))


def _places(places: int) -> int:
    if places < 0:
        raise Failure("bad_argument", "bits are shifted by 0 places or more")
    return places


def _signed(bits: int) -> int:
    return bits - 2**_BITS if bits >> (_BITS - 1) else bits
