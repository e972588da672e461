"""Orders and what came back of them, as people look for them: by day, by who bought, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from guerdon.engine.events import StoredEvent, ask_stored
from guerdon.engine.returns.rows import ask_returns
from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import list_line, whose_events

Cursor = tuple[datetime, UUID]
"""When an order was placed, and its event: what follows it is the next page."""

# Written out, so that each finds its partial index.
_PAID = "select account_id, event_id from events where program_id = %s and type = 'order.paid'"
_UNDONE = """
select account_id, event_id from events
where program_id = %s and type in ('order.returned', 'order.cancelled')
"""
_ORDER = "order by occurred_at desc, event_id desc limit %s"


class OrdersPage(NamedTuple):
    """What a list of orders asks for."""

    limit: int
    before: Cursor | None = None
    """Only what is older: the last one of the page before."""
    account_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this instant."""
    which: Literal["paid", "undone"] = "paid"
    """Orders, or what came back of orders and was cancelled."""


def list_orders(tx: Tx, program_id: int, page: OrdersPage) -> list[StoredEvent]:
    """Give a page of orders, or of what came back, the latest first.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: which and how many.

    Returns:
        The events that paid them, or that told of what came back.
    """
    words: list[str] = []
    values: list[Any] = [program_id]
    for word, value in (
        whose_events(tx, page.account_id),
        ("occurred_at >= %s", page.since),
        ("occurred_at < %s", page.until),
    ):
        if value is not None:
            words.append(word)
            values.append(value)
    if page.before is not None:
        words.append("(occurred_at, event_id) < (%s, %s)")
        values.extend(page.before)
    statement = " and ".join([_UNDONE if page.which == "undone" else _PAID, *words])
    keys = tx.execute(f"{statement} {_ORDER}", (*values, page.limit)).fetchall()
    stored = ask_stored(tx, {key[0] for key in keys}, [key[1] for key in keys])()
    return [stored[key[1]] for key in keys]


def find_stored_order(tx: Tx, program_id: int, event_id: UUID) -> StoredEvent | None:
    """Find an order by the event that paid it.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        event_id: the event.

    Returns:
        The event, None where there is none or it paid no order.
    """
    row = tx.execute(
        "select account_id, event_id from events where program_id = %s and event_id = %s"
        " and type = 'order.paid'",
        (program_id, event_id),
    ).fetchone()
    return None if row is None else ask_stored(tx, [row[0]], [row[1]])()[row[1]]


def load_returns(tx: Tx, orders: Sequence[StoredEvent]) -> Mapping[UUID, list[StoredEvent]]:
    """Load what came back of many orders.

    Args:
        tx: bound to the tenant.
        orders: the events that paid them.

    Returns:
        By order, the events that told of it, in their order; orders of which nothing came back are left out.
    """
    whose = list_line(tx, {one.account_id for one in orders})
    rows = ask_returns(tx, whose, {one.event_id for one in orders})()
    stored = ask_stored(tx, {row.account_id for row in rows}, {row.return_event for row in rows})()
    found: dict[UUID, list[StoredEvent]] = {}
    for row in rows:
        found.setdefault(row.order_event, []).append(stored[row.return_event])
    return found
