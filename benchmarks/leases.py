"""Two servers on one database, with leased account ranges and without, beside one: through HTTP, in turns.

    python -m benchmarks.leases [--seconds S] [--rounds N] [--json FILE]

Every caller sends events for all accounts to one of the two servers, as behind a load balancer that knows
nothing. `leased` servers hand an event to the one that has its account, where that is asked about ten times a
second, `all` hand over every event that they can; `locks` decide whatever is asked.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.earn_http import call, prepare
from benchmarks.many_tills import Shop
from guerdon.infra.postgres import EmbeddedPostgres

ACCOUNTS = 1_000
CASES = (("one", 1, 0), ("two, locks", 2, 0), ("two, leased", 2, 10), ("two, all", 2, 1))
"""How many servers, and from how many calls a second about one account on they hand it over; 0 for never."""
CALLERS = 256
"""In all, however many servers there are."""


class Pair:
    """One or two servers."""

    def __init__(self, name: str, shops: Sequence[Shop], servers: Sequence[psutil.Process]) -> None:
        self.name, self.shops, self.servers = name, shops, servers

    def measure(self, seconds: float, accounts: int, rate: float | None = None) -> dict[str, float]:
        """Let callers call all of them at once.

        Args:
            seconds: for how long.
            accounts: from how many accounts the events are.
            rate: events a second in all; None as fast as they are answered.

        Returns:
            Events a second in all, the worst p99 in ms, microseconds of Python an event.
        """
        share = len(self.shops)
        plan: dict[str, Any] = {"seconds": seconds, "accounts": accounts, "callers": CALLERS // share}
        if rate is not None:
            plan["rate"] = rate / share
        before = self._cpu()
        with ThreadPoolExecutor(share) as pool:
            said = list(pool.map(lambda shop: call(port=shop.port, **plan), self.shops))
        events = sum(one["events"] for one in said)
        assert not any(one["wrong"] for one in said), said
        return {
            "rate": sum(one["rate"] for one in said),
            "p50": max(one["p50_ms"] for one in said),
            "p99": max(one["p99_ms"] for one in said),
            "python_us": (self._cpu() - before) / events * 1e6,
        }

    def _cpu(self) -> float:
        spent = [server.cpu_times() for server in self.servers]
        return sum((one.user + one.system for one in spent), 0.0)


def compare(pairs: Sequence[Pair], rounds: int, seconds: float) -> dict[str, Any]:
    """Measure all in turns.

    Args:
        pairs: the servers.
        rounds: of turns.
        seconds: of each.

    Returns:
        Medians by what was asked and of whom.
    """
    for pair in pairs:
        pair.measure(1.5, ACCOUNTS)
    rows: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for what, accounts in (("spread", ACCOUNTS), ("one account", 1)):
            for pair in pairs:
                rows.setdefault(f"{what}, {pair.name}", []).append(pair.measure(seconds, accounts))
    half = statistics.median(row["rate"] for row in rows["spread, two, locks"]) / 2
    for _ in range(rounds):
        for pair in pairs:
            rows.setdefault(f"half rate, {pair.name}", []).append(pair.measure(seconds, ACCOUNTS, half))
    return {
        name: {key: statistics.median(row[key] for row in some) for key in some[0]}
        for name, some in sorted(rows.items())
    }


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"Leased account ranges, load {os.getloadavg()[0]:.1f}")
    for name in ("what", "events/s", "p50 ms", "p99 ms", "Python µs"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, row in found.items():
        cells = (row["rate"], row["p50"], row["p99"], row["python_us"])
        table.add_row(name, *(f"{cell:,.0f}" for cell in cells))
    Console(width=100).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-bench-") as name,
        EmbeddedPostgres(Path(name) / "data") as server,
        contextlib.ExitStack() as stack,
    ):
        pairs = []
        for title, count, least in (
            ("one", 1, 0),
            ("two, locks", 2, 0),
            ("two, leased", 2, 10),
            ("two, all", 2, 1),
        ):
            shops = [Shop(server.dsn(), Path(name)) for _ in range(count)]
            for shop in shops:
                # Seven servers share the connections of one database.
                shop.environment |= {"GUERDON_HAND_OVER_FROM": str(least), "GUERDON_POOL_SIZE": "2"}
            pairs.append(Pair(title, shops, [stack.enter_context(shop.open()) for shop in shops]))
        prepare(pairs[0].shops[0].port, ACCOUNTS)
        found = compare(pairs, options.rounds, options.seconds)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
