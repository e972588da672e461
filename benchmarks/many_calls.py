"""Overload: three times what the engine can do, then half of it; who is refused, and how soon it is well.

    python -m benchmarks.many_calls [--seconds S] [--json FILE]

Calls come at their times whatever became of those before. Afterwards every event that was answered as applied
is looked for, and every one that was refused is not there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.earn_http import KEY, call, prepare
from benchmarks.many_tills import ACCOUNTS, BASE, Shop, at
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.programs.tenants import tenant_id_of

CONNECTIONS = 6_000
"""More than may wait in the engine's queue: what comes beyond it is shed."""
_LINES = [{"id": str(n), "sku": f"SKU-{n}", "quantity": "1", "price": f"{n + 4}.90"} for n in range(10)]


@dataclass
class Phase:
    """What was answered of the calls of some seconds."""

    name: str
    offered: float
    spans: list[tuple[float, float, int]] = field(default_factory=list)
    """When it was due, how long it took, and the status."""
    applied: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unasked: int = 0
    """Calls for which no connection was free."""
    without_retry_after: int = 0
    memory_mb: int = 0


class Crowd:
    """Connections that are kept, and calls at a rate."""

    def __init__(self, port: int, server: psutil.Process) -> None:
        self.port, self.server = port, server
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.open = 0
        self.numbers = 0

    async def offer(self, name: str, rate: float, seconds: float) -> Phase:
        """Call at a rate.

        Args:
            name: of the phase.
            rate: calls a second.
            seconds: for how long.

        Returns:
            What became of them.
        """
        phase = Phase(name, rate)
        tasks: set[asyncio.Task[None]] = set()
        begun = due = time.perf_counter()
        while due < begun + seconds:
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            elif len(tasks) % 64 == 0:
                await asyncio.sleep(0)
            if not self.free and self.open >= CONNECTIONS:
                phase.unasked += 1
            else:
                task = asyncio.create_task(self._one(phase, due, begun))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            if len(phase.spans) % 512 == 0:
                phase.memory_mb = max(phase.memory_mb, self.server.memory_info().rss >> 20)
            due += 1 / rate
        await asyncio.gather(*tasks)
        return phase

    async def _one(self, phase: Phase, due: float, begun: float) -> None:
        if self.free:
            reader, writer = self.free.pop()
        else:
            self.open += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.numbers += 1
        name = f"c{os.getpid()}-{self.numbers}"
        sent: dict[str, Any] = {"specversion": "1.0", "id": name, "source": "crowd", "type": "order.paid"}
        sent |= {"time": datetime.now(UTC).isoformat(), "subject": f"external:m{self.numbers % ACCOUNTS}"}
        body = json.dumps({**sent, "data": {"id": name, "lines": _LINES}}).encode()
        head = f"POST {BASE}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.free.append((reader, writer))
        status = int(answer[9:12])
        phase.spans.append((due - begun, time.perf_counter() - due, status))
        (phase.applied if status == 200 else phase.refused).append(name)
        phase.without_retry_after += status == 503 and b"retry-after" not in answer


async def run(shop: Shop, server: psutil.Process, capacity: float, seconds: float) -> list[Phase]:
    """Half of the capacity, three times it, and half again."""
    crowd = Crowd(shop.port, server)
    plan = (("before", 0.5, 10.0), ("overload", 3.0, seconds), ("after", 0.5, 15.0))
    return [await crowd.offer(name, capacity * share, long) for name, share, long in plan]


def stored(dsn: str) -> set[str]:
    """The events that are there."""
    with Database(dsn, pool_size=1) as database, database.transaction(tenant_id_of("main")) as tx:
        return {row[0] for row in tx.execute("select id from events where source = 'crowd'")}


def report(phases: list[Phase], there: set[str], capacity: float) -> dict[str, Any]:
    """Sum up each phase, and what was lost."""
    found: dict[str, Any] = {"capacity": round(capacity), "load": os.getloadavg()[0]}
    for phase in phases:
        taken = [span for _, span, status in phase.spans if status == 200]
        shed = [span for _, span, status in phase.spans if status == 503]
        found[phase.name] = {
            "offered": round(phase.offered),
            "calls": len(phase.spans) + phase.unasked,
            "statuses": dict(Counter(status for _, _, status in phase.spans)),
            "no_connection": phase.unasked,
            "applied_p50": at(taken, 0.5),
            "applied_p99": at(taken, 0.99),
            "shed_p50": at(shed, 0.5),
            "without_retry_after": phase.without_retry_after,
            "memory_mb": phase.memory_mb,
            "lost": len(set(phase.applied) - there),
            "refused_but_there": len(set(phase.refused) & there),
        }
    after = phases[-1].spans
    usual = found["before"]["applied_p99"] / 1000
    late = [due for due, span, status in after if span > 2 * max(usual, 0.05) or status != 200]
    found["seconds_until_well"] = round(max(late, default=0.0), 1)
    return found


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"Overload beyond {found['capacity']:,} events a second, load {found['load']:.1f}")
    names = ("phase", "offered/s", "calls", "200", "503", "p50 ms", "p99 ms", "503 p50", "MB", "lost")
    for name in names:
        table.add_column(name, justify="left" if name == "phase" else "right")
    for name in ("before", "overload", "after"):
        row = found[name]
        counts = [row["statuses"].get(status, 0) for status in (200, 503)]
        cells = [
            row["offered"],
            row["calls"],
            *counts,
            row["applied_p50"],
            row["applied_p99"],
            row["shed_p50"],
        ]
        table.add_row(name, *(f"{cell:,}" for cell in [*cells, row["memory_mb"], row["lost"]]))
    Console(width=110).print(table)
    said = {name: found[name] for name in ("before", "overload", "after")}
    print(f"well again after {found['seconds_until_well']} s")
    print("503 without Retry-After:", sum(row["without_retry_after"] for row in said.values()))
    print("refused and there all the same:", sum(row["refused_but_there"] for row in said.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of overload")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-bench-") as name,
        EmbeddedPostgres(Path(name) / "data") as server,
    ):
        shop = Shop(server.dsn(), Path(name))
        with shop.open() as process:
            prepare(shop.port, ACCOUNTS)
            capacity = call(port=shop.port, seconds=5.0, accounts=ACCOUNTS)["rate"]
            phases = asyncio.run(run(shop, process, capacity, options.seconds))
        found = report(phases, stored(server.dsn()), capacity)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
