"""Metrics, ladders and segments as compiled: what an account's standing is counted by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from guerdon.base.calendar import Period
from guerdon.base.exact import plain_text
from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.definition import canonical_data
from guerdon.rules.expressions import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    Expression,
    ListOf,
    Type,
)
from guerdon.rules.metrics import Fold, Metric, Streak, Window
from guerdon.rules.own_events import TIER_LOST
from guerdon.rules.reads import not_kept, standing_read
from guerdon.rules.sections import SEGMENT
from guerdon.rules.segments import Segment
from guerdon.rules.tiers import Ladder, Tier

KEPT: Final = "+returned"
"""How the names of metrics end for which what was returned still counts."""
_READ = ("value", "distinct", "min", "max", "last")
_WANTED: dict[str, Type | None] = {"distinct": None, "last": None}
_KEEPS: dict[str, tuple[Type, ...]] = {
    "last": (INT, DECIMAL, TIMESTAMP),
    "distinct": (BOOL, INT, DECIMAL, STRING, TIMESTAMP, DURATION, ANY),
}


def metric_of(work: Compiling, key: str, one: written.Metric) -> Metric:
    """Compile a metric; its identity contains the hash of what it says.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The metric.
    """
    field = next((name for name in _READ if getattr(one, name) is not None), "value")
    written_value = getattr(one, field)
    value = work.expression(written_value, one.event, _WANTED.get(field, DECIMAL))
    when = work.expression(one.when, one.event, BOOL)
    _check_kept(work, f"/metrics/{key}/{field}", (field, value))
    for name, expression in ((field, value), ("when", when)):
        changing = standing_read(expression)
        if changing:
            detail = f"a metric counts what events say; {changing} depends on the order of their arrival"
            work.fault(f"/metrics/{key}/{name}", "metric_reads_standing", detail)
    row = one.in_a_row
    return Metric(
        key=key,
        identity=_identity(work.definition, key, one),
        event=one.event,
        window=window_of(one.window),
        value=value,
        when=when,
        fold=_fold_of(field, one),
        streak=Streak(row.of, row.forgives, row.longest) if row is not None else None,
        is_instant=field == "last" and value is not None and value.type == TIMESTAMP,
    )


def _identity(definition: written.Definition, key: str, one: written.Metric) -> str:
    return f"{key}@{_hash(json.dumps(canonical_data(one)), definition.timezone)}"


def written_identities(definition: written.Definition) -> frozenset[str]:
    """Name the metrics of a definition with the hashes of what they say.

    Args:
        definition: any definition.

    Returns:
        What their buckets are kept under.
    """
    known = {key: _identity(definition, key, one) for key, one in definition.metrics.items()}
    return frozenset((*known.values(), *(f"{known[key]}{KEPT}" for key in _kept_in(definition))))


def _fold_of(field: str, one: written.Metric) -> Fold:
    if one.streak is not None:
        return "streak"
    return "sum" if field == "value" else field  # type: ignore[return-value]  # the other fields are folds


def _check_kept(work: Compiling, pointer: str, kept: tuple[str, Expression | None]) -> None:
    """Make sure that what is kept of each event can be kept."""
    field, value = kept
    if value is None or field not in _KEEPS:
        return
    kind = value.type.item if field == "distinct" and isinstance(value.type, ListOf) else value.type
    if kind not in _KEEPS[field]:
        says = "a number or an instant" if field == "last" else "a value or a list of values"
        work.fault(pointer, "type_mismatch", f"{says} was expected, and this gives a {value.type}")


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
            found[key] = Segment(key, when, not_kept(when.reads))
    return found


def ladder_of(work: Compiling, key: str, one: written.Ladder, metrics: Mapping[str, Metric]) -> Ladder:
    """Compile a ladder.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.
        metrics: what it may be climbed by, those that keep what was returned among them.

    Returns:
        The ladder.
    """
    review = _period(work.definition.review_of(key) or "calendar_year")
    tiers = tuple(
        Tier(tier, one.least(tier), level.rate, tuple(level.benefits), level.lifetime)
        for tier, level in one.tiers.items()
    )
    kept = KEPT if one.on_return == "keep" else ""
    climbed_by = tuple(metrics[f"{metric}{kept}"] for metric in one.climbed_by)
    return Ladder(
        key=key,
        # What decides who holds which tier, and nothing else: a better name or rate re-opens no review.
        identity=_hash(
            *(metric.identity for metric in climbed_by),
            *(["any"] if one.reached_by == "any" else []),
            str(review),
            one.grace.text,
            str(one.soft_landing),
            *(f"{tier.key}:{_said(tier)}" for tier in tiers),
        ),
        metrics=climbed_by,
        review=review,
        grace=span_of(one.grace),
        soft_landing=one.soft_landing,
        tiers=tiers,
        by_any=one.reached_by == "any",
        tells_losses=_waits_for(work.definition, TIER_LOST),
    )


def _waits_for(definition: written.Definition, event_type: str) -> bool:
    return any(one.event == event_type for one in definition.metrics.values()) or any(
        one.trigger == event_type for one in definition.campaigns.values()
    )


def _said(tier: Tier) -> str:
    values = ",".join(map(plain_text, tier.least)) if tier.is_earned else "invitation"
    return f"{values}:lifetime" if tier.lifetime else values


def kept_metrics(definition: written.Definition, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Make the metrics of ladders for which what was returned still counts: they count beside the others.

    Args:
        definition: as loaded and checked.
        metrics: the compiled metrics.

    Returns:
        By a name that no document can say.
    """
    return {
        f"{name}{KEPT}": msgspec.structs.replace(
            metrics[name],
            key=f"{name}{KEPT}",
            identity=f"{metrics[name].identity}{KEPT}",
            keeps_returned=True,
        )
        for name in sorted(_kept_in(definition))
    }


def _kept_in(definition: written.Definition) -> set[str]:
    keeping = [one for one in definition.ladders.values() if one.on_return == "keep"]
    return {metric for ladder in keeping for metric in ladder.climbed_by}


def window_of(one: Any) -> Window:
    """Compile a window.

    Args:
        one: as written.

    Returns:
        The days that it looks back upon.
    """
    if isinstance(one, written.Dates):
        return Window(between=(one.starts, one.ends))
    if one == "membership_year":
        return Window("day", membership=True)
    if isinstance(one, str):
        return Window(_period(one))
    return Window("day", span_of(one.rolling))


def _period(name: str) -> Period:
    return name.removeprefix("calendar_")  # type: ignore[return-value]  # the models allow only periods


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
