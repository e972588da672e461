"""What came back of which order, as it is stored: one row for each return, numbered by order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, columns, integers, uuids
from guerdon.infra.tx import Tx

_FIND = """
select account_id, order_event, number, return_event from order_returns
where account_id = any(%s::bigint[]) and order_event = any(%s::uuid[])
order by order_event, number, account_id
"""
_INSERT = """
insert into order_returns (account_id, order_event, number, return_event)
select * from unnest(%s::bigint[], %s::uuid[], %s::integer[], %s::uuid[])
"""


class ReturnRow(NamedTuple):
    """One return of an order."""

    account_id: int
    """0 for a guest's."""
    order_event: UUID
    """The event that paid the order."""
    number: int
    """1 for the first return of the order, and so on."""
    return_event: UUID


def ask_returns(
    tx: Tx, account_ids: Collection[int], order_events: Collection[UUID]
) -> Callable[[], list[ReturnRow]]:
    """Ask what came back of orders before.

    Args:
        tx: the transaction; the accounts are locked.
        account_ids: whose orders they are; 0 for guests.
        order_events: the events that paid them.

    Returns:
        What reads the answer, by order in the order of returns. In a pipeline it may be called later.
    """
    if not order_events:
        return list
    cursor = tx.execute(_FIND, (bigints(sorted(account_ids)), uuids(sorted(order_events))))
    return lambda: [ReturnRow(*row) for row in cursor.fetchall()]


def insert_returns(tx: Tx, rows: Sequence[ReturnRow]) -> None:
    """Store returns; a second one of the same number is an error of the statement.

    Args:
        tx: the transaction.
        rows: any number.
    """
    if rows:
        tx.execute(_INSERT, columns(list(rows), (bigints, uuids, integers, uuids)))
