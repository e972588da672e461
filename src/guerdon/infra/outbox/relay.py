"""Reading the outbox: each consumer has a cursor, below the horizon of what can still appear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.tx import Tx

_REGISTER = "insert into relay_cursors (consumer, shard) values (%s, %s) on conflict do nothing"
# The horizon is asked for first: whatever is read afterwards was decided by a later snapshot.
_LOCK = """
select written_in::text, event_id, account_id, pg_snapshot_xmin(pg_current_snapshot())::text
from relay_cursors where consumer = %s and shard = %s for update skip locked
"""
_READ = """
select written_in::text, event_id, account_id, tenant_id, program_id, booked_at, notices from outbox
where (written_in, event_id, account_id) > (%s::xid8, %s, %s)
    and written_in < pg_snapshot_xmin(pg_current_snapshot()) and abs(account_id %% %s) = %s
order by outbox.written_in, outbox.event_id, outbox.account_id limit %s
"""
_MOVE = """
update relay_cursors set written_in = %s::xid8, event_id = %s, account_id = %s
where consumer = %s and shard = %s
"""
_PRUNE = "delete from outbox where written_in < (select min(written_in) from relay_cursors)"
_OLDEST = "select min(booked_at), count(*) from (select booked_at from outbox order by written_in limit %s) o"
_NOBODY = UUID(int=0)


class Consumer(NamedTuple):
    """Who reads: a name, and which part of the accounts."""

    name: str
    shard: int = 0
    shards: int = 1
    """Parts that accounts are divided into by their number; each has a cursor of its own."""


class Place(NamedTuple):
    """How far a consumer has read."""

    written_in: str
    """Transaction (xid8)."""
    event_id: UUID
    account_id: int

    @property
    def is_between(self) -> bool:
        """Whether it stands between transactions and not within one."""
        return self.event_id == _NOBODY


class Parcel(NamedTuple):
    """The notices of one event."""

    written_in: int
    """The transaction that wrote it (xid8)."""
    event_id: UUID
    account_id: int
    tenant_id: int
    program_id: int
    booked_at: datetime
    notices: Sequence[str]

    @property
    def place(self) -> Place:
        """Where the next page begins."""
        return Place(str(self.written_in), self.event_id, self.account_id)


class Cursor(NamedTuple):
    """A consumer's place, locked for this transaction."""

    consumer: Consumer
    place: Place
    horizon: Place
    """Everything before it is final, and had been written when the cursor was locked."""


def register(relay_tx: Tx, consumer: Consumer) -> None:
    """Make a consumer known: from now on the outbox keeps what it has not read.

    Args:
        relay_tx: a transaction under the relay's role.
        consumer: who.
    """
    relay_tx.execute(_REGISTER, (consumer.name, consumer.shard))


def lock(relay_tx: Tx, consumer: Consumer) -> Cursor | None:
    """Take a consumer's cursor until the end of the transaction.

    Args:
        relay_tx: a transaction under the relay's role, at its beginning.
        consumer: who.

    Returns:
        The cursor, None where another process has it now, or nobody registered it.
    """
    row = relay_tx.execute(_LOCK, (consumer.name, consumer.shard)).fetchone()
    if row is None:
        return None
    return Cursor(consumer, Place(*row[:3]), Place(row[3], _NOBODY, 0))


def read(relay_tx: Tx, cursor: Cursor, limit: int) -> list[Parcel]:
    """Read what comes after a cursor and is final.

    Args:
        relay_tx: the transaction that locked it.
        cursor: from where.
        limit: most parcels.

    Returns:
        Parcels in the order of their transactions.
    """
    consumer = cursor.consumer
    rows = relay_tx.execute(_READ, (*cursor.place, consumer.shards, consumer.shard, limit))
    return [Parcel(int(row[0]), *row[1:]) for row in rows]


def move(relay_tx: Tx, cursor: Cursor, place: Place) -> None:
    """Set a cursor on.

    Args:
        relay_tx: the transaction that locked it.
        cursor: whose.
        place: the last parcel's, or the cursor's horizon.
    """
    relay_tx.execute(_MOVE, (*place, cursor.consumer.name, cursor.consumer.shard))


def prune(relay_tx: Tx) -> int:
    """Delete what every consumer has read.

    Args:
        relay_tx: a transaction under the relay's role.

    Returns:
        How many parcels went.
    """
    return relay_tx.execute(_PRUNE).rowcount


def oldest(relay_tx: Tx, at_most: int = 10_000) -> tuple[datetime | None, int]:
    """Tell how much waits in the outbox.

    Args:
        relay_tx: a transaction under the relay's role.
        at_most: rows that are looked at.

    Returns:
        When the oldest was booked, and how many there are, up to `at_most`.
    """
    row = relay_tx.execute(_OLDEST, (at_most,)).fetchone()
    assert row is not None
    return row[0], row[1]
