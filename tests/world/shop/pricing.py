"""What a cart must come to: whole cents, worked out as the rules say, and knowing nothing of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.world.accounts import rounded, split
from tests.world.shop.program import Version

FIVE, FORTY, EIGHTY = 500, 4000, 8000


@dataclass(frozen=True)
class Sold:
    """A line of a cart."""

    line: str
    quantity: Fraction
    subtotal: int


@dataclass
class Off:
    """What one campaign or coupon takes."""

    who: str
    """The campaign, or the reward of a coupon."""
    token: str
    """The coupon, empty for a campaign."""
    lines: list[int]
    shipping: int = 0

    @property
    def amount(self) -> int:
        return sum(self.lines) + self.shipping


@dataclass
class Bill:
    sold: list[Sold]
    left: list[int]
    shipping: int
    taken: list[Off] = field(default_factory=list)

    @property
    def net(self) -> int:
        return sum(self.left)

    @property
    def total(self) -> int:
        return self.net + self.shipping

    def take(self, off: Off) -> None:
        """Take it off; what takes nothing is nowhere."""
        if off.amount:
            self.left = [left - one for left, one in zip(self.left, off.lines, strict=True)]
            self.shipping -= off.shipping
            self.taken.append(off)


@dataclass(frozen=True)
class Rooms:
    """What limits have left for this cart."""

    ten: bool
    fiver: int
    """Cents of its budget."""
    early: bool


def sold(lines: list[list[str]]) -> list[Sold]:
    """Read lines: quantity and price of each."""
    return [
        Sold(str(place), Fraction(quantity), rounded(Fraction(quantity) * Fraction(price) * 100, "half_up"))
        for place, (quantity, price) in enumerate(lines)
    ]


def price(
    version: Version, cart: tuple[list[Sold], int], rooms: Rooms, coupons: list[tuple[str, str]]
) -> Bill:
    """Price a cart.

    Args:
        version: which definition.
        cart: lines, and shipping in cents.
        rooms: what limits have left.
        coupons: reward and token of each code that can be used.

    Returns:
        The bill: the better one of `ten` and `fiver`, then `early`, the coupons by reward, and `post`.
    """
    lines, shipping = cart
    bill = Bill(lines, [one.subtotal for one in lines], shipping)
    deals = [one for one in (_fiver(bill, rooms), _ten(version, bill, rooms)) if one.amount]
    if deals:
        bill.take(max(deals, key=lambda one: one.amount))
    if rooms.early:
        many = [left if one.quantity >= 2 else 0 for left, one in zip(bill.left, lines, strict=True)]
        bill.take(Off("early", "", _percent(many, 3)))
    for reward, token in sorted(coupons, key=lambda one: one[0]):
        off = _percent(bill.left, 20) if reward == "fifth" else _amount(bill.left, FIVE)
        bill.take(Off(reward, token, off))
    if bill.net >= EIGHTY:
        bill.take(Off("post", "", [0] * len(lines), bill.shipping))
    return bill


def _ten(version: Version, bill: Bill, rooms: Rooms) -> Off:
    return Off("ten", "", _percent(bill.left, version.percent if rooms.ten else 0))


def _fiver(bill: Bill, rooms: Rooms) -> Off:
    if bill.net < FORTY:
        return Off("fiver", "", [0] * len(bill.left))
    whole = _amount(bill.left, FIVE)
    return Off("fiver", "", whole if rooms.fiver >= sum(whole) else _amount(whole, max(rooms.fiver, 0)))


def _percent(money: list[int], percent: int) -> list[int]:
    return [rounded(Fraction(one * percent, 100), "half_up") for one in money]


def _amount(weights: list[int], amount: int) -> list[int]:
    """Spread over lines in proportion, largest remainder first, ties by line order."""
    return split(min(amount, sum(weights)), [Fraction(one) for one in weights])
