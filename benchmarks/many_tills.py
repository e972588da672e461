"""A till's requests while events are imported: by the server's own bulk lane, and by a process beside it.

    python -m benchmarks.many_tills [--events N] [--rate R] [--json FILE]

The till asks at a steady rate: it finds a member, previews a cart, and tells of an order, in turns. A request
counts from when it was due, so that one which waits for the one before it waits as well.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.earn_http import KEY, free_port, prepare
from guerdon.infra.postgres import EmbeddedPostgres

ACCOUNTS = 1_000
TENDER = {"host": "x", "authorization": f"Bearer {KEY}", "content-type": "application/json"}
BASE = "/v1/programs/club"
_NUMBERS = itertools.count(1)
_MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_CLI = [sys.executable, "-c", "from guerdon.cli import main; main()"]


class Till:
    """Asks until it is told to stop."""

    def __init__(self, port: int, rate: float) -> None:
        self.port, self.pause = port, 1 / rate
        self.spans: dict[str, list[float]] = {"find": [], "preview": [], "earn": []}
        self.wrong: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    @contextlib.contextmanager
    def asking(self) -> Iterator[Till]:
        """Ask meanwhile."""
        self.thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self.thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        due = time.perf_counter()
        for number in itertools.count():
            if self.ended.wait(max(0.0, due - time.perf_counter())):
                break
            kind = ("find", "preview", "earn")[number % 3]
            path, body = request(kind, number)
            connection.request("POST", BASE + path, json.dumps(body), TENDER)
            answer = connection.getresponse()
            text = answer.read()
            self.spans[kind].append(time.perf_counter() - due)
            if answer.status != http.client.OK:
                self.wrong.append(f"{kind}: {answer.status} {text[:300]!r}")
            due += self.pause
        connection.close()

    def report(self) -> dict[str, Any]:
        """Milliseconds of all requests, and of each kind."""
        every = [span for spans in self.spans.values() for span in spans]
        found: dict[str, Any] = {"requests": len(every), "wrong": len(self.wrong)}
        for name, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1.0)):
            found[name] = at(every, share)
            found |= {f"{kind}_{name}": at(spans, share) for kind, spans in self.spans.items()}
        return found


def at(spans: list[float], share: float) -> float:
    """A quantile in milliseconds."""
    ordered = sorted(spans)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else 0.0


def request(kind: str, number: int) -> tuple[str, dict[str, Any]]:
    """What a till asks."""
    who = f"m{number * 7 % ACCOUNTS}"
    lines = [{"id": str(n), "sku": f"SKU-{n}", "quantity": "1", "price": f"{n + 4}.90"} for n in range(10)]
    if kind == "find":
        return "/members/lookup", {"external_id": who}
    name = f"till{os.getpid()}-{next(_NUMBERS)}"
    if kind == "preview":
        return "/checkouts/preview", {"id": name, "member": who, "source": "till", "lines": lines}
    sent: dict[str, Any] = {"specversion": "1.0", "id": name, "source": "till", "type": "order.paid"}
    sent |= {"time": datetime.now(UTC).isoformat(), "subject": f"external:{who}"}
    return "/events", {**sent, "data": {"id": name, "lines": lines}}


def write_events(file: Path, count: int, tag: str) -> None:
    """Write orders of the last year, ten lines each, in no order of time."""
    lines = [{"id": str(n), "sku": f"SKU-{n}", "quantity": "2", "price": f"{n + 4}.90"} for n in range(10)]
    now = datetime.now(UTC)
    with file.open("w", encoding="utf-8") as written:
        for number in range(count):
            name = f"{tag}-{number}"
            paid = now - timedelta(minutes=number * 7919 % 525_600)
            event = {"specversion": "1.0", "id": name, "source": "old", "type": "order.paid"}
            event |= {"time": paid.isoformat(), "subject": f"external:m{number % ACCOUNTS}"}
            written.write(json.dumps({**event, "data": {"id": name, "lines": lines}}) + "\n")


class Shop:
    """A served engine on a database that other processes may open as well."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.environment = {**os.environ, "GUERDON_DATABASE_URL": dsn, "GUERDON_API_KEY": KEY}
        self.environment |= {"GUERDON_MASTER_KEY": _MASTER_KEY, "GUERDON_RATE_LIMIT": "0"}

    @contextlib.contextmanager
    def open(self) -> Iterator[psutil.Process]:
        """Serve meanwhile."""
        log = (self.folder / "serve.log").open("wb")
        words = [*_CLI, "serve", "--port", str(self.port)]
        process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        try:
            wait_ready(self.port)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)
            log.close()

    def importing(self, file: Path, *more: str) -> list[str]:
        """The command that imports a file."""
        return [*_CLI, "import", str(file), "--program", "club", "--json", *more]


def wait_ready(port: int) -> None:
    """Wait until a server says that it is ready."""
    for _ in range(600):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def beside(shop: Shop, rate: float, work: Callable[[], int]) -> dict[str, Any]:
    """Let the till ask while something else goes on."""
    began = time.perf_counter()
    with Till(shop.port, rate).asking() as till:
        events = work()
    spent = time.perf_counter() - began
    for one in till.wrong[:3]:
        print(one, file=sys.stderr)
    return {**till.report(), "events": events, "rate": round(events / spent, 1), "load": os.getloadavg()[0]}


def measure(shop: Shop, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The till alone, then beside each kind of import."""
    found: dict[str, Any] = {}

    def alone() -> int:
        time.sleep(options.alone)
        return 0

    def imported(tag: str, *more: str) -> Callable[[], int]:
        file = folder / f"{tag}.ndjson"
        write_events(file, options.events, tag)

        def run() -> int:
            done = subprocess.run(
                shop.importing(file, *more), env=shop.environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2_000:]
            said = json.loads(done.stdout)
            assert said["applied"] == options.events, said
            return int(said["applied"])

        return run

    with Till(shop.port, options.rate).asking():
        time.sleep(3)
    found["alone"] = beside(shop, options.rate, alone)
    by_url = imported("url", "--url", f"http://127.0.0.1:{shop.port}", "--key", KEY)
    found["import --url"] = beside(shop, options.rate, by_url)
    found["import, a process beside"] = beside(shop, options.rate, imported("own"))
    found["alone again"] = beside(shop, options.rate, alone)
    return found


def show(found: dict[str, Any], rate: float) -> None:
    """Print the table."""
    table = Table(title=f"A till at {rate:g} requests a second, milliseconds")
    names = ("beside", "requests", "p50", "p99", "find p99", "preview p99", "earn p99", "worst", "events/s")
    for name in (*names, "load"):
        table.add_column(name, justify="left" if name == "beside" else "right")
    for name, row in found.items():
        kinds = [row[f"{kind}_p99"] for kind in ("find", "preview", "earn")]
        cells = [row["requests"], row["p50"], row["p99"], *kinds, row["worst"], row["rate"]]
        table.add_row(name, *(f"{cell:,}" for cell in cells), f"{row['load']:.1f}")
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of each import")
    parser.add_argument("--rate", type=float, default=20.0, help="of the till, a second")
    parser.add_argument("--alone", type=float, default=15.0, help="seconds without an import")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-bench-") as name,
        EmbeddedPostgres(Path(name) / "data") as server,
    ):
        shop = Shop(server.dsn(), Path(name))
        with shop.open():
            prepare(shop.port, ACCOUNTS)
            found = measure(shop, Path(name), options)
    show(found, options.rate)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
