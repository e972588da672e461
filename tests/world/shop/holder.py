"""An account of the shop's model: lots as ever, and beside them what carts hold and what is owed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tests.world.accounts import Account, Lot, Moved, When, units_text
from tests.world.programs import Spec

Dates = tuple[str, datetime, datetime]
"""Wallet, when available, when gone: what is told apart by nothing else is one lot."""


@dataclass
class Life:
    """What a lot held in all, and what became of it."""

    brought: int = 0
    returned: int = 0
    """Taken back by returns of the orders that had brought it."""
    expired: int = 0

    def lost(self, units: int) -> int:
        """How many of an order's units in it expired: each order has its share."""
        stood = self.brought - self.returned
        return units * min(self.expired, stood) // stood if self.expired and stood > 0 else 0


Held = tuple[datetime, dict[str, int]]
"""Until when, and how many units of each wallet."""


class Holder(Account):
    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.debt: Counter[str] = Counter()
        self.held_by: dict[str, Held] = {}
        """By cart."""
        self.lives: dict[Dates, Life] = {}

    def held(self, key: str, now: datetime, but: str = "") -> int:
        """Units that open carts hold, one of them left out."""
        return sum(
            units.get(key, 0) for cart, (until, units) in self.held_by.items() if until > now and cart != but
        )

    def balances(self, now: datetime) -> dict[str, tuple[str, ...]]:  # type: ignore[override]  # more of them
        """Available, pending, held and owed by wallet."""
        now = max(now, self.last_booked or now)
        shown = {}
        for key, wallet in self.spec.wallets.items():
            alive = [lot for lot in self.lots[key] if self.end(key, lot) > now]
            there = sum(lot.left for lot in alive if lot.available_at <= now)
            pending = sum(lot.left for lot in alive if lot.available_at > now)
            held, debt = self.held(key, now), self.debt[key]
            units = (there - held - debt, pending, held, debt)
            texts = [units_text(one, wallet.scale) for one in units]
            shown[key] = (*texts[:3], texts[3] if debt else "0")
        return shown

    def life(self, key: str, lot: Lot) -> Life:
        return self.lives.setdefault((key, lot.available_at, lot.expires_at), Life())

    def settle(self, booked: datetime) -> datetime:
        now = max(booked, self.last_booked or booked)
        for key, lots in self.lots.items():
            for lot in lots:
                if self.end(key, lot) <= now:
                    self.life(key, lot).expired += lot.left
        return super().settle(booked)

    def there(self, key: str, now: datetime) -> int:
        return super().usable(key, now)

    def usable(self, key: str, now: datetime) -> int:
        return self.there(key, now) - self.held(key, now) - self.debt[key]

    def tick(self, now: datetime) -> None:
        held_by, self.held_by = self.held_by, {}
        super().tick(now)
        self.held_by = held_by

    def take_back(self, key: str, amount: int, of: list[Moved], when: When) -> int:
        """Take units back: of some lots first, then usable ones, then pending ones, never what is held.

        Returns:
            How many are missing.
        """
        now = when[1]
        free = max(self.there(key, now) - self.held(key, now), 0)
        before = {id(lot): lot.left for lot in self.lots[key]}
        lots = sorted(self.lots[key], key=lambda one: (one.expires_at, one.available_at))
        usable = [lot for lot in lots if lot.available_at <= now]
        pending = [lot for lot in lots if lot.available_at > now]
        first = [
            (lot, part)
            for _, available_at, expires_at, part in of
            for lot in lots
            if (lot.available_at, lot.expires_at) == (available_at, expires_at)
        ]
        for lot, most in [
            *first,
            *((lot, lot.left) for lot in usable),
            *((lot, lot.left) for lot in pending),
        ]:
            part = min(amount, most, lot.left)
            if lot.available_at <= now:
                part = min(part, free)
                free -= part
            lot.left -= part
            amount -= part
        for lot, most in first:
            self.life(key, lot).returned += min(before[id(lot)] - lot.left, most)
        self.lots[key] = [lot for lot in self.lots[key] if lot.left]
        return amount

    def give(self, key: str, lot: Lot, when: When) -> None:
        """Lots of the same dates are one."""
        had = len(self.lots[key])
        super().give(key, lot, when)
        for other in self.lots[key][:had]:
            if len(self.lots[key]) > had and (other.available_at, other.expires_at) == (
                lot.available_at,
                lot.expires_at,
            ):
                other.left += lot.left
                del self.lots[key][had]

    def take_in(self, other: Account, booked: datetime) -> None:
        """Lots of the same dates are one from now on; what had ended is told apart as before."""
        assert isinstance(other, Holder)
        super().take_in(other, booked)
        for key, lots in self.lots.items():
            by_dates: dict[tuple[datetime, datetime], Lot] = {}
            for lot in lots:
                same = by_dates.setdefault((lot.available_at, lot.expires_at), lot)
                same.left += lot.left if same is not lot else 0
            self.lots[key] = list(by_dates.values())
            self.debt[key] += other.debt[key]
        for dates, theirs in other.lives.items():
            mine = self.lives.setdefault(dates, theirs)
            if mine is not theirs and dates[2] > booked:
                mine.brought += theirs.brought
                mine.returned += theirs.returned
                mine.expired += theirs.expired
                other.lives[dates] = mine

    def repay(self, when: When) -> None:
        """Whatever is there repays what is owed."""
        for key, debt in list(self.debt.items()):
            if debt:
                self.debt[key] = self.take_back(key, debt, [], when)
