"""Settings of a program where engines disagree; our default stands first in each list."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from guerdon.rules.definition.campaigns import OnReturn
from guerdon.rules.definition.scalars.part import Part, Short
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.values import Exact, Flag

_TAX: Final = {"without_tax": "net", "with_tax": "gross"}


def _spell_tax(value: Any) -> Any:
    return _TAX.get(value, value) if isinstance(value, str) else value


class MoneyRounding(Part):
    """How money is rounded, and over what."""

    mode: Literal["half_up", "half_even", "down"] = "half_up"
    """Which way it rounds."""
    per: Literal["line", "order", "tax_group"] = "line"
    """What is rounded as one."""


class FreeUnits(Part):
    """Where a free product comes from, and which one is free."""

    take: Literal["from_cart", "add"] = "from_cart"
    """Whether the free unit is one of the cart, or one more."""
    of: Literal["cheapest", "dearest"] = "cheapest"
    """Which one is free."""


class Most(Part):
    """What all discounts on the lines of a cart come to at most."""

    percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    """A share of the cart, in percent."""
    amount: Annotated[Exact, Field(ge=0)] | None = None
    """An amount of money."""


class Pricing(Part):
    """How carts are priced."""

    base: Literal["remaining", "original"] = "remaining"
    """What a later discount works on: what is left, or the original price."""
    amount_off: Literal["as_priced", "gross", "net"] = "as_priced"
    """What a fixed amount is taken from: the price as it is written, with tax or without."""
    rounding: Annotated[MoneyRounding, Short("mode")] = MoneyRounding()
    """How money is rounded."""
    leftover: Literal["largest_remainder", "last_line", "first_line"] = "largest_remainder"
    """Where minor units go that do not divide."""
    free_units: Annotated[FreeUnits, Short("take")] = FreeUnits()
    """Where a free product comes from."""
    minimum: Literal["after_others", "before_discounts"] = "after_others"
    """When a minimum spend is tested: after other discounts, or before all."""
    floor_percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    """Share of a line's price below which discounts do not go, in percent."""
    at_most: Most = Most()
    """What all discounts come to at most."""


class PaidWith(Part):
    """Whether what was paid with these earns."""

    gift_card: Flag = True
    """Whether what a gift card paid earns."""
    store_credit: Flag = True
    """Whether what store credit paid earns."""
    points: Flag = False
    """Whether what points paid earns."""


class Earning(Part):
    """What of an order earns."""

    order_discount: Literal["spread", "ignore"] = "spread"
    """What a discount on the order does where earning is by line: spread over the lines, or ignored."""
    earn_on: Annotated[
        Literal["net", "gross"],
        BeforeValidator(_spell_tax),
        WithJsonSchema({"enum": ["net", "gross", *_TAX]}),
    ] = "net"
    """Whether tax earns: the price without tax, or with it."""
    paid_with: PaidWith = PaidWith()
    """Which means of payment earn."""
    same_order: Literal["refused", "allowed"] = "refused"
    """Whether points of an order may pay for it."""


class Spending(Part):
    """How units are spent."""

    short: Literal["reject", "clamp"] = "reject"
    """What happens where somebody asks for more units than there are."""
    lots: Literal["expires_first", "earned_first"] = "expires_first"
    """Which units are spent first."""
    as_: Literal["payment", "discount"] = Field(
        default="payment", validation_alias="as", serialization_alias="as"
    )
    """Whether units pay, or are a discount before tax."""
    minimum: Annotated[Exact, Field(ge=0)] | None = None
    """Units pay at least so much money of a cart, or nothing."""
    at_most_percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    """Share of what is due that units may pay, in percent."""


class Returns(Part):
    """What a return undoes where a thing does not divide, and how long units given back last at least."""

    on_return: OnReturn = "reevaluate"
    """What becomes of a coupon, badge or gift: judged again, taken back with the whole order, or kept."""
    given_back_lasts: Span = Span(days=30)
    """How long units given back can be used at least."""
    gift_cards_to: Literal["card", "store_credit"] = "card"
    """Where what gift cards paid goes: back onto the card, or into the buyer's store credit."""


class Checkout(Part):
    """How long a checkout holds what it promises, and what a late confirm does."""

    ttl: Span = Span(minutes=15)
    """How long it holds."""
    late_confirm: Literal["honour", "report"] = "honour"

    """Whether a confirm after that is honoured as far as possible, or reported only."""
