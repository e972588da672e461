"""What comes back of an order, the money that goes with it, and what remains of the order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text, round_ratio, to_scaled
from guerdon.rules.decision import Returned, ReturnedLine
from guerdon.rules.events import PaidOrder
from guerdon.rules.orders import PRICE_PLACES, QUANTITY_PLACES, LineFigures, Order
from guerdon.rules.sent import LeftLine, LineInput, ReturnAsked, ReturnLine

_ZERO = Decimal(0)
_NONE, _ONE = Fraction(0), Fraction(1)


class Standing(msgspec.Struct, frozen=True):
    """How much of each line had come back at one time."""

    shares: Mapping[str, Fraction]
    """By line, 0 to 1; lines of which nothing came back are left out."""
    quantities: Mapping[str, Decimal]

    def of(self, line: str) -> Fraction:
        """Give the share of a line.

        Args:
            line: its id.

        Returns:
            0 to 1.
        """
        return self.shares.get(line, _NONE)


class Part(msgspec.Struct, frozen=True):
    """What one return takes of an order."""

    lines: tuple[ReturnedLine, ...]
    with_shipping: bool
    is_last: bool
    """Whether nothing of the lines is left after it."""
    before: Fraction
    """The share of the order that earlier returns took, 0 to 1."""
    after: Fraction
    """The share that is taken with this one."""
    whole: Order
    """The order as it was paid."""
    standing: tuple[Standing, Standing]
    """How much of each line had come back before, and has now."""
    stood: Order | None
    """What remained of the order before it; None where that was nothing."""
    remains: Order | None
    """What remains after it; None for nothing."""

    def shares(self, amount: int) -> tuple[int, int]:
        """Divide something that an order brought or took.

        Args:
            amount: all of it, 0 or more.

        Returns:
            How much earlier returns undid of it, and how much is undone with this one: they only grow, and in
            the end they are all of it.
        """
        return _rounded(amount, self.before), _rounded(amount, self.after)

    @property
    def came(self) -> Order:
        """What comes back, as an order of its own: the lines with the money that goes with them."""
        return _coming(self)

    def as_first(self) -> Part:
        """See it as the first return of what was taken after the earlier ones.

        Returns:
            A part that takes all that has come back so far.
        """
        return msgspec.structs.replace(self, before=_NONE)


def part_of(paid: PaidOrder, asked: ReturnAsked) -> Part:
    """Work out what comes back.

    Args:
        paid: the order with its earlier returns.
        asked: what is said to come back.

    Returns:
        The part, with the money of each line: parts of a line add up to the line.

    Raises:
        Problem: `return_empty`, `return_says_two_things`, `unknown_line`, `duplicate_line`,
            `quantity_invalid`, `too_many_digits`, `return_exceeds_order`, `order_has_grown`,
            `order_repriced`, `nothing_to_return` or `shipping_refunded_before`.
    """
    order = paid.event.order
    assert order is not None, "only orders are paid"
    sold = {line.id: line for line in order.sold}
    came_back = _came_back(paid.earlier)
    taken = _taken(order, asked, sold, came_back)
    shipped = any(one.with_shipping for one in paid.earlier)
    if asked.refund_shipping and shipped and not asked.all:
        raise Problem.at("/data/refund_shipping", "shipping_refunded_before", "shipping was refunded already")
    with_shipping = asked.refund_shipping and not shipped
    if not taken and not with_shipping and asked.left is None:
        raise Problem("nothing_to_return", "nothing of this order is left that could come back")
    before = _standing(sold, came_back)
    sums = came_back | {line: came_back.get(line, _ZERO) + quantity for line, quantity in taken.items()}
    after = _standing(sold, sums)
    return Part(
        lines=tuple(
            _refund(order, place, taken[line.id], (before, after))
            for place, line in enumerate(order.sold)
            if line.id in taken
        ),
        with_shipping=with_shipping,
        is_last=_is_all(order, after),
        before=_share(order, before),
        after=_share(order, after),
        whole=order,
        standing=(before, after),
        stood=_remains(order, before, no_shipping=shipped),
        remains=_remains(order, after, no_shipping=shipped or with_shipping),
    )


def part_left(paid: PaidOrder) -> Part:
    """Tell what is left of an order, as a return of nothing would find it.

    Args:
        paid: the order with its returns.

    Returns:
        A part that takes nothing.
    """
    order = paid.event.order
    assert order is not None, "only orders are paid"
    now = _standing({line.id: line for line in order.sold}, _came_back(paid.earlier))
    share = _share(order, now)
    remains = _remains(order, now, no_shipping=any(one.with_shipping for one in paid.earlier))
    return Part((), False, _is_all(order, now), share, share, order, (now, now), remains, remains)


def _came_back(earlier: Iterable[Returned]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for one in earlier:
        for line in one.lines:
            sums[line.id] = sums.get(line.id, _ZERO) + line.quantity
    return sums


def _taken(
    order: Order, asked: ReturnAsked, sold: Mapping[str, LineInput], came_back: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Work out how much of each line comes back now."""
    if asked.all and asked.lines:
        raise Problem.at(
            "/data/lines", "return_says_two_things", "a return names lines, or takes all of them, not both"
        )
    left = {line: one.quantity - came_back.get(line, _ZERO) for line, one in sold.items()}
    if asked.all:
        return {line: quantity for line, quantity in left.items() if quantity or line not in came_back}
    if asked.left is not None:
        gone = _shrunk(asked.left, left, came_back)
        _check_prices(order, asked.left)
        return gone
    if not asked.lines and not asked.refund_shipping:
        raise Problem.at("/data/lines", "return_empty", "a return names lines, or `all`, or shipping")
    taken: dict[str, Decimal] = {}
    for place, line in enumerate(asked.lines):
        at = f"/data/lines/{place}"
        if line.id not in sold:
            raise Problem.at(f"{at}/id", "unknown_line", f"the order has no line {line.id!r}")
        if line.id in taken:
            raise Problem.at(f"{at}/id", "duplicate_line", "another line of the return has this id")
        taken[line.id] = _quantity(line, left[line.id], at, is_new=line.id not in came_back)
    return taken


def _quantity(line: ReturnLine, left: Decimal, at: str, *, is_new: bool) -> Decimal:
    if line.quantity is None:
        if not left and not is_new:
            raise Problem.at(at, "return_exceeds_order", "all of this line has come back already")
        return left
    if to_scaled(line.quantity, QUANTITY_PLACES, f"{at}/quantity") <= 0:
        raise Problem.at(f"{at}/quantity", "quantity_invalid", "a quantity that comes back is more than 0")
    if line.quantity > left:
        detail = f"{plain_text(line.quantity)} come back, and {plain_text(left)} are left of this line"
        raise Problem.at(f"{at}/quantity", "return_exceeds_order", detail)
    return line.quantity


def _check_prices(order: Order, now: Sequence[LeftLine]) -> None:
    """Refuse other prices: less money for the same goods is no return, and would be lost if it were one."""
    sold = {line.id: (line, figures) for line, figures in zip(order.sold, order.figures, strict=True)}
    for place, line in enumerate(now):
        name, money = ("price", line.price) if line.subtotal is None else ("subtotal", line.subtotal)
        if line.id not in sold or money is None:
            continue
        was, figures = sold[line.id]
        at = f"/data/lines/{place}/{name}"
        quantity = Fraction(line.quantity if line.quantity is not None else 1)
        asked = Fraction(to_scaled(money, PRICE_PLACES, at), 10**PRICE_PLACES)
        found = asked * (quantity if name == "price" else 1) * 10**order.digits
        wanted = figures.subtotal * quantity / Fraction(was.quantity) if was.quantity else found
        # Each may have been rounded by itself.
        if abs(found - wanted) > 1:
            detail = "what was paid for a line stays; refund it, and sell it anew for another price"
            raise Problem.at(at, "order_repriced", detail)


def _shrunk(
    now: Sequence[LeftLine], left: Mapping[str, Decimal], came_back: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Compare an edited order with what is left of it."""
    stays: dict[str, Decimal] = {}
    for place, line in enumerate(now):
        at = f"/data/lines/{place}"
        if line.id in stays:
            raise Problem.at(f"{at}/id", "duplicate_line", "another line of the order has this id")
        quantity = line.quantity if line.quantity is not None else Decimal(1)
        if to_scaled(quantity, QUANTITY_PLACES, f"{at}/quantity") < 0:
            raise Problem.at(f"{at}/quantity", "quantity_invalid", "what is left of a line is 0 or more")
        if quantity > left.get(line.id, _ZERO):
            detail = "what is added to an order that was paid is an order of its own; send it as one"
            raise Problem.at(at, "order_has_grown", detail)
        stays[line.id] = quantity
    gone = {line: quantity - stays.get(line, _ZERO) for line, quantity in left.items()}
    return {
        line: quantity
        for line, quantity in gone.items()
        if quantity or (line not in stays and line not in came_back)
    }


def _standing(sold: Mapping[str, LineInput], sums: Mapping[str, Decimal]) -> Standing:
    shares = {}
    for line, quantity in sums.items():
        whole = sold[line].quantity
        # A line of quantity 0 comes back as a whole.
        shares[line] = Fraction(quantity) / Fraction(whole) if quantity != whole else _ONE
    return Standing(shares, sums)


def _refund(order: Order, place: int, quantity: Decimal, standing: tuple[Standing, Standing]) -> ReturnedLine:
    """Work out a line's refund: what is due by now less what was due before, so that parts add up."""
    sold, figures = order.sold[place], order.figures[place]
    was, now = (_money(figures, one.of(sold.id)) for one in standing)
    return ReturnedLine(sold.id, quantity, *(after - before for before, after in zip(was, now, strict=True)))


def _money(figures: LineFigures, share: Fraction) -> tuple[int, int, int]:
    """Give net, tax and total of a share of a line; they stand to each other as in the whole line."""
    net, tax = _rounded(figures.net, share), _rounded(figures.tax, share)
    if figures.total == figures.net + figures.tax:
        return net, tax, net + tax
    return net, tax, net if figures.total == figures.net else _rounded(figures.total, share)


def _rounded(amount: int, share: Fraction) -> int:
    """Give a share of something, rounded; most lines come back as a whole, or stay."""
    if share is _ONE or not amount:
        return amount
    if share is _NONE:
        return 0
    return round_ratio(amount * share.numerator, share.denominator, "half_up")


def _is_all(order: Order, standing: Standing) -> bool:
    return all(standing.of(line.id) is _ONE for line in order.sold)


def _share(order: Order, standing: Standing) -> Fraction:
    """Give the share of an order's net that came back; by quantity where it cost nothing."""
    if not standing.shares:
        return _NONE
    if _is_all(order, standing):
        return _ONE
    if order.net_minor:
        nets = (
            _money(figures, standing.of(line.id))[0]
            for line, figures in zip(order.sold, order.figures, strict=True)
        )
        return Fraction(sum(nets), order.net_minor)
    whole = Fraction(order.quantity)
    back = sum((Fraction(line.quantity) * standing.of(line.id) for line in order.sold), Fraction(0))
    return back / whole if whole else Fraction(0)


def _coming(part: Part) -> Order:
    """Write what comes back as an order."""
    order = part.whole
    taken = {line.id: line.quantity for line in part.lines}
    sold: list[LineInput] = []
    figures: list[LineFigures] = []
    for line, one in zip(order.sold, order.figures, strict=True):
        if line.id in taken:
            was, now = (_figures(one, each.of(line.id)) for each in part.standing)
            figures.append(LineFigures(*(after - before for before, after in zip(was, now, strict=True))))
            sold.append(msgspec.structs.replace(line, quantity=taken[line.id]))
    shipping_tax = order.tax_minor - sum(one.tax for one in order.figures)
    shipping = (order.shipping_minor, shipping_tax) if part.with_shipping else (0, 0)
    return _with_lines(order, sold, figures, shipping)


def _figures(one: LineFigures, share: Fraction) -> LineFigures:
    net, tax, total = _money(one, share)
    return LineFigures(_rounded(one.subtotal, share), net, tax, total, _rounded(one.earning, share))


def _with_lines(
    order: Order, sold: Sequence[LineInput], figures: Sequence[LineFigures], shipping: tuple[int, int]
) -> Order:
    """Give an order with other lines, and shipping and its tax."""
    subtotal, net, tax, total, earning = (
        (sum(column) for column in zip(*figures, strict=True)) if figures else (0,) * 5
    )
    return msgspec.structs.replace(
        order,
        sold=tuple(sold),
        figures=tuple(figures),
        subtotal_minor=subtotal,
        net_minor=net,
        earning_minor=earning,
        tax_minor=tax + shipping[1],
        shipping_minor=shipping[0],
        total_minor=total + sum(shipping),
    )


def _remains(order: Order, standing: Standing, *, no_shipping: bool) -> Order | None:
    """Give what remains of an order, its money less what was refunded."""
    if _is_all(order, standing):
        return None
    sold: list[LineInput] = []
    figures: list[LineFigures] = []
    for line, one in zip(order.sold, order.figures, strict=True):
        share = standing.of(line.id)
        if share is _ONE:
            continue
        gone = _figures(one, share)
        left = line.quantity - standing.quantities.get(line.id, _ZERO)
        sold.append(msgspec.structs.replace(line, quantity=left) if share else line)
        figures.append(LineFigures(*(whole - back for whole, back in zip(one, gone, strict=True))))
    shipping_tax = order.tax_minor - sum(one.tax for one in order.figures)
    shipping = (0, 0) if no_shipping else (order.shipping_minor, shipping_tax)
    return _with_lines(order, sold, figures, shipping)
