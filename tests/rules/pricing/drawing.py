"""Random carts and random programs that price them."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.orders import LineInput, OrderInput, ShippingInput
from guerdon.rules.program import Program

_one = st.sampled_from
BRANDS = ("Trail", "Peak", "River")


@lru_cache(maxsize=512)
def _compiled(text: str) -> Program:
    return compile_program(load_definition(text), 1)


def compiled(document: dict[str, Any]) -> Program:
    """Compile a document that is given as data."""
    return _compiled(json.dumps(document))


@st.composite
def carts(draw: Any, currency: str = "USD") -> OrderInput:
    """Draw a cart of a few lines, some weighed, some at no price, with and without tax."""
    places = {"USD": "0.01", "JPY": "1", "KWD": "0.001"}[currency]
    money = st.integers(0, 20_000).map(lambda minor: minor * Decimal(places))
    lines = [
        LineInput(
            id=f"l{number}",
            sku=draw(_one(["cup", "pen", "bag"])),
            quantity=draw(
                _one([Decimal(0), Decimal(1), Decimal(1), Decimal(2), Decimal(7), Decimal("0.375")])
            ),
            price=draw(money),
            brand=draw(_one(BRANDS)),
            tax_rate=draw(_one([None, Decimal("0.08"), Decimal("0.2")])),
            floor=draw(_one([None, None, None, Decimal(1)])),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    shipping = draw(st.none() | money)
    return OrderInput(
        id="cart",
        lines=tuple(lines),
        prices_include_tax=draw(st.booleans()),
        shipping=None if shipping is None else ShippingInput(shipping, tax_rate=Decimal("0.2")),
    )


_wheres = _one([f"line.brand == '{brand}'" for brand in BRANDS] + ["line.quantity > 1", "line.net > 20"])
_whens = _one(
    [
        None,
        None,
        "cart.net >= 50",
        "cart.subtotal >= 100",
        "cart.net < 80",
        "cart.lines.exists(l, l.brand == 'Peak')",
        "cart.discount == 0",
    ]
)
_measures = _one(
    [
        {"percent": "10"},
        {"percent": "33.3"},
        {"percent": "100"},
        {"amount": "5"},
        {"amount": "40"},
        {"price": "3"},
    ]
)
_steps = {"steps": [{"from": 20, "percent": 5}, {"from": 60, "percent": 15}, {"from": 150, "amount": 30}]}


@st.composite
def discounts(draw: Any) -> dict[str, Any]:
    """Draw a discount of any kind."""
    kind = draw(st.integers(0, 8))
    made = dict(draw(_measures))
    if kind <= 1:
        return made
    if kind == 2:
        return {**made, "of": "lines", "where": draw(_wheres)}
    if kind == 3:
        return {**made, "of": draw(_one(["cheapest", "dearest"])), "count": draw(st.integers(1, 2))}
    if kind == 4:
        return {**made, "of": draw(_one(["cheapest", "lines"])), "every": draw(st.integers(2, 3))}
    if kind == 5:
        return {**made, "of": "lines", "where": draw(_wheres), "buy": {"quantity": draw(st.integers(1, 2))}}
    if kind == 6:
        return {**made, "of": "shipping"}
    if kind == 7:
        return {**_steps, "by": draw(_one(["spend", "quantity", "line_quantity"]))}
    return {**made, "at_most": "7"}


@st.composite
def effects(draw: Any) -> list[dict[str, Any]]:
    """Draw what a campaign does."""
    made = [{"discount": draw(discounts())}]
    if draw(st.integers(0, 5)) == 0:
        made.append({"discount": draw(discounts())})
    if draw(st.integers(0, 7)) == 0:
        made.append({"gift": {"sku": "pen", "worth": "4"}})
    return made


@st.composite
def campaigns(draw: Any, lane: str | None = None) -> dict[str, Any]:
    """Draw one campaign."""
    made: dict[str, Any] = {
        "trigger": "checkout",
        "then": draw(effects()),
        "priority": draw(st.integers(0, 2)),
    }
    when = draw(_whens)
    if when is not None:
        made["when"] = when
    if lane is not None:
        made["lane"] = lane
    limits = draw(_one([None, None, {"per_account": 1}, {"budget": {"money": "9"}, "when_short": "part"}]))
    if limits is not None:
        made["limits"] = limits
    return made


@st.composite
def pricing(draw: Any) -> dict[str, Any]:
    """Draw the settings of pricing."""
    return {
        "base": draw(_one(["remaining", "original"])),
        "amount_off": draw(_one(["as_priced", "gross", "net"])),
        "rounding": {
            "mode": draw(_one(["half_up", "half_even", "down"])),
            "per": draw(_one(["line", "order", "tax_group"])),
        },
        "leftover": draw(_one(["largest_remainder", "last_line", "first_line"])),
        "free_units": {"take": draw(_one(["from_cart", "add"])), "of": draw(_one(["cheapest", "dearest"]))},
        "minimum": draw(_one(["after_others", "before_discounts"])),
        **draw(
            _one([{}, {"floor_percent": 30}, {"at_most": {"percent": 40}}, {"at_most": {"amount": "25"}}])
        ),
    }


def program_of(some: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a program around campaigns."""
    return {"program": "shop", "currency": "USD", "timezone": "UTC", "campaigns": some, **more}


@st.composite
def programs(draw: Any) -> dict[str, Any]:
    """Draw a program with campaigns, lanes in one another and settings."""
    lanes = {
        "outer": draw(_one(["all", "best", "best_set", "first"])),
        "inner": {"choose": draw(_one(["all", "best", "best_set", "first"])), "within": "outer"},
    }
    some = {
        f"c{number}": draw(campaigns(draw(_one([None, "outer", "inner"]))))
        for number in range(draw(st.integers(1, 6)))
    }
    if draw(st.integers(0, 4)) == 0:
        some["c0"]["exclusive"] = "true"
    currency = draw(_one(["USD", "JPY", "KWD"]))
    return {**program_of(some, lanes=lanes, pricing=draw(pricing())), "currency": currency}
