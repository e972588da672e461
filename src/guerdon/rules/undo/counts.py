"""Metrics of an order of which something came back: counted again on what remains."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from guerdon.base.exact import plain_text
from guerdon.rules.counting import Count, count_of
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.metrics import Metric, bucket_of
from guerdon.rules.orders import Order
from guerdon.rules.state import Bucket
from guerdon.rules.undo.lines import Part

_ZERO = Decimal(0)
_NOTHING = Count()
_PLACES = 12


class Recount(msgspec.Struct, frozen=True):
    """What a return changed of metrics."""

    changed: frozenset[str]
    """Identities of those whose sums are others now."""
    since: Mapping[str, Decimal]
    """By metric: how much less the order counts than when it was paid, all returns together."""


def recount(draft: Draft, paid: PaidOrder, part: Part) -> Recount:
    """Let metrics count what remains of an order, in the bucket in which they counted the order.

    A metric of the recorded version is asked twice, about what there was and about what remains, and the
    difference goes into its bucket. One that read what was known about people, who are others by now, gives
    back in proportion what it is recorded to have counted.

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
    for metric in paid.program.metrics_by_event.get(paid.event.type, ()):
        first, stood, remains = _counts(draft, paid, part, metric)
        since[metric.key] = (first.value or _ZERO) - (remains.value or _ZERO)
        change = (remains.value or _ZERO) - (stood.value or _ZERO)
        count = (remains.value is not None) - (stood.value is not None)
        key = (metric.identity, bucket_of(metric, day))
        bucket = draft.buckets.get(key)
        # A metric that was defined anew since has buckets of its own.
        if bucket is not None and (change or count):
            draft.buckets = {**draft.buckets, key: Bucket(bucket.total + change, bucket.count + count)}
            changed.add(metric.identity)
    return Recount(frozenset(changed), since)


def _counts(draft: Draft, paid: PaidOrder, part: Part, metric: Metric) -> tuple[Count, Count, Count]:
    """Give what a metric counts of the whole order, of what stood before this return, and of what remains."""
    first = _count(draft, paid, paid.event.order, metric)
    recorded = paid.decision.counted.get(metric.key)
    if recorded is not None and first.value != recorded:
        return _in_proportion(recorded, part)
    stood = first if not paid.earlier else _count(draft, paid, part.stood, metric)
    return first, stood, _count(draft, paid, part.remains, metric)


def _count(draft: Draft, paid: PaidOrder, order: Order | None, metric: Metric) -> Count:
    if order is None:
        return _NOTHING
    event = msgspec.structs.replace(paid.event, order=order)
    # As the order's own decision made its scope, with the version that decided.
    scope = Draft(paid.program, draft.before, event, draft.chance).scope(event.type)
    return count_of(metric, scope)


def _in_proportion(recorded: Decimal, part: Part) -> tuple[Count, Count, Count]:
    units = int(abs(recorded).scaleb(_PLACES))
    before, after = (Decimal(one).scaleb(-_PLACES).copy_sign(recorded) for one in part.shares(units))
    left = [Decimal(plain_text(recorded - one)) for one in (before, after)]
    stood = _NOTHING if part.stood is None else Count(left[0])
    return Count(recorded), stood, _NOTHING if part.remains is None else Count(left[1])
