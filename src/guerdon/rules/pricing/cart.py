"""Carts: what is to be bought, its prices in exact minor units, and how expressions see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import round_ratio, scaled_decimal, to_scaled
from guerdon.rules.orders import (
    PRICE_PLACES,
    QUANTITY_PLACES,
    LineInput,
    OrderInput,
    OrderSettings,
    check_header,
    check_tax_rate,
    line_subtotal,
)

_CHARGED = ("discount", "order_discount", "tax", "total")
_ONE = 10**QUANTITY_PLACES


class Cart(msgspec.Struct, frozen=True, dict=True):
    """An order that is not placed yet, with its prices in minor units."""

    sent: OrderInput
    channel: str
    store: str
    digits: int
    subtotals: tuple[int, ...]
    """By line: price times quantity, minor units."""
    quantities: tuple[int, ...]
    """By line, in millionths."""
    rates: tuple[tuple[int, int], ...]
    """By line: the tax rate as a quotient."""
    floors: tuple[int, ...]
    """By line: what the sender wants for it at least, minor units."""
    shipping: int
    """Minor units, as priced."""
    shipping_rate: tuple[int, int]

    @property
    def tax_inside(self) -> bool:
        """Whether prices include tax."""
        return self.sent.prices_include_tax

    @cached_property
    def unit_prices(self) -> tuple[Fraction, ...]:
        """By line: minor units of one piece; a line of no whole quantity is one piece."""
        return tuple(
            Fraction(subtotal, max(pieces, 1))
            for subtotal, pieces in zip(self.subtotals, self.pieces, strict=True)
        )

    @cached_property
    def price_ranks(self) -> tuple[int, ...]:
        """By line: how many different prices of one piece are lower than its own."""
        ranks = {price: rank for rank, price in enumerate(sorted(set(self.unit_prices)))}
        return tuple(ranks[price] for price in self.unit_prices)

    @cached_property
    def pieces(self) -> tuple[int, ...]:
        """By line: how many pieces it has; what is weighed is one."""
        return tuple(quantity // _ONE if quantity % _ONE == 0 else 1 for quantity in self.quantities)

    @cached_property
    def quantity(self) -> Decimal:
        """How many pieces, all lines together, as sent."""
        return sum((line.quantity for line in self.sent.lines), Decimal(0))


def read_cart(sent: OrderInput, settings: OrderSettings, channel: str = "", store: str = "") -> Cart:
    """Check a cart that was sent and work out its prices.

    Args:
        sent: the cart as decoded.
        settings: the program's currency and rounding.
        channel: where the cart is, used where it names no channel.
        store: likewise; empty where there is none.

    Returns:
        The cart.

    Raises:
        Problem: `charged_in_cart` where it carries what only a placed order has, and what `read_order` raises
            about headers, quantities, prices and tax rates; pointers begin with `/data`.
    """
    check_header(sent, settings)
    _refuse_charges(sent)
    subtotals, quantities, rates, floors = [], [], [], []
    for place, line in enumerate(sent.lines):
        try:
            subtotals.append(line_subtotal(line, settings))
            check_tax_rate(line.tax_rate)
            floors.append(_floor(line, settings.digits))
        except Problem as problem:
            inner = problem.faults[0].pointer if problem.faults else ""
            raise Problem.at(f"/data/lines/{place}{inner}", problem.code, problem.detail) from None
        quantities.append(to_scaled(line.quantity, QUANTITY_PLACES))
        rates.append(_ratio(line.tax_rate))
    shipping, rate = 0, None
    if sent.shipping is not None:
        shipping = to_scaled(sent.shipping.amount, settings.digits, "/data/shipping/amount")
        rate = sent.shipping.tax_rate
        check_tax_rate(rate, "/data/shipping/tax_rate")
        if shipping < 0:
            raise Problem.at("/data/shipping/amount", "negative_amount", "expected an amount of 0 or more")
    return Cart(
        sent=sent,
        channel=sent.channel or channel,
        store=sent.store or store,
        digits=settings.digits,
        subtotals=tuple(subtotals),
        quantities=tuple(quantities),
        rates=tuple(rates),
        floors=tuple(floors),
        shipping=shipping,
        shipping_rate=_ratio(rate),
    )


def _refuse_charges(sent: OrderInput) -> None:
    for place, line in enumerate(sent.lines):
        for name in _CHARGED:
            if getattr(line, name) is not None:
                _refuse(f"/data/lines/{place}/{name}")
    if sent.discounts:
        _refuse("/data/discounts")
    if sent.payments:
        _refuse("/data/payments")
    if sent.shipping is not None and sent.shipping.tax is not None:
        _refuse("/data/shipping/tax")


def _refuse(pointer: str) -> None:
    detail = "a cart carries prices and tax rates; what was charged belongs to a placed order"
    raise Problem.at(pointer, "charged_in_cart", detail)


def _floor(line: LineInput, digits: int) -> int:
    if line.floor is None:
        return 0
    floor = to_scaled(line.floor, PRICE_PLACES, "/floor")
    if floor < 0:
        raise Problem.at("/floor", "negative_amount", "expected an amount of 0 or more")
    # A floor is rounded up: nothing is sold below it.
    product = floor * to_scaled(line.quantity, QUANTITY_PLACES, "/quantity")
    return round_ratio(product, 10 ** (PRICE_PLACES + QUANTITY_PLACES - digits), "ceil")


def _ratio(rate: Decimal | None) -> tuple[int, int]:
    return (0, 1) if not rate else rate.as_integer_ratio()


class LineView:
    """A line as expressions see it while the cart is priced."""

    __slots__ = (
        "_bill",
        "_digits",
        "_inside",
        "_place",
        "_rate",
        "_subtotal",
        "attributes",
        "brand",
        "categories",
        "id",
        "name",
        "quantity",
        "sku",
        "tags",
        "tax_rate",
    )  # fmt: skip

    def __init__(self, cart: Cart, place: int, bill: Moneys) -> None:
        """Make the view.

        Args:
            cart: the cart.
            place: which line.
            bill: what the lines come to at the moment.
        """
        line = cart.sent.lines[place]
        self.id, self.sku, self.name = line.id, line.sku or "", line.name or ""
        self.quantity, self.brand = line.quantity, line.brand or ""
        self.categories, self.tags, self.attributes = line.categories, line.tags, line.attributes
        self.tax_rate = line.tax_rate or Decimal(0)
        self._bill, self._place, self._digits = bill, place, cart.digits
        self._rate, self._inside, self._subtotal = cart.rates[place], cart.tax_inside, cart.subtotals[place]

    @property
    def subtotal(self) -> Decimal:
        """Price times quantity."""
        return scaled_decimal(self._subtotal, self._digits)

    @property
    def net(self) -> Decimal:
        """What is left after the discounts so far."""
        return scaled_decimal(self._bill.left[self._place], self._digits)

    @property
    def discount(self) -> Decimal:
        """What has been taken off so far."""
        return scaled_decimal(self._subtotal - self._bill.left[self._place], self._digits)

    @property
    def tax(self) -> Decimal:
        """Tax on what is left, by line."""
        return scaled_decimal(_tax(self._bill.left[self._place], self._rate, self._inside), self._digits)

    @property
    def total(self) -> Decimal:
        """What is left, tax included."""
        return self.net if self._inside else self.net + self.tax

    @property
    def earning_base(self) -> Decimal:
        """What is left; which tenders pay for it is not known yet."""
        return self.net


class Moneys:
    """What expressions see of the money: set before each is asked."""

    __slots__ = ("left", "shipping")

    def __init__(self, left: Sequence[int], shipping: int) -> None:
        """Begin with the cart as it was sent.

        Args:
            left: by line, minor units.
            shipping: minor units.
        """
        self.left = left
        self.shipping = shipping


class CartView:
    """A cart as expressions see it while it is priced."""

    def __init__(self, cart: Cart, moneys: Moneys) -> None:
        """Make the view.

        Args:
            cart: the cart.
            moneys: what it comes to at the moment.
        """
        self._cart = cart
        self._moneys = moneys
        self.channel, self.store = cart.channel, cart.store
        self.coupons = cart.sent.coupons

    @property
    def id(self) -> str:
        """The cart's id."""
        return self._cart.sent.id

    @property
    def currency(self) -> str:
        """The currency it names, if any."""
        return self._cart.sent.currency or ""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The sender's own."""
        return self._cart.sent.attributes

    @cached_property
    def lines(self) -> tuple[LineView, ...]:
        """The lines as sent."""
        return tuple(LineView(self._cart, place, self._moneys) for place in range(len(self._cart.subtotals)))

    @property
    def quantity(self) -> Decimal:
        """How many pieces."""
        return self._cart.quantity

    @property
    def subtotal(self) -> Decimal:
        """Merchandise before discounts."""
        return scaled_decimal(sum(self._cart.subtotals), self._cart.digits)

    @property
    def net(self) -> Decimal:
        """Merchandise after the discounts so far."""
        return scaled_decimal(sum(self._moneys.left), self._cart.digits)

    @property
    def discount(self) -> Decimal:
        """What has been taken off the merchandise so far."""
        return scaled_decimal(sum(self._cart.subtotals) - sum(self._moneys.left), self._cart.digits)

    @property
    def earning_base(self) -> Decimal:
        """As `net`; which tenders pay is not known yet."""
        return self.net

    @property
    def tax(self) -> Decimal:
        """Tax on what is left of lines and shipping, each rounded by itself."""
        cart, left = self._cart, self._moneys.left
        taxes = sum(_tax(net, rate, cart.tax_inside) for net, rate in zip(left, cart.rates, strict=True))
        return scaled_decimal(
            taxes + _tax(self._moneys.shipping, cart.shipping_rate, cart.tax_inside), cart.digits
        )

    @property
    def shipping(self) -> Decimal:
        """What is left of the shipping, as priced."""
        return scaled_decimal(self._moneys.shipping, self._cart.digits)

    @property
    def total(self) -> Decimal:
        """Lines and shipping, tax included."""
        priced = self.net + self.shipping
        return priced if self._cart.tax_inside else priced + self.tax


def _tax(net: int, rate: tuple[int, int], inside: bool) -> int:
    top, bottom = rate
    if not top:
        return 0
    whole = bottom + top if inside else bottom
    return round_ratio(net * top, whole, "half_up")
