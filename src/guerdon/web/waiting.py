"""Waiting for the engine: its thread hands answers over, and wakes the event loop once for many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, Sink
from guerdon.engine.loop import EngineLoop


class Caller(Protocol):
    """Who waits in an event loop for what the engine answers in its thread."""

    loop: asyncio.AbstractEventLoop

    def deliver(self, answers: Sequence[tuple[int, Answer]], /) -> None:
        """Take answers, in the engine's thread; they are posted.

        Args:
            answers: the place of each command, and its answer.
        """

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers, in the event loop.

        Args:
            answers: the place of each command, and its answer.
        """


class HandsOver(Protocol):
    """Hands commands to whichever engine has their account."""

    def take(self, command: Command, waiter: Caller) -> Caller | None:
        """Hand a command over.

        Args:
            command: what is asked.
            waiter: told the answer.

        Returns:
            None where it went to another engine; else who waits for this one's answer.
        """


class Waiting:
    """Hands commands to the engine and waits without holding a thread; belongs to one event loop."""

    def __init__(self, engine: EngineLoop) -> None:
        """Make an empty waiting room.

        Args:
            engine: who answers.
        """
        self._engine = engine
        self._mail: deque[tuple[Caller, Sequence[tuple[int, Answer]]]] = deque()
        self._called = False
        self.origin: Callable[[], object] = _nobody
        """Tells which request asks, for those who trace."""
        self.neighbours: HandsOver | None = None
        """Other engines on the same database; None where this one decides everything."""

    async def ask(self, command: Command) -> Answer:
        """Have one command carried out.

        Args:
            command: what is asked.

        Returns:
            The engine's answer, which may be a refusal.

        Raises:
            Problem: `overloaded` where the queue is full, `shutting_down` where the engine ends.
        """
        return (await self.begin([command]))[0]

    def begin(self, commands: Sequence[Command]) -> asyncio.Future[list[Answer]]:
        """Queue commands.

        Args:
            commands: what is asked, at least one.

        Returns:
            What will be the answers, in the same order.

        Raises:
            Problem: `overloaded` where the queue is full, `shutting_down` where the engine ends.
        """
        call = _Call(self, asyncio.get_running_loop(), len(commands))
        if len(commands) == 1:
            self._put_one(commands[0], call)
        else:
            # Those of one call are decided in their order, which only one engine can keep.
            self._engine.put(commands, call)
        return call.done

    def tell(self, command: Command, told: Callable[[Answer], None]) -> None:
        """Queue one command, and have its answer told without a task that waits.

        Args:
            command: what is asked.
            told: called with the answer, in this event loop; it must not raise.

        Raises:
            Problem: `overloaded` where the queue is full, `shutting_down` where the engine ends.
        """
        self._put_one(command, _Word(self, asyncio.get_running_loop(), told))

    def put(self, commands: Sequence[Command], sink: Sink) -> None:
        """Queue commands for this process's own engine.

        Args:
            commands: what is asked.
            sink: told each answer, in the engine's thread.

        Raises:
            Problem: `overloaded` where the queue is full, `shutting_down` where the engine ends.
        """
        self._engine.put(commands, sink)

    def _put_one(self, command: Command, waiter: Caller) -> None:
        here = waiter if self.neighbours is None else self.neighbours.take(command, waiter)
        if here is not None:
            self._engine.put([command], here)

    def post(self, call: Caller, answers: Sequence[tuple[int, Answer]]) -> None:
        """Bring answers into the event loop, from the engine's thread.

        Args:
            call: whose they are.
            answers: the place of each command, and its answer.
        """
        # Who posts into an empty box calls; the rest of the batch rides along.
        self._mail.append((call, answers))
        if not self._called:
            self._called = True
            call.loop.call_soon_threadsafe(self._open)

    def _open(self) -> None:
        self._called = False
        while self._mail:
            call, answers = self._mail.popleft()
            call.take(answers)


def _nobody() -> None:
    return None


class _Call:
    """Some commands and the answers that have come so far."""

    __slots__ = ("_answers", "_left", "_room", "done", "loop", "origin")

    def __init__(self, room: Waiting, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self.loop = loop
        self.done: asyncio.Future[list[Answer]] = loop.create_future()
        self._room = room
        self.origin = room.origin()
        self._answers: dict[int, Answer] = {}
        self._left = count

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self._room.post(self, answers)

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self._answers.update(answers)
        self._left -= len(answers)
        # One who hung up has cancelled: the commands were carried out all the same.
        if self._left == 0 and not self.done.done():
            self.done.set_result([self._answers[place] for place in range(len(self._answers))])


class _Word:
    """One command whose answer is told."""

    __slots__ = ("_room", "_told", "loop")

    def __init__(
        self, room: Waiting, loop: asyncio.AbstractEventLoop, told: Callable[[Answer], None]
    ) -> None:
        self.loop = loop
        self._room = room
        self._told = told

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self._room.post(self, answers)

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        for _, answer in answers:
            self._told(answer)
