"""The audit of what moved: decisions against the log, carried sums against decisions, files against both.

The event that posted a transaction stays when that moves, and is decided again like any other. What it
decides must have the hash that the log holds. With the files at hand, each row of theirs must say the same.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Walk
from guerdon.ledger.archives.checking import check_archive, read_rows
from guerdon.ledger.archives.months import COLUMNS
from guerdon.ledger.archives.moving import Recorded, file_hash, list_recorded
from guerdon.ledger.leaf import Leaf, commitment_of, leaf_bytes, leaf_hash
from guerdon.ledger.log import list_keys
from guerdon.ledger.sql import audit as sql
from guerdon.rules.decision import Transaction

_KEY: Final = 2
_Row = tuple[Any, ...]
_Sum = tuple[str, str, datetime | None, datetime | None, int]


class Decided(NamedTuple):
    """A transaction as its event decides it again."""

    account_id: int
    salt: bytes
    """The account's own, for its commitment."""
    seq: int
    event_id: UUID
    booked_at: datetime
    wanted: Transaction


class Month(NamedTuple):
    """A recorded month, for people."""

    program: str
    recorded: Recorded
    is_read: bool
    """Whether its file was at hand, and is an archive."""


class Moved:
    """Walks through what is left of transactions that moved, and through the files if they are at hand."""

    def __init__(self, tx: Tx, folder: Path | None = None) -> None:
        """Begin.

        Args:
            tx: bound to the tenant, repeatable read where others are writing.
            folder: of the tenant's archives, one folder for each program; None where they are elsewhere.
        """
        self.accounts = Walk(tx, "moved_accounts", sql.WALK_MOVED)
        self.leaves = Walk(tx, "moved_leaves", sql.WALK_MOVED_LEAVES)
        self.carried = Walk(tx, "carried_units", sql.WALK_CARRIED)
        self.months: list[Month] = []
        self.checked = 0
        """Transactions that were held against the log, and against the files if they are at hand."""
        self._folder = folder
        self._lost: set[str] = set()
        self._rows: Iterator[_Row] = iter(())
        self._head: _Row | None = None
        self._account: _Row | None = None
        self._sums: Counter[_Sum] = Counter()
        self._last: datetime | None = None

    @property
    def walks(self) -> tuple[Walk, ...]:
        """All of them."""
        return (self.accounts, self.leaves, self.carried)

    def open_files(self, tx: Tx, programs: Sequence[tuple[int, str]]) -> Iterator[Finding]:
        """Check the files by themselves and against what was recorded of them.

        Args:
            tx: bound to the tenant.
            programs: number and key of each.

        Yields:
            What does not hold: a file that is missing, is another one, or has a row that does not fit.
        """
        files = []
        for program_id, key in programs:
            for month in list_recorded(tx, program_id):
                if self._folder is None:
                    self.months.append(Month(key, month, is_read=False))
                    continue
                path = self._folder / key / f"{month.name}.parquet"
                try:
                    if file_hash(path) != month.file_sha256:
                        yield _other_file(key, month, file_hash(path).hex())
                    check_archive(path, [one.note_key for one in list_keys(tx, program_id)])
                    files.append(read_rows(path))
                    self.months.append(Month(key, month, is_read=True))
                except Problem as problem:
                    self.months.append(Month(key, month, is_read=False))
                    if not path.is_file():
                        self._lost.add(month.name)
                    said = (f"the file of SHA-256 {month.file_sha256.hex()}", problem.detail)
                    yield Finding(problem.code, "archived_months", f"{key} {month.name}", *said)
        self._rows = heapq.merge(*files, key=lambda row: row[:_KEY])
        self._head = next(self._rows, None)

    def through(self, account_id: int) -> int:
        """Tell how many of an account's transactions moved.

        Args:
            account_id: whose; never an earlier one than before.

        Returns:
            The number of the last one, 0 where none did.
        """
        if self._account is None or self._account[0] != account_id:
            head = self.accounts.head
            if head is None or head[0] != account_id:
                return 0
            self._account = self.accounts.take()
            self._sums.clear()
            self._last = None
        return int(self._account[1])

    def check(self, decided: Decided) -> Iterator[Finding]:
        """Hold what was decided against the log, and against the files if they are at hand.

        Args:
            decided: a transaction that moved; those of an account come in order.

        Yields:
            What does not hold.
        """
        account_id, seq, wanted = decided.account_id, decided.seq, decided.wanted
        self.checked += 1
        self._add_up(wanted)
        leaf = Leaf(seq, wanted.kind, wanted.wallet, wanted.effective_at, decided.booked_at, wanted.entries)
        commitment = commitment_of(decided.salt, account_id)
        while (head := self.leaves.head) is not None and head[:_KEY] < (account_id, seq):
            yield _stray(self.leaves.take())
        if head is None or head[:_KEY] != (account_id, seq):
            yield _finding("log_leaves", (account_id, seq), ("the leaf of what moved", "none"))
            return
        *_, number, found = self.leaves.take()
        if leaf_hash(commitment, leaf) != found:
            said = ("what was hashed before it moved", "another decision")
            yield _finding("events", (account_id, decided.event_id, seq), said, "leaf_hash")
        yield from self._check_file(decided, number, leaf_bytes(commitment, leaf).decode())

    def rest(self, account_id: int) -> Iterator[Finding]:
        """End an account: its carried sums are those of what moved.

        Args:
            account_id: whose events are all gone through.

        Yields:
            What does not hold.
        """
        self.through(account_id)
        for row in self.leaves.of(account_id):
            yield _stray(row)
        wanted = {key: amount for key, amount in self._sums.items() if amount}
        if self._account is None or self._account[0] != account_id:
            wanted = {}
        elif self._last != self._account[-1]:
            said = (str(self._last), str(self._account[-1]))
            yield _finding("moved_accounts", (account_id, "last_effective_at"), said)
        for _, *key, amount in self.carried.of(account_id):
            expected = wanted.pop(_sum_key(*key), 0)
            if amount != expected:
                yield _finding("carried_units", (account_id, *key), (str(expected), str(amount)))
        for missing, expected in wanted.items():
            yield _finding("carried_units", (account_id, *missing), (str(expected), "none"))

    def strays(self, account_id: int | None) -> Iterator[Finding]:
        """Go by rows of accounts that do not exist.

        Args:
            account_id: the next account that does, None at the end.

        Yields:
            What is too much.
        """
        for walk in self.walks:
            for row in walk.rest() if account_id is None else walk.before(account_id):
                yield _stray(row, walk.table)

    def close(self) -> None:
        """End the walks, wherever they are."""
        for walk in self.walks:
            walk.close()

    def _add_up(self, wanted: Transaction) -> None:
        self._last = max(self._last or wanted.effective_at, wanted.effective_at)
        for entry in wanted.entries:
            other = (wanted.other_account or 0) if entry.book == "transit" else 0
            lot = (entry.available_at, entry.expires_at)
            self._sums[wanted.wallet, entry.book, *lot, other] += entry.amount

    def _check_file(self, decided: Decided, number: UUID, leaf: str) -> Iterator[Finding]:
        if self._folder is None:
            return
        key = (decided.account_id, decided.seq)
        while self._head is not None and self._head[:_KEY] < key:
            # What did not move is in the journal, which the file was held against when it was recorded.
            self._head = next(self._rows, None)
        if self._head is None or self._head[:_KEY] != key:
            if f"{decided.booked_at.astimezone(UTC):%Y-%m}" in self._lost:
                return  # its file was named, once
            yield _finding("archive", key, ("a row in a file", "none"), "archive_differs")
            return
        row, self._head = self._head, next(self._rows, None)
        one = decided.wanted
        amount = sum(entry.amount for entry in one.entries if entry.book == "member")
        when = (one.effective_at, decided.booked_at)
        origin = (str(decided.event_id), one.redemption_id, one.other_account, one.reason)
        wanted = (*key, str(number), one.kind, one.wallet, *when, amount, *origin, leaf)
        for column, expected, found in zip(COLUMNS, wanted, row, strict=False):
            if expected != found:
                said = (str(expected), str(found))
                yield _finding("archive", (*key, column.name), said, "archive_differs")


def check_coverage(tx: Tx) -> Iterator[Finding]:
    """Add up what moved: no more than recorded files have, and sums that balance.

    Args:
        tx: bound to the tenant.

    Yields:
        What does not hold.
    """
    for program_id, moved, recorded in tx.execute(sql.MOVED_UNCOVERED).fetchall():
        said = (f"at most {recorded} that are in recorded files", str(moved))
        yield Finding("moved_uncovered", "moved_accounts", number_text("prg", program_id), *said)
    for account_id, wallet, rest in tx.execute(sql.UNBALANCED_CARRIED).fetchall():
        yield _finding("carried_units", (account_id, wallet), ("a sum of 0", str(rest)), "unbalanced")


def _sum_key(wallet: str, book: str, available_at: Any, expires_at: Any, other: int) -> _Sum:
    # Lines of other books than the member's have no lot.
    return (wallet, book, available_at, expires_at, other)


def _other_file(program: str, month: Recorded, found: str) -> Finding:
    said = (f"the file of SHA-256 {month.file_sha256.hex()}", f"one of {found}")
    return Finding("archive_differs", "archived_months", f"{program} {month.name}", *said)


def _stray(row: _Row, table: str = "moved_accounts") -> Finding:
    return _finding(table, row[:_KEY], ("none, for no event posted it", "a row"))


def _finding(
    table: str, key: tuple[Any, ...], said: tuple[str, str], code: str = "moved_unlike_decisions"
) -> Finding:
    account_id, *rest = key
    shown = " ".join([number_text("acc", account_id), *(str(one) for one in rest if one is not None)])
    return Finding(code, table, shown, *said, account_id)
