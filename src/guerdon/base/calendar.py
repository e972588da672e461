"""A program's calendar: its local days, when each begins, and spans and periods counted in them."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from guerdon.base.errors import Problem

Period = Literal["all_time", "year", "quarter", "month", "week", "day"]

EPOCH_DAY = date(1970, 1, 1)
FIRST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(2200, 1, 1, tzinfo=UTC)
"""Facts are dated between these two; spans of up to 500 years can still be added to the last."""


class Span(NamedTuple):
    """A length of time in one or more units; months and days are local ones, hours and minutes exact."""

    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0

    def __bool__(self) -> bool:
        """Tell whether the span is longer than nothing."""
        return bool(self.months or self.days or self.hours or self.minutes)


@lru_cache(maxsize=64)
def _load_zone(name: str) -> ZoneInfo:
    # The pinned package and never the system's copy: two machines must agree on each midnight.
    parts = name.split("/")
    if not all(part and part[0].isalpha() and ".." not in part for part in parts):
        raise Problem("unknown_timezone", f"{name!r} is not an IANA time zone")
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError) as error:
        raise Problem("unknown_timezone", f"{name!r} is not an IANA time zone") from error


class Zone:
    """The local calendar of one time zone; each answer is remembered, for a decision asks the same thrice."""

    def __init__(self, name: str) -> None:
        """Open a time zone.

        Args:
            name: IANA name, such as `America/New_York`.

        Raises:
            Problem: `unknown_timezone`.
        """
        self.name = name
        self.info = _load_zone(name)
        self.start_of: Callable[[date], datetime] = lru_cache(maxsize=4096)(self._find_start)
        self.day_of: Callable[[datetime], date] = lru_cache(maxsize=4096)(self._find_day)
        self._start_after: Callable[[date, Span], datetime] = lru_cache(maxsize=4096)(self._find_start_after)

    def local(self, instant: datetime) -> datetime:
        """Give the local clock's reading.

        Args:
            instant: aware instant.

        Returns:
            The same instant in this zone.
        """
        return instant.astimezone(self.info)

    def _find_day(self, instant: datetime) -> date:
        """Give the local day that an aware instant belongs to."""
        return instant.astimezone(self.info).date()

    def _find_start(self, day: date) -> datetime:
        """Give the first instant of a local day (UTC), also where its midnight does not exist."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.info)
        instant = midnight.astimezone(UTC)
        if self._find_day(instant - timedelta(microseconds=1)) < day <= self._find_day(instant):
            return instant
        # The clock jumped over this midnight: search the jump.
        early, late = instant - timedelta(days=2), instant + timedelta(days=2)
        while late - early > timedelta(microseconds=1):
            middle = early + (late - early) // 2
            if self._find_day(middle) < day:
                early = middle
            else:
                late = middle
        return late

    def after(self, instant: datetime, span: Span) -> datetime:
        """Add a span; days and months lead to the beginning of a local day, hours and minutes are exact.

        Args:
            instant: where counting starts.
            span: what is added; nothing gives the beginning of the local day of `instant`.

        Returns:
            Instant in UTC.
        """
        if span.hours or span.minutes:
            return instant + timedelta(days=span.days, hours=span.hours, minutes=span.minutes)
        return self._start_after(self.day_of(instant), span)

    def _find_start_after(self, day: date, span: Span) -> datetime:
        return self.start_of(add_to_day(day, span))


def add_to_day(day: date, span: Span) -> date:
    """Add the months and days of a span to a day; months clamp to the month's last day.

    Args:
        day: where counting starts.
        span: its months are added first, then its days.

    Returns:
        The resulting day.
    """
    if span.months:
        year, month0 = divmod(day.year * 12 + day.month - 1 + span.months, 12)
        last = calendar.monthrange(year, month0 + 1)[1]
        day = date(year, month0 + 1, min(day.day, last))
    return day + timedelta(days=span.days) if span.days else day


def period_start(period: Period, day: date) -> date:
    """Give the first day of the period that a day belongs to.

    Args:
        period: which calendar; weeks begin on Monday, `all_time` is one period from 1970-01-01.
        day: any day.

    Returns:
        The period's first day.
    """
    if period == "day":
        return day
    if period == "month":
        return day.replace(day=1)
    if period == "year":
        return date(day.year, 1, 1)
    if period == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return EPOCH_DAY


_STEPS = {
    "day": Span(days=1),
    "week": Span(days=7),
    "month": Span(months=1),
    "quarter": Span(months=3),
    "year": Span(months=12),
}


def period_end(period: Period, day: date) -> date:
    """Give the first day after the period that a day belongs to.

    Args:
        period: which calendar, not `all_time`.
        day: any day.

    Returns:
        The first day of the next period.
    """
    return add_to_day(period_start(period, day), _STEPS[period])
