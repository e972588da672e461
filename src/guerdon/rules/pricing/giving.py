"""One promotion tried on a cart: its conditions, its effects, and the budget that it must fit into."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from guerdon.base.exact import round_ratio, round_scaled
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.limits import money_draw
from guerdon.rules.pricing.bill import Bill, Given, Run, place_of
from guerdon.rules.pricing.discounts import most_off_lines, off_lines, off_shipping
from guerdon.rules.pricing.pieces import bought_times, by_free_price
from guerdon.rules.pricing.spreading import share_out
from guerdon.rules.promotions import Discount, Factor, Gift, Promotion

NEGATIVE = ("negative_amount", "multipliers are 0 or more")


def give(run: Run, bill: Bill, promotion: Promotion) -> bool:
    """Try a promotion, and take off what it gives.

    Args:
        run: the pricing; keeps the reason where it comes to nothing.
        bill: what the cart comes to, changed where the promotion acts.
        promotion: which one.

    Returns:
        Whether it acted.
    """
    if run.until:
        run.work += run.weight(promotion)
    reason, given = run.refusal(promotion, bill), None
    if not reason[0]:
        try:
            given = _given(run, bill, promotion)
            reason = _within_budget(run, given)
        except EvaluationError as error:
            reason = ("expression_error", place_of(error))
        except ValueError as refused:
            reason = (str(refused), NEGATIVE[1] if str(refused) == NEGATIVE[0] else "")
    if reason[0] or given is None:
        if run.optimistic is None:
            run.reasons[id(promotion)] = reason
        return False
    if run.optimistic is None:
        run.reasons.pop(id(promotion), None)
    bill.add(given)
    return True


def _given(run: Run, bill: Bill, promotion: Promotion) -> Given:
    given = Given(promotion)
    seen = bill
    for place, one in enumerate(promotion.discounts):
        if place:
            seen = bill.copy()
            seen.add(given)
        _discount(run, seen, one, given)
    for gift in promotion.gifts:
        if given.off_total:
            seen = bill.copy()
            seen.add(given)
        _gift(run, seen, gift, given)
    for factor in promotion.factors:
        _factor(run, bill, factor, given)
    given.worth = given.off_total + given.shipping + given.unsteady
    if given.gifts:
        given.worth += sum(gift.worth * pieces for gift, line, pieces in given.gifts if line < 0)
    return given


def _discount(run: Run, bill: Bill, one: Discount, given: Given) -> None:
    if one.of == "shipping":
        given.shipping += off_shipping(run, bill, one)
        return
    if one.buy and run.settings.add_free and _is_free(one):
        _add_pieces(run, bill, one, given)
        return
    if run.optimistic is not None and one.is_unsteady:
        given.unsteady += most_off_lines(run, run.optimistic, one)
        return
    off = off_lines(run, bill, one)
    if off is not None:
        given.off = _plus(given.off, off)
        given.off_total += sum(off)
        if one.of == "order" and not one.is_of_pieces:
            given.of_order = _plus(given.of_order, off)


def _is_free(one: Discount) -> bool:
    measure = one.measure
    return measure is not None and (
        (measure.kind == "percent" and measure.top == measure.bottom)
        or (measure.kind == "price" and not measure.top)
    )


def _add_pieces(run: Run, bill: Bill, one: Discount, given: Given) -> None:
    """Add free pieces on top of what is in the cart, of the product that would have been free in it."""
    got = run.everything if one.where is None else run.matching(one.where, one.where_moves, bill)
    bought = got if one.buy_where is None else run.matching(one.buy_where, True, bill)
    pieces = bought_times(run.cart, one, bought) * one.count
    places = [
        place
        for place in by_free_price(run.cart, one, got, run.settings.dearest_free)
        if run.cart.pieces[place]
    ]
    if not pieces or not places:
        return
    line = run.cart.sent.lines[places[0]]
    price = run.cart.unit_prices[places[0]]
    sku = line.sku or line.id
    pieces = min(pieces, run.view.stock.get(sku, pieces))
    if pieces:
        worth = round_ratio(price.numerator, price.denominator, run.settings.rounding)
        given.gifts.append((Gift(sku, pieces, worth), -1, pieces))


def _gift(run: Run, bill: Bill, gift: Gift, given: Given) -> None:
    """Make pieces in the cart free, and add what is missing."""
    missing = gift.quantity
    rooms, most = run.rooms(bill.left), None if run.most is None else run.most - bill.off
    found = [place for place, line in enumerate(run.cart.sent.lines) if line.sku == gift.sku]
    for place in () if run.settings.add_free else found:
        have = run.cart.pieces[place]
        pieces = min(have, missing)
        if not pieces:
            continue
        free = min(rooms[place], round_ratio(bill.left[place] * pieces, have, run.settings.rounding))
        if most is not None:
            free = min(free, max(0, most))
            most -= free
        if free:
            off = [0] * len(bill.left)
            off[place] = free
            given.off = _plus(given.off, off)
            given.off_total += free
            given.gifts.append((gift, place, pieces))
            missing -= pieces
    missing = min(missing, run.view.stock.get(gift.sku, missing))
    if missing:
        given.gifts.append((gift, -1, missing))


def _factor(run: Run, bill: Bill, factor: Factor, given: Given) -> None:
    run.look(bill)
    by = factor.by.evaluate(run.scope)
    if by < 0:
        raise ValueError(NEGATIVE[0])
    if not isinstance(by, int | Decimal):
        raise ValueError("inexact_amount")
    places: Sequence[int] = run.everything
    if factor.where is not None:
        places = run.matching(factor.where, True, bill)
    if places:
        given.factors.append((factor.wallet, Decimal(by), places))


def _plus(one: list[int] | None, other: list[int]) -> list[int]:
    return other if one is None else [a + b for a, b in zip(one, other, strict=True)]


def _within_budget(run: Run, given: Given) -> tuple[str, str]:
    """Cut what is given to what its budget has left; a reason where nothing remains."""
    if not given.worth and not given.gifts and not given.factors:
        return _nothing(given.promotion), ""
    limits = given.promotion.limits
    if limits.budget is None or limits.budget.money is None:
        return "", ""
    draw = money_draw(limits, given.promotion.source.owner, run.program.zone.day_of(run.at))
    assert draw is not None, "there is a budget in money"
    room = round_scaled(max(Decimal(0), run.view.room(draw)), run.cart.digits, "floor")
    if given.worth <= room:
        return "", ""
    gifts = sum(gift.worth * pieces for gift, line, pieces in given.gifts if line < 0)
    if not (limits.part_when_short or run.optimistic is not None) or room <= gifts:
        return "budget_spent", ""
    left = room - gifts
    off = given.off or []
    kept = min(left, given.off_total)
    given.off = share_out(kept, off, run.settings.leftover) if off else None
    given.off_total = kept
    if given.of_order is not None:
        given.of_order = [min(one, cut) for one, cut in zip(given.of_order, given.off or off, strict=True)]
    given.shipping = min(given.shipping, left - kept)
    given.worth = room if off or given.shipping or given.unsteady else gifts
    return "", ""


def _nothing(promotion: Promotion) -> str:
    return "nothing_to_discount" if promotion.discounts or promotion.gifts else "nothing_to_award"
