"""Leaderboards and team goals as compiled: what is ranked, over which days, and who may stand there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from guerdon.base.calendar import EPOCH_DAY, Span, Zone
from guerdon.rules.expressions import Expression
from guerdon.rules.metrics import Counts, Metric, number_on

_DAY: Final = timedelta(days=1)
_LEAST_DAYS: Final = {"day": 1, "week": 7, "month": 28}


class Board(msgspec.Struct, frozen=True):
    """A leaderboard as compiled, or the goal of a challenge that teams reach together."""

    key: str
    """Its key in the document; a challenge's has `challenge:` before it."""
    identity: str
    """Hash of what says who stands where: another one is built anew."""
    metric: Metric
    """What is ranked, over the board's own time; of teams it is kept by the day."""
    shows: int
    opt_in: bool
    team: str | None
    """The kind of team that is ranked; None ranks accounts."""
    least: Decimal | None
    audience: Expression | None
    starts: date | None
    ends: date | None
    """The last day that counts."""
    grace: Span
    prized: int
    """The last rank that brings something, 0 where none does."""
    goal: Decimal | None = None
    """What a team has to reach together, where this is a challenge's."""
    every: Decimal | None = None
    """The growth that brings the prize each time, instead of one goal."""

    @property
    def is_goal(self) -> bool:
        """Whether it is a challenge's, and nobody is shown a rank."""
        return self.goal is not None or self.every is not None

    def takes(self, value: Decimal) -> bool:
        """Tell whether one stands on it with a value.

        Args:
            value: of the metric.

        Returns:
            False for nothing, and for less than `least`.
        """
        return value > 0 and (self.least is None or value >= self.least)


class BoardWindow(msgspec.Struct, frozen=True):
    """The days that a board ranks together."""

    opens_on: date
    """Its first local day, or the first day of the calendar where it is endless."""
    ends_on: date | None
    """The first local day after it; None where it has no end."""

    def holds(self, day: date) -> bool:
        """Tell whether a day belongs to it.

        Args:
            day: local day.

        Returns:
            Whether facts of that day count here.
        """
        return self.opens_on <= day and (self.ends_on is None or day < self.ends_on)


def window_at(board: Board, day: date) -> BoardWindow | None:
    """Find the window to which a day belongs.

    Args:
        board: the board.
        day: local day.

    Returns:
        The window; None before the board begins and after its end.
    """
    window = board.metric.window
    if not window.covers(day) or (board.starts and day < board.starts) or (board.ends and day > board.ends):
        return None
    if window.period != "all_time" and window.is_fixed:
        first, end = window.days(day, EPOCH_DAY)
        last = board.ends + _DAY if board.ends is not None else end
        return BoardWindow(first, min(end, last))
    if window.between is not None and window.between[1] != date.max:
        return BoardWindow(window.between[0], window.between[1] + _DAY)
    return BoardWindow(board.starts or EPOCH_DAY, board.ends + _DAY if board.ends is not None else None)


def windows_counted(board: Board, counts: Counts, days: Iterable[date]) -> set[BoardWindow]:
    """Find the windows in which an account may have a value.

    Args:
        board: the board.
        counts: the account's buckets.
        days: local days on which something happened to it, and today.

    Returns:
        Windows, those that are closed long since among them.
    """
    seen = set(days)
    if board.metric.streak is None and board.metric.window.is_fixed:
        seen |= {on for identity, on in counts.buckets if identity == board.metric.identity}
    return {found for day in seen if (found := window_at(board, day)) is not None}


def value_in(board: Board, counts: Counts, window: BoardWindow, today: date) -> Decimal:
    """Give an account's value in a window: as of its last day where that has passed.

    Args:
        board: a board of accounts.
        counts: the account's buckets.
        window: one of the board's.
        today: local day.

    Returns:
        The exact value; 0 where nothing was counted.
    """
    return number_on(board.metric, counts, _day_in(window, today))


def changes_on(board: Board, counts: Counts, window: BoardWindow, today: date) -> date | None:
    """Tell when time alone may change a value: early is harmless, late is not.

    Args:
        board: a board of accounts.
        counts: the account's buckets.
        window: one of the board's.
        today: local day.

    Returns:
        A local day after today; None where time changes nothing in this window.
    """
    metric = board.metric
    if metric.never_falls or (metric.window.is_fixed and (metric.streak is None or metric.streak.longest)):
        return None
    next_day = _next_change(metric, counts, today)
    if next_day is None or (window.ends_on is not None and next_day >= window.ends_on):
        return None
    return next_day


def _next_change(metric: Metric, counts: Counts, today: date) -> date | None:
    mine = [on for identity, on in counts.buckets if identity == metric.identity]
    if metric.streak is not None:
        held = [
            date.fromisoformat(unit)
            for (identity, _), bucket in counts.buckets.items()
            if identity == metric.identity
            for unit in bucket.held
        ]
        if not held:
            return None
        if metric.window.is_fixed:
            # Until more units than it forgives have passed; they are at least so long.
            least = _LEAST_DAYS[metric.streak.of]
            return max(today + _DAY, max(held) + timedelta(days=least * (metric.streak.forgives + 2)))
        return today + _DAY
    first, end = metric.window.days(today, counts.joined_on)
    if metric.window.membership:
        return end
    inside = [on for on in mine if on >= first]
    # Whatever its length, the window moves a day a day at most.
    return today + max(_DAY, min(inside) - first) if inside else None


def _day_in(window: BoardWindow, today: date) -> date:
    last = window.ends_on - _DAY if window.ends_on is not None else today
    return max(window.opens_on, min(today, last))


def ends_at(zone: Zone, window: BoardWindow) -> datetime | None:
    """Give the instant at which a window is over.

    Args:
        zone: the program's.
        window: of a board.

    Returns:
        UTC; None where it has no end.
    """
    return zone.start_of(window.ends_on) if window.ends_on is not None else None


def closes_at(zone: Zone, board: Board, end: datetime) -> datetime:
    """Give the instant from which on a window's ranks stand as they are.

    Args:
        zone: the program's.
        board: the board.
        end: of the window.

    Returns:
        The end, and the grace for what is told late.
    """
    return zone.after(end, board.grace)


def times_reached(board: Board, value: Decimal) -> int:
    """Tell how often a team reached a challenge's goal.

    Args:
        board: of a challenge.
        value: what the team has together.

    Returns:
        How often; at most once, where it is no punch card.
    """
    if board.every is not None:
        return int(value // board.every) if value > 0 else 0
    return int(board.goal is not None and value >= board.goal)
