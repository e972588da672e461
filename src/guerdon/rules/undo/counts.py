"""Metrics of an order of which something came back: counted again on what remains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from guerdon.base.exact import plain_text
from guerdon.base.ids import Chance
from guerdon.rules.challenges.since import count_before
from guerdon.rules.counting import NOTHING, Count, count_of
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.metrics import Metric, Tally, Value, added, bucket_of, taken_out, value_on
from guerdon.rules.orders import Order
from guerdon.rules.state import State
from guerdon.rules.undo.lines import Part

_ZERO = Decimal(0)
_PLACES = 12
_NO_CHANCE = Chance(bytes(8))


class Recount(msgspec.Struct, frozen=True):
    """What a return changed of metrics."""

    changed: frozenset[str]
    """Identities of those whose values may be others now."""
    since: Mapping[str, Decimal]
    """By metric that is a sum: how much less the order counts than when it was paid, all returns together."""
    now: Mapping[str, tuple[Metric, Value | None]] = {}
    """By metric that is none: what it comes to on the order's day without what came back."""


def recount(draft: Draft, paid: PaidOrder, part: Part) -> Recount:
    """Let metrics count what remains of an order, in the bucket in which they counted the order.

    A metric is asked twice, about what there was and about what remains, and the one takes the place of the
    other in its bucket. One that read what was known about people, who are others by now, gives back in
    proportion what it is recorded to have counted.

    Args:
        draft: the decision about the return.
        paid: the order.
        part: what comes back.

    Returns:
        What changed.
    """
    if paid.is_guests:
        return Recount(frozenset(), {})
    day = paid.program.zone.day_of(paid.event.occurred_at)
    changed: set[str] = set()
    since: dict[str, Decimal] = {}
    recorded = {metric.identity: metric for metric in _counting(paid)}
    for metric in (*recorded.values(), *_defined_since(draft, paid)):
        first, stood, remains = counts_of(draft.before, paid, part, metric)
        if metric.identity in recorded and metric.fold == "sum":
            since[metric.key] = (first.value or _ZERO) - (remains.value or _ZERO)
        if _replace(draft, metric, (bucket_of(metric, day), stood, remains)):
            changed.add(metric.identity)
            tallies = [(one.tally,) if one.tally is not None else () for one in (stood, remains)]
            fact = (metric, paid.event.occurred_at, draft.program.zone)
            draft.challenges = count_before(draft.challenges, fact, (tallies[0], tallies[1]))
    others = (one for one in recorded.values() if one.fold != "sum" and one.identity in changed)
    counts = draft.counts()
    now = {one.key: (one, value_on(one, counts, day)) for one in others}
    return Recount(frozenset(changed), since, now)


def _replace(draft: Draft, metric: Metric, change: tuple[date, Count, Count]) -> bool:
    """Let a bucket hold what remains of an order in the place of what stood."""
    on, stood, remains = change
    key = (metric.identity, on)
    bucket = draft.buckets.get(key)
    # A metric that was given up since has no buckets any more.
    if bucket is None or stood.tally == remains.tally:
        return False
    if stood.tally is not None:
        bucket = taken_out(metric, bucket, stood.tally)
    if remains.tally is not None:
        bucket, _ = added(metric, bucket, remains.tally)
    draft.put_bucket(key, bucket)
    return True


def _counting(paid: PaidOrder) -> tuple[Metric, ...]:
    counting = paid.program.metrics_by_event.get(paid.event.type, ())
    return tuple(metric for metric in counting if not metric.keeps_returned)


def _defined_since(draft: Draft, paid: PaidOrder) -> Iterator[Metric]:
    """Give the metrics that later versions defined: they counted the order from history."""
    known = {metric.identity for metric in _counting(paid)}
    for metric in draft.program.metrics_by_event.get(paid.event.type, ()):
        if metric.identity not in known and not metric.keeps_returned:
            yield metric


def counts_of(before: State, paid: PaidOrder, part: Part, metric: Metric) -> tuple[Count, Count, Count]:
    """Tell what a metric counts of an order, as the version that decided it read it.

    Args:
        before: the account and who acts.
        paid: the order.
        part: what comes back.
        metric: of that version, or of another one.

    Returns:
        What it counts of the whole order, of what stood before this return, and of what remains.
    """
    first = count_order(before, paid, paid.event.order, metric)
    kept, counted = recorded_of(paid, metric)
    if kept is not None and (first.tally is None or first.tally.keys != kept):
        whole = Count(Tally(keys=kept))
        stood, left = (whole if one is not None else NOTHING for one in (part.stood, part.remains))
        return whole, stood, left
    if counted is not None and first.value != counted:
        return _in_proportion(counted, part)
    stood = first if not paid.earlier else count_order(before, paid, part.stood, metric)
    return first, stood, count_order(before, paid, part.remains, metric)


def recorded_of(paid: PaidOrder, metric: Metric) -> tuple[tuple[str, ...] | None, Decimal | None]:
    """Find what a decision recorded that a metric counted which reads what is known about people.

    Args:
        paid: the order, or any other fact.
        metric: the metric.

    Returns:
        What it kept, and what it added up; None where nothing is recorded of this very metric.
    """
    known = paid.program.metrics.get(metric.key)
    if known is None or known.identity != metric.identity:
        return None, None
    return paid.decision.kept.get(metric.key), paid.decision.counted.get(metric.key)


def count_order(before: State, paid: PaidOrder, order: Order | None, metric: Metric) -> Count:
    """Tell what a metric counts of what there is of an order.

    Args:
        before: the account and who acts.
        paid: the order as it was paid.
        order: what there is of it; None where that is nothing.
        metric: of the version that decided, or of another one.

    Returns:
        What it counts.
    """
    if order is None:
        return NOTHING
    event = msgspec.structs.replace(paid.event, order=order)
    # As the order's own decision made its scope, with the version that decided.
    draft = Draft(paid.program, before, event, _NO_CHANCE)
    return count_of(metric, draft.scope(event.type), draft.day)


def _in_proportion(recorded: Decimal, part: Part) -> tuple[Count, Count, Count]:
    units = int(abs(recorded).scaleb(_PLACES))
    before, after = (Decimal(one).scaleb(-_PLACES).copy_sign(recorded) for one in part.shares(units))
    left = [Count(Tally(Decimal(plain_text(recorded - one)))) for one in (before, after)]
    stood = NOTHING if part.stood is None else left[0]
    return Count(Tally(recorded)), stood, NOTHING if part.remains is None else left[1]
