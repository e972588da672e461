"""Transactions that moved into archives, as the decisions that posted them still say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from guerdon.infra.arrays import bigints, columns
from guerdon.infra.tx import Tx
from guerdon.rules.decision import Entry, Transaction, TransactionKind

_THROUGH: Final = "select account_id, through_seq from moved_accounts where account_id = any(%s::bigint[])"
_DECISIONS: Final = """
select e.account_id, e.first_seq, e.event_id, e.booked_at, e.decision
from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (account_id, first, last)
join events e on e.account_id = d.account_id
where e.account_id = any(%s::bigint[]) and e.transactions > 0
    and e.first_seq <= d.last and e.first_seq + e.transactions > d.first
order by e.account_id, e.first_seq
"""
_LEAVES: Final = """
select l.account_id, l.seq, l.transaction_id, l.hash
from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (account_id, first, last)
join moved_accounts m on m.account_id = d.account_id
join log_leaves l on l.program_id = m.program_id and l.account_id = d.account_id
    and l.seq >= d.first and l.seq <= d.last
where m.account_id = any(%s::bigint[])
"""


class Posted(NamedTuple):
    """A transaction as it stands in the journal, or stood there before it moved."""

    seq: int
    transaction_id: UUID
    kind: TransactionKind
    wallet: str
    effective_at: datetime
    booked_at: datetime
    event_id: UUID
    redemption_id: int | None
    other_account: int | None
    reason: str
    leaf_hash: bytes
    entries: tuple[Entry, ...]


class _Decided(msgspec.Struct):
    """What a decision posted; the rest of it is not read."""

    transactions: tuple[Transaction, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Decided)


def moved_through(tx: Tx, account_ids: Collection[int]) -> dict[int, int]:
    """Tell how many of the first transactions of accounts are in archives.

    Args:
        tx: bound to the tenant.
        account_ids: whose.

    Returns:
        The number of the last one that moved, by account; those of which none did are left out.
    """
    return dict(tx.execute(_THROUGH, (bigints(sorted(account_ids)),)).fetchall())


def load_moved(tx: Tx, parts: Mapping[int, tuple[int, int]]) -> dict[int, list[Posted]]:
    """Read transactions that moved: events keep what was decided, and the log keeps ids and hashes.

    Args:
        tx: bound to the tenant.
        parts: by account the first and the last number wanted, all of them moved.

    Returns:
        By account, in its order.

    Raises:
        AssertionError: where an event or a leaf is not there; `guerdon verify` names it.
    """
    wanted = {account_id: part for account_id, part in parts.items() if part[0] <= part[1]}
    if not wanted:
        return {}
    packed = columns([(account_id, *part) for account_id, part in wanted.items()], (bigints,) * 3)
    logged = {row[:2]: row[2:] for row in tx.execute(_LEAVES, (*packed, packed[0]))}
    found: dict[int, list[Posted]] = {account_id: [] for account_id in wanted}
    for row in tx.execute(_DECISIONS, (*packed, packed[0])):
        account_id, (first, last) = row[0], wanted[row[0]]
        for seq, one in enumerate(_DECODER.decode(row[-1]).transactions, row[1]):
            if first <= seq <= last:
                found[account_id].append(_posted(seq, one, row, logged[account_id, seq]))
    for account_id, (first, last) in wanted.items():
        numbers = [one.seq for one in found[account_id]]
        assert numbers == [*range(first, last + 1)], "what moved stands in the events that posted it"
    return found


def _posted(seq: int, one: Transaction, row: tuple[Any, ...], logged: tuple[UUID, bytes]) -> Posted:
    _, _, event_id, booked_at, _ = row
    number, found = logged
    return Posted(
        seq,
        number,
        one.kind,
        one.wallet,
        one.effective_at,
        booked_at,
        event_id,
        one.redemption_id,
        one.other_account,
        one.reason,
        found,
        one.entries,
    )
