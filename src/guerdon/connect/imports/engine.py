"""Events to the engine's loop of this very process, by its bulk lane."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from guerdon.base.errors import Fault, Problem
from guerdon.connect.imports.feed import Outcome
from guerdon.engine.answers import Answer
from guerdon.engine.commands import IngestEvent
from guerdon.engine.loop import EngineLoop

_PAUSE_SECONDS: Final = 0.02
_LONGEST_WAIT_SECONDS: Final = 600


class Taking(msgspec.Struct, frozen=True):
    """How events are taken in."""

    tenant_id: int
    program: str
    """The program's key."""
    enrol: bool = False
    """Enrol subjects that are not known."""
    historical: bool = False
    """Book each event at its own time."""


class _Batch:
    """Collects the answers to one batch."""

    def __init__(self, size: int) -> None:
        self._answers: list[Answer | None] = [None] * size
        self._missing = size
        self._done = threading.Event()

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers from the loop's thread."""
        for place, answer in answers:
            self._answers[place] = answer
        self._missing -= len(answers)
        if not self._missing:
            self._done.set()

    def wait(self) -> list[Outcome]:
        """Wait for all of them."""
        if not self._done.wait(_LONGEST_WAIT_SECONDS):
            raise Problem("engine_silent", "the engine has not answered; importing again is harmless")
        return [_outcome(answer) for answer in self._answers if answer is not None]


class EngineDestination:
    """Hands events to a loop that runs in this process."""

    def __init__(self, loop: EngineLoop, taking: Taking) -> None:
        """Describe where events go.

        Args:
            loop: a loop that has been started.
            taking: for whom, and how.
        """
        self._loop = loop
        self._taking = taking

    def send(self, lines: Sequence[bytes]) -> Callable[[], Sequence[Outcome]]:
        """Queue events; where the queue is full, wait for room.

        Args:
            lines: UTF-8 JSON, one CloudEvent each.

        Returns:
            What waits for the outcomes; it raises `engine_silent` where there are none.

        Raises:
            Problem: what the loop refuses the whole batch with.
        """
        batch = _Batch(len(lines))
        now = datetime.now(UTC)
        commands = [self._command(line, now) for line in lines]
        until = time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            try:
                self._loop.put(commands, batch)
            except Problem as problem:
                if problem.code != "overloaded" or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return batch.wait

    def _command(self, line: bytes, now: datetime) -> IngestEvent:
        taking = self._taking
        return IngestEvent(
            tenant_id=taking.tenant_id,
            program=taking.program,
            received_at=now,
            bulk=True,
            raw=line,
            historical=taking.historical,
            enrol=taking.enrol,
        )


def _outcome(answer: Answer) -> Outcome:
    if answer.problem is None:
        return Outcome(answer.status)
    faults = tuple(
        Fault(one.get("pointer", ""), one.get("code", ""), one.get("detail", ""))
        for one in answer.problem.errors
    )
    return Outcome("rejected", answer.problem.code, answer.problem.detail, faults)
