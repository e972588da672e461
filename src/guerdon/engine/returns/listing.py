"""What came back of an order, for reading."""

from __future__ import annotations

from datetime import datetime

from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.returns.captures import find_captures
from guerdon.engine.returns.paid import returned_of
from guerdon.engine.returns.rows import ask_returns
from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import list_line
from guerdon.rules.decision import Returned


def list_returns(tx: Tx, program_id: int, order: StoredEvent) -> list[tuple[datetime, Returned]]:
    """List what came back of an order.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        order: the event that paid it.

    Returns:
        Instant and return, in the order in which they came.
    """
    return [(event.occurred_at, returned_of(event)) for event in find_returns(tx, program_id, order)]


def find_returns(tx: Tx, program_id: int, order: StoredEvent) -> list[StoredEvent]:
    """Find the events in which something came back of an order.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        order: the event that paid it.

    Returns:
        The events of its returns, in the order in which they came.
    """
    rows = ask_returns(tx, _whose(tx, program_id, order), [order.event_id])()
    stored = ask_stored(tx, {row.account_id for row in rows}, {row.return_event for row in rows})()
    return [stored[row.return_event] for row in rows]


def _whose(tx: Tx, program_id: int, order: StoredEvent) -> set[int]:
    """Tell whose the returns of an order may be: a guest's order may have taken something of a member."""
    if order.account_id:
        return list_line(tx, [order.account_id])
    captures = find_captures(tx, program_id, [order.event_id]).get(order.event_id, ())
    return list_line(tx, {0, *(one.account_id for one in captures)})
