"""Events from memory through the loop: rate, and CPU microseconds an event of Python and of PostgreSQL.

    python -m benchmarks.engine_loop [events] [accounts] [callers] [lines]

`callers` 0 submits everything at once; otherwise so many callers wait for each answer before the next.
"""

from __future__ import annotations

import json
import os
import random
import resource
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from guerdon.base.ids import IdMaker
from guerdon.engine.answers import Answer
from guerdon.engine.commands import EnrolMember, IngestEvent, ReturnOrder
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import load_definition

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TENANT = tenant_id_of("bench")
TICKS = os.sysconf("SC_CLK_TCK")
PROGRAM = """
program: bench
name: Bench
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 14d, expires: {after: 12mo, from: earned, end_of: month}}
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


Asked = IngestEvent | ReturnOrder
"""What is measured."""


class Callers:
    """So many callers, each with one event on its way."""

    def __init__(self, loop: EngineLoop, commands: Sequence[Asked], width: int) -> None:
        self.loop, self.commands, self.width = loop, commands, width
        self.sent = 0
        self.done = threading.Event()
        self.answered = 0
        self.refused: list[Answer] = []

    def run(self) -> None:
        self.sent = min(self.width, len(self.commands))
        self.loop.put(self.commands[: self.sent], self)
        self.done.wait()

    def deliver(self, answers: Sequence[tuple[int, Answer]]) -> None:
        self.answered += len(answers)
        self.refused += [answer for _, answer in answers if answer.status != "applied"]
        more = self.commands[self.sent : self.sent + len(answers)]
        self.sent += len(more)
        if more:
            self.loop.put(more, self)
        if self.answered == len(self.commands):
            self.done.set()


def order(number: int, account: int, lines: int) -> IngestEvent:
    sold = [
        {
            "id": str(line),
            "sku": f"SKU-{line}",
            "name": "Trail backpack 40 litres",
            "quantity": 1,
            "price": f"{10 + (number * 7 + line) % 90}.{number % 100:02d}",
            "categories": ["backpack", "outdoor"],
            "brand": "Trail",
        }
        for line in range(lines)
    ]
    event = {
        "specversion": "1.0",
        "id": f"evt-{number}",
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "subject": f"external:m{account}",
        "data": {"id": f"A-{number}", "currency": "USD", "channel": "web", "lines": sold},
    }
    raw = json.dumps(event).encode()
    return IngestEvent(tenant_id=TENANT, program="bench", received_at=NOW, raw=raw)


def make_ids() -> IdMaker:
    return IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(secrets.token_bytes(32)).getrandbits)


def backend_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(loop: EngineLoop, pid: int, commands: Sequence[Asked], width: int) -> dict[str, object]:
    callers = Callers(loop, commands, width or len(commands))
    python, postgres, began = own_cpu(), backend_cpu(pid), time.perf_counter()
    callers.run()
    wall = time.perf_counter() - began
    python, postgres = own_cpu() - python, backend_cpu(pid) - postgres
    assert not callers.refused, callers.refused[0]
    count = len(commands)
    return {
        "events": count,
        "callers": width or "bulk",
        "per_second": round(count / wall),
        "python_us": round(python / count * 1e6),
        "postgres_us": round(postgres / count * 1e6),
    }


def prepare(database: Database, loop: EngineLoop, accounts: int) -> None:
    with database.transaction(TENANT) as tx:
        ensure_tenant(tx, "bench", "Bench", sandbox=False, now=NOW)
        apply_definition(tx, NewDefinition(load_definition(PROGRAM), PROGRAM, "bench", NOW), make_ids())
    loop.start()
    enrolments = [
        EnrolMember(
            tenant_id=TENANT,
            program="bench",
            received_at=NOW,
            profile=Profile(identities=(normal_ref("external", f"m{account}"),), external_id=f"m{account}"),
        )
        for account in range(accounts)
    ]
    for future in loop.submit_many(enrolments):
        assert future.result(600).status == "applied"


def main() -> None:
    count, accounts, callers, lines = (
        int(sys.argv[place]) if len(sys.argv) > place else default
        for place, default in ((1, 10_000), (2, 2_000), (3, 256), (4, 10))
    )
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.dsn())
        database = Database(server.dsn())
        loop = EngineLoop(database, bytes(32), make_ids(), LoopSettings(queue_limit=1_000_000))
        prepare(database, loop, accounts)
        pid = loop.backend_pid
        numbers = iter(range(10_000_000))
        warm = [order(next(numbers), place % accounts, lines) for place in range(2_000)]
        measure(loop, pid, warm, callers)
        spread = [order(next(numbers), place % accounts, lines) for place in range(count)]
        print(json.dumps({"accounts": accounts, **measure(loop, pid, spread, callers)}))
        hot = [order(next(numbers), 0, lines) for _ in range(count // 2)]
        print(json.dumps({"accounts": 1, **measure(loop, pid, hot, callers)}))
        loop.stop()
        database.close()


if __name__ == "__main__":
    main()
