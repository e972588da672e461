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

from guerdon.rules.orders import LineInput, OrderInput, ShippingInput
from guerdon.rules.pricing import Priced, View, best_set, price, read_cart
from guerdon.rules.pricing.bill import Run
from guerdon.rules.pricing.combining import combine
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


_MORE = [
    {"percent": "20", "at_most": "7"},
    {"percent": "100", "of": "cheapest", "every": 3},
    {"percent": "30", "of": "cheapest", "where": "line.net > 40"},
    {"percent": "40", "of": "lines", "where": "line.net < 100"},
    {"percent": "100", "of": "lines", "where": "line.net > 20", "buy": {"quantity": 2}},
    {"percent": "100", "of": "cheapest", "buy": {"quantity": 2, "where": "line.net > 60"}},
    {"percent": "50", "of": "shipping"},
    {"price": "12", "of": "lines", "where": "line.quantity > 1"},
    {"price": "50", "of": "lines", "every": 3},
    {"steps": [{"from": 2, "percent": 5}, {"from": 7, "percent": 10}], "by": "line_quantity"},
    {"steps": [{"from": 2, "amount": "5"}, {"from": 5, "amount": "9"}], "by": "line_quantity"},
    {"steps": [{"from": 20, "percent": 25}, {"from": 45, "percent": 3}], "by": "quantity"},
    {"steps": [{"from": 100, "percent": 40}, {"from": 900, "percent": 4}]},
    {"steps": [{"from": 100, "amount": "30"}, {"from": 300, "percent": 20}], "where": "line.net > 50"},
]
_WHENS = ["", "", "cart.net < 350", "cart.lines.exists(l, l.net > 30)", "cart.discount == 0"]
_LIMITS = [{}, {}, {"limits": {"budget": {"money": "30"}, "when_short": "part"}}]
_SETTINGS: list[dict[str, Any]] = [
    {},
    {"rounding": {"per": "order"}},
    {"rounding": {"mode": "down"}},
    {"base": "original"},
    {"floor_percent": 30},
    {"at_most": {"percent": 40}},
    {"amount_off": "net"},
    {"minimum": "before_discounts"},
]


def any_lane(chance: random.Random, count: int) -> dict[str, Any]:
    """Make a lane of discounts of all kinds, under conditions that others of the lane change."""
    some: dict[str, Any] = {}
    for number in range(count):
        when = chance.choice([*_WHENS, f"cart.net >= {chance.randrange(200, 400)}"])
        then: list[dict[str, Any]] = [{"discount": chance.choice(_EFFECTS + _MORE)}]
        if chance.random() < 0.15:
            then.append({"gift": {"sku": "pen", "worth": "4"}})
        some[f"c{number:02}"] = {
            "trigger": "checkout",
            "lane": "one",
            "priority": chance.randrange(3),
            "then": then,
            **chance.choice(_LIMITS),
            **({"when": when} if when else {}),
        }
    return some


def any_cart(chance: random.Random) -> OrderInput:
    return OrderInput(
        id="cart",
        lines=tuple(
            LineInput(
                id=str(number),
                quantity=Decimal(chance.randrange(1, 8)),
                price=Decimal(chance.randrange(100, 6_000)) / 100,
                tax_rate=Decimal("0.08"),
            )
            for number in range(chance.choice([4, 7]))
        ),
        shipping=ShippingInput(Decimal("9.90")),
    )


def worth(quote: Priced) -> int:
    gifts = sum(400 * int(gift.quantity) for gift in quote.gifts if gift.added)
    return quote.discount + quote.shipping.discount + gifts


@pytest.mark.parametrize("seed", range(48))
def test_what_is_left_out_of_the_search_could_not_have_won(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    if seed < 24:
        document = program_of(twelve(chance), lanes={"one": "best_set"})
        sent = TEN_LINES
    else:
        some, pricing = any_lane(chance, chance.choice([8, 9, 10])), chance.choice(_SETTINGS)
        document = program_of(some, lanes={"one": "best_set"}, pricing=pricing)
        sent = any_cart(chance)
    program = compiled(document)
    cart = read_cart(sent, program.order_settings)
    quick = price(program, cart, View(), AT)
    monkeypatch.setattr(best_set, "WORK_AT_MOST", 10**9)
    bound = price(program, cart, View(), AT)
    # Now without any bound: every set is tried.
    monkeypatch.setattr(best_set, "TRIED_THROUGH", 12)
    every = price(program, cart, View(), AT)
    assert not every.bounded
    assert not bound.bounded
    assert worth(bound) == worth(every)
    assert worth(quick) == worth(every) or (quick.bounded and worth(quick) < worth(every))
    assert worth(quick) >= worth(price(compiled({**document, "lanes": {"one": "best"}}), cart, View(), AT))


def searched(some: dict[str, Any], sent: OrderInput, lanes: dict[str, Any]) -> Run:
    program = compiled(program_of(some, lanes=lanes))
    run = Run(program, read_cart(sent, program.order_settings), View(), AT)
    combine(run, program.promotions.automatic)
    return run


def test_a_search_does_so_much_work_and_no_more_whatever_is_in_the_lane() -> None:
    bounded = 0
    for seed in range(30):
        chance = random.Random(seed)
        run = searched(any_lane(chance, 12), any_cart(chance), {"one": "best_set"})
        # What was begun is brought to an end: some tries of a dozen.
        assert run.work < best_set.WORK_AT_MOST * 1.3
        bounded += run.bounded
    assert bounded > 0


def test_a_lane_in_a_lane_works_no_more_than_one() -> None:
    chance = random.Random(3)
    inner = {key: {**one, "lane": "inner"} for key, one in any_lane(chance, 12).items()}
    outer = {f"o{key}": one for key, one in any_lane(chance, 11).items()}
    lanes = {"one": "best_set", "inner": {"choose": "best_set", "within": "one"}}
    run = searched({**inner, **outer}, any_cart(chance), lanes)
    assert run.bounded
    assert run.work < best_set.WORK_AT_MOST * 4


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
