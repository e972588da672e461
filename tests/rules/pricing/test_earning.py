"""A cart that was priced earns through the same step as any order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.rules.events import Event
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, read_order
from guerdon.rules.pricing import Priced, View, price, read_cart
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import step
from tests.rules.pricing.drawing import compiled, program_of

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
MEMBER = MemberState(77)
CART = OrderInput(
    id="A-1",
    lines=(
        LineInput(id="1", price=Decimal("60.00"), brand="Trail", tax_rate=Decimal("0.2")),
        LineInput(id="2", price=Decimal("40.00"), brand="Peak", tax_rate=Decimal("0.2")),
    ),
)
EARN = {"trigger": "order.paid", "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}]}
TEN = {"trigger": "checkout", "then": [{"discount": {"percent": "10"}}]}


def program(campaigns: dict[str, Any], **more: Any) -> Program:
    return compiled(program_of({"earn": EARN, **campaigns}, wallets={"points": {}}, **more))


def priced(one: Program, cart: OrderInput = CART) -> Priced:
    return price(one, read_cart(cart, one.order_settings), View(), AT)


def earned(one: Program, quote: Priced, *payments: AmountInput) -> int:
    order = read_order(quote.placed(payments), one.order_settings, "web", "")
    state = State(AccountState(5, owner=MEMBER), MEMBER, Shared())
    event = Event("order.paid", AT, AT, "till", "e1", "web", "", order=order)
    _, decision = step(one, state, event, Chance(b"x"))
    return sum(effect.amount for effect in decision.effects if effect.kind == "award")


def test_points_are_earned_on_what_is_left() -> None:
    one = program({"ten": TEN})
    assert earned(one, priced(one)) == 90


def test_an_order_discount_can_be_left_out_of_earning_by_line() -> None:
    lines = {
        "trigger": "checkout",
        "then": [{"discount": {"percent": "50", "of": "lines", "where": "line.brand == 'Trail'"}}],
    }
    # 100 less 30 off one line, and then 10 % of 70 off the order.
    spread = program({"a": lines, "ten": TEN}, earning={"order_discount": "spread"})
    assert earned(spread, priced(spread)) == 100 - 30 - 7
    ignored = program({"a": lines, "ten": TEN}, earning={"order_discount": "ignore"})
    assert earned(ignored, priced(ignored)) == 100 - 30


def test_earning_on_what_is_paid_with_tax() -> None:
    one = program({"ten": TEN}, earning={"earn_on": "gross"})
    assert earned(one, priced(one)) == 108


@pytest.mark.parametrize(("counts", "points"), [("true", 90), ("false", 90 - 30)])
def test_gift_cards_earn_or_not(counts: str, points: int) -> None:
    one = program({"ten": TEN}, earning={"paid_with": {"gift_card": counts}})
    assert earned(one, priced(one), AmountInput(Decimal(30), "gift_card")) == points


def test_points_of_a_line_are_multiplied_by_the_cart() -> None:
    double = {
        "trigger": "checkout",
        "then": [{"multiply": {"wallet": "points", "by": "2", "where": "line.brand == 'Trail'"}}],
    }
    one = program({"double": double})
    assert earned(one, priced(one)) == 2 * 60 + 40


def test_points_of_a_line_are_multiplied_by_the_order() -> None:
    triple = {
        "trigger": "order.paid",
        "then": [{"multiply": {"wallet": "points", "by": "3", "where": "line.brand == 'Peak'"}}],
    }
    one = program({"triple": triple})
    assert earned(one, priced(one)) == 60 + 3 * 40


def test_a_line_is_only_seen_where_lines_are_chosen() -> None:
    with pytest.raises(Problem, match="line"):
        program({"bad": {**TEN, "when": "line.brand == 'Trail'"}})


def test_a_cart_carries_no_charges() -> None:
    one = program({})
    charged = OrderInput(id="A", lines=(LineInput(id="1", price=Decimal(1), discount=Decimal(1)),))
    with pytest.raises(Problem) as caught:
        read_cart(charged, one.order_settings)
    assert caught.value.code == "charged_in_cart"
    assert caught.value.faults[0].pointer == "/data/lines/0/discount"


def test_shares_of_an_order_discount_must_add_up() -> None:
    one = program({})
    sent = OrderInput(
        id="A",
        lines=(LineInput(id="1", price=Decimal(9), order_discount=Decimal(2)),),
        discounts=(AmountInput(Decimal(3)),),
    )
    with pytest.raises(Problem) as caught:
        read_order(sent, one.order_settings, "web", "")
    assert caught.value.code == "discounts_do_not_add_up"
