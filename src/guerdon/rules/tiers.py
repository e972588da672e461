"""Ladders: which tier an account holds, worked out from metrics, so that order of arrival does not matter."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Period, Span, Zone, period_end, period_start
from guerdon.rules.metrics import Buckets, Metric, first_counted, peak_within
from guerdon.rules.state import TierState


class Tier(msgspec.Struct, frozen=True):
    """A level of a ladder."""

    key: str
    threshold: Decimal
    """The least value of the metric that reaches it."""
    rate: Decimal
    benefits: tuple[str, ...]


class Ladder(msgspec.Struct, frozen=True):
    """A ladder as compiled, its tiers from the base upwards."""

    key: str
    identity: str
    """Hash of the ladder and its metric."""
    metric: Metric
    review: Period
    grace: Span
    soft_landing: bool
    tiers: tuple[Tier, ...]

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

    def level_for(self, value: Decimal) -> int:
        """Find the highest tier that a value of the metric reaches.

        Args:
            value: the metric's value.

        Returns:
            The tier's place.
        """
        level = 0
        for place, tier in enumerate(self.tiers):
            if value >= tier.threshold:
                level = place
        return level


class _Standing(msgspec.Struct):
    """Where the walk over review periods has come to."""

    base: int
    """The level held at the beginning of the period."""
    period: date
    grace_level: int = 0
    grace_until: datetime | None = None


def tier_at(ladder: Ladder, held: TierState | None, buckets: Buckets, zone: Zone, now: datetime) -> TierState:
    """Work out the tier that an account holds at an instant.

    A tier reached in a period is held to the end of the next one. At each period's end the period just closed
    is judged; whoever earned less keeps the tier for the grace, then falls, by one level at most where landings
    are soft.

    Args:
        ladder: the ladder.
        held: the standing as last booked, or None for a new account.
        buckets: the account's buckets of the ladder's metric.
        zone: the program's calendar.
        now: the instant that is asked for.

    Returns:
        The standing at `now`.
    """
    if held is not None and held.definition != ladder.identity:
        # A changed ladder takes nothing away before its next review: counting begins with what is held now.
        held = TierState(
            level=held.level,
            since=held.since,
            changes_at=held.changes_at,
            anchor_level=held.level,
            anchor_on=period_start(ladder.review, zone.day_of(now)),
            definition=ladder.identity,
        )
    anchor_on = held.anchor_on if held is not None else EPOCH_DAY
    anchor_level = held.anchor_level if held is not None else ladder.tiers[0].key
    walk = _start(ladder, anchor_on, ladder.level_of(anchor_level), buckets, zone.day_of(now))
    level, changes_at = _walk(ladder, walk, buckets, zone, now)
    key = ladder.tiers[level].key
    if ladder.metric.window.rolling and walk.grace_until is None:
        # Days that have rolled out of the window are not gathered, so the walk goes on from here next time.
        anchor_level, anchor_on = ladder.tiers[walk.base].key, walk.period
    return TierState(
        level=key,
        since=held.since if held is not None and held.level == key else now,
        changes_at=changes_at,
        anchor_level=anchor_level,
        anchor_on=anchor_on,
        definition=ladder.identity,
    )


def _start(ladder: Ladder, anchor_on: date, level: int, buckets: Buckets, today: date) -> _Standing:
    if level == 0:
        # At the base nothing can be lost, so the periods before the first count need no walking.
        counted = first_counted(ladder.metric, buckets)
        anchor_on = max(anchor_on, min(counted, today) if counted is not None else today)
    return _Standing(level, period_start(ladder.review, anchor_on))


def _walk(
    ladder: Ladder, walk: _Standing, buckets: Buckets, zone: Zone, now: datetime
) -> tuple[int, datetime | None]:
    if ladder.metric.window.counts_for_ever and not walk.base:
        # What counts for ever is never lost, so there is nothing to review.
        return ladder.level_for(peak_within(ladder.metric, buckets, EPOCH_DAY, EPOCH_DAY)), None
    while True:
        end_on = period_end(ladder.review, walk.period)
        earned = ladder.level_for(peak_within(ladder.metric, buckets, walk.period, end_on))
        end_at = zone.start_of(end_on)
        if end_at > now:
            return _level_now(walk, earned, end_at, now)
        kept = earned
        if earned < walk.base:
            if ladder.soft_landing:
                kept = max(earned, walk.base - 1)
            if ladder.grace:
                walk.grace_level, walk.grace_until = walk.base, zone.after(end_at, ladder.grace)
        walk.base, walk.period = kept, end_on


def _level_now(walk: _Standing, earned: int, end_at: datetime, now: datetime) -> tuple[int, datetime | None]:
    level = max(walk.base, earned)
    if walk.grace_until is not None and now < walk.grace_until and walk.grace_level > level:
        return walk.grace_level, min(end_at, walk.grace_until)
    return level, end_at if level else None
