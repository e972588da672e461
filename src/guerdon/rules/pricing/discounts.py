"""What one discount takes off the lines of a cart as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from guerdon.base.exact import round_ratio, scaled_decimal
from guerdon.rules.pricing.bill import Bill, Run
from guerdon.rules.pricing.pieces import NOTHING, Chosen, choose_pieces
from guerdon.rules.pricing.spreading import Ratio, round_over, share_out
from guerdon.rules.promotions import Discount, Measure


def off_lines(run: Run, bill: Bill, one: Discount) -> list[int] | None:
    """Work out what a discount takes off the lines.

    Args:
        run: the pricing.
        bill: what the lines come to.
        one: a discount that is not of the shipping.

    Returns:
        Minor units by line, or None where it takes nothing.

    Raises:
        EvaluationError: an expression that chooses lines has no value.
    """
    chosen = choose(run, bill, one)
    if not chosen.times or not chosen.places:
        return None
    off: list[int] | None
    if one.steps and one.by == "line_quantity" and run.optimistic is None:
        off = _by_line_quantity(run, bill, one, chosen)
    elif one.steps:
        off = _by_step(run, bill, one, chosen)
    else:
        assert one.measure is not None, "a discount without steps has a measure"
        off = measured(run, bill, one.measure, chosen)
    if off is None:
        return None
    total = sum(off)
    if not total:
        return None
    most = total if one.at_most is None else min(total, one.at_most)
    if run.most is not None:
        most = min(most, run.most - bill.off)
        if most <= 0:
            return None
    return off if total <= most else share_out(most, off, run.settings.leftover)


def off_shipping(run: Run, bill: Bill, one: Discount) -> int:
    """Work out what a discount takes off the shipping.

    Args:
        run: the pricing.
        bill: what the shipping comes to.
        one: a discount of the shipping.

    Returns:
        Minor units.
    """
    measure = one.measure
    if one.steps:
        spent = sum(run.cart.subtotals if run.settings.before_discounts else bill.left)
        measure = _reached(one, _reach(run, one, range(len(bill.left)), spent))
    if measure is None:
        return 0
    base = run.cart.shipping if run.settings.original else bill.shipping
    if measure.kind == "percent":
        off = round_ratio(base * measure.top, measure.bottom, run.settings.rounding)
    elif measure.kind == "amount":
        off = _as_priced(run, measure.top, [(bill.shipping, run.cart.shipping_rate)])
    else:
        off = base - round_ratio(measure.top, measure.bottom, run.settings.rounding)
    most = bill.shipping if one.at_most is None else min(bill.shipping, one.at_most)
    return max(0, min(off, most))


def choose(run: Run, bill: Bill, one: Discount) -> Chosen:
    """Choose what a discount is about.

    Args:
        run: the pricing.
        bill: what the lines come to.
        one: the discount.

    Returns:
        Lines or pieces of them.

    Raises:
        EvaluationError: as above.
    """
    places = run.everything if one.where is None else run.matching(one.where, one.where_moves, bill)
    if not one.is_of_pieces:
        return Chosen(places)
    if not places:
        return NOTHING
    bought: Sequence[int] = ()
    if one.buy:
        bought = places if one.buy_where is None else run.matching(one.buy_where, True, bill)
    return choose_pieces(run.cart, one, places, bought, run.settings.dearest_free)


def measured(run: Run, bill: Bill, measure: Measure, chosen: Chosen) -> list[int]:
    """Take a measure off what was chosen.

    Args:
        run: the pricing.
        bill: what the lines come to.
        measure: how much.
        chosen: of what.

    Returns:
        Minor units by line, nowhere more than there is room for.
    """
    if measure.kind == "percent" and chosen.shares is None and run.is_simple:
        return _simple_percent(run, bill, measure, chosen.places)
    if measure.kind == "amount":
        return _amount(run, bill, measure.top * chosen.times, chosen)
    if measure.kind == "price" and chosen.group:
        return _group_price(run, bill, measure, chosen)
    exact: list[Ratio] = [(0, 1)] * len(bill.left)
    for place, (top, bottom) in zip(chosen.places, _bases(run, bill, chosen), strict=True):
        if measure.kind == "percent":
            exact[place] = (top * measure.top, bottom * measure.bottom)
        else:
            exact[place] = _above_price(run, place, (top, bottom), (measure, chosen))
    return round_over(exact, run.groups(chosen.places), run.how, run.rooms(bill.left))


def _simple_percent(run: Run, bill: Bill, measure: Measure, places: Sequence[int]) -> list[int]:
    """Round each line by itself, the usual case, as fast as Python can."""
    base = run.cart.subtotals if run.settings.original else bill.left
    twice, half, bottom = 2 * measure.top, measure.bottom, 2 * measure.bottom
    if run.settings.rounding == "floor":
        half = 0
    if len(places) == len(base):
        off = [(money * twice + half) // bottom for money in base]
    else:
        off = [0] * len(base)
        for place in places:
            off[place] = (base[place] * twice + half) // bottom
    if run.settings.original:
        return [min(one, left) for one, left in zip(off, bill.left, strict=True)]
    return off


def _bases(run: Run, bill: Bill, chosen: Chosen) -> list[Ratio]:
    base = run.cart.subtotals if run.settings.original else bill.left
    if chosen.shares is None:
        return [(base[place], 1) for place in chosen.places]
    return [
        (base[place] * part, whole) for place, (part, whole) in zip(chosen.places, chosen.shares, strict=True)
    ]


def _above_price(run: Run, place: int, base: Ratio, fixed: tuple[Measure, Chosen]) -> Ratio:
    """Give what a line or its pieces cost above a price for one unit."""
    measure, chosen = fixed
    part, whole = (1, 1) if chosen.shares is None else chosen.shares[chosen.places.index(place)]
    # What is weighed is sold by its quantity: the price of one unit is for a unit of that.
    quantity = Fraction(run.cart.quantities[place] * part, 10**6 * whole)
    above = Fraction(*base) - quantity * Fraction(measure.top, measure.bottom)
    return (above.numerator, above.denominator) if above > 0 else (0, 1)


def _amount(run: Run, bill: Bill, amount: int, chosen: Chosen) -> list[int]:
    weights, rooms = [0] * len(bill.left), run.rooms(bill.left)
    if chosen.shares is None and len(chosen.places) == len(weights):
        weights = bill.left
    elif chosen.shares is None:
        for place in chosen.places:
            weights[place] = bill.left[place]
    else:
        rooms = list(rooms)
        for place, (part, whole) in zip(chosen.places, chosen.shares, strict=True):
            weights[place] = round_ratio(bill.left[place] * part, whole, run.settings.rounding)
            rooms[place] = min(rooms[place], weights[place])
    if run.settings.amount_off != "as_priced":
        rates = run.cart.rates
        amount = _as_priced(run, amount, [(weights[place], rates[place]) for place in chosen.places])
    # A weight is never above its room where there is no floor.
    return share_out(amount, weights, run.settings.leftover, None if run.floors is None else rooms)


def _as_priced(run: Run, amount: int, money: Sequence[tuple[int, Ratio]]) -> int:
    """Turn an amount that is meant with or without tax into one as the prices are."""
    setting, inside = run.settings.amount_off, run.cart.tax_inside
    if setting == "as_priced" or (setting == "gross") == inside:
        return amount
    whole = sum(left for left, _ in money)
    if not whole or not any(top for _, (top, _) in money):
        return amount
    if inside:
        other = sum((Fraction(left * bottom, bottom + top) for left, (top, bottom) in money), Fraction(0))
    else:
        other = sum((Fraction(left * (bottom + top), bottom) for left, (top, bottom) in money), Fraction(0))
    priced = amount * whole / other
    return round_ratio(priced.numerator, priced.denominator, run.settings.rounding)


def _group_price(run: Run, bill: Bill, measure: Measure, chosen: Chosen) -> list[int]:
    """Take off what complete groups of pieces cost above one price for each group."""
    bases = [Fraction(*base) for base in _bases(run, bill, chosen)]
    above = sum(bases, Fraction(0)) - Fraction(measure.top, measure.bottom) * chosen.times
    if above <= 0:
        return [0] * len(bill.left)
    amount = round_ratio(above.numerator, above.denominator, run.settings.rounding)
    weights, rooms = [0] * len(bill.left), [0] * len(bill.left)
    most = run.rooms(bill.left)
    for place, base in zip(chosen.places, bases, strict=True):
        weights[place] = round_ratio(base.numerator, base.denominator, run.settings.rounding)
        rooms[place] = min(most[place], weights[place])
    return share_out(amount, weights, run.settings.leftover, rooms)


def _by_step(run: Run, bill: Bill, one: Discount, chosen: Chosen) -> list[int] | None:
    if run.optimistic is not None:
        found = [measured(run, bill, step.measure, chosen) for step in one.steps]
        return max(found, key=sum)
    spent = run.cart.subtotals if run.settings.before_discounts else bill.left
    step = _reached(one, _reach(run, one, chosen.places, sum(spent[place] for place in chosen.places)))
    return None if step is None else measured(run, bill, step, chosen)


def _reach(run: Run, one: Discount, places: Sequence[int], spent: int) -> Decimal:
    if one.by == "spend":
        return scaled_decimal(spent, run.cart.digits)
    lines = run.cart.sent.lines
    return sum((lines[place].quantity for place in places), Decimal(0))


def _reached(one: Discount, value: Decimal) -> Measure | None:
    """Find the highest step whose start is not above a value: the boundary is inside."""
    found = None
    for step in one.steps:
        if step.start <= value:
            found = step.measure
    return found


def _by_line_quantity(run: Run, bill: Bill, one: Discount, chosen: Chosen) -> list[int]:
    off = [0] * len(bill.left)
    for at, place in enumerate(chosen.places):
        step = _reached(one, run.cart.sent.lines[place].quantity)
        if step is not None:
            alone = Chosen([place], None if chosen.shares is None else [chosen.shares[at]])
            off[place] = measured(run, bill, step, alone)[place]
    return off
