"""Accounts: who owns balances, tiers and history; the row that a batch locks first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from guerdon.infra.arrays import bigints, byteas, columns, instants, integers, texts
from guerdon.infra.tx import Tx


class AccountRow(msgspec.Struct, frozen=True, gc=False):
    """An account's own row."""

    account_id: int
    kind: str
    """`person`, `household` or `company`; `card` for a gift card's, which is nobody's."""
    created_at: datetime
    last_occurred_at: datetime | None
    """The latest fact's own time."""
    last_booked_at: datetime | None
    next_seq: int
    """Number of the account's next transaction, from 1 and without gaps."""
    members: int
    """How many people act for it."""
    salt: bytes
    """16 bytes that make the account's commitment in the log say nothing to others."""
    merged_into: int | None = None
    """The account that stands for it since it was merged, itself not merged."""
    metrics_version: int = 0
    """The version whose metrics are counted from all of its events; 0 where none is yet."""


class AccountUpdate(NamedTuple):
    """What a batch leaves in an account's row."""

    account_id: int
    last_occurred_at: datetime | None
    last_booked_at: datetime | None
    next_seq: int
    metrics_version: int


_COLUMNS = """account_id, kind, created_at, last_occurred_at, last_booked_at, next_seq, members, salt,
    merged_into, metrics_version"""
_BEHIND = """program_id = %s and metrics_version < %s and last_booked_at is not null and kind <> 'card'
    and merged_into is null"""
_LOCK = f"""
select {_COLUMNS} from accounts
where account_id = any(%s::bigint[]) and program_id = %s
order by account_id for update
"""  # noqa: S608 - columns of ours
_LIST = f"""
select {_COLUMNS} from accounts
where program_id = %s and account_id > %s and kind <> 'card' and merged_into is null
order by account_id limit %s
"""  # noqa: S608 - columns of ours
_OPEN = """
insert into accounts (program_id, account_id, kind, created_at, members, salt)
select %s::bigint, n.account_id, n.kind, n.created_at, n.members, n.salt
from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::integer[], %s::bytea[])
    as n (account_id, kind, created_at, members, salt)
on conflict (account_id) do nothing
"""
_WRITE = """
update accounts as a set last_occurred_at = w.occurred, last_booked_at = w.booked, next_seq = w.seq,
    metrics_version = w.counted
from unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::integer[])
    as w (account_id, occurred, booked, seq, counted)
where a.account_id = w.account_id and a.account_id = any(%s::bigint[])
"""


def ask_accounts(
    tx: Tx, program_id: int, account_ids: Collection[int]
) -> Callable[[], dict[int, AccountRow]]:
    """Ask for accounts and lock them in order of their numbers; the first locks of a batch.

    Args:
        tx: bound to the tenant.
        program_id: to which they belong.
        account_ids: which ones.

    Returns:
        What reads the answer, by account; unknown ones are left out. In a pipeline it may be called later.
    """
    if not account_ids:
        return dict
    cursor = tx.execute(_LOCK, (bigints(sorted(set(account_ids))), program_id))
    return lambda: {row[0]: AccountRow(*row) for row in cursor.fetchall()}


def lock_accounts(tx: Tx, program_id: int, account_ids: Collection[int]) -> dict[int, AccountRow]:
    """Lock accounts in order of their numbers; the first locks of a batch.

    Args:
        tx: bound to the tenant.
        program_id: to which they belong.
        account_ids: which ones.

    Returns:
        Their rows by account; unknown ones are left out.
    """
    return ask_accounts(tx, program_id, account_ids)()


def load_accounts(tx: Tx, program_id: int, account_ids: Collection[int]) -> dict[int, AccountRow]:
    """Read accounts without locking, for pages and previews.

    Args:
        tx: bound to the tenant.
        program_id: to which they belong.
        account_ids: which ones.

    Returns:
        Their rows by account; unknown ones are left out.
    """
    query = f"select {_COLUMNS} from accounts where account_id = any(%s::bigint[]) and program_id = %s"  # noqa: S608 - columns of ours
    rows = tx.execute(query, (sorted(set(account_ids)), program_id)).fetchall()
    return {row[0]: AccountRow(*row) for row in rows}


def write_accounts(tx: Tx, updates: Sequence[AccountUpdate]) -> None:
    """Write what a batch leaves in the rows of its accounts, in one statement.

    Args:
        tx: bound to the tenant; the accounts are locked.
        updates: one for each account that changed.
    """
    if not updates:
        return
    written = columns(updates, (bigints, instants, instants, bigints, integers))
    tx.execute(_WRITE, (*written, written[0]))


def mark_counted(tx: Tx, account_ids: Collection[int], version: int) -> None:
    """Note that the metrics of accounts are counted from all of their events.

    Args:
        tx: bound to the tenant; the accounts are locked.
        account_ids: which ones.
        version: the version of the program whose metrics they are.
    """
    tx.execute(
        "update accounts set metrics_version = %s where account_id = any(%s::bigint[])",
        (version, bigints(sorted(account_ids))),
    )


def list_behind(tx: Tx, program_id: int, since: int, limit: int) -> list[int]:
    """List accounts whose metrics are not all counted.

    Args:
        tx: bound to the tenant.
        program_id: whose accounts.
        since: the earliest version since which all metrics are counted as events come.
        limit: how many at most.

    Returns:
        Account ids; those to which nothing has happened, and gift cards, have nothing to count.
    """
    rows = tx.execute(
        f"select account_id from accounts where {_BEHIND} order by metrics_version, account_id limit %s",  # noqa: S608 - words of ours
        (program_id, since, limit),
    )
    return [row[0] for row in rows]


def count_behind(tx: Tx, program_id: int, since: int) -> int:
    """Count the accounts whose metrics are not all counted.

    Args:
        tx: bound to the tenant.
        program_id: whose accounts.
        since: as for `list_behind`.

    Returns:
        How many there are.
    """
    row = tx.execute(f"select count(*) from accounts where {_BEHIND}", (program_id, since)).fetchone()  # noqa: S608 - words of ours
    assert row is not None
    return int(row[0])


def open_accounts(tx: Tx, program_id: int, rows: Sequence[AccountRow]) -> Callable[[], int]:
    """Store accounts that are nobody's: gift cards.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        rows: new ones; what a batch leaves in them is written by `write_accounts`.

    Returns:
        What reads how many were stored; fewer than given must not be committed.
    """
    if not rows:
        return int
    kept = [(one.account_id, one.kind, one.created_at, one.members, one.salt) for one in rows]
    cursor = tx.execute(_OPEN, (program_id, *columns(kept, (bigints, texts, instants, integers, byteas))))
    return lambda: cursor.rowcount


def list_accounts(tx: Tx, program_id: int, after: int = 0, limit: int = 1000) -> list[AccountRow]:
    """List a program's accounts, oldest first; those of gift cards are left out, and those that were merged.

    Args:
        tx: bound to the tenant.
        program_id: whose accounts.
        after: the last account of the page before.
        limit: how many at most.

    Returns:
        A page of rows.
    """
    return [AccountRow(*row) for row in tx.execute(_LIST, (program_id, after, limit))]
