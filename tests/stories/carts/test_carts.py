"""Each cart of this folder comes to what is worked out by hand beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from guerdon.base.exact import scaled_decimal
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.orders import LineInput, OrderInput, ShippingInput, read_order
from guerdon.rules.pricing import GivenCoupon, Priced, View, price, read_cart
from guerdon.rules.program import Program
from guerdon.rules.step import exactly
from tests.stories.carts.telling import ToldCart, amount, read_carts

FOLDER = Path(__file__).parent
CARTS = [cart for path in sorted(FOLDER.glob("*.txt")) for cart in read_carts(path)]
AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
WORDS = {"brand", "sku", "tax", "floor", "cat", "attr"}


def test_there_are_many_carts() -> None:
    assert len(CARTS) >= 100
    assert len({(cart.file, cart.title) for cart in CARTS}) == len(CARTS)


@pytest.mark.parametrize("cart", CARTS, ids=lambda cart: f"{cart.file[:-4]}: {cart.title}")
def test_cart(cart: ToldCart) -> None:
    program = compiled(cart.program)
    sent, more = read_given(cart)
    view = View(**more.get("view", {}))
    at = more.get("at", AT)
    with exactly():
        priced = price(program, read_cart(sent, program.order_settings, more.get("channel", "web")), view, at)
        adds_up(priced)
        becomes_an_order(program, priced)
    assert cart.answers, "a cart says what it comes to"
    for number, answer in cart.answers:
        assert said(priced, answer), f"{cart.file}:{number}: {answer}; it is {shown(priced)}"


@lru_cache(maxsize=64)
def compiled(document: str) -> Program:
    return compile_program(load_definition(document), 1)


def read_given(cart: ToldCart) -> tuple[OrderInput, dict[str, Any]]:
    """Read what is in the cart: lines as `id: quantity x price word=value`, and what else is said."""
    lines: list[LineInput] = []
    order: dict[str, Any] = {}
    more: dict[str, Any] = {"view": {}}
    for number, text in cart.given:
        words = text.split()
        if words[0].endswith(":"):
            lines.append(_line(words))
            continue
        assert words[0] in GIVEN, f"{cart.file}:{number}: nobody understands {text}"
        GIVEN[words[0]](words, order, more)
    return OrderInput(id="cart", lines=tuple(lines), **order), more


def _prices(words: list[str], order: dict[str, Any], _: dict[str, Any]) -> None:
    assert words == ["prices", "include", "tax"]
    order["prices_include_tax"] = True


def _shipping(words: list[str], order: dict[str, Any], _: dict[str, Any]) -> None:
    rate = Decimal(words[2].removeprefix("tax=")) if len(words) > 2 else None
    order["shipping"] = ShippingInput(amount=Decimal(words[1]), tax_rate=rate)


def _given_coupon(words: list[str], order: dict[str, Any], more: dict[str, Any]) -> None:
    order["coupons"] = (*order.get("coupons", ()), words[1])
    more["view"].setdefault("coupons", {}).update(_coupon(words))


def _channel(words: list[str], _: dict[str, Any], more: dict[str, Any]) -> None:
    more["channel"] = words[1]


def _at(words: list[str], _: dict[str, Any], more: dict[str, Any]) -> None:
    more["at"] = datetime.fromisoformat(f"{words[1]}T{words[2]}+00:00")


def _used(words: list[str], _: dict[str, Any], more: dict[str, Any]) -> None:
    more["view"].setdefault("used", {})[words[1]] = Decimal(words[2])


def _stock(words: list[str], _: dict[str, Any], more: dict[str, Any]) -> None:
    more["view"].setdefault("stock", {})[words[1]] = int(words[2])


def _units(words: list[str], _: dict[str, Any], more: dict[str, Any]) -> None:
    more["view"]["units_off"] = ((words[1], int(words[2])),)


GIVEN = {
    "prices": _prices,
    "shipping": _shipping,
    "coupon": _given_coupon,
    "channel": _channel,
    "at": _at,
    "used": _used,
    "stock": _stock,
    "units": _units,
}


def _coupon(words: list[str]) -> dict[str, GivenCoupon]:
    if len(words) == 2:
        return {}
    rest = dict(word.split("=") for word in words[3:])
    remaining = int(rest["remaining"]) if "remaining" in rest else None
    return {words[1]: GivenCoupon(words[2], rest.get("problem", ""), remaining=remaining)}


def _line(words: list[str]) -> LineInput:
    plain = [word for word in words[1:] if "=" not in word and word != "x"]
    named = dict(word.split("=") for word in words[1:] if "=" in word)
    assert set(named) <= WORDS, named
    quantity = Decimal(plain[0]) if len(plain) == 2 else Decimal(1)
    return LineInput(
        id=words[0][:-1],
        sku=named.get("sku", words[0][:-1]),
        quantity=quantity,
        price=Decimal(plain[-1]),
        brand=named.get("brand"),
        categories=tuple(named["cat"].split(",")) if "cat" in named else (),
        tax_rate=Decimal(named["tax"]) if "tax" in named else None,
        floor=Decimal(named["floor"]) if "floor" in named else None,
    )


def said(priced: Priced, answer: str) -> bool:
    """Tell whether a quote says what an answer says."""
    if " = " in answer:
        what, _, worked_out = answer.partition(" = ")
        return scaled_decimal(_figure(priced, what.split()), priced.digits) == amount(
            worked_out, priced.digits
        )
    words = answer.split()
    if words[0] == "skips":
        found = [(one.source.key, one.reason) for one in priced.skipped]
        found += [(one.source.code, one.reason) for one in priced.skipped]
        return (words[1], words[2]) in found
    if words[0] == "acts":
        return [one.source.key for one in priced.taken] == words[1:]
    if words[0] == "gives":
        gifts = [(one.sku, str(one.quantity), "added" if one.added else "found") for one in priced.gifts]
        return tuple(words[1:]) in gifts
    if words[0] == "draws":
        drawn = [(one.draw.counter, one.amount) for one in priced.draws]
        return (words[1], Decimal(words[2])) in drawn if words[1] != "nothing" else not drawn
    if words[0] == "points":
        line = next(line for line in priced.lines if line.sold.id == words[1])
        return [(wallet, by) for _, wallet, by in line.factors] == [(words[2], Decimal(words[3]))]
    assert words in (["bounded"], ["exact"]), answer
    return priced.bounded == (words == ["bounded"])


def _figure(priced: Priced, words: list[str]) -> int:
    if words[0] == "by":
        return sum(
            one.lines + one.shipping for one in priced.taken if words[1] in (one.source.key, one.source.code)
        )
    if words[0] == "left":
        return next(one.remaining or 0 for one in priced.taken if one.source.code == words[1])
    if words[0] == "shipping":
        names = {"off": "discount", "tax": "tax", "total": "total"}
        found: int = getattr(priced.shipping, names[words[1]])
        return found
    name = {"off": "discount"}.get(words[0], words[0])
    one = priced if len(words) == 1 else next(line for line in priced.lines if line.sold.id == words[1])
    value: int = getattr(one, name)
    return value


def adds_up(priced: Priced) -> None:
    """Totals are the sums of lines, nothing is below zero, and discounts are told to the last unit."""
    for line in priced.lines:
        assert line.discount == sum(minor for _, minor in line.discounts)
        assert line.net == line.subtotal - line.discount >= 0
        assert 0 <= line.order_discount <= line.discount
        assert line.tax >= 0
        assert all(minor > 0 for _, minor in line.discounts)
    assert priced.subtotal == sum(line.subtotal for line in priced.lines)
    assert priced.discount == sum(line.discount for line in priced.lines)
    assert priced.net == sum(line.net for line in priced.lines)
    assert priced.tax == sum(line.tax for line in priced.lines) + priced.shipping.tax
    assert priced.total == sum(line.total for line in priced.lines) + priced.shipping.total
    assert priced.discount + priced.shipping.discount == sum(one.lines + one.shipping for one in priced.taken)
    assert 0 <= priced.shipping.discount <= priced.shipping.amount


def becomes_an_order(program: Program, priced: Priced) -> None:
    """The order that is placed has the very figures of the quote."""
    order = read_order(priced.placed(), program.order_settings, "web", "")
    assert (order.subtotal_minor, order.net_minor) == (priced.subtotal, priced.net)
    assert (order.tax_minor, order.total_minor) == (priced.tax, priced.total)
    for line, figures in zip(priced.lines, order.figures, strict=True):
        assert (figures.subtotal, figures.net, figures.tax) == (line.subtotal, line.net, line.tax)
        assert figures.total == line.total


def shown(priced: Priced) -> str:
    lines = [
        f"{line.sold.id}: off {line.discount} net {line.net} tax {line.tax} total {line.total}"
        for line in priced.lines
    ]
    taken = [f"{one.source.key} {one.lines}+{one.shipping}" for one in priced.taken]
    skipped = [f"{one.source.key} {one.reason} {one.detail}" for one in priced.skipped]
    gifts = [f"{one.sku} {one.quantity} {one.added}" for one in priced.gifts]
    return "; ".join(
        [*lines, f"taken {taken}", f"skipped {skipped}", f"gifts {gifts}", f"total {priced.total}"]
    )
