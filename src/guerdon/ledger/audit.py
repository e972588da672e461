"""The audit: everything in the ledger that can be worked out again is, and what differs is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_hash
from guerdon.ledger.sql import reading as sql
from guerdon.rules.decision import Entry

_PAGE = 2_000


class Finding(NamedTuple):
    """Something that does not hold."""

    code: str
    """`unbalanced`, `numbering`, `lots_unlike_entries`, `wallets_unlike_lots` or `leaf_hash`."""
    account_id: int
    detail: str


def verify(tx: Tx) -> Iterator[Finding]:
    """Re-derive one tenant's ledger, reading it as a stream.

    Args:
        tx: a transaction under the tenant; repeatable read where others are writing.

    Yields:
        What does not hold; nothing when all is well.
    """
    for account_id, seq, wallet, rest in _stream(tx, "unbalanced", sql.UNBALANCED):
        yield Finding("unbalanced", account_id, f"transaction {seq} in {wallet} sums to {rest}")
    for account_id, expected, last, count in _stream(tx, "numbering", sql.UNNUMBERED):
        detail = f"{count} transactions, the last is {last}, the account says {expected}"
        yield Finding("numbering", account_id, detail)
    for account_id, wallet, stored, derived in _stream(tx, "lots", sql.LOTS_UNLIKE_ENTRIES):
        yield Finding(
            "lots_unlike_entries", account_id, f"a lot of {wallet}: {stored} stored, {derived} by entries"
        )
    for account_id, wallet, *figures in _stream(tx, "wallets", sql.WALLETS_UNLIKE_LOTS):
        yield Finding(
            "wallets_unlike_lots",
            account_id,
            f"{wallet}: available, pending {figures[:2]}, lots {figures[2:]}",
        )
    yield from _verify_leaves(tx)


def _verify_leaves(tx: Tx) -> Iterator[Finding]:
    rows = _stream(tx, "leaves", sql.ALL_LEAVES)
    for _, group in groupby(rows, key=lambda row: (row[0], row[2])):
        lines = list(group)
        account_id, salt, seq, kind, wallet, effective_at, booked_at, stored = lines[0][:8]
        entries = tuple(Entry(*line[8:]) for line in lines if line[8] is not None)
        leaf = Leaf(seq, kind, wallet, effective_at, booked_at, entries)
        if leaf_hash(commitment_of(salt, account_id), leaf) != stored:
            yield Finding("leaf_hash", account_id, f"transaction {seq} is not what was hashed")


def _stream(tx: Tx, name: str, statement: str) -> Iterator[tuple[Any, ...]]:
    with tx.cursor(name=f"verify_{name}") as cursor:
        cursor.itersize = _PAGE
        yield from cursor.execute(statement)
