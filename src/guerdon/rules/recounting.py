"""An account's metrics counted from the beginning: the same as were counted event by event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from guerdon.base.ids import Chance
from guerdon.rules.counting import Count, count_of
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event, PaidOrder
from guerdon.rules.metrics import Metric, Tally, added, bucket_of
from guerdon.rules.program import Program
from guerdon.rules.state import Bucket, State
from guerdon.rules.undo import counts_of, part_left
from guerdon.rules.undo.counts import recorded_of

_NO_CHANCE = Chance(bytes(8))


class Recounting:
    """Counts facts of one account, one after the other and in any order, in the metrics of one version."""

    def __init__(self, metrics: Mapping[str, tuple[Metric, ...]]) -> None:
        """Begin with nothing counted.

        Args:
            metrics: by the type of events that they look at.
        """
        self._metrics = metrics
        self.buckets: dict[tuple[str, date], Bucket] = {}
        """What was counted, by metric identity and first day."""

    def count(self, before: State, paid: PaidOrder, again: Event | None = None) -> None:
        """Count what there is of a fact; the caller has entered exact arithmetic.

        Args:
            before: the account as far as it never changes, and who acted, as they are now.
            paid: the fact, with the version that decided it and what came back of it since.
            again: the fact as it may have been read as well, where numbers are stored as texts.
        """
        metrics = self._metrics.get(paid.event.type, ())
        if not metrics:
            return
        if paid.earlier and paid.event.order is not None:
            part = part_left(paid)
            for metric in metrics:
                whole, _, remains = counts_of(before, paid, part, metric)
                self._put(paid.program, metric, paid.event, whole if metric.keeps_returned else remains)
            return
        draft = Draft(paid.program, before, paid.event, _NO_CHANCE)
        scope = draft.scope(paid.event.type)
        for metric in metrics:
            count = _recorded(paid, metric) or count_of(metric, scope, draft.day)
            if count.refusal and again is not None:
                other = Draft(paid.program, before, again, _NO_CHANCE)
                count = count_of(metric, other.scope(again.type), other.day)
            self._put(paid.program, metric, paid.event, count)

    def _put(self, program: Program, metric: Metric, event: Event, count: Count) -> None:
        if count.tally is not None:
            key = (metric.identity, bucket_of(metric, program.zone.day_of(event.occurred_at)))
            self.buckets[key], _ = added(metric, self.buckets.get(key), count.tally)


def _recorded(paid: PaidOrder, metric: Metric) -> Count | None:
    if not metric.reads_people:
        return None
    kept, counted = recorded_of(paid, metric)
    if kept is not None:
        return Count(Tally(keys=kept))
    return Count(Tally(counted)) if counted is not None else None
