"""A quiz as compiled, and how it stands for somebody who has tried it so often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from guerdon.base.calendar import Span, Zone
from guerdon.rules.expressions import Expression

State = Literal["open", "begun", "passed", "waits", "spent", "not_yet", "over"]
"""`open` can be begun, `begun` goes on, `waits` has a `ready_at`, `spent` has no tries left."""


class Quiz(msgspec.Struct, frozen=True):
    """A quiz as compiled; its questions are read in the definition."""

    key: str
    audience: Expression | None
    """Who may see it and take it."""
    starts: datetime | None
    """From this local moment on it can be begun."""
    ends: datetime | None
    """The last local moment in which answers are taken."""
    time_limit: Span | None
    attempts: int | None
    again_after: Span | None

    def due_at(self, zone: Zone, begun_at: datetime) -> datetime | None:
        """Tell until when a try can go on that begins now.

        Args:
            zone: the program's.
            begun_at: when it begins, UTC.

        Returns:
            The instant from which on nothing is taken any more, UTC; None without an end.
        """
        ends = []
        if self.time_limit is not None:
            ends.append(zone.after(begun_at, self.time_limit))
        if self.ends is not None:
            ends.append(_instant(zone, self.ends))
        return min(ends, default=None)


class Tried(msgspec.Struct, frozen=True):
    """What became of one try."""

    finished_at: datetime | None
    """None while it goes on."""
    passed: bool | None


class Standing(msgspec.Struct, frozen=True):
    """How a quiz stands for somebody."""

    state: State
    tries: int
    left: int | None
    """Tries that are left, None without a limit; 0 for whoever passed."""
    ready_at: datetime | None = None
    """From when on it can be begun, where that is not now."""
    ends_at: datetime | None = None
    """Until when answers are taken."""


def standing_of(quiz: Quiz, zone: Zone, tried: Sequence[Tried], now: datetime) -> Standing:
    """Tell whether somebody of its audience may begin a quiz now.

    Args:
        quiz: as compiled.
        zone: the program's.
        tried: all of that member's tries, oldest first; those whose time is over are finished.
        now: the instant, UTC.

    Returns:
        The state, and what it waits for. Whoever passed is done with it.
    """
    count = len(tried)
    left = None if quiz.attempts is None else max(0, quiz.attempts - count)
    starts_at = None if quiz.starts is None else _instant(zone, quiz.starts)
    ends_at = None if quiz.ends is None else _instant(zone, quiz.ends)
    last = tried[-1].finished_at if tried else None
    ready_at = zone.after(last, quiz.again_after) if last is not None and quiz.again_after else None
    state: State = "open"
    if any(one.finished_at is None for one in tried):
        state = "begun"
    elif any(one.passed for one in tried):
        state, left = "passed", 0
    elif ends_at is not None and now > ends_at:
        state = "over"
    elif starts_at is not None and now < starts_at:
        state, ready_at = "not_yet", starts_at
    elif left == 0:
        state = "spent"
    elif ready_at is not None and now < ready_at:
        state = "waits"
    shown = ready_at if state in ("waits", "not_yet") else None
    return Standing(state, count, left, shown, ends_at)


def _instant(zone: Zone, local: datetime) -> datetime:
    return local.replace(tzinfo=zone.info)
