"""Which tier an account holds, worked out from metrics, so that order of arrival does not matter."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Zone, period_end, period_start
from guerdon.rules.metrics import Counts, counted_from, first_counted, number_on
from guerdon.rules.state import TierState
from guerdon.rules.tiers.ladder import Ladder


class Move(msgspec.Struct, frozen=True):
    """A step from one tier to another, or a tier that a review left for a while."""

    at: datetime
    """The instant of the review, the end of the grace, or the instant of asking where counting did it."""
    before: str
    after: str
    by_time: bool
    """Whether time alone did it."""
    ended: bool = False
    """Whether what ended is a tier that an operator gave."""

    @property
    def is_grace(self) -> bool:
        """Whether a review would have taken the tier, and the grace keeps it."""
        return self.before == self.after


class _Standing(msgspec.Struct):
    """Where the walk over review periods has come to."""

    base: int
    """The level held at the beginning of the period."""
    period: date
    graces: list[tuple[datetime, int, datetime]] = []
    """Until when a level that a review took is still kept, and the instant of that review."""
    bases: list[tuple[date, int]] = []
    """The periods walked through, each with the level that it began with."""


class _Level(msgspec.Struct, frozen=True):
    """What metrics give at an instant."""

    level: int
    changes_at: datetime | None
    graced_at: datetime | None = None
    """The review that took it, where a grace keeps it."""


def tier_at(ladder: Ladder, held: TierState | None, counts: Counts, zone: Zone, now: datetime) -> TierState:
    """Work out the tier that an account holds at an instant.

    Args:
        ladder: the ladder.
        held: the standing as last booked, or None for a new account.
        counts: the account's buckets of the ladder's metrics.
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
    landings are soft, and never below a tier for life that was reached. Each review that has passed is dated
    with its own instant, however late it is booked. A tier that an operator gave is held beside that, up to
    its end.

    Args:
        ladder: the ladder.
        held: the standing as last booked, or None for a new account.
        counts: the account's buckets of the ladder's metrics.
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
        ended = stands.given_until is not None and stands.given_until <= due
        stands, graced_at = _stand(ladder, stands, counts, zone, due)
        if stands.level != before or (graced_at == due and not stands.earned):
            moves.append(Move(due, before, stands.level, by_time=True, ended=ended))
            before = stands.level
    stands, _ = _stand(ladder, stands, counts, zone, now)
    if stands.level != before:
        moves.append(Move(now, before, stands.level, by_time=False))
    return stands, tuple(moves)


def keeps_tier(
    ladder: Ladder, held: TierState, counts: Counts, zone: Zone, when: tuple[date, datetime]
) -> bool:
    """Tell cheaply that counting more in the current period reached nothing new.

    A late fact can lift windows that end after its day, and a negative value can lower them, so these are
    worked out in full by whoever asks.

    Args:
        ladder: the ladder.
        held: the standing as last booked.
        counts: the account's buckets, the fact among them.
        zone: the program's calendar.
        when: the fact's local day, and the instant of booking.

    Returns:
        True where the standing is as it was.
    """
    day, now = when
    if held.definition != ladder.identity or held.is_due(now):
        return False
    first = period_start(ladder.review, zone.day_of(now))
    if day < first:
        return False
    if len(ladder.metrics) > 1:
        # Of several metrics each has its best day of the period.
        values = ladder.peaks(counts, first, period_end(ladder.review, first))
    else:
        values = (number_on(ladder.metrics[0], counts, day),)
    return ladder.level_for(values) <= ladder.level_of(held.own_level)


def _stand(
    ladder: Ladder, held: TierState | None, counts: Counts, zone: Zone, now: datetime
) -> tuple[TierState, datetime | None]:
    anchor_on, anchor_level = EPOCH_DAY, ladder.tiers[0].key
    if held is not None and held.definition == ladder.identity:
        anchor_on, anchor_level = held.anchor_on, held.anchor_level
    elif held is not None:
        # A changed ladder takes nothing away before its next review: counting begins with what is held now.
        anchor_on, anchor_level = period_start(ladder.review, zone.day_of(now)), _earned_of(ladder, held)
    walk = _start(ladder, anchor_on, ladder.level_of(anchor_level), counts, zone.day_of(now))
    found = _walk(ladder, walk, counts, zone, now)
    if ladder.forgets and len(walk.bases) > ladder.memory:
        # Days that nothing depends on any more are not gathered, so next time the walk begins later.
        anchor_on, base = walk.bases[-1 - ladder.memory]
        anchor_level = ladder.tiers[base].key
    state = TierState(
        level=ladder.tiers[found.level].key,
        since=now,
        changes_at=found.changes_at,
        anchor_level=anchor_level,
        anchor_on=anchor_on,
        definition=ladder.identity,
    )
    return _with_given(ladder, state, held, now), found.graced_at


def _earned_of(ladder: Ladder, held: TierState) -> str:
    """Give the tier that is kept where a ladder was changed; one by invitation is given, and not earned."""
    level = ladder.level_of(held.own_level)
    return ladder.tiers[level if ladder.tiers[level].is_earned else ladder.below(level)].key


def _with_given(ladder: Ladder, state: TierState, held: TierState | None, now: datetime) -> TierState:
    """Let an operator's tier stand above what is earned, until it ends."""
    if held is None:
        return state
    given, until, after = held.given, held.given_until, held.given_next
    while until is not None and until <= now:
        given, until = (after[0].tier, after[0].until) if after else ("", None)
        after = after[1:]
    level, earned = state.level, ""
    if ladder.level_of(given) > ladder.level_of(level):
        level, earned = given, level
    ends = [one for one in (state.changes_at, until) if one is not None]
    return msgspec.structs.replace(
        state,
        level=level,
        since=held.since if held.level == level else now,
        changes_at=min(ends, default=None),
        earned=earned,
        given=given,
        given_until=until,
        given_next=after,
        lost=held.lost,
    )


def _start(ladder: Ladder, anchor_on: date, level: int, counts: Counts, today: date) -> _Standing:
    if level == 0:
        # At the base nothing can be lost, so the periods before the first count need no walking.
        days = [day for one in ladder.metrics if (day := first_counted(one, counts)) is not None]
        anchor_on = max(anchor_on, min(today, *days) if days else today)
    return _Standing(level, period_start(ladder.review, anchor_on))


def _walk(ladder: Ladder, walk: _Standing, counts: Counts, zone: Zone, now: datetime) -> _Level:
    if ladder.never_falls and not walk.base:
        # What counts for ever is never lost, so there is nothing to review.
        return _Level(ladder.level_for(ladder.peaks(counts, EPOCH_DAY, EPOCH_DAY)), None)
    while True:
        walk.bases.append((walk.period, walk.base))
        end_on = period_end(ladder.review, walk.period)
        earned = ladder.level_for(ladder.peaks(counts, walk.period, end_on))
        end_at = zone.start_of(end_on)
        if end_at > now:
            found = _level_now(ladder, walk, earned, end_at, now)
            # A fact dated a little ahead counts when its period begins.
            ahead = found.changes_at is None and any(
                counted_from(metric, counts, end_on) for metric in ladder.metrics
            )
            return msgspec.structs.replace(found, changes_at=end_at) if ahead else found
        kept = max(earned, ladder.kept_for_life(max(walk.base, earned)))
        if kept < walk.base:
            if ladder.soft_landing:
                kept = max(kept, ladder.below(walk.base))
            if ladder.grace:
                walk.graces.append((zone.after(end_at, ladder.grace), walk.base, end_at))
        walk.base, walk.period = kept, end_on


def _level_now(ladder: Ladder, walk: _Standing, earned: int, end_at: datetime, now: datetime) -> _Level:
    level = max(walk.base, earned)
    kept = [(until, was, at) for until, was, at in walk.graces if now < until and was > level]
    if kept:
        highest = max(was for _, was, _ in kept)
        began = max(at for _, was, at in kept if was == highest)
        return _Level(highest, min(end_at, *(until for until, _, _ in kept)), began)
    # What is kept for life no review can take.
    return _Level(level, end_at if level > ladder.kept_for_life(level) else None)
