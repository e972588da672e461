"""The best set of a lane, beside a search through all sets that knows nothing of bounds."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.orders import OrderInput
from guerdon.rules.pricing import Priced, View, price, read_cart
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


@settings(max_examples=40)
@given(st.lists(campaigns("one"), min_size=2, max_size=5), carts())
def test_a_few_are_tried_in_all_their_sets(some: list[dict[str, Any]], cart: OrderInput) -> None:
    keyed = {f"c{number}": without_gifts(one) for number, one in enumerate(some)}
    quote = priced(keyed, cart, "best_set")
    assert quote.discount + quote.shipping.discount == best_of_all(keyed, cart)
    assert not quote.bounded
