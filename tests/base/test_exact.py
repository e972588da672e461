"""Exact amounts against fractions, worked out the slow way."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.base.exact import (
    BIGINT_MAX,
    RoundingMode,
    currency_digits,
    plain_text,
    round_ratio,
    round_scaled,
    scaled_decimal,
    scaled_text,
    spread,
    to_scaled,
)

MODES: tuple[RoundingMode, ...] = ("floor", "half_up", "half_even", "ceil", "exact")
scales = st.integers(0, 6)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=8)
numbers = st.one_of(
    st.integers(-(10**12), 10**12),
    decimals,
    st.fractions(max_denominator=997, min_value=-(10**9), max_value=10**9),
    st.builds(lambda whole, places: Fraction(2 * whole + 1, 2 * 10**places), st.integers(-999, 999), scales),
)


def slowly(value: Fraction, mode: str) -> int | None:
    """Round as the school book does."""
    below = floor(value)
    if mode == "exact":
        return below if value == below else None
    if mode in ("floor", "ceil"):
        return below if mode == "floor" else ceil(value)
    distance = value - below
    if distance != Fraction(1, 2):
        return below if distance < Fraction(1, 2) else below + 1
    if mode == "half_even":
        return below if below % 2 == 0 else below + 1
    return below + 1 if value > 0 else below  # away from zero


def caught(do: Any, *arguments: Any) -> Any:
    """Give what a function gives, or None where it refuses to round."""
    try:
        return do(*arguments)
    except Problem as problem:
        return None if problem.code == "inexact_amount" else problem


@given(numbers, scales, st.sampled_from(MODES))
def test_rounding_is_that_of_fractions(value: Any, scale: int, mode: RoundingMode) -> None:
    rounded = caught(round_scaled, value, scale, mode)
    assert rounded == slowly(Fraction(value) * 10**scale, mode)
    assert rounded is None or type(rounded) is int


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6), st.sampled_from(MODES))
def test_a_ratio_rounds_as_its_fraction(above: int, below: int, mode: RoundingMode) -> None:
    assert caught(round_ratio, above, below, mode) == slowly(Fraction(above, below), mode)


weights = st.lists(
    st.one_of(
        st.integers(0, 10**9),
        st.decimals(min_value=0, max_value=10**6, places=4),
        st.fractions(min_value=0, max_value=1000, max_denominator=99),
    ),
    max_size=9,
)


@given(st.integers(0, 10**12), weights | st.lists(st.integers(0, 60), max_size=9))
def test_spreading_is_largest_remainder_and_gives_all(total: int, parts: list[Any]) -> None:
    shares = spread(total, parts)
    assert len(shares) == len(parts)
    if not parts:
        return
    assert sum(shares) == total
    exact = [Fraction(part) for part in parts]
    whole = sum(exact)
    if whole == 0:
        assert shares == [total] + [0] * (len(parts) - 1)
        return
    # One unit after the other, to whoever is owed the most; the earlier place among equals.
    expected = [floor(total * part / whole) for part in exact]
    owed = [total * part / whole - share for part, share in zip(exact, expected, strict=True)]
    for _ in range(total - sum(expected)):
        place = max(range(len(owed)), key=lambda one: (owed[one], -one))
        expected[place] += 1
        owed[place] = Fraction(-1)
    assert shares == expected


@given(st.integers(-BIGINT_MAX, BIGINT_MAX), scales)
def test_a_scaled_amount_reads_back(amount: int, scale: int) -> None:
    text = scaled_text(amount, scale)
    assert Decimal(text) == scaled_decimal(amount, scale) == Fraction(amount, 10**scale)
    assert len(text.partition(".")[2]) == scale
    assert to_scaled(Decimal(text), scale) == amount


@given(decimals, scales)
def test_too_many_digits_are_refused_and_never_rounded(value: Decimal, scale: int) -> None:
    exact = Fraction(value) * 10**scale
    if exact.denominator == 1:
        assert to_scaled(value, scale) == exact
        return
    with pytest.raises(Problem) as refused:
        to_scaled(value, scale, "/here")
    assert (refused.value.code, refused.value.faults[0].pointer) == ("too_many_digits", "/here")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("NaN", "not_a_number"),
        ("sNaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("-Infinity", "not_a_number"),
        ("1e999999", "amount_too_large"),
        ("9223372036854775808", "amount_too_large"),
        ("-9223372036854775808", "amount_too_large"),
        ("1e-30", "too_many_digits"),
    ],
)
def test_what_no_amount_is(value: str, code: str) -> None:
    with pytest.raises(Problem) as caught_problem:
        to_scaled(Decimal(value), 0, "/amount")
    assert caught_problem.value.code == code


def test_a_long_number_is_read_as_a_short_one_is_and_its_error_says_where() -> None:
    long = Decimal("1." + "0" * 5_000 + "5")
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            to_scaled(long, 6, "/price")
        assert (refused.value.code, refused.value.faults[0].pointer) == ("too_many_digits", "/price")
    assert to_scaled(Decimal("19.9" + "0" * 5_000), 2) == 1990


def test_the_greatest_amount_fits() -> None:
    assert to_scaled(Decimal(BIGINT_MAX), 0) == BIGINT_MAX
    assert to_scaled(BIGINT_MAX, 0) == BIGINT_MAX


@given(decimals)
def test_a_plain_text_is_short_and_says_the_same(value: Decimal) -> None:
    text = plain_text(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert not ("." in text and text.endswith("0"))
    assert plain_text(value * 1) == plain_text(Decimal(text)) == text


def test_plain_texts_of_odd_numbers() -> None:
    assert [plain_text(Decimal(text)) for text in ("-0", "1E+3", "0.10", "1E-7")] == [
        "0", "1000", "0.1", "0.0000001",
    ]  # fmt: skip


def test_digits_of_currencies() -> None:
    assert [currency_digits(code) for code in ("USD", "JPY", "KWD", "CLP")] == [2, 0, 3, 0]
    with pytest.raises(Problem, match="unknown_currency"):
        currency_digits("USX")
