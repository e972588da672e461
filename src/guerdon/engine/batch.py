"""One batch through the database: gathered, folded, applied, committed; what fails, fails alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import psycopg
import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.engine import answers
from guerdon.engine.answers import Answer
from guerdon.engine.apply import apply
from guerdon.engine.commands import Apart, Job
from guerdon.engine.compiled import Live
from guerdon.engine.events import Quarantined, put_in_quarantine
from guerdon.engine.fold import fold
from guerdon.engine.folding.folded import Folded, LotsMissing, settle_unwelcome
from guerdon.engine.gather import Gathered, Place, add_missing_lots, gather
from guerdon.engine.intake import Item, compress, read_item, stored_form
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx, tenant_statement
from guerdon.members.crypto import Vault
from guerdon.programs.programs import await_holders
from guerdon.rules.step import exactly

_LOG = structlog.get_logger(__name__)
_LOST = Problem("database_unavailable", "the database does not answer; try again in a moment")
_FULL = Problem(
    "database_unavailable", "the database has no room, cannot write or is held up; try again in a moment"
)
_FAULT = Problem("internal_error", "the engine could not apply this; it is kept for inspection")
_OUT_OF_RESOURCES = ("53", "58", "55P03")
"""Beginnings of SQLSTATEs that speak of the server, not of what was asked: no room, no memory, its files, or
a lock that somebody keeps for too long."""
_CONNECTIONS = 5
_WAIT_SECONDS = 0.1
# Plans are made once, mostly while the tables are still small, so they must not hang on statistics: each
# statement's target is reached by an index, and what is joined to it (its new values) by hashing.
_SESSION = (
    "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_nestloop = off; "
    "set enable_mergejoin = off; set jit = off"
)

_CONFLICTS = 5
"""So often a batch is run once more where another process was faster, before it is divided."""
_CONFLICT_SECONDS = 0.005
_OVERTAKEN = (
    AssertionError,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
)
"""What a batch meets that another process overtook between its reading and its locks."""

Answered = list[tuple[Job, Answer]]


class StaleProgram(Exception):  # noqa: N818 - not an error: another version must be loaded first
    """Another version of the program went live."""

    def __init__(self, answered: Sequence[tuple[Job, Answer]] = ()) -> None:
        """Say what was done before that was seen.

        Args:
            answered: jobs of an earlier part, which must not be run again.
        """
        super().__init__()
        self.answered = list(answered)


class Timed(NamedTuple):
    """One committed transaction, in nanoseconds of the wall clock."""

    began: int
    commit_began: int
    ended: int


Again = Literal["deadlock", "serialization", "overtaken", "connection_lost", "other"]
"""Why a batch was run once more."""


class _Tried(NamedTuple):
    """What a broken commit may have done."""

    account_ids: Sequence[int]
    event_ids: Sequence[UUID]
    folded: Folded


class Writer:
    """The loop's own connection, and how batches run on it."""

    def __init__(self, database: Database, ids: IdMaker) -> None:
        """Make a writer that connects when it is first needed.

        Args:
            database: where to write.
            ids: maker of identifiers, of this thread alone.
        """
        self._database = database
        self._ids = ids
        self._tx: Tx | None = None
        self.timed: list[Timed] = []
        """The transactions of the latest batch; it has several where a part of it was cut out."""
        self.again: list[Again] = []
        """Why the latest batch, or a part of it, was run once more."""

    def close(self) -> None:
        """Close the connection."""
        if self._tx is not None:
            self._tx.close()
            self._tx = None

    @property
    def backend_pid(self) -> int:
        """The server's process behind the connection, for measuring."""
        return self._connected().info.backend_pid

    def run(self, vault: Vault, live: Live, jobs: Sequence[Job]) -> Answered:
        """Run commands of one program; a part that cannot be applied is cut out and kept in quarantine.

        Args:
            vault: the tenant's keys.
            live: the program that decides.
            jobs: in order of arrival.

        Returns:
            An answer for each job.

        Raises:
            StaleProgram: with nothing done but what it tells of.
            Problem: `database_unavailable` with nothing done.
        """
        self.timed, self.again = [], []
        for job in jobs:
            job.name(self._ids)
        place = Place(
            vault,
            live.program_id,
            live.program,
            self._ids,
            live.counts_members,
            live.pinned,
            live.recorded,
            live.metrics_since,
        )
        return self._run(place, jobs, again=True)

    def _run(self, place: Place, jobs: Sequence[Job], *, again: bool) -> Answered:
        try:
            return self._attempt_again(place, jobs) if again or len(jobs) == 1 else self._attempt(place, jobs)
        except Apart as apart:
            self._rollback()
            return self._in_parts(place, jobs, apart.at, again=again)
        except (StaleProgram, Problem):
            raise
        except Exception as error:  # whatever it is, the others go on and it is logged
            self._rollback()
            if _is_out_of_resources(error):
                _LOG.error("database_cannot_write", jobs=len(jobs), fault=type(error).__name__)
                raise _FULL from error
            if len(jobs) == 1:
                return [self._quarantine(place, jobs[0], error)]
            _LOG.warning("batch_halved", jobs=len(jobs), fault=type(error).__name__)
        return self._in_parts(place, jobs, len(jobs) // 2, again=False)

    def _in_parts(self, place: Place, jobs: Sequence[Job], at: int, *, again: bool) -> Answered:
        """Run one part after the other: what the first came to stands, whatever becomes of the second."""
        first = self._run(place, jobs[:at], again=again)
        try:
            return first + self._run(place, jobs[at:], again=again)
        except StaleProgram as stale:
            raise StaleProgram([*first, *stale.answered]) from None
        except Problem as problem:
            return first + [(job, answers.refused("", problem)) for job in jobs[at:]]

    def _attempt_again(self, place: Place, jobs: Sequence[Job]) -> Answered:
        """Run a batch, and once more where it failed; more often where another process was faster."""
        for attempt in range(_CONFLICTS):
            try:
                return self._attempt(place, jobs)
            except (StaleProgram, Problem, Apart):
                raise
            except Exception as error:  # logged, and met again if it is none of these
                # A deadlock, or a cart that another process ended meanwhile: the next look sees it.
                _LOG.info("batch_again", jobs=len(jobs), fault=type(error).__name__)
                self._rollback()
                if (attempt and not isinstance(error, _OVERTAKEN)) or _is_out_of_resources(error):
                    raise
                self.again.append(_why(error))
                time.sleep(_CONFLICT_SECONDS * attempt)
        return self._attempt(place, jobs)

    def _attempt(self, place: Place, jobs: Sequence[Job]) -> Answered:
        """Run a batch, over a lost connection too: its ids tell whether it had been committed."""
        tried: list[_Tried] = []
        for attempt in range(_CONNECTIONS):
            try:
                return self._once(place, jobs, tried)
            except Problem:
                # Nobody answers, or others enrol the same people: that is over in a moment.
                self._rollback()
                if attempt == _CONNECTIONS - 1:
                    raise
                time.sleep(_WAIT_SECONDS * (attempt + 1))
            except psycopg.OperationalError as error:
                if self._tx is not None and not self._tx.broken and not self._tx.closed:
                    raise
                _LOG.warning("connection_lost", fault=type(error).__name__)
                self._drop()
                self.again.append("connection_lost")
        raise _LOST

    def _once(self, place: Place, jobs: Sequence[Job], tried: list[_Tried]) -> Answered:
        began = time.time_ns()
        tx = self._connected()
        for one in tried:
            tx.execute(tenant_statement(place.vault.tenant_id), prepare=False)
            if self._was_committed(tx, place.program_id, one):
                tx.rollback()
                return self._finish(place, one.folded)
        gathered, folded = self._decide(tx, place, jobs)
        apply(tx, gathered, folded)
        tried.append(_tried(folded))
        failpoints.reach("in_commit", lambda: _send_commit(tx))
        commit_began = time.time_ns()
        tx.commit()
        self.timed.append(Timed(began, commit_began, time.time_ns()))
        failpoints.reach("after_commit")
        return self._finish(place, folded)

    def _decide(self, tx: Tx, place: Place, jobs: Sequence[Job]) -> tuple[Gathered, Folded]:
        while True:
            gathered = gather(tx, place, [read_item(job, place.program) for job in jobs])
            if gathered is None:
                tx.rollback()
                raise StaleProgram
            self._name_anew(jobs)
            folded = _fold_all(tx, gathered)
            if not settle_unwelcome(gathered, folded):
                return gathered, folded
            # Somebody was enrolled for a command that was then refused; each round settles at least one job.
            tx.rollback()

    def _name_anew(self, jobs: Sequence[Job]) -> None:
        # A name made before the locks may be older than what another process wrote while they were waited
        # for, and the history of an order is told in the order of its events' names.
        for job in jobs:
            job.event_ids = tuple(self._ids.uuid() for _ in job.event_ids)

    def _finish(self, place: Place, folded: Folded) -> Answered:
        # What no decision could be made of was found out before anything of it was written.
        failed = [self._quarantine(place, item.job, error) for item, error in folded.failed]
        return folded.answers + failed

    def _was_committed(self, tx: Tx, program_id: int, one: _Tried) -> bool:
        if not one.event_ids:
            return False
        # The lost backend may still be at work. Nobody can lock the accounts that it makes, but it holds the
        # program's version until it ends.
        await_holders(tx, program_id)
        found = tx.execute(
            "select 1 from events where account_id = any(%s::bigint[])"
            " and event_id = any(%s::uuid[]) limit 1",
            (sorted(set(one.account_ids)), list(one.event_ids)),
        ).fetchone()
        return found is not None

    def _quarantine(self, place: Place, job: Job, error: Exception) -> tuple[Job, Answer]:
        _LOG.error("quarantined", kind=type(job.command).__name__, fault=type(error).__name__, exc_info=error)
        row, item = _quarantined(place, job, error)
        try:
            tx = self._connected()
            tx.execute(tenant_statement(place.vault.tenant_id), prepare=False)
            put_in_quarantine(tx, row)
            tx.commit()
        except (psycopg.Error, Problem):
            # It is answered as failed in any case, and the log has it.
            _LOG.exception("quarantine_failed")
            self._rollback()
        return job, answers.refused(item.sent_id, _FAULT)

    def _connected(self) -> Tx:
        if self._tx is None or self._tx.closed or self._tx.broken:
            self._drop()
            tx = self._database.connect("app")
            tx.prepare_threshold = 0
            tx.prepared_max = None
            tx.execute(_SESSION, prepare=False)
            tx.commit()
            self._tx = tx
        return self._tx

    def _rollback(self) -> None:
        if self._tx is not None:
            try:
                self._tx.rollback()
            except psycopg.Error:
                self._drop()

    def _drop(self) -> None:
        if self._tx is not None:
            with contextlib.suppress(psycopg.Error):
                self._tx.close()
        self._tx = None


def _fold_all(tx: Tx, gathered: Gathered) -> Folded:
    while True:
        try:
            with exactly():
                return fold(gathered)
        except LotsMissing as missing:
            # Most likely the batch runs through days, and others of its accounts will need theirs as well.
            several = {missing.account_id, *_many_times(gathered)}
            add_missing_lots(tx, gathered, several)


def _many_times(gathered: Gathered) -> set[int]:
    seen: set[int] = set()
    many: set[int] = set()
    for item in gathered.items:
        account_id = item.account_id
        if account_id in seen and account_id in gathered.accounts:
            many.add(account_id)
        seen.add(account_id)
    return many


def _tried(folded: Folded) -> _Tried:
    return _Tried(
        [one.account_id for one in folded.applied], [one.event_id for one in folded.applied], folded
    )


def _why(error: Exception) -> Again:
    if isinstance(error, psycopg.errors.DeadlockDetected):
        return "deadlock"
    if isinstance(error, psycopg.errors.SerializationFailure):
        return "serialization"
    return "overtaken" if isinstance(error, _OVERTAKEN) else "other"


def _is_out_of_resources(error: Exception) -> bool:
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_OUT_OF_RESOURCES)


def _send_commit(tx: Tx) -> None:
    tx.pgconn.send_query(b"commit")
    tx.pgconn.flush()


def _quarantined(place: Place, job: Job, error: Exception) -> tuple[Quarantined, Item]:
    item = read_item(job, place.program)
    event, now = item.event, job.command.received_at
    body = b""
    if event is not None:
        # What was sent may name a person, so only the ids and the digest of the rest are kept.
        body = stored_form(item, item.member_id)[1]
    row = Quarantined(
        job.event_ids[0],
        place.program_id,
        item.account_id,
        type(job.command).__name__,
        event.source if event is not None else "",
        event.id if event is not None else "",
        event.occurred_at if event is not None else None,
        now,
        compress(body),
        None,
        type(error).__name__,
        _detail(error),
    )
    return row, item


def _detail(error: Exception) -> str:
    """Tell what went wrong without values, which may be somebody's."""
    if isinstance(error, psycopg.Error):
        return error.diag.message_primary or type(error).__name__
    return str(error)[:500] if isinstance(error, AssertionError) else type(error).__name__
