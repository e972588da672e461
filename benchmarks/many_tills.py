"""A till's requests while others load: imports by the server and by a process beside it, and bulk overload.

    python -m benchmarks.many_tills [--events N] [--rate R] [--beside NAME …] [--json FILE]

The till asks at a steady rate, in turns: it finds a member, previews a cart, opens a checkout, confirms it,
and tells of an order. A request counts from when it was due, so that one which waits for the one before it
waits as well. `history` is `guerdon import --historical --enrol` of people whom nobody knows yet, as who
moves house has them; `url` and `own` are of the very accounts that the till asks for. `flood` is eight
callers who send calls of a thousand events as fast as they can.

Priorities between processes mean nothing where the kernel groups them by session (`sched_autogroup_enabled`);
on a shared machine run this in a control group of its own with much of the processor.
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
from typing import Any, NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.earn_http import KEY, free_port, prepare
from guerdon.infra.postgres import EmbeddedPostgres

ACCOUNTS = 1_000
KINDS = ("find", "preview", "open", "confirm", "earn")
TENDER = {"host": "x", "authorization": f"Bearer {KEY}", "content-type": "application/json"}
BASE = "/v1/programs/club"
_TILLS = itertools.count()
_MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_CLI = [sys.executable, "-c", "from guerdon.cli import main; main()"]


class Till:
    """Asks until it is told to stop."""

    def __init__(self, port: int, rate: float) -> None:
        self.port, self.pause = port, 1 / rate
        self.name = f"till{os.getpid()}-{next(_TILLS)}"
        self.spans: dict[str, list[float]] = {kind: [] for kind in KINDS}
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
            kind = KINDS[number % len(KINDS)]
            method, path, body = request(kind, self.name, number)
            connection.request(method, BASE + path, json.dumps(body), TENDER)
            answer = connection.getresponse()
            text = answer.read()
            self.spans[kind].append(time.perf_counter() - due)
            if answer.status not in (http.client.OK, http.client.CREATED):
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


def request(kind: str, till: str, number: int) -> tuple[str, str, dict[str, Any]]:
    """What a till asks: method, path and body; it confirms what it opened just before."""
    who = f"m{number * 7 % ACCOUNTS}"
    lines = [{"id": str(n), "sku": f"SKU-{n}", "quantity": "1", "price": f"{n + 4}.90"} for n in range(10)]
    if kind == "find":
        return "POST", "/members/lookup", {"external_id": who}
    if kind == "confirm":
        return "POST", f"/checkouts/{till}-{number - 1}/confirm", {"source": "till"}
    name = f"{till}-{number}"
    if kind in ("preview", "open"):
        cart = {"id": name, "member": who, "source": "till", "lines": lines}
        if kind == "preview":
            return "POST", "/checkouts/preview", cart
        return "PUT", f"/checkouts/{name}", cart
    sent: dict[str, Any] = {"specversion": "1.0", "id": name, "source": "till", "type": "order.paid"}
    sent |= {"time": datetime.now(UTC).isoformat(), "subject": f"external:{who}"}
    return "POST", "/events", {**sent, "data": {"id": name, "lines": lines}}


def write_events(file: Path, count: int, tag: str, whose: str = "m") -> None:
    """Write orders of the last year, ten lines each, in no order of time."""
    lines = [{"id": str(n), "sku": f"SKU-{n}", "quantity": "2", "price": f"{n + 4}.90"} for n in range(10)]
    now = datetime.now(UTC)
    people = ACCOUNTS if whose == "m" else max(ACCOUNTS, count // 50)
    with file.open("w", encoding="utf-8") as written:
        for number in range(count):
            name = f"{tag}-{number}"
            paid = now - timedelta(minutes=number * 7919 % 525_600)
            event = {"specversion": "1.0", "id": name, "source": "old", "type": "order.paid"}
            event |= {"time": paid.isoformat(), "subject": f"external:{whose}{number % people}"}
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


def beside(shop: Shop, server: psutil.Process, rate: float, work: Callable[[], Done]) -> dict[str, Any]:
    """Let the till ask while something else goes on."""
    cpu, began = server.cpu_times(), time.perf_counter()
    with Till(shop.port, rate).asking() as till:
        done = work()
    spent, after = time.perf_counter() - began, server.cpu_times()
    for one in till.wrong[:3]:
        print(one, file=sys.stderr)
    found = {**till.report(), "events": done.events, "seconds": round(spent, 1)}
    found |= {"rate": round(done.events / spent, 1), "load": os.getloadavg()[0]}
    found["server_cpu"] = round(after.user + after.system - cpu.user - cpu.system, 1)
    found |= {"server_mb": server.memory_info().rss >> 20, "import_mb": done.memory >> 20}
    return found


class Done(NamedTuple):
    """What was done beside the till."""

    events: int
    memory: int = 0
    """Bytes of the process beside at its most."""


def imported(shop: Shop, file: Path, events: int, *more: str) -> Done:
    """Import a file by a process of its own."""
    process = subprocess.Popen(
        shop.importing(file, *more), env=shop.environment, stdout=subprocess.PIPE, text=True
    )
    seen, most = psutil.Process(process.pid), 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            most = max(most, seen.memory_info().rss)
        time.sleep(0.5)
    assert process.stdout is not None
    said = json.loads(process.stdout.read())
    assert said["applied"] == events, said
    return Done(int(said["applied"]), most)


def flood(shop: Shop, seconds: float) -> Done:
    """Eight callers who send calls of a thousand events, whatever they are answered."""
    plan = {"port": shop.port, "key": KEY, "tag": f"f{os.getpid()}", "callers": 8, "events": 1_000}
    plan |= {"seconds": seconds, "accounts": ACCOUNTS}
    command = [sys.executable, "-m", "benchmarks.floors.callers"]
    done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    return Done(said["events"] - 1_000 * said["wrong"])


def works(shop: Shop, folder: Path, options: argparse.Namespace) -> dict[str, Callable[[], Done]]:
    """What may go on beside the till."""

    def written(tag: str, whose: str = "m") -> Path:
        file = folder / f"{tag}.ndjson"
        write_events(file, options.events, tag, whose)
        return file

    def alone() -> Done:
        time.sleep(options.seconds)
        return Done(0)

    def importing(tag: str, *more: str) -> Callable[[], Done]:
        file = written(tag, "old" if tag == "history" else "m")
        return lambda: imported(shop, file, options.events, *more)

    makers: dict[str, Callable[[], Callable[[], Done]]] = {
        "alone": lambda: alone,
        "url": lambda: importing("url", "--url", f"http://127.0.0.1:{shop.port}", "--key", KEY),
        "own": lambda: importing("own"),
        "history": lambda: importing("history", "--historical", "--enrol"),
        "flood": lambda: lambda: flood(shop, options.seconds),
        "alone again": lambda: alone,
    }
    return {name: make() for name, make in makers.items() if name in options.beside}


def show(found: dict[str, Any], rate: float) -> None:
    """Print the table."""
    table = Table(title=f"A till at {rate:g} requests a second, milliseconds")
    names = ("beside", "requests", "p50", "p99", *(f"{kind} p99" for kind in KINDS), "worst", "wrong")
    for name in (*names, "events/s", "CPU s", "MB", "MB import", "load"):
        table.add_column(name, justify="left" if name == "beside" else "right")
    for name, row in found.items():
        kinds = [row[f"{kind}_p99"] for kind in KINDS]
        cells = [row["requests"], row["p50"], row["p99"], *kinds, row["worst"], row["wrong"], row["rate"]]
        cells += [row["server_cpu"], row["server_mb"], row["import_mb"]]
        table.add_row(name, *(f"{cell:,}" for cell in cells), f"{row['load']:.1f}")
    Console(width=160).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("alone", "url", "own", "history", "flood", "alone again")
    parser.add_argument("--events", type=int, default=20_000, help="of each import")
    parser.add_argument("--rate", type=float, default=20.0, help="of the till, a second")
    parser.add_argument("--seconds", type=float, default=15.0, help="of what is no import")
    parser.add_argument("--beside", nargs="+", choices=names, default=names)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="guerdon-bench-") as name,
        EmbeddedPostgres(Path(name) / "data") as server,
    ):
        shop = Shop(server.dsn(), Path(name))
        with shop.open() as process:
            prepare(shop.port, ACCOUNTS)
            planned = works(shop, Path(name), options)
            with Till(shop.port, options.rate).asking():
                time.sleep(3)
            for what, work in planned.items():
                found[what] = beside(shop, process, options.rate, work)
    show(found, options.rate)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
