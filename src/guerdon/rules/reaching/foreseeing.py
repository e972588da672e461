"""What an order would bring an account nearer to: told before it is paid, by the step that decides it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from guerdon.rules.challenges.challenge import Challenge
from guerdon.rules.decision import Decision
from guerdon.rules.draft import Draft
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.reaching.challenges import NOTHING, Standing, scope_of

_ZERO: Final = Decimal(0)


class Foreseen(msgspec.Struct, frozen=True):
    """How an order would move an account in one challenge."""

    challenge: str
    before: Decimal
    """What counted of the goal before it."""
    value: Decimal
    """What counts after it; of a punch card what counts for the next prize."""
    goal: Decimal | None
    times: int
    """How often it reaches the goal."""
    campaign: str
    """The key of the campaign that gives the prizes."""


def how_far(standing: Standing, value: Decimal, *, has_begun: bool = True) -> tuple[Decimal, Decimal | None]:
    """Tell how far an account is with a challenge, as one number of another.

    Args:
        standing: how it stands.
        value: of the metric, where there is only one.
        has_begun: whether a punch card counts yet.

    Returns:
        What counts, never less than nothing, and the goal; None where that is not reckoned yet.
    """
    challenge = standing.challenge
    if len(challenge.steps) > 1:
        done = sum(1 for one in standing.progress.steps if one.done_at is not None)
        return Decimal(done), Decimal(len(challenge.steps))
    if challenge.every is None:
        return max(value, _ZERO), standing.goal(0)
    if not has_begun:
        return _ZERO, challenge.every
    if challenge.steps[0].metric.streak is not None:
        return value % challenge.every, challenge.every
    return max(value - challenge.every * standing.due(challenge.every).rounds, _ZERO), challenge.every


def foresee(before: Draft, after: Draft, decision: Decision) -> tuple[Foreseen, ...]:
    """Tell in which challenges an order would move an account.

    Args:
        before: the order, on what stands without it.
        after: the order, on what would stand with it.
        decision: what it would set off.

    Returns:
        Those that it moves or reaches, in the order of their keys. Goals of teams are not among them: what
        others do meanwhile counts for them.
    """
    moved = after.program.challenges_by_event.get(after.event.type, ())
    found = (_foreseen(before, after, decision, one) for one in moved if not one.is_badge)
    return tuple(one for one in found if one is not None)


def _foreseen(before: Draft, after: Draft, decision: Decision, challenge: Challenge) -> Foreseen | None:
    times = sum(1 for one in decision.reached if one.challenge == challenge.key)
    if not times and not _goes_on(after, challenge):
        return None
    stood, stands = Standing(before, challenge), Standing(after, challenge)
    was, _ = how_far(stood, stood.value(0))
    value, goal = how_far(stands, stands.value(0))
    if not times and value == was:
        return None
    return Foreseen(challenge.key, was, value, goal, times, challenge.campaign)


def _goes_on(draft: Draft, challenge: Challenge) -> bool:
    """Tell whether an account is at a challenge, and may reach what it did not."""
    is_done = draft.challenges.get(challenge.key, NOTHING).times and challenge.every is None
    if (is_done and not challenge.repeatable) or not Standing(draft, challenge).is_on:
        return False
    try:
        return challenge.audience is None or bool(challenge.audience.evaluate(scope_of(draft)))
    except EvaluationError:
        return False
