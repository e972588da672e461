"""What a checkout took for an order that was known already: it stands in an event of its own."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.keys import Pair
from guerdon.infra.arrays import texts
from guerdon.infra.tx import Tx
from guerdon.rules.events import TakeCapture

_FIND = """
select id, account_id, event_id from event_keys where program_id = %s and id = any(%s::text[])
"""
_NAME = "capture-"
_TAKING = "guerdon.take_capture"


def capture_key(command: TakeCapture) -> Pair:
    """Name the event in which a checkout takes something for an order, so that it is found by the order.

    Args:
        command: what is taken, and for which order.

    Returns:
        Source and id of its key.
    """
    return command.capture.checkout, f"{_NAME}{command.order}"


def find_captures(tx: Tx, program_id: int, orders: Collection[UUID]) -> dict[UUID, tuple[StoredEvent, ...]]:
    """Find what checkouts took for orders that a shop had told of before.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        orders: the events that paid.

    Returns:
        By the event that paid: the events in which it was taken, oldest first.
    """
    if not orders:
        return {}
    paid = {f"{_NAME}{event_id}": event_id for event_id in orders}
    rows = tx.execute(_FIND, (program_id, texts(sorted(paid)))).fetchall()
    stored = ask_stored(tx, {row[1] for row in rows}, {row[2] for row in rows})()
    found: dict[UUID, tuple[StoredEvent, ...]] = {}
    for name, _, event_id in sorted(rows, key=lambda row: row[2]):
        # Whoever sends events may give them any name.
        if event_id in stored and stored[event_id].type == _TAKING:
            found[paid[name]] = (*found.get(paid[name], ()), stored[event_id])
    return found
