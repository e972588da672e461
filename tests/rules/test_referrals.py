"""Codes of invitations, and what looks like one person, without a database."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.rules.coupons.codes import ALPHABET
from guerdon.rules.definition import Review
from guerdon.rules.lint.firing import BUILT_IN
from guerdon.rules.own_events import TYPES
from guerdon.rules.referrals.codes import code_of, read_code, shown_code
from guerdon.rules.referrals.reviewing import is_same_person, traces_in, verdict_on


@given(st.binary(min_size=5, max_size=32), st.integers(0, 7), st.sampled_from(ALPHABET))
def test_a_wrong_letter_is_always_found(digest: bytes, place: int, letter: str) -> None:
    code = code_of(digest)
    assert read_code(shown_code(code).lower().replace("0", "o").replace("1", "l")) == code
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong != code:
        with pytest.raises(Problem) as refused:
            read_code(wrong)
        assert refused.value.code == "referral_code_mistyped"


@given(st.binary(min_size=5, max_size=32), st.integers(0, 6))
def test_two_letters_that_changed_places_are_found(digest: bytes, place: int) -> None:
    code = code_of(digest)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if wrong != code:
        with pytest.raises(Problem, match="a letter of this code is wrong"):
            read_code(wrong)


@pytest.mark.parametrize(
    "typed", ["", " ", "7K2M", "7K2M-9QXA-0", "ABCD😀FGH", "x" * 5_000, secrets.token_hex(60)]
)
def test_what_is_no_code_is_unknown(typed: str) -> None:
    with pytest.raises(Problem) as refused:
        read_code(typed)
    assert refused.value.code == "referral_code_unknown"


def test_the_strictest_word_holds() -> None:
    review = Review(same_card="allow", circle="hold", same_person="refuse")
    assert verdict_on(review, []) == "allow"
    assert verdict_on(review, ["same_card"]) == "allow"
    assert verdict_on(review, ["same_card", "circle"]) == "hold"
    assert verdict_on(review, ["circle", "same_person"]) == "refuse"


def test_one_mailbox_is_one_person_and_no_name_is_nobody() -> None:
    nobody = {"email": "", "name": "", "birthday": ""}
    assert not is_same_person(nobody, nobody)
    assert not is_same_person({**nobody, "name": "Anna"}, {**nobody, "name": "Anna"})
    assert not is_same_person({**nobody, "email": "a.b@example.com"}, {**nobody, "email": "ab@example.com"})
    assert is_same_person({**nobody, "email": "A+x@example.com"}, {**nobody, "email": "a@EXAMPLE.com"})


def test_traces_do_not_depend_on_how_they_are_written() -> None:
    one = traces_in(None, {"address": "12, Elm  Street.", "card": None, "device": "", "other": "x"})
    other = traces_in(None, {"address": "12 elm street"})
    assert one == other == {"address": "12 elm street"}
    assert traces_in(None, {"address": {"zip": "1", "city": "B"}}) == traces_in(
        None, {"address": {"city": "b", "zip": "1"}}
    )


def test_the_lint_knows_the_events_that_are_made_here() -> None:
    assert {one for one in TYPES if one.startswith(("referral.", "member.", "order."))} <= BUILT_IN
