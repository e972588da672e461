"""Challenges of two accounts that become one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from guerdon.base.calendar import Zone
from guerdon.rules.contents import Contents
from guerdon.rules.draft import Draft
from guerdon.rules.metrics import Buckets, Metric, bucket_of, merged
from guerdon.rules.state import Begun, Bucket, Progress


def joined_challenges(draft: Draft, contents: Contents) -> Mapping[str, Progress]:
    """Put together how far both accounts are, before their buckets are; no prize comes of it.

    What the other account did before counts for no beginning of either; prizes that either reached stay.

    Args:
        draft: the decision about the account that stays.
        contents: of the other account.

    Returns:
        The progress of both; where both took part, the beginning of the account that stays.
    """
    metrics = {metric.identity: metric for metric in draft.program.metrics.values()}
    zone = draft.program.zone
    theirs = {(one.metric, one.on): one.bucket for one in contents.buckets}
    joined = {key: _with(one, metrics, theirs, zone) for key, one in draft.challenges.items()}
    for key, other in contents.challenges.items():
        came = _with(other, metrics, draft.buckets, zone)
        mine = joined.get(key)
        joined[key] = msgspec.structs.replace(came, revision=0) if mine is None else _both(mine, came)
    return joined


def _both(mine: Progress, theirs: Progress) -> Progress:
    rounds = dict(mine.rounds)
    for window, times in theirs.rounds.items():
        rounds[window] = rounds.get(window, 0) + times
    reached = [one for one in (mine.reached_at, theirs.reached_at) if one is not None]
    joined = [one for one in (mine.joined_at, theirs.joined_at) if one is not None]
    return msgspec.structs.replace(
        mine,
        rounds=rounds,
        reached_at=max(reached, default=None),
        joined_at=mine.joined_at or max(joined, default=None),
        steps=mine.steps or theirs.steps,
        history=tuple(sorted((*mine.history, *theirs.history), key=lambda one: one.at))[-50:],
    )


def _with(progress: Progress, metrics: Mapping[str, Metric], other: Buckets, zone: Zone) -> Progress:
    """Let what the other account had counted be from before the beginning."""
    steps = tuple(_before(one, metrics, other, zone) for one in progress.steps)
    return msgspec.structs.replace(progress, steps=steps) if steps != progress.steps else progress


def _before(begun: Begun, metrics: Mapping[str, Metric], other: Buckets, zone: Zone) -> Begun:
    metric = metrics.get(begun.metric)
    if metric is None or begun.before is None:
        return begun
    place: tuple[str, date] = (begun.metric, bucket_of(metric, zone.day_of(begun.since)))
    more: Bucket | None = other.get(place)
    return (
        begun if more is None else msgspec.structs.replace(begun, before=merged(metric, begun.before, more))
    )
