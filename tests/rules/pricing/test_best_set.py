"""The best set of a lane, beside a search through all sets that knows nothing of bounds."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.orders import LineInput, OrderInput
from guerdon.rules.pricing import Priced, View, best_set, price, read_cart
from tests.rules.pricing.drawing import campaigns, carts, compiled, program_of

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def priced(some: dict[str, Any], cart: OrderInput, lane: str) -> Priced:
    program = compiled(program_of(some, lanes={"one": lane}))
    return price(program, read_cart(cart, program.order_settings), View(), AT)


def best_of_all(some: dict[str, Any], cart: OrderInput) -> int:
    """Try every subset as a program of its own, in which all of the lane act."""
    best = 0
    for size in range(1, len(some) + 1):
        for chosen in itertools.combinations(some, size):
            quote = priced({key: some[key] for key in chosen}, cart, "all")
            best = max(best, quote.discount + quote.shipping.discount)
    return best


def without_gifts(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "then": [effect for effect in one["then"] if "gift" not in effect]}


@settings(max_examples=40, deadline=None)
@given(st.lists(campaigns("one"), min_size=2, max_size=5), carts())
def test_a_few_are_tried_in_all_their_sets(some: list[dict[str, Any]], cart: OrderInput) -> None:
    keyed = {f"c{number}": without_gifts(one) for number, one in enumerate(some)}
    quote = priced(keyed, cart, "best_set")
    assert quote.discount + quote.shipping.discount == best_of_all(keyed, cart)
    assert not quote.bounded


_EFFECTS = [
    {"percent": "5"},
    {"percent": "11"},
    {"amount": "17.00"},
    {"percent": "7", "of": "lines", "where": "line.id < '5'"},
    {"percent": "50", "of": "cheapest"},
    {"steps": [{"from": 200, "percent": 5}, {"from": 350, "percent": 10}]},
]


def twelve(chance: random.Random) -> dict[str, Any]:
    """Make a lane of twelve, some of which spoil others."""
    some: dict[str, Any] = {}
    for number in range(12):
        when = chance.choice(["", "", f"cart.net >= {chance.randrange(200, 400)}", "cart.net < 350"])
        some[f"c{number:02}"] = {
            "trigger": "checkout",
            "lane": "one",
            "priority": chance.randrange(3),
            "then": [{"discount": chance.choice(_EFFECTS)}],
            **({"when": when} if when else {}),
        }
    return some


TEN_LINES = OrderInput(
    id="cart",
    lines=tuple(
        LineInput(id=str(number), quantity=Decimal(2), price=Decimal("19.90")) for number in range(10)
    ),
)


@pytest.mark.parametrize("seed", range(6))
def test_twelve_that_touch_common_lines_are_exact(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    some = twelve(random.Random(seed))
    quote = priced(some, TEN_LINES, "best_set")
    monkeypatch.setattr(best_set, "TRIED_THROUGH", 12)
    monkeypatch.setattr(best_set, "TRIES_AT_MOST", 10**9)
    every = priced(some, TEN_LINES, "best_set")
    assert quote.bounded or quote.discount == every.discount
    assert quote.discount >= priced(some, TEN_LINES, "best").discount


def test_most_lanes_of_twelve_are_searched_to_the_end() -> None:
    bounded = [priced(twelve(random.Random(seed)), TEN_LINES, "best_set").bounded for seed in range(20)]
    assert sum(bounded) <= 4


def test_thirteen_on_common_lines_are_bounded_and_still_no_worse_than_the_best_one() -> None:
    some = twelve(random.Random(1))
    some["c12"] = {"trigger": "checkout", "lane": "one", "then": [{"discount": {"percent": "3"}}]}
    quote = priced(some, TEN_LINES, "best_set")
    assert quote.bounded
    assert quote.discount >= priced(some, TEN_LINES, "best").discount


def test_many_on_lines_of_their_own_are_exact() -> None:
    some = {
        f"c{number:02}": {
            "trigger": "checkout",
            "lane": "one",
            "then": [{"discount": {"percent": "10", "of": "lines", "where": f"line.id == '{number % 10}'"}}],
        }
        for number in range(40)
    }
    quote = priced(some, TEN_LINES, "best_set")
    assert not quote.bounded
    # Four times ten percent of a line, halves up: 398, 358, 322, 290 cents.
    assert quote.net == 10 * (3980 - 398 - 358 - 322 - 290)
