"""Local days in plain Python: what the model needs of a calendar, written apart from the engine's."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
Span = tuple[str, int]
"""A unit (`hours`, `days`, `months`) and how many."""


def day_of(zone: str, at: datetime) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def start_of(zone: str, day: date) -> datetime:
    """The first instant of a day; a midnight that the clock jumps over lands on the jump itself."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def next_change(zone: str, now: datetime) -> datetime:
    """The next instant at which clocks go forward or back; where they never do, a year from now."""
    place, hour = ZoneInfo(zone), timedelta(hours=1)
    at = now.replace(minute=0, second=0, microsecond=0)
    for _ in range(366):
        if (at + timedelta(days=1)).astimezone(place).utcoffset() != at.astimezone(place).utcoffset():
            while (at + hour).astimezone(place).utcoffset() == at.astimezone(place).utcoffset():
                at += hour
            return at + hour
        at += timedelta(days=1)
    return at


def next_leap_day(day: date) -> date:
    year = day.year + (day >= date(day.year, 2, 28))
    while not calendar.isleap(year):
        year += 1
    return date(year, 2, 29)


def add_months(day: date, months: int) -> date:
    year, month = day.year, day.month + months
    while month > 12:
        year, month = year + 1, month - 12
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def next_month(day: date) -> date:
    return add_months(day.replace(day=1), 1)


def after(zone: str, at: datetime, span: Span) -> datetime:
    """Hours are exact; days and months lead to the beginning of a local day."""
    unit, count = span
    if unit == "hours":
        return at + timedelta(hours=count)
    day = day_of(zone, at)
    moved = add_months(day, count) if unit == "months" else day + timedelta(days=count)
    return start_of(zone, moved)
