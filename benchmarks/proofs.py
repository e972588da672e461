"""What proofs cost: the writer with leaf hashes, the Merkle log and signed heads, beside the same without.

    python -m benchmarks.proofs [--rounds N] [--events N] [--lines N] [--json FILE]

Two databases of one server take turns. On one of them nothing is hashed (32 constant bytes stand where the
hash would) and no sequencer runs. The other is as it is live, and a round ends when the log has caught up.
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from benchmarks.engine_loop import TENANT, TICKS, Callers, make_ids, order, own_cpu, prepare
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import OWNER
from guerdon.ledger.log import Sequencer, Signer

MASTER_KEY = bytes(32)
ACCOUNTS = 2_000
WIDTH = 256
CONSTANT = b"\x00" * 32
_UNLOGGED = "select (select count(*) from transactions) - (select count(*) from log_leaves)"

Figures = dict[str, float]


def server_cpu(backend: int) -> float:
    """Add up what all processes of a PostgreSQL server took.

    Args:
        backend: the process of one of its connections.

    Returns:
        Seconds of CPU of those that live.
    """

    def fields(pid: int) -> list[str]:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()

    postmaster, total = fields(backend)[1], 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            found = fields(int(place.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if found[1] == postmaster:
            total += int(found[11]) + int(found[12])
    return total / TICKS


class Side:
    """One database with its engine."""

    def __init__(self, database: Database, *, is_proved: bool) -> None:
        self.database, self.is_proved = database, is_proved
        self.loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=1_000_000))
        self.numbers = itertools.count()
        with self.hashing():
            prepare(database, self.loop, ACCOUNTS)
        self.sequencer = Sequencer(database, signer_of, lambda: datetime.now(UTC))
        if is_proved:
            self.sequencer.start()

    @contextmanager
    def hashing(self) -> Iterator[None]:
        """Hash what is written, or put a constant in its place."""
        if self.is_proved:
            yield
            return
        with (
            patch("guerdon.ledger.journal.leaf_hash", lambda *_: CONSTANT),
            patch("guerdon.ledger.journal.commitment_of", lambda *_: CONSTANT),
        ):
            yield

    def wait(self) -> None:
        """Wait until every transaction is in the log."""
        while self.is_proved:
            with self.database.transaction(TENANT) as tx:
                if tx.execute(_UNLOGGED).fetchall()[0][0] == 0:
                    return
            time.sleep(0.05)

    def measure(self, events: int, lines: int) -> Figures:
        """Earn once, and until the log has it."""
        commands = [order(next(self.numbers), place % ACCOUNTS, lines) for place in range(events)]
        callers = Callers(self.loop, commands, WIDTH)
        python, postgres, began = own_cpu(), server_cpu(self.loop.backend_pid), time.perf_counter()
        with self.hashing():
            callers.run()
        answered = time.perf_counter() - began
        self.wait()
        whole = time.perf_counter() - began
        assert not callers.refused, callers.refused[0]
        return {
            "per_second": events / answered,
            "logged_per_second": events / whole,
            "python_us": (own_cpu() - python) / events * 1e6,
            "postgres_us": (server_cpu(self.loop.backend_pid) - postgres) / events * 1e6,
        }

    def close(self) -> None:
        """End it."""
        if self.is_proved:
            self.sequencer.stop()
        self.loop.stop()
        self.database.close()


def make_database(server: EmbeddedPostgres, name: str) -> None:
    """Make an empty database."""
    statement = sql.SQL("create database {} template template0 owner {}")
    with psycopg.connect(server.dsn("superuser", "postgres"), autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER)))


def signer_of(tenant_id: int) -> Signer:
    """Give what heads are signed with."""
    return Signer(MASTER_KEY, tenant_id, secrets.token_bytes)


def run(rounds: int, events: int, lines: int) -> dict[str, Figures]:
    """Measure both sides in turn.

    Args:
        rounds: how often.
        events: of each side in a round.
        lines: of each order.

    Returns:
        Medians of the figures by side, and of the ratios of each round.
    """
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        sides = {}
        for name in ("without", "with"):
            dsn = server.dsn(database=name)
            make_database(server, name)
            migrate(dsn)
            sides[name] = Side(Database(dsn), is_proved=name == "with")
        for side in sides.values():
            side.measure(2_000, lines)
        found: dict[str, list[Figures]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                found[name].append(side.measure(events, lines))
        for side in sides.values():
            side.close()
    found["ratio"] = [
        {key: mine[key] / bare[key] for key in mine}
        for bare, mine in zip(found["without"], found["with"], strict=True)
    ]
    return {
        name: {key: statistics.median(one[key] for one in some) for key in some[0]}
        for name, some in found.items()
    }


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=6_000)
    parser.add_argument("--lines", type=int, default=10)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = run(given.rounds, given.events, given.lines)
    table = Table("", "events/s", "until logged/s", "Python µs", "PostgreSQL µs", title="What proofs cost")
    for name, one in figures.items():
        shown = (f"{value:.2f}" if name == "ratio" else f"{value:,.0f}" for value in one.values())
        table.add_row(name, *shown)
    Console().print(table)
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
