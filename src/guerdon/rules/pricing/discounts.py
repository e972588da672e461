"""What one discount takes off the lines of a cart as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

from guerdon.base.exact import round_ratio, scaled_decimal
from guerdon.rules.pricing.bill import Bill, Run
from guerdon.rules.pricing.pieces import NOTHING, Chosen, choose_pieces
from guerdon.rules.pricing.spreading import Ratio, round_over, share_out
from guerdon.rules.promotions import Discount, Measure, Step


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
    if one.steps and one.by == "line_quantity":
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


def most_off_lines(run: Run, bill: Bill, one: Discount) -> int:
    """Bound what a discount may take, whatever lines it turns out to be about.

    Args:
        run: the pricing.
        bill: what the lines come to at most.
        one: a discount that is not of the shipping.

    Returns:
        Minor units.
    """
    measures = [one.measure] if one.measure is not None else [step.measure for step in one.steps]
    if all(measure.kind == "percent" for measure in measures):
        every = Chosen(run.everything)
        most = max(sum(measured(run, bill, measure, every)) for measure in measures) + len(bill.left)
    else:
        most = sum(run.rooms(bill.left))
    return most if one.at_most is None else min(most, one.at_most)


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
    if one.where is None and not one.is_of_pieces:
        return run.whole
    known = run.chosen.get(id(one))
    if known is None:
        known = _choose(run, bill, one)
        if not one.where_moves and one.buy_where is None:
            run.chosen[id(one)] = known
    return known


def _choose(run: Run, bill: Bill, one: Discount) -> Chosen:
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
    bases = _bases(run, bill, chosen)
    if measure.kind == "percent":
        for place, (top, bottom) in zip(chosen.places, bases, strict=True):
            exact[place] = (top * measure.top, bottom * measure.bottom)
    else:
        shares = chosen.shares or [(1, 1)] * len(bases)
        for place, base, share in zip(chosen.places, bases, shares, strict=True):
            exact[place] = _above_price(measure, base, (run.cart.quantities[place], share))
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


def _above_price(measure: Measure, base: Ratio, sold: tuple[int, Ratio]) -> Ratio:
    """Give what a line or its pieces cost above a price for one unit."""
    top, bottom = base
    # What is weighed is sold by its quantity, in millionths: the price of one unit is for a unit of that.
    quantity, (part, whole) = sold
    unit = 10**6 * whole * measure.bottom
    above = top * unit - bottom * quantity * part * measure.top
    return (above, bottom * unit) if above > 0 else (0, 1)


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
    bases = _bases(run, bill, chosen)
    unit = lcm(measure.bottom, *(bottom for _, bottom in bases))
    above = sum(top * (unit // bottom) for top, bottom in bases)
    above -= measure.top * (unit // measure.bottom) * chosen.times
    if above <= 0:
        return [0] * len(bill.left)
    amount = round_ratio(above, unit, run.settings.rounding)
    weights, rooms = [0] * len(bill.left), [0] * len(bill.left)
    most = run.rooms(bill.left)
    for place, (top, bottom) in zip(chosen.places, bases, strict=True):
        weights[place] = round_ratio(top, bottom, run.settings.rounding)
        rooms[place] = min(most[place], weights[place])
    return share_out(amount, weights, run.settings.leftover, rooms)


def _by_step(run: Run, bill: Bill, one: Discount, chosen: Chosen) -> list[int] | None:
    if run.optimistic is not None:
        found = [measured(run, bill, step.measure, chosen) for step in _reachable(run, one, chosen)]
        return max(found, key=sum, default=None)
    spent = run.cart.subtotals if run.settings.before_discounts else bill.left
    step = _reached(one, _reach(run, one, chosen.places, sum(spent[place] for place in chosen.places)))
    return None if step is None else measured(run, bill, step, chosen)


def _reachable(run: Run, one: Discount, chosen: Chosen) -> Sequence[Step]:
    """List the steps that may yet be reached: money only falls, and quantities stay."""
    seen = (
        run.cart.subtotals if run.settings.before_discounts or run.optimistic is None else run.optimistic.left
    )
    value = _reach(run, one, chosen.places, sum(seen[place] for place in chosen.places))
    below = [step for step in one.steps if step.start <= value]
    # What follows from the cart as it was sent is the last of them, whatever else is given.
    return below[-1:] if one.by != "spend" or run.settings.before_discounts else below


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
    for measure, ats in _by_reached(run, one, chosen):
        places = [chosen.places[at] for at in ats]
        some = Chosen(places, None if chosen.shares is None else [chosen.shares[at] for at in ats])
        found = measured(run, bill, measure, some)
        for place in places:
            off[place] = found[place]
    return off


def _by_reached(run: Run, one: Discount, chosen: Chosen) -> list[tuple[Measure, list[int]]]:
    """Group what was chosen by the step that its quantity reaches; what is spread or rounded stays alone."""
    lines = run.cart.sent.lines
    found: list[tuple[Measure, list[int]]] = []
    together: dict[int, list[int]] = {}
    for at, place in enumerate(chosen.places):
        measure = _reached(one, lines[place].quantity)
        if measure is None:
            continue
        if measure.kind == "amount" or run.settings.per != "line":
            found.append((measure, [at]))
        elif id(measure) in together:
            together[id(measure)].append(at)
        else:
            together[id(measure)] = [at]
            found.append((measure, together[id(measure)]))
    return found
