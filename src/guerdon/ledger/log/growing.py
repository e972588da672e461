"""Growing the log: what the journal has and the log has not becomes leaves, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, byteas, columns, smallints, uuids
from guerdon.infra.tx import Tx
from guerdon.ledger.sql import log as sql
from guerdon.rules.proofs.merkle import EMPTY_ROOT, HASH_BYTES, Edge

LEVELS_APART: Final = 6
"""Nodes are stored of every sixth level: of 64 leaves, of 4,096, and so on."""
LEAVES_AT_ONCE: Final = 10_000
_ACCOUNTS_AT_ONCE: Final = 1_000


class Head(NamedTuple):
    """How far a log has come."""

    size: int
    """Leaves."""
    root: bytes
    edge: bytes
    """Hashes of the complete subtrees, 32 bytes each, from left to right."""


EMPTY: Final = Head(0, EMPTY_ROOT, b"")


def load_head(tx: Tx, program_id: int) -> Head:
    """Read how far a log has come.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        The head; `EMPTY` where nothing is logged.
    """
    row = tx.execute(sql.HEAD, (program_id,)).fetchone()
    return Head(*row) if row is not None else EMPTY


def log_accounts(tx: Tx, program_id: int, accounts: Sequence[int], now: datetime) -> int:
    """Log what accounts have in the journal and not yet in the log, each in its own order.

    The journal of an account grows under the lock of that account, so what is committed of it is always a
    beginning without gaps.

    Args:
        tx: bound to the tenant; every account's transactions that are meant are committed.
        program_id: the program of them all.
        accounts: their numbers.
        now: when it is logged.

    Returns:
        How many leaves were added; `LEAVES_AT_ONCE` where there may be more.
    """
    known = tx.execute(sql.LOGGED, (program_id, bigints(sorted(set(accounts))))).fetchall()
    logged = columns(known, (bigints, bigints))
    rows = tx.execute(sql.UNLOGGED, (*logged, logged[0], LEAVES_AT_ONCE)).fetchall()
    if rows:
        _append(tx, program_id, rows, now)
    return len(rows)


def log_from_the_beginning(tx: Tx, program_id: int, now: datetime) -> Iterator[int]:
    """Log a journal that was there before its log.

    Args:
        tx: bound to the tenant; other transactions of the log wait.
        program_id: whose.
        now: when it is logged.

    Yields:
        How many leaves were added by each step; nothing where it was done before.
    """
    if tx.execute(sql.IS_BEGUN, (program_id,)).fetchone() is not None:
        return
    last = 0
    while rows := tx.execute(sql.ACCOUNTS_AFTER, (program_id, last, _ACCOUNTS_AT_ONCE)).fetchall():
        accounts = [row[0] for row in rows]
        while (count := log_accounts(tx, program_id, accounts, now)) == LEAVES_AT_ONCE:
            yield count
        yield count
        last = accounts[-1]
    tx.execute(sql.BEGIN, (program_id, now))


def _append(tx: Tx, program_id: int, rows: Sequence[tuple[int, int, UUID, bytes]], now: datetime) -> None:
    head = load_head(tx, program_id)
    hashes = [head.edge[at : at + HASH_BYTES] for at in range(0, len(head.edge), HASH_BYTES)]
    edge = Edge(head.size, hashes)
    nodes = []
    for row in rows:
        for subtree, found in edge.append(row[-1]):
            if subtree.level and subtree.level % LEVELS_APART == 0:
                nodes.append((subtree.level, subtree.place, found))
    leaves = [(head.size + place, *row) for place, row in enumerate(rows)]
    tx.execute(sql.INSERT_LEAVES, (program_id, *columns(leaves, (bigints, bigints, bigints, uuids, byteas))))
    if nodes:
        tx.execute(sql.INSERT_NODES, (program_id, *columns(nodes, (smallints, bigints, byteas))))
    batch = (program_id, edge.size, head.size or None, edge.root, b"".join(edge.hashes), now)
    tx.execute(sql.INSERT_BATCH, batch)
