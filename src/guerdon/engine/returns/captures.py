"""What a checkout took for an order that was known already: it stands in an event of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from guerdon.engine.checkouts.promise import promised_order
from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx

_CONFIRMED = """
select account_id, source, promised, event_id from checkouts
where account_id = any(%s::bigint[]) and status = 'confirmed' and event_id is not null
"""
_TAKING = "guerdon.take_capture"


def find_captures(tx: Tx, orders: Collection[StoredEvent]) -> dict[UUID, Sequence[StoredEvent]]:
    """Find what checkouts took for orders that a shop had told of before.

    Guests' orders are left out: nobody's account leads to their checkouts.

    Args:
        tx: bound to the tenant.
        orders: the events that paid.

    Returns:
        By the event that paid: the events in which it was taken.
    """
    of_members = {(one.account_id, one.order_id): one for one in orders if one.account_id}
    if not of_members:
        return {}
    accounts = sorted({account_id for account_id, _ in of_members})
    wanted: dict[UUID, UUID] = {}
    for account_id, source, promised, event_id in tx.execute(_CONFIRMED, (bigints(accounts),)).fetchall():
        order = of_members.get((account_id, promised_order(promised)))
        if order is not None and event_id != order.event_id and source in ("", order.source):
            wanted[event_id] = order.event_id
    found: dict[UUID, Sequence[StoredEvent]] = {}
    for event_id, stored in ask_stored(tx, accounts, wanted)().items():
        if stored.type == _TAKING:
            found[wanted[event_id]] = (*found.get(wanted[event_id], ()), stored)
    return found
