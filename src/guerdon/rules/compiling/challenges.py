"""Challenges and levels of badges as compiled: each step is a goal on a metric, perhaps its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.rules import definition as written
from guerdon.rules.challenges import BADGE, CHALLENGE, Challenge, Goal, Step
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.definition import Definition, ExpressionText, canonical_data
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.expressions import BOOL, DECIMAL, Expression
from guerdon.rules.limits import NO_LIMITS
from guerdon.rules.metrics import Metric, Window
from guerdon.rules.parts import Campaign
from guerdon.rules.sections import ACCOUNT
from guerdon.rules.stepping import COMPLETED

_ONE: Final = Decimal(1)
_QUIZ: Final = "quiz.finished"
_SURVEY: Final = "survey.answered"
_EVER: Final = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


def own_identities(definition: Definition) -> frozenset[str]:
    """Name the metrics that challenges count for themselves, with hashes of what they say.

    Args:
        definition: any definition.

    Returns:
        What their buckets are kept under.
    """
    return frozenset(_own(definition))


def own_metrics(work: Compiling, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Compile the metrics that challenges count for themselves: within their own time, or single events.

    Args:
        work: the compilation; it takes the faults.
        metrics: those that the document has.

    Returns:
        By a key that no document can say.
    """
    made = {}
    for identity, (key, place, one) in _own(work.definition).items():
        name = identity.partition("@")[0]
        at = f"/challenges/{key}" if not one.steps else f"/challenges/{key}/steps/{place}"
        base = _base(work, one, place, metrics)
        if base.is_instant:
            detail = f"`{base.key}` is a time, and a goal is a number"
            work.fault(f"{at}/metric", "metric_not_a_number", detail)
        made[name] = msgspec.structs.replace(
            base,
            key=name,
            identity=identity,
            window=_window(one, base, is_event=_metric_at(one, place) is None),
            between=_moments(work, one),
        )
    return made


def _base(work: Compiling, one: written.Challenge, place: int, metrics: Mapping[str, Metric]) -> Metric:
    name = _metric_at(one, place)
    if name is not None:
        return metrics[name]
    step = one.steps[place]
    event, when = step.event or "", step.when
    if step.quiz is not None:
        event = _QUIZ
        when = ExpressionText(f"event.data.quiz == '{step.quiz}' && event.data.passed", "")
    if step.survey is not None:
        event, when = _SURVEY, ExpressionText(f"event.data.survey == '{step.survey}'", "")
    condition = work.expression(when, event, BOOL)
    return Metric("", "", event, Window(), None, condition)


def _own(definition: Definition) -> dict[str, tuple[str, int, written.Challenge]]:
    """List the steps that need a metric of their own: challenge, place and what is written, by identity."""
    found = {}
    for key, one in definition.challenges.items():
        if one.team is not None:
            continue
        for place in range(max(len(one.steps), 1)):
            name = _metric_at(one, place)
            is_timed = one.starts is not None or one.ends is not None or one.within is not None
            if name is not None and not is_timed:
                continue
            of: Any = definition.metrics[name] if name is not None else one.steps[place]
            times = [str(each) for each in (one.starts, one.ends, one.within)]
            text = json.dumps([canonical_data(of), times, definition.timezone])
            digest = hashlib.sha256(text.encode()).hexdigest()[:12]
            found[f"{CHALLENGE}:{key}:{place}@{digest}"] = (key, place, one)
    return found


def _metric_at(one: written.Challenge, place: int) -> str | None:
    return one.steps[place].metric if one.steps else one.metric


def _window(one: written.Challenge, base: Metric, *, is_event: bool) -> Window:
    between = None
    if one.starts is not None or one.ends is not None:
        first = opening(one.starts).date() if one.starts is not None else date.min
        last = closing(one.ends).date() if one.ends is not None else date.max
        between = (first, last)
    if one.within is not None:
        return Window(rolling=span_of(one.within), between=between)
    return Window(between=between) if between is not None or is_event else base.window


def _moments(work: Compiling, one: written.Challenge) -> tuple[datetime, datetime] | None:
    """Give the instants between which facts count, where these are not whole days."""
    if not any(isinstance(each, datetime) for each in (one.starts, one.ends)):
        return None
    first, last = _EVER
    if one.starts is not None:
        first = opening(one.starts).replace(tzinfo=work.zone.info).astimezone(UTC)
    if one.ends is not None:
        last = closing(one.ends).replace(tzinfo=work.zone.info).astimezone(UTC)
    return first, last


def challenges_of(work: Compiling, metrics: Mapping[str, Metric]) -> dict[str, Challenge]:
    """Compile the challenges of a definition, and the levels of its badges.

    Args:
        work: the compilation; it takes the faults.
        metrics: those of the document, and those of `own_metrics`.

    Returns:
        By key; levels of badges under keys that no document has. What teams do is compiled elsewhere.
    """
    made = {
        key: _challenge(work, key, one, metrics)
        for key, one in work.definition.challenges.items()
        if one.team is None
    }
    for key, badge in work.definition.badges.items():
        for number, level in enumerate(badge.levels, 1):
            assert badge.metric is not None, "levels are reached by a metric"
            name = f"{BADGE}:{key}:{number}"
            step = Step(metrics[badge.metric], Goal(level.from_))
            made[name] = _plain(name, step)
            if step.metric.is_instant:
                detail = f"`{badge.metric}` is a time, and levels are reached by a number"
                work.fault(f"/badges/{key}/metric", "metric_not_a_number", detail)
    return made


def _plain(key: str, step: Step) -> Challenge:
    return Challenge(
        key=key,
        steps=(step,),
        every=None,
        in_order=False,
        opt_in=False,
        looks_back=False,
        repeatable=False,
        within=None,
        starts=None,
        ends=None,
        audience=None,
        campaign=key,
        is_badge=True,
    )


def _challenge(work: Compiling, key: str, one: written.Challenge, metrics: Mapping[str, Metric]) -> Challenge:
    at = f"/challenges/{key}"
    own = {(of, place): identity for identity, (of, place, _) in _own(work.definition).items()}
    steps = []
    for place in range(max(len(one.steps), 1)):
        identity = own.get((key, place))
        name = identity.partition("@")[0] if identity is not None else _metric_at(one, place) or ""
        steps.append(Step(metrics[name], _goal(work, one, place)))
    made = Challenge(
        key=key,
        steps=tuple(steps),
        every=one.every,
        in_order=one.in_order,
        opt_in=one.opt_in,
        looks_back=one.looks_back,
        repeatable=one.repeatable,
        within=None if one.within is None else span_of(one.within),
        starts=None if one.starts is None else opening(one.starts),
        ends=None if one.ends is None else closing(one.ends),
        audience=work.expression(one.audience, ACCOUNT, BOOL),
        campaign=f"{CHALLENGE}:{key}",
    )
    _check(work, at, one, made)
    return made


def _check(work: Compiling, at: str, one: written.Challenge, made: Challenge) -> None:
    within = made.within
    if within is not None and not (within.days or within.months):
        detail = "a challenge lasts whole days or months: write 1d for the day on which it begins"
        work.fault(f"{at}/within", "days_expected", detail)
    metric = made.steps[0].metric
    if one.every is not None and within is None and not metric.window.is_fixed:
        detail = f"`{metric.key}` falls by itself as days pass; follow one of all time or a calendar period"
        work.fault(f"{at}/metric", "metric_not_growing", detail)
    for place, step in enumerate(made.steps):
        if step.metric.is_instant:
            where = f"{at}/steps/{place}" if one.steps else at
            work.fault(f"{where}/metric", "metric_not_a_number", f"`{step.metric.key}` is a time")


def _goal(work: Compiling, one: written.Challenge, place: int) -> Goal:
    step = one.steps[place] if one.steps else None
    goal = step.goal if step is not None else one.goal
    if isinstance(goal, written.PersonalGoal):
        formula = work.expression(goal.personal, ACCOUNT, DECIMAL)
        return Goal(None, formula, goal.at_least, goal.at_most)
    if goal is not None:
        return Goal(goal)
    return Goal(one.every or (Decimal(step.times) if step is not None else _ONE))


def read_by(challenges: Mapping[str, Challenge]) -> list[Expression]:
    """List what is evaluated about accounts when they come to challenges.

    Args:
        challenges: as compiled.

    Returns:
        Audiences and formulas of goals.
    """
    every = [one.audience for one in challenges.values()]
    every += [step.goal.personal for one in challenges.values() for step in one.steps]
    return [one for one in every if one is not None]


def badge_campaigns(challenges: Mapping[str, Challenge]) -> Iterator[Campaign]:
    """Make the campaigns that give levels of badges.

    Args:
        challenges: as compiled.

    Yields:
        A campaign for each level: the first gives the badge, the others its name with a colon and a number.
    """
    for one in challenges.values():
        if one.is_badge:
            _, badge, number = one.key.split(":")
            mark = badge if number == "1" else f"{badge}:{number}"
            yield Campaign(
                key=one.campaign,
                trigger=COMPLETED,
                priority=0,
                when=None,
                audience=None,
                channels=None,
                stores=None,
                schedule=None,
                limits=NO_LIMITS,
                awards=(),
                multipliers=(),
                redeems=(),
                grants=(),
                badges=(mark,),
            )
