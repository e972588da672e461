"""The outbox: one row for each event that was applied, written in its transaction and read after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, columns, instants, texts, uuids
from guerdon.infra.tx import Tx

_INSERT = """
insert into outbox (program_id, account_id, event_id, booked_at, notices)
select %s::bigint, account_id, event_id, booked_at, string_to_array(notices, ' ')
from unnest(%s::bigint[], %s::uuid[], %s::timestamptz[], %s::text[])
    as d (account_id, event_id, booked_at, notices)
"""
_READ = """
select account_id, event_id, tenant_id, program_id, booked_at, notices from outbox
where written_in < pg_snapshot_xmin(pg_current_snapshot())
order by event_id limit %s
"""
_DELETE = """
delete from outbox using unnest(%s::bigint[], %s::uuid[]) as d (account_id, event_id)
where outbox.account_id = any(%s::bigint[]) and outbox.account_id = d.account_id
    and outbox.event_id = d.event_id
"""


class Parcel(NamedTuple):
    """The notices of one event."""

    account_id: int
    event_id: UUID
    booked_at: datetime
    notices: str
    """Names of notices with blanks between them, such as `order.paid units.awarded`."""


class Waiting(NamedTuple):
    """A parcel that waits for the relay."""

    account_id: int
    event_id: UUID
    tenant_id: int
    program_id: int
    booked_at: datetime
    notices: Sequence[str]


def put(tx: Tx, program_id: int, parcels: Sequence[Parcel]) -> None:
    """Leave notices to be told once this transaction is committed.

    Args:
        tx: the transaction of the events.
        program_id: whose.
        parcels: one for each event.
    """
    if parcels:
        tx.execute(_INSERT, (program_id, *columns(parcels, (bigints, uuids, instants, texts))))


def read_waiting(relay_tx: Tx, limit: int) -> list[Waiting]:
    """Read the oldest parcels of which no older one can still appear.

    Args:
        relay_tx: a transaction under the relay's role.
        limit: most parcels.

    Returns:
        Parcels in order; one account's are in the order of its events.
    """
    return [Waiting(*row) for row in relay_tx.execute(_READ, (limit,))]


def forget(relay_tx: Tx, parcels: Sequence[Waiting]) -> None:
    """Delete parcels that everybody has been told of.

    Args:
        relay_tx: a transaction under the relay's role.
        parcels: which.
    """
    accounts = [parcel.account_id for parcel in parcels]
    relay_tx.execute(_DELETE, (accounts, [parcel.event_id for parcel in parcels], sorted(set(accounts))))
