"""What counts since an account began: buckets without what they held before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Zone
from guerdon.rules.metrics import Counts, Metric, Tally, added, bucket_of, taken_out
from guerdon.rules.metrics.metric import unit_start
from guerdon.rules.state import Begun, Bucket, Progress

_ZERO = Decimal(0)
_EMPTY = Bucket()


def begun_at(metric: Metric, counts: Counts, zone: Zone, since: datetime) -> Begun:
    """Note what a metric's bucket holds when an account begins.

    Args:
        metric: the metric that counts for it.
        counts: the account's buckets as they stand.
        zone: the program's.
        since: what happened from this instant on counts.

    Returns:
        The beginning.
    """
    on = bucket_of(metric, zone.day_of(since))
    return Begun(since, metric.identity, counts.buckets.get((metric.identity, on), _EMPTY))


def begun_anew(metric: Metric, counts: Counts, zone: Zone, reached_at: datetime) -> Begun:
    """Note where an account begins again after a prize: what brought it counts no more.

    Args:
        metric: the metric that counts for it.
        counts: the account's buckets as they stand, with what brought the prize.
        zone: the program's.
        reached_at: the latest fact that counted for the prize.

    Returns:
        The beginning: that instant, or for streaks the next day, week or month.
    """
    since = reached_at
    if metric.streak is not None:
        day = zone.day_of(reached_at)
        unit = unit_start(metric.streak.of, day)
        following = unit + timedelta(days=1)
        while unit_start(metric.streak.of, following) == unit:
            following += timedelta(days=1)
        since = zone.start_of(following)
    return begun_at(metric, counts, zone, since.astimezone(UTC))


def counts_since(metric: Metric, counts: Counts, zone: Zone, begun: Begun | None) -> Counts:
    """Leave out of a metric's buckets what was before an account began.

    Args:
        metric: the metric.
        counts: the account's buckets.
        zone: the program's.
        begun: where it began; None counts all.

    Returns:
        The buckets; where it began at some time the metric's own ones alone.
    """
    if begun is None:
        return counts
    if begun.metric not in ("", metric.identity):
        # What is counted now is another metric: the account begins with it at the next event.
        return Counts({}, counts.joined_on)
    first = bucket_of(metric, zone.day_of(begun.since))
    found = counts.buckets.items()
    own = {key: one for key, one in found if key[0] == metric.identity and key[1] >= first}
    place = (metric.identity, first)
    if begun.before is not None and place in own:
        own[place] = _without(metric, own[place], begun.before)
    return Counts(own, counts.joined_on)


def _without(metric: Metric, bucket: Bucket, before: Bucket) -> Bucket:
    if metric.fold == "sum":
        return Bucket(bucket.total - before.total, bucket.count - before.count)
    held = {key: times - before.held.get(key, 0) for key, times in bucket.held.items()}
    held = {key: times for key, times in held.items() if times > 0}
    return Bucket(Decimal(len(held)) if held else _ZERO, max(bucket.count - before.count, 0), held)


def written_once(before: Mapping[str, Progress], after: Mapping[str, Progress]) -> Mapping[str, Progress]:
    """Count one writing for all that a decision changed of a challenge.

    Args:
        before: as it stood.
        after: as it stands.

    Returns:
        The same, with the numbers of writings.
    """
    if after is before:
        return after
    counted = {}
    for key, progress in after.items():
        stood = before.get(key)
        if progress is not stood:
            revision = (stood.revision if stood is not None else 0) + 1
            counted[key] = msgspec.structs.replace(progress, revision=revision)
        else:
            counted[key] = progress
    return counted


def count_before(
    challenges: Mapping[str, Progress],
    fact: tuple[Metric, datetime, Zone],
    change: tuple[Sequence[Tally], Sequence[Tally]],
) -> Mapping[str, Progress]:
    """Let what stood before an account began follow a change of facts from before that.

    Args:
        challenges: the account's.
        fact: the metric that counts otherwise, the instant of the fact, the program's zone.
        change: what it counted and counts no more, and what it counts instead or newly.

    Returns:
        The same mapping where nothing of it is concerned.
    """
    changed: dict[str, Progress] = {}
    for key, progress in challenges.items():
        steps = _all_follow(progress.steps, fact, change)
        past = tuple(_all_follow(one, fact, change) for one in progress.past)
        if steps != progress.steps or past != progress.past:
            changed[key] = msgspec.structs.replace(progress, steps=steps, past=past)
    return {**challenges, **changed} if changed else challenges


def _all_follow(
    steps: tuple[Begun, ...],
    fact: tuple[Metric, datetime, Zone],
    change: tuple[Sequence[Tally], Sequence[Tally]],
) -> tuple[Begun, ...]:
    return tuple(
        _follow(fact[0], one, change) if _concerns(one, fact, is_taken=bool(change[0])) else one
        for one in steps
    )


def _concerns(begun: Begun, fact: tuple[Metric, datetime, Zone], *, is_taken: bool) -> bool:
    metric, at, zone = fact
    # What comes at the very instant comes after it; what is taken back of that instant had come before.
    return (
        begun.before is not None
        and begun.metric == metric.identity
        and (at < begun.since or (is_taken and at == begun.since))
        and bucket_of(metric, zone.day_of(begun.since)) == bucket_of(metric, zone.day_of(at))
    )


def _follow(metric: Metric, begun: Begun, change: tuple[Sequence[Tally], Sequence[Tally]]) -> Begun:
    bucket = begun.before or _EMPTY
    for tally in change[0]:
        bucket = taken_out(metric, bucket, tally)
    for tally in change[1]:
        bucket, _ = added(metric, bucket, tally)
    return msgspec.structs.replace(begun, before=bucket)
