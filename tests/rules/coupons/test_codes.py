"""Codes of batches: they are read back however they are typed, slips are told, and they cannot be guessed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.rules.coupons.codes import (
    ALPHABET,
    GUESSES,
    SIZE_AT_MOST,
    Codes,
    fold,
    has_right_check,
    letters_for,
)

SIZES = (1, 1_000, 1_099, 1_100, 1_000_000, 5_000_000, SIZE_AT_MOST)
KEY = bytes(range(32))


@given(st.sampled_from(SIZES), st.integers(0, SIZE_AT_MOST - 1), st.binary(min_size=32, max_size=32))
def test_a_code_tells_its_number_and_no_other_does(size: int, place: int, key: bytes) -> None:
    codes = Codes(key, "SPRING-", letters_for(size))
    place %= size
    (code,) = codes.written(place, 1)
    for typed in (code, code.lower(), code.replace("0", "O").replace("1", "l"), " ".join(code)):
        assert has_right_check(fold(typed))
        assert codes.decode(fold(typed), size) == place
    assert codes.decode(fold(code), place) is None


@given(st.integers(0, 4_999_999), st.integers(0, 18), st.sampled_from(ALPHABET))
def test_a_wrong_letter_and_two_that_changed_places_are_told(place: int, where: int, letter: str) -> None:
    (code,) = Codes(KEY, "SPRING-", letters_for(5_000_000)).written(place, 1)
    right = fold(code)
    wrong = right[:where] + letter + right[where + 1 :]
    assert has_right_check(wrong) is (wrong == right)
    turned = right[:where] + right[where + 1 : where + 2] + right[where] + right[where + 2 :]
    assert has_right_check(turned) is (turned == right)


def test_the_length_makes_guessing_hopeless() -> None:
    for size in SIZES:
        assert 32 ** (letters_for(size) - 1) >= GUESSES * size
    assert [letters_for(size) for size in SIZES] == [9, 9, 9, 11, 11, 13, 13]


@pytest.mark.parametrize("size", [0, SIZE_AT_MOST + 1])
def test_a_batch_has_a_size_that_can_be(size: int) -> None:
    with pytest.raises(Problem, match="100,000,000"):
        letters_for(size)


def test_codes_are_all_different_and_show_no_order() -> None:
    written = list(Codes(KEY, "", letters_for(20_000)).written(0, 20_000))
    assert len(set(written)) == 20_000
    rising = sum(one < other for one, other in itertools.pairwise(written))
    assert 9_500 < rising < 10_500
    assert list(Codes(KEY, "", letters_for(20_000)).written(8_190, 5)) == written[8_190:8_195]
    assert list(Codes(bytes(32), "", letters_for(20_000)).written(0, 5)) != written[:5]


@given(st.text(max_size=200))
def test_whatever_is_typed_means_letters_or_nothing(typed: str) -> None:
    assert set(fold(typed)) <= set(ALPHABET)
