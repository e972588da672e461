"""Challenges as compiled: their steps, each a goal on a metric, and when they run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from guerdon.base.calendar import Span, Zone, add_to_day
from guerdon.rules.expressions import EvaluationError, Expression
from guerdon.rules.metrics import Metric
from guerdon.rules.state import Progress

CHALLENGE: Final = "challenge"
"""The kind of their prizes, and how the campaigns' keys begin."""
BADGE: Final = "badge"
"""How the keys of campaigns begin that give levels of badges."""
ROUNDS_AT_MOST: Final = 100
"""One event brings at most so many prizes of one challenge; what is left comes with the next one."""

_PLACES: Final = Decimal(10) ** -6


def is_level(key: str) -> bool:
    """Tell levels of badges from challenges of the document.

    Args:
        key: as the program has it.

    Returns:
        True for levels.
    """
    return key.startswith(f"{BADGE}:")


class Goal(msgspec.Struct, frozen=True):
    """What is to be reached: a number, or a formula for each account."""

    number: Decimal | None
    personal: Expression | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None

    def reckon(self, scope: Any) -> Decimal | None:
        """Work out the goal of one account, when it begins.

        Args:
            scope: what the formula sees.

        Returns:
            The goal, more than zero; None where the formula gives none.
        """
        if self.personal is None:
            return self.number
        try:
            found = self.personal.evaluate(scope)
        except EvaluationError:
            # Where there is no past to reckon from, the least goal is the goal, if there is one.
            return self.at_least
        exact = Fraction(found)
        number = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_PLACES).normalize()
        number = max(number, self.at_least) if self.at_least is not None else number
        number = min(number, self.at_most) if self.at_most is not None else number
        return number if number > 0 else None


class Step(msgspec.Struct, frozen=True):
    """One of the things that are to be done."""

    metric: Metric
    goal: Goal


class Challenge(msgspec.Struct, frozen=True):
    """A challenge as compiled."""

    key: str
    steps: tuple[Step, ...]
    """One, where it follows a metric."""
    every: Decimal | None
    """A punch card: a prize each time the metric has grown by so much."""
    in_order: bool
    opt_in: bool
    looks_back: bool
    repeatable: bool
    within: Span | None
    """How long an account has, in whole days or months."""
    starts: datetime | None
    """The first local moment, None without one."""
    ends: datetime | None
    """The last local moment."""
    audience: Expression | None
    campaign: str
    """The key of the campaign that is its prize."""
    is_badge: bool = False
    """Whether it is a level of a badge, and no challenge of the document."""

    @property
    def events(self) -> frozenset[str]:
        """The types of events that move it."""
        return frozenset(step.metric.event for step in self.steps)

    @property
    def is_personal(self) -> bool:
        """Whether some goal is reckoned for each account."""
        return any(step.goal.personal is not None for step in self.steps)

    def runs_at(self, zone: Zone, at: datetime) -> bool:
        """Tell whether what happens at an instant counts, for whoever takes part.

        Args:
            zone: the program's.
            at: the instant.

        Returns:
            False before it starts and after it ends.
        """
        local = zone.local(at).replace(tzinfo=None)
        begins = self.starts is None or self.starts <= local
        return begins and (self.ends is None or local <= self.ends)

    def begins_at(self, zone: Zone, progress: Progress, created_at: datetime | None) -> datetime | None:
        """Tell since when an account has been at it.

        Args:
            zone: the program's.
            progress: when it joined, or when its own goal was reckoned.
            created_at: when the account began, which counts where neither is asked for.

        Returns:
            The instant; None where that is not known.
        """
        starts = None if self.starts is None else self.starts.replace(tzinfo=zone.info).astimezone(UTC)
        reckoned = progress.steps[0].since if self.is_personal and progress.steps else None
        own = progress.joined_at if self.opt_in else reckoned or created_at
        known = [one for one in (starts, own) if one is not None]
        return max(known, default=None)

    def last_day(self, zone: Zone, began_at: datetime | None) -> date | None:
        """Tell until when an account has time.

        Args:
            zone: the program's.
            began_at: since when it has been at it.

        Returns:
            The last local day on which something counts; None without an end.
        """
        days = [] if self.ends is None else [self.ends.date()]
        if self.within is not None and began_at is not None:
            days.append(add_to_day(zone.day_of(began_at), self.within) - timedelta(days=1))
        return min(days, default=None)
