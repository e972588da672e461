"""Checkouts by the rules alone: whatever carts do, what is held is what they promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.rules import holds
from guerdon.rules.checkout import Opening, Quoted, quote, release
from guerdon.rules.decision import Decision
from guerdon.rules.events import Adjust, Event, PriceCart
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.pinned import with_campaigns_of
from guerdon.rules.pricing import read_cart
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import chance, compiled

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MEMBER = MemberState(77)
START = State(AccountState(5, owner=MEMBER), MEMBER, Shared())
TTL = timedelta(minutes=15)


def club(off: str = "10", version: int = 1, **mug: Any) -> Program:
    program = compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {"worth": "0.01"}},
            "spending": {"short": "clamp"},
            "campaigns": {
                "base": {
                    "trigger": "order.paid",
                    "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
                },
                "off": {
                    "trigger": "checkout",
                    "limits": {
                        "per_account": 3,
                        "total": 5,
                        "budget": {"money": "12.50"},
                        "when_short": "part",
                    },
                    "then": [{"discount": {"percent": off}}],
                },
            },
            "rewards": {"mug": {"kind": "product", "price": {"points": 40}, "stock": 3, **mug}},
        }
    )
    return msgspec.structs.replace(program, version=version)


FIRST, SECOND = club(), club("35", 2, price={"points": 7})


def opening(checkout: str, price: int, spend: int, mugs: int, now: datetime) -> tuple[Event, Opening]:
    sent = OrderInput(
        id=f"A-{checkout}",
        lines=(LineInput("1", subtotal=Decimal(price).scaleb(-2)),),
        spend={"points": Decimal(spend)} if spend else {},
        rewards=("mug",) * mugs,
    )
    event = Event(CHECKOUT, now, now, command=PriceCart(sent.rewards))
    cart = read_cart(sent, FIRST.order_settings)
    return event, Opening(checkout, cart, now + TTL, tuple(range(1, mugs + 1)))


def rich(units: int = 200) -> State:
    event = Event("guerdon.adjust", NOW, NOW, command=Adjust("points", units, "x"))
    with exactly():
        return step(FIRST, START, event, chance(1))[0]


def paid(
    program: Program, state: State, quoted: Quoted, at: tuple[datetime, datetime]
) -> tuple[State, Decision]:
    order = read_order(quoted.order, program.order_settings, "", "")
    occurred_at, booked_at = at
    event = Event("order.paid", occurred_at, booked_at, order=order, capture=quoted.capture)
    return step(program, state, event, chance(3))


def check_held(state: State, taken: dict[str, Decimal]) -> None:
    """What is held, and what orders took, are all that the figures say."""
    account = state.account
    units = sum(one.amount for one in account.holds.values() if one.kind == "units")
    assert sum(one.held for one in account.wallets.values()) == units
    every = [*account.holds.values(), *state.shared.holds.values()]
    counted = {**account.counters, **state.shared.counters}
    for counter, used in counted.items():
        held = sum((one.amount for one in every if one.name == counter), Decimal(0))
        assert used == held + taken.get(counter, Decimal(0)), counter


acts = st.lists(
    st.tuples(
        st.sampled_from(["open", "open", "open", "paid", "cancel", "wait"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 9000),
        st.integers(0, 150),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=14,
)


class Shop:
    """Some carts of one member, and what has become of them."""

    def __init__(self) -> None:
        self.state, self.now = rich(), NOW
        self.carts: dict[str, tuple[Quoted, datetime]] = {}
        self.taken: dict[str, Decimal] = {}

    def open(self, name: str, price: int, spend: int, mugs: int) -> None:
        event, asked = opening(name, price, spend, mugs, self.now)
        try:
            self.state, quoted = quote(FIRST, self.state, event, asked, chance(2))
        except Problem as problem:
            if problem.code not in ("insufficient_units", "out_of_stock"):
                raise
        else:
            self.carts[name] = quoted, self.now

    def cancel(self, name: str) -> None:
        event = Event("guerdon.cancel_checkout", self.now, self.now)
        self.state = release(FIRST, self.state, event, name)
        self.carts.pop(name, None)

    def pay(self, name: str, *, newer: bool) -> None:
        program = with_campaigns_of(SECOND, FIRST) if newer else FIRST
        cart, priced_at = self.carts.pop(name)
        late = self.now >= priced_at + TTL
        self.state, decision = paid(program, self.state, cart, (self.now if late else priced_at, self.now))
        if not late:
            pays = {one.wallet: one.amount for one in decision.effects if one.kind == "pay"}
            assert decision.shortfalls == ()
            assert pays == {one.wallet: one.units for one in cart.payments}
            assert len(decision.redemptions) == len(cart.capture.rewards)
            assert all(one.price == {"points": 40} for one in decision.redemptions)
        drawn = [*decision.drawn, ("reward/mug/stock", Decimal(len(decision.redemptions)))]
        for counter, amount in drawn:
            self.taken[counter] = self.taken.get(counter, Decimal(0)) + amount


@settings(max_examples=60)
@given(acts)
def test_what_is_held_is_what_open_carts_promised_at_every_moment(life: Any) -> None:
    shop = Shop()
    for act, name, price, spend, mugs, newer in life:
        shop.now += timedelta(minutes=10 if act == "wait" else 1)
        if act == "open":
            shop.open(name, price, spend, mugs)
        elif act == "cancel":
            shop.cancel(name)
        elif act == "paid" and name in shop.carts:
            shop.pay(name, newer=newer)
        check_held(shop.state, shop.taken)
        used = shop.state.shared.counters
        assert used.get("campaign/off/total/ever", 0) <= 5
        assert used.get("campaign/off/budget/ever", 0) <= Decimal("12.50")
        assert used.get("reward/mug/stock", 0) <= 3
        wallet = shop.state.account.wallets["points"]
        assert 0 <= wallet.held <= wallet.available


def test_two_of_a_reward_in_one_cart_need_two_in_stock() -> None:
    state = rich(500)
    for name in ("a", "b"):
        event, asked = opening(name, 5000, 0, 1, NOW)
        state, _ = quote(FIRST, state, event, asked, chance(2))
    event, asked = opening("c", 5000, 0, 2, NOW)
    with pytest.raises(Problem) as refused:
        quote(FIRST, state, event, asked, chance(2))
    assert (refused.value.code, refused.value.faults[0].pointer) == ("out_of_stock", "/rewards/1")


@settings(max_examples=40)
@given(st.integers(0, 9000), st.integers(0, 300), st.integers(0, 2))
def test_a_preview_is_an_immediate_opening_and_opening_twice_is_opening_once(
    price: int, spend: int, mugs: int
) -> None:
    state = rich(1_000)
    event, asked = opening("a", price, spend, mugs, NOW)
    seen = quote(FIRST, state, event, msgspec.structs.replace(asked, checkout="preview"), chance(2))[1]
    once, first = quote(FIRST, state, event, asked, chance(2))
    twice, second = quote(FIRST, once, event, asked, chance(2))
    assert (twice, second) == (once, first)
    capture = msgspec.structs.replace(first.capture, checkout="preview")
    assert msgspec.structs.replace(first, capture=capture) == seen
    assert first.due + sum(one.minor for one in first.payments) == first.priced.total
    # What is let go leaves what was there before, apart from counters that stand at nothing.
    gone = release(FIRST, once, event, "a")
    assert gone.account.wallets == state.account.wallets
    assert not gone.account.holds
    assert not gone.shared.holds
    assert not any((*gone.account.counters.values(), *gone.shared.counters.values()))


def test_a_lapsed_cart_is_let_go_by_whoever_comes_next() -> None:
    event, asked = opening("a", 5000, 150, 1, NOW)
    state, _ = quote(FIRST, rich(), event, asked, chance(2))
    assert state.account.wallets["points"].held == 190
    later = NOW + TTL
    assert holds.lapsed(state.account.holds, later - timedelta(seconds=1)) == ()
    event, asked = opening("b", 5000, 150, 1, later)
    state, other = quote(FIRST, state, event, asked, chance(2))
    assert other.spends == {"points": 190}
    assert {one.checkout for one in state.account.holds.values()} == {"b"}


def test_points_of_this_order_do_not_pay_for_it() -> None:
    event, asked = opening("a", 500_00, 1_000, 0, NOW)
    state, quoted = quote(FIRST, rich(100), event, asked, chance(2))
    assert quoted.spends == {"points": 100}
    state, decision = paid(FIRST, state, quoted, (NOW, NOW))
    [pay] = [one for one in decision.effects if one.kind == "pay"]
    assert pay.amount == 100
    # 500.00 less the budget's 12.50, less 1.00 that points pay, which earn nothing themselves.
    assert state.account.wallets["points"].available == 486


def test_a_declined_card_leaves_the_code_usable_in_the_same_cart() -> None:
    event, asked = opening("a", 5000, 50, 0, NOW)
    state, first = quote(FIRST, rich(100), event, asked, chance(2))
    # The card was declined: nobody confirms; the same cart is priced anew, and gets what it had.
    later = NOW + timedelta(minutes=5)
    event, asked = opening("a", 5000, 50, 0, later)
    state, second = quote(FIRST, state, event, asked, chance(2))
    assert (second.priced.total, second.spends) == (first.priced.total, first.spends)
    assert state.shared.counters["campaign/off/total/ever"] == 1
    assert state.account.wallets["points"].held == 50
