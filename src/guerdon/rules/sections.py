"""The expressions of challenges, quizzes, boards, referral, journeys and their like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from guerdon.rules import definition as written
from guerdon.rules.definition import Definition, EffectPart, ExpressionText
from guerdon.rules.expressions import BOOL, DECIMAL, Environment, Type
from guerdon.rules.scope import environment_of_account

ACCOUNT: Final = "<account>"
"""What an expression sees that is about an account and its acting member, at no event."""
SEGMENT: Final = "<segment>"
"""What an expression sees that is about an account alone."""
Sight = tuple[ExpressionText | None, str, Type]
"""An expression, the event type whose scope it sees, and what it must be."""


def section_environments(definition: Definition) -> Mapping[str, Environment]:
    """Declare what expressions see that belong to no event.

    Args:
        definition: the program's definition.

    Returns:
        The environments of an account with its acting member, and of an account alone.
    """
    return {
        ACCOUNT: environment_of_account(definition),
        SEGMENT: environment_of_account(definition, for_segment=True),
    }


def section_expressions(definition: Definition) -> Iterator[Sight]:
    """List the expressions that nothing compiles for its own use yet.

    Args:
        definition: the program's definition.

    Yields:
        Each with what it sees and what it must be.
    """
    for section, read in _SECTIONS.items():
        for one in getattr(definition, section).values():
            yield from read(one)
    yield from _referral(definition.referral)


def _challenge(one: written.Challenge) -> Iterator[Sight]:
    yield one.audience, ACCOUNT, BOOL
    for goal in (one.goal, *(step.goal for step in one.steps)):
        if isinstance(goal, written.PersonalGoal):
            yield goal.personal, ACCOUNT, DECIMAL
    for step in one.steps:
        yield step.when, step.event or ACCOUNT, BOOL
    yield from _effects(one.prize, "challenge.completed")


def _referral(one: written.Referral) -> Iterator[Sight]:
    yield from _effects(one.friend, "referral.joined")
    if one.advocate is not None:
        yield from _effects(one.advocate.then, "referral.completed")
    for rung in one.ladder:
        yield from _effects(rung.then, "referral.completed")


def _signal(signal: written.Signal | None) -> Iterator[Sight]:
    if signal is not None:
        yield signal.when, signal.event or ACCOUNT, BOOL


def _quiz(one: written.Quiz) -> Iterator[Sight]:
    yield one.audience, ACCOUNT, BOOL
    yield from _effects(one.prize, "quiz.finished")


def _survey(one: written.Survey) -> Iterator[Sight]:
    yield one.audience, ACCOUNT, BOOL
    yield one.when, one.trigger or ACCOUNT, BOOL
    yield from _effects(one.prize or (), "survey.answered")


def _draw(one: written.Draw) -> Iterator[Sight]:
    yield one.when, one.trigger, BOOL
    yield one.audience, ACCOUNT, BOOL
    for prize in one.prizes:
        yield from _effects(prize.prize, "draw.won")


def _board(one: written.Leaderboard) -> Iterator[Sight]:
    yield one.audience, ACCOUNT, BOOL
    for ranked in one.prizes:
        yield from _effects(ranked.prize, "board.closed")


def _journey(one: written.Journey) -> Iterator[Sight]:
    for signal in (one.enter, *one.exit):
        yield from _signal(signal)
    yield from _steps(one.steps)


def _steps(steps: Sequence[written.Part]) -> Iterator[Sight]:
    for step in steps:
        if isinstance(step, EffectPart):
            yield from _effects((step,), ACCOUNT)
        elif type(step) in _IN_STEPS:
            yield from _IN_STEPS[type(step)](step)


def _branch(step: written.BranchStep) -> Iterator[Sight]:
    for signal in (step.if_, step.unless):
        yield from _signal(signal)
    for arm in (step.then, step.else_):
        yield from _steps(arm)


def _effects(effects: Sequence[EffectPart], event_type: str) -> Iterator[Sight]:
    for effect in effects:
        if isinstance(effect, written.Award):
            yield effect.amount, event_type, DECIMAL
        if isinstance(effect, written.Redeem):
            yield effect.while_, event_type, BOOL


_SECTIONS: Final[Mapping[str, Callable[[Any], Iterator[Sight]]]] = {
    "challenges": _challenge,
    "quizzes": _quiz,
    "draws": _draw,
    "leaderboards": _board,
    "content": lambda one: iter([(one.audience, ACCOUNT, BOOL)]),
    "teams": lambda one: iter([(one.audience, ACCOUNT, BOOL)]),
    "journeys": _journey,
    "surveys": _survey,
}

_IN_STEPS: Final[Mapping[type, Callable[[Any], Iterator[Sight]]]] = {
    written.WaitStep: lambda step: _signal(step.wait.until),
    written.ThenStep: lambda step: _effects(step.then, ACCOUNT),
    written.BranchStep: _branch,
}
