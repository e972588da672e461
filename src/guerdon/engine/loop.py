"""The loop: whatever is queued becomes one batch; a batch of one when it is quiet."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.engine import answers
from guerdon.engine.answers import Answer
from guerdon.engine.batch import Again, Answered, StaleProgram, Timed, Writer
from guerdon.engine.commands import Command, Job, Sink
from guerdon.engine.compiled import CompiledPrograms, ProgramKey
from guerdon.engine.queueing import Lanes, Pace, Turns
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault

_LOG = structlog.get_logger(__name__)
_GARBAGE = (50_000, 20, 100)
"""Objects before the youngest are looked at, and how often the elder ones are."""
_NICEST = 19
_STOPPING = Problem("shutting_down", "the engine is stopping; try again in a moment")
_FAULT = Problem("internal_error", "the engine could not do this; it has been logged")


class LoopSettings(msgspec.Struct, frozen=True):
    """How the loop batches."""

    queue_limit: int = 4096
    """Commands that may wait in all."""
    batch_limit: int = 256
    """Commands of one batch."""
    work_ns: int = 8_000_000
    """About how long a batch of bulk commands may take where others may come meanwhile."""
    bulk_least: int = 16
    """Bulk commands of a batch, however slow they are."""
    bulk_share: int = 8
    """Beside interactive commands bulk takes at least one place for so many of them."""
    watched_ns: int = 30_000_000_000
    """So long after an interactive command another may come at any moment."""
    niceness: int = 10
    """By how much a loop that gives way is behind others for the processor."""


class BatchDone(msgspec.Struct, frozen=True):
    """One batch as those see it who measure."""

    answered: Answered
    began: int
    """Nanoseconds of the wall clock, as `ended`."""
    ended: int
    transactions: Sequence[Timed]
    again: Sequence[Again]
    """Why it, or a part of it, was run once more."""


class EngineLoop:
    """The engine: one thread with one connection that takes commands from any thread."""

    def __init__(
        self,
        database: Database,
        master_key: bytes,
        ids: IdMaker,
        settings: LoopSettings | None = None,
    ) -> None:
        """Make a loop; `start` runs it.

        Args:
            database: where it writes.
            master_key: 32 bytes, from which the tenants' keys follow.
            ids: maker of identifiers, used by the loop's thread alone.
            settings: limits.
        """
        self.programs = CompiledPrograms(database)
        self._writer = Writer(database, ids)
        self._master_key = master_key
        self._settings = settings or LoopSettings()
        self._vaults: dict[int, Vault] = {}
        self._lanes: dict[ProgramKey, Lanes] = {}
        self._turns = Turns(self._lanes, self._settings.bulk_share)
        self._waiting = 0
        self._waiting_bulk = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._draining = True
        self._thread: threading.Thread | None = None
        self._pace = Pace(self._settings.work_ns, self._settings.bulk_least, self._settings.batch_limit)
        self._gives_way = False
        self.watch: Callable[[BatchDone], None] | None = None
        """Told of each batch, in the loop's thread, before its answers are; it must not raise."""
        self._interactive_at: int | None = None
        """When somebody last waited interactively, by the clock that measures work."""

    def start(self) -> None:
        """Run the loop in a thread of its own, and let the process collect garbage more rarely."""
        # What a batch makes dies with it, almost never in circles: collecting at the usual pace takes a fifth
        # of an event's time, most of it spent on looking at programs and modules that stay.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def give_way(self) -> None:
        """Let other processes go first, from the next `start`: short batches, and less of the processor.

        For a loop whose own commands can wait while another engine on the same database, and perhaps on the
        same machine, answers people: its batches hold locks and its thread takes a processor from them.
        """
        self._gives_way = True

    def stop(self, *, drain: bool = True) -> None:
        """Stop the loop and wait for it.

        Args:
            drain: whether what is queued is done first; it is refused otherwise.
        """
        with self._wake:
            self._stopping, self._draining = True, drain
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def waiting(self) -> int:
        """How many commands are queued."""
        return self._waiting

    @property
    def backend_pid(self) -> int:
        """The server's process behind the loop's connection, for measuring."""
        return self._writer.backend_pid

    def vault(self, tenant_id: int) -> Vault:
        """Give a tenant's keys.

        Args:
            tenant_id: whose.

        Returns:
            The keys, derived once.
        """
        vault = self._vaults.get(tenant_id)
        if vault is None:
            vault = self._vaults[tenant_id] = Vault(self._master_key, tenant_id)
        return vault

    def put(self, commands: Sequence[Command], sink: Sink) -> None:
        """Queue commands, all or none of them.

        Args:
            commands: any number that fits the queue; those of one program stay in order within their lane.
            sink: told each answer with the command's place in `commands`.

        Raises:
            Problem: `overloaded` or `shutting_down`.
        """
        # Before any work for it: those who are refused come again, and soon.
        self._check_open(commands)
        jobs = [Job(command, sink, place) for place, command in enumerate(commands)]
        with self._wake:
            self._check_open(commands)
            for key, of_program in _by_program(jobs).items():
                lanes = self._lanes.get(key)
                if lanes is None:
                    lanes = self._lanes[key] = Lanes()
                if not lanes and not lanes.loading:
                    self._turns.add(key)
                lanes.put(of_program)
            self._count(jobs, 1)
            self._wake.notify()

    def _check_open(self, commands: Sequence[Command]) -> None:
        if self._stopping:
            raise _STOPPING
        limit, count = self._settings.queue_limit, len(commands)
        full = self._waiting and self._waiting + count > limit
        # Half of the queue is kept for those who wait, so that an import never has a till refused.
        bulk = sum(command.bulk for command in commands)
        if full or (bulk and self._waiting_bulk and self._waiting_bulk + bulk > limit // 2):
            raise Problem("overloaded", "too many commands are waiting; try again in a moment")

    def _count(self, jobs: Sequence[Job], sign: int) -> None:
        """Count jobs in or out of the queues."""
        self._waiting += sign * len(jobs)
        self._waiting_bulk += sign * sum(job.command.bulk for job in jobs)

    def submit(self, command: Command) -> Future[Answer]:
        """Ask for one thing.

        Args:
            command: what.

        Returns:
            The answer to come.

        Raises:
            Problem: `overloaded` or `shutting_down`.
        """
        return self.submit_many([command])[0]

    def submit_many(self, commands: Sequence[Command]) -> list[Future[Answer]]:
        """Ask for several things.

        Args:
            commands: what, in order.

        Returns:
            The answers to come.

        Raises:
            Problem: `overloaded` or `shutting_down`.
        """
        sink = _Futures(len(commands))
        self.put(commands, sink)
        return sink.futures

    async def ask_many(self, commands: Sequence[Command]) -> list[Answer]:
        """Ask from a coroutine, and wait for all answers without blocking its loop.

        Args:
            commands: what, in order.

        Returns:
            The answers in the same order.

        Raises:
            Problem: `overloaded` or `shutting_down`.
        """
        sink = _Awaited(len(commands), asyncio.get_running_loop())
        self.put(commands, sink)
        return await sink.done

    async def ask(self, command: Command) -> Answer:
        """Ask for one thing from a coroutine.

        Args:
            command: what.

        Returns:
            The answer.

        Raises:
            Problem: `overloaded` or `shutting_down`.
        """
        return (await self.ask_many([command]))[0]

    def _run(self) -> None:
        if self._gives_way and sys.platform == "linux":
            # There each thread has a priority of its own, and this one's ends with it.
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, 0, min(_NICEST, own + self._settings.niceness))
        try:
            while (taken := self._next()) is not None:
                key, jobs = taken
                if jobs:
                    self._work(key, jobs)
        finally:
            self._refuse_rest()
            self._writer.close()

    def _next(self) -> tuple[ProgramKey, list[Job]] | None:
        """Wait for the next batch; None when the loop is to end."""
        with self._wake:
            while not self._turns:
                if self._stopping and (not self._draining or not self._waiting):
                    return None
                self._wake.wait()
            if self._stopping and not self._draining:
                return None
            key = self._turns.next()
            lanes = self._lanes[key]
            jobs = self._take(lanes)
            self._count(jobs, -1)
            if lanes:
                self._turns.add(key)
            return key, jobs

    def _take(self, lanes: Lanes) -> list[Job]:
        settings, now = self._settings, time.perf_counter_ns()
        if lanes.interactive:
            self._interactive_at = now
        seen = self._interactive_at
        watched = self._gives_way or (seen is not None and now - seen < settings.watched_ns)
        bulk_most = self._pace.length if watched else settings.batch_limit
        return lanes.take(settings.batch_limit, bulk_most, settings.bulk_share)

    def _work(self, key: ProgramKey, jobs: list[Job]) -> None:
        live = self.programs.find(key)
        if live is None:
            self._load(key, jobs)
            return
        began, wall = time.perf_counter_ns(), time.time_ns()
        try:
            answered = self._writer.run(self.vault(key[0]), live, jobs)
        except StaleProgram as stale:
            done = {id(job) for job, _ in stale.answered}
            self._load(key, [job for job in jobs if id(job) not in done])
            deliver(stale.answered)
            return
        except Problem as problem:
            answered = [(job, answers.refused("", problem)) for job in jobs]
        except Exception:  # noqa: BLE001 - logged; the loop outlives whatever happens
            _LOG.exception("batch_failed", jobs=len(jobs))
            answered = [(job, answers.refused("", _FAULT)) for job in jobs]
        if jobs[0].command.bulk:
            self._pace.told(len(jobs), time.perf_counter_ns() - began)
        if self.watch is not None:
            self.watch(BatchDone(answered, wall, time.time_ns(), self._writer.timed, self._writer.again))
        deliver(answered)

    def _load(self, key: ProgramKey, jobs: list[Job]) -> None:
        """Let a definition be compiled beside; other programs go on meanwhile."""
        with self._wake:
            lanes = self._lanes[key]
            lanes.put_back(jobs)
            lanes.loading = True
            self._count(jobs, 1)
            if key in self._turns:
                self._turns.remove(key)

        def done(problem: Problem | None) -> None:
            refused: list[Job] = []
            with self._wake:
                lanes.loading = False
                if problem is not None:
                    refused = [*lanes.interactive, *lanes.bulk]
                    lanes.interactive.clear()
                    lanes.bulk.clear()
                    self._count(refused, -1)
                    del self._lanes[key]
                elif lanes:
                    self._turns.add(key)
                self._wake.notify()
            if problem is not None:
                deliver([(job, answers.refused("", problem)) for job in refused])

        self.programs.load_beside(key, done)

    def _refuse_rest(self) -> None:
        with self._wake:
            self._stopping = True
            rest = [job for lanes in self._lanes.values() for job in (*lanes.interactive, *lanes.bulk)]
            self._lanes.clear()
            self._turns.clear()
            self._waiting = self._waiting_bulk = 0
        deliver([(job, answers.refused("", _STOPPING)) for job in rest])


def deliver(answered: Answered) -> None:
    """Hand answers to those who wait, each sink once.

    Args:
        answered: jobs with their answers.
    """
    by_sink: dict[int, tuple[Sink, list[tuple[int, Answer]]]] = {}
    for job, answer in answered:
        by_sink.setdefault(id(job.sink), (job.sink, []))[1].append((job.place, answer))
    for sink, theirs in by_sink.values():
        try:
            sink.deliver(theirs)
        except Exception:  # noqa: BLE001 - logged
            # Somebody who hung up changes nothing for the others.
            _LOG.exception("answer_not_delivered")


def _by_program(jobs: Sequence[Job]) -> dict[ProgramKey, list[Job]]:
    groups: dict[ProgramKey, list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.command.tenant_id, job.command.program), []).append(job)
    return groups


class _Futures:
    def __init__(self, count: int) -> None:
        self.futures: list[Future[Answer]] = [Future() for _ in range(count)]

    def deliver(self, answered: Sequence[tuple[int, Answer]]) -> None:
        for place, answer in answered:
            future = self.futures[place]
            if future.set_running_or_notify_cancel():
                future.set_result(answer)


class _Awaited:
    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[list[Any]] = loop.create_future()
        self._answers: list[Answer | None] = [None] * count
        self._left = count
        self._loop = loop
        if not count:
            self.done.set_result([])

    def deliver(self, answered: Sequence[tuple[int, Answer]]) -> None:
        for place, answer in answered:
            self._answers[place] = answer
        self._left -= len(answered)
        if not self._left:
            # One call for a whole batch's worth would be better still; see `put` with a sink of one's own.
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(self._answers)
