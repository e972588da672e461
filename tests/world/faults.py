"""What goes wrong below the engine while a world is played: the answers must be the same all the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from tests.world.actors import Step

KINDS = ("serialization", "deadlock", "disk", "commit_done", "commit_undone", "drop")
SHARE = 0.06
"""Of all steps, so many are played over a fault."""
_CODES = {"serialization": "40001", "deadlock": "40P01", "disk": "53100"}
_MADE = (
    "create sequence world_faults minvalue -100 start 1",
    "create table world_fault (code text not null)",
    "insert into world_fault values ('40001')",
    "grant usage, update on sequence world_faults to public",
    "grant select on world_fault to public",
    """create function world_fault() returns trigger language plpgsql as $$
    declare told text;
    begin
        if nextval('world_faults') <= 0 then
            select code into told from world_fault;
            raise exception 'a fault of this world' using errcode = told;
        end if;
        return null;
    end $$""",
    "create trigger world_fault before insert on events for each statement execute function world_fault()",
)
"""A sequence is not rolled back, so that it counts the failures down over all tries."""


def with_faults(plan: list[Step], seed: int) -> list[Step]:
    """Put faults before some steps of a plan.

    Args:
        plan: bursts of acts.
        seed: the same one puts the same ones.

    Returns:
        The plan with steps that arm a fault for the step after them.
    """
    chance = random.Random(seed)
    grown: list[Step] = []
    for step in plan:
        if chance.random() < SHARE:
            fault = {"do": "fault", "program": "club", "now": step[0]["now"], "kind": chance.choice(KINDS)}
            grown.append([{**fault, "times": chance.randint(1, 3)}])
        grown.append(step)
    return grown


class BrokenCommit:
    """A connection that is lost in its next commit, before or after the server did it."""

    def __init__(self, tx: Any, *, done: bool) -> None:
        self._tx, self._done = tx, done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def commit(self) -> None:
        """Lose the connection."""
        if self._done:
            self._tx.commit()
        self._tx.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class Faults:
    """Arms faults of one world."""

    def __init__(self, database: Database) -> None:
        """Prepare; the trigger is made when it is first needed.

        Args:
            database: the world's.
        """
        self.database = database
        self._is_made = False

    @contextmanager
    def armed(self, fault: dict[str, Any], loop: EngineLoop | None) -> Iterator[None]:
        """Let something go wrong meanwhile.

        Args:
            fault: an act of `with_faults`.
            loop: the engine that meets it; whichever comes by, where the database itself fails.
        """
        kind = fault["kind"]
        if kind in _CODES:
            self._count(_CODES[kind], fault["times"])
            try:
                yield
            finally:
                self._count(_CODES[kind], 0)
            return
        assert loop is not None
        pid = loop.backend_pid
        if kind == "drop":
            thread = threading.Thread(target=self._drop, args=(pid, fault["times"]))
            thread.start()
            yield
            thread.join()
            return
        writer = loop._writer
        writer._tx = BrokenCommit(writer._tx, done=kind == "commit_done")  # type: ignore[assignment]
        yield

    def _count(self, code: str, times: int) -> None:
        with self.database.connect("owner") as owner:
            if not self._is_made:
                for statement in _MADE:
                    owner.execute(statement)
                self._is_made = True
            owner.execute("update world_fault set code = %s", (code,))
            owner.execute("select setval('world_faults', %s, false)", (1 - times,))
            owner.commit()

    def _drop(self, pid: int, times: int) -> None:
        with self.database.connect("owner") as other:
            other.execute("reset role")
            time.sleep(0.002 * times)
            other.execute("select pg_terminate_backend(%s)", (pid,))
            other.commit()
