"""Metrics: named aggregates over an account's events, kept as buckets of local days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Period, Span, add_to_day, period_start
from guerdon.rules.expressions import Expression
from guerdon.rules.state import Bucket

BUCKETS_AT_MOST = 400
"""A value is a fold over at most this many buckets."""

Buckets = Mapping[tuple[str, date], Bucket]

_ZERO = Decimal(0)
_PEOPLE = ("account", "member")


class Window(msgspec.Struct, frozen=True):
    """The days that a metric looks back upon: a calendar period, or so many days."""

    period: Period = "all_time"
    rolling: Span | None = None
    """So many months or days up to and with the day asked for, instead of a calendar period."""

    @property
    def bucket_period(self) -> Period:
        """How long one bucket is."""
        return "day" if self.rolling else self.period

    @property
    def counts_for_ever(self) -> bool:
        """Tell whether nothing that was counted ever drops out."""
        return self.period == "all_time" and not self.rolling

    def first_day(self, day: date) -> date:
        """Give the first day that the window reaches back to.

        Args:
            day: local day on which the value is asked for.

        Returns:
            The first local day whose facts count.
        """
        if not self.rolling:
            return period_start(self.period, day)
        back = Span(months=-self.rolling.months, days=-self.rolling.days)
        return add_to_day(day, back) + timedelta(days=1)


class Metric(msgspec.Struct, frozen=True, dict=True):
    """A metric as compiled."""

    key: str
    identity: str
    """`key@hash`: a changed definition is another metric."""
    event: str
    window: Window
    value: Expression | None
    """None counts events."""
    when: Expression | None

    @cached_property
    def reads_people(self) -> bool:
        """Whether an event may count something else when asked again: what is known of people changes."""
        expressions = [one for one in (self.value, self.when) if one is not None]
        return any(path.split(".")[0] in _PEOPLE for one in expressions for path in one.reads)


def bucket_of(metric: Metric, day: date) -> date:
    """Give the bucket that a fact of a local day is counted in.

    Args:
        metric: the metric.
        day: local day of the fact.

    Returns:
        The bucket's first day.
    """
    return period_start(metric.window.bucket_period, day)


def value_on(metric: Metric, buckets: Buckets, day: date) -> Decimal:
    """Fold a metric's buckets into its value on a local day.

    Args:
        metric: the metric.
        buckets: the account's buckets.
        day: local day whose window is asked for.

    Returns:
        The exact sum, 0 where nothing was counted.
    """
    first = metric.window.first_day(day)
    if not metric.window.rolling:
        bucket = buckets.get((metric.identity, first))
        return bucket.total if bucket is not None else _ZERO
    return sum(
        (
            bucket.total
            for (identity, on), bucket in buckets.items()
            if identity == metric.identity and first <= on <= day
        ),
        _ZERO,
    )


def peak_within(metric: Metric, buckets: Buckets, first: date, end: date) -> Decimal:
    """Find the greatest value that a metric had within a period, whatever order its events arrived in.

    Args:
        metric: the metric.
        buckets: the account's buckets, as far back as the period's first window reaches.
        first: first local day of the period.
        end: first local day after it.

    Returns:
        The greatest value, 0 where nothing was counted.
    """
    if metric.window.counts_for_ever:
        return value_on(metric, buckets, EPOCH_DAY)
    days = {day for identity, day in buckets if identity == metric.identity and first <= day < end}
    if metric.window.rolling:
        days.add(first)
    # A longer window than the period (a year's spend reviewed monthly) began before it.
    days.add(bucket_of(metric, first))
    return max((value_on(metric, buckets, day) for day in days), default=_ZERO)


def first_counted(metric: Metric, buckets: Buckets) -> date | None:
    """Find the first bucket in which a metric counted anything.

    Args:
        metric: the metric.
        buckets: the account's buckets.

    Returns:
        Its first day, or None.
    """
    return min((day for identity, day in buckets if identity == metric.identity), default=None)


def counted_from(metric: Metric, buckets: Buckets, day: date) -> bool:
    """Tell whether a metric counted anything in a bucket that begins on a day or later.

    Args:
        metric: the metric.
        buckets: the account's buckets.
        day: first local day that is asked about.

    Returns:
        True where there is such a bucket.
    """
    return any(identity == metric.identity and on >= day for identity, on in buckets)
