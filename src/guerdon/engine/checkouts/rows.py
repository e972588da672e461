"""Checkouts as they are stored: one row each, from opening to its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from guerdon.engine.keys import Pair
from guerdon.infra.arrays import bigints, byteas, columns, instants, integers, texts, uuids
from guerdon.infra.tx import Tx

Status = Literal["open", "confirmed", "cancelled"]

_COLUMNS = """source, id, checkout_id, account_id, member_id, status, version, quoted_at, expires_at,
    changed_at, opened_by, order_id, promised, sealed, event_id"""
# By id alone, which the key begins with; sources are told apart here.
_FIND = f"select {_COLUMNS} from checkouts where program_id = %s and id = any(%s::text[])"  # noqa: S608 - columns of ours
_HELD = """
select h.counter from shared_holds as h join checkouts as c using (program_id, checkout_id)
where c.program_id = %s and c.id = any(%s::text[])
"""
# Those that commands are about may themselves become orders that end others.
_RIVALS = f"""
select {_COLUMNS} from checkouts
where program_id = %s and status = 'open' and account_id <> 0 and order_id = any(%s::text[] || array(
    select order_id from checkouts where program_id = %s and id = any(%s::text[]) and status = 'open'
))
"""  # noqa: S608 - columns of ours
_ANONYMOUS = """
select opened_by, count(*)::integer from checkouts
where program_id = %s and opened_by = any(%s::text[]) and opened_by <> '' and status = 'open'
    and expires_at > %s
group by opened_by
"""
_LOCK = f"{_FIND} order by id, source for update"
_LOCK_OPEN = f"""
select {_COLUMNS} from checkouts where program_id = %s and account_id = %s and status = 'open'
order by id, source for update
"""  # noqa: S608 - columns of ours
_WRITE = f"""
insert into checkouts as c (program_id, {_COLUMNS})
select %s::bigint, * from unnest(%s::text[], %s::text[], %s::uuid[], %s::bigint[], %s::bigint[], %s::text[],
    %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[],
    %s::bytea[], %s::bytea[], %s::uuid[])
on conflict (program_id, id, source) do update
set account_id = excluded.account_id, member_id = excluded.member_id, status = excluded.status,
    version = excluded.version, quoted_at = excluded.quoted_at, expires_at = excluded.expires_at,
    changed_at = excluded.changed_at, opened_by = excluded.opened_by, order_id = excluded.order_id,
    promised = excluded.promised, sealed = excluded.sealed, event_id = excluded.event_id
where c.status = 'open' and c.checkout_id = excluded.checkout_id
"""  # noqa: S608 - columns of ours
_PACKERS = (
    *(texts, texts, uuids, bigints, bigints, texts, integers),
    *(instants,) * 3,
    *(texts, texts),
    *(byteas, byteas, uuids),
)


class CheckoutRow(NamedTuple):
    """A checkout as it stands."""

    source: str
    id: str
    checkout_id: UUID
    account_id: int
    """0 for a guest's."""
    member_id: int | None
    status: Status
    version: int
    """The program's version that priced it."""
    quoted_at: datetime
    """The instant at which it was last priced."""
    expires_at: datetime
    """From this instant on nothing is held for it."""
    changed_at: datetime
    opened_by: str
    """Who opened a guest's checkout that holds something of what all share; empty otherwise."""
    order_id: str
    """Which order it becomes, by the shop's id."""
    promised: bytes
    """The row's stamp, and what was promised, compressed; without personal and undeclared values."""
    sealed: bytes | None
    """The whole of it, compressed and encrypted under the member's key, where something was left out."""
    event_id: UUID | None
    """The order that confirmed it."""


def find_checkouts(tx: Tx, program_id: int, ids: Collection[Pair]) -> Callable[[], dict[Pair, CheckoutRow]]:
    """Ask for checkouts without locking them.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        ids: source and id of each.

    Returns:
        What reads the answer; unknown ones are left out. In a pipeline it may be called later.
    """
    return _ask(tx, _FIND, program_id, ids)


def lock_checkouts(tx: Tx, program_id: int, ids: Collection[Pair]) -> Callable[[], dict[Pair, CheckoutRow]]:
    """Ask for checkouts and lock them, after accounts and counters.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        ids: source and id of each.

    Returns:
        What reads the answer; unknown ones are left out. In a pipeline it may be called later.
    """
    return _ask(tx, _LOCK, program_id, ids)


def lock_open(tx: Tx, program_id: int, account_id: int) -> list[CheckoutRow]:
    """Lock the open checkouts of an account.

    Args:
        tx: bound to the tenant; the account is locked.
        program_id: whose.
        account_id: who buys.

    Returns:
        Them, whether or not anything is held for them yet.
    """
    return [CheckoutRow(*row) for row in tx.execute(_LOCK_OPEN, (program_id, account_id)).fetchall()]


def find_rivals(
    tx: Tx, program_id: int, orders: Collection[str], confirmed: Collection[str]
) -> Callable[[], list[CheckoutRow]]:
    """Ask for members' open checkouts of orders that are told of, or that other checkouts become.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        orders: ids of the orders, whatever their source.
        confirmed: ids of the checkouts that become orders, whatever their source.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not (orders or confirmed):
        return list
    named = (program_id, texts(sorted(orders)), program_id, texts(sorted(confirmed)))
    cursor = tx.execute(_RIVALS, named)
    return lambda: [CheckoutRow(*row) for row in cursor.fetchall()]


def ask_held_counters(tx: Tx, program_id: int, ids: Collection[Pair]) -> Callable[[], list[str]]:
    """Ask which shared counters checkouts hold something of, to lock them.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        ids: source and id of each.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not ids:
        return list
    cursor = tx.execute(_HELD, (program_id, texts(sorted({one for _, one in ids}))))
    return lambda: [counter for (counter,) in cursor.fetchall()]


def ask_anonymous(
    tx: Tx, program_id: int, callers: Collection[str], now: datetime
) -> Callable[[], dict[str, int]]:
    """Ask how many open checkouts of guests hold something, by who opened them.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        callers: who opens checkouts now.
        now: the instant.

    Returns:
        What reads the answer; callers without any are left out. In a pipeline it may be called later.
    """
    if not callers:
        return dict
    cursor = tx.execute(_ANONYMOUS, (program_id, texts(sorted(callers)), now))
    return lambda: dict(cursor.fetchall())


def _ask(tx: Tx, query: str, program_id: int, ids: Collection[Pair]) -> Callable[[], dict[Pair, CheckoutRow]]:
    if not ids:
        return dict
    cursor = tx.execute(query, (program_id, texts(sorted({one for _, one in ids}))))

    def read() -> dict[Pair, CheckoutRow]:
        rows = [CheckoutRow(*row) for row in cursor.fetchall()]
        return {pair: row for row in rows if (pair := (row.source, row.id)) in ids}

    return read


def write_checkouts(tx: Tx, program_id: int, rows: Sequence[CheckoutRow]) -> Callable[[], int]:
    """Write checkouts as they stand now; one that has ended is never changed.

    Args:
        tx: bound to the tenant; the rows are locked, or new.
        program_id: whose.
        rows: each once.

    Returns:
        What reads how many were written; fewer than given where another process was faster.
    """
    if not rows:
        return int
    ordered: list[Any] = sorted(rows, key=lambda row: (row.id, row.source))
    cursor = tx.execute(_WRITE, (program_id, *columns(ordered, _PACKERS)))
    return lambda: cursor.rowcount
