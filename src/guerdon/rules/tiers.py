"""Ladders: which tier an account holds, worked out from metrics, so that order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Period, Span, Zone, period_end, period_start
from guerdon.rules.metrics import Counts, Metric, counted_from, first_counted, peak_within
from guerdon.rules.state import TierState

_LONGEST: Mapping[Period, int] = {"month": 31, "quarter": 92, "year": 366}
"""Days of the longest review period of each kind."""
_UNBOOKED_DAYS = 800
_SHORTEST: Mapping[Period, int] = {"month": 28, "quarter": 90, "year": 365}


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
    also: Mapping[str, str] = {}
    """Tiers of a later version of the ladder, and which one of this version each is taken for."""

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


class Move(msgspec.Struct, frozen=True):
    """A step from one tier to another."""

    at: datetime
    """The instant of the review, the end of the grace, or the instant of asking where counting did it."""
    before: str
    after: str
    by_time: bool
    """Whether time alone did it."""


class _Standing(msgspec.Struct):
    """Where the walk over review periods has come to."""

    base: int
    """The level held at the beginning of the period."""
    period: date
    graces: list[tuple[datetime, int]] = []
    """Until when a level that a review took is still kept."""
    bases: list[tuple[date, int]] = []
    """The periods walked through, each with the level that it began with."""


def tier_at(ladder: Ladder, held: TierState | None, counts: Counts, zone: Zone, now: datetime) -> TierState:
    """Work out the tier that an account holds at an instant.

    Args:
        ladder: the ladder.
        held: the standing as last booked, or None for a new account.
        counts: the account's buckets of the ladder's metric.
        zone: the program's calendar.
        now: the instant that is asked for.

    Returns:
        The standing at `now`.
    """
    return tier_path(ladder, held, counts, zone, now)[0]


def tier_path(
    ladder: Ladder, held: TierState | None, counts: Counts, zone: Zone, now: datetime
) -> tuple[TierState, tuple[Move, ...]]:
    """Work out the tier that an account holds at an instant, and the steps that led there.

    A tier reached in a period is held to the end of the next one. At each period's end the period just closed
    is judged; whoever earned less keeps the tier for the grace, then falls, by one level at most where
    landings are soft. Each review that has passed is dated with its own instant, however late it is booked.

    Args:
        ladder: the ladder.
        held: the standing as last booked, or None for a new account.
        counts: the account's buckets of the ladder's metric.
        zone: the program's calendar.
        now: the instant that is asked for.

    Returns:
        The standing at `now`, and each move since `held`, in the order of time.
    """
    moves: list[Move] = []
    stands, before = held, held.level if held is not None else ladder.tiers[0].key
    while stands is not None and stands.definition == ladder.identity:
        due = stands.changes_at
        if due is None or due > now:
            break
        stands = _stand(ladder, stands, counts, zone, due)
        if stands.level != before:
            moves.append(Move(due, before, stands.level, by_time=True))
            before = stands.level
    stands = _stand(ladder, stands, counts, zone, now)
    if stands.level != before:
        moves.append(Move(now, before, stands.level, by_time=False))
    return stands, tuple(moves)


def _stand(ladder: Ladder, held: TierState | None, counts: Counts, zone: Zone, now: datetime) -> TierState:
    anchor_on, anchor_level = EPOCH_DAY, ladder.tiers[0].key
    if held is not None and held.definition == ladder.identity:
        anchor_on, anchor_level = held.anchor_on, held.anchor_level
    elif held is not None:
        # A changed ladder takes nothing away before its next review: counting begins with what is held now.
        anchor_on, anchor_level = period_start(ladder.review, zone.day_of(now)), held.level
    walk = _start(ladder, anchor_on, ladder.level_of(anchor_level), counts, zone.day_of(now))
    level, changes_at = _walk(ladder, walk, counts, zone, now)
    key = ladder.tiers[level].key
    if not ladder.metric.window.is_fixed and len(walk.bases) > ladder.memory:
        # Days that nothing depends on any more are not gathered, so next time the walk begins later.
        anchor_on, base = walk.bases[-1 - ladder.memory]
        anchor_level = ladder.tiers[base].key
    return TierState(
        level=key,
        since=held.since if held is not None and held.level == key else now,
        changes_at=changes_at,
        anchor_level=anchor_level,
        anchor_on=anchor_on,
        definition=ladder.identity,
    )


def _start(ladder: Ladder, anchor_on: date, level: int, counts: Counts, today: date) -> _Standing:
    if level == 0:
        # At the base nothing can be lost, so the periods before the first count need no walking.
        counted = first_counted(ladder.metric, counts)
        anchor_on = max(anchor_on, min(counted, today) if counted is not None else today)
    return _Standing(level, period_start(ladder.review, anchor_on))


def _walk(
    ladder: Ladder, walk: _Standing, counts: Counts, zone: Zone, now: datetime
) -> tuple[int, datetime | None]:
    if ladder.metric.never_falls and not walk.base:
        # What counts for ever is never lost, so there is nothing to review.
        return ladder.level_for(peak_within(ladder.metric, counts, EPOCH_DAY, EPOCH_DAY)), None
    while True:
        walk.bases.append((walk.period, walk.base))
        end_on = period_end(ladder.review, walk.period)
        earned = ladder.level_for(peak_within(ladder.metric, counts, walk.period, end_on))
        end_at = zone.start_of(end_on)
        if end_at > now:
            level, changes_at = _level_now(walk, earned, end_at, now)
            # A fact dated a little ahead counts when its period begins.
            ahead = changes_at is None and counted_from(ladder.metric, counts, end_on)
            return level, end_at if ahead else changes_at
        kept = earned
        if earned < walk.base:
            if ladder.soft_landing:
                kept = max(earned, walk.base - 1)
            if ladder.grace:
                walk.graces.append((zone.after(end_at, ladder.grace), walk.base))
        walk.base, walk.period = kept, end_on


def _level_now(walk: _Standing, earned: int, end_at: datetime, now: datetime) -> tuple[int, datetime | None]:
    level = max(walk.base, earned)
    kept = [(until, was) for until, was in walk.graces if now < until and was > level]
    if kept:
        return max(was for _, was in kept), min(end_at, *(until for until, _ in kept))
    return level, end_at if level else None
