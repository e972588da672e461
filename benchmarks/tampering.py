"""What verify finds: every column of every table changed, rows deleted, added, swapped, all of them gone.

    python -m benchmarks.tampering [--tables NAME …] [--markdown] [--json FILE]

A small world with a bit of everything is damaged by a superuser, one damage at a time, each undone again. It
is told whether plain verify finds it, whether only a head kept elsewhere does, or nothing. Then an operator
with every key rewrites the past so that journal and log fit each other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from psycopg import sql
from rich.console import Console
from rich.table import Table

from guerdon.base.findings import Finding
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.ledger import log
from guerdon.ledger.log.audit import check_covered, check_logs
from guerdon.rules.proofs.notes import Checkpoint, read_unsigned
from tests.databases import TEMPLATE, create_database
from tests.rooms.audit.intruder import (
    COVERED,
    GONE_UNSEEN,
    NEVER_SWAPPED,
    OUTSIDE,
    Intruder,
    names,
    tampered,
    uncovered,
)
from tests.rooms.engine.conftest import TENANT
from tests.rooms.ledger.test_log import signer
from tests.rooms.ledger.test_log_rewritten import ORIGIN, SOMEBODY, columns, forge, rows_at_all

KINDS = ("change", "delete", "insert", "swap", "truncate")
PLAIN, HEAD, UNSEEN = "plain", "only with a head kept elsewhere", "not found"
_LAST = "after the last one stands nothing that says that there was another"
_NOTHING = "an empty table of these says nothing: whoever keeps a head, a stamp or a line elsewhere knows"


FORGED = "journal and log, forged to fit"


class Tried(NamedTuple):
    """One damage, and who found it."""

    table: str
    kind: str
    what: str
    """The column, where one was changed."""
    found: str
    why: str = ""
    """Why it was not."""


class Bench:
    """Damages one world."""

    def __init__(self, intruder: Intruder) -> None:
        self.intruder = intruder
        tx = intruder.tx
        tx.execute(f"set local search_path = guerdon; set local guerdon.tenant = '{TENANT}'")
        row = tx.execute("select program_id, note from log_checkpoints order by size desc limit 1").fetchone()
        assert row is not None
        self.program_id, note = row
        self.kept: Checkpoint = read_unsigned(note)
        tx.rollback()

    def run(self, tables: list[str]) -> Iterator[Tried]:
        """Try everything on each table."""
        excused = uncovered()
        for table in tables:
            for name, column, kind in self.intruder.columns():
                if name == table:
                    statement = self.intruder.change(table, column, kind)
                    yield self.tried(table, "change", statement, column, excused.get(f"{table}.{column}", ""))
            why = {"log_checkpoints": _LAST, "witness_heads": _LAST, **GONE_UNSEEN}.get(table, "")
            yield self.tried(table, "delete", self.intruder.delete(table), "", why)
            yield self.tried(table, "insert", self.intruder.add(table))
            if table not in NEVER_SWAPPED:
                yield self.tried(table, "swap", self.intruder.swap(table))
            yield self.tried(table, "truncate", self.intruder.empty(table), "", why or _NOTHING)

    def tried(self, table: str, kind: str, statement: sql.Composed, what: str = "", why: str = "") -> Tried:
        """Do one damage and look who finds it."""
        intruder = self.intruder
        try:
            count = intruder.damage(statement)
            if not count:
                return Tried(table, kind, what, UNSEEN, "the world has no such row")
            if names(self.look(table), table):
                return Tried(table, kind, what, PLAIN)
            if list(check_covered(intruder.tx, self.program_id, self.kept)):
                return Tried(table, kind, what, HEAD)
            return Tried(table, kind, what, UNSEEN, why or "?")
        finally:
            intruder.tx.rollback()

    def look(self, table: str) -> list[Finding]:
        """Verify as much as can know of a table: nothing that is decided hangs on the log."""
        if table.startswith("log_") and table not in OUTSIDE:
            return list(check_logs(self.intruder.tx))
        return self.intruder.look(deep=table not in OUTSIDE)

    def rewritten(self) -> Iterator[Tried]:
        """Change the past, and forge all hashes, the whole log and its heads so that they fit."""
        tx = self.intruder.tx
        tx.execute("set local search_path = guerdon")
        changed, kinds = columns(tx), rows_at_all(tx)
        tx.rollback()
        for table, name, value in changed:
            line = "" if table == "transactions" else f" and line = {int(name == 'book')}"
            statement = sql.SQL("update {} set {} = {} where account_id = {} and seq = 1{}").format(
                sql.Identifier(table), sql.Identifier(name), *map(sql.SQL, (value, SOMEBODY, line))
            )
            yield self.forged(statement, f"{table}.{name}")
        for kind, change in kinds.items():
            yield self.forged(sql.SQL(change), kind)
        gone = [table for table in COVERED if table not in ("programs", "program_versions", "log_keys")]
        everything = sql.SQL("; ").join(self.intruder.empty(one) for one in gone)
        yield self.forged(everything, "nothing ever happened")

    def forged(self, statement: sql.SQL | sql.Composed, what: str) -> Tried:
        """Rewrite the past so that the log is one again, and look who finds it."""
        tx = self.intruder.tx
        try:
            tx.execute("set local session_replication_role = replica; set local search_path = guerdon")
            tx.execute(statement)
            tx.execute("delete from anchors; delete from log_cosignatures")
            forge(tx, self.program_id)
            tx.execute(f"set local role guerdon_app; set local guerdon.tenant = '{TENANT}'")
            log.sign_head(tx, signer(TENANT), self.program_id, ORIGIN, self.intruder.now)
            alone = "the log says nothing" if not list(check_logs(tx)) else "the log says so"
            told = list(check_covered(tx, self.program_id, self.kept))
            assert told, "whoever has a head is never deceived"
            found = PLAIN if self.intruder.look() else HEAD
            return Tried(FORGED, "rewritten", what, found, f"{alone}, a head kept elsewhere does")
        finally:
            tx.rollback()


def rows_of(tried: list[Tried]) -> list[tuple[str, ...]]:
    """Sum a table's damages up: for each kind, how many of how many were found."""
    found = []
    for table in dict.fromkeys(one.table for one in tried):
        cells = []
        for kind in KINDS:
            some = [one for one in tried if (one.table, one.kind) == (table, kind)]
            plain = sum(one.found == PLAIN for one in some)
            head = sum(one.found == HEAD for one in some)
            cells.append("" if not some else f"{plain}/{len(some)}" + (f" + {head}" if head else ""))
        found.append((table, *cells))
    return found


def show(tried: list[Tried], *, markdown: bool) -> None:
    single = [one for one in tried if one.kind in KINDS]
    head = ("table", *KINDS)
    if markdown:
        print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for row in rows_of(single):
            print(f"| {' | '.join((f'`{row[0]}`', *row[1:]))} |")
    else:
        table = Table(*head, title="found by plain verify, of those tried, + only with a head kept elsewhere")
        for row in rows_of(single):
            table.add_row(*row)
        Console(width=max(120, Console().width)).print(table)
    print()
    for one in tried:
        if one.found != PLAIN or one.table == FORGED:
            print(f"{one.table} {one.kind} {one.what}: {one.found}{', ' if one.why else ''}{one.why}")
    print()
    for name, some in (("one damage", single), ("rewritten", [x for x in tried if x.kind == "rewritten"])):
        counts = Counter(one.found for one in some)
        print(f"{name}: {len(some)} tried, {counts[PLAIN]} found plainly, {counts[HEAD]} {HEAD}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="*", choices=sorted(COVERED), help="only these")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", type=Path, help="write every damage to this file")
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    with folder as place, EmbeddedPostgres(Path(place), durable=False) as server:
        create_database(server, TEMPLATE, "template0")
        migrate(server.dsn(database=TEMPLATE))
        with tampered(server, TEMPLATE) as intruder:
            bench = Bench(intruder)
            tried = []
            for one in chain(bench.run(options.tables or list(COVERED)), bench.rewritten()):
                tried.append(one)
                if options.json:
                    # At once, so that a run that is cut short tells what it tried.
                    options.json.write_text(json.dumps([each._asdict() for each in tried], indent=1))
    show(tried, markdown=options.markdown)


if __name__ == "__main__":
    main()
