"""Months that are in a recorded file leave the journal, a bounded number of rows at a time.

All of it is done as the owner, for nobody else may delete from the journal; and its own triggers let go only
what a recorded month covers. A batch is one transaction: rows, sums and numbers change together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.arrays import bigints, columns, instants
from guerdon.infra.columnfiles import open_columns
from guerdon.infra.tx import Tx
from guerdon.ledger.archives.about import about_of
from guerdon.ledger.archives.months import COLUMNS, ArchivedMonth
from guerdon.ledger.sql import archives as sql
from guerdon.ledger.sql.log import ACCOUNTS_AFTER
from guerdon.rules.proofs.notes import read_unsigned

ROWS_AT_ONCE: Final = 2_000
ACCOUNTS_AT_ONCE: Final = 500
_BLOCK: Final = 1 << 20
_POSITION: Final = -2


class Recorded(NamedTuple):
    """A month whose file was held against the journal while all of the month was there."""

    month: date
    transactions: int
    log_size: int
    """Of the head that the file's proofs lead to."""
    first_position: int
    last_position: int
    file_sha256: bytes
    recorded_at: datetime
    moved_at: datetime | None
    """None while some of it may still be in the journal."""

    @property
    def name(self) -> str:
        """Such as `2025-01`."""
        return f"{self.month:%Y-%m}"


def file_hash(path: Path) -> bytes:
    """Hash a file.

    Args:
        path: where.

    Returns:
        32 bytes of SHA-256.

    Raises:
        Problem: `file_not_found`.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise Problem("file_not_found", f"{path} cannot be read: {error.strerror or error}") from None
    return digest.digest()


def list_recorded(tx: Tx, program_id: int) -> list[Recorded]:
    """List the months whose files are recorded.

    Args:
        tx: bound to the tenant.
        program_id: whose journal.

    Returns:
        In order of time.
    """
    return [Recorded(*row) for row in tx.execute(sql.RECORDED, (program_id,))]


def count_recorded(tx: Tx, program_id: int, recorded: Recorded) -> int:
    """Count what of a recorded file is still in the journal.

    Args:
        tx: bound to the tenant.
        program_id: whose journal.
        recorded: the month.

    Returns:
        Transactions.
    """
    count: int = tx.execute(sql.STILL_THERE, (program_id, recorded.month)).fetchall()[0][0]
    return count


def check_told(tx: Tx, program_id: int, before: datetime) -> None:
    """Refuse to move what a webhook has yet to be told of: its notices read the journal.

    Args:
        tx: bound to the tenant.
        program_id: whose journal.
        before: the end of the last month that is to move.

    Raises:
        Problem: `archive_not_told`.
    """
    first = tx.execute(sql.UNTOLD, (program_id, before)).fetchall()[0][0]
    if first is not None:
        at = first.isoformat()
        detail = f"webhooks wait to be told what was booked at {at}: let the engine run first"
        raise Problem("archive_not_told", detail)


def record_archive(
    tx: Tx, program_id: int, month: ArchivedMonth, file: tuple[Path, bytes], now: datetime
) -> None:
    """Record the file of a month, so that its rows may leave the journal.

    Args:
        tx: bound to the tenant, as the owner.
        program_id: whose journal.
        month: which.
        file: where it is, and the SHA-256 that it had before it was checked and held against the journal.
        now: when.

    Raises:
        Problem: `archive_differs` where the file was changed since.
    """
    path, expected = file
    opened = open_columns(path, COLUMNS)
    size = read_unsigned(about_of(opened.about, path).checkpoint).size
    positions = [row[_POSITION] for rows in opened.batches() for row in rows]
    if file_hash(path) != expected or opened.count != month.transactions:
        raise Problem("archive_differs", f"{path} was changed while it was recorded")
    log = (size, min(positions), max(positions))
    tx.execute(
        sql.RECORD,
        (program_id, month.begins_on, month.begins, month.ends, opened.count, *log, expected, now),
    )


def next_accounts(tx: Tx, program_id: int, after: int) -> list[int]:
    """Give the accounts whose rows are moved next.

    Args:
        tx: bound to the tenant.
        program_id: whose journal.
        after: the last account that was gone through.

    Returns:
        Numbers in order, few at a time; none at the end.
    """
    return [row[0] for row in tx.execute(ACCOUNTS_AFTER, (program_id, after, ACCOUNTS_AT_ONCE))]


def move_some(tx: Tx, program_id: int, accounts: Sequence[int], rows: int = ROWS_AT_ONCE) -> int:
    """Let rows of accounts leave the journal that recorded months cover.

    Args:
        tx: bound to the tenant, as the owner.
        program_id: whose journal.
        accounts: whose rows.
        rows: most transactions that leave.

    Returns:
        How many transactions left; `rows` where there may be more.
    """
    # One after another: two that move at once would carry the same rows forward.
    tx.execute(sql.LOCK_RECORDED, (program_id,)).fetchall()
    asked = {"program": program_id, "accounts": bigints(sorted(accounts)), "rows": rows}
    parts = tx.execute(sql.COVERED, asked).fetchall()
    if not parts:
        return 0
    numbers, firsts, lasts, instants_ = columns(parts, (bigints, bigints, bigints, instants))
    tx.execute(sql.NOTE_THROUGH, (program_id, numbers, lasts, instants_))
    ranges = (numbers, firsts, lasts, numbers)
    count: int = tx.execute(sql.MOVE, (*ranges, *ranges)).fetchall()[0][0]
    tx.execute(sql.DROP_EMPTY, (numbers,))
    assert count == sum(last - first + 1 for _, first, last, _ in parts), "what was chosen is what left"
    return count


def note_moved(tx: Tx, program_id: int, now: datetime) -> None:
    """Note that all recorded months have left, as far as they can.

    Args:
        tx: bound to the tenant, as the owner.
        program_id: whose journal.
        now: when.
    """
    tx.execute(sql.NOTE_MOVED, (now, program_id))
