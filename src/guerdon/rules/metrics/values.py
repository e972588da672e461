"""Buckets folded into a metric's value on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import EPOCH_DAY
from guerdon.rules.metrics.metric import Metric, Streak, bucket_of, unit_start
from guerdon.rules.metrics.tallies import least_or_greatest
from guerdon.rules.state import Bucket

Buckets = Mapping[tuple[str, date], Bucket]
Value = Decimal | datetime
"""What expressions read: a number, or an instant."""

_ZERO = Decimal(0)
_WEEK = 7
_MONTHS = 12


class Counts(msgspec.Struct, frozen=True):
    """What an account's metrics counted, and from when on its years are counted."""

    buckets: Buckets
    joined_on: date = EPOCH_DAY
    """Local day on which the account began."""


def value_on(metric: Metric, counts: Counts, day: date) -> Value | None:
    """Fold a metric's buckets into its value on a local day.

    Args:
        metric: the metric.
        counts: the account's buckets.
        day: local day whose window is asked for.

    Returns:
        The exact value: 0 for counts, sums and streaks of nothing; None for extremes and last times.
    """
    first, end = metric.window.days(day, counts.joined_on)
    if metric.streak is not None:
        return Decimal(_streak_on(metric, metric.streak, counts, (first, day)))
    if metric.fold in ("sum", "distinct") and metric.window.is_fixed and not metric.daily:
        bucket = counts.buckets.get((metric.identity, first))
        return bucket.total if bucket is not None else _ZERO
    buckets = list(_within(metric, counts.buckets, first, end))
    if metric.fold == "sum":
        return sum((bucket.total for bucket in buckets), _ZERO)
    if metric.fold == "distinct":
        return Decimal(len({key for bucket in buckets for key in bucket.held}))
    return _extreme(metric, (key for bucket in buckets for key in bucket.held))


def number_on(metric: Metric, counts: Counts, day: date) -> Decimal:
    """Give a metric's value on a local day as a number.

    Args:
        metric: the metric, not one of instants.
        counts: the account's buckets.
        day: local day whose window is asked for.

    Returns:
        The value, 0 where nothing was counted.
    """
    value = value_on(metric, counts, day)
    return value if isinstance(value, Decimal) else _ZERO


def peak_within(metric: Metric, counts: Counts, first: date, end: date) -> Decimal:
    """Find the greatest value that a metric had within a period, whatever order its events arrived in.

    Args:
        metric: the metric.
        counts: the account's buckets, as far back as the period's first window reaches.
        first: first local day of the period.
        end: first local day after it.

    Returns:
        The greatest value, 0 where nothing was counted.
    """
    if metric.never_falls:
        return number_on(metric, counts, EPOCH_DAY)
    if metric.streak is not None:
        return Decimal(_longest_within(metric, metric.streak, counts, (first, end)))
    days = {day for day in _days_counted(metric, counts.buckets) if first <= day < end}
    # A longer window than the period (a year's spend reviewed monthly) began before it.
    days.add(bucket_of(metric, first) if metric.window.is_fixed else first)
    if metric.window.membership:
        # An account's own year goes on after the period, and what comes then is not the period's.
        return max((number_on(metric, _until(metric, counts, day), day) for day in days), default=_ZERO)
    return max((number_on(metric, counts, day) for day in days), default=_ZERO)


def _until(metric: Metric, counts: Counts, day: date) -> Counts:
    known = counts.buckets.items()
    buckets = {key: bucket for key, bucket in known if key[0] == metric.identity and key[1] <= day}
    return Counts(buckets, counts.joined_on)


def run_lengths(metric: Metric, counts: Counts) -> list[int]:
    """Tell how long each streak of a metric was, whatever order its events arrived in.

    Args:
        metric: one of streaks.
        counts: the account's buckets.

    Returns:
        Lengths, the earliest streak first.
    """
    assert metric.streak is not None, "the caller asks for streaks"
    active = sorted(_number_of(metric.streak, unit) for unit in _days_counted(metric, counts.buckets))
    return [length for _, length in _runs(metric.streak, active)]


def first_counted(metric: Metric, counts: Counts) -> date | None:
    """Find the first bucket in which a metric counted anything.

    Args:
        metric: the metric.
        counts: the account's buckets.

    Returns:
        Its first day, or None.
    """
    return min((day for identity, day in counts.buckets if identity == metric.identity), default=None)


def counted_from(metric: Metric, counts: Counts, day: date) -> bool:
    """Tell whether a metric counted anything on a day or later, as far as its buckets tell days apart.

    Args:
        metric: the metric.
        counts: the account's buckets.
        day: first local day that is asked about.

    Returns:
        True where there is such a fact.
    """
    return any(on >= day for on in _days_counted(metric, counts.buckets))


def _days_counted(metric: Metric, buckets: Buckets) -> Iterator[date]:
    for (identity, on), bucket in buckets.items():
        if identity == metric.identity:
            if metric.streak is None:
                yield on
            else:
                yield from map(date.fromisoformat, bucket.held)


def _within(metric: Metric, buckets: Buckets, first: date, end: date) -> Iterator[Bucket]:
    for (identity, on), bucket in buckets.items():
        if identity == metric.identity and first <= on < end:
            yield bucket


def _extreme(metric: Metric, keys: Iterable[str]) -> Value | None:
    found = least_or_greatest(metric, keys)
    if found is None:
        return None
    if metric.fold == "last":
        at, _, value = found.partition("|")
        found = value or at
    return datetime.fromisoformat(found) if metric.is_instant else Decimal(found)


def _streak_on(metric: Metric, streak: Streak, counts: Counts, days: tuple[date, date]) -> int:
    """Count the periods in a row: those that a window touches, up to the day asked for."""
    first, day = unit_start(streak.of, days[0]), days[1]
    active = sorted(
        _number_of(streak, unit) for unit in _days_counted(metric, counts.buckets) if unit >= first
    )
    today = _number_of(streak, day)
    if streak.longest:
        return max((length for _, length in _runs(streak, active)), default=0)
    runs = list(_runs(streak, [one for one in active if one <= today]))
    if not runs or today - runs[-1][0] - 1 > streak.forgives:
        return 0
    return runs[-1][1]


def _longest_within(metric: Metric, streak: Streak, counts: Counts, days: tuple[date, date]) -> int:
    """Find the greatest value that a streak had within a period: it is greatest on days on which it grows."""
    first, end = days
    greatest = _streak_on(metric, streak, counts, (metric.window.days(first, counts.joined_on)[0], first))
    if metric.window.is_endless and not streak.longest:
        length, before = 0, None
        for unit in sorted(_days_counted(metric, counts.buckets)):
            number = _number_of(streak, unit)
            goes_on = before is not None and number - before - 1 <= streak.forgives
            length, before = length + 1 if goes_on else 1, number
            if first <= unit < end:
                greatest = max(greatest, length)
        return greatest
    for unit in {day for day in _days_counted(metric, counts.buckets) if first <= day < end}:
        since = metric.window.days(unit, counts.joined_on)[0]
        greatest = max(greatest, _streak_on(metric, streak, counts, (since, unit)))
    return greatest


def _runs(streak: Streak, active: list[int]) -> Iterator[tuple[int, int]]:
    """Give each run of periods: its last one, and how many periods had something."""
    length = 0
    for place, number in enumerate(active):
        length += 1
        if place + 1 == len(active) or active[place + 1] - number - 1 > streak.forgives:
            yield number, length
            length = 0


def _number_of(streak: Streak, day: date) -> int:
    """Number the day, week or month that a day belongs to, so that neighbours differ by one."""
    if streak.of == "month":
        return day.year * _MONTHS + day.month
    return day.toordinal() if streak.of == "day" else (day.toordinal() - 1) // _WEEK
