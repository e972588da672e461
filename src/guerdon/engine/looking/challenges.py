"""Challenges and badges as one member sees them: by the rules that decide, over what stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.engine.looking.offers import Looker, load_state
from guerdon.infra.tx import Tx
from guerdon.rules import definition as written
from guerdon.rules.challenges import BADGE, Challenge
from guerdon.rules.draft import Draft
from guerdon.rules.events import Event
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.metrics import number_on
from guerdon.rules.reaching.challenges import NOTHING, Standing, scope_of
from guerdon.rules.reaching.foreseeing import how_far
from guerdon.rules.state import Noted
from guerdon.rules.step import exactly

State = Literal["open", "to_join", "done", "not_yet", "over"]
_ZERO = Decimal(0)
NO_CHALLENGE = Problem("challenge_not_found", "there is no such challenge")


@dataclass(frozen=True, slots=True)
class SeenStep:
    """One of the things that are to be done."""

    written: written.ChallengeStep | None
    """None where the challenge is a goal on one metric."""
    value: Decimal
    goal: Decimal | None
    """None where it is reckoned when the account begins."""
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenChallenge:
    """A challenge as a member sees it."""

    key: str
    written: written.Challenge
    """With its name, its words and its prize."""
    state: State
    """`open` goes on, `to_join` waits for the member, `done` is reached and does not repeat."""
    value: Decimal
    """What counts of the goal by now; of a punch card what counts for the next prize."""
    goal: Decimal | None
    times: int
    """How often the prize was reached and stands."""
    steps: Sequence[SeenStep]
    """Empty where it is a goal on one metric."""
    joined_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    """The first instant after it, for this account."""
    reached_at: datetime | None
    history: Sequence[Noted]
    """What happened, oldest first, the last 50."""

    @property
    def per_mille(self) -> int:
        """How far it is, 0 to 1000, for a bar."""
        if self.state == "done":
            return 1000
        if not self.goal:
            return 0
        return max(0, min(1000, int(self.value * 1000 / self.goal)))


@dataclass(frozen=True, slots=True)
class SeenLevel:
    """A level of a badge."""

    written: written.BadgeLevel
    earned_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenBadge:
    """A badge as a member sees it."""

    key: str
    written: written.BadgeEntry
    earned_at: datetime | None
    """None for one that the member does not have yet."""
    level: int
    """The highest level reached, from 1; 0 where there is none."""
    levels: Sequence[SeenLevel]
    value: Decimal | None
    """Of the metric that decides the level."""


def load_challenges(tx: Tx, looker: Looker, now: datetime) -> list[SeenChallenge]:
    """List the challenges that are for an account, and those that it took part in.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        now: the instant, UTC.

    Returns:
        In the order of the definition.
    """
    draft = _draft(tx, looker, now)
    definition = looker.program.definition
    found = []
    with exactly():
        for key, one in definition.challenges.items():
            challenge = looker.program.challenges.get(key)
            if challenge is not None and _is_shown(draft, challenge):
                found.append(_seen(draft, challenge, one))
    return found


def load_challenge(tx: Tx, looker: Looker, key: str, now: datetime) -> SeenChallenge:
    """Find one challenge as an account sees it.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        key: the challenge.
        now: the instant, UTC.

    Returns:
        The challenge.

    Raises:
        Problem: `challenge_not_found`, for others' ones as well.
    """
    found = next((one for one in load_challenges(tx, looker, now) if one.key == key), None)
    if found is None:
        raise NO_CHALLENGE
    return found


def load_badges(tx: Tx, looker: Looker, now: datetime) -> list[SeenBadge]:
    """List the badges of a program as an account sees them: hidden ones only where it has them.

    Args:
        tx: bound to the tenant; nothing is locked.
        looker: who looks, and where.
        now: the instant, UTC.

    Returns:
        In the order of the definition.
    """
    draft = _draft(tx, looker, now)
    held = draft.badges
    found = []
    with exactly():
        for key, one in looker.program.definition.badges.items():
            marks = [key if number == 1 else f"{key}:{number}" for number in range(1, len(one.levels) + 1)]
            levels = [SeenLevel(level, held.get(mark)) for level, mark in zip(one.levels, marks, strict=True)]
            reached = [number for number, level in enumerate(levels, 1) if level.earned_at is not None]
            if key in held or reached or not one.hidden:
                step = looker.program.challenges.get(f"{BADGE}:{key}:1")
                value = None
                if step is not None:
                    value = number_on(step.steps[0].metric, draft.counts(), draft.day)
                found.append(SeenBadge(key, one, held.get(key), max(reached, default=0), levels, value))
    return found


def _draft(tx: Tx, looker: Looker, now: datetime) -> Draft:
    state = load_state(tx, looker, now)
    event = Event("guerdon.look", now, now, source="guerdon", channel="system")
    return Draft(looker.program, state, event, Chance(bytes(8)))


def _is_shown(draft: Draft, challenge: Challenge) -> bool:
    progress = draft.challenges.get(challenge.key, NOTHING)
    if challenge.audience is None or progress.joined_at is not None or progress.times:
        return True
    try:
        return bool(challenge.audience.evaluate(scope_of(draft)))
    except EvaluationError:
        return False


def _seen(draft: Draft, challenge: Challenge, one: written.Challenge) -> SeenChallenge:
    zone = draft.program.zone
    standing = Standing(draft, challenge)
    progress = standing.progress
    began_at = challenge.begins_at(zone, progress, draft.before.account.created_at)
    last = challenge.last_day(zone, began_at)
    if last is not None and last < draft.day:
        standing = Standing(draft, challenge, last)
    state = _state(standing, last is not None and draft.day > last)
    steps = [
        SeenStep(
            one.steps[place] if one.steps else None,
            standing.value(place) if state != "to_join" or challenge.looks_back else _ZERO,
            standing.goal(place),
            progress.steps[place].done_at if place < len(progress.steps) else None,
        )
        for place in range(len(challenge.steps))
    ]
    has_begun = state not in ("to_join", "not_yet")
    value, goal = how_far(standing, steps[0].value, has_begun=has_begun)
    return SeenChallenge(
        key=challenge.key,
        written=one,
        state=state,
        value=value,
        goal=goal,
        times=progress.times,
        steps=steps if one.steps else (),
        joined_at=progress.joined_at,
        starts_at=None if challenge.starts is None else _instant(challenge.starts, draft),
        ends_at=_end(draft, challenge, progress.joined_at is not None or not challenge.opt_in),
        reached_at=progress.reached_at,
        history=progress.history,
    )


def _state(standing: Standing, is_late: bool) -> State:
    challenge, progress = standing.challenge, standing.progress
    draft = standing.draft
    local = draft.program.zone.local(draft.now).replace(tzinfo=None)
    if progress.times and challenge.every is None and not challenge.repeatable:
        return "done"
    if is_late or (challenge.ends is not None and local > challenge.ends):
        return "over"
    if challenge.starts is not None and local < challenge.starts:
        return "not_yet"
    return "to_join" if challenge.opt_in and progress.joined_at is None else "open"


def _end(draft: Draft, challenge: Challenge, takes_part: bool) -> datetime | None:
    zone = draft.program.zone
    ends = [] if challenge.ends is None else [_instant(challenge.ends, draft)]
    progress = draft.challenges.get(challenge.key, NOTHING)
    began_at = challenge.begins_at(zone, progress, draft.before.account.created_at)
    if challenge.within is not None and takes_part:
        last = challenge.last_day(zone, began_at)
        ends += [zone.start_of(last + timedelta(days=1))] if last is not None else []
    return min(ends, default=None)


def _instant(local: datetime, draft: Draft) -> datetime:
    return local.replace(tzinfo=draft.program.zone.info).astimezone(UTC)
