"""The console among a million: searching members, and the overview beside plain SQL over the journal.

    python -m benchmarks.console [members] [orders] [--json FILE]

Members are enrolled as the engine does it, with identities, name words and sealed profiles; orders are laid
into the tables by SQL, one award each, over thirteen months. A figure is CPU of the asking process and of its
PostgreSQL backend, in milliseconds. Every plan is looked at: a search that reads a whole table ends the run.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.engine_loop import backend_cpu, own_cpu
from guerdon.base.ids import Chance, IdMaker
from guerdon.engine.events import pack_decision
from guerdon.engine.intake import compress
from guerdon.infra.arrays import byteas, instants
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx
from guerdon.insight.rollups import Keeper
from guerdon.members import members as searching
from guerdon.members.crypto import Vault
from guerdon.members.enrolment import EnrolBatch, Newcomer, enrol
from guerdon.members.identities import normal_ref
from guerdon.members.members import Desk, search_members
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition, get_live
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision, Entry, Transaction
from guerdon.rules.definition import load_definition
from guerdon.web.console.figures import load_figures
from guerdon.wiring import Live

TENANT = tenant_id_of("bench")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAYS = 395
BATCH = 1_000
ASKED = 60
PROGRAM = """
program: bench
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, expires: {after: 12mo, from: earned}, cost: "0.01"}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
"""
BEGINNINGS = (
    "an",
    "be",
    "chi",
    "da",
    "el",
    "fa",
    "gi",
    "ha",
    "in",
    "ja",
    "ka",
    "li",
    "ma",
    "ni",
    "o",
    "pra",
    "ri",
)
MIDDLES = ("na", "ri", "sha", "to", "mi", "lo", "da", "ve", "ku", "ra")
ENDS = ("", "n", "s", "la", "ta", "ri", "nda", "bert", "dip", "wen")
_ORDERS = """
with days as (
    select day, at, body, decision
    from unnest(%(at)s::timestamptz[], %(bodies)s::bytea[], %(decisions)s::bytea[])
        with ordinality as d (at, body, decision, day)
), people as (select account_id, row_number() over () as place from accounts where program_id = %(program)s)
insert into events (program_id, account_id, event_id, member_id, type, source, id, order_id, channel, store,
    occurred_at, booked_at, version, late, first_seq, transactions, body, sealed, decision)
select %(program)s, p.account_id, (lpad(to_hex(n), 12, '0') || '-7000-8000-000000000000')::uuid, null,
    'order.paid', 'shop', 'e' || n, 'o' || n, 'web', '', d.at, d.at, 1, false, n, 1, d.body, null, d.decision
from generate_series(%(first)s::bigint, %(last)s::bigint) n
join days d on d.day = 1 + n %% %(days)s join people p on p.place = 1 + (n * 7919) %% %(people)s
"""
_TRANSACTIONS = """
insert into transactions (program_id, account_id, seq, transaction_id, kind, wallet, effective_at, booked_at,
    event_id, reason, leaf_hash)
select program_id, account_id, first_seq, event_id, 'award', 'points', occurred_at, booked_at, event_id, '',
    decode(repeat('00', 32), 'hex') from events where type = 'order.paid'
"""
_ENTRIES = """
insert into entries (account_id, seq, line, wallet, book, amount, available_at, expires_at, source)
select account_id, seq, line, 'points', book, sign * 20, case when line = 0 then effective_at end,
    case when line = 0 then effective_at + interval '1 year' end,
    case when line = 0 then 'base_earn' else '' end
from transactions cross join (values (0, 'member', 1), (1, 'issued', -1)) as l (line, book, sign)
"""
_PLAIN = """
select date_trunc('month', t.effective_at at time zone 'America/New_York')::date, e.wallet, e.book, t.kind,
    sum(e.amount)::bigint
from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
where t.program_id = %s and t.effective_at >= %s and e.book <> 'member' group by 1, 2, 3, 4
"""


def name_of(chance: random.Random) -> str:
    """Make a name; some beginnings are much commoner than others."""

    def word() -> str:
        return (chance.choice(BEGINNINGS) + chance.choice(MIDDLES) + chance.choice(ENDS)).capitalize()

    return f"{word()} {word()}{chance.choice(MIDDLES)}"


def populate(database: Database, vault: Vault, program_id: int, people: int) -> float:
    """Enrol so many people; gives the CPU seconds that it took here."""
    chance, began = random.Random(1), own_cpu()
    ids = IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(2).getrandbits)
    for start in range(0, people, BATCH):
        newcomers = []
        for number in range(start, min(start + BATCH, people)):
            external, email = f"cust-{number}", f"p{number}@mail.example"
            refs = (normal_ref("external", external), normal_ref("email", email))
            profile = Profile(refs, external_id=external, email=email, name=name_of(chance))
            newcomers.append(Newcomer(profile, NOW - timedelta(days=number % DAYS)))
        with database.transaction(TENANT) as tx:
            enrol(tx, EnrolBatch(vault, program_id, newcomers, ids, Chance(start.to_bytes(16, "big"))))
    return own_cpu() - began


def fill(database: Database, program_id: int, people: int, orders: int) -> None:
    """Lay so many orders into the tables."""
    days = [NOW - timedelta(days=DAYS - day) for day in range(DAYS)]
    bodies, decisions = [], []
    for at in days:
        line = {"id": "1", "quantity": "1", "price": "20.00"}
        data = {"id": "any", "lines": [line]}
        bodies.append(compress(msgspec.json.encode({"type": "order.paid", "data": data})))
        entries = (
            Entry("member", 20, at, at + timedelta(days=365), "base_earn"),
            Entry("issued", -20),
        )
        decisions.append(
            pack_decision(Decision(1, transactions=(Transaction("award", "points", at, entries),)))
        )
    values = {"program": program_id, "days": DAYS, "people": people, "first": 1, "last": orders}
    packed = {"at": instants(days), "bodies": byteas(bodies), "decisions": byteas(decisions)}
    with database.connect("app") as tx:
        tx.execute(b"set guerdon.tenant = '%d'" % TENANT)
        tx.execute("set statement_timeout = 0")
        tx.execute(_ORDERS, {**values, **packed})
        tx.execute(_TRANSACTIONS)
        tx.execute(_ENTRIES)
        tx.commit()
    with database.connect("owner") as tx:
        tx.autocommit = True
        tx.execute("set statement_timeout = 0")
        tx.execute("analyze")


def measured(tx: Tx, act: Callable[[], Any], times: int) -> dict[str, float]:
    """Measure CPU of both processes, and the wall time, of one act many times over."""
    rows = []
    for _ in range(times):
        backend, python, wall = backend_cpu(tx.info.backend_pid), own_cpu(), time.perf_counter()
        act()
        spent = (own_cpu() - python, backend_cpu(tx.info.backend_pid) - backend, time.perf_counter() - wall)
        rows.append([one * 1000 for one in spent])
    python_ms, postgres_ms, wall_ms = ([row[place] for row in rows] for place in range(3))
    both = sorted(one + other for one, other in zip(python_ms, postgres_ms, strict=True))
    return {
        "python_ms": statistics.fmean(python_ms),
        "postgres_ms": statistics.fmean(postgres_ms),
        "cpu_p99_ms": both[min(len(both) - 1, int(len(both) * 0.99))],
        "wall_median_ms": statistics.median(wall_ms),
        "wall_p99_ms": sorted(wall_ms)[min(len(wall_ms) - 1, int(len(wall_ms) * 0.99))],
    }


def planned(tx: Tx, statement: str, values: tuple[Any, ...]) -> str:
    """Give the plan of a statement as it would run; a sequential scan ends the run."""
    lines = [str(row[0]) for row in tx.execute("explain " + statement, values)]
    if any("Seq Scan" in line for line in lines):
        raise SystemExit("\n".join(lines))
    return next((line.strip(" ->") for line in lines if "Index" in line), lines[0])


def searches(tx: Tx, desk: Desk, people: int) -> dict[str, dict[str, float]]:
    """Search in all the ways there are."""
    chance = random.Random(3)

    def ask(text: Callable[[], str]) -> Callable[[], Any]:
        return lambda: search_members(tx, desk, text(), limit=41)

    def name() -> str:
        return name_of(chance).lower()

    words = {
        "by external id": lambda: f"cust-{chance.randrange(people)}",
        "by e-mail": lambda: f"p{chance.randrange(people)}@mail.example",
        "by a word of a name": lambda: name().split()[0],
        "by two words": name,
        "by three letters": lambda: name()[:3],
        "nobody's name": lambda: "zyxwv" + str(chance.randrange(1000)),
    }
    return {what: measured(tx, ask(text), ASKED) for what, text in words.items()}


def overviews(tx: Tx, live: Live) -> dict[str, dict[str, float]]:
    """Make the overview from the sums, and one of its parts from the journal."""
    first = NOW - timedelta(days=DAYS)
    return {
        "overview from the sums": measured(tx, lambda: load_figures(tx, live, NOW), ASKED),
        "units by month, plain SQL over the journal": measured(
            tx, lambda: tx.execute(_PLAIN, (live.program_id, first)).fetchall(), 3
        ),
    }


def check(tx: Tx, live: Live) -> None:
    """Insist that both say the same."""
    first = NOW - timedelta(days=DAYS)
    journal: dict[Any, int] = {}
    for month, _, book, _, amount in tx.execute(_PLAIN, (live.program_id, first)):
        assert book == "issued"
        journal[month] = -amount
    figures = load_figures(tx, live, NOW)
    sums = {day: moved.issued for day, moved in zip(figures.months, figures.by_month["points"], strict=True)}
    assert {day: units for day, units in sums.items() if units and day in journal} == {
        day: units for day, units in journal.items() if day in sums
    }


def run(people: int, orders: int) -> dict[str, Any]:
    """Build the million and ask."""
    found: dict[str, Any] = {"members": people, "orders": orders}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.dsn())
        with Database(server.dsn()) as database:
            vault = Vault(bytes(32), TENANT)
            ids = IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(4).getrandbits)
            with database.transaction(TENANT) as tx:
                ensure_tenant(tx, "bench", "Bench", sandbox=True, now=NOW)
                apply_definition(tx, NewDefinition(load_definition(PROGRAM), PROGRAM, "bench", NOW), ids)
                version = get_live(tx, "bench")
            program = compile_program(load_definition(version.canonical), version.version)
            live = Live(version.program_id, version.version, program)
            found["enrolled_cpu_s"] = populate(database, vault, live.program_id, people)
            fill(database, live.program_id, people, orders)
            keeper, began, wall = Keeper(database, lambda: datetime.now(UTC)), own_cpu(), time.perf_counter()
            while keeper.catch_up():
                pass
            found["first_summing_python_s"] = own_cpu() - began
            found["first_summing_wall_s"] = time.perf_counter() - wall
            with database.connect("app") as tx:
                tx.execute(b"set guerdon.tenant = '%d'" % TENANT)
                desk = Desk(vault, live.program_id)
                digest = vault.digest("external", "cust-1")
                word = bytes(16)
                found["plans"] = {
                    "identity": planned(
                        tx,
                        "select account_id from identities where program_id = %s and digest = %s",
                        (live.program_id, digest),
                    ),
                    "name": planned(tx, searching._NAMED, (live.program_id, word, 2**62, 2_000)),  # noqa: SLF001 - its plan is looked at
                    "newest": planned(tx, searching._PAGE, (live.program_id, 2**62, 41)),  # noqa: SLF001 - its plan is looked at
                }
                check(tx, live)
                found["measured"] = {**searches(tx, desk, people), **overviews(tx, live)}
    return found


def show(found: dict[str, Any]) -> None:
    """Print one table."""
    title = f"The console among {found['members']:,} members and {found['orders']:,} orders, ms"
    table = Table(title=title)
    for name in ("what", "Python CPU", "PostgreSQL CPU", "CPU p99", "wall median", "wall p99"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, row in found["measured"].items():
        table.add_row(name, *(str(Decimal(str(value)).quantize(Decimal("0.1"))) for value in row.values()))
    console = Console(width=max(110, Console().width))
    console.print(table)
    for name, plan in found["plans"].items():
        console.print(f"plan of {name}: {plan}")
    python, wall = found["first_summing_python_s"], found["first_summing_wall_s"]
    console.print(f"first summing: {python:.1f} s CPU here, {wall:.1f} s in all; reach of a search: 100 ms")


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("members", type=int, nargs="?", default=1_000_000)
    parser.add_argument("orders", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = run(options.members, options.orders)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
