"""What a cart is told of challenges beforehand is what its order does."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.checkout import Opening, Quoted, quote
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event, JoinChallenge, PriceCart
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.pricing import read_cart
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT
from guerdon.rules.reaching.challenges import NOTHING, Standing
from guerdon.rules.reaching.foreseeing import how_far
from guerdon.rules.state import AccountState, Shared, State
from guerdon.rules.step import exactly, step
from tests.rules.play.test_challenges import BASE, DAY, PRIZE, Life
from tests.rules.reducing import reduced
from tests.rules.worlds import chance, compiled

_TWICE = {"event": "order.paid", "times": "2"}
OFF = {"trigger": "checkout", "when": "cart.net >= 40", "then": [{"discount": {"percent": "25"}}]}
ALL: dict[str, dict[str, Any]] = {
    "card": {"metric": "orders", "every": "3"},
    "gold": {"metric": "spend", "every": "50", "prize": [{"grant": "pen"}], "limits": {"per_account": "1"}},
    "goal": {"metric": "spend", "goal": "60"},
    "again": {"metric": "spend", "goal": "25", "repeatable": "true"},
    "skus": {"metric": "skus", "goal": "3", "audience": "metrics.orders >= 2"},
    "weeks": {"metric": "weeks", "every": "2"},
    "month": {"metric": "monthly", "every": "2"},
    "march": {"metric": "spend", "goal": "80", "starts": "2026-03-03", "ends": "2026-03-20"},
    "joined": {"metric": "orders", "goal": "2", "opt_in": "true", "within": "10d"},
    "own": {"metric": "spend", "goal": {"personal": "metrics.spend * 1.5", "at_least": "20"}},
    "steps": {"steps": [{"metric": "orders", "goal": "1"}, {"metric": "skus", "goal": "2"}]},
    "order": {"steps": [{"metric": "spend", "goal": "5"}, _TWICE], "in_order": "true"},
    "broken": {"metric": "orders", "goal": "2", "audience": "1 / (metrics.orders - 1) > 0"},
}  # fmt: skip
carts = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from([0, 99, 1000, 2500, 6000])), min_size=1, max_size=3
)
acts = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 6, 20]), st.sampled_from([0, 0, 0, 2, 9]), carts), max_size=6
)


def program_with(chosen: set[str]) -> Program:
    challenges = {key: {"prize": PRIZE, **ALL[key]} for key in sorted(chosen)}
    return compiled({**BASE, "challenges": challenges, "campaigns": {"off": OFF}})


def lines_of(cart: list[tuple[str, int]]) -> tuple[LineInput, ...]:
    return tuple(
        LineInput(str(at), sku=sku, quantity=Decimal(1), price=Decimal(cents) / 100)
        for at, (sku, cents) in enumerate(cart)
    )


def lived(program: Program, life: list[tuple[int, int, Any]], joins: bool) -> Life:
    one = Life(program)
    if joins and "joined" in program.challenges:
        one.does(
            Event("guerdon.join_challenge", one.now, one.now, "guerdon", command=JoinChallenge("joined"))
        )
    for later, late, cart in life:
        one.later(later)
        stood, one.now = one.now, one.now - late * DAY
        one.buys(f"o{one.count}", *lines_of(cart))
        one.now = stood
    return one


def quoted(
    program: Program, state: State, life: Life, cart: tuple[LineInput, ...]
) -> tuple[State, Quoted, Event]:
    sent = OrderInput("cart", cart)
    event = Event(CHECKOUT, life.now, life.now, "shop", "cart", "web", command=PriceCart(()))
    asked = Opening("cart", read_cart(sent, program.order_settings), life.now + timedelta(minutes=9), ())
    with exactly():
        held, found = quote(program, state, event, asked, chance(5))
    return held, found, event


def standing(program: Program, state: State, event: Event) -> dict[str, tuple[Decimal, Decimal | None]]:
    """How far an account is with everything, as its own page says it."""
    look = Event("guerdon.look", event.occurred_at, event.booked_at, "guerdon", channel="system")
    draft = Draft(program, state, look, chance(6))
    found = {}
    with exactly():
        for key, challenge in program.challenges.items():
            if not challenge.is_badge:
                one = Standing(draft, challenge)
                found[key] = how_far(one, one.value(0))
    return found


@settings(max_examples=200)
@given(st.sets(st.sampled_from(sorted(ALL)), min_size=1, max_size=6), acts, carts, st.booleans())
def test_a_cart_is_told_what_its_order_does(chosen: set[str], life: Any, cart: Any, joins: bool) -> None:
    program = program_with(chosen)
    one = lived(program, life, joins)
    held, found, event = quoted(program, one.state, one, lines_of(cart))
    order = read_order(found.order, program.order_settings, "web", "")
    paid = msgspec.structs.replace(event, type="order.paid", command=None, order=order, capture=found.capture)
    with exactly():
        after, decision = step(program, held, paid, chance(7))
    assert not decision.problem_code
    was, now = standing(program, one.state, event), standing(program, after, event)
    reached = Counter(each.challenge for each in decision.reached if each.challenge in chosen)
    told = {each.challenge: each for each in found.challenges}
    assert {key: each.times for key, each in told.items() if each.times} == reached
    assert {key: (each.value, each.goal) for key, each in told.items()} == {key: now[key] for key in told}
    assert {key: each.before for key, each in told.items()} == {key: was[key][0] for key in told}
    # The prizes are those of the decision, which is the order's own.
    told_of, given_by = (
        [(each.campaign, each.kind, each.amount) for each in whole.effects]
        for whole in (found.paid, decision)
    )
    assert told_of == given_by
    for key in set(program.challenges) - set(told):
        challenge = program.challenges[key]
        is_done = challenge.every is None and not challenge.repeatable
        at = Standing(Draft(program, after, paid, chance(6)), challenge)
        if (
            not challenge.is_badge
            and challenge.audience is None
            and at.is_on
            and not (is_done and after.account.challenges.get(key, NOTHING).times)
        ):
            assert now[key][0] == was[key][0], f"{key} moves, and nobody was told"


@settings(max_examples=60)
@given(st.sets(st.sampled_from(sorted(ALL)), min_size=1, max_size=6), acts, carts, st.booleans())
def test_what_is_gathered_for_a_cart_is_enough(chosen: set[str], life: Any, cart: Any, joins: bool) -> None:
    program = program_with(chosen)
    one = lived(program, life, joins)
    event = Event(CHECKOUT, one.now, one.now, "shop", "cart", "web", command=PriceCart(()))
    _, whole, _ = quoted(program, one.state, one, lines_of(cart))
    _, gathered, _ = quoted(program, reduced(program, one.state, event), one, lines_of(cart))
    assert gathered.challenges == whole.challenges


def test_a_cart_says_how_far_and_what_it_brings() -> None:
    one = Life(program_with({"card", "goal", "joined"}))
    one.buys_for("30")
    one.buys_for("30")
    # 100.00 less a quarter is 75.00: 60 and 75 are more than the goal of 60, which was reached before.
    _, found, _ = quoted(one.program, one.state, one, lines_of([("a", 10_000)]))
    (card,) = found.challenges
    assert card.challenge == "card"
    assert (card.before, card.value, card.goal) == (Decimal(2), Decimal(0), Decimal(3))
    assert card.times == 1
    assert [each.amount for each in found.paid.effects if each.campaign == card.campaign] == [10]


def test_nobody_is_told_for_a_guest() -> None:
    life = Life(program_with({"card"}))
    guest = State(AccountState(0), None, Shared())
    _, found, _ = quoted(life.program, guest, life, lines_of([("a", 1000)]))
    assert found.challenges == ()
