"""A metric as compiled: what it counts, over which time, and in which buckets."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Period, Span, add_to_day, period_end, period_start
from guerdon.rules.expressions import Expression

Fold = Literal["sum", "distinct", "streak", "min", "max", "last"]
"""How values become one: counting is a sum of ones."""
Unit = Literal["day", "week", "month"]

BUCKETS_AT_MOST = 400
"""A value over a window is a fold over at most this many buckets; over all time they are months."""

_PEOPLE = ("account", "member")
_END_OF_TIME = date.max
_A_YEAR = 12
_LONGEST_YEAR = timedelta(days=366)
_BUCKET_OF_UNIT: dict[Unit, Period] = {"day": "month", "week": "year", "month": "year"}


class Streak(msgspec.Struct, frozen=True):
    """Periods in a row."""

    of: Unit
    forgives: int = 0
    """So many periods in a row may pass without anything."""
    longest: bool = False
    """Whether the longest one counts, and not the one that goes on."""


class Window(msgspec.Struct, frozen=True):
    """The days that a metric looks back upon."""

    period: Period = "all_time"
    rolling: Span | None = None
    """So many months or days up to and with the day asked for, instead of a calendar period."""
    membership: bool = False
    """Whether it is the year since the last day on which the account became a year older."""
    between: tuple[date, date] | None = None
    """The first and the last day of which facts count, whenever it is asked."""

    @property
    def is_fixed(self) -> bool:
        """Tell whether a calendar alone says where it begins and ends."""
        return not self.rolling and not self.membership

    @property
    def is_endless(self) -> bool:
        """Tell whether nothing that was counted ever drops out for its age."""
        return self.period == "all_time" and self.is_fixed

    def covers(self, day: date) -> bool:
        """Tell whether facts of a day count at all.

        Args:
            day: local day of a fact.

        Returns:
            False for days outside of two dates.
        """
        return self.between is None or self.between[0] <= day <= self.between[1]

    def days(self, day: date, joined_on: date) -> tuple[date, date]:
        """Give the days that count on a day.

        Args:
            day: local day on which the value is asked for.
            joined_on: local day on which the account began.

        Returns:
            The first local day whose facts count, and the first after them.
        """
        if self.rolling:
            back = Span(months=-self.rolling.months, days=-self.rolling.days)
            return add_to_day(day, back) + timedelta(days=1), day + timedelta(days=1)
        if self.membership:
            return _membership_year(day, joined_on)
        if self.period == "all_time":
            return EPOCH_DAY, _END_OF_TIME
        return period_start(self.period, day), period_end(self.period, day)

    def reaches_back_to(self, day: date) -> date:
        """Give the earliest day that may count on a day, for whoever it is.

        Args:
            day: local day.

        Returns:
            The first local day that is read.
        """
        return day - _LONGEST_YEAR if self.membership else self.days(day, EPOCH_DAY)[0]


def _membership_year(day: date, joined_on: date) -> tuple[date, date]:
    years = day.year - joined_on.year
    first = add_to_day(joined_on, Span(months=_A_YEAR * years))
    if first > day:
        years -= 1
        first = add_to_day(joined_on, Span(months=_A_YEAR * years))
    return first, add_to_day(joined_on, Span(months=_A_YEAR * (years + 1)))


class Metric(msgspec.Struct, frozen=True, dict=True):
    """A metric as compiled."""

    key: str
    identity: str
    """`key@hash`: a changed definition is another metric."""
    event: str
    window: Window
    value: Expression | None
    """What of an event is folded; None counts events, and of `last` keeps their time."""
    when: Expression | None
    fold: Fold = "sum"
    streak: Streak | None = None
    is_instant: bool = False
    """Whether its value is a time, and no number."""
    between: tuple[datetime, datetime] | None = None
    """Local moments between which facts count, where a challenge says more than days."""
    keeps_returned: bool = False
    """Whether what was returned still counts."""
    daily: bool = False
    """Whether each day is kept apart, though its window would not need it: of what teams do together."""

    @cached_property
    def reads_people(self) -> bool:
        """Whether an event may count something else when asked again: what is known of people changes."""
        expressions = [one for one in (self.value, self.when) if one is not None]
        return any(path.split(".")[0] in _PEOPLE for one in expressions for path in one.reads)

    @cached_property
    def bucket_period(self) -> Period:
        """How long one bucket is."""
        if self.streak is not None:
            return _BUCKET_OF_UNIT[self.streak.of]
        if self.daily or not self.window.is_fixed:
            return "day"
        period = self.window.period
        if self.fold in ("sum", "distinct") or period == "week":
            return period
        return "month"

    @cached_property
    def never_falls(self) -> bool:
        """Whether time alone never lowers its value."""
        grows = self.fold in ("sum", "distinct", "max") or (self.streak is not None and self.streak.longest)
        return grows and self.window.is_endless

    def first_bucket(self, day: date) -> date:
        """Give the earliest bucket that is read for its value on a day, for whoever it is.

        Args:
            day: local day.

        Returns:
            The bucket's first day.
        """
        first = self.window.reaches_back_to(day)
        if self.streak is not None:
            first = unit_start(self.streak.of, first)
        return period_start(self.bucket_period, first) if first > EPOCH_DAY else EPOCH_DAY


def unit_start(unit: Unit, day: date) -> date:
    """Give the first day of the day, week or month that a day belongs to.

    Args:
        unit: which.
        day: local day.

    Returns:
        Its first day.
    """
    return period_start(unit, day)


def bucket_of(metric: Metric, day: date) -> date:
    """Give the bucket that a fact of a local day is counted in.

    Args:
        metric: the metric.
        day: local day of the fact.

    Returns:
        The bucket's first day.
    """
    if metric.streak is not None:
        day = unit_start(metric.streak.of, day)
    return period_start(metric.bucket_period, day)
