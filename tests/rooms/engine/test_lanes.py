"""Whoever waits for an answer is not kept waiting by whoever brings thousands; no clock is asked."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.errors import Problem
from guerdon.engine.answers import Answer
from guerdon.engine.commands import IngestEvent, Job
from guerdon.engine.loop import BatchDone, EngineLoop, LoopSettings
from guerdon.engine.queueing import Lanes, Pace, Turns
from guerdon.infra.db import Database
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, World, make_ids, prepare

MILLISECOND = 1_000_000


class Nobody:
    """Waits for no answer."""

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers, and do nothing with them."""


def jobs(count: int, *, bulk: bool) -> list[Job]:
    pattern = IngestEvent(tenant_id=TENANT, program="club", received_at=NOW, raw=b"{}", bulk=bulk)
    return [Job(pattern, Nobody(), place) for place in range(count)]


def kinds(some: Sequence[Job]) -> tuple[int, int]:
    """How many are interactive, and how many are bulk."""
    bulk = sum(job.command.bulk for job in some)
    return len(some) - bulk, bulk


class Gate:
    """Lets a loop through one batch at a time, and remembers what each was."""

    def __init__(self, loop: EngineLoop) -> None:
        self.batches: list[tuple[int, int]] = []
        self._arrived = threading.Semaphore(0)
        self._open = threading.Semaphore(0)
        loop.watch = self._watch

    def _watch(self, done: BatchDone) -> None:
        self.batches.append(kinds([job for job, _ in done.answered]))
        self._arrived.release()
        assert self._open.acquire(timeout=60)

    def wait(self) -> None:
        """Wait until a batch is done; the loop waits in its turn."""
        assert self._arrived.acquire(timeout=60)

    def let_go(self, batches: int) -> None:
        """Let the loop do so many more."""
        for _ in range(batches):
            self._open.release()
            self.wait()

    def open(self) -> None:
        """Hold nobody any more."""
        self._open.release(100_000)


@contextmanager
def gated(database: Database, settings: LoopSettings, *, gives_way: bool = False) -> Iterator[World]:
    prepare(database)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), settings)
    if gives_way:
        loop.give_way()
    loop.start()
    try:
        yield World(database, loop)
    finally:
        loop.stop()


SLOW = LoopSettings(queue_limit=20_000, work_ns=1)
"""Every batch is found too long, so that bulk ones are as short as they may be."""


def test_who_waits_is_in_the_next_batch_and_almost_alone_in_it(database: Database) -> None:
    with gated(database, SLOW) as world:
        world.enrol("anna")
        gate = Gate(world.loop)
        imported = world.loop.submit_many([world.order(bulk=True) for _ in range(300)])
        gate.wait()
        paid = world.loop.submit(world.order())
        gate.let_go(3)
        assert paid.result(60).status == "applied"
        gate.open()
        assert [one.result(60).status for one in imported] == ["applied"] * 300
        assert gate.batches[:4] == [(0, 16), (1, 1), (0, 16), (0, 16)]
        world.verify()


def test_bulk_takes_whole_batches_where_nobody_waits(database: Database) -> None:
    with gated(database, SLOW) as world:
        gate = Gate(world.loop)
        sent = [world.order(subject="external:anna", bulk=True, enrol=True) for _ in range(300)]
        imported = world.loop.submit_many(sent)
        gate.wait()
        gate.open()
        assert {one.result(60).status for one in imported} == {"applied"}
        assert gate.batches == [(0, 256), (0, 44)]


def test_a_loop_that_gives_way_is_short_although_nobody_waits_in_it(database: Database) -> None:
    with gated(database, SLOW, gives_way=True) as world:
        gate = Gate(world.loop)
        sent = [world.order(subject="external:anna", bulk=True, enrol=True) for _ in range(40)]
        imported = world.loop.submit_many(sent)
        gate.wait()
        gate.open()
        assert {one.result(60).status for one in imported} == {"applied"}
        assert gate.batches == [(0, 16), (0, 16), (0, 8)]
        assert os.getpriority(os.PRIO_PROCESS, 0) == os.getpriority(os.PRIO_PROCESS, os.getpid())


def test_bulk_leaves_half_of_the_queue_to_those_who_wait(database: Database) -> None:
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=100))
    world = World(database, loop)
    loop.submit_many([world.order(bulk=True) for _ in range(50)])
    with pytest.raises(Problem) as refused:
        loop.submit(world.order(bulk=True))
    assert refused.value.code == "overloaded"
    loop.submit_many([world.order() for _ in range(50)])
    with pytest.raises(Problem) as full:
        loop.submit(world.order())
    assert full.value.code == "overloaded"
    assert loop.waiting == 100


def test_many_who_wait_share_their_batch_with_bulk() -> None:
    lanes = Lanes()
    lanes.put(jobs(1_000, bulk=True))
    lanes.put(jobs(300, bulk=False))
    taken = lanes.take(256, 200, 8)
    assert kinds(taken) == (224, 32)
    assert not taken[0].command.bulk
    assert kinds(lanes.take(256, 200, 8)) == (76, 9)
    assert kinds(lanes.take(256, 200, 8)) == (0, 200)


@given(st.integers(0, 600), st.integers(0, 600), st.integers(1, 256), st.integers(1, 256))
def test_a_batch_is_never_empty_nor_too_long_and_keeps_the_order(
    fast: int, bulk: int, most: int, bulk_most: int
) -> None:
    lanes = Lanes()
    lanes.put(jobs(bulk, bulk=True))
    lanes.put(jobs(fast, bulk=False))
    taken: list[Job] = []
    while lanes:
        batch = lanes.take(most, bulk_most, 8)
        assert 0 < len(batch) <= most or 0 < len(batch) <= bulk_most
        taken += batch
    assert [job.place for job in taken if job.command.bulk] == list(range(bulk))
    assert [job.place for job in taken if not job.command.bulk] == list(range(fast))


def test_a_batch_that_was_not_begun_comes_back_as_it_was() -> None:
    lanes = Lanes()
    lanes.put([*jobs(5, bulk=False), *jobs(40, bulk=True)])
    taken = lanes.take(256, 16, 8)
    lanes.put_back(taken)
    assert lanes.take(256, 16, 8) == taken


def test_the_pace_finds_what_fits_whatever_a_batch_costs_of_its_own() -> None:
    pace = Pace(8 * MILLISECOND, 16, 256)
    for _ in range(60):
        pace.told(pace.length, 3 * MILLISECOND + pace.length * MILLISECOND // 5)
    assert 24 <= pace.length <= 26


def test_the_pace_never_falls_under_the_least_and_recovers_from_one_slow_moment() -> None:
    pace = Pace(8 * MILLISECOND, 16, 256)
    for _ in range(20):
        pace.told(pace.length, 500 * MILLISECOND)
    assert pace.length == 16
    for _ in range(60):
        pace.told(pace.length, pace.length * MILLISECOND // 100)
    assert pace.length == 256
    pace.told(256, 5_000 * MILLISECOND)
    assert pace.length == 128
    pace.told(3, MILLISECOND)
    assert pace.length == 128, "a short batch says nothing of longer ones"


def test_a_program_for_which_somebody_waits_goes_before_imports_of_others() -> None:
    lanes = {(TENANT, name): Lanes() for name in "abcd"}
    turns = Turns(lanes, 3)
    for key, its in lanes.items():
        its.put(jobs(100, bulk=True))
        turns.add(key)
    lanes[TENANT, "c"].put(jobs(5, bulk=False))
    order = []
    for _ in range(10):
        key = turns.next()
        order.append(key[1])
        lanes[key].take(1, 1, 8)
        turns.add(key)
    # Thrice before the others, then whose turn it would be, and again; at the end everybody in turn.
    assert "".join(order) == "cccaccbdac"
