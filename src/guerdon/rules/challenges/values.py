"""How far an account is with a challenge, worked out from its metrics."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from guerdon.base.calendar import EPOCH_DAY, Zone
from guerdon.rules.challenges.challenge import Step
from guerdon.rules.challenges.since import counts_since
from guerdon.rules.metrics import Counts, Metric, number_on, peak_within, run_lengths
from guerdon.rules.state import Begun, Progress

_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)
ALL_TIME: Final = EPOCH_DAY.isoformat()


class When(NamedTuple):
    """The days between which a value is looked for."""

    zone: Zone
    day: date
    """Local day of what happened."""
    last: date
    """The last local day on which it may have changed something: the same, unless it is late."""


class Due(NamedTuple):
    """What an account has reached by its metrics alone."""

    window: str
    """First day of the window in which it counts."""
    rounds: int
    """How many prizes are due in that window."""


def begun_of(progress: Progress, place: int, since: Begun | None) -> Begun | None:
    """Tell where an account began with a step.

    Args:
        progress: how far the account is.
        place: of the step, from 0.
        since: where it begins for everybody; None where all counts.

    Returns:
        The beginning, None where all counts.
    """
    found = progress.steps[place] if place < len(progress.steps) else None
    # One without a metric was recorded for its goal alone.
    return found if found is not None and found.metric else since


def goal_of(step: Step, progress: Progress, place: int) -> Decimal | None:
    """Give the goal of a step for an account.

    Args:
        step: the step.
        progress: how far the account is.
        place: of the step, from 0.

    Returns:
        The number; None where it is not reckoned yet.
    """
    if step.goal.personal is None:
        return step.goal.number
    return progress.steps[place].goal if place < len(progress.steps) else None


def value_of(step: Step, begun: Begun | None, counts: Counts, when: When) -> Decimal:
    """Give the value of a step's metric since an account began.

    Args:
        step: the step.
        begun: where the account began with it; None counts all.
        counts: the account's buckets.
        when: the days that are looked at.

    Returns:
        The value on that day; for what is late the greatest one since.
    """
    own = counts_since(step.metric, counts, when.zone, begun)
    value = number_on(step.metric, own, when.day)
    if when.last > when.day:
        value = max(value, peak_within(step.metric, own, when.day, when.last + _DAY))
    return value


def rounds_due(metric: Metric, every: Decimal, counts: Counts, when: When) -> Due:
    """Tell how often a metric has grown by so much.

    Args:
        metric: of all time, of a calendar period, or a streak.
        every: by how much each time.
        counts: the account's buckets, since it began.
        when: the days that are looked at.

    Returns:
        How often, in the window that the day is in.
    """
    if metric.streak is not None:
        return Due(ALL_TIME, sum(int(length // every) for length in run_lengths(metric, counts)))
    first = metric.window.days(when.day, counts.joined_on)[0]
    window = ALL_TIME if metric.window.is_endless else first.isoformat()
    return Due(window, max(int(number_on(metric, counts, when.day) // every), 0))


def is_met(value: Decimal, goal: Decimal | None) -> bool:
    """Tell whether a goal is reached.

    Args:
        value: the metric's.
        goal: None where there is none.

    Returns:
        False without a goal.
    """
    return goal is not None and value >= goal
