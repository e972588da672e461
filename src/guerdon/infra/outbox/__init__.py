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


class Parcel(NamedTuple):
    """The notices of one event."""

    account_id: int
    event_id: UUID
    booked_at: datetime
    notices: str
    """Names of notices with blanks between them, such as `order.paid units.awarded`."""


def put(tx: Tx, program_id: int, parcels: Sequence[Parcel]) -> None:
    """Leave notices to be told once this transaction is committed.

    Args:
        tx: the transaction of the events.
        program_id: whose.
        parcels: one for each event.
    """
    if parcels:
        tx.execute(_INSERT, (program_id, *columns(parcels, (bigints, uuids, instants, texts))))
