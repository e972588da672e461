"""What people suffer from in other engines, about carts: each must be impossible here."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guerdon.rules.orders import LineInput, OrderInput
from guerdon.rules.pricing import GivenCoupon, Priced, View, price, read_cart
from guerdon.rules.pricing.bill import Run
from guerdon.rules.program import Program
from tests.rules.pricing.drawing import compiled, program_of

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def off(percent: int, **more: Any) -> dict[str, Any]:
    return {"trigger": "checkout", "then": [{"discount": {"percent": percent}}], **more}


def cart(price_: str = "100.00", quantity: int = 1, **more: Any) -> OrderInput:
    return OrderInput(
        id="c", lines=(LineInput(id="1", quantity=Decimal(quantity), price=Decimal(price_)),), **more
    )


def priced(program: Program, sent: OrderInput, view: View | None = None) -> Priced:
    return price(program, read_cart(sent, program.order_settings), view or View(), AT)


def test_a_thousand_promotions_are_not_looked_at_one_by_one() -> None:
    """A thousand promotions: minutes [odoo 55711]."""
    some = {f"c{number}": off(1, when=f"'CODE-{number}' in cart.coupons") for number in range(1_000)}
    program = compiled(program_of(some))
    sent = cart(coupons=("CODE-7",))
    run = Run(program, read_cart(sent, program.order_settings), View(), AT)
    index = program.promotions.index
    assert index is not None
    assert [one.source.key for one in index.candidates(run.scope)] == ["c7"]
    assert [one.source.key for one in priced(program, sent).taken] == ["c7"]


def test_an_index_leaves_out_nothing_that_other_discounts_make_true() -> None:
    some: dict[str, Any] = {
        f"c{number:02}": off(1, when=f"cart.subtotal >= {number}000") for number in range(1, 20)
    }
    some["first"] = off(50, priority=5)
    some["low"] = off(10, when="cart.net <= 50")
    program = compiled(program_of(some))
    assert program.promotions.index is not None
    assert [one.source.key for one in priced(program, cart()).taken] == ["first", "low"]


@pytest.mark.parametrize("quantity", [1, 10_000])
def test_a_quantity_of_ten_thousand_is_tried_as_often_as_one(quantity: int) -> None:
    """A quantity of 10,000 handled as 10,000 items [shopware 8329]."""
    third = {"trigger": "checkout", "then": [{"discount": {"percent": 100, "of": "cheapest", "every": 3}}]}
    program = compiled(program_of({"third": third}))
    quote = priced(program, cart("3.00", quantity))
    assert len(quote.lines) == 1
    assert quote.discount == quantity // 3 * 300


def test_not_with_others_never_picks_the_worse_one() -> None:
    """`Not with other promotions` that then picks the worse one [solidus 2959]."""
    program = compiled(program_of({"worse": off(5, exclusive="true", priority=9), "better": off(20)}))
    assert [one.source.key for one in priced(program, cart()).taken] == ["better"]
    program = compiled(program_of({"better": off(25, exclusive="true"), "a": off(10), "b": off(10)}))
    assert [one.source.key for one in priced(program, cart()).taken] == ["better"]


def test_two_rules_stack_only_where_nothing_says_otherwise() -> None:
    """Rules of one promotion that stack by accident [saleor 14920]."""
    some = {"a": off(10, lane="one"), "b": off(20, lane="one")}
    quote = priced(compiled(program_of(some, lanes={"one": "best"})), cart())
    assert [(one.source.key, one.lines) for one in quote.taken] == [("b", 2_000)]


def test_a_promotion_that_takes_nothing_off_draws_no_use() -> None:
    """A promotion that discounted nothing burns the customer's only use [vendure 5278]."""
    program = compiled(program_of({"once": off(10, limits={"per_account": 1})}))
    quote = priced(program, cart("0.00"))
    assert not quote.draws
    assert [(one.source.key, one.reason) for one in quote.skipped] == [("once", "nothing_to_discount")]


def test_each_code_is_answered_with_what_it_did_or_why_not() -> None:
    """Codes dropped for a reason nobody is told [medusa 15396]."""
    program = compiled(program_of({}, rewards={"ten": {"kind": "coupon", "discount": {"percent": 10}}}))
    view = View(
        coupons={"OLD": GivenCoupon("ten", "coupon_expired", "on 1 March"), "GOOD": GivenCoupon("ten")}
    )
    quote = priced(program, cart(coupons=("OLD", "GOOD", "WHAT")), view)
    assert [one.source.code for one in quote.taken] == ["GOOD"]
    assert [(one.source.code, one.reason) for one in quote.skipped] == [
        ("OLD", "coupon_expired"),
        ("WHAT", "coupon_unknown"),
    ]


def test_looking_at_a_cart_takes_nothing() -> None:
    """A "simulation" that takes promotion capacity [antavo cart]."""
    program = compiled(program_of({"once": off(10, limits={"total": 1})}))
    view = View()
    assert priced(program, cart(), view) == priced(program, cart(), view)
    assert not view.used


def test_limits_hold_for_promotions_without_a_code() -> None:
    """Limits ignored where the promotion is automatic and has no code [vendure 4353]."""
    program = compiled(program_of({"once": off(10, limits={"total": 1})}))
    quote = priced(program, cart(), View(used={"campaign/once/total/ever": Decimal(1)}))
    assert [one.reason for one in quote.skipped] == ["limit_reached"]
    assert quote.discount == 0
