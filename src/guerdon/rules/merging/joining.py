"""What two accounts have together: counts and limits add up, the higher tier stays, badges keep dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Zone, period_start
from guerdon.rules.contents import Counted
from guerdon.rules.lots import NEVER
from guerdon.rules.metrics import Buckets, Counts, Metric, merged
from guerdon.rules.state import Bucket, GivenTier, Taking, TierState
from guerdon.rules.tiers import Ladder, tier_at

_ZERO = Decimal(0)


def joined_buckets(
    mine: Buckets, theirs: Iterable[Counted], metrics: Iterable[Metric]
) -> Mapping[tuple[str, date], Bucket]:
    """Count what either account counted: each bucket can be put together from two.

    Args:
        mine: by metric identity and first day.
        theirs: of the other account.
        metrics: those that the live definition has.

    Returns:
        The buckets of the union of both accounts' events.
    """
    joined = dict(mine)
    by_identity = {metric.identity: metric for metric in metrics}
    for one in theirs:
        place = (one.metric, one.on)
        joined[place] = merged(by_identity.get(one.metric), joined.get(place), one.bucket)
    return joined


def joined_counters(mine: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Add up the uses of limits; together they may be more than a limit allows, and then nothing is left.

    Args:
        mine: by counter key.
        theirs: of the other account.

    Returns:
        Their sums.
    """
    joined = dict(mine)
    for key, used in theirs.items():
        joined[key] = joined.get(key, _ZERO) + used
    return joined


def joined_badges(mine: Mapping[str, datetime], theirs: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """Keep what either account earned; a badge of both was earned when it first was.

    Args:
        mine: by badge.
        theirs: of the other account.

    Returns:
        The badges of both.
    """
    joined = dict(mine)
    for badge, at in theirs.items():
        joined[badge] = min(at, joined.get(badge, at))
    return joined


def joined_takings(
    mine: Mapping[str, tuple[Taking, ...]], theirs: Mapping[str, tuple[Taking, ...]]
) -> Mapping[str, tuple[Taking, ...]]:
    """Put together what was taken of rewards that make wait.

    Args:
        mine: by reward.
        theirs: of the other account.

    Returns:
        The takings of both, in the order in which they were made.
    """
    joined = dict(mine)
    for reward, some in theirs.items():
        both = (*joined.get(reward, ()), *some)
        joined[reward] = tuple(sorted(both, key=lambda one: (one.at, one.redemption_id)))
    return joined


def joined_tier(
    ladder: Ladder,
    held: tuple[TierState | None, TierState | None],
    counts: Counts,
    zone: Zone,
    now: datetime,
) -> TierState:
    """Keep the higher of two tiers to its end, or what both accounts' counts together reach.

    Of tiers that operators gave, the higher is held to its end and then the lower, where that ends later.

    Args:
        ladder: the ladder.
        held: both standings, settled at `now`; None where an account had none.
        counts: of both accounts together.
        zone: the program's calendar.
        now: the instant of merging.

    Returns:
        The standing of the account that is left.
    """
    known = [one for one in held if one is not None]
    if not known:
        return tier_at(ladder, None, counts, zone, now)
    # Of two that are as high, the one that is kept longer.
    higher = max(known, key=lambda one: (ladder.level_of(one.own_level), one.changes_at or NEVER))
    given = _given(ladder, known)
    higher = msgspec.structs.replace(
        higher,
        given=given[0].tier if given else "",
        given_until=given[0].until if given else None,
        given_next=given[1:],
        lost=tuple(lost for one in known for lost in one.lost),
    )
    together = tier_at(ladder, higher, counts, zone, now)
    if ladder.level_of(together.own_level) >= ladder.level_of(higher.own_level):
        return together
    # What the other account gave back may pull the sum below what was reached: that takes no tier away.
    anchored = msgspec.structs.replace(
        higher, anchor_on=period_start(ladder.review, zone.day_of(now)), anchor_level=higher.own_level
    )
    return tier_at(ladder, anchored, counts, zone, now)


def _given(ladder: Ladder, known: Iterable[TierState]) -> tuple[GivenTier, ...]:
    """Put in a row what operators gave: the highest to its end, then what is given for longer."""
    every = [
        one
        for held in known
        if held.given
        for one in (GivenTier(held.given, held.given_until), *held.given_next)
    ]
    # Of two as high, the one that lasts longer holds both times.
    every.sort(key=lambda one: (ladder.level_of(one.tier), one.until or NEVER), reverse=True)
    row: list[GivenTier] = []
    for one in every:
        if not row or (row[-1].until or NEVER) < (one.until or NEVER):
            row.append(one)
    return tuple(row)
