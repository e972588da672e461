"""What calls about teams answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from guerdon.web.api.shapes import Answered


class TeamMemberShape(Answered, frozen=True):
    """An account in a team; nothing of it names a person."""

    account: str
    joined_at: datetime
    captain: bool
    own: bool


class TeamAskShape(Answered, frozen=True):
    """An account that asked to join, or was invited."""

    account: str
    invited: bool
    asked_at: datetime


class TeamGoalShape(Answered, frozen=True):
    """How far a team is with a challenge that its members reach together."""

    challenge: str
    name: str | None
    opens_on: date
    value: str
    goal: str | None
    """What is to be reached; null for a punch card."""
    every: str | None
    """The growth that brings the prize each time."""
    times: int
    """How often it was reached."""


class TeamRankShape(Answered, frozen=True):
    """Where a team stands on a leaderboard today."""

    leaderboard: str
    name: str | None
    rank: int
    value: str
    of: int
    """How many teams stand there."""


class TeamShape(Answered, frozen=True):
    """A team."""

    id: str
    kind: str
    name: str | None
    """Null where it was taken away, or who gave it was erased."""
    join: Literal["open", "asked", "invited"]
    size: int
    """How many accounts it may have."""
    count: int
    """How many it has."""
    founded_at: datetime
    own: bool
    """Whether the one who looks is in it."""
    captain: bool
    """Whether the one who looks leads it."""
    asked: Literal["asked", "invited"] | None
    """What is open between the team and the one who looks."""
    members: Sequence[TeamMemberShape]
    """Shown to those in it, the longest member first."""
    asks: Sequence[TeamAskShape]
    """Shown to its captain."""
    goals: Sequence[TeamGoalShape]
    ranks: Sequence[TeamRankShape]


class Teams(Answered, frozen=True):
    """A page of teams."""

    data: Sequence[TeamShape]
    next: str | None


class TeamNameTaken(Answered, frozen=True):
    """A team's name that was taken away."""

    id: str
    taken: bool
    """Whether there was one."""
