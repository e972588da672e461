"""Holds on what is an account's own: units, uses of its limits, its coupons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from guerdon.infra.arrays import bigints, columns, instants, numerics, texts, uuids
from guerdon.infra.tx import Tx
from guerdon.rules.state import Hold, HoldKey

OfAccount = tuple[int, Hold]
"""An account and one of its holds."""

_LOAD = """
select account_id, checkout_id, kind, name, amount, expires_at from account_holds
where account_id = any(%s::bigint[])
"""
_DELETE = """
delete from account_holds as h
using unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[]) as d (account_id, checkout_id, kind, name)
where h.account_id = any(%s::bigint[]) and h.account_id = d.account_id and h.checkout_id = d.checkout_id
    and h.kind = d.kind and h.name = d.name
"""
_INSERT = """
insert into account_holds (program_id, account_id, checkout_id, kind, name, amount, expires_at)
select %s::bigint, * from unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::numeric[],
    %s::timestamptz[])
on conflict (account_id, checkout_id, kind, name) do update
set amount = excluded.amount, expires_at = excluded.expires_at
"""


def ask_holds(tx: Tx, account_ids: Sequence[int]) -> Callable[[], dict[int, dict[HoldKey, Hold]]]:
    """Ask for all holds of accounts.

    Args:
        tx: bound to the tenant; the accounts are locked, or it is only looked.
        account_ids: whose.

    Returns:
        What reads the answer: holds by account and key. In a pipeline it may be called later.
    """
    cursor = tx.execute(_LOAD, (bigints(account_ids),))

    def read() -> dict[int, dict[HoldKey, Hold]]:
        found: dict[int, dict[HoldKey, Hold]] = {}
        for account_id, checkout_id, kind, name, amount, expires_at in cursor.fetchall():
            hold = Hold(str(checkout_id), kind, name, amount, expires_at)
            found.setdefault(account_id, {})[hold.key] = hold
        return found

    return read


def write_holds(tx: Tx, program_id: int, gone: Sequence[OfAccount], made: Sequence[OfAccount]) -> None:
    """Write which holds are over and which there are now.

    Args:
        tx: bound to the tenant; the accounts are locked.
        program_id: theirs.
        gone: holds that were gathered and hold no longer.
        made: new ones, and those whose amount or end is another.
    """
    if gone:
        keys = columns([(account, *_key(hold)) for account, hold in gone], (bigints, uuids, texts, texts))
        tx.execute(_DELETE, (*keys, bigints(sorted({account for account, _ in gone}))))
    if made:
        rows = [(account, *_key(hold), hold.amount, hold.expires_at) for account, hold in made]
        written = columns(rows, (bigints, uuids, texts, texts, numerics, instants))
        tx.execute(_INSERT, (program_id, *written))


def _key(hold: Hold) -> tuple[UUID, str, str]:
    return UUID(hold.checkout), hold.kind, hold.name
