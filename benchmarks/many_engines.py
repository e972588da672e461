"""Two engine processes beside one, on one database: whatever they gain, and what leased accounts would add.

    python -m benchmarks.many_engines [--seconds S] [--rounds N] [--json FILE]

`split` gives each process accounts of its own, as leases would; `shared` sends everybody's events to both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engine_loop import backend_cpu, make_ids, order, own_cpu, prepare
from guerdon.engine.answers import Answer
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres

ACCOUNTS = 2_000
LINES = 10
WIDTH = 256
"""Callers of each process, each with one event on its way."""
CASES: dict[str, list[tuple[int, int]]] = {
    "one process, spread": [(0, ACCOUNTS)],
    "two, split": [(0, ACCOUNTS // 2), (ACCOUNTS // 2, ACCOUNTS)],
    "two, shared": [(0, ACCOUNTS), (0, ACCOUNTS)],
    "one process, one account": [(0, 1)],
    "two, one account each": [(0, 1), (1, 2)],
    "two, the same account": [(0, 1), (0, 1)],
}
"""The accounts of each process, from and below."""


class Stream:
    """Callers that go on until the time is up."""

    def __init__(self, loop: EngineLoop, span: tuple[int, int], name: str) -> None:
        self.loop, self.span = loop, span
        self.chance = random.Random(name)
        self.prefix = int.from_bytes(os.urandom(5), "big") * 10_000_000
        self.numbers = iter(range(10_000_000))
        self.ends_at = 0.0
        self.flying = self.answered = self.refused = 0
        self.done = threading.Event()

    def run(self, seconds: float) -> int:
        """Let them call.

        Args:
            seconds: for how long.

        Returns:
            How many events were applied.
        """
        self.ends_at = time.perf_counter() + seconds
        self.answered = self.refused = 0
        self.done.clear()
        self._send(WIDTH)
        self.done.wait()
        assert not self.refused, self.refused
        return self.answered

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Take answers, and send as many again."""
        self.flying -= len(answers)
        self.answered += len(answers)
        self.refused += sum(answer.status != "applied" for _, answer in answers)
        if time.perf_counter() < self.ends_at:
            self._send(len(answers))
        elif not self.flying:
            self.done.set()

    def _send(self, count: int) -> None:
        self.flying += count
        some = (self.chance.randrange(*self.span) for _ in range(count))
        self.loop.put([order(self.prefix + next(self.numbers), who, LINES) for who in some], self)


def work(dsn: str, name: str) -> None:
    """Be one engine process: a line of JSON in, a line of figures out.

    Args:
        dsn: of the database.
        name: seeds the choice of accounts.
    """
    with Database(dsn) as database:
        loop = EngineLoop(database, bytes(32), make_ids(), LoopSettings(queue_limit=1_000_000))
        loop.start()
        for line in sys.stdin:
            plan = json.loads(line)
            stream = Stream(loop, tuple(plan["span"]), name)
            pid = loop.backend_pid
            python, postgres, began = own_cpu(), backend_cpu(pid), time.perf_counter()
            events = stream.run(plan["seconds"])
            said = {"events": events, "wall": time.perf_counter() - began}
            said |= {"python": own_cpu() - python, "postgres": backend_cpu(pid) - postgres}
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
        loop.stop()


class Engines:
    """Two processes that wait for plans."""

    def __init__(self, dsn: str) -> None:
        words = [sys.executable, "-m", "benchmarks.many_engines", "--work", dsn]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.processes = [subprocess.Popen([*words, "--name", name], **pipes) for name in ("one", "two")]

    def run(self, spans: Sequence[tuple[int, int]], seconds: float) -> dict[str, float]:
        """Let as many processes as there are spans work at once.

        Args:
            spans: accounts of each.
            seconds: for how long.

        Returns:
            Events a second in all, CPU microseconds an event of Python and of PostgreSQL.
        """
        some = self.processes[: len(spans)]
        for process, span in zip(some, spans, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps({"span": span, "seconds": seconds}) + "\n")
            process.stdin.flush()
        said = []
        for process in some:
            assert process.stdout is not None
            said.append(json.loads(process.stdout.readline()))
        events = sum(one["events"] for one in said)
        return {
            "rate": sum(one["events"] / one["wall"] for one in said),
            "python_us": sum(one["python"] for one in said) / events * 1e6,
            "postgres_us": sum(one["postgres"] for one in said) / events * 1e6,
        }

    def close(self) -> None:
        """Let them end."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


def compare(dsn: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure all cases in turns.

    Args:
        dsn: of a database with the accounts in it.
        rounds: of turns.
        seconds: of each.

    Returns:
        Figures by case, each the median of its rounds.
    """
    engines = Engines(dsn)
    try:
        for spans in CASES.values():
            engines.run(spans, 0.5)
        rows = [{name: engines.run(spans, seconds) for name, spans in CASES.items()} for _ in range(rounds)]
    finally:
        engines.close()
    return {
        name: {key: statistics.median(row[name][key] for row in rows) for key in rows[0][name]}
        for name in CASES
    }


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"Engine processes on one database, load {os.getloadavg()[0]:.1f}")
    for name in ("what", "events/s", "beside one", "Python µs", "PostgreSQL µs"):
        table.add_column(name, justify="left" if name == "what" else "right")
    base = 1.0
    for name, row in found.items():
        base = row["rate"] if name.startswith("one process") else base
        cells = (row["rate"], row["rate"] / base, row["python_us"], row["postgres_us"])
        table.add_row(name, f"{cells[0]:,.0f}", f"{cells[1]:.2f} ×", f"{cells[2]:.0f}", f"{cells[3]:.0f}")
    Console(width=100).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", metavar="DSN")
    parser.add_argument("--name", default="")
    options = parser.parse_args()
    if options.work:
        work(options.work, options.name)
        return
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-bench-") as folder,
        EmbeddedPostgres(Path(folder)) as server,
    ):
        migrate(server.dsn())
        with Database(server.dsn()) as database:
            loop = EngineLoop(database, bytes(32), make_ids(), LoopSettings(queue_limit=1_000_000))
            prepare(database, loop, ACCOUNTS)
            loop.stop()
        found = compare(server.dsn(), options.rounds, options.seconds)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
