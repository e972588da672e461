"""Killed in the middle of a flood, at each failpoint: sending all again makes each whole once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from guerdon.infra.db import Database
from tests.architecture.source import ROOT
from tests.rooms.conftest import superuser
from tests.rooms.engine.conftest import World
from tests.rooms.engine.flood import ACCOUNTS, EVENTS, REDEMPTIONS


def flood(database: Database, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.rooms.engine.flood", database.conninfo],
        cwd=ROOT,
        env={**os.environ, "GUERDON_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def check_each_once(world: World, again: subprocess.CompletedProcess[str]) -> None:
    assert again.returncode == 0, again.stderr
    assert set(again.stdout.split()) <= {"applied", "duplicate"}
    assert world.rows("select count(*) from events where type = 'order.paid'") == [(EVENTS,)]
    assert world.rows("select count(*) from redemptions") == [(REDEMPTIONS,)]
    earned = 100 * ACCOUNTS + sum(range(EVENTS))
    assert world.rows("select sum(available) from wallets where wallet = 'points'") == [
        (earned - 50 * REDEMPTIONS,)
    ]
    assert world.rows("select count(*) from outbox") == world.rows("select count(*) from events")
    world.verify()


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("name", ["before_lock", "after_write", "in_commit", "after_commit"])
def test_a_kill_at_a_failpoint(world: World, name: str, nth: int) -> None:
    for number in range(ACCOUNTS):
        world.enrol(f"m{number}")
    killed = flood(world.database, f"{name}:{nth}")
    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout == ""
    check_each_once(world, flood(world.database))


def test_the_servers_backends_killed_in_a_flood(world: World, server: object) -> None:
    for number in range(ACCOUNTS):
        world.enrol(f"m{number}")
    stop = threading.Event()

    def kill_backends() -> None:
        with superuser(server) as connection:  # type: ignore[arg-type]
            while not stop.is_set():
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'guerdon app'"
                )
                time.sleep(0.05)

    killer = threading.Thread(target=kill_backends)
    killer.start()
    try:
        first = flood(world.database)
    finally:
        stop.set()
        killer.join()
    assert first.returncode == 0, first.stderr
    check_each_once(world, flood(world.database))
