"""Quizzes that nobody passes, challenges that nobody completes, steps that nobody reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from guerdon.rules.definition import (
    BranchStep,
    Challenge,
    Definition,
    ExitStep,
    Journey,
    Metric,
    Quiz,
    Signal,
    Span,
    WaitStep,
    number_text,
)
from guerdon.rules.expressions import BOOL, Expression, compile_expression
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.conditions import domain_of, why_never
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.texts import place_of
from guerdon.rules.scope import environment_for
from guerdon.rules.sections import section_environments, section_expressions

_STREAK_DAYS: Final = {"day": 1, "week": 7, "month": 28}
_LONGEST_STREAK: Final = {
    ("calendar_year", "day"): 366, ("calendar_year", "week"): 54, ("calendar_year", "month"): 12,
    ("calendar_quarter", "day"): 92, ("calendar_quarter", "week"): 15, ("calendar_quarter", "month"): 3,
    ("calendar_month", "day"): 31, ("calendar_month", "week"): 6, ("calendar_month", "month"): 1,
    ("calendar_week", "day"): 7, ("calendar_week", "week"): 1, ("calendar_week", "month"): 2,
}  # fmt: skip
"""How many days, weeks or months a calendar window touches at most."""
_DAYS_OF_A_MONTH: Final = 31


def false_section_conditions(asked: Asked) -> Iterator[LintWarning]:
    """Find conditions of audiences, segments, journeys and their like that never hold.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    domain, own = domain_of(definition), section_environments(definition)
    for text, seen_from, expects in section_expressions(definition):
        if text is None or expects != BOOL:
            continue
        environment = own.get(seen_from) or environment_for(definition, seen_from)
        condition: Expression = compile_expression(text, environment, expects)
        reason = why_never(condition.tree, domain)
        if reason:
            yield LintWarning(
                "condition_never_true",
                text.pointer,
                place_of(text.pointer),
                f"The condition `{text}` never holds: {reason}.",
                "Correct the condition, or take it out.",
            )


def endless_draws(asked: Asked) -> Iterator[LintWarning]:
    """Find instant wins whose seed is never told, so that nobody can check them.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, draw in asked.definition.draws.items():
        if draw.kind == "instant" and draw.ends is None:
            yield LintWarning(
                "draw_without_end",
                f"/draws/{key}",
                f"draw `{key}`",
                f"The draw `{key}` has no end, so its seed is never told and nobody can check it.",
                "Give it `ends`; a draw that goes on can follow under another name.",
            )


def impossible_quizzes(asked: Asked) -> Iterator[LintWarning]:
    """Find quizzes that cannot be passed, or that ask for more questions than there are.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, quiz in asked.definition.quizzes.items():
        place, count = f"quiz `{key}`", len(quiz.questions)
        if quiz.asks is not None and quiz.asks > count:
            yield LintWarning(
                "quiz_asks_too_many",
                f"/quizzes/{key}/asks",
                place,
                f"The quiz `{key}` asks {quiz.asks} questions and has {count}; it asks each of them once.",
                "Write more questions, or take `asks` out.",
            )
        most = reachable_points(quiz)
        if quiz.pass_ is not None and quiz.pass_ > most:
            asked_for = "its questions" if quiz.asks is None else f"the {min(quiz.asks, count)} that it asks"
            yield LintWarning(
                "quiz_never_passed",
                f"/quizzes/{key}/pass",
                place,
                f"The quiz `{key}` is passed with {quiz.pass_} points, and {asked_for} give {most} at most.",
                f"Lower `pass` to {most} or less, or add questions.",
            )


def reachable_points(quiz: Quiz) -> int:
    """Count the points that a member can get who knows everything.

    Args:
        quiz: the quiz.

    Returns:
        The points of the questions that count most, as many as are asked.
    """
    points = sorted((question.points for question in quiz.questions), reverse=True)
    return sum(points[: quiz.asks])


def impossible_challenges(asked: Asked) -> Iterator[LintWarning]:
    """Find challenges that can never be completed, and goals that nobody ever reached.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, challenge in asked.definition.challenges.items():
        for pointer, reason, advice in _impossible(asked, challenge, f"/challenges/{key}"):
            yield LintWarning(
                "challenge_never_reached",
                pointer,
                f"challenge `{key}`",
                f"The challenge `{key}` can never be completed: {reason}.",
                advice,
            )
        yield from _unreached(asked, key, challenge)


def _impossible(asked: Asked, one: Challenge, pointer: str) -> Iterator[tuple[str, str, str]]:
    definition = asked.definition
    for name, goal, at in _goals(one, pointer):
        metric = definition.metrics[name]
        reason = _never_grows(asked, name) or _too_long(metric, goal, _time_for(one))
        if reason:
            yield at, reason, "Lower the goal, give it more time, or follow another metric."
    for place, step in enumerate(one.steps):
        quiz = definition.quizzes.get(step.quiz or "")
        if quiz is not None and quiz.pass_ is not None and quiz.pass_ > reachable_points(quiz):
            reason = f"the quiz `{step.quiz}` cannot be passed"
            yield f"{pointer}/steps/{place}/quiz", reason, "Correct the quiz."


def _goals(one: Challenge, pointer: str) -> Iterator[tuple[str, Decimal, str]]:
    """List the metrics with the numbers that they must reach; the least one of a personal goal."""
    goals = [(one.metric, one.goal if one.every is None else one.every, pointer)]
    goals += [(step.metric, step.goal, f"{pointer}/steps/{place}") for place, step in enumerate(one.steps)]
    for metric, goal, at in goals:
        if metric is not None and goal is not None:
            field = "every" if one.every is not None else "goal"
            number = goal if isinstance(goal, Decimal) else goal.at_least or Decimal(0)
            yield metric, number, f"{at}/{field}"


def _never_grows(asked: Asked, name: str) -> str:
    compiled = asked.program.metrics.get(name)
    condition = compiled.when if compiled is not None else None
    reason = why_never(condition.tree, domain_of(asked.definition)) if condition is not None else ""
    return f"the metric `{name}` counts nothing, as {reason}" if reason else ""


def _time_for(one: Challenge) -> int | None:
    """Count the days that there are at most; None where there is no end."""
    days = [_days(one.within)] if one.within is not None else []
    if one.starts is not None and one.ends is not None:
        days.append((_day(one.ends) - _day(one.starts)).days + 1)
    return min(days, default=None)


def _day(moment: Any) -> Any:
    return moment.date() if hasattr(moment, "hour") else moment


def _days(span: Span) -> int:
    return span.months * _DAYS_OF_A_MONTH + span.days + -(-(span.hours * 60 + span.minutes) // 1440)


def _too_long(metric: Metric, goal: Decimal, days: int | None) -> str:
    """Say why a streak does not fit into its window, or into the challenge's own time."""
    if metric.in_a_row is None:
        return ""
    unit = metric.in_a_row.of
    longest = _LONGEST_STREAK.get((metric.window, unit)) if isinstance(metric.window, str) else None
    if longest is not None and goal > longest:
        window = str(metric.window).replace("_", " ")
        return f"a {window} has {longest} {unit}s at most, and the goal is {number_text(goal)}"
    # A streak of n touches its first and its last period for a moment only.
    if days is not None and (goal - 2) * _STREAK_DAYS[unit] >= days:
        return f"{number_text(goal)} {unit}s in a row do not fit into its {days} days"
    return ""


def _unreached(asked: Asked, key: str, one: Challenge) -> Iterator[LintWarning]:
    spreads = asked.figures.metrics if asked.figures is not None else {}
    spread = spreads.get(one.metric or "")
    if spread is None or not isinstance(one.goal, Decimal) or one.goal <= spread.highest:
        return
    yield LintWarning(
        "challenge_never_reached",
        f"/challenges/{key}/goal",
        f"challenge `{key}`",
        f"Nobody has ever reached {number_text(one.goal)}, the goal of the challenge `{key}`: the greatest "
        f"`{one.metric}` of {spread.accounts} accounts was {number_text(spread.highest)}.",
        "Leave it where it is meant to be far away; else lower the goal.",
    )


def unreachable_steps(asked: Asked) -> Iterator[LintWarning]:
    """Find steps of journeys that nobody comes to.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each stretch of such steps.
    """
    for key, journey in asked.definition.journeys.items():
        for pointer, reason in _lost(journey, journey.steps, f"/journeys/{key}/steps"):
            yield LintWarning(
                "step_never_reached",
                pointer,
                f"journey `{key}`",
                f"Nobody comes to this step of the journey `{key}`: {reason}.",
                "Take it out, or put it before.",
            )


def _lost(journey: Journey, steps: Sequence[object], pointer: str) -> Iterator[tuple[str, str]]:
    for place, step in enumerate(steps):
        at = f"{pointer}/{place}"
        if isinstance(step, BranchStep):
            yield from _lost_arm(journey, step, at)
            yield from _lost(journey, step.then, f"{at}/then")
            yield from _lost(journey, step.else_, f"{at}/else")
        if place + 1 < len(steps) and _leaves(journey, step):
            yield f"{pointer}/{place + 1}", "everybody has left the journey before it"
            return


def _leaves(journey: Journey, step: object) -> bool:
    """Tell whether nobody goes on behind a step."""
    if isinstance(step, BranchStep):
        arms = (step.then, step.else_)
        return all(any(_leaves(journey, inner) for inner in arm) for arm in arms)
    if isinstance(step, WaitStep):
        return step.wait.for_ is None and step.wait.until is not None and step.wait.until in journey.exit
    return isinstance(step, ExitStep)


def _lost_arm(journey: Journey, step: BranchStep, pointer: str) -> Iterator[tuple[str, str]]:
    """Whoever has given a sign that ends the journey is not there to be asked for it."""
    signal = step.if_ or step.unless
    if signal is None or not _ends(signal, journey):
        return
    reason = "what it waits for ends the journey by `exit`"
    if step.if_ is not None:
        yield f"{pointer}/then/0", reason
    elif step.else_:
        yield f"{pointer}/else/0", reason


def _ends(signal: Signal, journey: Journey) -> bool:
    return (signal.event is not None or signal.segment is not None) and signal in journey.exit


def over_sections(asked: Asked) -> Iterator[tuple[str, str, Any]]:
    """List what has a last day, beside campaigns and rewards.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        Section, key and the last day or local time.
    """
    definition: Definition = asked.definition
    for section in ("challenges", "quizzes", "draws", "leaderboards", "causes", "content", "surveys"):
        for key, one in getattr(definition, section).items():
            if one.ends is not None:
                yield section, key, one.ends


def awaited_events(definition: Definition) -> Iterator[tuple[str, str]]:
    """List the events that these sections wait for.

    Args:
        definition: the definition.

    Yields:
        JSON pointer and event type.
    """
    for section in ("draws", "surveys"):
        for key, one in getattr(definition, section).items():
            if one.trigger is not None:
                yield f"/{section}/{key}/trigger", one.trigger
    if definition.referral.advocate is not None:
        yield "/referral/advocate/first", definition.referral.advocate.first
    for key, challenge in definition.challenges.items():
        steps = enumerate(challenge.steps)
        yield from ((f"/challenges/{key}/steps/{at}/event", step.event) for at, step in steps if step.event)
    for key, journey in definition.journeys.items():
        yield from _journey_events(journey, f"/journeys/{key}")


def _journey_events(journey: Journey, pointer: str) -> Iterator[tuple[str, str]]:
    yield from _signal_events(journey.enter, f"{pointer}/enter")
    for place, signal in enumerate(journey.exit):
        yield from _signal_events(signal, f"{pointer}/exit/{place}")
    yield from _step_events(journey.steps, f"{pointer}/steps")


def _step_events(steps: Sequence[object], pointer: str) -> Iterator[tuple[str, str]]:
    for place, step in enumerate(steps):
        at = f"{pointer}/{place}"
        if isinstance(step, WaitStep):
            yield from _signal_events(step.wait.until, f"{at}/wait/until")
        elif isinstance(step, BranchStep):
            yield from _signal_events(step.if_, f"{at}/if")
            yield from _signal_events(step.unless, f"{at}/unless")
            yield from _step_events(step.then, f"{at}/then")
            yield from _step_events(step.else_, f"{at}/else")


def _signal_events(signal: Signal | None, pointer: str) -> Iterator[tuple[str, str]]:
    if signal is not None and signal.event is not None:
        yield pointer, signal.event
