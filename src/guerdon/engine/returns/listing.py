"""What came back of an order, for reading."""

from __future__ import annotations

from datetime import datetime

from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.returns.paid import returned_of
from guerdon.engine.returns.rows import ask_returns
from guerdon.infra.tx import Tx
from guerdon.rules.decision import Returned


def list_returns(tx: Tx, order: StoredEvent) -> list[tuple[datetime, Returned]]:
    """List what came back of an order.

    Args:
        tx: bound to the tenant.
        order: the event that paid it.

    Returns:
        Instant and return, in the order in which they came.
    """
    rows = ask_returns(tx, [order.account_id], [order.event_id])()
    stored = ask_stored(tx, {order.account_id}, {row.return_event for row in rows})()
    events = [stored[row.return_event] for row in rows]
    return [(event.occurred_at, returned_of(event)) for event in events]
