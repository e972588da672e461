"""Orders and carts as they are sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""An instant as text: RFC 3339."""


class LineInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A line as it is sent, money in whole units of the currency."""

    id: str
    sku: str | None = None
    name: str | None = None
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None
    tax_rate: Decimal | None = None
    categories: tuple[str, ...] = ()
    brand: str | None = None
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    order_discount: Decimal | None = None
    """Its share of `discounts` on the whole order, where the sender spread them."""
    floor: Decimal | None = None
    """In a cart: the price of one unit below which discounts do not go."""
    factors: dict[str, Decimal] = {}
    """What its points are multiplied by, by wallet."""


class ShippingInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Shipping as it is sent."""

    amount: Decimal = Decimal(0)
    method: str | None = None
    tax: Decimal | None = None
    tax_rate: Decimal | None = None
    """In a cart: the rate by which its tax is worked out."""


class AmountInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A discount on the whole order, or a payment, as it is sent."""

    amount: Decimal
    kind: str | None = None
    campaign: str | None = None
    code: str | None = None


class ReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A line of an order that comes back."""

    id: str
    quantity: Decimal | None = None
    """How much of it; all that is left of the line where it is not said."""


class LeftLine(ReturnLine, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A line of an edited order as it is now."""

    price: Decimal | None = None
    """Of one; where it is said, it must be what it was."""
    subtotal: Decimal | None = None
    """Of all that is left of the line; where it is said, it must be what it was."""


class ReturnInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What comes back of an order that was paid, as it is sent in the data of an `order.returned` event."""

    order: str
    """The order's id at its source."""
    id: str = ""
    """The return's own id; that of the event where it is not said."""
    lines: tuple[ReturnLine, ...] = ()
    all: bool = False
    """Whether everything comes back that has not come back yet."""
    refund_shipping: bool = False


class ReturnAsked(ReturnInput, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A return as the engine keeps it, whichever event told of it."""

    left: tuple[LeftLine, ...] | None = None
    """Of an edited order: the lines as they are now; what is less than it was has come back."""


class OrderInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order as it is sent in the data of an `order.*` event."""

    id: str
    lines: tuple[LineInput, ...]
    currency: str | None = None
    channel: str | None = None
    store: str | None = None
    placed_at: Time | None = None
    prices_include_tax: bool = False
    shipping: ShippingInput | None = None
    discounts: tuple[AmountInput, ...] = ()
    payments: tuple[AmountInput, ...] = ()
    coupons: tuple[str, ...] = ()
    spend: dict[str, Decimal] = {}
    rewards: tuple[str, ...] = ()
    gift_cards: tuple[str, ...] = ()
    """In a cart: codes of gift cards that pay, in their order; they are stored nowhere."""
    attributes: dict[str, Any] = {}
