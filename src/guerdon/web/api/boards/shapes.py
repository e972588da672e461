"""What calls about leaderboards answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from guerdon.web.api.shapes import Answered


class PlaceShape(Answered, frozen=True):
    """One place; equal values share a rank, and stand in the order in which accounts or teams began."""

    rank: int
    name: str | None
    """As chosen; null for those who chose none: a member, or a team."""
    value: str
    """Of the metric, exact."""
    own: bool
    """Whether it is the one who looks."""


class BoardShape(Answered, frozen=True):
    """A leaderboard in one window."""

    key: str
    name: str | None
    description: str | None
    metric: str
    team: str | None
    """The kind of team that is ranked; null where accounts are."""
    opt_in: bool
    opens_on: date | None
    """The window's first local day; 1970-01-01 where it is endless."""
    ends_at: datetime | None
    closed_at: datetime | None
    """Since when its ranks stand as they are."""
    building: bool
    """Whether it is being counted from the beginning: more may come."""
    total: int
    """How many stand on it."""
    places: Sequence[PlaceShape]
    """The first ranks."""
    own: PlaceShape | None
    """Of the one who looks."""
    near: Sequence[PlaceShape]
    """One's own place with two before and two after; empty for those among the first, or not on it."""
    joined: bool
    own_name: str | None


class Boards(Answered, frozen=True):
    """Leaderboards as they stand today."""

    data: Sequence[BoardShape]
    next: None


class WindowShape(Answered, frozen=True):
    """A window of a leaderboard."""

    opens_on: date
    ends_at: datetime | None
    closed_at: datetime | None
    total: int
    told: int
    """Accounts whose ranks brought something and were told of it."""
    prizes: int
    """Accounts whose ranks bring something."""


class BoardWindows(Answered, frozen=True):
    """Windows, the newest first."""

    data: Sequence[WindowShape]
    next: None


class NameShape(Answered, frozen=True):
    """Who joined a leaderboard, for the staff."""

    account: str
    member: str
    name: str | None
    """Null where it was taken away."""
    joined_at: datetime
    taken_at: datetime | None


class Names(Answered, frozen=True):
    """A page of those who joined."""

    data: Sequence[NameShape]
    next: str | None


class Taken(Answered, frozen=True):
    """A name that was taken away."""

    account: str
    taken: bool
    """Whether there was one."""
