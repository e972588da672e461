"""A process that does what is due, and may be killed at a named place: forked, as imports take long."""

from __future__ import annotations

import multiprocessing
from datetime import datetime
from typing import Final

from guerdon.engine.boards.keeper import Follower
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.ticks import run_due_of
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids
from tests.rooms.engine.killed.acts import crowd_of

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
_BATCH: Final = 16
"""Small batches, so that a kill falls among several commits."""


def do(dsn: str, act: str, now: datetime, failpoint: str) -> None:
    """Do what is due, or tell what a crowd does: the whole life of a process."""
    failpoints.reach = failpoints._chosen(failpoint)
    with Database(dsn, pool_size=3) as database:
        loop = EngineLoop(
            database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=10_000, batch_limit=_BATCH)
        )
        loop.start()
        if act == "ticks":
            Follower(database, loop.programs, lambda: now).catch_up()
            run_due_of(database, loop, TENANT, now)
        else:
            answers = World(database, loop).ask(*crowd_of(now))
            assert all(one.problem is None for one in answers)
        loop.stop()


def live(dsn: str, act: str, now: datetime, failpoint: str = "") -> int:
    """Let a process live.

    Args:
        dsn: of its database.
        act: `ticks`, or `crowd`.
        now: the instant.
        failpoint: at which it is killed, such as `told:2`; empty for none.

    Returns:
        Its exit code: -9 where it was killed, 0 where it came to its end.
    """
    process = _FORKS.Process(target=do, args=(dsn, act, now, failpoint))
    process.start()
    process.join(100)
    assert process.exitcode is not None, "it has not ended"
    return process.exitcode
