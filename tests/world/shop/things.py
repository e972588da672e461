"""What the shop's model remembers: carts, orders with all that they set off, and what was taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.world.accounts import Moved
from tests.world.days import NEVER
from tests.world.shop.pricing import Sold
from tests.world.shop.program import Version

Key = tuple[str, str, str]
"""What is counted, for whom (empty for all), and in which month or `ever`."""
BOUNDS = {"ten": 2, "early": 6, "stamp": 3, "thanks": 2, "cup": 7, "mystery": 2}
BOUNDS |= {"welcome": 10, "mine": 1, "code": 1, "fiver": 2300, "pot": 40}
"""How much of each there is; of `fiver` in cents, of `pot` in points."""


@dataclass
class Taken:
    """A redemption."""

    who: str
    reward: str
    quantity: int
    parts: list[Moved]
    draws: list[tuple[Key, int]]
    expires_at: datetime = NEVER
    status: str = "issued"
    campaign: str = ""


@dataclass
class Promise:
    """What an open cart has been promised."""

    order: str
    who: str | None
    version: Version
    at: datetime
    until: datetime
    sold: list[Sold]
    nets: list[int]
    shipping: int
    paid: int
    """Cents that points pay."""
    units: int
    """Points for that."""
    credit: int
    """Cents that store credit pays."""
    cards: list[tuple[str, int]]
    """Gift cards, and the cents that each pays."""
    draws: list[tuple[Key, int]]
    coupons: list[str]
    """Redemptions whose codes it uses."""
    rewards: list[str]
    off: list[tuple[str, int]]
    """Who takes off how many cents."""
    spends: dict[str, int]
    """Units that it holds."""
    tokens: dict[str, str]
    """What takes off, a campaign or a code; and the redemption of a code."""
    level: int = 0
    """The tier with which it was priced."""

    @property
    def total(self) -> int:
        return sum(self.nets) + self.shipping


@dataclass
class Cart:
    promise: Promise
    status: str = "open"
    out: Any = None


@dataclass
class Captured:
    """What a confirmation took."""

    who: str | None = None
    version: Version = Version(1)  # noqa: RUF009 - it cannot be changed
    """Which priced the cart."""
    drawn: list[tuple[Key, int]] = field(default_factory=list)
    paid: list[Moved] = field(default_factory=list)
    rewards: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    off: list[tuple[str, int]] = field(default_factory=list)
    short: list[tuple[str, str, str, str]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    cards: list[Any] = field(default_factory=list)
    """What was taken of each gift card."""
    has_tenders: bool = False
    """Whether anything but other money was promised."""
    behind: int = 0
    """How many returns came before it."""
    fallen: set[str] = field(default_factory=set)
    """Of `tokens`, those whose discounts would not be given any more."""


@dataclass
class Order:
    """A paid order, and what it set off."""

    who: str | None
    version: Version
    day: date
    at: datetime
    sold: list[Sold]
    nets: list[int]
    shipping: int
    body: Any
    out: Any
    home: str = ""
    """Whose account it was when it was paid."""
    is_confirmed: bool = False
    level: int | None = None
    """The tier with which its cart was priced; None where that counts no more, or there was no cart."""
    awards: list[tuple[str, Moved]] = field(default_factory=list)
    """By campaign."""
    potted: int = 0
    acted: list[str] = field(default_factory=list)
    granted: list[str] = field(default_factory=list)
    captured: list[Captured] = field(default_factory=list)
    payments: dict[str, int] = field(default_factory=dict)
    """Cents by tender that its cart said it is paid with."""
    refunded: int = 0
    """Cents that returns gave back so far, shipping among them."""
    back: list[dict[str, Fraction]] = field(default_factory=list)
    """Each return: quantity by line."""
    shipped_back: bool = False
    undone: set[tuple[str, str]] = field(default_factory=set)
    own: Counter[tuple[str, Any]] = field(default_factory=Counter)
    """What returns took out of the very lots that it brought, by wallet and dates."""

    @property
    def net(self) -> int:
        return sum(self.nets)

    @property
    def owner(self) -> str | None:
        """Who is given back what was taken: who ordered, or whose cart was paid for an order of nobody's."""
        return self.who or next((one.who for one in self.captured if one.who is not None), None)
