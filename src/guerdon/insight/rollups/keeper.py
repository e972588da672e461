"""The thread that keeps the sums: it reads the outbox and adds what it finds, each event once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

import psycopg
import structlog

from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer, Cursor, Parcel
from guerdon.infra.rounds import Rounds
from guerdon.infra.tx import Tx
from guerdon.insight.rollups.reading import Reader
from guerdon.insight.rollups.stored import (
    Reached,
    add_sums,
    begin,
    lock_place,
    move_place,
    reached_by,
    unseen,
)
from guerdon.programs.tenants import list_tenants

_LOG = structlog.get_logger(__name__)
CONSUMER: Final = Consumer("rollups")
_PARCELS: Final = 1_000
_PAUSE_SECONDS: Final = 2.0
_AFTER_FAILURE_SECONDS: Final = 5.0
_READERS_KEPT: Final = 256
_ASKED_AGAIN_SECONDS: Final = 0.02
_AHEAD: Final = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_REPEATABLE: Final = "set transaction isolation level repeatable read"


class Keeper:
    """Keeps the sums of all tenants."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], rounds: Rounds | None = None
    ) -> None:
        """Describe it; nothing runs before `start`.

        Args:
            database: where journal, outbox and sums are.
            clock: tells the time.
            rounds: where it is noted how each round went.
        """
        self._database = database
        self._clock = clock
        self._readers: OrderedDict[int, Reader] = OrderedDict()
        self._begun: set[int] = set()
        self._registered = False
        self._mark: tuple[int, datetime] | None = None
        self._complete_at: datetime | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._told = threading.Condition()
        self._summing = (rounds or Rounds(clock)).add("sums", _PAUSE_SECONDS)
        self._summing.wakes(self._wake.set)

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="rollups", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present round."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait(self, asked_at: datetime, patience_seconds: float) -> datetime | None:
        """Have the sums brought up to an instant, as far as that is a matter of moments.

        Args:
            asked_at: all that was committed before it is wanted.
            patience_seconds: how long to wait.

        Returns:
            The instant up to which they are complete, perhaps an earlier one; None where they are not yet.
        """
        with self._told:
            self._wake.set()
            self._told.wait_for(lambda: self._is_complete(asked_at), patience_seconds)
            return self._complete_at

    def _is_complete(self, asked_at: datetime) -> bool:
        if self._complete_at is not None and self._complete_at >= asked_at:
            return True
        self._wake.set()
        return False

    def catch_up(self) -> bool:
        """Add one page of the outbox to the sums; whoever has none yet is summed whole first.

        Returns:
            Whether there may be more at once.

        Raises:
            Problem: `database_unavailable`.
        """
        self._begin_all()
        with self._database.transaction_as("relay") as tx:
            now = self._clock()
            row = tx.execute(_AHEAD).fetchone()
            cursor = relay.lock(tx, CONSUMER)
            if cursor is None or row is None:
                return False
            parcels = relay.read(tx, cursor, _PARCELS)
            complete_at = self._complete(now, row[0], cursor) if len(parcels) < _PARCELS else None
            for tenant_id in dict.fromkeys(one.tenant_id for one in parcels):
                mine = [one for one in parcels if one.tenant_id == tenant_id]
                self._add(tenant_id, mine, complete_at or now)
            if parcels:
                relay.move(tx, cursor, parcels[-1].place)
            elif not cursor.place.is_between:
                relay.move(tx, cursor, cursor.horizon)
            relay.prune(tx)
        self._tell(complete_at)
        return len(parcels) == _PARCELS

    def _complete(self, now: datetime, ahead: int, cursor: Cursor) -> datetime | None:
        """Tell up to which instant nothing can appear any more that is not read."""
        # What was committed before an instant has a number below the one that was next then; once nothing
        # below that number is under way, all of it has been read.
        mark, horizon = self._mark or (ahead, now), int(cursor.horizon.written_in)
        if horizon >= ahead:
            mark = (ahead, now)
        self._mark = mark if horizon < mark[0] else None
        return mark[1] if horizon >= mark[0] else None

    def _tell(self, complete_at: datetime | None) -> None:
        if complete_at is not None:
            with self._told:
                self._complete_at = complete_at
                self._told.notify_all()

    def _begin_all(self) -> None:
        if not self._registered:
            # First of all, so that the outbox keeps whatever a first summing does not see.
            with self._database.transaction_as("relay") as tx:
                relay.register(tx, CONSUMER)
            self._registered = True
        with self._database.transaction_as("lookup") as lookup:
            tenants = [tenant.tenant_id for tenant in list_tenants(lookup)]
        for tenant_id in tenants:
            if tenant_id not in self._begun and not self._stopping.is_set():
                self._begin(tenant_id)
                self._begun.add(tenant_id)

    def _begin(self, tenant_id: int) -> None:
        with self._database.transaction(tenant_id) as tx:
            tx.execute(_REPEATABLE)
            if not begin(tx, self._clock()):
                return
            for sums in self._reader(tenant_id).sum_all(tx):
                add_sums(tx, sums)

    def _add(self, tenant_id: int, parcels: list[Parcel], complete_at: datetime) -> None:
        with self._database.transaction(tenant_id) as tx:
            reached = lock_place(tx)
            if reached is not None:
                self._add_unseen(tx, tenant_id, parcels, reached)
                # Never back: what was lost with the cursor may be read again in smaller pages.
                move_place(tx, max(reached, reached_by(parcels[-1])), complete_at)
        if reached is None:
            # Newer than this round's list of tenants: its snapshot has these parcels in it.
            self._begin(tenant_id)

    def _add_unseen(self, tx: Tx, tenant_id: int, parcels: list[Parcel], reached: Reached) -> None:
        wanted = [(one.account_id, one.event_id) for one in unseen(tx, reached, parcels)]
        if wanted:
            add_sums(tx, self._reader(tenant_id).sum_some(tx, wanted))

    def _reader(self, tenant_id: int) -> Reader:
        reader = self._readers.setdefault(tenant_id, Reader())
        self._readers.move_to_end(tenant_id)
        while len(self._readers) > _READERS_KEPT:
            self._readers.popitem(last=False)
        return reader

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            pause = _PAUSE_SECONDS
            try:
                with self._summing.running():
                    more = self.catch_up()
                pause = 0.0 if more else pause
            except (Problem, psycopg.Error) as error:
                # The next round finds what this one left.
                _LOG.warning("rollups_postponed", fault=type(error).__name__)
                pause = _AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001 - one bad round must not end all that follow
                _LOG.error("rollups_failed", fault=type(error).__name__)
                pause = _AFTER_FAILURE_SECONDS
            if pause:
                self._wake.wait(pause)
