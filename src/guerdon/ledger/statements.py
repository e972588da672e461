"""Statements: an account's transactions, newest first, and its balances at any instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.tx import Tx
from guerdon.ledger.sql import reading as sql
from guerdon.rules.decision import Entry
from guerdon.rules.state import Lot

_NEWEST = 2**63 - 1


class Posted(NamedTuple):
    """A transaction as it stands in the journal."""

    seq: int
    transaction_id: UUID
    kind: str
    wallet: str
    effective_at: datetime
    booked_at: datetime
    event_id: UUID
    redemption_id: int | None
    other_account: int | None
    reason: str
    leaf_hash: bytes
    entries: tuple[Entry, ...]


class Standing(NamedTuple):
    """What a wallet held at an instant, in its scale."""

    available: int
    pending: int


class Turnover(NamedTuple):
    """What went through a wallet, in its scale."""

    loaded: int
    """All that was ever given."""
    used_at: datetime | None
    """When it last paid for something, or was turned into another wallet's units."""


def list_transactions(tx: Tx, account_id: int, limit: int, before: int | None = None) -> list[Posted]:
    """Give a page of an account's statement, newest first.

    Args:
        tx: the transaction.
        account_id: whose.
        limit: most transactions.
        before: only those with a smaller `seq`, which is the cursor of the next page.

    Returns:
        Transactions with their entries.
    """
    rows = tx.execute(sql.LIST_TRANSACTIONS, (account_id, before or _NEWEST, limit)).fetchall()
    if not rows:
        return []
    lines: dict[int, list[Entry]] = {}
    for seq, *entry in tx.execute(sql.ENTRIES_OF, (account_id, rows[-1][0], rows[0][0])):
        lines.setdefault(seq, []).append(Entry(*entry))
    return [Posted._make((*row, tuple(lines.get(row[0], ())))) for row in rows]


def load_turnover(tx: Tx, account_ids: Sequence[int], wallet: str) -> Mapping[int, Turnover]:
    """Tell what came into a wallet of accounts, and when something was last taken out of it.

    Args:
        tx: the transaction.
        account_ids: whose.
        wallet: its key.

    Returns:
        By account; those that nothing was posted to are left out.
    """
    rows = tx.execute(sql.TURNOVER, (list(account_ids), wallet))
    return {account_id: Turnover(*row) for account_id, *row in rows}


def load_spent(tx: Tx, account_id: int, seqs: Sequence[int]) -> Mapping[str, tuple[Lot, ...]]:
    """Find which units some transactions took.

    Args:
        tx: the transaction.
        account_id: whose.
        seqs: numbers of the transactions.

    Returns:
        By wallet the lots, `remaining` being how many units were taken of each.
    """
    spent: dict[str, list[Lot]] = {}
    for wallet, available_at, expires_at, amount in tx.execute(sql.MEMBER_LINES_OF, (account_id, list(seqs))):
        spent.setdefault(wallet, []).append(Lot(available_at, expires_at, -amount))
    return {wallet: tuple(lots) for wallet, lots in spent.items()}


def load_balances(tx: Tx, account_id: int, at: datetime) -> dict[str, Standing]:
    """Work out balances as they were at an instant, from entries alone.

    Args:
        tx: the transaction.
        account_id: whose.
        at: the instant.

    Returns:
        What each wallet held, by key.
    """
    balances: dict[str, Standing] = {}
    for wallet, available_at, expires_at, amount in tx.execute(sql.LOTS_AT, (account_id, at)):
        was = balances.get(wallet, Standing(0, 0))
        if available_at > at:
            balances[wallet] = was._replace(pending=was.pending + amount)
        elif expires_at is None or at < expires_at:
            balances[wallet] = was._replace(available=was.available + amount)
        else:
            balances[wallet] = was
    return balances
