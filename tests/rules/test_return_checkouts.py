"""Orders of carts come back, with all their discounts, codes, points and rewards, in whatever parts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.checkout import CouponState, Opening, quote
from guerdon.rules.coupons.standing import KnownCode, Terms
from guerdon.rules.decision import Decision
from guerdon.rules.events import Adjust, Event, PaidOrder, PriceCart, ReturnOrder
from guerdon.rules.orders import LineInput, OrderInput, ShippingInput, read_order
from guerdon.rules.pricing import read_cart
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT
from guerdon.rules.sent import ReturnAsked
from guerdon.rules.state import State
from guerdon.rules.step import exactly
from tests.rules.test_returns import DAY, Shop, back, stands
from tests.rules.worlds import FRESH, MEMBER, chance, compiled

_one = st.sampled_from
_METRICS = {
    "spend": {"event": "order.paid", "value": "order.net", "window": "all_time"},
    "orders": {"event": "order.paid", "window": "all_time"},
}
_REWARDS = {
    "pen": {"kind": "product", "stock": 5, "cost": "1"},
    "mug": {"kind": "product", "price": {"points": 40}, "stock": 3},
    "voucher": {"kind": "coupon", "discount": {"percent": 20}, "when": "cart.subtotal >= 30"},
    "leaflet": {"kind": "coupon", "discount": {"amount": "2.00"}},
}


def documents(draw: Any) -> dict[str, Any]:
    """Draw a program whose carts draw on each kind of counter."""
    returns = {"given_back_lasts": "0d"}
    limits = [
        {},
        {"per_account": 2},
        {"total": 3, "budget": {"money": "40"}},
        {"per_member": 4, "per": "month", "budget": {"money": "7.77"}, "when_short": "part"},
    ]
    return {
        "program": "club",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {"worth": "0.01", "expires": "12mo"}},
        "spending": {"short": "clamp", "as": draw(_one(["payment", "discount"]))},
        "returns": returns,
        "metrics": _METRICS,
        "ladders": {
            "club": {
                "metric": "spend",
                "review": "calendar_year",
                "tiers": {"low": {"from": 0}, "mid": {"from": 30}, "high": {"from": 90}},
            }
        },
        "badges": {"big": {}},
        "campaigns": {
            "base": {
                "trigger": "order.paid",
                "limits": {"budget": {"units": {"points": 500}}, "when_short": "part"},
                "then": [{"award": {"wallet": "points", "amount": "order.earning_base * 3"}}],
            },
            "big": {
                "trigger": "order.paid",
                "when": "order.net >= 40",
                "then": [{"badge": "big"}, {"grant": "pen"}],
            },
            "tea": {
                "trigger": "checkout",
                "limits": draw(_one(limits)),
                "then": [
                    {
                        "discount": {
                            "percent": draw(_one(["10", "33.3", "100"])),
                            "of": "lines",
                            "where": "'tea' in line.tags",
                        }
                    }
                ],
            },
            "off": {
                "trigger": "checkout",
                "when": draw(_one(["cart.subtotal >= 50", "cart.quantity >= 2", "true"])),
                "limits": draw(_one(limits)),
                "then": [{"discount": {"amount": "5.55"}}],
            },
        },
        "rewards": _REWARDS,
    }


@st.composite
def programs(draw: Any) -> Program:
    return compiled(documents(draw))


_lines = st.lists(
    st.tuples(_one(["0.99", "7.31", "20.00", "63.50"]), st.integers(1, 3), st.booleans()),
    min_size=1,
    max_size=3,
)
_parts = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2), st.booleans()), max_size=5)
_KNOWN = KnownCode(9, 4, "leaflet", Terms(uses=2, money=Decimal("3.00"), per_account=5))


class Carts(Shop):
    """A shop whose orders are carts that were confirmed."""

    def confirms(self, sent: OrderInput) -> Decision:
        event = Event(CHECKOUT, self.now, self.now, "shop", command=PriceCart(sent.rewards))
        coupons = {
            "MINE": CouponState(31, FRESH.account.account_id, "voucher", "issued", None),
            "LEAF": CouponState(0, 0, "leaflet", "issued", None, _KNOWN),
        }
        cart = read_cart(sent, self.program.order_settings)
        expires_at = self.now + timedelta(minutes=15)
        asked = Opening("c-1", cart, expires_at, tuple(range(51, 51 + len(sent.rewards))), coupons)
        with exactly():
            self.state, quoted = quote(self.program, self.state, event, asked, chance(7))
        read = read_order(quoted.order, self.program.order_settings, "web", "")
        paid = Event(
            "order.paid", self.now, self.now, "shop", sent.id, "web", "", read, capture=quoted.capture
        )
        decision = self.does(paid, 8)
        assert not decision.problem_code, decision.problem_detail
        assert not decision.shortfalls
        captures = ((quoted.capture, decision),)
        used = dict.fromkeys(decision.used, "used")
        self.orders[sent.id] = PaidOrder(
            sent.id, self.program, paid, decision, MEMBER.member_id, captures=captures, redemptions=used
        )
        return decision

    def returns(self, order: str, *lines: Any, **more: Any) -> Decision:
        paid = self.orders[order]
        decision = super().returns(order, *lines, **more)
        if decision.restored:
            issued = dict.fromkeys(decision.restored, "issued")
            now = self.orders[order]
            self.orders[order] = msgspec.structs.replace(now, redemptions={**now.redemptions, **issued})
        assert paid.captures == self.orders[order].captures
        return decision


def rich(program: Program) -> State:
    shop = Shop(program)
    shop.does(Event("guerdon.adjust", shop.now, shop.now, command=Adjust("points", 900, "x")))
    return shop.state


@given(st.data(), programs(), _lines, _parts)
def test_all_that_a_cart_took_is_given_back_in_whatever_parts_it_comes(
    data: Any, program: Program, sold: Any, parts: Any
) -> None:
    shop = Carts(program, rich(program))
    before = stands(shop.state)
    sent = OrderInput(
        id="A",
        lines=tuple(
            LineInput(str(at), price=Decimal(price), quantity=Decimal(count), tags=("tea",) if tea else ())
            for at, (price, count, tea) in enumerate(sold)
        ),
        shipping=ShippingInput(amount=Decimal("4.90")),
        spend={"points": Decimal(data.draw(_one([0, 13, 250])))} if data.draw(st.booleans()) else {},
        rewards=("mug",) * data.draw(st.integers(0, 2)),
        coupons=tuple(data.draw(st.lists(_one(["MINE", "LEAF"]), unique=True))),
    )
    decision = shop.confirms(sent)
    for at, count, shipped in parts:
        if at < len(sold):
            shop.returns("A", back(str(at), count), refund_shipping=shipped)
    shop.returns("A", all=True, refund_shipping=True)
    paid = shop.orders["A"]
    assert any(one.is_last for one in paid.earlier)
    assert stands(shop.state) == before
    # Each coupon and each reward once, and the money to the cent.
    undone = [one for each in paid.earlier for one in each.undone]
    assert sorted(one.redemption_id for one in undone if one.redemption_id is not None) == sorted(
        (*decision.used, *(one.redemption_id for one in decision.redemptions))
    )
    assert all(not one.kept for one in undone)
    order = paid.event.order
    assert order is not None
    lines = [one for each in paid.earlier for one in each.lines]
    shipping = sum(one.shipping + one.shipping_tax for one in paid.earlier)
    assert sum(one.total for one in lines) + shipping == order.total_minor
    given_back = sum(one.given_back for each in paid.earlier for one in each.units)
    spent = sum(one.amount for one in decision.effects if one.kind == "pay")
    assert given_back == spent + 40 * len(sent.rewards)


@pytest.mark.parametrize(("first", "named"), [("0", "0.00"), ("1", "2.22")])
def test_what_a_discount_that_fell_took_off_the_rest_is_named(first: str, named: str) -> None:
    campaign = {
        "trigger": "checkout",
        "when": "cart.subtotal >= 50",
        "limits": {"per_account": 1},
        "then": [{"discount": {"amount": "5.55", "of": "lines", "where": "'tea' in line.tags"}}],
    }
    program = compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "campaigns": {"off": campaign},
            "wallets": {"points": {}},
        }
    )
    shop = Carts(program)
    lines = (
        LineInput("0", price=Decimal("30.00"), tags=("tea",)),
        LineInput("1", price=Decimal("20.00"), tags=("tea",)),
    )
    shop.confirms(
        OrderInput(
            id="A", lines=lines if first == "1" else (*lines[:1], msgspec.structs.replace(lines[1], tags=()))
        )
    )
    decision = shop.returns("A", back(first))
    assert [one.kind for one in shop.orders["A"].earlier[0].undone] == ["limit"]
    # 5.55 lay on both in proportion, 3.33 and 2.22; or all on the first, which came back.
    left = {"0.00": [], "2.22": [("discount", "off", Decimal("3.33"))]}[named]
    assert [(one.kind, one.name, one.amount) for one in decision.shortfalls] == left
    again = shop.returns("A")
    assert (shop.orders["A"].earlier[1].undone, again.shortfalls) == ((), ())


def test_a_later_order_is_not_touched_by_what_an_earlier_one_gives_back() -> None:
    campaign = {
        "trigger": "checkout",
        "limits": {"per_account": 2},
        "then": [{"discount": {"amount": "1.00"}}],
    }
    program = compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "campaigns": {"off": campaign},
            "wallets": {"points": {}},
        }
    )
    shop = Carts(program)
    for number in ("A", "B"):
        shop.confirms(OrderInput(id=number, lines=(LineInput("1", price=Decimal("9.00")),)))
    (counter,) = shop.state.account.counters
    shop.now += DAY
    asked = ReturnAsked("A", "R", all=True)
    event = Event(
        "order.returned", shop.now, shop.now, "shop", "R", command=ReturnOrder(asked, shop.orders["A"])
    )
    assert not shop.does(event).problem_code
    assert shop.state.account.counters[counter] == 1
