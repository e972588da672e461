"""Orders as facts: what was sold, charged and paid, in exact minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import (
    BIGINT_MAX,
    RoundingMode,
    currency_digits,
    round_ratio,
    round_scaled,
    scaled_decimal,
    spread,
    to_scaled,
)
from guerdon.rules.sent import AmountInput, LineInput, OrderInput, ShippingInput

__all__ = [
    "AmountInput",
    "Line",
    "LineFigures",
    "LineInput",
    "Order",
    "OrderInput",
    "OrderSettings",
    "ShippingInput",
    "check_header",
    "check_tax_rate",
    "line_subtotal",
    "read_order",
]

LINES_AT_MOST = 1_000
PRICE_PLACES = 6
QUANTITY_PLACES = 6
ID_LENGTH = 200

_ZERO = Decimal(0)
_PRODUCT_PLACES = PRICE_PLACES + QUANTITY_PLACES
_POWERS = tuple(10**places for places in range(_PRODUCT_PLACES + 1))
_PRODUCT_TOO_LARGE = 10 ** (16 + _PRODUCT_PLACES)
_TAX_RATES = range(10 * 10**PRICE_PLACES + 1)


class LineFigures(NamedTuple):
    """What a line comes to, in minor units."""

    subtotal: int
    net: int
    tax: int
    total: int
    earning: int


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line with its money in minor units; the properties give it in whole units."""

    id: str
    sku: str
    name: str
    quantity: Decimal
    categories: tuple[str, ...]
    brand: str
    tags: tuple[str, ...]
    attributes: Mapping[str, Any]
    tax_rate: Decimal
    subtotal_minor: int
    net_minor: int
    tax_minor: int
    total_minor: int
    earning_minor: int
    digits: int

    @property
    def subtotal(self) -> Decimal:
        """Price times quantity."""
        return scaled_decimal(self.subtotal_minor, self.digits)

    @property
    def discount(self) -> Decimal:
        """What was taken off, its share of discounts on the whole order included."""
        return scaled_decimal(self.subtotal_minor - self.net_minor, self.digits)

    @property
    def net(self) -> Decimal:
        """What is left after discounts, as priced."""
        return scaled_decimal(self.net_minor, self.digits)

    @property
    def tax(self) -> Decimal:
        """Tax on the line."""
        return scaled_decimal(self.tax_minor, self.digits)

    @property
    def total(self) -> Decimal:
        """What was charged for the line, tax included."""
        return scaled_decimal(self.total_minor, self.digits)

    @property
    def earning_base(self) -> Decimal:
        """The part of the order's earning base that this line brought."""
        return scaled_decimal(self.earning_minor, self.digits)


class Order(msgspec.Struct, frozen=True, dict=True):
    """An order with its derived money in minor units; the properties give it in whole units."""

    id: str
    currency: str
    channel: str
    store: str
    sold: tuple[LineInput, ...]
    figures: tuple[LineFigures, ...]
    """By line as sold."""
    subtotal_minor: int
    net_minor: int
    earning_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int
    attributes: Mapping[str, Any]
    coupons: tuple[str, ...]
    digits: int
    payments: tuple[tuple[str, int], ...] = ()
    """How it was paid, as far as was said: kinds and minor units."""

    # Few expressions look into lines, and most orders are decided without a look at them.
    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines with their money, as sold."""
        return tuple(
            _line(sold, figures, self.digits) for sold, figures in zip(self.sold, self.figures, strict=True)
        )

    @cached_property
    def quantity(self) -> Decimal:
        """How many pieces, all lines together."""
        return sum((line.quantity for line in self.sold), _ZERO)

    @property
    def subtotal(self) -> Decimal:
        """Merchandise before discounts."""
        return scaled_decimal(self.subtotal_minor, self.digits)

    @property
    def discount(self) -> Decimal:
        """All that was taken off the merchandise."""
        return scaled_decimal(self.subtotal_minor - self.net_minor, self.digits)

    @property
    def net(self) -> Decimal:
        """Merchandise after discounts, as priced."""
        return scaled_decimal(self.net_minor, self.digits)

    @property
    def earning_base(self) -> Decimal:
        """`net`, with or without tax as the program says, less what uncounted tenders paid."""
        return scaled_decimal(self.earning_minor, self.digits)

    @property
    def tax(self) -> Decimal:
        """Tax on lines and shipping."""
        return scaled_decimal(self.tax_minor, self.digits)

    @property
    def shipping(self) -> Decimal:
        """What shipping cost, before its tax."""
        return scaled_decimal(self.shipping_minor, self.digits)

    @property
    def total(self) -> Decimal:
        """Lines and shipping, tax included."""
        return scaled_decimal(self.total_minor, self.digits)


class OrderSettings(msgspec.Struct, frozen=True):
    """What a program says about reading orders."""

    currency: str
    digits: int
    rounding: RoundingMode = "half_up"
    earn_on: Literal["net", "gross"] = "net"
    spread_order_discount: bool = True
    uncounted_tenders: frozenset[str] = frozenset()


def read_order(sent: OrderInput, settings: OrderSettings, channel: str, store: str) -> Order:
    """Check an order that was sent and work out its money.

    Args:
        sent: the order as decoded.
        settings: the program's currency and earning settings.
        channel: the event's channel, used where the order names none.
        store: the event's store, likewise; empty where there is none.

    Returns:
        The order with its lines; `net` and `earning_base` of the order are the sums of the lines'.

    Raises:
        Problem: `unknown_currency`, `currency_mismatch`, `too_many_lines`, `duplicate_line`,
            `negative_quantity`, `too_many_digits`, `price_missing`, `negative_amount`,
            `amount_too_large`, `discount_too_large`.
    """
    check_header(sent, settings)
    figures = _figures(sent, settings)
    sums = [sum(column) for column in zip(*figures, strict=True)] if figures else [0] * 5
    subtotal, net, tax, total, earning = sums
    shipping = shipping_tax = 0
    if sent.shipping is not None:
        shipping = _amount(sent.shipping.amount, settings.digits, "/data/shipping/amount")
        shipping_tax = _amount(sent.shipping.tax, settings.digits, "/data/shipping/tax")
    order = Order(
        id=sent.id,
        currency=settings.currency,
        channel=sent.channel or channel,
        store=sent.store or store,
        sold=sent.lines,
        figures=figures,
        subtotal_minor=subtotal,
        net_minor=net,
        earning_minor=earning,
        tax_minor=tax + shipping_tax,
        shipping_minor=shipping,
        total_minor=total + shipping + shipping_tax,
        attributes=sent.attributes,
        coupons=sent.coupons,
        digits=settings.digits,
        payments=_payments(sent, settings.digits) if sent.payments else (),
    )
    if max(order.total_minor, order.subtotal_minor) > BIGINT_MAX:
        raise Problem.at("/data/lines", "amount_too_large", "the order's total is too large")
    return order


def _payments(sent: OrderInput, digits: int) -> tuple[tuple[str, int], ...]:
    return tuple((one.kind or "", to_scaled(one.amount, digits)) for one in sent.payments)


def _figures(sent: OrderInput, settings: OrderSettings) -> tuple[LineFigures, ...]:
    priced: list[tuple[int, int]] = []
    for place, line in enumerate(sent.lines):
        try:
            priced.append(_price(line, settings))
        except Problem as problem:
            raise _in_line(place, problem) from None
    shares = _order_discounts(sent, settings, priced)
    figures: list[LineFigures] = []
    for place, line in enumerate(sent.lines):
        subtotal, net = priced[place]
        if line.tax is None and line.tax_rate is None and line.total is None and not shares:
            figures.append(LineFigures(subtotal, net, 0, net, net))
            continue
        share = shares[place] if shares else 0
        try:
            figures.append(_charge(line, _Priced(subtotal, net, share), sent.prices_include_tax, settings))
        except Problem as problem:
            raise _in_line(place, problem) from None
    return _leave_out_tenders(sent, settings, tuple(figures)) if sent.payments else tuple(figures)


def _in_line(place: int, problem: Problem) -> Problem:
    """Name the line in a problem whose pointer begins at the line."""
    at = f"/data/lines/{place}"
    pointer = at + problem.faults[0].pointer if problem.faults else at
    return Problem.at(pointer, problem.code, problem.detail)


def _line(sold: LineInput, figures: LineFigures, digits: int) -> Line:
    return Line(
        id=sold.id,
        sku=sold.sku or "",
        name=sold.name or "",
        quantity=sold.quantity,
        categories=sold.categories,
        brand=sold.brand or "",
        tags=sold.tags,
        attributes=sold.attributes,
        tax_rate=sold.tax_rate or _ZERO,
        subtotal_minor=figures.subtotal,
        net_minor=figures.net,
        tax_minor=figures.tax,
        total_minor=figures.total,
        earning_minor=figures.earning,
        digits=digits,
    )


def check_header(sent: OrderInput, settings: OrderSettings) -> None:
    """Check what orders and carts say about themselves.

    Args:
        sent: the order or cart as decoded.
        settings: the program's currency.

    Raises:
        Problem: `order_id_invalid`, `too_many_lines`, `unknown_currency`, `currency_mismatch`,
            `line_id_invalid`, `duplicate_line`.
    """
    if not 0 < len(sent.id) <= ID_LENGTH:
        raise Problem.at(
            "/data/id", "order_id_invalid", f"expected an order id of 1 to {ID_LENGTH} characters"
        )
    if len(sent.lines) > LINES_AT_MOST:
        raise Problem.at("/data/lines", "too_many_lines", f"an order has at most {LINES_AT_MOST} lines")
    if sent.currency is not None and sent.currency != settings.currency:
        try:
            currency_digits(sent.currency)
        except Problem as problem:
            raise Problem.at("/data/currency", problem.code, problem.detail) from None
        raise Problem.at(
            "/data/currency", "currency_mismatch", f"this program's currency is {settings.currency}"
        )
    seen = {line.id for line in sent.lines}
    if len(seen) < len(sent.lines) or not all(0 < len(name) <= ID_LENGTH for name in seen):
        _refuse_line_ids(sent)


def _refuse_line_ids(sent: OrderInput) -> None:
    seen: set[str] = set()
    for place, line in enumerate(sent.lines):
        if not 0 < len(line.id) <= ID_LENGTH:
            detail = f"expected an id of 1 to {ID_LENGTH} characters"
            raise Problem.at(f"/data/lines/{place}/id", "line_id_invalid", detail)
        if line.id in seen:
            raise Problem.at(
                f"/data/lines/{place}/id", "duplicate_line", "another line of the order has this id"
            )
        seen.add(line.id)


class _Priced(NamedTuple):
    """What a line comes to before tax, in minor units."""

    subtotal: int
    net: int
    """After the line's own discount."""
    share: int
    """Its share of discounts on the whole order."""


def _price(sent: LineInput, settings: OrderSettings) -> tuple[int, int]:
    subtotal = line_subtotal(sent, settings)
    if sent.factors:
        _check_factors(sent)
    if sent.discount is None:
        return subtotal, subtotal
    discount = _amount(sent.discount, settings.digits, "/discount")
    if discount > subtotal:
        raise Problem.at("/discount", "discount_too_large", "a line's discount is at most its subtotal")
    return subtotal, subtotal - discount


def _check_factors(sent: LineInput) -> None:
    for wallet, factor in sent.factors.items():
        if to_scaled(factor, PRICE_PLACES, f"/factors/{wallet}") < 0:
            raise Problem.at(f"/factors/{wallet}", "negative_amount", "expected a factor of 0 or more")


def _charge(sent: LineInput, priced: _Priced, tax_inside: bool, settings: OrderSettings) -> LineFigures:
    net = priced.net - priced.share
    tax = _tax(sent, net, tax_inside, settings)
    with_tax = net if tax_inside else net + tax
    if settings.spread_order_discount:
        counted, counted_tax = net, tax
    else:
        counted, counted_tax = priced.net, _tax(sent, priced.net, tax_inside, settings)
    gross = settings.earn_on == "gross"
    earning = counted + counted_tax * (gross - tax_inside)
    total = with_tax if sent.total is None else _amount(sent.total, settings.digits, "/total")
    return LineFigures(priced.subtotal, net, tax, total, max(0, earning))


def line_subtotal(sent: LineInput, settings: OrderSettings) -> int:
    """Work out what a line comes to before discounts.

    Args:
        sent: the line.
        settings: the program's currency and rounding.

    Returns:
        Minor units.

    Raises:
        Problem: `negative_quantity`, `price_missing`, `negative_amount`, `too_many_digits`,
            `amount_too_large`; the pointer begins at the line.
    """
    quantity = to_scaled(sent.quantity, QUANTITY_PLACES, "/quantity")
    if quantity < 0:
        raise Problem.at("/quantity", "negative_quantity", "a quantity is 0 or more")
    price = _amount(sent.price, PRICE_PLACES, "/price")
    if sent.subtotal is not None:
        return _amount(sent.subtotal, settings.digits, "/subtotal")
    if sent.price is None:
        raise Problem.at("", "price_missing", "a line needs `price` or `subtotal`")
    product = price * quantity
    if product >= _PRODUCT_TOO_LARGE:
        raise Problem.at("", "amount_too_large", "price times quantity is too large")
    return round_ratio(product, _POWERS[_PRODUCT_PLACES - settings.digits], settings.rounding)


def check_tax_rate(rate: Decimal | None, pointer: str = "/tax_rate") -> None:
    """Check a tax rate.

    Args:
        rate: a share such as 0.08, or None.
        pointer: where it stands.

    Raises:
        Problem: `tax_rate_invalid`, `too_many_digits`.
    """
    if rate is not None and to_scaled(rate, PRICE_PLACES, pointer) not in _TAX_RATES:
        raise Problem.at(pointer, "tax_rate_invalid", "expected a share between 0 and 10, such as 0.08")


def _tax(sent: LineInput, net: int, tax_inside: bool, settings: OrderSettings) -> int:
    check_tax_rate(sent.tax_rate)
    if sent.tax is not None:
        return _amount(sent.tax, settings.digits, "/tax")
    if not sent.tax_rate:
        return 0
    rate = Fraction(sent.tax_rate)
    return round_scaled(net * rate / (1 + rate) if tax_inside else net * rate, 0, settings.rounding)


def _order_discounts(
    sent: OrderInput, settings: OrderSettings, priced: Sequence[tuple[int, int]]
) -> list[int]:
    """Spread discounts on the whole order over the lines as they came to; nothing where there are none."""
    shared = [line for line in sent.lines if line.order_discount is not None]
    if not sent.discounts and not shared:
        return []
    off = _sum(sent.discounts, settings.digits, "/data/discounts")
    nets = [net for _, net in priced]
    if off > sum(nets):
        raise Problem.at(
            "/data/discounts", "discount_too_large", "discounts are at most what the lines come to"
        )
    if not shared:
        return spread(off, nets) if off else []
    shares = []
    for place, line in enumerate(sent.lines):
        at = f"/data/lines/{place}/order_discount"
        shares.append(_amount(line.order_discount, settings.digits, at))
        if shares[-1] > nets[place]:
            raise Problem.at(at, "discount_too_large", "a line's discounts are at most its subtotal")
    if sum(shares) != off:
        detail = "the lines' shares do not sum to the discounts on the order"
        raise Problem.at("/data/discounts", "discounts_do_not_add_up", detail)
    return shares


def _leave_out_tenders(
    sent: OrderInput, settings: OrderSettings, figures: tuple[LineFigures, ...]
) -> tuple[LineFigures, ...]:
    """Lower the earning base by what was paid with tenders that the program does not count."""
    uncounted = [payment for payment in sent.payments if payment.kind in settings.uncounted_tenders]
    _sum(sent.payments, settings.digits, "/data/payments")
    paid = _sum(uncounted, settings.digits, "/data/payments")
    if not paid:
        return figures
    bases = [line.earning for line in figures]
    shares = spread(min(paid, sum(bases)), bases)
    return tuple(
        LineFigures(line.subtotal, line.net, line.tax, line.total, line.earning - share)
        for line, share in zip(figures, shares, strict=True)
    )


def _sum(amounts: Sequence[AmountInput], digits: int, pointer: str) -> int:
    return sum(_amount(one.amount, digits, f"{pointer}/{place}/amount") for place, one in enumerate(amounts))


def _amount(value: Decimal | None, digits: int, pointer: str) -> int:
    if value is None:
        return 0
    scaled = to_scaled(value, digits, pointer)
    if scaled < 0:
        raise Problem.at(pointer, "negative_amount", "expected an amount of 0 or more")
    return scaled
