"""Kills with many calls in flight: then everything is sent again, and each thing is there whole and once."""

from __future__ import annotations

import base64
import http.client
import queue
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
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
from tests.world.actors import BEGINS
from tests.world.flood import Flood, send
from tests.world.invariants import check_database
from tests.world.kill_table import Report, Row, keep
from tests.world.logs import Watch, wait_logged
from tests.world.model import Act
from tests.world.places import Ground, SmallDisk, can_mount
from tests.world.programs import CLUB
from tests.world.replay import content_of, replay
from tests.world.servers import KEY, MASTER_KEY, LostError, Server, ask, clock
from tests.world.shop import storm

IN_FLIGHT = 32
PEOPLE = 24
ACTS = 4_000
AGAIN_AT_ONCE = 12
MAIN = tenant_id_of("main")
FAILPOINTS = ("before_lock", "after_write", "in_commit", "after_commit")
POSTGRES = ("backend", "postmaster", "connection", "disk")
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
ON_A_SMALL_DISK = (
    "disk",
    "before_lock",
    "disk",
    "after_write",
    "in_commit",
    "disk",
    "postmaster",
    "after_commit",
)
"""The same where the disk of PostgreSQL can be filled."""
CARTS_IN_FLIGHT = 4
"""Of those in flight, so many at least are about checkouts and returns."""
SHARE_OF_CARTS = 0.5
PER_SERVER = 8
"""Kills on one database: the supervisor of PostgreSQL gives up where it ends too often."""


@dataclass(frozen=True)
class Setting:
    """What a siege is made of."""

    seed: int
    engines: int = 1
    small_disk: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kills in their order."""
        return ON_A_SMALL_DISK if self.small_disk else KINDS


class Siege:
    """One database, one engine after the other on it, perhaps beside another one, and one model."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, setting: Setting) -> None:
        self.postgres = postgres
        self.folder = folder
        self.ground = Ground(postgres)
        self.name = self.ground.make()
        self.servers = [
            Server(postgres.dsn(database=self.name), _made(folder / f"engine{number}"))
            for number in range(setting.engines)
        ]
        self.server = self.servers[0]
        """The one that is killed."""
        self.ports = [server.port for server in self.servers]
        self.chance = random.Random(setting.seed)
        self.accounts: dict[tuple[str, str], int] = {}
        self.numbers = 0
        self.now = BEGINS
        self.connections: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
        for place in range(AGAIN_AT_ONCE):
            port = self.ports[place % len(self.ports)]
            self.connections.put(http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        self.storm = storm.Storm(self.chance)
        self.watch = Watch(random.Random(setting.seed))
        self.purchases: dict[str, Act] = {}
        """All acts about checkouts and returns so far, by label."""
        self.trouble: list[str] = []
        self.first: dict[str, tuple[int, dict[str, Any]]] = {}
        """First answers that said that something was applied, by label."""

    def open(self) -> None:
        """Apply the program and enrol everybody."""
        for server in self.servers:
            server.start()
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
        """End the engines, and hang up."""
        for server in self.servers:
            server.kill()
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
        flood = Flood(self.ports, self.acts())
        flood.start()
        in_flight = self.strike(kind, flood)
        began = time.monotonic()
        if kind in POSTGRES:
            self.recover_database(flood)
        else:
            beside = flood.flying.copy()
            flood.join()
            in_flight = list((beside | {act["label"]: act for act in flood.lost}).values())
            self.server.start()
        seconds = time.monotonic() - began
        self.purchases |= {act["label"]: act for act in flood.sent if act["program"] == "store"}
        self.storm.carry_over(flood.waiting, self.purchases.values())
        lost, doubled, torn = self.look(flood)
        carts = sum(act["program"] == "store" for act in in_flight)
        return Row(kind, len(self.servers), len(in_flight), carts, lost, doubled, torn, seconds)

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
        elif kind == "disk":
            with SmallDisk.filled(self.folder / "data"):
                time.sleep(0.5 + 2 * self.chance.random())
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
                ready = [server.call("GET", "/readyz", None, {})[0] for server in self.servers]
                if set(ready) == {200} and self.asks_again():
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
            wait_logged(database, MAIN)
            told = replay(database, MAIN, self.accounts)
            faults = self.watch.look(database, MAIN)
            if len(self.servers) == 1:
                models = {"club": told.model}
                faults += told.faults + check_database(database, (MAIN, self.now), models, self.accounts)
            else:
                # Ids that two processes give are in no order that a model could follow: the audit, which goes
                # by each account's own journal, judges alone.
                faults += check_database(database, (MAIN, self.now), {}, self.accounts)
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


def settings_of(seed: int, kills: int) -> Iterator[tuple[Setting, Sequence[str]]]:
    """Divide kills among sieges: one engine, two, and a disk that can be filled, where that is allowed.

    Args:
        seed: of the first.
        kills: how many.

    Yields:
        Each siege with its kinds of kills.
    """
    for first in range(0, kills, PER_SERVER):
        turn = (first // PER_SERVER) % 3
        setting = Setting(seed + first, 2 if turn == 1 else 1, turn == 2 and can_mount())
        yield setting, setting.kinds[: min(PER_SERVER, kills - first)]


def run_kills(
    folder: Path, seed: int, kills: int, say: Callable[[str], None], kept: Path | None = None
) -> Report:
    """Kill so many times, each kind in turn.

    Args:
        folder: for databases and logs.
        seed: of choices.
        kills: how many.
        say: told each kill.
        kept: a file to which each kill is added at once, or None.

    Returns:
        What was seen.
    """
    report = Report()
    for setting, kinds in settings_of(seed, kills):
        with _siege(folder / str(setting.seed), setting) as siege:
            for kind in kinds:
                row = siege.kill(kind)
                report.rows.append(row)
                if kept is not None:
                    keep(kept, row, setting.seed)
                flying = f"{row.in_flight:4} in flight, {row.carts:3} of them carts"
                name = f"{row.kind} of {row.engines}"
                say(f"  {name:18}{flying}, ready again after {row.seconds:.1f} s")
                for one in siege.trouble[:5]:
                    say(f"    seed {setting.seed}: {one}")
                report.faults += siege.trouble
                if row.in_flight < IN_FLIGHT or row.carts < CARTS_IN_FLIGHT:
                    report.faults.append(f"{row.kind}: only {flying}")
    return report


@contextmanager
def _siege(folder: Path, setting: Setting) -> Iterator[Siege]:
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        if setting.small_disk:
            stack.enter_context(SmallDisk.mounted(_made(folder / "data")))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "data"))
        siege = Siege(postgres, folder, setting)
        try:
            siege.open()
            yield siege
        finally:
            siege.close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
