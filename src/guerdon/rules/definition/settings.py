"""Settings of a program where engines disagree; our default stands first in each list."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from guerdon.rules.definition.scalars.part import Part, Short
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.values import Exact, Flag

_TAX: Final = {"without_tax": "net", "with_tax": "gross"}


def _spell_tax(value: Any) -> Any:
    return _TAX.get(value, value) if isinstance(value, str) else value


class MoneyRounding(Part):
    """How money is rounded, and over what."""

    mode: Literal["half_up", "half_even", "down"] = "half_up"
    per: Literal["line", "order", "tax_group"] = "line"


class FreeUnits(Part):
    """Where a free product comes from, and which one is free."""

    take: Literal["from_cart", "add"] = "from_cart"
    of: Literal["cheapest", "dearest"] = "cheapest"


class Most(Part):
    """What all discounts on the lines of a cart come to at most."""

    percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    amount: Annotated[Exact, Field(ge=0)] | None = None


class Pricing(Part):
    """How carts are priced."""

    base: Literal["remaining", "original"] = "remaining"
    amount_off: Literal["as_priced", "gross", "net"] = "as_priced"
    rounding: Annotated[MoneyRounding, Short("mode")] = MoneyRounding()
    leftover: Literal["largest_remainder", "last_line", "first_line"] = "largest_remainder"
    free_units: Annotated[FreeUnits, Short("take")] = FreeUnits()
    minimum: Literal["after_others", "before_discounts"] = "after_others"
    floor_percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    """Share of a line's price below which discounts do not go, in percent."""
    at_most: Most = Most()


class PaidWith(Part):
    """Whether what was paid with these earns."""

    gift_card: Flag = True
    store_credit: Flag = True
    points: Flag = False


class Earning(Part):
    """What of an order earns."""

    order_discount: Literal["spread", "ignore"] = "spread"
    earn_on: Annotated[
        Literal["net", "gross"],
        BeforeValidator(_spell_tax),
        WithJsonSchema({"enum": ["net", "gross", *_TAX]}),
    ] = "net"
    paid_with: PaidWith = PaidWith()
    same_order: Literal["refused", "allowed"] = "refused"


class Spending(Part):
    """How units are spent."""

    short: Literal["reject", "clamp"] = "reject"
    lots: Literal["expires_first", "earned_first"] = "expires_first"
    as_: Literal["payment", "discount"] = Field(
        default="payment", validation_alias="as", serialization_alias="as"
    )
    minimum: Annotated[Exact, Field(ge=0)] | None = None
    """Units pay at least so much money of a cart, or nothing."""
    at_most_percent: Annotated[Exact, Field(ge=0, le=100)] | None = None
    """Share of what is due that units may pay, in percent."""


class Returns(Part):
    """What a return undoes where a thing does not divide, and how long units given back last at least."""

    on_return: Literal["reevaluate", "full_only", "keep"] = "reevaluate"
    given_back_lasts: Span = Span(days=30)


class Checkout(Part):
    """How long a checkout holds what it promises, and what a late confirm does."""

    ttl: Span = Span(minutes=15)
    late_confirm: Literal["honour", "report"] = "honour"
