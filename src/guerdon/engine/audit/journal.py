"""The journal beside the decisions that were carried out in it, transaction by transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.events import StoredEvent
from guerdon.infra.tx import Tx
from guerdon.infra.walks import Row
from guerdon.ledger.archives.audit import Decided, Moved
from guerdon.ledger.audit import is_hashed, walk_entries, walk_transactions
from guerdon.members.accounts import AccountRow
from guerdon.rules.decision import Decision, Entry, Transaction

_ROW = 2
"""The first columns of both tables are account and seq."""


class Journal:
    """Two walks side by side: transactions and their entries; before them, what moved into archives."""

    def __init__(self, tx: Tx, archives: Path | None = None) -> None:
        """Begin.

        Args:
            tx: bound to the tenant.
            archives: where the tenant's archives are, None where they are not at hand.
        """
        self.moved = Moved(tx, archives)
        self.transactions = walk_transactions(tx)
        self.entries = walk_entries(tx)

    def check(
        self, account: AccountRow, program_id: int, stored: StoredEvent, decision: Decision
    ) -> Iterator[Finding]:
        """Compare what one event posted with what was decided on it.

        Args:
            account: whose.
            program_id: the account's program.
            stored: the event; its transactions are the next ones of the account.
            decision: what was decided.

        Yields:
            What does not hold.
        """
        for place, wanted in enumerate(decision.transactions):
            seq = stored.first_seq + place
            if seq <= self.moved.through(account.account_id):
                one = (account.account_id, account.salt, seq, stored.event_id, stored.booked_at, wanted)
                yield from self.moved.check(Decided(*one))
                continue
            yield from self._skip(account.account_id, seq)
            head = self.transactions.head
            if head is None or head[:_ROW] != (account.account_id, seq):
                yield _finding("transactions", (account.account_id, seq), "a transaction", "none")
                continue
            row = self.transactions.take()
            entries, lines = [], []
            while (line := self.entries.head) is not None and line[:_ROW] == row[:_ROW]:
                lines.append(line)
                entries.append(Entry(*line[4:]))
                self.entries.take()
            yield from _differences(row, stored, program_id, wanted)
            yield from _lines(row, lines, wanted)
            if not is_hashed(account.salt, row, entries):
                yield _finding("transactions", row[:_ROW], "what was hashed", "another", "leaf_hash")

    def rest(self, account_id: int) -> Iterator[Finding]:
        """Go by what no event accounts for.

        Args:
            account_id: whose events are all gone through.

        Yields:
            What is too much.
        """
        yield from self.moved.rest(account_id)
        for walk in (self.transactions, self.entries):
            for row in walk.of(account_id):
                yield _stray(walk.table, row)

    def strays(self, account_id: int | None) -> Iterator[Finding]:
        """Go by rows of accounts that do not exist.

        Args:
            account_id: the next account that does, None at the end.

        Yields:
            What is too much.
        """
        yield from self.moved.strays(account_id)
        for walk in (self.transactions, self.entries):
            rows = walk.rest() if account_id is None else walk.before(account_id)
            for row in rows:
                yield _stray(walk.table, row)

    def close(self) -> None:
        """End the walks, wherever they are."""
        self.moved.close()
        self.transactions.close()
        self.entries.close()

    def _skip(self, account_id: int, seq: int) -> Iterator[Finding]:
        for walk in (self.transactions, self.entries):
            while walk.head is not None and walk.head[:_ROW] < (account_id, seq):
                yield _stray(walk.table, walk.take())


def _differences(row: Row, stored: StoredEvent, program_id: int, wanted: Transaction) -> Iterator[Finding]:
    _, _, kind, wallet, effective_at, booked_at, _, _, event_id, redemption_id, other, reason, program = row
    for name, expected, found in (
        ("kind", wanted.kind, kind),
        ("wallet", wanted.wallet, wallet),
        ("effective_at", wanted.effective_at, effective_at),
        ("booked_at", stored.booked_at, booked_at),
        ("event_id", stored.event_id, event_id),
        ("redemption_id", wanted.redemption_id, redemption_id),
        ("other_account", wanted.other_account, other),
        ("reason", wanted.reason, reason),
        ("program_id", program_id, program),
    ):
        if expected != found:
            yield _finding("transactions", (*row[:_ROW], name), expected, found)


def _lines(row: Row, lines: list[Row], wanted: Transaction) -> Iterator[Finding]:
    expected = [(place, wanted.wallet, *_entry(one)) for place, one in enumerate(wanted.entries)]
    found = {line[2]: line[2:] for line in lines}
    for line in expected:
        if found.pop(line[0], None) != line:
            met = next((one[2:] for one in lines if one[2] == line[0]), "none")
            yield _finding("entries", (*row[:_ROW], line[0]), _shown(line), _shown(met))
    for place, line in found.items():
        yield _finding("entries", (*row[:_ROW], place), "none", _shown(line))


def _entry(one: Entry) -> tuple[Any, ...]:
    return one.book, one.amount, one.available_at, one.expires_at, one.source


def _shown(line: Any) -> str:
    return line if isinstance(line, str) else " ".join(str(one) for one in line[1:])


def _stray(table: str, row: Row) -> Finding:
    return _finding(table, row[: _ROW + (table == "entries")], "none, for no event posted it", "a row")


def _finding(
    table: str, key: tuple[Any, ...], expected: Any, found: Any, code: str = "journal_unlike_decisions"
) -> Finding:
    account_id, *rest = key
    shown = " ".join([number_text("acc", account_id), *map(str, rest)])
    return Finding(code, table, shown, str(expected), str(found), account_id)
