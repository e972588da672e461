"""Events in batches of a thousand beside hand-written SQL that writes the same rows one event at a time.

    python -m benchmarks.ingestion [events a round] [rounds] [accounts]

Both sides take turns on one embedded PostgreSQL with fsync on, each in accounts of its own.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.engine_loop import NOW, TENANT, backend_cpu, order, own_cpu, prepare
from benchmarks.floors.one_at_a_time import Place, write_all
from guerdon.base.ids import IdMaker
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.programs.programs import find_live

A_CALL = 1_000
MASTER_KEY = bytes(32)

Figures = tuple[float, float, float]
"""Events a second, Python µs and PostgreSQL µs an event."""


def measured(count: int, backend: int, act: Callable[[], None]) -> Figures:
    python, postgres, began = own_cpu(), backend_cpu(backend), time.perf_counter()
    act()
    wall = time.perf_counter() - began
    spent = (own_cpu() - python, backend_cpu(backend) - postgres)
    return count / wall, spent[0] / count * 1e6, spent[1] / count * 1e6


def ours(loop: EngineLoop, events: list[bytes]) -> None:
    pattern = order(0, 0, 1)
    for start in range(0, len(events), A_CALL):
        calls = [replace(pattern, raw=raw, bulk=True) for raw in events[start : start + A_CALL]]
        for future in loop.submit_many(calls):
            assert future.result(600).status == "applied"


def rounds_of(loop: EngineLoop, database: Database, count: int, rounds: int, accounts: int) -> None:
    ids = IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(1).getrandbits)
    half = accounts // 2
    vault = loop.vault(TENANT)
    digests = {f"external:m{number}": vault.digest("external", f"m{number}") for number in range(accounts)}
    with database.transaction(TENANT) as tx:
        live = find_live(tx, "bench")
        assert live is not None
    place = Place(TENANT, live.program_id, digests)
    found: dict[str, list[Figures]] = {"ours": [], "floor": []}
    numbers = iter(range(100_000_000))
    with database.connect("app") as tx:
        tx.prepare_threshold = 0
        for _ in range(rounds + 1):
            batch = [order(next(numbers), at % half, 10).raw for at in range(count)]
            lone = [order(next(numbers), half + at % half, 10).raw for at in range(count)]
            found["ours"].append(measured(count, loop.backend_pid, partial(ours, loop, batch)))
            found["floor"].append(
                measured(count, tx.info.backend_pid, partial(write_all, tx, place, lone, ids))
            )
    show({name: rows[1:] for name, rows in found.items()})


def show(found: dict[str, list[Figures]]) -> None:
    table = Table(title=f"Taking in orders of ten lines, {NOW:%Y-%m-%d} by the events' clock")
    for name in ("what", "events/s", "Python µs", "PostgreSQL µs"):
        table.add_column(name, justify="left" if name == "what" else "right")
    names = {"ours": "1,000 events a call", "floor": "hand-written SQL, one event at a time"}
    for key, name in names.items():
        middle = [statistics.median(column) for column in zip(*found[key], strict=True)]
        table.add_row(name, *(f"{one:,.0f}" for one in middle))
    console = Console(width=max(100, Console().width))
    console.print(table)
    pairs = zip(found["ours"], found["floor"], strict=True)
    times = statistics.median(one[0] / other[0] for one, other in pairs)
    console.print(f"{times:.2f} × the floor (reach 1.5)")


def main() -> None:
    count, rounds, accounts = (
        int(sys.argv[place]) if len(sys.argv) > place else default
        for place, default in ((1, 4_000), (2, 3), (3, 2_000))
    )
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.dsn())
        with Database(server.dsn()) as database:
            ids = IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(2).getrandbits)
            loop = EngineLoop(database, MASTER_KEY, ids, LoopSettings(queue_limit=1_000_000))
            prepare(database, loop, accounts)
            rounds_of(loop, database, count, rounds, accounts)
            loop.stop()


if __name__ == "__main__":
    main()
