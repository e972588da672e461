"""Local days against a calendar that is walked minute by minute, and the odd days of real countries."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.calendar import EPOCH_DAY, Period, Span, Zone, add_to_day, period_end, period_start
from guerdon.base.errors import Problem

ZONES = (
    "UTC", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia",
    "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana", "Asia/Tehran", "Africa/Casablanca",
)  # fmt: skip
PERIODS: tuple[Period, ...] = ("year", "quarter", "month", "week", "day")
days = st.dates(date(2000, 1, 1), date(2037, 12, 31))
zones = st.sampled_from([Zone(name) for name in ZONES])
instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds UTC


def first_minute(zone: Zone, day: date) -> datetime:
    """Walk minute by minute until the local day has come."""
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while instant.astimezone(zone.info).date() < day:
        instant += timedelta(minutes=15)
    while (instant - timedelta(minutes=1)).astimezone(zone.info).date() >= day:
        instant -= timedelta(minutes=1)
    return instant


@given(zones, days)
def test_a_day_begins_at_its_first_instant(zone: Zone, day: date) -> None:
    assert zone.start_of(day) == first_minute(zone, day)


@given(zones, instants)
def test_an_instant_is_in_its_day(zone: Zone, instant: datetime) -> None:
    day = zone.day_of(instant)
    assert day == zone.local(instant).date()
    assert zone.start_of(day) <= instant < zone.start_of(day + timedelta(days=1))


@pytest.mark.parametrize(
    ("name", "day", "begins"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00"),
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00"),
        ("Africa/Cairo", date(2023, 4, 28), "2023-04-27T22:00"),
        ("Africa/Cairo", date(2014, 5, 16), "2014-05-15T22:00"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00"),
        ("America/Havana", date(2012, 11, 4), "2012-11-04T04:00"),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00"),
        ("America/New_York", date(2026, 11, 2), "2026-11-02T05:00"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30"),  # from 23:30 to 00:30
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30"),
    ],
)
def test_midnights_that_are_missing_or_come_twice(name: str, day: date, begins: str) -> None:
    start = Zone(name).start_of(day)
    assert start == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert start.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Africa/Cairo", date(2023, 4, 28), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_days_are_as_long_as_they_are(name: str, day: date, hours: float) -> None:
    zone = Zone(name)
    assert zone.start_of(day + timedelta(days=1)) - zone.start_of(day) == timedelta(hours=hours)


@given(days, st.integers(-400, 400), st.integers(-4000, 4000))
def test_months_clamp_then_days_count(day: date, months: int, more: int) -> None:
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        year, month = (year + 1, 1) if month == 13 else (year - 1, 12) if month == 0 else (year, month)
    expected = date(year, month, min(day.day, monthrange(year, month)[1])) + timedelta(days=more)
    assert add_to_day(day, Span(months=months, days=more)) == expected


def test_the_last_days_of_months() -> None:
    last = date(2026, 8, 31)
    assert [add_to_day(last, Span(months=m)) for m in (1, 6, 18)] == [
        date(2026, 9, 30), date(2027, 2, 28), date(2028, 2, 29),
    ]  # fmt: skip
    assert add_to_day(date(2028, 2, 29), Span(months=12)) == date(2029, 2, 28)
    assert add_to_day(date(2028, 2, 29), Span(months=48)) == date(2032, 2, 29)


@given(zones, instants, st.integers(0, 800))
def test_days_lead_to_the_beginning_of_a_day(zone: Zone, instant: datetime, count: int) -> None:
    day = instant.astimezone(zone.info).date() + timedelta(days=count)
    assert zone.after(instant, Span(days=count)) == first_minute(zone, day)


@given(zones, instants, st.integers(1, 500), st.integers(0, 59))
def test_hours_and_minutes_are_exact(zone: Zone, instant: datetime, hours: int, minutes: int) -> None:
    span = Span(hours=hours, minutes=minutes)
    assert (zone.after(instant, span) - instant).total_seconds() == hours * 3600 + minutes * 60


@given(st.sampled_from(PERIODS), days)
def test_a_period_holds_its_days_and_no_others(period: Period, day: date) -> None:
    first, end = period_start(period, day), period_end(period, day)
    assert first <= day < end
    assert period_start(period, first) == first == period_start(period, end - timedelta(days=1))
    assert period_start(period, end) == end
    assert period_end(period, first) == end


def test_where_periods_begin() -> None:
    day = date(2026, 5, 17)  # a Sunday
    assert [period_start(period, day) for period in PERIODS] == [
        date(2026, 1, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 5, 11), day,
    ]  # fmt: skip
    assert period_start("all_time", day) == EPOCH_DAY
    assert period_end("year", day) == date(2027, 1, 1)
    assert period_end("quarter", date(2026, 11, 30)) == date(2027, 1, 1)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "/UTC", "America/", "zone.tab"])
def test_what_no_time_zone_is(name: str) -> None:
    with pytest.raises(Problem, match="unknown_timezone"):
        Zone(name)


def test_a_span_is_nothing_or_something() -> None:
    assert not Span()
    assert all((Span(months=1), Span(days=1), Span(hours=1), Span(minutes=1)))
