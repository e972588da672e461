"""Joining challenges and leaving them, as commands become what is decided upon."""

from __future__ import annotations

from typing import Any

from guerdon.base.errors import Problem
from guerdon.engine.commands import JoinChallenge, LeaveChallenge
from guerdon.rules import events
from guerdon.rules.program import Program

_KEY_LENGTH = 200


def read_joining(item: Any, command: JoinChallenge | LeaveChallenge, _: Program) -> None:
    """Read who joins or leaves which challenge.

    Args:
        item: the item on its way; its reference and its event are set.
        command: what is asked.
        _: whose settings would apply.

    Raises:
        Problem: `challenge_not_found` for what can be no key.
    """
    if len(command.challenge) > _KEY_LENGTH or not command.challenge.isprintable():
        raise Problem("challenge_not_found", "there is no such challenge")
    item.ref = command.member
    asked: events.JoinChallenge | events.LeaveChallenge
    name, asked = "guerdon.leave_challenge", events.LeaveChallenge(command.challenge)
    if isinstance(command, JoinChallenge):
        name, asked = "guerdon.join_challenge", events.JoinChallenge(command.challenge)
    now = command.received_at
    item.event = events.Event(name, now, now, source="guerdon", channel="system", command=asked)
