"""The journal: the only writer of transactions, entries, lots and wallets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import psycopg

from guerdon.infra.arrays import Packed, bigints, byteas, columns, instants, smallints, texts, uuids
from guerdon.infra.tx import Tx
from guerdon.ledger.changes import LotChanges, LotKey, WalletChange, lot_changes
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_hash
from guerdon.ledger.sql import journal as sql
from guerdon.rules.decision import Transaction

_TRANSACTIONS = (
    *(bigints, bigints, uuids),
    *(texts, texts),
    *(instants, instants),
    *(uuids, bigints, bigints, texts, byteas),
)
_ENTRIES = (bigints, bigints, smallints, texts, texts, bigints, instants, instants, texts)
_LOT = (bigints, texts, instants, instants)
_WALLETS = (bigints, texts, bigints, bigints, bigints, instants, instants, bigints)


class Posting(NamedTuple):
    """The transactions of one event in one account."""

    account_id: int
    salt: bytes
    """The account's own, for its commitment."""
    first_seq: int
    """Number of the first transaction; the next ones follow."""
    event_id: UUID
    booked_at: datetime
    transactions: Sequence[Transaction]
    transaction_ids: Sequence[UUID]


class Guard(NamedTuple):
    """How many rows a statement must have touched; checked before the commit."""

    cursor: psycopg.Cursor[tuple[object, ...]]
    rows: int
    what: str


def post(
    tx: Tx, program_id: int, postings: Sequence[Posting], wallets: Sequence[WalletChange]
) -> list[Guard]:
    """Write transactions with their entries, and the lots and wallets that they lead to.

    Args:
        tx: the transaction, in pipeline mode or not; the accounts are locked.
        program_id: whose accounts these are.
        postings: by event; numbers of an account rise in order.
        wallets: every wallet that is not as it was, before and after.

    Returns:
        Guards for `check_guards`.

    Raises:
        AssertionError: for a transaction that does not balance, or that takes from lots nobody gathered.
    """
    _insert_transactions(tx, program_id, postings)
    _insert_entries(tx, postings)
    guards = _write_lots(tx, lot_changes(postings_entries(postings), wallets))
    _write_wallets(tx, program_id, wallets)
    return guards


def check_guards(guards: Sequence[Guard]) -> None:
    """Make sure that each statement touched what it had to; nothing may be committed otherwise.

    Args:
        guards: of statements whose results have arrived.

    Raises:
        AssertionError: naming what was missing.
    """
    for guard in guards:
        if guard.cursor.rowcount != guard.rows:
            raise AssertionError(f"{guard.what}: {guard.cursor.rowcount} rows instead of {guard.rows}")


def postings_entries(postings: Sequence[Posting]) -> list[tuple[int, Transaction]]:
    """Flatten postings.

    Args:
        postings: by event.

    Returns:
        Account and transaction, in order.
    """
    return [(posting.account_id, one) for posting in postings for one in posting.transactions]


def _insert_transactions(tx: Tx, program_id: int, postings: Sequence[Posting]) -> None:
    rows = []
    commitments: dict[int, bytes] = {}
    for posting in postings:
        account = posting.account_id
        commitment = commitments.get(account)
        if commitment is None:
            commitment = commitments[account] = commitment_of(posting.salt, account)
        for place, one in enumerate(posting.transactions):
            seq = posting.first_seq + place
            if sum([entry.amount for entry in one.entries]) != 0:
                raise AssertionError(f"a transaction of kind {one.kind} does not balance")
            leaf = Leaf(seq, one.kind, one.wallet, one.effective_at, posting.booked_at, one.entries)
            rows.append(
                (
                    account,
                    seq,
                    posting.transaction_ids[place],
                    one.kind,
                    one.wallet,
                    one.effective_at,
                    posting.booked_at,
                    posting.event_id,
                    one.redemption_id,
                    one.other_account,
                    one.reason,
                    leaf_hash(commitment, leaf),
                )
            )
    if rows:
        tx.execute(sql.INSERT_TRANSACTIONS, (program_id, *columns(rows, _TRANSACTIONS)))


def _insert_entries(tx: Tx, postings: Sequence[Posting]) -> None:
    rows = []
    for posting in postings:
        for place, one in enumerate(posting.transactions):
            for line, entry in enumerate(one.entries):
                rows.append(
                    (
                        posting.account_id,
                        posting.first_seq + place,
                        line,
                        one.wallet,
                        entry.book,
                        entry.amount,
                        entry.available_at,
                        entry.expires_at,
                        entry.source,
                    )
                )
    if rows:
        tx.execute(sql.INSERT_ENTRIES, columns(rows, _ENTRIES))


def _write_lots(tx: Tx, changes: LotChanges) -> list[Guard]:
    guards = []
    if changes.gone:
        cursor = tx.execute(sql.DELETE_LOTS, (*columns(changes.gone, _LOT), _accounts(changes.gone)))
        guards.append(Guard(cursor, len(changes.gone), "lots that were used up"))
    if changes.taken:
        amounts = bigints(list(changes.taken.values()))
        lots = columns(list(changes.taken), _LOT)
        cursor = tx.execute(sql.TAKE_LOTS, (*lots, amounts, _accounts(changes.taken)))
        guards.append(Guard(cursor, len(changes.taken), "lots that were taken from"))
    if changes.added:
        lots = columns(list(changes.added), _LOT)
        tx.execute(sql.ADD_LOTS, (*lots, bigints(list(changes.added.values()))))
    return guards


def _accounts(keys: Iterable[LotKey]) -> Packed:
    return bigints(sorted({key[0] for key in keys}))


def _write_wallets(tx: Tx, program_id: int, wallets: Sequence[WalletChange]) -> None:
    rows = [
        (
            change.account_id,
            change.wallet,
            change.after.available,
            change.after.pending,
            change.after.held,
            change.after.changes_at,
            change.after.idle_expires_at,
            change.after.debt,
        )
        for change in wallets
        if change.before is None or not _same_figures(change)
    ]
    if rows:
        tx.execute(sql.WRITE_WALLETS, (program_id, *columns(rows, _WALLETS)))


def _same_figures(change: WalletChange) -> bool:
    before, after = change.before, change.after
    return before is not None and (
        before.available == after.available
        and before.pending == after.pending
        and before.held == after.held
        and before.changes_at == after.changes_at
        and before.idle_expires_at == after.idle_expires_at
        and before.debt == after.debt
    )
