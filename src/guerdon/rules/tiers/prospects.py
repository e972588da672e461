"""What is missing to the next tier, and to keep the present one, and by when."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from guerdon.base.calendar import Zone, period_end, period_start
from guerdon.rules.metrics import Counts, Metric, number_on
from guerdon.rules.state import TierState
from guerdon.rules.tiers.ladder import Ladder, Tier


class Missing(msgspec.Struct, frozen=True):
    """How far one metric is on the way to a tier."""

    metric: str
    """Its key."""
    need: Decimal
    """The value that reaches the tier."""
    have: Decimal
    """What counts at present."""

    @property
    def share(self) -> Fraction:
        """Which part of the way is done, from 0 to 1."""
        done = Fraction(self.have) / Fraction(self.need) if self.need else Fraction(1)
        return min(max(done, Fraction(0)), Fraction(1))

    @property
    def missing(self) -> Decimal:
        """How much more it takes; 0 where it is there."""
        return max(self.need - self.have, Decimal(0))


class Way(msgspec.Struct, frozen=True):
    """What a tier still takes."""

    tier: str
    metrics: tuple[Missing, ...]
    """Each metric that it takes."""
    any_of: bool
    """Whether any of them is enough, and not every one needed."""
    by: datetime | None
    """From this instant on what is counted now counts no more, or the tier is lost; None without end."""

    @property
    def nearest(self) -> Missing | None:
        """The metric that decides how far it still is: the farthest, or of any that is enough the nearest."""
        choose = max if self.any_of else min
        return choose(self.metrics, key=lambda one: one.share, default=None)

    @property
    def is_there(self) -> bool:
        """Whether nothing is missing any more."""
        enough = any if self.any_of else all
        return enough(one.need <= one.have for one in self.metrics)


class Prospect(msgspec.Struct, frozen=True):
    """What somebody on a ladder can reach and lose."""

    next: Way | None
    """The way to the next tier that metrics reach; None at the top."""
    keep: Way | None
    """What the present tier takes to be kept; None where nothing takes it away."""


def prospect_of(ladder: Ladder, state: TierState, counts: Counts, zone: Zone, now: datetime) -> Prospect:
    """Work out what is missing to the next tier and to keep the present one.

    Args:
        ladder: the ladder.
        state: the standing at `now`, as `tier_at` gives it.
        counts: the account's buckets of the ladder's metrics.
        zone: the program's calendar.
        now: the instant that is asked for.

    Returns:
        Both ways.
    """
    level = ladder.level_of(state.level)
    above = next((tier for tier in ladder.tiers[level + 1 :] if tier.is_earned), None)
    found = _Present(ladder, counts, zone, now)
    return Prospect(
        next=found.way(above, found.window_ends()) if above is not None else None,
        keep=_keep(ladder, state, found) if level else None,
    )


def _keep(ladder: Ladder, state: TierState, found: _Present) -> Way | None:
    tier = ladder.tiers[ladder.level_of(state.level)]
    if state.earned:
        # An operator gave it: it lasts to its end, or is earned until then.
        if state.given_until is None:
            return None
        return found.way(tier, state.given_until)
    if state.changes_at is None:
        return None
    way = found.way(tier, state.changes_at)
    # What was reached in this period is held through the next one.
    return msgspec.structs.replace(way, by=found.next_end) if way.is_there else way


class _Present:
    """What counts at an instant."""

    def __init__(self, ladder: Ladder, counts: Counts, zone: Zone, now: datetime) -> None:
        self.ladder = ladder
        self.zone = zone
        self.today = zone.day_of(now)
        first = period_start(ladder.review, self.today)
        self.end = period_end(ladder.review, first)
        self.peaks = ladder.peaks(counts, first, self.end)
        self.values = tuple(number_on(metric, counts, self.today) for metric in ladder.metrics)

    @property
    def next_end(self) -> datetime:
        """The end of the next review period."""
        return self.zone.start_of(period_end(self.ladder.review, self.end))

    def way(self, tier: Tier, by: datetime | None) -> Way:
        """Tell what a tier takes."""
        rows = zip(self.ladder.metrics, tier.least, self.peaks, self.values, strict=False)
        # What was reached once in the period counts, also where the value fell since.
        metrics = tuple(
            Missing(_called(metric), need, max(value, peak) if peak >= need else value)
            for metric, need, peak, value in rows
            if need
        )
        return Way(tier.key, metrics, self.ladder.by_any, by)

    def window_ends(self) -> datetime | None:
        """Tell when the first of the windows ends in which is counted now."""
        ends = []
        for window in (metric.window for metric in self.ladder.metrics):
            if window.between is not None:
                ends.append(period_end("day", window.between[1]))
            elif window.is_fixed and not window.is_endless:
                ends.append(window.days(self.today, self.today)[1])
        return min(map(self.zone.start_of, ends), default=None)


def _called(metric: Metric) -> str:
    """Give the name by which a document knows a metric."""
    return metric.key.partition("+")[0]
