"""Holds on counters that all accounts of a program share: totals of limits, budgets, stock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from guerdon.infra.arrays import columns, instants, numerics, texts, uuids
from guerdon.infra.tx import Tx
from guerdon.rules.state import Hold, HoldKey

_LAPSED = """
select counter, checkout_id, amount, expires_at from shared_holds
where program_id = %s and counter = any(%s::text[]) and expires_at <= %s
"""
_OPEN = """
select distinct counter from shared_holds
where program_id = %s and counter = any(%s::text[]) and expires_at > %s
"""
_OF_CHECKOUTS = """
select counter, checkout_id, amount, expires_at from shared_holds
where program_id = %s and checkout_id = any(%s::uuid[])
"""
_LAPSED_COUNTERS = """
select distinct counter from shared_holds where program_id = %s and expires_at <= %s order by counter limit %s
"""
_DELETE = """
delete from shared_holds as h using unnest(%s::text[], %s::uuid[]) as d (counter, checkout_id)
where h.program_id = %s and h.counter = d.counter and h.checkout_id = d.checkout_id
"""
_INSERT = """
insert into shared_holds (program_id, counter, checkout_id, amount, expires_at)
select %s::bigint, * from unnest(%s::text[], %s::uuid[], %s::numeric[], %s::timestamptz[])
on conflict (program_id, counter, checkout_id) do update
set amount = excluded.amount, expires_at = excluded.expires_at
"""

Holds = dict[HoldKey, Hold]


def ask_lapsed(tx: Tx, program_id: int, counters: Collection[str], now: datetime) -> Callable[[], Holds]:
    """Ask for the holds on counters that are over by an instant.

    Args:
        tx: bound to the tenant; the counters are locked.
        program_id: whose counters.
        counters: their keys.
        now: the instant.

    Returns:
        What reads the answer, by key. In a pipeline it may be called later.
    """
    cursor = tx.execute(_LAPSED, (program_id, texts(sorted(counters)), now))
    return lambda: _read(cursor.fetchall())


def ask_open(
    tx: Tx, program_id: int, counters: Collection[str], now: datetime
) -> Callable[[], frozenset[str]]:
    """Ask which counters open checkouts hold something of.

    Args:
        tx: bound to the tenant.
        program_id: whose counters.
        counters: their keys.
        now: the instant.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    cursor = tx.execute(_OPEN, (program_id, texts(sorted(counters)), now))
    return lambda: frozenset(row[0] for row in cursor.fetchall())


def ask_of_checkouts(tx: Tx, program_id: int, checkouts: Collection[UUID]) -> Callable[[], Holds]:
    """Ask for what checkouts hold of shared counters.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        checkouts: which ones.

    Returns:
        What reads the answer, by key. In a pipeline it may be called later.
    """
    cursor = tx.execute(_OF_CHECKOUTS, (program_id, uuids(sorted(checkouts))))
    return lambda: _read(cursor.fetchall())


def list_lapsed(tx: Tx, program_id: int, now: datetime, limit: int = 100) -> list[str]:
    """List shared counters on which something has lapsed.

    Args:
        tx: bound to the tenant.
        program_id: whose counters.
        now: the instant.
        limit: most of them.

    Returns:
        Counter keys in order.
    """
    rows = tx.execute(_LAPSED_COUNTERS, (program_id, now, limit)).fetchall()
    return [counter for (counter,) in rows]


def load_lapsed(tx: Tx, program_id: int, counters: Collection[str], now: datetime) -> dict[str, Decimal]:
    """Read how much of counters is held by nobody any more, for reading without a lock.

    Args:
        tx: bound to the tenant.
        program_id: whose counters.
        counters: their keys.
        now: the instant.

    Returns:
        What counts as free again, by counter; the others are left out.
    """
    found: dict[str, Decimal] = {}
    for hold in ask_lapsed(tx, program_id, counters, now)().values():
        found[hold.name] = found.get(hold.name, Decimal(0)) + hold.amount
    return found


def write_shared_holds(tx: Tx, program_id: int, gone: Sequence[Hold], made: Sequence[Hold]) -> None:
    """Write which holds are over and which there are now.

    Args:
        tx: bound to the tenant; the counters are locked.
        program_id: whose counters.
        gone: holds that were gathered and hold no longer.
        made: new ones, and those whose amount or end is another.
    """
    if gone:
        keys = columns([(hold.name, UUID(hold.checkout)) for hold in gone], (texts, uuids))
        tx.execute(_DELETE, (*keys, program_id))
    if made:
        rows = [(hold.name, UUID(hold.checkout), hold.amount, hold.expires_at) for hold in made]
        tx.execute(_INSERT, (program_id, *columns(rows, (texts, uuids, numerics, instants))))


def _read(rows: Sequence[tuple[str, UUID, Decimal, datetime]]) -> Holds:
    holds = [Hold(str(checkout), "shared", name, amount, ends) for name, checkout, amount, ends in rows]
    return {hold.key: hold for hold in holds}
