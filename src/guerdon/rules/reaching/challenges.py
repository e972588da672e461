"""Challenges within a decision: accounts begin, get further, and reach what brings the prize."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.rules.challenges.challenge import ROUNDS_AT_MOST, Challenge, Step, is_level
from guerdon.rules.challenges.since import begun_anew, begun_at, counts_since
from guerdon.rules.challenges.values import (
    ALL_TIME,
    Due,
    When,
    begun_of,
    goal_of,
    is_met,
    rounds_due,
    value_of,
)
from guerdon.rules.decision import Reached, Skip
from guerdon.rules.draft import Draft
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.noting import note_inputs
from guerdon.rules.program import Campaign, Program
from guerdon.rules.scope import Scope
from guerdon.rules.segments import see_segments
from guerdon.rules.state import Begun, Noted, Progress
from guerdon.rules.stepping import COMPLETED

PAST_AT_MOST: Final = 20
HISTORY_AT_MOST: Final = 50
NOTHING: Final = Progress()


def begin(draft: Draft) -> None:
    """Reckon the goals of accounts that come to a challenge for the first time, before the event counts.

    Args:
        draft: the decision.
    """
    zone, at = draft.program.zone, draft.event.occurred_at
    for challenge in draft.program.challenges_by_event.get(draft.event.type, ()):
        progress = draft.challenges.get(challenge.key, NOTHING)
        if not challenge.runs_at(zone, at):
            continue
        if challenge.is_personal and not challenge.opt_in and not progress.steps:
            scope = scope_of(draft)
            steps = tuple(Begun(at, goal=_own_goal(step, scope)) for step in challenge.steps)
            both = zip(steps, challenge.steps, strict=True)
            if all(step.goal.personal is None or one.goal for one, step in both):
                put(draft, challenge.key, msgspec.structs.replace(progress, steps=steps), "begun")
        elif progress.steps:
            _begin_anew(draft, challenge, progress)


def _begin_anew(draft: Draft, challenge: Challenge, progress: Progress) -> None:
    """Let an account begin with what a changed definition counts now, or with steps that are new."""
    known = [one.metric for one in progress.steps]
    wanted = [step.metric.identity for step in challenge.steps]
    if len(known) == len(wanted) and all(
        one in ("", metric) for one, metric in zip(known, wanted, strict=True)
    ):
        return
    scope = scope_of(draft)
    steps = first_steps(draft, challenge, scope, draft.event.occurred_at)
    kept = progress.steps[: len(steps)]
    goals = [one.goal for one in kept] + [one.goal for one in steps[len(kept) :]]
    steps = tuple(
        msgspec.structs.replace(one, goal=goal or one.goal) for one, goal in zip(steps, goals, strict=True)
    )
    put(draft, challenge.key, msgspec.structs.replace(progress, steps=steps, past=()), "begun")


def _own_goal(step: Step, scope: Scope) -> Decimal | None:
    return step.goal.reckon(scope) if step.goal.personal is not None else None


def put(
    draft: Draft, key: str, progress: Progress, what: str, told: tuple[int, Decimal | None] = (0, None)
) -> None:
    """Let an account be so far with a challenge, and note why.

    Args:
        draft: the decision.
        key: of the challenge.
        progress: how far the account is.
        what: what happened, as `Noted` says.
        told: which prize or step, and the metric's value then.
    """
    noted = Noted(draft.event.occurred_at, what, *told)  # type: ignore[arg-type]  # one of its words
    history = (*progress.history, noted)[-HISTORY_AT_MOST:]
    draft.challenges = {**draft.challenges, key: msgspec.structs.replace(progress, history=history)}


def scope_of(draft: Draft) -> Scope:
    """Make what audiences and goals of challenges see now, and keep what they read.

    Args:
        draft: the decision.

    Returns:
        The scope, segments worked out.
    """
    scope = draft.scope(COMPLETED, {})
    see_segments(draft.program.segments_of, scope, COMPLETED)
    note_inputs(draft, scope, COMPLETED)
    return scope


def waiting_for(
    program: Program, trigger: str, data: Mapping[str, Any], acted: Collection[str]
) -> list[Campaign]:
    """List the campaigns that an occasion may move.

    Args:
        program: what decides.
        trigger: a follow-on's type.
        data: a follow-on's data.
        acted: keys of the campaigns that acted on the event already.

    Returns:
        In the order of evaluation: of prizes of challenges only the one that was reached.
    """
    waiting = program.by_trigger.get(trigger, ())
    if trigger == COMPLETED:
        prize = program.prize_of(data["challenge"])
        # A level of a badge is told as a badge.
        is_told = program.challenges.get(data["challenge"]) is not None and not is_level(data["challenge"])
        return [
            one for one in waiting if one.key == prize or (is_told and not (one.is_prize or one.key in acted))
        ]
    return [one for one in waiting if one.key not in acted]


class Standing:
    """How an account stands with one challenge when something happens."""

    def __init__(self, draft: Draft, challenge: Challenge, since: date | None = None) -> None:
        """Look at it.

        Args:
            draft: the decision, the event counted.
            challenge: the challenge.
            since: the first local day that is looked at, where that is not the event's.
        """
        zone, event = draft.program.zone, draft.event
        self.draft = draft
        self.challenge = challenge
        self.progress = draft.challenges.get(challenge.key, NOTHING)
        began_at = challenge.begins_at(zone, self.progress, draft.before.account.created_at)
        self.since = Begun(began_at) if challenge.within is not None and began_at is not None else None
        ends = challenge.last_day(zone, began_at)
        day = draft.day if since is None else since
        last = max(day, zone.day_of(draft.now)) if draft.late or since is not None else day
        self.when = When(zone, day, last if ends is None else min(last, ends))
        takes_part = not challenge.opt_in or self.progress.joined_at is not None
        in_time = challenge.runs_at(zone, event.occurred_at) and (ends is None or draft.day <= ends)
        self.is_on = (
            takes_part and in_time and (self.since is None or draft.day >= zone.day_of(self.since.since))
        )

    def value(self, place: int) -> Decimal:
        """Give the value of a step's metric.

        Args:
            place: of the step, from 0.

        Returns:
            The value since the account began.
        """
        step = self.challenge.steps[place]
        return value_of(step, begun_of(self.progress, place, self.since), self.draft.counts(), self.when)

    def goal(self, place: int) -> Decimal | None:
        """Give the goal of a step.

        Args:
            place: of the step, from 0.

        Returns:
            The number, None where it is not reckoned.
        """
        return goal_of(self.challenge.steps[place], self.progress, place)

    def due(self, every: Decimal) -> Due:
        """Tell how many prizes of a punch card are due.

        Args:
            every: for how much each.

        Returns:
            How many, in which window.
        """
        metric = self.challenge.steps[0].metric
        begun = begun_of(self.progress, 0, self.since)
        own = counts_since(metric, self.draft.counts(), self.when.zone, begun)
        return rounds_due(metric, every, own, self.when)

    def open_steps(self) -> Iterator[int]:
        """List the steps that may be done by what happened.

        Yields:
            Their places; where the order matters, at most the first that is not done.
        """
        for place in range(len(self.challenge.steps)):
            begun = self.progress.steps[place] if place < len(self.progress.steps) else None
            if begun is None or begun.done_at is None:
                yield place
                if self.challenge.in_order:
                    return


def advance(draft: Draft, challenges: tuple[Challenge, ...]) -> list[Reached]:
    """Find out what prizes an account has reached, and keep how far it is.

    Args:
        draft: the decision, the event counted.
        challenges: those that the event may have moved.

    Returns:
        The prizes, in the order in which they are given.
    """
    reached: list[Reached] = []
    for challenge in challenges:
        standing = Standing(draft, challenge)
        if standing.is_on:
            found = _by_rounds(standing) if challenge.every is not None else _by_steps(standing)
            if found and _may_have(draft, challenge):
                reached += _give(standing, found)
    draft.reached += reached
    return reached


def _by_rounds(standing: Standing) -> list[Reached]:
    challenge, progress = standing.challenge, standing.progress
    assert challenge.every is not None, "a punch card"
    due = standing.due(challenge.every)
    given = progress.rounds.get(due.window, 0)
    new = range(given + 1, min(due.rounds, given + ROUNDS_AT_MOST) + 1)
    first = progress.times - given
    return [
        Reached(challenge.key, first + number, due.window, challenge.every * number, challenge.every * number)
        for number in new
    ]


def _by_steps(standing: Standing) -> list[Reached]:
    challenge, progress = standing.challenge, standing.progress
    if progress.times and not challenge.repeatable:
        return []
    value, goal = Decimal(0), None
    for place in standing.open_steps():
        value, goal = standing.value(place), standing.goal(place)
        if is_met(value, goal):
            if len(challenge.steps) > 1:
                _do_step(standing, place, value)
        elif len(challenge.steps) == 1:
            return []
    if len(challenge.steps) > 1:
        steps = standing.progress.steps
        if not steps or any(one.done_at is None for one in steps):
            return []
        value = goal = Decimal(len(steps))
    return [Reached(challenge.key, progress.times + 1, ALL_TIME, value, goal or value)]


def _do_step(standing: Standing, place: int, value: Decimal) -> None:
    draft, challenge = standing.draft, standing.challenge
    at = draft.event.occurred_at
    blank = Begun(at)
    steps = list(standing.progress.steps) or [blank] * len(challenge.steps)
    steps[place] = msgspec.structs.replace(steps[place], done_at=at)
    following = place + 1
    if challenge.in_order and following < len(steps):
        # What did one step counts for no other one.
        begun = begun_anew(
            challenge.steps[following].metric, draft.counts(), standing.when.zone, _latest(draft)
        )
        steps[following] = msgspec.structs.replace(begun, goal=steps[following].goal)
    progress = msgspec.structs.replace(standing.progress, steps=tuple(steps))
    put(draft, challenge.key, progress, "step", (place + 1, value))
    standing.progress = draft.challenges[challenge.key]


def _latest(draft: Draft) -> datetime:
    """Give the latest fact that was counted."""
    last = draft.before.account.last_occurred_at
    return draft.event.occurred_at if last is None else max(draft.event.occurred_at, last)


def _may_have(draft: Draft, challenge: Challenge) -> bool:
    if challenge.audience is None:
        return True
    reason, detail = "not_in_audience", ""
    try:
        if challenge.audience.evaluate(scope_of(draft)):
            return True
    except EvaluationError as error:
        reason, detail = "expression_error", f"{error.code}: {error.detail}"
    draft.skipped.append(Skip(challenge.campaign, reason, detail))
    return False


def _give(standing: Standing, found: list[Reached]) -> list[Reached]:
    draft, challenge = standing.draft, standing.challenge
    for one in found:
        progress = standing.progress
        rounds = {**progress.rounds, one.window: progress.rounds.get(one.window, 0) + 1}
        progress = msgspec.structs.replace(progress, rounds=rounds, reached_at=draft.event.occurred_at)
        if challenge.repeatable:
            past = (*progress.past, progress.steps)[-PAST_AT_MOST:]
            progress = msgspec.structs.replace(progress, past=past, steps=_anew(standing))
        put(draft, challenge.key, progress, "reached", (one.round, one.value))
        standing.progress = draft.challenges[challenge.key]
    return found


def _anew(standing: Standing) -> tuple[Begun, ...]:
    draft, challenge = standing.draft, standing.challenge
    zone, counts, at = standing.when.zone, draft.counts(), _latest(draft)
    begun = [begun_anew(step.metric, counts, zone, at) for step in challenge.steps]
    goals = [
        standing.goal(place) if step.goal.personal else None for place, step in enumerate(challenge.steps)
    ]
    return tuple(msgspec.structs.replace(one, goal=goal) for one, goal in zip(begun, goals, strict=True))


def first_steps(draft: Draft, challenge: Challenge, scope: Scope, at: datetime) -> tuple[Begun, ...]:
    """Note where an account begins that joins.

    Args:
        draft: the decision.
        challenge: what it joins.
        scope: what formulas of goals see.
        at: when it joins.

    Returns:
        A beginning for each step; none where all that ever happened counts and no goal is its own.
    """
    if challenge.looks_back and not challenge.is_personal:
        return ()
    made = []
    for step in challenge.steps:
        begun = (
            Begun(at)
            if challenge.looks_back
            else begun_at(step.metric, draft.counts(), draft.program.zone, at)
        )
        made.append(msgspec.structs.replace(begun, goal=_own_goal(step, scope)))
    return tuple(made)
