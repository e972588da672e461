"""Checkouts through HTTP and PostgreSQL: previews among many campaigns, all that match, and confirming.

Carts have ten lines. Programs, and the floor where it knows their promotions, take turns in short rounds, so
that a busy machine is busy for all; CPU is read from the operating system, Python (HTTP and engine) and
PostgreSQL apart. Run it with `python -m benchmarks.checkout [--json FILE]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.earn_http import _SERVE, KEY, Side, ask, free_port, running

LINES = [
    {"id": str(n), "sku": f"SKU-{n}", "quantity": 2, "price": f"{n + 19}.90", "categories": ["bag"]}
    for n in range(10)
]
MEMBERS = 100
_NUMBERS = itertools.count(1)


def program(key: str, matching: int, others: int) -> str:
    """Write a program: so many campaigns that match every cart, and so many for other shops' carts."""
    campaigns: dict[str, Any] = {
        "base": {
            "trigger": "order.paid",
            "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
        },
        "welcome": {
            "trigger": "member.enrolled",
            "then": [{"award": {"wallet": "points", "amount": "100000"}}],
        },
    }
    for number in range(matching):
        by_line = {"percent": 1, "of": "lines", "where": "'bag' in line.categories"}
        effect = {"amount": "0.10"} if number % 2 else by_line
        campaigns[f"match_{number}"] = {"trigger": "checkout", "then": [{"discount": effect}]}
    for number in range(others):
        campaigns[f"other_{number}"] = {
            "trigger": "checkout",
            "when": f"store == 'store-{number}'",
            "then": [{"discount": {"percent": 5}}],
        }
    return json.dumps(
        {
            "program": key,
            "currency": "USD",
            "timezone": "America/New_York",
            "wallets": {"points": {"worth": "0.01"}},
            "campaigns": campaigns,
        }
    )


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.body = b""
        """Of the latest answer."""

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def call(self, method: str, path: str, body: bytes) -> int:
        head = (
            f"{method} /v1/programs/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        self.body = await self._reader.readexactly(length)
        return int(answer.split(b" ", 2)[1])


async def _many(port: int, callers: int, asked: Iterable[tuple[str, str, bytes]]) -> list[float]:
    """Let callers take turns at calls, and give the seconds of each."""
    queue, took = iter(asked), []

    async def one() -> None:
        client = Client(port)
        await client.open()
        for method, path, body in queue:
            began = time.perf_counter()
            status = await client.call(method, path, body)
            took.append(time.perf_counter() - began)
            if status not in (200, 201):
                raise RuntimeError(f"{method} {path} answered {status}")

    await asyncio.gather(*(one() for _ in range(callers)))
    return took


def measure(side: Side, callers: int, asked: list[tuple[str, str, bytes]]) -> dict[str, float]:
    """Measure calls: their rate, latency and CPU."""
    before, began = side.cpu(), time.perf_counter()
    took = sorted(asyncio.run(_many(side.port, callers, asked)))
    seconds, after = time.perf_counter() - began, side.cpu()
    return {
        "rate": len(asked) / seconds,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
        "python_us": (after[0] - before[0]) / len(asked) * 1e6,
        "postgres_us": (after[1] - before[1]) / len(asked) * 1e6,
    }


def cart(number: int, **more: Any) -> bytes:
    member = f"m{number % MEMBERS}"
    return json.dumps({"member": member, "id": f"A-{number}", "lines": LINES, **more}).encode()


def previews(key: str, count: int) -> list[tuple[str, str, bytes]]:
    return [("POST", f"{key}/checkouts/preview", cart(next(_NUMBERS))) for _ in range(count)]


def opened(side: Side, key: str, count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Open carts under 32 callers, then confirm them under 32 callers."""
    numbers = [next(_NUMBERS) for _ in range(count)]
    opening = [("PUT", f"{key}/checkouts/C-{one}", cart(one, spend={"points": "1"})) for one in numbers]
    first = measure(side, 32, opening)
    ending = [("POST", f"{key}/checkouts/C-{one}/confirm", b"") for one in numbers]
    return first, measure(side, 32, ending)


PROGRAMS = {
    "few-10": (2, 8, "preview, 10 campaigns of which 2 match"),
    "few-100": (2, 98, "preview, 100 campaigns of which 2 match"),
    "few-1000": (2, 998, "preview, 1,000 campaigns of which 2 match"),
    "all-10": (10, 0, "preview, 10 campaigns that all match"),
    "all-100": (100, 0, "preview, 100 campaigns that all match"),
}
BESIDE = ("all-10", "all-100")
"""Programs whose promotions the floor knows too."""
OPENED = "all-10"
"""The program whose checkouts are opened and confirmed."""


def prepare(side: Side) -> None:
    """Apply the programs and enrol their members."""
    for key, (matching, others, _) in PROGRAMS.items():
        url = f"http://127.0.0.1:{side.port}/v1/programs/{key}"
        ask("PUT", url, program(key, matching, others).encode(), "application/json")
        for number in range(MEMBERS):
            member = json.dumps({"external_id": f"m{number}"}).encode()
            ask("POST", f"{url}/members", member, "application/json")


async def net_of(side: Side, key: str) -> str:
    """Ask what a cart comes to."""
    client = Client(side.port)
    await client.open()
    await client.call("POST", f"{key}/checkouts/preview", cart(0))
    return str(json.loads(client.body)["totals"]["net"])


def run(ours: Side, floor: Side, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    prepare(ours)
    for key in PROGRAMS:
        measure(ours, 8, previews(key, 50))
        if key in BESIDE:
            measure(floor, 8, previews(key, 50))
            mine, other = asyncio.run(net_of(ours, key)), asyncio.run(net_of(floor, key))
            assert mine == other, f"{key}: {mine} beside {other}"
    rounds: dict[str, list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for key, (_, _, name) in PROGRAMS.items():
            rounds.setdefault(name, []).append(measure(ours, 32, previews(key, options.calls)))
            if key in BESIDE:
                said = measure(floor, 32, previews(key, options.calls))
                rounds.setdefault(f"{name}, floor", []).append(said)
        for side, tail in ((ours, ""), (floor, ", floor")):
            first, second = opened(side, OPENED, options.calls)
            rounds.setdefault(f"open, 32 callers{tail}", []).append(first)
            rounds.setdefault(f"confirm, 32 callers{tail}", []).append(second)
    return {
        name: {figure: median(row[figure] for row in rows) for figure in rows[0]}
        for name, rows in rounds.items()
    }


def show(found: dict[str, dict[str, float]]) -> None:
    table = Table(title="Checkouts through HTTP, ten lines a cart")
    for name in ("what", "calls/s", "p50 ms", "p99 ms", "Python µs", "PostgreSQL µs"):
        table.add_column(name, justify="left" if name == "what" else "right")
    places: dict[str, Callable[[float], str]] = {"rate": "{:,.0f}".format}
    for name, row in found.items():
        table.add_row(name, *(places.get(figure, "{:,.1f}".format)(value) for figure, value in row.items()))
    console = Console(width=max(100, Console().width))
    console.print(table)
    ten, thousand = (PROGRAMS[key][2] for key in ("few-10", "few-1000"))
    ratio = found[thousand]["python_us"] / found[ten]["python_us"]
    print(f"1,000 campaigns beside 10: {ratio:.2f} x Python CPU (reach 1.5)")
    for name, row in found.items():
        beside = found.get(f"{name}, floor")
        if beside is not None:
            spent, other = (one["python_us"] + one["postgres_us"] for one in (row, beside))
            rate = row["rate"] / beside["rate"]
            print(f"{name}: {rate:.2f} x the floor's rate, {spent / other:.2f} x its CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guerdon-bench-") as folder, contextlib.ExitStack() as stack:
        port, other = free_port(), free_port()
        command = [sys.executable, "-c", _SERVE, f"{folder}/ours", str(port), "warning"]
        ours = stack.enter_context(running("Guerdon", command, port, "ready at"))
        sizes = [f"{key}={PROGRAMS[key][0]}" for key in BESIDE]
        command = [sys.executable, "-m", "benchmarks.floors.checkout_floor", f"{folder}/floor", str(other)]
        floor = stack.enter_context(running("floor", [*command, str(MEMBERS), *sizes], other, "ready"))
        found = run(ours, floor, options)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
