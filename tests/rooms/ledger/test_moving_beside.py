"""Months move into files, and back, while an engine goes on: each answer is given, and all books agree."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.commands import AdjustBalance
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.ledger.archives import move_some, next_accounts, note_moved
from tests.rooms.audit.conftest import PROGRAM, Life
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids, prepare
from tests.rooms.ledger.test_log import program_of
from tests.rooms.ledger.test_moving import archive, brought_back, looked, owned, signed_of

_AT_ONCE = 5
"""Transactions that leave in one go: few, so that much happens in between."""
_TURNS = 3


class Living(threading.Thread):
    """Lets life go on, and says what went wrong."""

    def __init__(self, life: Life) -> None:
        super().__init__(daemon=True)
        self.life, self.steps, self.fault = life, 0, ""
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self.life.live(1)
                self.steps += 1
        except Exception as fault:  # noqa: BLE001 - told by whoever waits for this thread
            self.fault = repr(fault)

    def end(self) -> None:
        self._ended.set()
        self.join(60)
        assert not self.is_alive()
        assert self.fault == ""


def archived(life: Life, folder: Path) -> None:
    """Write and record what is over; a month that ended after the head was signed waits for the next."""
    for _ in range(100):
        try:
            archive(life.world, folder)
            return
        except Problem as problem:
            assert problem.code == "archive_not_logged"  # noqa: PT017 - asked for again, as the message says
    pytest.fail("no head covers what is over")


def moved_beside(life: Life, living: Living) -> tuple[int, int]:
    """Move whatever is recorded, few rows at a time.

    Returns:
        How many transactions left, and between how many parts of it something else happened.
    """
    program_id, after, left, between = program_of(life.world), 0, 0, 0
    while True:
        with life.world.database.transaction(TENANT) as tx:
            accounts = next_accounts(tx, program_id, after)
        if not accounts:
            break
        count = _AT_ONCE
        while count == _AT_ONCE:
            steps = living.steps
            with owned(life.world) as tx:
                count = move_some(tx, program_id, accounts, _AT_ONCE)
            left += count
            between += living.steps > steps
        after = accounts[-1]
    with owned(life.world) as tx:
        note_moved(tx, program_id, life.world.now)
    return left, between


@pytest.fixture
def life(database: Database) -> Iterator[Life]:
    prepare(database, PROGRAM)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield Life(World(database, loop), 7)
    loop.stop()


def test_months_move_and_come_back_beside_an_engine_that_goes_on(life: Life, tmp_path: Path) -> None:
    folder = tmp_path / "club"
    life.begin()
    for account_id in life.accounts.values():
        life.say(AdjustBalance, account_id=account_id, wallet="points", amount=300, reason="x")
    for _ in range(3):
        life.live(20)
        life.world.later(days=20)
    beside = Living(life)
    beside.start()
    left = between = back = 0
    for _ in range(_TURNS):
        archived(life, folder)
        some, overlaps = moved_beside(life, beside)
        left, between = left + some, between + overlaps
        back += brought_back(life.world, folder)
    archived(life, folder)
    some, overlaps = moved_beside(life, beside)
    beside.end()
    signed_of(life.world)
    assert left + some - back == life.world.rows("select sum(through_seq) from moved_accounts")[0][0] > 40
    assert back > 20
    assert between + overlaps > 10, "life stood still while months moved"
    for archives in (None, tmp_path):
        found, counts = looked(life.world, archives)
        assert (found, counts.moved, counts.not_replayed) == ([], left + some - back, {})
