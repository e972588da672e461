"""Metrics, ladders and segments as compiled: what an account's standing is counted by."""

from __future__ import annotations

import hashlib
from typing import Any

from guerdon.base.calendar import Period
from guerdon.base.exact import plain_text
from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.definition import ExpressionText
from guerdon.rules.expressions import BOOL, DECIMAL, Type
from guerdon.rules.metrics import Metric, Window
from guerdon.rules.reads import not_kept, standing_read
from guerdon.rules.sections import SEGMENT
from guerdon.rules.segments import Segment
from guerdon.rules.tiers import Ladder, Tier


def metric_of(work: Compiling, key: str, one: written.Metric) -> Metric:
    """Compile a metric; its identity contains the hash of what it says.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The metric.
    """
    window = _window(one.window)
    value, when = (work.expression(text, one.event, type_) for text, type_ in _counted(one))
    for field, expression in (("value", value), ("when", when)):
        changing = standing_read(expression)
        if changing:
            detail = f"a metric counts what events say; {changing} depends on the order of their arrival"
            work.fault(f"/metrics/{key}/{field}", "metric_reads_standing", detail)
    identity = _hash(one.model_dump_json(by_alias=True, exclude_defaults=True), work.definition.timezone)
    return Metric(
        key=key,
        identity=f"{key}@{identity}",
        event=one.event,
        window=window,
        value=value,
        when=when,
    )


def segments_in(work: Compiling) -> dict[str, Segment]:
    """Compile the segments of a definition.

    Args:
        work: the compilation; it takes the faults.

    Returns:
        The segments by key, without those whose condition does not compile.
    """
    found = {}
    for key, one in work.definition.segments.items():
        when = work.expression(one.when, SEGMENT, BOOL)
        if when is not None:
            found[key] = Segment(key, when, not_kept(when.reads, work.definition))
    return found


def ladder_of(work: Compiling, key: str, one: written.Ladder, metric: Metric) -> Ladder:
    """Compile a ladder.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.
        metric: what it is climbed by.

    Returns:
        The ladder.
    """
    review = _period(work.definition.review_of(key) or "calendar_year")
    tiers = tuple(
        Tier(tier, level.from_, level.rate, tuple(level.benefits)) for tier, level in one.tiers.items()
    )
    return Ladder(
        key=key,
        # What decides who holds which tier, and nothing else: a better name or rate re-opens no review.
        identity=_hash(
            metric.identity,
            str(review),
            one.grace.text,
            str(one.soft_landing),
            *(f"{tier.key}:{plain_text(tier.threshold)}" for tier in tiers),
        ),
        metric=metric,
        review=review,
        grace=span_of(one.grace),
        soft_landing=one.soft_landing,
        tiers=tiers,
    )


def _window(one: Any) -> Window:
    if isinstance(one, str):
        return Window(_period(one))
    return Window("day", span_of(one.rolling))


def _period(name: str) -> Period:
    return name.removeprefix("calendar_")  # type: ignore[return-value]  # the models allow only periods


def _counted(one: written.Metric) -> tuple[tuple[ExpressionText | None, Type], ...]:
    return (one.value, DECIMAL), (one.when, BOOL)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
