"""Birthdays and anniversaries: on which local day of a year they are, which are due, and their events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from guerdon.base.calendar import Zone
from guerdon.base.ids import number_text
from guerdon.rules.own_events import MEMBER_ANNIVERSARY, MEMBER_BIRTHDAY, OCCASIONS, ORDER_ANNIVERSARY

Kind = Literal["member.birthday", "member.anniversary", "order.anniversary"]
KINDS: Final[tuple[Kind, ...]] = (MEMBER_BIRTHDAY, MEMBER_ANNIVERSARY, ORDER_ANNIVERSARY)
CATCHES_UP: Final = timedelta(days=365)
"""So far back is told what no job told in time: of each occasion, the last one."""
GRID: Final = timedelta(minutes=15)
"""The clocks of the world differ by whole quarters of an hour, so that days begin at these."""
_A_DAY: Final = timedelta(days=1)
_WORDS: Final = {MEMBER_BIRTHDAY: "birthday", MEMBER_ANNIVERSARY: "member", ORDER_ANNIVERSARY: "order"}


class Window(NamedTuple):
    """What is to be told: everything that began after one instant, up to another."""

    since: datetime
    """UTC; what began by then was told."""
    now: datetime

    def days(self) -> list[date]:
        """List the days that may begin in it, wherever on earth.

        Returns:
            In order; one or two more than begin.
        """
        first, last = (self.since - _A_DAY).date(), (self.now + _A_DAY).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


class Due(NamedTuple):
    """An occasion that has come."""

    kind: Kind
    member_id: int
    day: date
    """The member's local day."""
    at: datetime
    """Its first instant, UTC."""
    years: int
    """How many have passed; the calendar year of a birthday, which says nothing of an age."""

    @property
    def name(self) -> str:
        """The id of its event: a member has one of each kind in a calendar year."""
        return f"{_WORDS[self.kind]}/{number_text('mem', self.member_id)}/{self.day.year}"


def quarter_of(instant: datetime) -> datetime:
    """Give the last instant at which a day can have begun somewhere.

    Args:
        instant: UTC.

    Returns:
        A full quarter of an hour, at or before it.
    """
    utc = instant.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def window_to(told_until: datetime | None, now: datetime) -> Window | None:
    """Tell what is to be told now.

    Args:
        told_until: up to when everything was told; None where nothing was ever told.
        now: the instant, UTC.

    Returns:
        The window; None where no day can have begun since. Whoever has never told begins with today.
    """
    until = quarter_of(now)
    if told_until is None:
        return Window(until, until)
    return Window(max(told_until, until - CATCHES_UP), until) if told_until < until else None


def on_year(month_day: tuple[int, int], year: int) -> date:
    """Give the day of an occasion in a year.

    Args:
        month_day: month and day.
        year: which year.

    Returns:
        The day; for 29 February the 28th where there is no 29th, as months clamp.
    """
    month, day = month_day
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)


def month_days(days: list[date]) -> list[str]:
    """Name days as birthdays are kept.

    Args:
        days: any.

    Returns:
        Such as `02-28`, and with it `02-29` in a year that has none.
    """
    found = {day.strftime("%m-%d") for day in days}
    if any((day.month, day.day) == (2, 28) and on_year((2, 29), day.year) == day for day in days):
        found.add("02-29")
    return sorted(found)


def due_birthdays(who: tuple[int, str, datetime], zone: Zone, window: Window) -> Iterator[Due]:
    """Find a member's birthdays that have come.

    Args:
        who: the member, month and day such as `02-29`, and when they joined.
        zone: the member's.
        window: what is to be told.

    Yields:
        Those from the day of joining on.
    """
    member_id, mmdd, joined_at = who
    month_day = (int(mmdd[:2]), int(mmdd[3:]))
    for day, at in _come(month_day, zone, window):
        if day >= zone.day_of(joined_at):
            yield Due(MEMBER_BIRTHDAY, member_id, day, at, day.year)


def due_anniversaries(kind: Kind, who: tuple[int, datetime], zone: Zone, window: Window) -> Iterator[Due]:
    """Find anniversaries that have come.

    Args:
        kind: of what.
        who: the member, and when it was.
        zone: the member's.
        window: what is to be told.

    Yields:
        The first after a year, and so on.
    """
    member_id, when = who
    first = zone.day_of(when)
    for day, at in _come((first.month, first.day), zone, window):
        if day.year > first.year:
            yield Due(kind, member_id, day, at, day.year - first.year)


def _come(month_day: tuple[int, int], zone: Zone, window: Window) -> Iterator[tuple[date, datetime]]:
    """List the days of an occasion that began in a window, and the one that is going on."""
    today = zone.day_of(window.now)
    for year in range(window.since.year - 1, window.now.year + 2):
        day = on_year(month_day, year)
        at = zone.start_of(day)
        if window.since < at <= window.now or day == today:
            yield day, at


def occasion_event(one: Due) -> bytes:
    """Write the event of an occasion.

    Args:
        one: it.

    Returns:
        A CloudEvent as JSON, always the same for the same occasion.
    """
    name = "year" if one.kind == MEMBER_BIRTHDAY else "years"
    return json.dumps(
        {
            "specversion": "1.0",
            "id": one.name,
            "source": OCCASIONS,
            "type": one.kind,
            "time": one.at.isoformat(),
            "subject": number_text("mem", one.member_id),
            "data": {name: one.years},
        }
    ).encode()
