"""What events add to the sums: pure, and the same for old events and for new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from guerdon.base.calendar import Zone
from guerdon.rules.decision import Decision, Transaction


class Fact(NamedTuple):
    """An event with what was decided on it, as far as it is summed."""

    program_id: int
    account_id: int
    """0 for a guest."""
    event_id: UUID
    type: str
    occurred_at: datetime
    net_minor: int | None
    """Merchandise of an order after discounts, in minor units; None where it is no order."""
    decision: Decision


class UnitsKey(NamedTuple):
    """Which units moved when."""

    program_id: int
    moved_on: date
    wallet: str
    kind: str
    book: str
    source: str
    """The campaign, on the member's side of an award; else empty."""


@dataclass(slots=True)
class Sums:
    """Additions to the stored sums; days are those of the program's clocks."""

    units: dict[UnitsKey, tuple[int, int]] = field(default_factory=dict)
    """Units in the wallet's scale, and in how many transactions."""
    endings: dict[tuple[int, date, str], int] = field(default_factory=dict)
    """By program, day and wallet: units of lots that end on the day."""
    days: dict[tuple[int, date, str], int] = field(default_factory=dict)
    """By program, day and measure: `orders`, `net` (minor units, less what came back), `returned`, `joined`,
    `buyers`."""
    first_buys: dict[tuple[int, int, date], date] = field(default_factory=dict)
    """By program, account and first day of the month: the first day on which it bought."""
    levels: dict[tuple[int, str, str], int] = field(default_factory=dict)
    """By program, ladder and level: accounts more or fewer."""

    def add(self, fact: Fact, zone: Zone) -> None:
        """Add an event.

        Args:
            fact: the event.
            zone: of its program.
        """
        program_id, decision = fact.program_id, fact.decision
        for one in decision.transactions:
            self._add_transaction(program_id, one, zone)
        for change in decision.tier_changes:
            self._add_level((program_id, change.ladder, change.before), -1)
            self._add_level((program_id, change.ladder, change.after), 1)
        if fact.type == "member.enrolled":
            self.count(program_id, zone.day_of(fact.occurred_at), "joined", 1)
        elif fact.type == "order.paid" and fact.net_minor is not None:
            self._add_order(fact, fact.net_minor, zone.day_of(fact.occurred_at))
        if decision.returned is not None:
            # On the day on which it came back: what was shown of an earlier month stays.
            back, day = decision.returned.net_minor, zone.day_of(fact.occurred_at)
            self.count(program_id, day, "net", -back)
            self.count(program_id, day, "returned", back)

    def count(self, program_id: int, day: date, measure: str, amount: int) -> None:
        """Add to a measure of a day.

        Args:
            program_id: of which program.
            day: by its clocks.
            measure: which.
            amount: how much more.
        """
        key = (program_id, day, measure)
        self.days[key] = self.days.get(key, 0) + amount

    def _add_order(self, fact: Fact, net_minor: int, day: date) -> None:
        self.count(fact.program_id, day, "orders", 1)
        self.count(fact.program_id, day, "net", net_minor)
        if fact.account_id:
            key = (fact.program_id, fact.account_id, day.replace(day=1))
            self.first_buys[key] = min(day, self.first_buys.get(key, day))

    def _add_level(self, key: tuple[int, str, str], accounts: int) -> None:
        self.levels[key] = self.levels.get(key, 0) + accounts

    def _add_transaction(self, program_id: int, one: Transaction, zone: Zone) -> None:
        moved_on, touched = zone.day_of(one.effective_at), set()
        for entry in one.entries:
            source = entry.source if entry.book == "member" and one.kind == "award" else ""
            key = UnitsKey(program_id, moved_on, one.wallet, one.kind, entry.book, source)
            amount, times = self.units.get(key, (0, 0))
            self.units[key] = (amount + entry.amount, times + (key not in touched))
            touched.add(key)
            if entry.book == "member" and entry.expires_at is not None:
                ends = (program_id, zone.day_of(entry.expires_at), one.wallet)
                self.endings[ends] = self.endings.get(ends, 0) + entry.amount
