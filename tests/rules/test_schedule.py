"""Schedules against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.parts import Schedule

times = st.one_of(st.none(), st.sampled_from([time(0), time(2), time(9, 30), time(17), time(22)]))
days = st.one_of(st.none(), st.frozensets(st.integers(0, 6), min_size=1, max_size=3))
dates = st.dates(date(2026, 3, 1), date(2026, 3, 20))
ends_of_time = st.one_of(st.none(), dates)
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 21))  # noqa: DTZ001 - a local clock


def open_evenings(one: Schedule) -> list[tuple[datetime, datetime]]:
    """List the spans of time in which a schedule runs, day by day."""
    spans = []
    day = date(2026, 2, 20)
    while day < date(2026, 3, 25):
        begins = datetime.combine(day, one.from_time or time.min)
        ends = datetime.combine(day, one.to_time) if one.to_time else datetime.combine(day, time.max)
        if one.to_time is not None and ends <= begins:
            ends += timedelta(days=1)
        elif one.to_time is None or one.to_time == time.min:
            ends = datetime.combine(day + timedelta(days=1), time.min)
        wanted = one.days is None or day.weekday() in one.days
        within = (one.starts is None or day >= one.starts) and (one.ends is None or day <= one.ends)
        if wanted and within:
            spans.append((begins, ends))
        day += timedelta(days=1)
    return spans


@given(st.builds(Schedule, days, times, times, ends_of_time, ends_of_time), moments)
def test_a_moment_is_inside_exactly_when_an_evening_holds_it(one: Schedule, local: datetime) -> None:
    if one.from_time is not None and one.from_time == one.to_time:
        return  # a definition refuses it
    assert one.holds(local) == any(begins <= local < ends for begins, ends in open_evenings(one))


@given(moments, moments, moments)
def test_moments_as_bounds_are_inside_themselves(starts: datetime, ends: datetime, local: datetime) -> None:
    one = Schedule(None, None, None, starts, ends)
    assert one.holds(local) == (starts <= local <= ends)
    assert Schedule(None, None, None, starts, None).holds(starts)
    assert Schedule(None, None, None, None, ends).holds(ends)
