"""Counters that all accounts of a program draw from: totals of limits, budgets, stock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from guerdon.infra.arrays import numerics, texts
from guerdon.infra.tx import Tx

_MAKE = """
insert into shared_counters (program_id, counter)
select %s, counter from unnest(%s::text[]) as counter order by counter
on conflict do nothing
"""
_LOCK = """
select counter, used from shared_counters
where program_id = %s and counter = any(%s::text[])
order by counter for update
"""
_TAKE = """
update shared_counters as c set used = c.used + t.delta, bound = coalesce(t.bound, c.bound)
from unnest(%s::text[], %s::numeric[], %s::numeric[]) as t (counter, delta, bound)
where c.program_id = %s and c.counter = t.counter
  and c.used + t.delta >= 0
  and (t.bound is null or t.delta <= 0 or c.used + t.delta <= t.bound)
returning c.counter
"""


def ask_counters(tx: Tx, program_id: int, keys: Collection[str]) -> Callable[[], dict[str, Decimal]]:
    """Ask for counters and lock them in order of their keys, making those that are missing.

    Args:
        tx: bound to the tenant; accounts are locked before.
        program_id: whose counters.
        keys: counter keys.

    Returns:
        What reads the answer: how much has been taken, by key. In a pipeline it may be called later.
    """
    if not keys:
        return dict
    wanted = texts(sorted(set(keys)))
    tx.execute(_MAKE, (program_id, wanted))
    cursor = tx.execute(_LOCK, (program_id, wanted))
    return lambda: dict(cursor.fetchall())


def lock_counters(tx: Tx, program_id: int, keys: Collection[str]) -> dict[str, Decimal]:
    """Lock counters in order of their keys, making those that are missing.

    Args:
        tx: bound to the tenant; accounts are locked before.
        program_id: whose counters.
        keys: counter keys.

    Returns:
        How much has been taken, by key.
    """
    return ask_counters(tx, program_id, keys)()


def ask_take(
    tx: Tx, program_id: int, takings: Mapping[str, tuple[Decimal, Decimal | None]]
) -> Callable[[], list[str]]:
    """Ask to take from counters, or give back, in one guarded statement.

    Args:
        tx: bound to the tenant; the counters are locked.
        program_id: whose counters.
        takings: by counter key: how much (negative gives back) and the bound, None where there is none.

    Returns:
        What reads the answer: the keys whose guard failed, in order. In a pipeline it may be called later.
    """
    if not takings:
        return list
    keys = sorted(takings)
    deltas = numerics([takings[key][0] for key in keys])
    bounds = numerics([takings[key][1] for key in keys])
    cursor = tx.execute(_TAKE, (texts(keys), deltas, bounds, program_id))

    def read() -> list[str]:
        taken = {row[0] for row in cursor.fetchall()}
        return [key for key in keys if key not in taken]

    return read


def take(tx: Tx, program_id: int, takings: Mapping[str, tuple[Decimal, Decimal | None]]) -> list[str]:
    """Take from counters, or give back, in one guarded statement.

    Args:
        tx: bound to the tenant; the counters are locked.
        program_id: whose counters.
        takings: by counter key: how much (negative gives back) and the bound, None where there is none.

    Returns:
        The keys whose guard failed, in order; whoever gets any rolls back, for the others have been taken.
    """
    return ask_take(tx, program_id, takings)()


def load_counters(tx: Tx, program_id: int, keys: Collection[str]) -> dict[str, Decimal]:
    """Read counters without locking, for previews.

    Args:
        tx: bound to the tenant.
        program_id: whose counters.
        keys: counter keys.

    Returns:
        How much has been taken, by key; those never drawn from are left out.
    """
    query = "select counter, used from shared_counters where program_id = %s and counter = any(%s::text[])"
    return dict(tx.execute(query, (program_id, sorted(set(keys)))).fetchall())
