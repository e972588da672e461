"""What moved comes back from its files into the journal, the last months first: numbers have no gaps."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.errors import Problem
from guerdon.infra.arrays import bigints, byteas, columns, instants, smallints, texts, uuids
from guerdon.infra.tx import Tx
from guerdon.ledger.moved import load_moved, moved_through
from guerdon.ledger.sql import archives as sql
from guerdon.ledger.sql import journal

_Row = tuple[Any, ...]
_KEY: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAF_PREFIX: Final = b"\x00"
_TRANSACTIONS: Final = (
    *(bigints, bigints, uuids, texts, texts, instants, instants),
    *(uuids, bigints, bigints, texts, byteas),
)
_ENTRIES: Final = (bigints, bigints, smallints, texts, texts, bigints, instants, instants, texts)
_SUMS: Final = (bigints, texts, texts, instants, instants, bigints, bigints)
_AS_APP: Final = "set local role guerdon_app"
_AS_OWNER: Final = "set local role guerdon_owner"


class _Back(NamedTuple):
    """What comes back, as the journal has it."""

    transactions: list[_Row]
    entries: list[_Row]
    keeps: dict[int, int]
    """By account how many of its first transactions stay in archives."""


def parcels(rows: Iterator[_Row], at_least: int) -> Iterator[list[_Row]]:
    """Cut the rows of files into parcels that leave no account half.

    Args:
        rows: of `COLUMNS` without the path, in order of account and number.
        at_least: rows of a parcel, but for the last one.

    Yields:
        Rows.
    """
    parcel: list[_Row] = []
    for _, some in groupby(rows, key=lambda row: row[0]):
        parcel += some
        if len(parcel) >= at_least:
            yield parcel
            parcel = []
    if parcel:
        yield parcel


def bring_back(tx: Tx, program_id: int, rows: Sequence[_Row]) -> int:
    """Write what moved into the journal again, and take it out of what is carried forward.

    Args:
        tx: bound to the tenant, as the owner; its login may act as the application as well.
        program_id: whose journal.
        rows: of some accounts all that the files of the last months have; `check_archive` was content.

    Returns:
        How many transactions came back; what had not moved is left.

    Raises:
        Problem: `archive_differs` for a row that is not the transaction that the log has, or where one is
            left out.
    """
    tx.execute(sql.LOCK_RECORDED, (program_id,)).fetchall()
    through = moved_through(tx, {row[0] for row in rows})
    mine = [row for row in rows if row[1] <= through.get(row[0], 0)]
    if not mine:
        return 0
    back = _read(tx, program_id, mine, through)
    tx.execute(_AS_APP)
    parts = {account_id: (1, kept) for account_id, kept in back.keeps.items()}
    last = {key: max(one.effective_at for one in kept) for key, kept in load_moved(tx, parts).items()}
    tx.execute(_AS_OWNER)
    accounts = bigints(sorted(back.keeps))
    rest = [(key, kept, last[key]) for key, kept in back.keeps.items() if kept]
    tx.execute(sql.DROP_THROUGH, (accounts,))
    if rest:
        tx.execute(sql.NOTE_THROUGH, (program_id, *columns(rest, (bigints, bigints, instants))))
    tx.execute(sql.ADD_CARRIED, columns(_taken(back), _SUMS))
    tx.execute(sql.DROP_EMPTY, (accounts,))
    tx.execute(_AS_APP)
    tx.execute(journal.INSERT_TRANSACTIONS, (program_id, *columns(back.transactions, _TRANSACTIONS)))
    tx.execute(journal.INSERT_ENTRIES, columns(back.entries, _ENTRIES))
    tx.execute(_AS_OWNER)
    return len(mine)


def forget_months(tx: Tx, program_id: int, since: date) -> None:
    """Forget the files of months that are in the journal again.

    Args:
        tx: bound to the tenant, as the owner.
        program_id: whose journal.
        since: the first of them.
    """
    tx.execute(sql.FORGET, (program_id, since))


def _read(tx: Tx, program_id: int, rows: Sequence[_Row], through: dict[int, int]) -> _Back:
    """Take rows of files apart, each held against the log."""
    keys = columns([row[:_KEY] for row in rows], (bigints, bigints))
    logged = {row[:_KEY]: row[_KEY:] for row in tx.execute(sql.LEAVES_AT, (*keys, program_id))}
    back = _Back([], [], {})
    for row in rows:
        account_id, seq, number, kind, wallet, effective_at, booked_at, _, *origin, leaf, _ = row
        found = hashlib.sha256(_LEAF_PREFIX + leaf.encode()).digest()
        if logged.get((account_id, seq)) != (UUID(number), found):
            raise _differs(account_id, seq, "it is not the transaction that the log has")
        expected = back.transactions[-1][1] + 1 if account_id in back.keeps else seq
        if seq != expected:
            raise _differs(account_id, expected, "the files leave it out")
        back.keeps.setdefault(account_id, seq - 1)
        event_id, *more = origin
        posted = (account_id, seq, UUID(number), kind, wallet, effective_at, booked_at)
        back.transactions.append((*posted, UUID(event_id), *more, found))
        for line, (book, amount, *lot, source) in enumerate(msgspec.json.decode(leaf)[-1]):
            back.entries.append((account_id, seq, line, wallet, book, amount, *map(_instant, lot), source))
    last = {row[0]: row[1] for row in back.transactions}
    for account_id, seq in last.items():
        if seq != through[account_id]:
            raise _differs(account_id, seq + 1, "the files leave it out")
    return back


def _taken(back: _Back) -> list[_Row]:
    """Add up what is carried forward no longer: less than nothing of what came in."""
    others = {row[:_KEY]: row[-3] or 0 for row in back.transactions}
    sums: Counter[_Row] = Counter()
    for account_id, seq, _, wallet, book, amount, available_at, expires_at, _ in back.entries:
        other = others[account_id, seq] if book == "transit" else 0
        sums[account_id, wallet, book, available_at, expires_at, other] -= amount
    return [(*key, amount) for key, amount in sums.items()]


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def _differs(account_id: int, seq: int, why: str) -> Problem:
    return Problem("archive_differs", f"account {account_id}, number {seq}: {why}")
