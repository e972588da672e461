"""Campaigns and metrics that never come to anything: triggers, conditions, schedules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from guerdon.rules.definition import Definition, nearest_to
from guerdon.rules.expressions import Expression
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.conditions import Domain, channel_domain, domain_of, why_never
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.sections import awaited_events, over_sections
from guerdon.rules.lint.texts import place_of
from guerdon.rules.own_events import TYPES

BUILT_IN: Final = TYPES | {
    "order.paid",
    "order.placed",
    "order.shipped",
    "order.returned",
    "order.cancelled",
    "order.edited",
    "member.enrolled",
    "tier.reached",
    "badge.earned",
    "challenge.completed",
    "survey.answered",
    "checkout",
}
"""Event types that need no declaration."""


def silent_triggers(asked: Asked) -> Iterator[LintWarning]:
    """Find triggers that are neither built in nor declared nor seen.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each campaign and each metric that waits for such an event.
    """
    definition = asked.definition
    figures = asked.figures
    seen = figures.events if figures is not None else {}
    known = BUILT_IN | definition.events.keys() | seen.keys()
    waiting = [(f"/campaigns/{key}/trigger", one.trigger) for key, one in definition.campaigns.items()]
    waiting += [(f"/metrics/{key}/event", one.event) for key, one in definition.metrics.items()]
    for pointer, event_type in (*waiting, *awaited_events(definition)):
        if event_type in known:
            continue
        nearest = nearest_to(event_type, sorted(known))
        unseen = " and was never seen" if figures is not None and figures.accounts else ""
        yield LintWarning(
            "trigger_unknown",
            pointer,
            place_of(pointer),
            f"The event type `{event_type}` is neither built in nor declared under `events`{unseen}.",
            f"Did you mean `{nearest}`?"
            if nearest
            else "Declare it under `events`, or look for a misspelling.",
        )


def false_conditions(asked: Asked) -> Iterator[LintWarning]:
    """Find conditions that never hold.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each such condition of a campaign or a metric.
    """
    definition = asked.definition
    program = asked.program
    domain = domain_of(definition)
    conditions: list[tuple[str, Expression | None, Domain]] = []
    for one in program.campaigns:
        at = f"/campaigns/{one.key}"
        if one.is_prize:
            continue
        channels = definition.campaigns[one.key].channels
        here = domain if channels is None else {**domain, **channel_domain(channels)}
        conditions += [(f"{at}/when", one.when, here), (f"{at}/audience", one.audience, here)]
    conditions += [
        (definition.segments[key].when.pointer, one.when, domain) for key, one in program.segments.items()
    ]
    conditions += [
        (f"/metrics/{key}/when", one.when, domain)
        for key, one in program.metrics.items()
        if key in definition.metrics
    ]
    for pointer, condition, known in conditions:
        reason = why_never(condition.tree, known) if condition is not None else ""
        if reason:
            place = place_of(pointer)
            yield LintWarning(
                "condition_never_true",
                pointer,
                place,
                f"The condition of the {place} never holds: {reason}.",
                "Correct the condition, or take it out.",
            )


def over_schedules(asked: Asked) -> Iterator[LintWarning]:
    """Find what is over already.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each campaign whose schedule has ended, and each reward whose day has passed.
    """
    definition = asked.definition
    program = asked.program
    figures = asked.figures
    if figures is None:
        return
    now = program.zone.local(figures.at).replace(tzinfo=None)
    for key, campaign in definition.campaigns.items():
        ends = campaign.schedule.ends if campaign.schedule is not None else None
        if ends is not None and _end_of(ends) <= now:
            yield LintWarning(
                "schedule_over",
                f"/campaigns/{key}/schedule/ends",
                f"campaign `{key}`",
                f"The campaign `{key}` ended on {ends.isoformat()} and never runs again.",
                "Give it a later end, or remove it.",
            )
    for section, key, last in over_sections(asked):
        if _end_of(last) <= now:
            pointer = f"/{section}/{key}/ends"
            yield LintWarning(
                "schedule_over",
                pointer,
                place_of(pointer),
                f"The {place_of(pointer)} ended on {last.isoformat()}.",
                "Give it a later end, or remove it.",
            )
    yield from _past_rewards(definition, now)


def _past_rewards(definition: Definition, now: datetime) -> Iterator[LintWarning]:
    for key, reward in definition.rewards.items():
        if reward.at is None or _end_of(reward.at) > now:
            continue
        if reward.called_off is not None:
            yield LintWarning(
                "called_off_afterwards",
                f"/rewards/{key}/called_off",
                f"reward `{key}`",
                f"The reward `{key}` took place on {reward.at.isoformat()}: whoever has a seat that nobody "
                "noted at the door gets back what was paid.",
                "Call off only what did not take place; what was given back is not taken again.",
            )
        else:
            yield LintWarning(
                "reward_over",
                f"/rewards/{key}/at",
                f"reward `{key}`",
                f"The reward `{key}` took place on {reward.at.isoformat()} and can still be had.",
                "Give it a later day, or remove it.",
            )


def _end_of(moment: date | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment + timedelta(days=1), time.min)
