"""What is asked of the engine itself: events of its own, and texts that fit."""

from __future__ import annotations

from typing import Any, Final

from guerdon.base.errors import Problem
from guerdon.engine.commands import Command
from guerdon.rules.events import Event

TEXT_LENGTH: Final = 200
REASON_LENGTH: Final = 1_000


def own_event(event_type: str, command: Command, asked: Any) -> Event:
    """Make the event that a command is decided as.

    Args:
        event_type: such as `guerdon.redeem`.
        command: what was asked, and when.
        asked: the same as `step` knows it.

    Returns:
        The event.
    """
    now = command.received_at
    return Event(event_type, now, now, source="guerdon", channel="system", command=asked)


def check_text(text: str, pointer: str, length: int) -> None:
    """Make sure that a text can be kept.

    Args:
        text: as sent.
        pointer: where it stands.
        length: how many characters fit.

    Raises:
        Problem: `text_length` or `nul_character`.
    """
    if len(text) > length:
        raise Problem.at(pointer, "text_length", f"at most {length} characters fit here")
    if "\0" in text:
        raise Problem.at(pointer, "nul_character", "texts cannot hold the character U+0000")
