"""The audit of a large ledger: how long each part takes, and how much memory Python and PostgreSQL need.

    python -m benchmarks.verify [--entries N] [--folder F] [--keep] [--json FILE]

The engine fills a database in historical batches (orders of two wallets, rewards taken, parts that come
back), the sequencer logs and signs it, and `guerdon verify` goes through it as anybody would run it, in a
process of its own. Then the last figure is changed behind its back, and it has to find that.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, EnrolMember, IngestEvent, RedeemReward
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.postgres.folder import home_of
from guerdon.infra.settings import load_settings
from guerdon.members.identities import normal_ref, parse_ref
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import load_definition
from guerdon.wiring import House, open_house

BEGIN = datetime(2023, 1, 2, 9, 0, tzinfo=UTC)
TENANT = tenant_id_of("main")
AT_ONCE = 1_000
ORDERS_EACH = 100
"""Orders of an account, one in nine days."""
_ENTRIES_EACH = 5.0
"""Entries that an order comes to, with what is taken and what comes back."""
_SAMPLE_SECONDS = 0.25
PROGRAM = """
program: bench
name: Bench
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 14d, expires: {after: 12mo, from: earned, end_of: month}}
  credits: {scale: 2, rounding: floor, pending: 0d, expires: never}
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
    then:
      - {award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}
      - {award: {wallet: credits, amount: "0.25"}}
  first_ones:
    trigger: order.paid
    limits: {total: 1000000, per_account: 3}
    then: [{award: {wallet: credits, amount: "1"}}]
rewards:
  mug: {kind: product, price: {points: 30}, stock: 100000000}
  voucher: {kind: coupon, price: {points: 50}, discount: {amount: "1.00"}, valid: 30d}
"""


def said(kind: str, number: int, account: int, at: datetime, data: dict[str, Any]) -> IngestEvent:
    """Write one event as a shop sends it."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{number}",
        "source": "shop",
        "type": kind,
        "time": at.isoformat(),
        "data": data,
    }
    if kind == "order.paid":
        event["subject"] = f"external:m{account}"
    return IngestEvent(
        tenant_id=TENANT,
        program="bench",
        received_at=at,
        raw=json.dumps(event).encode(),
        bulk=True,
        historical=True,
    )


def joining(accounts: int) -> Iterator[Command]:
    """Enrol everybody."""
    for name in range(accounts):
        ref = normal_ref("external", f"m{name}")
        profile = Profile(identities=(ref,), external_id=f"m{name}")
        yield EnrolMember(tenant_id=TENANT, program="bench", received_at=BEGIN, bulk=True, profile=profile)


def happenings(accounts: int) -> Iterator[Command]:
    """Tell what happens, in order of time: everybody buys, in another order each round."""
    chance, numbers = random.Random(1), itertools.count()
    people = list(range(accounts))
    for turn in range(ORDERS_EACH):
        chance.shuffle(people)
        day = BEGIN + timedelta(days=1 + 9 * turn)
        # The first of all is a company, with one order in a hundred.
        for place, name in enumerate(itertools.chain(people, [0] * (accounts // 100))):
            at, number = day + timedelta(seconds=place), next(numbers)
            price = f"{10 + number * 7 % 90}.{number % 100:02d}"
            line = {"id": "1", "sku": f"SKU-{number % 50}", "quantity": 1, "price": price}
            yield said("order.paid", number, name, at, {"id": f"A-{number}", "lines": [line]})
            if number % 50 == 49:
                parts = [{"id": "1", "quantity": "0.5"}]
                back = {"order": f"A-{number}", "id": f"R-{number}", "lines": parts}
                yield said("order.returned", number, name, at + timedelta(seconds=1), back)
            if turn > 3 and number % 20 == 7:
                yield RedeemReward(
                    tenant_id=TENANT,
                    program="bench",
                    received_at=at + timedelta(seconds=1),
                    bulk=True,
                    member=parse_ref(f"external:m{name}"),
                    reward="mug" if number % 40 == 7 else "voucher",
                )


def fill(house: House, entries: int) -> int:
    """Let it all happen, and log and sign it.

    Returns:
        How many things happened.
    """
    with house.database.transaction(TENANT) as tx:
        ensure_tenant(tx, "main", "Main", sandbox=False, now=BEGIN)
        apply_definition(tx, NewDefinition(load_definition(PROGRAM), PROGRAM, "bench", BEGIN), house.ids)
    house.engine.start()
    began, count, refused = time.perf_counter(), 0, 0
    flying: deque[list[Any]] = deque()
    accounts = max(10, round(entries / ORDERS_EACH / _ENTRIES_EACH))
    for future in house.engine.submit_many([*joining(accounts)]):
        assert future.result(600).status == "applied"
    commands = happenings(accounts)
    while some := list(itertools.islice(commands, AT_ONCE)):
        # Bulk has half of the queue, and is refused beyond it.
        if len(flying) > 1:
            refused += settled(flying.popleft())
        flying.append(house.engine.submit_many(some))
        count += len(some)
        if count % (100 * AT_ONCE) == 0:
            house.log.catch_up()
            print(f"{count:,} in {time.perf_counter() - began:,.0f} s, {refused} refused", file=sys.stderr)
    while flying:
        refused += settled(flying.popleft())
    house.engine.stop()
    waits = "select (select count(*) from transactions) - (select coalesce(max(size), 0) from log_batches)"
    while True:
        house.log.catch_up()
        with house.database.transaction(TENANT) as tx:
            tx.execute("set local statement_timeout = 0")
            if tx.execute(waits).fetchall()[0][0] == 0:
                break
        time.sleep(0.2)
    house.log.sign_due()
    print(f"{count:,} happened in {time.perf_counter() - began:,.0f} s", file=sys.stderr)
    return count


def settled(futures: list[Any]) -> int:
    """Wait for answers; a reward that somebody cannot pay is no accident, anything else is."""
    answers: list[Answer] = [one.result(600) for one in futures]
    refused = [one for one in answers if one.status not in ("applied", "issued")]
    for one in refused:
        if one.problem is not None and one.problem.code != "insufficient_units":
            raise SystemExit(f"{one.id}: {one.problem.detail} [{one.problem.code}]")
    return len(refused)


class Watch(threading.Thread):
    """Looks at the memory of a process and of the PostgreSQL that it starts."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.python_mb = self.backend_mb = self.backends_mb = 0.0
        self.cpu: dict[str, float] = {}
        self.steps: list[tuple[float, float]] = []
        """Memory of Python now and then: seconds since the beginning, MB."""
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        began = time.perf_counter()
        while not self._ended.wait(_SAMPLE_SECONDS):
            mine = own_mb(self.pid)
            self.python_mb = max(self.python_mb, mine)
            at = time.perf_counter() - began
            if not self.steps or at - self.steps[-1][0] > 10:
                self.steps.append((at, mine))
            servers = [own_mb(pid) for pid in descendants(self.pid)]
            self.backend_mb = max([self.backend_mb, *servers])
            self.backends_mb = max(self.backends_mb, sum(servers))


def own_mb(pid: int) -> float:
    """Tell how much memory a process has for itself, without what it shares."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [int(line.split()[1]) for line in text.splitlines() if line.startswith(("RssAnon:", "RssFile:"))]
    return sum(found) / 1024


def descendants(pid: int) -> list[int]:
    """List whatever a process started, and what that started."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(parent, []).append(int(place.name))
    found, left = [], [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def verified(folder: Path, *more: str) -> dict[str, Any]:
    """Run the command as anybody would.

    Returns:
        What it said, and what it took.
    """
    began = time.perf_counter()
    run = "import sys; from guerdon.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "verify", "--json", "--data", str(folder), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        watch.start()
        out, err = process.communicate()
        watch.end()
    if process.returncode not in (0, 1):
        raise SystemExit(err)
    return {
        **json.loads(out),
        "seconds": round(time.perf_counter() - began, 1),
        "python_mb": round(watch.python_mb),
        "backend_mb": round(watch.backend_mb),
        "all_backends_mb": round(watch.backends_mb),
        "python_mb_by_time": [(round(at), round(mb)) for at, mb in watch.steps],
        "told": err.splitlines(),
    }


DAMAGE = """
update entries set amount = amount + 1
where (account_id, seq, line) = (select account_id, seq, line from entries order by 1 desc, 2 desc, 3 limit 1)
returning account_id, seq
"""


def hurt(folder: Path) -> tuple[int, int]:
    """Change the last figure of the last account behind the engine's back, as only a superuser can."""
    server = EmbeddedPostgres(folder).start()
    try:
        with psycopg.connect(server.dsn("superuser", "guerdon")) as connection:
            connection.execute("set local session_replication_role = replica")
            connection.execute("set local search_path = guerdon")
            account, seq = connection.execute(DAMAGE).fetchall()[0]
            return account, seq
    finally:
        server.stop()


def measure(folder: Path, entries: int) -> dict[str, Any]:
    settings = load_settings(data=folder).model_copy(update={"database_url": None})
    house = open_house(settings)
    house.close()
    hasty = home_of(folder) / "custom.conf"
    hasty.write_text("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_wal_size = '4GB'\n")
    house = open_house(settings)
    try:
        began = time.perf_counter()
        count = fill(house, entries)
        filled = time.perf_counter() - began
        with house.database.connect("owner") as tx:
            tx.autocommit = True
            tx.execute("vacuum analyze")
            size = tx.execute("select pg_database_size(current_database())").fetchall()[0][0]
    finally:
        house.close()
    hasty.unlink()
    return {"happened": count, "filled_in": round(filled), "database_gb": round(size / 2**30, 2)}


def show(found: dict[str, Any]) -> None:
    table = Table(title="guerdon verify")
    names = ("what", "entries", "seconds", "entries/s", "Python MB", "a backend MB", "all MB", "findings")
    for name in names:
        table.add_column(name, justify="left" if name == "what" else "right")
    for what in ("whole", "ledger only, one figure changed"):
        one = found.get(what)
        if one is not None:
            rate = one["entries"] / one["seconds"]
            cells = (one["entries"], one["seconds"], rate, one["python_mb"], one["backend_mb"])
            shown = [f"{cell:,.0f}" for cell in (*cells, one["all_backends_mb"], one["findings"])]
            table.add_row(what, *shown)
    Console(width=max(110, Console().width)).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=300_000, help="about so many lines of the journal")
    parser.add_argument("--folder", type=Path, help="where the database is made, or is already")
    parser.add_argument("--keep", action="store_true", help="leave the database there")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="guerdon-verify-"))
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    try:
        if not home_of(folder).exists():
            found |= measure(folder, options.entries)
        found["whole"] = verified(folder)
        assert found["whole"]["holds"], found["whole"]["first"][:5]
        if not options.keep:
            found["hurt"] = hurt(folder)
            wrong = found["ledger only, one figure changed"] = verified(folder, "--ledger-only")
            assert not wrong["holds"], "one figure was changed, and nobody saw it"
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
