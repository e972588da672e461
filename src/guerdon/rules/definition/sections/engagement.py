"""What holds between the parts that bring people back and the rest of a definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from guerdon.rules.definition.campaigns import Limits
from guerdon.rules.definition.checks import (
    Finding,
    budget_findings,
    effect_findings,
    known_findings,
    money_findings,
)
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.effects import Award, Discount, EffectPart, Gift, Multiply
from guerdon.rules.definition.engagement.challenges import Challenge
from guerdon.rules.definition.engagement.journeys import BranchStep, ThenStep, WaitStep
from guerdon.rules.definition.engagement.segments import Signal
from guerdon.rules.definition.metrics import Dates
from guerdon.rules.definition.wallets import Expiry

_CLOSING: Final = ("calendar_year", "calendar_quarter", "calendar_month", "calendar_week")
"""Windows that come to an end of their own."""
_POSSIBLE: Final = "award, grant, redeem, badge, message"


def check_engagement(definition: Definition) -> Iterator[Finding]:
    """Check the names and figures of challenges, badges, quizzes, boards, referral, journeys and their like.

    Args:
        definition: as the models took it.

    Yields:
        What does not hold.
    """
    for key, challenge in definition.challenges.items():
        yield from _challenge(definition, challenge, f"/challenges/{key}")
    for key, badge in definition.badges.items():
        if badge.metric is not None:
            yield from known_findings("metric", badge.metric, definition.metrics, f"/badges/{key}/metric")
    for key, quiz in definition.quizzes.items():
        yield from _prize(definition, quiz.prize, f"/quizzes/{key}/prize")
        yield from _limits(definition, quiz.limits, f"/quizzes/{key}/limits")
    yield from _draws(definition)
    yield from _boards(definition)
    yield from _referral(definition)
    yield from _causes(definition)
    for key, journey in definition.journeys.items():
        at = f"/journeys/{key}"
        yield from _signal(definition, journey.enter, f"{at}/enter")
        for place, signal in enumerate(journey.exit):
            yield from _signal(definition, signal, f"{at}/exit/{place}")
        yield from _limits(definition, journey.limits, f"{at}/limits")
        yield from _steps(definition, journey.steps, f"{at}/steps")
    for key, survey in definition.surveys.items():
        yield from _prize(definition, survey.prize or (), f"/surveys/{key}/prize")
        yield from _limits(definition, survey.limits, f"/surveys/{key}/limits")


def _challenge(definition: Definition, one: Challenge, pointer: str) -> Iterator[Finding]:
    if one.metric is not None:
        yield from known_findings("metric", one.metric, definition.metrics, f"{pointer}/metric")
    if one.team is not None:
        yield from known_findings("team", one.team, definition.teams, f"{pointer}/team")
    for place, step in enumerate(one.steps):
        at = f"{pointer}/steps/{place}"
        if step.metric is not None:
            yield from known_findings("metric", step.metric, definition.metrics, f"{at}/metric")
        if step.quiz is not None:
            yield from known_findings("quiz", step.quiz, definition.quizzes, f"{at}/quiz")
        if step.survey is not None:
            yield from known_findings("survey", step.survey, definition.surveys, f"{at}/survey")
    yield from _prize(definition, one.prize, f"{pointer}/prize")
    yield from _limits(definition, one.limits, f"{pointer}/limits")


def _draws(definition: Definition) -> Iterator[Finding]:
    for key, draw in definition.draws.items():
        for place, one in enumerate(draw.prizes):
            yield from _prize(definition, one.prize, f"/draws/{key}/prizes/{place}/prize")
        yield from _limits(definition, draw.limits, f"/draws/{key}/limits")


def _boards(definition: Definition) -> Iterator[Finding]:
    for key, board in definition.leaderboards.items():
        at = f"/leaderboards/{key}"
        yield from known_findings("metric", board.metric, definition.metrics, f"{at}/metric")
        if board.team is not None:
            yield from known_findings("team", board.team, definition.teams, f"{at}/team")
        metric = definition.metrics.get(board.metric)
        window = board.window or (metric.window if metric is not None else "calendar_month")
        closes = isinstance(window, Dates) or window in _CLOSING
        if board.prizes and board.ends is None and not closes:
            detail = "prizes come when a board closes, and this one never does; give it `ends` or a `window`"
            expected = ", ".join(_CLOSING)
            yield Finding(f"{at}/prizes", "board_never_closes", detail, expected)
        for place, one in enumerate(board.prizes):
            yield from _prize(definition, one.prize, f"{at}/prizes/{place}/prize")


def _referral(definition: Definition) -> Iterator[Finding]:
    one = definition.referral
    yield from _prize(definition, one.friend, "/referral/friend")
    if one.advocate is not None:
        yield from _prize(definition, one.advocate.then, "/referral/advocate/then")
        yield from _limits(definition, one.advocate.limits, "/referral/advocate/limits")
    for place, rung in enumerate(one.ladder):
        yield from _prize(definition, rung.then, f"/referral/ladder/{place}/then")
    yield from _money(definition, one.minimum, "/referral/minimum")


def _causes(definition: Definition) -> Iterator[Finding]:
    for key, cause in definition.causes.items():
        yield from _money(definition, cause.target, f"/causes/{key}/target")
    if not definition.causes:
        return
    for key, reward in definition.rewards.items():
        if reward.cause is not None:
            yield from known_findings("cause", reward.cause, definition.causes, f"/rewards/{key}/cause")


def _signal(definition: Definition, signal: Signal | None, pointer: str) -> Iterator[Finding]:
    if signal is not None and signal.segment is not None:
        yield from known_findings("segment", signal.segment, definition.segments, f"{pointer}/segment")


def _steps(definition: Definition, steps: Sequence[object], pointer: str) -> Iterator[Finding]:
    for place, step in enumerate(steps):
        at = f"{pointer}/{place}"
        if isinstance(step, EffectPart):
            yield from _effect(definition, step, f"{at}/{step.effect}")
        elif isinstance(step, ThenStep):
            yield from _prize(definition, step.then, f"{at}/then")
        elif isinstance(step, WaitStep):
            yield from _signal(definition, step.wait.until, f"{at}/wait/until")
        elif isinstance(step, BranchStep):
            yield from _signal(definition, step.if_, f"{at}/if")
            yield from _signal(definition, step.unless, f"{at}/unless")
            yield from _steps(definition, step.then, f"{at}/then")
            yield from _steps(definition, step.else_, f"{at}/else")


def _prize(definition: Definition, effects: Sequence[EffectPart], pointer: str) -> Iterator[Finding]:
    for place, effect in enumerate(effects):
        yield from _effect(definition, effect, f"{pointer}/{place}/{effect.effect}")


def _effect(definition: Definition, effect: EffectPart, pointer: str) -> Iterator[Finding]:
    if isinstance(effect, Multiply | Discount | Gift):
        what = "the awards of a campaign" if isinstance(effect, Multiply) else "a cart"
        detail = f"{effect.effect} works on {what}, and here is none; use one of {_POSSIBLE}"
        yield Finding(pointer, "effect_not_possible", detail, _POSSIBLE, at_key=True)
        return
    yield from effect_findings(definition, effect, pointer)
    if isinstance(effect, Award) and effect.wallet in definition.wallets:
        wallet = definition.wallets[effect.wallet].expires
        own = wallet if effect.expires is None else effect.expires
        if own != wallet and (_is_idle(own) or (_is_idle(wallet) and own == "never")):
            detail = "expiry from the last activity holds for a whole wallet, and an award cannot change it"
            yield Finding(f"{pointer}/expires", "expiry_of_wallet", detail)


def _is_idle(expires: object) -> bool:
    return isinstance(expires, Expiry) and expires.from_ == "last_activity"


def _limits(definition: Definition, limits: Limits, pointer: str) -> Iterator[Finding]:
    if limits.budget is not None:
        yield from budget_findings(definition, limits.budget, f"{pointer}/budget")


def _money(definition: Definition, amount: Decimal | None, pointer: str) -> Iterator[Finding]:
    if amount is not None:
        yield from money_findings(definition, amount, pointer)
