"""The engines of this machine that work on one database: who is there, and who has which accounts.

An engine holds its ranges on a lease that it renews each second; whoever hears nothing of it for three
decides for its accounts too. Nothing hangs on that but speed: each decision is made under the locks of its
account, so that two engines that both believe they have it are slow and not wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from guerdon.base.errors import Problem
from guerdon.engine import answers
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command
from guerdon.web.peers.accounts import KnownAccounts, names_of
from guerdon.web.peers.door import Door
from guerdon.web.peers.figures import Forwarded
from guerdon.web.peers.heat import Heat
from guerdon.web.peers.line import Line, Owed, Waiter
from guerdon.web.peers.meeting import SOCKET, Meeting
from guerdon.web.peers.ranges import RANGES, holders, range_of
from guerdon.web.waiting import Caller, Waiting

_LOG = structlog.get_logger(__name__)
RENEW_SECONDS: Final = 1.0
TERM_SECONDS: Final = 3.0
_NAP_SECONDS: Final = 0.01
_FAREWELL_NAPS: Final = 1_000
"""For ten seconds what is owed may still be answered."""
_ELSEWHERE: Final = frozenset({"overloaded", "shutting_down"})
"""Refusals of an engine that another one may answer better."""


class Neighbours:
    """Hands commands to the engine that has their account; belongs to one event loop."""

    def __init__(self, waiting: Waiting, folder: Path, heat: Heat) -> None:
        """Describe it; `start` looks for others.

        Args:
            waiting: hands commands to this process's own loop.
            folder: where the engines of this machine meet.
            heat: tells which accounts are worth handing over.
        """
        self.engine = secrets.token_hex(8)
        self.figures = Forwarded()
        self._waiting = waiting
        self._meeting = Meeting(folder, self.engine)
        self._known = KnownAccounts()
        self._heat = heat
        self._doors: set[Door] = set()
        self._lines: dict[str, Line] = {}
        """By the name of the socket."""
        self._routes: list[Line | None] = [None] * RANGES
        self._is_alone = True
        self._met = asyncio.Event()
        """Somebody called who may be new here."""
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the door, and look for others from now on."""
        loop = asyncio.get_running_loop()
        try:
            listening = self._meeting.open()
        except OSError as error:
            # They are right by their locks alone.
            _LOG.warning("neighbours_cannot_meet", fault=str(error))
            return
        self._server = await loop.create_unix_server(
            lambda: Door(self.engine, self._waiting, self._doors, self._met.set), sock=listening
        )
        self._meeting.show()
        await self._look()
        self._task = asyncio.create_task(self._keep())
        self._waiting.neighbours = self

    async def stop(self) -> None:
        """Give the accounts back, answer what is owed, and close the door."""
        self._waiting.neighbours = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._meeting.close()
        for door in self._doors:
            door.leave()
        for _ in range(_FAREWELL_NAPS):
            if not self._is_owing():
                break
            await asyncio.sleep(_NAP_SECONDS)
        for line in list(self._lines.values()):
            line.drop()
        if self._server is not None:
            self._server.close()
        # What a line that was dropped gave back is put into the own queue in the next round of the loop.
        await asyncio.sleep(0)

    def take(self, command: Command, waiter: Caller) -> Caller | None:
        """Hand a command to whoever has its account.

        Args:
            command: what is asked.
            waiter: told the answer.

        Returns:
            None where it went to another engine; else who waits for this one's answer.
        """
        if self._is_alone or not (names := names_of(command)):
            return waiter
        found = self._known.find(names[0])
        # Handing over costs more than the locks of an account that is asked about now and then.
        line = self._routes[range_of(found)] if found is not None and self._heat.note(found) else None
        if line is not None and line.ask(command, names, waiter):
            self.figures.handed_over += 1
            return None
        is_known = found is not None and len(names) == 1
        return waiter if is_known else _Learning(self, names, waiter)

    def learn(self, names: Sequence[int], answer: Answer) -> None:
        """Remember whose account an answer was about.

        Args:
            names: as `names_of` gave them.
            answer: the answer.
        """
        self._known.learn(names, answer)

    def post(self, waiter: Caller, answered: Sequence[tuple[int, Answer]]) -> None:
        """Bring answers of the own engine into the event loop.

        Args:
            waiter: whose they are.
            answered: places and answers.
        """
        self._waiting.post(waiter, answered)

    def joined(self, line: Line) -> None:
        """Divide the accounts anew: somebody came."""
        _LOG.info("neighbour_came", engine=line.peer)
        self._divide()

    def answered(self, owed: Owed, answer: Answer) -> None:
        """Tell an answer, or ask this engine where the other one could not."""
        if answer.problem is not None and answer.problem.code in _ELSEWHERE:
            self.figures.came_back += 1
            self._ask_here(owed)
            return
        self.learn(owed.names, answer)
        owed.waiter.take([(0, answer)])

    def left(self, line: Line) -> None:
        """Divide the accounts anew: somebody is about to end."""
        _LOG.info("neighbour_leaves", engine=line.peer)
        self._divide()

    def lost(self, line: Line, owed: Sequence[Owed]) -> None:
        """Divide the accounts anew, and decide what was not answered here: asked twice, it is done once."""
        self._lines = {name: one for name, one in self._lines.items() if one is not line}
        self._divide()
        if line.peer:
            _LOG.info("neighbour_went", engine=line.peer, commands=len(owed))
        self.figures.came_back += len(owed)
        for one in owed:
            self._ask_here(one)

    def _ask_here(self, owed: Owed) -> None:
        try:
            self._waiting.put([owed.command], _Homecoming(self, owed.waiter))
        except Problem as problem:
            owed.waiter.take([(0, answers.refused("", problem))])

    def _divide(self) -> None:
        lines = {line.peer: line for line in self._lines.values() if line.is_open}
        self._is_alone = not lines
        held = holders({self.engine, *lines})
        self._routes = [lines.get(holder) for holder in held]
        self.figures.neighbours = len(lines)
        self.figures.ranges = held.count(self.engine)

    def _is_owing(self) -> bool:
        return any(door.pending for door in self._doors) or any(line.owed for line in self._lines.values())

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._met.wait(), RENEW_SECONDS)
            self._met.clear()
            for door in self._doors:
                door.beat()
            silent_since = time.monotonic() - TERM_SECONDS
            for line in list(self._lines.values()):
                if line.heard_at < silent_since:
                    _LOG.warning("neighbour_silent", engine=line.peer)
                    line.drop()
            await self._look()

    async def _look(self) -> None:
        for path in self._meeting.others():
            if path.name not in self._lines:
                await self._connect(path)

    async def _connect(self, path: Path) -> None:
        # Kept before it connects: the other side may speak at once.
        line = self._lines[path.name] = Line(self.engine, self, time.monotonic)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: line, str(path))
        except ConnectionRefusedError:
            # Its engine was killed: nobody listens there any more.
            del self._lines[path.name]
            self._meeting.sweep(path)
        except OSError as error:
            del self._lines[path.name]
            _LOG.warning("neighbour_not_reached", engine=path.name.removesuffix(SOCKET), fault=str(error))


class _Learning:
    """Waits for the own engine's answer, and remembers whose account it was about."""

    __slots__ = ("_names", "_neighbours", "_waiter", "loop")

    def __init__(self, neighbours: Neighbours, names: Sequence[int], waiter: Caller) -> None:
        self.loop = waiter.loop
        self._neighbours = neighbours
        self._names = names
        self._waiter = waiter

    def deliver(self, answered: Sequence[tuple[int, Answer]]) -> None:
        self._neighbours.post(self, answered)

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        for _, answer in answers:
            self._neighbours.learn(self._names, answer)
        self._waiter.take(answers)


class _Homecoming:
    """Waits for the own engine's answer to what another one did not answer."""

    __slots__ = ("_neighbours", "_waiter", "loop")

    def __init__(self, neighbours: Neighbours, waiter: Waiter) -> None:
        self.loop = asyncio.get_running_loop()
        self._neighbours = neighbours
        self._waiter = waiter

    def deliver(self, answered: Sequence[tuple[int, Answer]]) -> None:
        self._neighbours.post(self, answered)

    def take(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self._waiter.take(answers)
