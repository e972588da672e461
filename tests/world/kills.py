"""Kills with many calls in flight: then everything is sent again, and each thing is there whole and once."""

from __future__ import annotations

import base64
import http.client
import queue
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from guerdon.base.ids import number_text, parse_number
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.members.crypto import Vault
from guerdon.programs.tenants import tenant_id_of
from tests.world.accounts import units_text
from tests.world.actors import BEGINS
from tests.world.driver import cloud_event
from tests.world.invariants import check_database
from tests.world.model import Act
from tests.world.places import Ground
from tests.world.programs import CLUB
from tests.world.replay import content_of, replay
from tests.world.servers import KEY, MASTER_KEY, LostError, Server, ask, clock
from tests.world.shop import storm

CALLERS = 48
IN_FLIGHT = 32
PEOPLE = 24
ACTS = 4_000
AGAIN_AT_ONCE = 12
MAIN = tenant_id_of("main")
FAILPOINTS = ("before_lock", "after_write", "in_commit", "after_commit")
POSTGRES = ("backend", "postmaster", "connection")
KINDS = (
    "engine",
    "before_lock",
    "postmaster",
    "after_write",
    "in_commit",
    "after_commit",
    "backend",
    "connection",
)
"""Half of them at named failpoints."""
CARTS_IN_FLIGHT = 4
"""Of those in flight, so many at least are about checkouts and returns."""
SHARE_OF_CARTS = 0.5
PER_SERVER = 8
"""Kills on one database: the supervisor of PostgreSQL gives up where it ends too often."""


@dataclass
class Row:
    """One kill."""

    kind: str
    in_flight: int
    carts: int
    """How many of these were about checkouts and returns."""
    lost: int
    doubled: int
    torn: int
    seconds: float
    """From the kill until the engine was ready again."""


@dataclass
class Report:
    rows: list[Row] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Flood:
    """Callers that send one act after the other until their connection breaks or the acts are used up."""

    def __init__(self, server: Server, acts: list[Act]) -> None:
        self.server = server
        self.waiting = deque(acts)
        self.sent: list[Act] = []
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.lost: list[Act] = []
        self.flying: dict[str, Act] = {}
        self.ended = threading.Event()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CALLERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            while not self.ended.is_set() and self._one(connection):
                pass
        finally:
            connection.close()

    def _one(self, connection: http.client.HTTPConnection) -> bool:
        with self._guard:
            if not self.waiting:
                return False
            act = self.waiting.popleft()
            self.sent.append(act)
            self.flying[act["label"]] = act
        try:
            answer = send(connection, act)
        except LostError:
            with self._guard:
                self.lost.append(self.flying.pop(act["label"]))
            return False
        with self._guard:
            del self.flying[act["label"]]
            self.answers[act["label"]] = answer
        return True


def send(connection: http.client.HTTPConnection, act: Act) -> tuple[int, dict[str, Any]]:
    """Send an act as a shop or an operator would."""
    if act["program"] == "store":
        return storm.send(connection, act)
    headers, base = clock(act["now"]), "/v1/programs/club"
    if act["do"] != "event":
        headers["Idempotency-Key"] = act["label"]
    if act["do"] == "event":
        return ask(connection, ("POST", f"{base}/events"), cloud_event(act), headers)
    if act["do"] == "redeem":
        body = {name: act[name] for name in ("reward", "quantity")} | {"member": act["who"]}
        return ask(connection, ("POST", f"{base}/redemptions"), body, headers)
    amount = units_text(act["amount"], CLUB.wallets[act["wallet"]].scale)
    body = {"wallet": act["wallet"], "amount": amount}
    body |= {"reason": act["reason"]} if act["do"] == "adjust" else {"to": act["to_account"]}
    path = "adjustments" if act["do"] == "adjust" else "transfers"
    return ask(connection, ("POST", f"{base}/accounts/{act['account']}/{path}"), body, headers)


class Siege:
    """One database, one engine after the other on it, and one model."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, seed: int) -> None:
        self.postgres = postgres
        self.ground = Ground(postgres)
        self.name = self.ground.make()
        folder.mkdir(parents=True, exist_ok=True)
        self.server = Server(postgres.dsn(database=self.name), folder)
        self.chance = random.Random(seed)
        self.accounts: dict[tuple[str, str], int] = {}
        self.numbers = 0
        self.now = BEGINS
        self.connections: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        for _ in range(AGAIN_AT_ONCE):
            self.connections.put(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60))
        self.storm = storm.Storm(self.chance)
        self.purchases: dict[str, Act] = {}
        """All acts about checkouts and returns so far, by label."""
        self.trouble: list[str] = []
        self.first: dict[str, tuple[int, dict[str, Any]]] = {}
        """First answers that said that something was applied, by label."""

    def open(self) -> None:
        """Apply the program and enrol everybody."""
        self.server.start()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request(
            "PUT",
            "/v1/programs/club",
            CLUB.text,
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/yaml"},
        )
        applied = connection.getresponse()
        assert applied.status in (200, 201), applied.read()
        applied.read()
        for place in range(PEOPLE):
            who = f"m{place}"
            status, said = ask(
                connection, ("POST", "/v1/programs/club/members"), {"external_id": who}, clock(self.now)
            )
            assert status in (200, 201), said
            account = parse_number("acc", said["account"])
            assert account is not None
            self.accounts["club", who] = account
        self.storm.open(connection, self.now)
        connection.close()

    def close(self) -> None:
        """End the engine, and hang up."""
        self.server.kill()
        while not self.connections.empty():
            self.connections.get().close()

    def acts(self) -> list[Act]:
        """A flood: mostly on a few hot accounts."""
        self.storm.waiting = []
        return [self.one_act() for _ in range(ACTS)]

    def one_act(self) -> Act:
        chance = self.chance
        self.numbers += 1
        number, label = self.numbers, f"a{self.numbers}"
        if chance.random() < SHARE_OF_CARTS:
            return self.storm.next_act(number, self.now)
        who = "m0" if chance.random() < 0.25 else f"m{chance.randrange(PEOPLE)}"
        base = {
            "label": label,
            "program": "club",
            "who": who,
            "now": self.now,
            "account": self.shown_account(who),
        }
        roll = chance.random()
        if roll < 0.7:
            kind = chance.choice(
                ("order.paid", "order.paid", "order.paid", "item.recycled", "promo.joined", "gift.claimed")
            )
            act = {"do": "event", "type": kind, "source": "shop", "id": label, "time": self.now, **base}
            if kind == "order.paid":
                act |= {"order": f"o{number}", "lines": [["1", chance.choice(("3.10", "12.50", "99.99"))]]}
            return {**act, "grams": 700} if kind == "item.recycled" else act
        if roll < 0.82:
            return {
                "do": "redeem",
                "reward": chance.choice(("mug", "set", "voucher")),
                "quantity": 1,
                "ref": label,
                **base,
            }
        if roll < 0.92:
            amount = chance.choice((90, 35, -10))
            return {
                "do": "adjust",
                "wallet": chance.choice(("points", "cash")),
                "amount": amount,
                "reason": label,
                **base,
            }
        to = f"m{chance.randrange(PEOPLE)}"
        return {
            "do": "send",
            "to": to,
            "to_account": self.shown_account(to),
            "wallet": "points",
            "amount": 5,
            **base,
        }

    def shown_account(self, who: str) -> str:
        return number_text("acc", self.accounts["club", who])

    def kill(self, kind: str) -> Row:
        """Flood the engine, kill, let it come back, send everything again, and look."""
        self.now += timedelta(hours=self.chance.choice((1, 9, 40)))
        if kind in FAILPOINTS:
            self.server.kill()
            self.server.start(f"{kind}:{self.chance.randint(3, 25)}")
        flood = Flood(self.server, self.acts())
        flood.start()
        in_flight = self.strike(kind, flood)
        began = time.monotonic()
        if kind in POSTGRES:
            self.recover_database(flood)
        else:
            flood.join()
            in_flight = list(flood.lost)
            self.server.start()
        seconds = time.monotonic() - began
        self.purchases |= {act["label"]: act for act in flood.sent if act["program"] == "store"}
        self.storm.carry_over(flood.waiting, self.purchases.values())
        lost, doubled, torn = self.look(flood)
        carts = sum(act["program"] == "store" for act in in_flight)
        return Row(kind, len(in_flight), carts, lost, doubled, torn, seconds)

    def strike(self, kind: str, flood: Flood) -> list[Act]:
        """Kill, and tell which calls were under way."""
        if kind in FAILPOINTS:
            assert self.server.wait_end(60), f"the failpoint {kind} was not reached"
            return []
        while len(flood.answers) < 100:
            time.sleep(0.01)
        time.sleep(self.chance.random() * 0.4)
        in_flight = list(flood.flying.copy().values())
        if kind == "engine":
            self.server.kill()
        elif kind == "postmaster":
            assert self.postgres.pid is not None
            psutil.Process(self.postgres.pid).send_signal(signal.SIGKILL)
        else:
            for pid in self.engine_backends():
                # The first backend that is killed takes the others with it.
                with suppress(psutil.NoSuchProcess, psycopg.OperationalError):
                    self.cut(kind, pid)
        return in_flight

    def engine_backends(self) -> list[int]:
        """The server processes behind the loop's connection and the pool's."""
        with psycopg.connect(self.postgres.dsn("superuser", "postgres"), autocommit=True) as connection:
            rows = connection.execute("select pid from pg_stat_activity where datname = %s", (self.name,))
            return [row[0] for row in rows]

    def cut(self, kind: str, pid: int) -> None:
        """End one process of PostgreSQL, or ask it to hang up."""
        if kind == "backend":
            psutil.Process(pid).send_signal(signal.SIGKILL)
            return
        with psycopg.connect(self.postgres.dsn("superuser", "postgres"), autocommit=True) as connection:
            connection.execute("select pg_terminate_backend(%s)", (pid,))

    def recover_database(self, flood: Flood) -> None:
        """Wait until the engine says that it is ready again; the callers go on meanwhile."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.server.call("GET", "/readyz", None, {})[0] == 200 and self.asks_again():
                    break
            except LostError:
                pass
            time.sleep(0.1)
        flood.join()

    def asks_again(self) -> bool:
        """Whether the database answers, which readiness may have learnt before."""
        try:
            with psycopg.connect(self.postgres.dsn(database=self.name)) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def look(self, flood: Flood) -> tuple[int, int, int]:
        """Send everything again, and compare with the model."""
        acts = {act["label"]: act for act in flood.sent if act["program"] == "club"}
        for label, answer in flood.answers.items():
            if is_applied(answer):
                self.first[label] = answer
        missing = self.send_again(flood)
        with Database(self.server.dsn, pool_size=1) as database:
            told = replay(database, MAIN, self.accounts)
            models = {"club": told.model}
            faults = told.faults + check_database(database, (MAIN, self.now), models, self.accounts)
            vault = Vault(base64.b64decode(MASTER_KEY), MAIN)
            bought = storm.judge(database, MAIN, self.first, list(self.purchases.values()), vault)
        stored = told.stored
        lost = missing + [
            label for label in acts if label in self.first and not stored[content_of(acts[label])]
        ]
        applied = Counter(content_of(act) for label, act in acts.items() if label in self.first)
        doubled = [what for what in applied if stored[what] > applied[what]]
        lost += bought.lost
        faults += bought.torn
        twice = [str(one) for one in doubled] + bought.doubled
        self.trouble = [f"lost {one}" for one in lost] + [f"doubled {one}" for one in twice] + faults
        return len(lost), len(twice), len(faults)

    def send_again(self, flood: Flood) -> list[str]:
        """Send all of it once more; who was told that it is done is told the same."""
        missing = []
        with ThreadPoolExecutor(AGAIN_AT_ONCE) as pool:
            for act, answer in zip(flood.sent, pool.map(self.persist, flood.sent), strict=True):
                before = self.first.get(act["label"])
                if before is not None and not is_same(before, answer):
                    missing.append(f"{act}: first {before}, then {answer}")
                elif is_applied(answer):
                    self.first[act["label"]] = answer
        return missing

    def persist(self, act: Act) -> tuple[int, dict[str, Any]]:
        connection = self.connections.get()
        try:
            return self.insist(connection, act)
        finally:
            self.connections.put(connection)

    def insist(self, connection: http.client.HTTPConnection, act: Act) -> tuple[int, dict[str, Any]]:
        for _ in range(40):
            try:
                answer = send(connection, act)
            except LostError:
                time.sleep(0.25)
                continue
            if answer[0] != 503:
                return answer
            time.sleep(0.25)
        return 503, {}


def is_applied(answer: tuple[int, dict[str, Any]]) -> bool:
    return answer[0] in (200, 201) and answer[1].get("status") != "rejected"


def is_same(first: tuple[int, dict[str, Any]], again: tuple[int, dict[str, Any]]) -> bool:
    """Whether the second answer tells of the same thing as the first."""
    if not is_applied(again):
        return False
    one, other = first[1], again[1]
    if "effects" in one and "balances" in one:
        return bool(one["effects"] == other["effects"])
    return one == other


def run_kills(folder: Path, seed: int, kills: int, say: Callable[[str], None]) -> Report:
    """Kill so many times, each kind in turn.

    Args:
        folder: for databases and logs.
        seed: of choices.
        kills: how many.
        say: told each kill.

    Returns:
        What was seen.
    """
    report = Report()
    for first in range(0, kills, PER_SERVER):
        kinds = [KINDS[number % len(KINDS)] for number in range(first, min(kills, first + PER_SERVER))]
        with _siege(folder / str(first), seed + first) as siege:
            for kind in kinds:
                row = siege.kill(kind)
                report.rows.append(row)
                flying = f"{row.in_flight:4} in flight, {row.carts:3} of them carts"
                say(f"  {row.kind:14}{flying}, ready again after {row.seconds:.1f} s")
                for one in siege.trouble[:5]:
                    say(f"    {one}")
                report.faults += siege.trouble
                if row.in_flight < IN_FLIGHT or row.carts < CARTS_IN_FLIGHT:
                    report.faults.append(f"{row.kind}: only {flying}")
    return report


@contextmanager
def _siege(folder: Path, seed: int) -> Iterator[Siege]:
    folder.mkdir(parents=True)
    with EmbeddedPostgres(folder / "data") as postgres:
        siege = Siege(postgres, folder, seed)
        try:
            siege.open()
            yield siege
        finally:
            siege.close()


def report_kills(report: Report) -> str:
    """Write the table.

    Args:
        report: of `run_kills`.

    Returns:
        A line for each kind, and the faults.
    """
    lines = ["kind            times  in flight    carts     lost  doubled  torn  seconds until ready"]
    for kind in dict.fromkeys(row.kind for row in report.rows):
        rows = [row for row in report.rows if row.kind == kind]
        flying = f"{min(row.in_flight for row in rows)}–{max(row.in_flight for row in rows)}"
        carts = f"{min(row.carts for row in rows)}–{max(row.carts for row in rows)}"
        sums = [sum(getattr(row, name) for row in rows) for name in ("lost", "doubled", "torn")]
        worst = max(row.seconds for row in rows)
        counts = f"{sums[0]:9}{sums[1]:9}{sums[2]:6}"
        lines.append(f"{kind:14}{len(rows):7}{flying:>11}{carts:>9}{counts}{worst:10.1f} at most")
    return "\n".join([*lines, *report.faults[:20]])
