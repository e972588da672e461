"""What calls about challenges and badges answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guerdon.web.api.shapes import Answered


class StepShape(Answered, frozen=True):
    """One of the things that are to be done."""

    name: str
    value: str
    goal: str | None
    """Null where it is reckoned when the member begins."""
    done_at: datetime | None


class ChallengeShape(Answered, frozen=True):
    """A challenge as a member sees it."""

    key: str
    name: str
    description: str | None
    icon: str | None
    state: str
    """`open`, `to_join`, `done`, `not_yet` or `over`."""
    value: str
    """What counts of the goal by now; of a punch card what counts for the next prize; of steps those done."""
    goal: str | None
    """Null where it is reckoned when the member joins."""
    progress: int
    """Per mille, 0 to 1000."""
    times: int
    """How often the prize was reached and stands."""
    repeats: bool
    opt_in: bool
    joined_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    """The first instant at which nothing counts any more, for this member."""
    reached_at: datetime | None
    steps: Sequence[StepShape]
    prize: Sequence[str]
    """What it brings, in words."""


class Challenges(Answered, frozen=True):
    """The challenges that are for a member."""

    data: Sequence[ChallengeShape]
    next: None
    """Always null: they come at once."""


class NotedShape(Answered, frozen=True):
    """Something that happened in a challenge."""

    at: datetime
    what: str
    """`begun`, `joined`, `left`, `step`, `reached` or `undone`."""
    round: int | None
    """Which prize, or which step; null where it is about neither."""
    value: str | None
    """The metric's value then."""


class ChallengeHistory(Answered, frozen=True):
    """What happened to a member in a challenge, oldest first, the last 50."""

    data: Sequence[NotedShape]
    next: None


class LevelShape(Answered, frozen=True):
    """A level of a badge."""

    name: str
    icon: str | None
    at: str
    """The value of the metric from which it is reached."""
    earned_at: datetime | None


class MemberBadge(Answered, frozen=True):
    """A badge as a member sees it."""

    key: str
    name: str
    description: str | None
    icon: str | None
    series: str | None
    """Badges of one series are shown together."""
    hidden: bool
    """Whether only those see it who have it."""
    earned_at: datetime | None
    """Null for one that the member does not have yet."""
    level: int
    """The highest level reached, from 1; 0 where there is none."""
    levels: Sequence[LevelShape]
    value: str | None
    """Of the metric that decides the level."""


class MemberBadges(Answered, frozen=True):
    """A program's badges as a member sees them."""

    data: Sequence[MemberBadge]
    next: None


class FiguresShape(Answered, frozen=True):
    """What came of a challenge."""

    key: str
    name: str
    joined: int
    """Accounts that take part by an act of theirs."""
    accounts: int
    """Accounts that reached it."""
    times: int
    """How often it was reached and stands."""
    last_at: datetime | None
    prize: Sequence[str]


class ChallengeFigures(Answered, frozen=True):
    """What came of a program's challenges."""

    data: Sequence[FiguresShape]
    next: None
