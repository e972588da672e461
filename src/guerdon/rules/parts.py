"""The parts of a program as compiled: wallets, effects, schedules, campaigns, rewards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.calendar import Period, Span, Zone, period_end
from guerdon.base.exact import RoundingMode
from guerdon.rules.expressions import Expression
from guerdon.rules.limits import Caps, Limits
from guerdon.rules.particulars import Gift
from guerdon.rules.play.draws import PrizeDraw


class Expiry(msgspec.Struct, frozen=True):
    """When units are gone."""

    after: Span
    from_activity: bool = False
    end_of: Period | None = None

    def instant(self, zone: Zone, occurred_at: datetime) -> datetime:
        """Work out when units are gone.

        Args:
            zone: the program's calendar.
            occurred_at: when they were earned, or when the wallet was last active.

        Returns:
            The first instant at which they cannot be spent.
        """
        ends = zone.after(occurred_at, self.after)
        if self.end_of is None:
            return ends
        return zone.start_of(period_end(self.end_of, zone.day_of(ends)))


class Wallet(msgspec.Struct, frozen=True):
    """A wallet as compiled."""

    key: str
    scale: int
    rounding: RoundingMode
    scope: str
    """`order`, `line` or `campaign`."""
    pending: Span
    expires: Expiry | None
    cost: Decimal | None
    """Money one unit costs; what it is worth where no cost is named."""
    worth: Decimal | None = None
    """Money one unit pays at checkout, None where it pays nothing."""
    tender: str = "points"
    """The kind that its payments have: `points`, `store_credit` or `gift_card`; the last two are money."""
    caps: Caps | None = None
    """How much of it an account earns at most, None where there is no limit."""
    spendable: bool = True
    """Whether units can leave for anything else than by a hand."""


class Conversion(msgspec.Struct, frozen=True):
    """What becomes of the units of a wallet that is given up."""

    wallet: str
    scale: int
    """Decimal places that the wallet had."""
    into: str | None
    """The wallet that takes over, None where the units are given up too."""
    into_scale: int
    rate: Decimal
    """How many whole units each whole unit becomes."""
    rounding: RoundingMode

    @property
    def ratio(self) -> Fraction:
        """How many of the smallest units of the one each smallest unit of the other becomes."""
        return Fraction(self.rate) * Fraction(10) ** (self.into_scale - self.scale)


class Award(msgspec.Struct, frozen=True):
    """Give units."""

    wallet: str
    amount: Expression
    order_based: bool
    """Whether the amount reads the order, so that multipliers without `of` apply."""
    pending: Span
    expires: Expiry | None


class Multiply(msgspec.Struct, frozen=True):
    """Multiply what the event awards in a wallet."""

    wallet: str
    by: Expression
    of: frozenset[str] | None
    adds: bool
    where: Expression | None = None
    """Which lines it multiplies; None for all."""


class Redeem(msgspec.Struct, frozen=True):
    """Take a reward and pay its price."""

    reward: str
    repeat: Expression | None


class Schedule(msgspec.Struct, frozen=True):
    """When a campaign runs, on the program's local clock."""

    days: frozenset[int] | None
    from_time: time | None
    to_time: time | None
    starts: date | datetime | None
    """A day, or the first local moment that is inside."""
    ends: date | datetime | None
    """A day, or the last local moment that is inside."""

    def holds(self, local: datetime) -> bool:
        """Tell whether a moment is inside.

        Args:
            local: the local clock's reading, without its zone.

        Returns:
            True where the campaign runs; an evening that ends after midnight belongs to the day it began on.
        """
        day = self._day_of(local)
        if day is None or (self.days is not None and day.weekday() not in self.days):
            return False
        if self.starts is not None and (local if isinstance(self.starts, datetime) else day) < self.starts:
            return False
        return self.ends is None or (local if isinstance(self.ends, datetime) else day) <= self.ends

    def _day_of(self, local: datetime) -> date | None:
        """Find the day on which the span of hours that a moment is in began, or None outside of the hours."""
        clock, begins, ends = local.time(), self.from_time or time.min, self.to_time
        if ends is None or ends > begins:
            return local.date() if clock >= begins and (ends is None or clock < ends) else None
        if clock < ends:
            return local.date() - timedelta(days=1)
        return local.date() if clock >= begins else None


class Campaign(msgspec.Struct, frozen=True):
    """A campaign as compiled, its effects by kind."""

    key: str
    trigger: str
    priority: int
    when: Expression | None
    audience: Expression | None
    """Who is meant."""
    channels: frozenset[str] | None
    stores: frozenset[str] | None
    schedule: Schedule | None
    limits: Limits
    awards: tuple[Award, ...]
    multipliers: tuple[Multiply, ...]
    redeems: tuple[Redeem, ...]
    grants: tuple[str, ...]
    badges: tuple[str, ...]
    inactive: str = ""
    """Why the campaign is accepted and does nothing yet, or empty."""
    after: str = ""
    """The account's counter without which it does not run: what must have happened before, or empty."""
    notes: bool = False
    """Whether it acts where it gives nothing: the decision says that it happened."""
    draw: PrizeDraw | None = None
    """The draw that it makes tickets of."""
    wins: tuple[str, int] | None = None
    """The draw's key and the place of the prize that it is."""

    @property
    def is_prize(self) -> bool:
        """Whether it is what a quiz or its like brings (`compiling.prizes`): then no document has it."""
        return ":" in self.key


class Exclusive(msgspec.Struct, frozen=True):
    """What only some members are shown, as compiled."""

    key: str
    audience: Expression | None
    """For whom it is; None for everybody."""
    starts: datetime | None
    """The first local moment in which it is shown."""
    ends: datetime | None
    """The last one."""

    def is_shown_at(self, local: datetime) -> bool:
        """Tell whether it is shown to anybody.

        Args:
            local: the program's local clock, without its zone.

        Returns:
            True within its days.
        """
        return (self.starts is None or self.starts <= local) and (self.ends is None or local <= self.ends)


class Reward(msgspec.Struct, frozen=True):
    """A reward as compiled."""

    key: str
    kind: str
    price: tuple[tuple[str, int], ...]
    """Wallet and units in its scale, for one."""
    stock: int | None
    tiers: frozenset[str]
    """Who may have it, `tier` or `ladder.tier`; empty for everybody."""
    valid: Span | None
    code: tuple[str, int, str] | None
    """What comes before the random letters, how many there are, what comes after."""
    limits: Limits
    cost: Decimal | None = None
    """Money that giving one costs, for budgets."""
    opens: datetime | None = None
    """From this local moment on it can be had."""
    until: datetime | None = None
    """The last local moment in which it can."""
    public_at: datetime | None = None
    """From this local moment on its tiers do not matter."""
    choices: tuple[str, ...] = ()
    """What can be chosen; empty for any words."""
    stock_by_choice: Mapping[str, int] = {}
    """How many there are of a choice."""
    price_by_tier: Mapping[str, tuple[tuple[str, int], ...]] = {}
    """By `tier` or `ladder.tier`: what it costs there and above, up to the next that is named."""
    audience: Expression | None = None
    """Who may see it and take it."""
    at_least: int = 1
    """How many must be taken at once."""
    at_most: int | None = None
    """How many can be taken at once."""
    cooling: Span | None = None
    """How long an account waits between two takings."""
    needs: tuple[tuple[str, int], ...] = ()
    """Wallet and units in its scale that there must be before."""
    leaves: tuple[tuple[str, int], ...] = ()
    """Wallet and units in its scale that must be left afterwards."""
    gift: Gift | None = None
    """What it gives to a cause."""
    adds: Span | None = None
    """By how long a warranty becomes longer."""
    partner: str = ""
    """Whose points it is."""
    gives: Decimal | None = None
    """How many of the partner's points one is."""
    has_line: bool = False
    """Whether members can wait for a seat of it."""
    is_called_off: bool = False
    """Whether it does not take place, and whoever has one gives it back."""

    @property
    def is_free(self) -> bool:
        """Whether those whom it is for have it for nothing."""
        return self.kind == "access" and not self.price

    loads: int = 0
    """Minor units on the gift card that it is; 0 for anything else."""
    money: Decimal | None = None
    """Money on each coupon of it, of which carts leave the rest; None where a coupon is used at once."""
