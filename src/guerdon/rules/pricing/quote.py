"""A priced cart: every line's money and where it comes from, exact to the minor unit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.exact import scaled_decimal
from guerdon.rules.limits import Draw
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, ShippingInput
from guerdon.rules.promotions import Source

Off = tuple[Source, int]
"""Who takes something off, and how many minor units."""


class PricedLine(msgspec.Struct, frozen=True):
    """A line of a priced cart; all money in minor units."""

    sold: LineInput
    """As sent; a gift that was added has a price of 0."""
    subtotal: int
    discount: int
    """All that is taken off; `discounts` sum to it."""
    net: int
    """What is left, as priced."""
    tax: int
    total: int
    """What is charged, tax included."""
    order_discount: int
    """The part of `discount` that is a share of discounts on the whole order."""
    discounts: tuple[Off, ...]
    factors: tuple[tuple[Source, str, Decimal], ...] = ()
    """What multiplies its points: who, which wallet, by how much."""
    added: bool = False
    """Whether pricing added the line, as a gift or a free piece."""


class PricedShipping(msgspec.Struct, frozen=True):
    """Shipping of a priced cart; all money in minor units."""

    amount: int
    """As priced, before discounts."""
    discount: int
    tax: int
    total: int
    """What is charged, tax included."""
    discounts: tuple[Off, ...]


class PricedGift(msgspec.Struct, frozen=True):
    """A product for nothing."""

    source: Source
    sku: str
    quantity: Decimal
    line: str
    """Id of the line that holds it, found in the cart or added."""
    added: bool


class Drawn(msgspec.Struct, frozen=True):
    """What a cart takes from one counter of limits or budgets."""

    draw: Draw
    amount: Decimal
    """1 for a use, whole units of the currency for a budget."""


class Skipped(msgspec.Struct, frozen=True, omit_defaults=True):
    """A campaign or coupon that did not act, and why."""

    source: Source
    reason: str
    """Such as `condition_false`, `limit_reached`, `budget_spent`, `nothing_to_discount`, `lane_better`,
    `lane_first`, `shut_out`, `out_of_schedule`, `other_channel`, `expression_error`, `coupon_unknown`."""
    detail: str = ""


class Taken(msgspec.Struct, frozen=True):
    """What one campaign or coupon came to; an effect of the cart."""

    source: Source
    lines: int
    """Minor units off the lines."""
    shipping: int
    """Minor units off the shipping."""
    remaining: int | None = None
    """What is left on a coupon with money, minor units."""


class Priced(msgspec.Struct, frozen=True):
    """A cart with its prices; all money in minor units. Sums always equal the sums of lines."""

    version: int
    """Of the program that priced it."""
    currency: str
    digits: int
    sent: OrderInput
    channel: str
    store: str
    lines: tuple[PricedLine, ...]
    shipping: PricedShipping
    subtotal: int
    discount: int
    """Off the lines."""
    net: int
    tax: int
    """On lines and shipping."""
    total: int
    """Lines and shipping, tax included."""
    taken: tuple[Taken, ...]
    gifts: tuple[PricedGift, ...]
    draws: tuple[Drawn, ...]
    skipped: tuple[Skipped, ...]
    bounded: bool
    """Whether a lane had too many candidates to find the very best."""

    def placed(self, payments: Sequence[AmountInput] = (), order_id: str = "") -> OrderInput:
        """Write the order that this cart becomes when it is paid: what was charged, as facts.

        Args:
            payments: how it is paid.
            order_id: the order's id; empty keeps the cart's.

        Returns:
            An order that `read_order` reads with the very figures of this quote.
        """
        inside = self.sent.prices_include_tax
        shipping = self.shipping
        off = self._order_discounts()
        return msgspec.structs.replace(
            self.sent,
            id=order_id or self.sent.id,
            channel=self.channel or None,
            store=self.store or None,
            lines=tuple(self._placed_line(line) for line in self.lines),
            shipping=None
            if self.sent.shipping is None
            else ShippingInput(
                amount=self._money(shipping.amount - shipping.discount - (shipping.tax if inside else 0)),
                method=self.sent.shipping.method,
                tax=self._money(shipping.tax),
            ),
            discounts=off,
            payments=tuple(payments),
        )

    def _placed_line(self, line: PricedLine) -> LineInput:
        factors: dict[str, Fraction] = {}
        for _, wallet, by in line.factors:
            factors[wallet] = factors.get(wallet, Fraction(1)) * Fraction(by)
        own = line.discount - line.order_discount
        return msgspec.structs.replace(
            line.sold,
            subtotal=self._money(line.subtotal),
            discount=self._money(own) if own else None,
            order_discount=self._money(line.order_discount) if line.order_discount else None,
            tax=self._money(line.tax),
            total=self._money(line.total),
            floor=None,
            factors={
                wallet: Decimal(factor.numerator) / Decimal(factor.denominator)
                for wallet, factor in factors.items()
            },
        )

    def _order_discounts(self) -> tuple[AmountInput, ...]:
        whole = sum(line.order_discount for line in self.lines)
        return (AmountInput(self._money(whole)),) if whole else ()

    def _money(self, minor: int) -> Decimal:
        return scaled_decimal(minor, self.digits)
