"""Exact numbers at run time: the decimal context, quotients, remainders and rounding."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.literals import DIGITS, RANGE

Number = int | Decimal | Fraction

EXACT = decimal.Context(
    prec=DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-RANGE,
    Emax=RANGE,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.Underflow,
        decimal.FloatOperation,
    ],
)
"""The context under which expressions are evaluated: what would have to be rounded is an error instead."""

LEAST, GREATEST = -(2**63), 2**63 - 1
"""The range of an int."""
_FRACTION_BITS = 2048
_PLACES = 30


def whole(value: int) -> int:
    """Bound an int.

    Args:
        value: any int.

    Returns:
        The same.

    Raises:
        Failure: `number_too_large`.
    """
    if LEAST <= value <= GREATEST:
        return value
    raise Failure("number_too_large", "an int has 64 bits; write decimal(…) for a larger number")


def _bounded(value: Fraction) -> Fraction:
    if value.denominator.bit_length() > _FRACTION_BITS or value.numerator.bit_length() > _FRACTION_BITS:
        raise Failure("number_too_large", "the exact quotient has too many digits")
    return value


def decimal_of(value: int | Decimal) -> Decimal:
    """Turn an int into a decimal.

    Args:
        value: an int or a decimal.

    Returns:
        The same number as a decimal.
    """
    return Decimal(value)


def fraction_of(value: Number) -> Fraction:
    """Turn a number into an exact fraction.

    Args:
        value: any exact number.

    Returns:
        The same number as a fraction.
    """
    return value if type(value) is Fraction else Fraction(*value.as_integer_ratio())


def quotient(left: Number, right: Number) -> Fraction:
    """Divide exactly.

    Args:
        left: any exact number.
        right: any exact number.

    Returns:
        The quotient.

    Raises:
        ZeroDivisionError: `right` is zero.
    """
    above, below = left.as_integer_ratio()
    by_above, by_below = right.as_integer_ratio()
    return _bounded(Fraction(above * by_below, below * by_above))


def sum_of_fractions(left: Fraction, right: Fraction) -> Fraction:
    """Add exactly.

    Args:
        left: a fraction.
        right: a fraction.

    Returns:
        The sum.
    """
    return _bounded(left + right)


def difference_of_fractions(left: Fraction, right: Fraction) -> Fraction:
    """Subtract exactly.

    Args:
        left: a fraction.
        right: a fraction.

    Returns:
        The difference.
    """
    return _bounded(left - right)


def product_of_fractions(left: Fraction, right: Fraction) -> Fraction:
    """Multiply exactly.

    Args:
        left: a fraction.
        right: a fraction.

    Returns:
        The product.
    """
    return _bounded(left * right)


def whole_remainder(left: int, right: int) -> int:
    """Take the remainder of a division that truncates, so that it has the sign of `left`.

    Args:
        left: an int.
        right: an int.

    Returns:
        The remainder.

    Raises:
        ZeroDivisionError: `right` is zero.
    """
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    """Take the remainder of a division that truncates, so that it has the sign of `left`.

    Args:
        left: a decimal.
        right: a decimal.

    Returns:
        The remainder.

    Raises:
        ZeroDivisionError: `right` is zero.
    """
    if not right:
        raise ZeroDivisionError
    return left % right


def fraction_remainder(left: Fraction, right: Fraction) -> Fraction:
    """Take the remainder of a division that truncates, so that it has the sign of `left`.

    Args:
        left: a fraction.
        right: a fraction.

    Returns:
        The remainder.

    Raises:
        ZeroDivisionError: `right` is zero.
    """
    rest = abs(left) % abs(right)
    return _bounded(-rest if left < 0 else rest)


def floor(value: Number) -> int:
    """Round down.

    Args:
        value: any exact number.

    Returns:
        The greatest int that is not greater.
    """
    above, below = value.as_integer_ratio()
    return whole(above // below)


def ceil(value: Number) -> int:
    """Round up.

    Args:
        value: any exact number.

    Returns:
        The least int that is not less.
    """
    above, below = value.as_integer_ratio()
    return whole(-(-above // below))


def round_whole(value: Number) -> int:
    """Round to the nearest int, halves away from zero.

    Args:
        value: any exact number.

    Returns:
        The nearest int.
    """
    above, below = value.as_integer_ratio()
    rounded = (2 * abs(above) + below) // (2 * below)
    return whole(-rounded if above < 0 else rounded)


def round_places(value: Number, places: int) -> Decimal:
    """Round to decimal places, halves away from zero.

    Args:
        value: any exact number.
        places: how many places to keep, 0 to 30.

    Returns:
        The nearest decimal with that many places.

    Raises:
        Failure: `bad_argument`, `number_too_large`.
    """
    if not 0 <= places <= _PLACES:
        raise Failure("bad_argument", f"round keeps 0 to {_PLACES} places")
    above, below = value.as_integer_ratio()
    above *= 10**places
    rounded = (2 * abs(above) + below) // (2 * below)
    return Decimal(-rounded if above < 0 else rounded).scaleb(-places)


def total_whole(items: Iterable[int]) -> int:
    """Add ints.

    Args:
        items: ints.

    Returns:
        Their sum, 0 when there are none.
    """
    return whole(sum(items))


def total_decimal(items: Iterable[Decimal]) -> Decimal:
    """Add decimals.

    Args:
        items: decimals.

    Returns:
        Their sum, 0 when there are none.
    """
    return sum(items, _ZERO)


def total_fraction(items: Iterable[Fraction]) -> Fraction:
    """Add fractions.

    Args:
        items: fractions.

    Returns:
        Their sum, 0 when there are none.
    """
    total = Fraction(0)
    for item in items:
        total = _bounded(total + item)
    return total


_ZERO = Decimal(0)
