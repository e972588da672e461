"""An engine that is held at a named place while something else happens: races without luck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command
from guerdon.engine.loop import EngineLoop
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from tests.world.driver import World, running_loop
from tests.world.model import Act

SECONDS = 60


class Pair:
    """Two engines on one database, of which the first can be held."""

    def __init__(self, first: World, second: World) -> None:
        self.first, self.second = first, second
        # It connects now: from this thread, and before the engine's own wants to.
        assert second.loop.backend_pid
        self.begun: Future[Answer] = Future()
        """What `begin` asked."""

    def say(self, act: Act) -> Answer:
        """Ask the second engine, and remember what it gave out."""
        answer = self.second.loop.submit(self.command(act)).result(SECONDS)
        self.second.learn(act, answer)
        return answer

    def command(self, act: Act) -> Command:
        return self.second.command(act)

    def begin(self, act: Act) -> None:
        """Ask the second engine, and go on when it has answered or waits for a lock."""
        self.begun = self.second.loop.submit(self.command(act))
        self.wait_until(self.begun)

    def wait_until(self, asked: Future[Answer]) -> None:
        """Wait until something is answered, or waits for a lock."""
        with self.second.database.connect("owner") as owner:
            owner.rollback()
            owner.autocommit = True
            owner.execute("reset role")
            query = "select from pg_stat_activity where wait_event_type = 'Lock'"
            query += " and datname = current_database()"
            while not asked.done() and not owner.execute(query).rowcount:
                time.sleep(0.01)

    def overtake(
        self, monkeypatch: pytest.MonkeyPatch, place: str, act: Act, meanwhile: Callable[[], object]
    ) -> Answer:
        """Hold the first engine where it comes by a failpoint, and let something happen meanwhile.

        Args:
            monkeypatch: undoes it.
            place: name of the failpoint.
            act: what the first engine is asked.
            meanwhile: what the others do while it waits.

        Returns:
            The first engine's answer.
        """
        arrived, released = threading.Event(), threading.Event()

        def reach(name: str, last_act: Callable[[], object] | None = None) -> None:
            if name == place and threading.get_ident() == holds and not arrived.is_set():
                arrived.set()
                assert released.wait(SECONDS)

        thread = self.first.loop._thread
        assert thread is not None
        holds = thread.ident
        with monkeypatch.context() as patched:
            patched.setattr(failpoints, "reach", reach)
            asked = self.first.loop.submit(self.command(act))
            try:
                assert arrived.wait(SECONDS), f"{place} was not reached"
                meanwhile()
            finally:
                released.set()
            answer = asked.result(SECONDS)
        self.second.learn(act, answer)
        return answer


@contextmanager
def running_pair(database: Database) -> Iterator[Pair]:
    """Two engines, each with a connection and caches of its own."""
    with ExitStack() as stack:
        loops: list[EngineLoop] = [stack.enter_context(running_loop(database)) for _ in range(2)]
        yield Pair(World(database, loops[0]), World(database, loops[1]))
