"""A ladder as compiled: its tiers, and which of them values of its metrics reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Period, Span
from guerdon.rules.metrics import Counts, Metric, peak_within

_LONGEST: Mapping[Period, int] = {"month": 31, "quarter": 92, "year": 366}
"""Days of the longest review period of each kind."""
_UNBOOKED_DAYS = 800
_SHORTEST: Mapping[Period, int] = {"month": 28, "quarter": 90, "year": 365}


class Tier(msgspec.Struct, frozen=True):
    """A level of a ladder."""

    key: str
    least: tuple[Decimal, ...]
    """The least value of each metric that reaches it; nothing where only operators give it."""
    rate: Decimal
    benefits: tuple[str, ...]
    lifetime: bool = False
    """Whether it is never lost once it was reached."""

    @property
    def is_earned(self) -> bool:
        """Whether metrics reach it, and not an operator alone."""
        return bool(self.least)


class Ladder(msgspec.Struct, frozen=True):
    """A ladder as compiled, its tiers from the base upwards."""

    key: str
    identity: str
    """Hash of the ladder and its metrics."""
    metrics: tuple[Metric, ...]
    """One, or several that climb it together."""
    review: Period
    grace: Span
    soft_landing: bool
    tiers: tuple[Tier, ...]
    also: Mapping[str, str] = {}
    """Tiers of a later version of the ladder, and which one of this version each is taken for."""
    by_any: bool = False
    """Whether any of several metrics is enough, and not every one needed."""
    tells_losses: bool = False
    """Whether something waits for tiers that are lost."""

    def level_of(self, tier: str) -> int:
        """Find a tier's place.

        Args:
            tier: its key; one that is no longer on the ladder counts as the base.

        Returns:
            0 for the base, and one more for each tier above it.
        """
        for place, one in enumerate(self.tiers):
            if one.key == tier:
                return place
        return 0

    def level_for(self, values: Sequence[Decimal]) -> int:
        """Find the highest tier that values of the metrics reach.

        Args:
            values: of each metric, in their order.

        Returns:
            The tier's place.
        """
        enough = any if self.by_any else all
        level = 0
        for place, tier in enumerate(self.tiers):
            if tier.least and enough(value >= least for value, least in zip(values, tier.least, strict=True)):
                level = place
        return level

    def peaks(self, counts: Counts, first: date, end: date) -> tuple[Decimal, ...]:
        """Find the greatest value of each metric within a period; they need not fall on the same day.

        Args:
            counts: the account's buckets.
            first: first local day of the period.
            end: first local day after it.

        Returns:
            A value for each metric.
        """
        return tuple(peak_within(metric, counts, first, end) for metric in self.metrics)

    def kept_for_life(self, level: int) -> int:
        """Find the highest tier that whoever earned a level never loses.

        Args:
            level: the level.

        Returns:
            Its place, 0 where there is none.
        """
        return max((place for place in range(level + 1) if self.tiers[place].lifetime), default=0)

    def below(self, level: int) -> int:
        """Find the tier to which a soft landing leads.

        Args:
            level: the level that is lost, above the base.

        Returns:
            The place of the next lower tier that metrics reach.
        """
        return max(place for place in range(level) if self.tiers[place].is_earned)

    @property
    def never_falls(self) -> bool:
        """Whether time alone takes nothing away."""
        return all(metric.never_falls for metric in self.metrics)

    @property
    def is_sliding(self) -> bool:
        """Whether a metric looks back over so many days, so that old days are not gathered any more."""
        return any(not metric.window.is_fixed for metric in self.metrics)

    @property
    def forgets(self) -> bool:
        """Whether days of long ago bear on nothing any more: what is reached for life may come late."""
        return self.is_sliding and not any(tier.lifetime for tier in self.tiers)

    @property
    def memory(self) -> int:
        """How many review periods before the present one still bear on the tier that is held.

        A tier reached is held through the next period; with soft landings each level below it costs one more;
        a grace keeps what was lost before it.
        """
        grace = self.grace
        days = 31 * grace.months + grace.days + grace.hours // 24 + bool(grace)
        landings = len(self.tiers) if self.soft_landing else 1
        return 1 + landings + -(-days // _SHORTEST[self.review])

    @property
    def looks_back(self) -> timedelta:
        """How long before a window's beginning facts still bear on the tier that is held.

        Two years more than that, so that reviews that nobody booked for so long get their right date.
        """
        return timedelta(days=_LONGEST[self.review] * (self.memory + 2) + _UNBOOKED_DAYS)
