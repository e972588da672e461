"""The audit: everything in the ledger that can be worked out again is, and what differs is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from guerdon.base.findings import Finding, Progress, unheard
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row, Walk, read_every_instant
from guerdon.ledger.archives.audit import check_coverage
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_hash
from guerdon.ledger.sql import audit as sql
from guerdon.ledger.sql import reading
from guerdon.rules.decision import Entry

_PAGE = 2_000
_PART: Final = "sums"
_LEAVES: Final = "journal"

__all__ = ["Finding", "check_sums", "is_hashed", "verify", "walk_entries", "walk_lots", "walk_transactions"]
__all__ += ["walk_wallets"]


def verify(tx: Tx, told: Progress = unheard, transactions: int = 0) -> Iterator[Finding]:
    """Re-derive one tenant's ledger, reading it as a stream.

    Args:
        tx: a transaction under the tenant; repeatable read where others are writing.
        told: hears how far it is.
        transactions: how many the tenant has, for `told`.

    Yields:
        What does not hold; nothing when all is well.
    """
    yield from check_sums(tx, told)
    for done, finding in enumerate(_check_leaves(tx), 1):
        if finding is not None:
            yield finding
        if done % _PAGE == 0:
            told(_LEAVES, done, transactions)


def check_sums(tx: Tx, told: Progress = unheard) -> Iterator[Finding]:
    """Let the database add up: transactions balance, lots are what entries say, wallets what lots say.

    Args:
        tx: as for `verify`.
        told: hears how far it is.

    Yields:
        What does not hold.
    """
    for done, check in enumerate(_SUMS):
        told(_PART, done, len(_SUMS))
        yield from check(tx)
    told(_PART, len(_SUMS), len(_SUMS))


def _balanced(tx: Tx) -> Iterator[Finding]:
    for account_id, seq, wallet, rest in _stream(tx, "unbalanced", reading.UNBALANCED):
        yield _finding("unbalanced", "entries", (account_id, seq, wallet), ("a sum of 0", rest))


def _numbered(tx: Tx) -> Iterator[Finding]:
    for account_id, expected, last, count in _stream(tx, "numbering", reading.UNNUMBERED):
        found = f"{count} transactions, the last is {last}"
        yield _finding("numbering", "transactions", (account_id,), (f"{expected} by the account", found))


def _lots(tx: Tx) -> Iterator[Finding]:
    for account_id, wallet, stored, derived in _stream(tx, "lots", reading.LOTS_UNLIKE_ENTRIES):
        yield _finding("lots_unlike_entries", "lots", (account_id, wallet), (f"{derived} by entries", stored))


def _wallets(tx: Tx) -> Iterator[Finding]:
    for account_id, wallet, *figures in _stream(tx, "wallets", reading.WALLETS_UNLIKE_LOTS):
        available, pending, *by_lots = figures
        expected = f"available {by_lots[0]}, pending {by_lots[1]} by lots"
        found = f"available {available}, pending {pending}"
        yield _finding("wallets_unlike_lots", "wallets", (account_id, wallet), (expected, found))


def _debts(tx: Tx) -> Iterator[Finding]:
    for account_id, wallet, stored, derived in _stream(tx, "debts", reading.DEBTS_UNLIKE_ENTRIES):
        yield _finding(
            "debts_unlike_entries", "wallets", (account_id, wallet), (f"{derived} by entries", stored)
        )


def _transfers(tx: Tx) -> Iterator[Finding]:
    for account_id, other, wallet, rest in _stream(tx, "transfers", sql.UNMATCHED_TRANSFERS):
        key = (account_id, number_text("acc", other) if other else "", wallet)
        yield _finding("transfer_unmatched", "entries", key, ("as much in as out", rest))


_SUMS: Final[Sequence[Callable[[Tx], Iterator[Finding]]]] = (
    _balanced,
    _numbered,
    _lots,
    _wallets,
    _debts,
    _transfers,
    check_coverage,
)


def is_hashed(salt: bytes, row: Row, entries: Sequence[Entry]) -> bool:
    """Tell whether a transaction is what was hashed when it was posted.

    Args:
        salt: its account's.
        row: of `walk_transactions`.
        entries: its lines in order.

    Returns:
        False where anything that the hash covers is another.
    """
    account_id, seq, kind, wallet, effective_at, booked_at, stored = row[:7]
    leaf = Leaf(seq, kind, wallet, effective_at, booked_at, entries)
    return bool(leaf_hash(commitment_of(salt, account_id), leaf) == stored)


def _check_leaves(tx: Tx) -> Iterator[Finding | None]:
    """Hash each transaction again; None for one that is what was hashed."""
    rows = _stream(tx, "leaves", reading.ALL_LEAVES)
    for _, group in groupby(rows, key=lambda row: (row[0], row[2])):
        lines = list(group)
        account_id, salt, seq, kind, wallet, effective_at, booked_at, stored = lines[0][:8]
        entries = tuple(Entry(*line[8:]) for line in lines if line[8] is not None)
        row = (account_id, seq, kind, wallet, effective_at, booked_at, stored)
        if is_hashed(salt, row, entries):
            yield None
        else:
            yield _finding("leaf_hash", "transactions", (account_id, seq), ("what was hashed", "another"))


def walk_transactions(tx: Tx) -> Walk:
    """Go through the journal.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, seq, kind, wallet, effective and booked instants, hash, id, event, redemption, other account,
        reason, program.
    """
    return Walk(tx, "transactions", sql.WALK_TRANSACTIONS)


def walk_entries(tx: Tx) -> Walk:
    """Go through the lines of the journal.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, seq, line, wallet, and the fields of `Entry`.
    """
    return Walk(tx, "entries", sql.WALK_ENTRIES)


def walk_lots(tx: Tx) -> Walk:
    """Go through the open lots.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, wallet, and the fields of `Lot`.
    """
    return Walk(tx, "lots", sql.WALK_LOTS)


def walk_wallets(tx: Tx) -> Walk:
    """Go through the balance rows.

    Args:
        tx: bound to the tenant.

    Returns:
        Account, wallet, the fields of `WalletState` without lots, program.
    """
    return Walk(tx, "wallets", sql.WALK_WALLETS)


def _finding(code: str, table: str, key: tuple[Any, ...], values: tuple[Any, Any]) -> Finding:
    account_id, *rest = key
    shown = " ".join([number_text("acc", account_id), *(str(one) for one in rest if one != "")])
    return Finding(code, table, shown, str(values[0]), str(values[1]), account_id)


def _stream(tx: Tx, name: str, statement: str) -> Iterator[tuple[Any, ...]]:
    with tx.cursor(name=f"verify_{name}") as cursor:
        cursor.itersize = _PAGE
        read_every_instant(cursor)
        yield from cursor.execute(statement)
