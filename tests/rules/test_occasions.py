"""Birthdays and anniversaries as days: whatever the job does, each comes once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.calendar import Zone
from guerdon.rules.occasions import Window, due_birthdays, month_days, on_year, quarter_of, window_to

ZONES = ["America/New_York", "Asia/Dhaka", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu", "UTC"]
BEGAN = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_29_february_clamps() -> None:
    assert on_year((2, 29), 2027) == date(2027, 2, 28)
    assert on_year((2, 29), 2028) == date(2028, 2, 29)
    assert month_days([date(2027, 2, 28)]) == ["02-28", "02-29"]
    assert month_days([date(2028, 2, 28)]) == ["02-28"]


def test_days_begin_at_quarters_of_an_hour() -> None:
    assert quarter_of(datetime(2026, 1, 1, 0, 44, 59, tzinfo=UTC)) == datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert window_to(quarter_of(BEGAN), BEGAN + timedelta(minutes=14)) is None


@given(
    st.sampled_from(ZONES),
    st.dates(date(1990, 1, 1), date(1993, 12, 31)),
    st.lists(st.integers(1, 24 * 60 * 90), min_size=1, max_size=40),
)
def test_each_birthday_comes_once_under_any_pattern_of_runs(zone: str, born: date, waits: list[int]) -> None:
    here, now, mark = Zone(zone), BEGAN, None
    told: list[str] = []
    for minutes in waits:
        now += timedelta(minutes=minutes)
        window = window_to(mark, now)
        if window is None:
            continue
        mmdd = born.strftime("%m-%d")
        assert mmdd in month_days(window.days()) or not list(due_birthdays((1, mmdd, BEGAN), here, window))
        # What is known by its name already is not told again.
        told += [one.name for one in due_birthdays((1, mmdd, BEGAN), here, window) if one.name not in told]
        mark = window.now
    first = quarter_of(BEGAN + timedelta(minutes=waits[0]))
    wanted = {
        year
        for year in range(2026, 2037)
        if first < here.start_of(on_year((born.month, born.day), year)) <= quarter_of(now)
        or on_year((born.month, born.day), year) == here.day_of(first)
    }
    assert [int(name.rpartition("/")[2]) for name in told] == sorted(wanted)


def test_an_outage_of_years_tells_the_last_one() -> None:
    window = window_to(BEGAN, BEGAN + timedelta(days=3 * 365))
    assert window is not None
    due = list(due_birthdays((1, "06-15", BEGAN), Zone("UTC"), window))
    assert [one.day for one in due] == [date(2028, 6, 15)]
    assert list(due_birthdays((1, "06-15", BEGAN), Zone("UTC"), Window(BEGAN, BEGAN))) == []
