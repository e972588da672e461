"""Old months of all journals leave for files while a world goes on, and some come back: nobody may notice."""

from __future__ import annotations

import heapq
import random
import shutil
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from guerdon.infra.db import Database
from guerdon.infra.tx import Tx, set_tenant
from guerdon.ledger import log
from guerdon.ledger.archives import (
    ROWS_AT_ONCE,
    ArchivedMonth,
    bring_back,
    check_archive,
    closed_months,
    compare_archive,
    file_hash,
    forget_months,
    list_recorded,
    move_some,
    next_accounts,
    note_moved,
    parcels,
    read_rows,
    record_archive,
    write_archive,
)
from guerdon.programs.programs import LiveVersion, list_programs
from tests.world.actors import Step

MOVES, RETURNS = 0.02, 0.01
"""So many steps are followed by months that move, and by some that come back."""


def with_months(plan: list[Step], seed: int) -> list[Step]:
    """Let months move and come back between the steps of a plan.

    Args:
        plan: bursts of acts.
        seed: the same one does it at the same places.

    Returns:
        The plan with steps for it.
    """
    chance = random.Random(f"months {seed}")
    grown: list[Step] = []
    for step in plan:
        grown.append(step)
        roll, base = chance.random(), {"program": "club", "now": step[-1]["now"]}
        if roll < MOVES:
            # Now and then it stops half-way, as one does that is killed.
            grown.append([{"do": "archive", **base, "steps": chance.choice((0, 1, 3, 1_000, 1_000))}])
        elif roll < MOVES + RETURNS:
            grown.append([{"do": "restore", **base, "kept": chance.choice((0, 0, 1, 2))}])
    return grown


class _Books(NamedTuple):
    """The journal of a program."""

    live: LiveVersion
    folder: Path

    def path_of(self, month: str) -> Path:
        """Where the file of a month is."""
        return self.folder / f"{month}.parquet"


class Keeper:
    """Moves months of one tenant's journals, as `guerdon retention` does, and brings them back."""

    def __init__(self, database: Database, tenant_id: int, signer: log.Signer) -> None:
        """Begin with nothing moved.

        Args:
            database: the engine's.
            tenant_id: whose journals.
            signer: of its logs.
        """
        self.database = database
        self.tenant_id = tenant_id
        self.signer = signer
        self.moved = self.returned = 0
        """Transactions that left, and that came back."""
        self.folder = Path(mkdtemp(prefix="world-months-"))
        """Of all files, one folder for each program."""
        self._thrown_away = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def close(self) -> None:
        """Throw the files away, as whoever forgets it does in the end."""
        self._thrown_away()

    def move(self, now: datetime, steps: int) -> None:
        """Move every month that is over; everything that is booked is in the logs already.

        Args:
            now: the instant.
            steps: stop after so many transactions of the database, wherever that is.
        """
        for books in self._books():
            self._record(books, now)
            steps = self._empty(books, steps)
            if steps == 0:
                return
            with self._as_owner() as tx:
                note_moved(tx, books.live.program_id, now)

    def restore(self, kept: int) -> None:
        """Bring months back, the last ones first.

        Args:
            kept: so many of the first months stay in their files.
        """
        for books in self._books():
            program_id = books.live.program_id
            with self._look() as tx:
                months = list_recorded(tx, program_id)[kept:]
            if not months:
                continue
            for one in months:
                assert file_hash(books.path_of(one.name)) == one.file_sha256, one.name
            files = [read_rows(books.path_of(one.name)) for one in months]
            for parcel in parcels(heapq.merge(*files, key=lambda row: row[:2]), 50):
                with self._as_owner() as tx:
                    self.returned += bring_back(tx, program_id, parcel)
            with self._as_owner() as tx:
                forget_months(tx, program_id, months[0].month)
            # What is told later of such a month belongs into its next file.
            for one in months:
                books.path_of(one.name).unlink()

    def _books(self) -> list[_Books]:
        with self._look() as tx:
            programs = list_programs(tx)
        books = [_Books(live, self.folder / live.key) for live in programs]
        for one in books:
            one.folder.mkdir(exist_ok=True)
        return books

    def _record(self, books: _Books, now: datetime) -> None:
        program_id = books.live.program_id
        with self._look() as tx:
            done = {one.name for one in list_recorded(tx, program_id)}
            months = [one for one in closed_months(tx, program_id, now) if one.name not in done]
            origin = log.origin_of(tx, books.live.key)
        if not months:
            return
        with self.database.transaction(self.tenant_id) as tx:
            signed = log.sign_head(tx, self.signer, program_id, origin, now)
        for month in months:
            self._write(books, (signed, origin), month)
            path = books.path_of(month.name)
            with self._as_owner() as tx:
                record_archive(tx, program_id, month, (path, file_hash(path)), now)

    def _write(self, books: _Books, head: tuple[log.Signed, str], month: ArchivedMonth) -> None:
        program_id, (signed, origin) = books.live.program_id, head
        with self._look() as tx:
            if not books.path_of(month.name).exists():
                write_archive(tx, (program_id, origin), signed, month, books.folder)
            keys = [key.note_key for key in log.list_keys(tx, program_id)]
            count = check_archive(books.path_of(month.name), keys)
            assert count == compare_archive(tx, program_id, books.path_of(month.name)) == month.transactions

    def _empty(self, books: _Books, steps: int) -> int:
        """Let go of what recorded months cover; give how many steps are left."""
        after, program_id = 0, books.live.program_id
        while True:
            with self._look() as tx:
                accounts = next_accounts(tx, program_id, after)
            if not accounts:
                return steps
            count = ROWS_AT_ONCE
            while count == ROWS_AT_ONCE:
                if steps == 0:
                    return 0
                with self._as_owner() as tx:
                    count = move_some(tx, program_id, accounts)
                self.moved, steps = self.moved + count, steps - 1
            after = accounts[-1]

    @contextmanager
    def _look(self) -> Iterator[Tx]:
        with self.database.transaction(self.tenant_id) as tx:
            tx.execute("set transaction isolation level repeatable read")
            yield tx

    @contextmanager
    def _as_owner(self) -> Iterator[Tx]:
        with self.database.transaction_as("owner") as tx:
            set_tenant(tx, self.tenant_id)
            yield tx
