"""Joining a challenge, and leaving it."""

from __future__ import annotations

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules.challenges.challenge import Challenge
from guerdon.rules.draft import Draft
from guerdon.rules.events import JoinChallenge, LeaveChallenge
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.reaching.challenges import NOTHING, first_steps, put, scope_of


def join(draft: Draft, command: JoinChallenge) -> None:
    """Let an account take part in a challenge.

    Args:
        draft: the decision; goals of the account's own are reckoned now.
        command: which challenge.

    Raises:
        Problem: `challenge_not_found`, `challenge_without_joining`, `challenge_joined`,
            `challenge_not_begun`, `challenge_over`, `challenge_not_for_you` or `challenge_without_goal`.
    """
    challenge = _challenge(draft, command.challenge)
    progress = draft.challenges.get(challenge.key, NOTHING)
    if progress.joined_at is not None:
        raise Problem("challenge_joined", "the account takes part in this challenge already")
    zone, now = draft.program.zone, draft.event.occurred_at
    if not challenge.runs_at(zone, now):
        local = zone.local(now).replace(tzinfo=None)
        if challenge.starts is not None and local < challenge.starts:
            raise Problem("challenge_not_begun", f"this challenge begins at {challenge.starts.isoformat()}")
        raise Problem("challenge_over", "this challenge is over")
    scope = scope_of(draft)
    try:
        meant = challenge.audience is None or bool(challenge.audience.evaluate(scope))
    except EvaluationError:
        meant = False
    if not meant:
        raise Problem("challenge_not_for_you", "this challenge is for others")
    steps = first_steps(draft, challenge, scope, now)
    if any(one.goal is None for one, step in zip(steps, challenge.steps, strict=False) if step.goal.personal):
        detail = "its goal follows from what the member did before, and there is nothing yet"
        raise Problem("challenge_without_goal", detail)
    put(draft, challenge.key, msgspec.structs.replace(progress, joined_at=now, steps=steps), "joined")


def leave(draft: Draft, command: LeaveChallenge) -> None:
    """Let an account take part in a challenge no longer; what it has reached stands.

    Args:
        draft: the decision.
        command: which challenge.

    Raises:
        Problem: `challenge_not_found`, `challenge_without_joining` or `challenge_not_joined`.
    """
    challenge = _challenge(draft, command.challenge)
    progress = draft.challenges.get(challenge.key, NOTHING)
    if progress.joined_at is None:
        raise Problem("challenge_not_joined", "the account does not take part in this challenge")
    put(draft, challenge.key, msgspec.structs.replace(progress, joined_at=None, steps=()), "left")


def _challenge(draft: Draft, key: str) -> Challenge:
    challenge = draft.program.challenges.get(key)
    if challenge is None or challenge.is_badge:
        raise Problem("challenge_not_found", "there is no such challenge")
    if not challenge.opt_in:
        raise Problem("challenge_without_joining", "everybody takes part in this challenge without joining")
    return challenge
