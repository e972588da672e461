"""Exact amounts: integers in a scale, their text, rounding and spreading, with no float anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
)
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from babel.numbers import get_currency_precision, list_currencies

from guerdon.base.errors import Problem

Number = int | Decimal | Fraction
RoundingMode = Literal["floor", "half_up", "half_even", "ceil", "exact"]

BIGINT_MAX = 2**63 - 1
"""The greatest amount that a `bigint` column holds, in units of the scale."""

_WIDE = Context(prec=80)
_SHORT = 128
"""Bytes of a number that is remembered."""
_PLACES = tuple(Decimal(1).scaleb(-places) for places in range(19))
_DECIMAL_MODES = {
    "floor": ROUND_FLOOR,
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "ceil": ROUND_CEILING,
}
_ROUNDING = {mode: Context(prec=80, rounding=word, traps=[]) for mode, word in _DECIMAL_MODES.items()}


@lru_cache(maxsize=512)
def currency_digits(currency: str) -> int:
    """Tell how many decimal places a currency has.

    Args:
        currency: ISO 4217 code, such as `USD`.

    Returns:
        The number of places: 2 for USD, 0 for JPY, 3 for KWD.

    Raises:
        Problem: `unknown_currency`.
    """
    if currency not in list_currencies():
        raise Problem("unknown_currency", f"{currency!r} is not an ISO 4217 currency code")
    digits: int = get_currency_precision(currency)
    return digits


def to_scaled(value: Decimal | int, scale: int, pointer: str = "") -> int:
    """Turn an exact decimal into an integer of a scale.

    Args:
        value: the amount, in whole units.
        scale: decimal places that are kept.
        pointer: JSON pointer for the error.

    Returns:
        The amount in units of 10^-scale.

    Raises:
        Problem: `not_a_number`, `too_many_digits` or `amount_too_large`.
    """
    try:
        return _remembered(value, scale)
    except (Problem, ValueError, TypeError):
        # Only what came to something is remembered; what is wrong is said where it stands.
        return _scaled(value, scale, pointer)


@lru_cache(maxsize=16_384)
def _remembered(value: Decimal | int, scale: int) -> int:
    # A catalogue has few prices, and orders have mostly one or two of a thing.
    if value.__sizeof__() > _SHORT:
        raise ValueError("too long to be kept")
    return _scaled(value, scale, "")


def _scaled(value: Decimal | int, scale: int, pointer: str) -> int:
    if isinstance(value, int):
        scaled = int(value * 10**scale)
    else:
        if not value.is_finite():
            raise Problem.at(pointer, "not_a_number", "expected a decimal number")
        if value.adjusted() > 40:  # before int() would write out a million digits
            raise Problem.at(pointer, "amount_too_large", "the amount is too large")
        shifted = value.scaleb(scale, _WIDE)
        scaled = int(shifted)
        # What has more digits than the context was rounded by it.
        if scaled != shifted or (value.__sizeof__() > _SHORT and scaled_decimal(scaled, scale) != value):
            raise Problem.at(pointer, "too_many_digits", f"at most {scale} decimal places are kept here")
    if not -BIGINT_MAX <= scaled <= BIGINT_MAX:
        raise Problem.at(pointer, "amount_too_large", "the amount is too large")
    return scaled


def scaled_decimal(amount: int, scale: int) -> Decimal:
    """Give the exact decimal of a scaled integer.

    Args:
        amount: in units of 10^-scale.
        scale: decimal places.

    Returns:
        The amount in whole units.
    """
    return _WIDE.multiply(_PLACES[scale], amount) if scale else Decimal(amount)


def scaled_text(amount: int, scale: int) -> str:
    """Write a scaled integer as a decimal string with all its places.

    Args:
        amount: in units of 10^-scale.
        scale: decimal places.

    Returns:
        Text such as `129.90`, or `211` where the scale is 0.
    """
    if not scale:
        return str(amount)
    sign, digits = ("-", str(-amount)) if amount < 0 else ("", str(amount))
    if len(digits) <= scale:
        digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def round_scaled(value: Number, scale: int, mode: RoundingMode) -> int:
    """Round an exact number to an integer of a scale.

    Args:
        value: exact amount in whole units.
        scale: decimal places that are kept.
        mode: how; `exact` refuses what does not fit.

    Returns:
        The amount in units of 10^-scale.

    Raises:
        Problem: `inexact_amount` in mode `exact`.
    """
    if isinstance(value, int):
        return int(value * 10**scale)
    if isinstance(value, Fraction):
        return _round_fraction(value * 10**scale, mode)
    if mode == "exact":
        scaled = value.scaleb(scale, _WIDE)
        if scaled != scaled.to_integral_value():
            raise Problem("inexact_amount", f"the amount does not fit {scale} decimal places")
        return int(scaled)
    context = _ROUNDING[mode]
    return int(value.quantize(_PLACES[scale], context=context).scaleb(scale, context))


def _round_fraction(value: Fraction, mode: RoundingMode) -> int:
    return round_ratio(value.numerator, value.denominator, mode)


def round_ratio(numerator: int, denominator: int, mode: RoundingMode) -> int:
    """Round an exact quotient to an integer.

    Args:
        numerator: any integer.
        denominator: more than zero.
        mode: how; `exact` refuses what does not divide, halves go away from zero in `half_up`.

    Returns:
        The rounded quotient.

    Raises:
        Problem: `inexact_amount` in mode `exact`.
    """
    whole, rest = divmod(numerator, denominator)
    if rest == 0 or mode == "floor":
        return whole
    if mode == "ceil":
        return whole + 1
    if mode == "exact":
        raise Problem("inexact_amount", "the amount does not fit the decimal places that are kept")
    if 2 * rest == denominator:
        up = numerator > 0 if mode == "half_up" else bool(whole & 1)
        return whole + up
    return whole + (2 * rest > denominator)


def spread(total: int, weights: Sequence[Number]) -> list[int]:
    """Spread an integer over weights in proportion, by largest remainder, ties to the earlier place.

    Args:
        total: what is spread, an integer of any scale, not negative.
        weights: exact weights, not negative; where all are zero the first place takes everything.

    Returns:
        One integer for each weight; they sum to `total`.
    """
    if not weights:
        return []
    if all(type(weight) is int for weight in weights):
        return _spread_evenly(total, weights)  # type: ignore[arg-type]  # just looked at
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact, Fraction(0))
    if whole == 0:
        return [total] + [0] * (len(exact) - 1)
    shares: list[int] = []
    remainders: list[tuple[Fraction, int]] = []
    for place, weight in enumerate(exact):
        share = total * weight / whole
        floor = share.numerator // share.denominator
        shares.append(floor)
        remainders.append((floor - share, place))
    remainders.sort()
    for _, place in remainders[: total - sum(shares)]:
        shares[place] += 1
    return shares


def _spread_evenly(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    shares = [total * weight // whole for weight in weights]
    rest = total - sum(shares)
    if rest:
        remainders = [-(total * weight % whole) for weight in weights]
        for place in sorted(range(len(weights)), key=remainders.__getitem__)[:rest]:
            shares[place] += 1
    return shares


def plain_text(value: Decimal) -> str:
    """Write a decimal without an exponent and without trailing zeros.

    Args:
        value: any finite decimal.

    Returns:
        The shortest plain text, the same for equal values.
    """
    text = format(value.normalize(_WIDE), "f")
    return "0" if text == "-0" else text


def multiply(one: Number, other: Number) -> Number:
    """Multiply exactly, whatever kinds the numbers are.

    Args:
        one: an exact number.
        other: an exact number.

    Returns:
        Their product; a quotient where either is one.
    """
    if isinstance(one, Fraction) or isinstance(other, Fraction):
        return Fraction(one) * Fraction(other)
    try:
        return one * other
    except DecimalException:  # more digits than decimals keep here
        return Fraction(one) * Fraction(other)


def plus(one: Number, other: Number) -> Number:
    """Add exactly, whatever kinds the numbers are.

    Args:
        one: an exact number.
        other: an exact number.

    Returns:
        Their sum; a quotient where either is one.
    """
    if isinstance(one, Fraction) or isinstance(other, Fraction):
        return Fraction(one) + Fraction(other)
    try:
        return one + other
    except DecimalException:
        return Fraction(one) + Fraction(other)
