"""Pricing a cart: which promotions can act, what they come to, and the quote that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from guerdon.base.exact import scaled_decimal
from guerdon.rules.limits import NO_LIMITS, Limits, money_draw
from guerdon.rules.orders import LineInput
from guerdon.rules.pricing.bill import Bill, Given, Run
from guerdon.rules.pricing.cart import Cart
from guerdon.rules.pricing.combining import combine, reason_of
from guerdon.rules.pricing.quote import (
    Drawn,
    Off,
    Priced,
    PricedGift,
    PricedLine,
    PricedShipping,
    Skipped,
    Taken,
)
from guerdon.rules.pricing.spreading import share_out
from guerdon.rules.pricing.taxes import taxes
from guerdon.rules.pricing.view import View
from guerdon.rules.program import Program
from guerdon.rules.promotions import Promotion, Source

_ONE = Decimal(1)
_OF_A_CODE = Limits()
"""Tells that a coupon draws from counters; which ones stands with its code."""


def price(program: Program, cart: Cart, view: View, at: datetime) -> Priced:
    """Price a cart; the caller has entered `exactly()`, once for a batch.

    Args:
        program: the compiled definition that prices.
        cart: what is to be bought.
        view: who buys, what limits have left, which coupons the codes stand for.
        at: the instant, UTC.

    Returns:
        The quote; the same for the same arguments, whatever the order of campaigns in the document.
    """
    run = Run(program, cart, view, at)
    unknown: list[Skipped] = []
    promotions = _candidates(run, unknown)
    bill = combine(run, promotions)
    units = _units_off(run, bill)
    return _written(run, bill, (promotions, unknown), units)


def _candidates(run: Run, unknown: list[Skipped]) -> Sequence[Promotion]:
    every = run.program.promotions
    campaigns = every.automatic if every.index is None else every.index.candidates(run.scope)
    codes = run.cart.sent.coupons
    if not codes:
        return campaigns
    found = [*campaigns, *_coupons(run, codes, unknown)]
    found.sort(key=lambda promotion: promotion.order)
    return found


def _coupons(run: Run, codes: Sequence[str], unknown: list[Skipped]) -> Iterable[Promotion]:
    for place, code in enumerate(codes):
        given = run.view.coupons.get(code)
        promotion = None if given is None else run.program.promotions.coupons.get(given.reward)
        source = Source("coupon", given.reward if given is not None else "", code)
        if code in codes[:place]:
            continue
        if given is None or not given.reward:
            reason = (given.problem if given is not None else "") or "coupon_unknown"
            unknown.append(Skipped(source, reason, given.detail if given is not None else ""))
        elif given.problem:
            unknown.append(Skipped(source, given.problem, given.detail))
        elif promotion is None:
            unknown.append(Skipped(source, "nothing_to_discount", "the reward takes nothing off a cart"))
        else:
            limits = _OF_A_CODE if given.uses or given.money is not None else NO_LIMITS
            promotion = msgspec.structs.replace(promotion, source=source, limits=limits)
            if given.remaining is not None:
                discounts = tuple(
                    msgspec.structs.replace(one, at_most=min(given.remaining, one.at_most or given.remaining))
                    for one in promotion.discounts
                )
                promotion = msgspec.structs.replace(promotion, discounts=discounts)
            yield promotion


def _units_off(run: Run, bill: Bill) -> list[tuple[Source, list[int]]]:
    """Take off what units pay as a discount, after all promotions and before tax."""
    found = []
    for wallet, most in run.view.units_off:
        off = share_out(min(most, sum(bill.left)), bill.left, run.settings.leftover)
        if any(off):
            bill.left = [left - one for left, one in zip(bill.left, off, strict=True)]
            found.append((Source("units", wallet), off))
    return found


def _written(
    run: Run,
    bill: Bill,
    tried: tuple[Sequence[Promotion], list[Skipped]],
    units: list[tuple[Source, list[int]]],
) -> Priced:
    cart, program = run.cart, run.program
    line_taxes, shipping_tax = taxes(run, bill.left, bill.shipping)
    lines = _lines(run, bill, line_taxes, units)
    shipping = PricedShipping(
        amount=cart.shipping,
        discount=cart.shipping - bill.shipping,
        tax=shipping_tax,
        total=bill.shipping + (0 if cart.tax_inside else shipping_tax),
        discounts=tuple((one.promotion.source, one.shipping) for one in bill.given if one.shipping),
    )
    added, gifts = _gifts(run, bill)
    lines += added
    subtotal, net = sum(cart.subtotals), sum(bill.left)
    acted = [one.promotion for one in bill.given]
    return Priced(
        version=program.version,
        currency=program.currency,
        digits=cart.digits,
        sent=cart.sent,
        channel=cart.channel,
        store=cart.store,
        lines=tuple(lines),
        shipping=shipping,
        subtotal=subtotal,
        discount=subtotal - net,
        net=net,
        tax=sum(line_taxes) + shipping_tax,
        total=sum(line.total for line in lines) + shipping.total,
        taken=tuple(_taken(run, one) for one in bill.given)
        + tuple(Taken(source, sum(off), 0) for source, off in units),
        gifts=tuple(gifts),
        draws=tuple(
            drawn for one in bill.given if one.promotion.limits is not NO_LIMITS for drawn in _drawn(run, one)
        ),
        skipped=(*tried[1], *_skipped(run, tried[0], acted)),
        bounded=run.bounded,
    )


def _lines(run: Run, bill: Bill, tax: list[int], units: list[tuple[Source, list[int]]]) -> list[PricedLine]:
    cart = run.cart
    offs = _by_line(len(bill.left), bill.given, units)
    order_offs = _of_order(run, bill, units)
    factors = _factors(len(bill.left), bill.given)
    inside = cart.tax_inside
    return [
        PricedLine(
            sold=sold,
            subtotal=subtotal,
            discount=subtotal - net,
            net=net,
            tax=one_tax,
            total=net if inside else net + one_tax,
            order_discount=order_off,
            discounts=off,
            factors=factor,
        )
        for sold, subtotal, net, one_tax, order_off, off, factor in zip(
            cart.sent.lines, cart.subtotals, bill.left, tax, order_offs, offs, factors, strict=True
        )
    ]


def _by_line(
    count: int, given: Sequence[Given], units: list[tuple[Source, list[int]]]
) -> list[tuple[Off, ...]]:
    sources = [one.promotion.source for one in given if one.off is not None]
    columns = [one.off for one in given if one.off is not None]
    sources += [source for source, _ in units]
    columns += [off for _, off in units]
    if not columns:
        return [()] * count
    found = []
    for amounts in zip(*columns, strict=True):
        pairs = zip(sources, amounts, strict=True)
        found.append(tuple(pairs) if all(amounts) else tuple(pair for pair in pairs if pair[1]))
    return found


def _of_order(run: Run, bill: Bill, units: list[tuple[Source, list[int]]]) -> list[int]:
    columns = [one.of_order for one in bill.given if one.of_order is not None] + [off for _, off in units]
    return [sum(amounts) for amounts in zip(*columns, strict=True)] if columns else [0] * len(run.everything)


def _factors(count: int, given: Sequence[Given]) -> list[tuple[tuple[Source, str, Decimal], ...]]:
    if not any(one.factors for one in given):
        return [()] * count
    found: list[list[tuple[Source, str, Decimal]]] = [[] for _ in range(count)]
    for one in given:
        for wallet, by, places in one.factors:
            for place in places:
                found[place].append((one.promotion.source, wallet, by))
    return [tuple(line) for line in found]


def _gifts(run: Run, bill: Bill) -> tuple[list[PricedLine], list[PricedGift]]:
    """Write added gifts as lines of their own, which cost nothing."""
    lines: list[PricedLine] = []
    gifts: list[PricedGift] = []
    sold_lines = run.cart.sent.lines
    taken = {line.id for line in sold_lines}
    for one in bill.given:
        for gift, place, pieces in one.gifts:
            source = one.promotion.source
            if place >= 0:
                gifts.append(PricedGift(source, gift.sku, Decimal(pieces), sold_lines[place].id, added=False))
                continue
            line_id = _free_id(f"gift-{source.key}", taken)
            like = next((line for line in sold_lines if (line.sku or line.id) == gift.sku), None)
            sold = LineInput(id=line_id, sku=gift.sku, quantity=Decimal(pieces), price=Decimal(0))
            if like is not None:
                sold = msgspec.structs.replace(
                    like, id=line_id, quantity=sold.quantity, price=sold.price, subtotal=None, floor=None
                )
            lines.append(PricedLine(sold, 0, 0, 0, 0, 0, 0, (), added=True))
            gifts.append(PricedGift(source, gift.sku, sold.quantity, line_id, added=True))
    return lines, gifts


def _free_id(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name)
    return name


def _taken(run: Run, one: Given) -> Taken:
    source = one.promotion.source
    if not source.code:
        return Taken(source, one.off_total, one.shipping)
    given = run.view.coupons.get(source.code)
    lines = one.off_total
    remaining = None if given is None or given.remaining is None else given.remaining - lines - one.shipping
    return Taken(source, lines, one.shipping, remaining)


def _drawn(run: Run, one: Given) -> Iterable[Drawn]:
    promotion = one.promotion
    limits = promotion.limits
    for draw in run.uses(promotion):
        yield Drawn(draw, _ONE)
    if limits.budget is not None and limits.budget.money is not None and one.worth:
        draw_money = money_draw(limits, promotion.source.owner, run.program.zone.day_of(run.at))
        assert draw_money is not None, "there is a budget in money"
        yield Drawn(draw_money, scaled_decimal(one.worth, run.cart.digits))
    given = run.view.coupons.get(promotion.source.code)
    if given is not None and given.money is not None and one.worth:
        yield Drawn(given.money, scaled_decimal(one.worth, run.cart.digits))


def _skipped(run: Run, promotions: Sequence[Promotion], acted: Sequence[Promotion]) -> list[Skipped]:
    if len(acted) == len(promotions):
        return []
    done = {id(one) for one in acted}
    return [Skipped(one.source, *reason_of(run, one, acted)) for one in promotions if id(one) not in done]
