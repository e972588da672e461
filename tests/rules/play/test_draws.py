"""Draws: what a lot wins, who wins a raffle, and that anybody can reckon it again."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.play.draws import (
    NOTHING,
    Ticket,
    commitment_of,
    lot_of,
    prize_of,
    tickets_hash,
    winners_of,
)

SEED = bytes(range(32))
MOST = 2**256


def lots(ticket: Ticket) -> int:
    return lot_of(SEED, ticket.text)


def test_a_lot_can_be_reckoned_with_any_tool() -> None:
    # What the documentation tells members to do, written out once more.
    said = hmac.new(SEED, b"wheel@12ab\nacc_7\n3", hashlib.sha256).hexdigest()
    assert lot_of(SEED, Ticket("wheel@12ab", "acc_7", 3).text) == int(said, 16)
    assert commitment_of(SEED) == hashlib.sha256(SEED).hexdigest()
    assert tickets_hash([("acc_1", 2), ("acc_7", 1)]) == hashlib.sha256(b"acc_1 2\nacc_7 1\n").hexdigest()


@pytest.mark.parametrize(
    ("lot", "prize"),
    [
        (0, 1),
        (MOST // 50 - 1, 1),
        (MOST // 50 + 1, 2),
        (MOST // 50 + MOST // 10 - 2, 2),
        (MOST // 50 + MOST // 10 + 2, NOTHING),
        (MOST - 1, NOTHING),
    ],
)
def test_prizes_lie_one_after_the_other_from_nought_on(lot: int, prize: int) -> None:
    assert prize_of((Fraction(1, 50), Fraction(1, 10)), lot) == prize


def test_chances_that_make_one_always_win() -> None:
    assert prize_of((Fraction(1, 3), Fraction(2, 3)), MOST - 1) == 2
    assert prize_of((Fraction(1, 3),), MOST // 3) == 1, (
        "a third of 2^256 is no whole number: this lot is below"
    )


def test_what_is_drawn_has_the_odds_that_were_published() -> None:
    chances = (Fraction(1, 50), Fraction(1, 5))
    won = Counter(prize_of(chances, lots(Ticket("wheel@1", f"acc_{n % 97}", n))) for n in range(20_000))
    # Four times the standard deviation on each side; the seed is fixed, so this never fails by chance.
    assert abs(won[1] - 400) < 80
    assert abs(won[2] - 4_000) < 227


def test_an_account_wins_a_raffle_once_and_the_first_prize_goes_to_the_least_lot() -> None:
    tickets = [Ticket("raffle@1", f"acc_{who}", number) for who in range(5) for number in range(1, 4)]
    drawn = winners_of((1, 2), tickets, lots)
    assert [prize for prize, _ in drawn] == [1, 2, 2]
    assert len({ticket.account for _, ticket in drawn}) == 3
    assert lots(drawn[0][1]) == min(map(lots, tickets))


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 5), max_size=12), st.randoms(use_true_random=False))
def test_who_wins_does_not_hang_on_the_order_of_tickets(held: dict[int, int], chance: object) -> None:
    tickets = [
        Ticket("raffle@2", f"acc_{who}", n) for who, count in held.items() for n in range(1, count + 1)
    ]
    drawn = winners_of((1, 3), tickets, lots)
    mixed = list(tickets)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis names no type for its chance
    assert winners_of((1, 3), mixed, lots) == drawn
    assert len(drawn) == min(4, len(held))
