"""What holds between ladders, the metrics that climb them, and what their tiers bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guerdon.rules.definition.checks import Finding, known_findings
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.ladders import Ladder, Tier
from guerdon.rules.definition.scalars.problems import listing
from guerdon.rules.definition.scalars.words import number_text

_REVIEWS: Final = "calendar_year, calendar_quarter, calendar_month"


def check_ladders(definition: Definition) -> Iterator[Finding]:
    """Check that metrics can climb, that tiers stand from low to high, and that benefits are known.

    Args:
        definition: as the models took it.

    Yields:
        What does not hold.
    """
    for key, ladder in definition.ladders.items():
        at = f"/ladders/{key}"
        yield from _metrics(definition, ladder, at)
        if ladder.review is None and _has_no_period(definition, ladder):
            detail = "the key 'review' is missing: the window of this ladder's metric is no review period"
            yield Finding(f"{at}/review", "missing_key", detail, _REVIEWS)
        yield from _tiers(ladder, at)
        for name, tier in ladder.tiers.items():
            yield from _benefits(definition, tier, f"{at}/tiers/{name}")


def _has_no_period(definition: Definition, ladder: Ladder) -> bool:
    metric = definition.metrics.get(ladder.climbed_by[0])
    if metric is None:
        return False
    return metric.window in ("calendar_week", "membership_year") or not isinstance(metric.window, str)


def _metrics(definition: Definition, ladder: Ladder, at: str) -> Iterator[Finding]:
    for place, key in enumerate(ladder.climbed_by):
        pointer = f"{at}/metrics/{place}" if ladder.metrics else f"{at}/metric"
        yield from known_findings("metric", key, definition.metrics, pointer)
        metric = definition.metrics.get(key)
        if metric is not None and (metric.min is not None or metric.last is not None):
            detail = f"a ladder climbs by what can grow; '{key}' keeps the least or the latest value"
            yield Finding(pointer, "ladder_metric", detail)


def _tiers(ladder: Ladder, at: str) -> Iterator[Finding]:
    below: tuple[object, ...] | None = None
    for key, tier in ladder.tiers.items():
        pointer = f"{at}/tiers/{key}/from"
        if below is None and tier.invitation:
            detail = "everybody holds the lowest tier, so it stands first and starts from 0"
            yield Finding(f"{at}/tiers/{key}/invitation", "first_tier_not_zero", detail)
            return
        if tier.from_ is None:
            if not tier.invitation:
                detail = "the key 'from' is missing: say which value reaches this tier, or `invitation: true`"
                yield Finding(pointer, "missing_key", detail, "from")
                return
            continue
        wrong = list(_values(ladder, tier, pointer))
        yield from wrong
        if wrong:
            return
        least = ladder.least(key)
        if below is None and any(least):
            yield Finding(
                pointer, "first_tier_not_zero", "the lowest tier stands first and starts from 0", "0"
            )
        elif below is not None and not _rises(below, least):
            shown = " and ".join(number_text(one) for one in below)  # type: ignore[arg-type]  # decimals
            detail = f"tiers stand from low to high, and this one does not start above {shown}"
            yield Finding(pointer, "tiers_not_increasing", detail)
        below = least


def _rises(below: tuple[object, ...], least: tuple[object, ...]) -> bool:
    pairs = list(zip(below, least, strict=True))
    return below != least and all(high >= low for low, high in pairs)  # type: ignore[operator]  # decimals


def _values(ladder: Ladder, tier: Tier, pointer: str) -> Iterator[Finding]:
    """Check that the values of a tier are those of its ladder's metrics."""
    metrics = ladder.climbed_by
    if not isinstance(tier.from_, Mapping):
        if ladder.metrics and tier.from_:
            wanted = ", ".join(f"{one}: …" for one in metrics)
            detail = "this ladder has several metrics; say from which value of each, such as {" + wanted + "}"
            yield Finding(pointer, "value_by_metric", detail)
        return
    for metric in tier.from_:
        if metric not in metrics:
            expected = listing(metrics)
            detail = (
                f"'{metric}' does not climb this ladder; {expected} do"
                if ladder.metrics
                else (f"this ladder is climbed by '{expected}' alone")
            )
            yield Finding(f"{pointer}/{metric}", "metric_of_another_ladder", detail, expected, at_key=True)
    missing = [metric for metric in metrics if metric not in tier.from_]
    if missing and ladder.reached_by == "any":
        detail = f"any of the metrics is enough, so say from which value of '{missing[0]}' as well"
        yield Finding(pointer, "value_by_metric", detail)


def _benefits(definition: Definition, tier: Tier, at: str) -> Iterator[Finding]:
    for place, name in enumerate(tier.benefits if definition.benefits else ()):
        pointer = f"{at}/benefits/{place}"
        yield from known_findings("benefit", name, definition.benefits, pointer)
        benefit = definition.benefits.get(name)
        if benefit is not None and benefit.rate is not None and benefit.rate != tier.rate:
            detail = (
                f"'{name}' says the rate {number_text(benefit.rate)}, and this tier's is"
                f" {number_text(tier.rate)}: say both alike"
            )
            yield Finding(pointer, "benefit_rate_differs", detail, number_text(tier.rate))
