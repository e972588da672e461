"""What the real year must come to, worked out from the baskets alone with plain arithmetic."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.real.journey import SHOP_CLOCK, Basket

LASTS_DAYS = 180
REDEEMS_FROM = 500
REDEEMS = 100
YEAR_ENDS = date(2018, 1, 1)


@dataclass
class Sums:
    """Units issued, spent, expired and left."""

    issued: int = 0
    spent: int = 0
    expired: int = 0

    @property
    def outstanding(self) -> int:
        return self.issued - self.spent - self.expired


@dataclass
class Purse:
    """Points that last so many local days, spent in the order in which they expire."""

    sums: Sums = field(default_factory=Sums)
    lots: deque[list[Any]] = field(default_factory=deque)

    def forget(self, today: date) -> None:
        while self.lots and self.lots[0][0] <= today:
            self.sums.expired += self.lots.popleft()[1]

    def earn(self, today: date, points: int) -> None:
        self.sums.issued += points
        self.lots.append([today + timedelta(days=LASTS_DAYS), points])

    def spend(self, points: int) -> None:
        self.sums.spent += points
        while points:
            taken = min(points, self.lots[0][1])
            self.lots[0][1] -= taken
            points -= taken
            if not self.lots[0][1]:
                self.lots.popleft()


def by_order(basket: Basket) -> int:
    return basket.cents // 100


def by_line(basket: Basket) -> int:
    return sum(line.cents // 100 for line in basket.lines)


def half_up_by_line(basket: Basket) -> int:
    return sum((line.cents + 50) // 100 for line in basket.lines)


def revenue(baskets: Iterable[Basket]) -> str:
    cents = sum(basket.cents for basket in baskets)
    return f"{cents // 100}.{cents % 100:02}"


def issued_by_month(baskets: Iterable[Basket]) -> Counter[str]:
    months: Counter[str] = Counter()
    for basket in baskets:
        months[basket.local_month] += by_order(basket)
    return months


def spend_tiers(baskets: Iterable[Basket]) -> dict[str, int]:
    """Count households by the tier that their year's spending reached."""
    spent: Counter[int] = Counter()
    for basket in baskets:
        spent[basket.household] += basket.cents
    tiers = {"bronze": 0, "silver": 0, "gold": 0}
    for cents in spent.values():
        tiers["gold" if cents >= 150_000 else "silver" if cents >= 50_000 else "bronze"] += 1
    return tiers


def spend_back(baskets: Iterable[Basket]) -> dict[int, Sums]:
    """Earn by basket, and redeem 100 at a time while there are 500; at the end what is due has expired."""
    purses: dict[int, Purse] = {}
    for basket in baskets:
        purse = purses.setdefault(basket.household, Purse())
        today = basket.at.astimezone(SHOP_CLOCK).date()
        purse.forget(today)
        purse.earn(today, by_order(basket))
        while purse.sums.outstanding >= REDEEMS_FROM:
            purse.spend(REDEEMS)
    for purse in purses.values():
        purse.forget(YEAR_ENDS)
    return {household: purse.sums for household, purse in purses.items()}
