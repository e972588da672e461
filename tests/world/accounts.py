"""An account of the model: every question is answered by looking at every lot and every order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.world.days import NEVER, after, day_of, next_month, start_of
from tests.world.programs import Spec, Wallet

When = tuple[datetime, datetime]
"""When it happened, and the account's clock when it was booked."""
Moved = tuple[str, datetime, datetime, int]
"""Wallet, when available, when gone, how many."""


class Refused(Exception):  # noqa: N818 - an answer like any other
    """The code of a refusal."""


@dataclass
class Lot:
    available_at: datetime
    expires_at: datetime
    left: int


class Account:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.lots: dict[str, list[Lot]] = {key: [] for key in spec.wallets}
        self.idle: dict[str, datetime] = {}
        """When all of a wallet is gone for want of activity."""
        self.orders: list[tuple[date, Fraction]] = []
        """Local day and net of each order that was counted."""
        self.uses: Counter[tuple[str, str]] = Counter()
        self.earned: Counter[tuple[str, date]] = Counter()
        """Units that campaigns gave, by wallet and local day of what happened."""
        self.badges: set[str] = set()
        self.last_occurred: datetime | None = None
        self.last_booked: datetime | None = None

    def balances(self, now: datetime) -> dict[str, tuple[str, str]]:
        """Available and pending by wallet, at an instant or at the last booking if that is later."""
        now = max(now, self.last_booked or now)
        shown = {}
        for key, wallet in self.spec.wallets.items():
            alive = [lot for lot in self.lots[key] if self.end(key, lot) > now]
            usable = sum(lot.left for lot in alive if lot.available_at <= now)
            waiting = sum(lot.left for lot in alive if lot.available_at > now)
            shown[key] = (units_text(usable, wallet.scale), units_text(waiting, wallet.scale))
        return shown

    def level(self, now: datetime) -> int:
        """The tier held, found by walking over all months since the world began."""
        spec, month, base = self.spec, self.spec.first_month, 0
        graces = [0]
        while True:
            following = next_month(month)
            counted = [spec.counts(net) for day, net in self.orders if month <= day < following]
            total = sum(counted, Fraction(0))
            earned = max(place for place, tier in enumerate(spec.tiers) if total >= tier[1])
            ends = start_of(spec.zone, following)
            if ends > now:
                return max(base, earned, *graces)
            if earned < base and spec.grace and now < after(spec.zone, ends, spec.grace):
                graces.append(base)
            base = max(earned, base - 1) if spec.soft else earned
            month = following

    def recent(self, day: date, days: int) -> int:
        first = day - timedelta(days=days - 1)
        return sum(first <= on <= day for on, _ in self.orders)

    def settle(self, booked: datetime) -> datetime:
        """Bury what is gone, so that nothing later brings it back; the clock never runs backwards."""
        now = max(booked, self.last_booked or booked)
        for key, lots in self.lots.items():
            self.lots[key] = [lot for lot in lots if lot.left and self.end(key, lot) > now]
            if not self.lots[key]:
                self.idle.pop(key, None)
        return now

    def units(self) -> tuple[dict[str, list[Lot]], dict[str, datetime]]:
        """A copy, to go back to where something is refused."""
        return {key: [replace(lot) for lot in lots] for key, lots in self.lots.items()}, dict(self.idle)

    def tick(self, now: datetime) -> None:
        """Book what time has done; where that is nothing, history may still come."""
        last = self.last_booked or now
        same_month = day_of(self.spec.zone, last).replace(day=1) == day_of(self.spec.zone, now).replace(day=1)
        reviewed = self.level(last) > 0 and not same_month
        if reviewed or self.level(last) != self.level(now) or self.balances(last) != self.balances(now):
            self.last_booked = self.settle(now)

    def award(self, key: str, units: int, pending: datetime, when: When) -> None:
        self.give(key, Lot(pending, self._expiry(self.spec.wallets[key], when[0]), units), when)

    def give(self, key: str, lot: Lot, when: When) -> None:
        at, now = when
        idle, span = self.idle.get(key), self.spec.wallets[key].idle
        if span is not None:
            ends = after(self.spec.zone, at, span)
            idle = max(ends, idle or ends)
        if min(lot.expires_at, idle or NEVER) <= now:
            return
        self.lots[key].append(lot)
        if idle is not None:
            self.idle[key] = idle

    def take_in(self, other: Account, booked: datetime) -> None:
        """Take over all that another account has: lots with their dates, counts, limits and badges."""
        for key, lots in other.lots.items():
            ends = [one for one in (self.idle.get(key), other.idle.get(key)) if one is not None and lots]
            if ends:
                self.idle[key] = max(ends)
            self.lots[key] += [lot for lot in lots if min(lot.expires_at, max(ends, default=NEVER)) > booked]
        self.orders += other.orders
        self.uses += other.uses
        self.earned += other.earned
        self.badges |= other.badges
        latest = [one for one in (self.last_occurred, other.last_occurred) if one is not None]
        self.last_occurred = max(latest, default=None)
        self.last_booked = booked

    def take(self, key: str, amount: int, when: When) -> list[Moved]:
        at, now = when
        parts = []
        for lot in sorted(self.lots[key], key=lambda one: (one.expires_at, one.available_at)):
            part = min(amount, lot.left) if lot.available_at <= now else 0
            if part:
                amount -= part
                lot.left -= part
                parts.append((key, lot.available_at, lot.expires_at, part))
        assert amount == 0
        self.lots[key] = [lot for lot in self.lots[key] if lot.left]
        span = self.spec.wallets[key].idle
        if not self.lots[key]:
            self.idle.pop(key, None)
        elif span is not None:
            self.idle[key] = max(self.idle[key], after(self.spec.zone, at, span))
        return parts

    def usable(self, key: str, now: datetime) -> int:
        return sum(lot.left for lot in self.lots[key] if lot.available_at <= now)

    def room(self, key: str, day: date, now: datetime) -> int | None:
        """How many units may still be earned; None where nothing bounds them."""
        wallet, rooms = self.spec.wallets[key], []
        if wallet.per_day is not None:
            rooms.append(wallet.per_day - self.earned[key, day])
        if wallet.most is not None:
            rooms.append(wallet.most - sum(lot.left for lot in self.lots[key] if self.end(key, lot) > now))
        return max(0, min(rooms)) if rooms else None

    def check_funds(self, price: dict[str, int], now: datetime) -> None:
        if any(amount > self.usable(key, now) for key, amount in price.items()):
            raise Refused("insufficient_units")

    def end(self, key: str, lot: Lot) -> datetime:
        return min(lot.expires_at, self.idle.get(key, NEVER))

    def _expiry(self, wallet: Wallet, at: datetime) -> datetime:
        if wallet.earned is None:
            return NEVER
        ends = after(self.spec.zone, at, wallet.earned)
        return (
            start_of(self.spec.zone, next_month(day_of(self.spec.zone, ends))) if wallet.month_end else ends
        )


def rounded(value: Fraction, mode: str) -> int:
    floor = value.numerator // value.denominator
    rest = value - floor
    if mode == "floor" or rest < Fraction(1, 2):
        return floor
    if rest > Fraction(1, 2) or mode == "half_up":
        return floor + 1
    return floor + floor % 2


def split(total: int, weights: list[Fraction]) -> list[int]:
    """Share a whole number out by largest remainder, ties to the earlier one."""
    whole = sum(weights, Fraction(0))
    if not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    shares = [share.numerator // share.denominator for share in exact]
    by_rest = sorted(range(len(shares)), key=lambda place: (shares[place] - exact[place], place))
    for place in by_rest[: total - sum(shares)]:
        shares[place] += 1
    return shares


def units_text(amount: int, scale: int) -> str:
    whole, part = divmod(abs(amount), 10**scale)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{part:0{scale}d}" if scale else f"{sign}{whole}"
