"""Durable earn through HTTP: ten lines → rules → lots → hash → commit, beside the FastAPI floor.

Both sides run in one go, taking turns, each on an embedded PostgreSQL of its own with fsync on. CPU is read
from the operating system: Python (HTTP and engine) and PostgreSQL apart.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

KEY = "gk_" + "bench" * 8
PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, pending: 14d, expires: {after: 12mo, from: earned, end_of: month}}
metrics:
  yearly_spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: yearly_spend
    review: calendar_year
    tiers: {bronze: {from: 0, rate: 1}, silver: {from: 500, rate: 1.5}, gold: {from: 1500, rate: 2}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
"""
_SERVE = """
import sys
from guerdon.infra.settings import load_settings
from guerdon.web.serving import serve
settings = load_settings(data=sys.argv[1], port=int(sys.argv[2]), log_level=sys.argv[3])
serve(settings, lambda text: print(text, flush=True))
"""
_TAGS = itertools.count(1)


@dataclass
class Side:
    """A server that is measured."""

    name: str
    port: int
    process: psutil.Process

    def cpu(self) -> tuple[float, float]:
        """CPU seconds so far: Python, PostgreSQL."""
        own = self.process.cpu_times()
        database = 0.0
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                database += times.user + times.system
        return own.user + own.system, database

    def measure(self, **plan: Any) -> dict[str, Any]:
        before = self.cpu()
        said = call(port=self.port, **plan)
        after = self.cpu()
        events = max(1, said["events"])
        said["python_us"] = round((after[0] - before[0]) / events * 1e6, 1)
        said["postgres_us"] = round((after[1] - before[1]) / events * 1e6, 1)
        return said


def call(**plan: Any) -> dict[str, Any]:
    """Let callers call, in a process of their own."""
    given = {"key": KEY, "tag": f"t{os.getpid()}x{next(_TAGS)}", **plan}
    command = [sys.executable, "-m", "benchmarks.floors.callers"]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    if said["wrong"]:
        print(f"{said['wrong']} wrong answers, the first: {said['first_wrong']}", file=sys.stderr)
    return said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(name: str, command: list[str], port: int, ready: str) -> Iterator[Side]:
    """Start a server and wait for its word; stop it politely."""
    environment = {**os.environ, "GUERDON_API_KEY": KEY}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if ready in line:
                break
        else:
            raise RuntimeError(f"{name} did not start")
        yield Side(name, port, psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def prepare(port: int, accounts: int) -> None:
    """Apply the program and enrol the members."""
    ask("PUT", f"http://127.0.0.1:{port}/v1/programs/club", PROGRAM.encode(), "application/yaml")
    for number in range(accounts):
        body = json.dumps({"external_id": f"m{number}"}).encode()
        ask("POST", f"http://127.0.0.1:{port}/v1/programs/club/members", body, "application/json")


def ask(method: str, url: str, body: bytes, media: str) -> None:
    headers = {"authorization": f"Bearer {KEY}", "content-type": media}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:  # noqa: S310 - an address of our own
        answer.read()


def middle(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The run whose rate is in the middle."""
    return sorted(rows, key=lambda row: float(row["rate"]))[len(rows) // 2]


def compare(ours: Side, floor: Side, options: argparse.Namespace) -> dict[str, Any]:
    spread: list[dict[str, Any]] = []
    hot: list[dict[str, Any]] = []
    floors: list[dict[str, Any]] = []
    batch: list[dict[str, Any]] = []
    plan = {"seconds": options.seconds, "accounts": options.accounts}
    for side in (ours, floor):
        side.measure(**{**plan, "seconds": 1.0})
    for _ in range(options.rounds):
        spread.append(ours.measure(**plan))
        floors.append(floor.measure(**plan))
        hot.append(ours.measure(**{**plan, "accounts": 1}))
        batch.append(ours.measure(**plan, callers=2, events=1000))
    half = middle(spread)["rate"] / 2
    quiet = ours.measure(**plan, rate=half)
    with bulk(ours.port, options):
        busy = ours.measure(**plan, rate=half)
    return {
        "spread": middle(spread),
        "floor": middle(floors),
        "hot": middle(hot),
        "batch": middle(batch),
        "half_rate": quiet,
        "half_rate_beside_bulk": busy,
        "times_floor": statistics.median(a["rate"] / b["rate"] for a, b in zip(spread, floors, strict=True)),
        "hot_to_spread": statistics.median(a["rate"] / b["rate"] for a, b in zip(hot, spread, strict=True)),
        "batch_to_lone": statistics.median(a["rate"] / b["rate"] for a, b in zip(batch, spread, strict=True)),
        "rounds": {"spread": [row["rate"] for row in spread], "floor": [row["rate"] for row in floors]},
    }


@contextlib.contextmanager
def bulk(port: int, options: argparse.Namespace) -> Iterator[None]:
    """Somebody else sends calls of 10,000 events meanwhile."""
    plan = {"port": port, "key": KEY, "tag": f"b{os.getpid()}", "callers": 1, "events": 10_000}
    plan |= {"seconds": options.seconds, "accounts": options.accounts}
    command = [sys.executable, "-m", "benchmarks.floors.callers"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(plan))
    process.stdin.close()
    yield
    process.wait(120)


def show(found: dict[str, Any]) -> None:
    table = Table(title="Durable earn through HTTP, ten lines an order")
    for name in ("what", "events/s", "p50 ms", "p99 ms", "Python µs", "PostgreSQL µs", "wrong"):
        table.add_column(name, justify="left" if name == "what" else "right")
    names = {
        "spread": "256 callers, many accounts",
        "floor": "FastAPI floor, 256 callers",
        "hot": "256 callers, one account",
        "batch": "1,000 events a call, 2 callers",
        "half_rate": "at half of the greatest rate",
        "half_rate_beside_bulk": "the same beside calls of 10,000",
    }
    for key, name in names.items():
        row = found[key]
        cells = (
            row["rate"],
            row["p50_ms"],
            row["p99_ms"],
            row["python_us"],
            row["postgres_us"],
            row["wrong"],
        )
        table.add_row(name, *(f"{cell:,}" for cell in cells))
    console = Console(width=max(100, Console().width))
    console.print(table)
    console.print(f"{found['times_floor']:.2f} × the floor (reach 4)")
    console.print(f"hot {found['hot_to_spread']:.2f} × spread (reach 1)")
    console.print(
        f"batch {found['batch_to_lone']:.2f} × lone events; its reach is beside SQL: see `ingestion`"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--log-level", default="info", help="of the server that is measured")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guerdon-bench-") as folder, contextlib.ExitStack() as stack:
        ours_port, floor_port = free_port(), free_port()
        command = [sys.executable, "-c", _SERVE, f"{folder}/ours", str(ours_port), options.log_level]
        ours = stack.enter_context(running("Guerdon", command, ours_port, "ready at"))
        floor_command = [
            sys.executable,
            "-m",
            "benchmarks.floors.fastapi_floor",
            f"{folder}/floor",
            str(floor_port),
        ]
        floor = stack.enter_context(
            running("floor", [*floor_command, str(options.accounts)], floor_port, "ready")
        )
        prepare(ours_port, options.accounts)
        found = compare(ours, floor, options)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
