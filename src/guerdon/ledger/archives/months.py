"""Which months of a journal are over, and their rows with the proof of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.infra.arrays import bigints, columns
from guerdon.infra.columnfiles import Column
from guerdon.infra.tx import Tx
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_bytes
from guerdon.ledger.log import Signed, inclusion_paths
from guerdon.ledger.sql import archives as sql
from guerdon.rules.decision import Entry

COLUMNS: Final = (
    Column("account_id", "integer"),
    Column("seq", "integer"),
    Column("transaction_id", "text"),
    Column("kind", "text"),
    Column("wallet", "text"),
    Column("effective_at", "instant"),
    Column("booked_at", "instant"),
    Column("amount", "integer"),
    Column("event_id", "text"),
    Column("redemption_id", "integer"),
    Column("other_account", "integer"),
    Column("reason", "text"),
    Column("leaf", "text"),
    Column("position", "integer"),
    Column("path", "hashes"),
)
"""Of an archive: `leaf` is what was hashed, with all entries; `path` leads from it to the head's root."""
_ROWS_AT_ONCE: Final = 2_000
_MEMBER: Final = "member"


class ArchivedMonth(NamedTuple):
    """A calendar month, UTC, by when its transactions were booked."""

    begins_on: date
    transactions: int

    @property
    def name(self) -> str:
        """Such as `2025-01`."""
        return f"{self.begins_on:%Y-%m}"

    @property
    def begins(self) -> datetime:
        """Its first instant."""
        return datetime(self.begins_on.year, self.begins_on.month, 1, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        year, month = divmod(self.begins_on.year * 12 + self.begins_on.month, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC)


def closed_months(tx: Tx, program_id: int, before: datetime) -> list[ArchivedMonth]:
    """List the months in which something was booked.

    Args:
        tx: bound to the tenant.
        program_id: whose journal.
        before: only months that ended by then.

    Returns:
        The months in order.
    """
    months = [ArchivedMonth(*row) for row in tx.execute(sql.MONTHS, (program_id, before))]
    return [month for month in months if month.ends <= before]


def month_rows(
    tx: Tx, program_id: int, signed: Signed, month: ArchivedMonth
) -> Iterator[list[tuple[Any, ...]]]:
    """Read a month of the journal in order of account, each transaction with its proof.

    Args:
        tx: bound to the tenant, repeatable read.
        program_id: whose journal.
        signed: the head that the proofs lead to.
        month: which.

    Yields:
        Rows as `COLUMNS` names them, some at a time.

    Raises:
        Problem: `archive_not_logged` for a transaction that the head does not cover.
    """
    with tx.cursor(name="archived_month") as cursor:
        cursor.execute(sql.MONTH_ROWS, (program_id, month.begins, month.ends))
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield _with_proofs(tx, program_id, signed, rows)


def _with_proofs(
    tx: Tx, program_id: int, signed: Signed, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    unlogged = next((row for row in rows if row[-1] is None or row[-1] >= signed.size), None)
    if unlogged is not None:
        detail = f"transaction {unlogged[2]} is not under a signed head yet: run it again in a moment"
        raise Problem("archive_not_logged", detail)
    keys = columns([row[:2] for row in rows], (bigints, bigints))
    entries: dict[tuple[int, int], list[Entry]] = {}
    for account_id, seq, *entry in tx.execute(sql.ENTRIES_IN, (*keys, keys[0])):
        entries.setdefault((account_id, seq), []).append(Entry(*entry))
    paths = inclusion_paths(tx, program_id, [row[-1] for row in rows], signed.size)
    made = []
    for row, path in zip(rows, paths, strict=True):
        account_id, seq, number, kind, wallet, effective_at, booked_at, event, *more, salt, position = row
        lines = entries.get((account_id, seq), [])
        leaf = Leaf(seq, kind, wallet, effective_at, booked_at, lines)
        text = leaf_bytes(commitment_of(salt, account_id), leaf).decode()
        amount = sum(line.amount for line in lines if line.book == _MEMBER)
        head = (account_id, seq, str(number), kind, wallet, effective_at, booked_at, amount, str(event))
        made.append((*head, *more, text, position, path))
    return made
