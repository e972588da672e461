"""Statements: an account's transactions, newest first, and its balances at any instant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from guerdon.infra.tx import Tx
from guerdon.ledger.moved import Posted, load_moved, moved_through
from guerdon.ledger.sql import reading as sql
from guerdon.rules.decision import Entry
from guerdon.rules.state import Lot

_NEWEST = 2**63 - 1

__all__ = [
    "Posted",
    "Standing",
    "Turnover",
    "list_transactions",
    "load_balances",
    "load_spent",
    "load_turnover",
]


class Standing(NamedTuple):
    """What a wallet held at an instant, in its scale."""

    available: int
    pending: int


class Turnover(NamedTuple):
    """What went through a wallet, in its scale."""

    loaded: int
    """All that was ever given, or came from another account."""
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
    lines: dict[int, list[Entry]] = {}
    if rows:
        for seq, *entry in tx.execute(sql.ENTRIES_OF, (account_id, rows[-1][0], rows[0][0])):
            lines.setdefault(seq, []).append(Entry(*entry))
    there = [Posted._make((*row, tuple(lines.get(row[0], ())))) for row in rows]
    is_whole = len(rows) == limit or (rows and rows[-1][0] == 1)
    if is_whole and len(lines) == len(rows):
        return there
    return _with_moved(tx, account_id, (limit, before or _NEWEST), there)


def _with_moved(tx: Tx, account_id: int, page: tuple[int, int], there: list[Posted]) -> list[Posted]:
    """Go on where the journal ends: what moved, perhaps between two of our looks, is read elsewhere."""
    limit, before = page
    through = moved_through(tx, [account_id]).get(account_id, 0)
    there = [one for one in there if one.seq > through]
    last = min(through, before - 1)
    moved = load_moved(tx, {account_id: (max(1, last - (limit - len(there)) + 1), last)})
    return [*there, *reversed(moved.get(account_id, ()))]


def load_turnover(tx: Tx, account_ids: Sequence[int], wallet: str) -> Mapping[int, Turnover]:
    """Tell what came into a wallet of accounts, and when something was last taken out of it.

    Args:
        tx: the transaction.
        account_ids: whose.
        wallet: its key.

    Returns:
        By account; those that nothing was posted to are left out.
    """
    turned: dict[int, Turnover] = {}
    moved: dict[int, tuple[int, int]] = {}
    for account_id, through, *row in tx.execute(
        sql.TURNOVER, {"accounts": list(account_ids), "wallet": wallet}
    ):
        if through is None:
            turned[account_id] = Turnover(*row)
        else:
            moved[account_id] = (1, through)
    for account_id, posted in load_moved(tx, moved).items():
        for one in posted:
            if one.wallet == wallet:
                turned[account_id] = _turned(turned.get(account_id, Turnover(0, None)), one)
    return turned


def _turned(known: Turnover, one: Posted) -> Turnover:
    book = {"award": "issued", "receive": "transit"}.get(one.kind)
    came = sum(entry.amount for entry in one.entries if entry.book == book)
    used_at = known.used_at
    if one.kind in ("redeem", "convert"):
        used_at = one.booked_at if used_at is None else max(used_at, one.booked_at)
    return Turnover(known.loaded - came, used_at)


def load_spent(tx: Tx, account_id: int, seqs: Sequence[int]) -> Mapping[str, tuple[Lot, ...]]:
    """Find which units some transactions took.

    Args:
        tx: the transaction.
        account_id: whose.
        seqs: numbers of the transactions.

    Returns:
        By wallet the lots, `remaining` being how many units were taken of each.
    """
    rows: list[tuple[int, str, datetime | None, datetime | None, int]]
    rows = tx.execute(sql.MEMBER_LINES_OF, (account_id, list(seqs))).fetchall()
    missing = set(seqs) - {row[0] for row in rows}
    if missing:
        rows = [*_lines_of_moved(tx, account_id, missing), *rows]
    spent: dict[str, list[Lot]] = {}
    for _, wallet, available_at, expires_at, amount in rows:
        assert available_at is not None, "a member's line names its lot"
        spent.setdefault(wallet, []).append(Lot(available_at, expires_at, -amount))
    return {wallet: tuple(lots) for wallet, lots in spent.items()}


def _lines_of_moved(
    tx: Tx, account_id: int, seqs: Collection[int]
) -> Iterator[tuple[int, str, datetime | None, datetime | None, int]]:
    last = min(max(seqs), moved_through(tx, [account_id]).get(account_id, 0))
    for one in load_moved(tx, {account_id: (min(seqs), last)}).get(account_id, ()):
        for entry in one.entries:
            if one.seq in seqs and entry.book == "member":
                yield one.seq, one.wallet, entry.available_at, entry.expires_at, entry.amount


def load_balances(tx: Tx, account_id: int, at: datetime) -> dict[str, Standing]:
    """Work out balances as they were at an instant, from entries alone, wherever they are.

    Args:
        tx: the transaction.
        account_id: whose.
        at: the instant.

    Returns:
        What each wallet held, by key.
    """
    lots: list[tuple[str, datetime, datetime | None, int]] = []
    for *lot, through in tx.execute(sql.LOTS_AT, {"account": account_id, "at": at}).fetchall():
        lots += [tuple(lot)] if through is None else _lots_of_moved(tx, account_id, through, at)
    balances: dict[str, Standing] = {}
    for wallet, available_at, expires_at, amount in lots:
        was = balances.get(wallet, Standing(0, 0))
        if available_at > at:
            balances[wallet] = was._replace(pending=was.pending + amount)
        elif expires_at is None or at < expires_at:
            balances[wallet] = was._replace(available=was.available + amount)
        else:
            balances[wallet] = was
    return balances


def _lots_of_moved(
    tx: Tx, account_id: int, through: int, at: datetime
) -> list[tuple[str, datetime, datetime | None, int]]:
    """Give each line that came to lots by an instant that lies before the last of what moved."""
    return [
        (one.wallet, entry.available_at, entry.expires_at, entry.amount)
        for one in load_moved(tx, {account_id: (1, through)})[account_id]
        if one.effective_at <= at
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    ]
