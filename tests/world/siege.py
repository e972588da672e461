"""One database under siege: floods of calls, kills in them, then all is sent again and looked at."""

from __future__ import annotations

import base64
import http.client
import queue
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import psutil
import psycopg

from guerdon.base.ids import number_text, parse_number
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.programs.tenants import tenant_id_of
from tests.world.actors import BEGINS
from tests.world.cutting import Cutter
from tests.world.faults import Faults
from tests.world.flood import Flood, send
from tests.world.invariants import check_database
from tests.world.kill_table import Row
from tests.world.logs import Watch, wait_logged
from tests.world.model import Act
from tests.world.nursery import Nursery
from tests.world.places import Ground, SmallDisk
from tests.world.programs import CLUB
from tests.world.replay import content_of, replay
from tests.world.servers import KEY, MASTER_KEY, LostError, Server, ask, clock
from tests.world.shop import storm

PEOPLE = 24
ACTS = 1_500
AGAIN_AT_ONCE = 12
ANSWERED_FIRST = 40
"""So many answers have come before anything is killed."""
MAIN = tenant_id_of("main")
FAILPOINTS = ("before_lock", "after_write", "in_commit", "after_commit")
CUTS = ("untold", "unanswered")
"""A connection is lost in its commit, before the server was told of it, or before it answered."""
POSTGRES = ("backend", "postmaster", "connection", "disk", "serialization", *CUTS)
SHARE_OF_CARTS = 0.5
SHARE_OF_COLD_STARTS = 0.05
"""Of engines that have a nursery: how long they take is only measured where they start from nothing."""


@dataclass(frozen=True)
class Setting:
    """What a siege is made of."""

    seed: int
    kinds: tuple[str, ...]
    """The kills in their order."""
    engines: int = 1
    small_disk: bool = False

    @property
    def has_cuts(self) -> bool:
        """Whether something stands between engines and PostgreSQL."""
        return bool(set(CUTS) & set(self.kinds))


class Siege:
    """One database, one engine after the other on it, perhaps beside another one, and one model."""

    def __init__(
        self, ground: Ground, folder: Path, setting: Setting, nursery: Nursery | None = None
    ) -> None:
        self.postgres = ground.server
        self.folder = folder
        self.name = ground.make()
        self.nursery = nursery
        dsn = ground.server.dsn(database=self.name)
        self.cutter = Cutter(dsn) if setting.has_cuts else None
        self.servers = [
            Server(self.cutter.dsn if self.cutter is not None else dsn, made(folder / f"engine{number}"))
            for number in range(setting.engines)
        ]
        self.database = Database(dsn, pool_size=1)
        self.faults = Faults(self.database)
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
        self.floods: list[Flood] = []
        """Those since everything was looked at."""
        self.purchases: dict[str, Act] = {}
        """All acts about checkouts and returns so far, by label."""
        self.trouble: list[str] = []
        self.first: dict[str, tuple[int, dict[str, Any]]] = {}
        """First answers that said that something was applied, by label."""

    def open(self) -> None:
        """Apply the program and enrol everybody."""
        for server in self.servers:
            server.start(self.nursery)
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
        self.database.close()
        if self.cutter is not None:
            self.cutter.close()

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

    def flood(self) -> Flood:
        """Begin to flood the engines."""
        if not self.floods:
            # What is sent again comes at the time at which it was sent first.
            self.now += timedelta(hours=self.chance.choice((1, 9, 40)))
        flood = Flood(self.ports, self.acts())
        self.floods.append(flood)
        flood.start()
        return flood

    def carry_over(self, flood: Flood) -> None:
        """Remember what was asked about carts, and what is still to be asked."""
        self.purchases |= {act["label"]: act for act in flood.sent if act["program"] == "store"}
        self.storm.carry_over(flood.waiting, self.purchases.values())

    def kill_all(self, kinds: Sequence[str]) -> list[Row]:
        """Kill every engine, each in its own way, and let all of them come back.

        Args:
            kinds: for each engine, `engine` or a failpoint.

        Returns:
            A kill for each, with what that engine had in flight.
        """
        flood = self.flood()
        self.await_answers(flood)
        for server, kind in zip(self.servers, kinds, strict=True):
            if kind in FAILPOINTS:
                server.arm(f"{kind}:{self.chance.randint(1, 8)}")
        rows = []
        # Those that are killed at any moment first: who waits for another may have nothing to do any more.
        for server, kind in sorted(
            zip(self.servers, kinds, strict=True), key=lambda one: one[1] in FAILPOINTS
        ):
            if kind in FAILPOINTS:
                assert server.wait_end(180), f"the failpoint {kind} was not reached"
                time.sleep(0.05)
                in_flight = flood.flying_at(server.port)
            else:
                time.sleep(self.chance.random() * 0.2)
                in_flight = flood.flying_at(server.port)
                server.kill()
            carts = sum(act["program"] == "store" for act in in_flight)
            rows.append(Row(kind, len(self.servers), len(in_flight), carts, 0, 0, 0, 0.0, is_cold=False))
        began = time.monotonic()
        flood.join()
        for server in self.servers:
            server.spawn(self.nursery)
        for server in self.servers:
            server.wait_ready()
        for row in rows:
            row.seconds = time.monotonic() - began
        self.carry_over(flood)
        return rows

    def await_answers(self, flood: Flood) -> None:
        """Wait until the flood is under way."""
        while len(flood.answers) < ANSWERED_FIRST:
            assert self.server.is_alive(), "the engine ended before it was killed"
            time.sleep(0.01)

    def kill(self, kind: str) -> Row:
        """Flood the engines, kill, and let what was killed come back."""
        flood = self.flood()
        in_flight = self.strike(kind, flood)
        began = time.monotonic()
        is_cold = True
        if kind in POSTGRES:
            self.recover_database(flood)
        else:
            beside = flood.flying.copy()
            flood.join()
            in_flight = list((beside | {act["label"]: act for act in flood.lost}).values())
            is_cold = self.nursery is None or self.chance.random() < SHARE_OF_COLD_STARTS
            self.server.start(None if is_cold else self.nursery)
        seconds = time.monotonic() - began
        self.carry_over(flood)
        carts = sum(act["program"] == "store" for act in in_flight)
        return Row(kind, len(self.servers), len(in_flight), carts, 0, 0, 0, seconds, is_cold)

    def strike(self, kind: str, flood: Flood) -> list[Act]:
        """Kill, and tell which calls were under way."""
        self.await_answers(flood)
        if kind in FAILPOINTS:
            self.server.arm(f"{kind}:{self.chance.randint(1, 15)}")
            assert self.server.wait_end(60), f"the failpoint {kind} was not reached"
            return []
        time.sleep(self.chance.random() * 0.4)
        in_flight = list(flood.flying.copy().values())
        if kind == "engine":
            self.server.kill()
        elif kind == "postmaster":
            assert self.postgres.pid is not None
            psutil.Process(self.postgres.pid).send_signal(signal.SIGKILL)
        elif kind in ("backend", "connection"):
            for pid in self.engine_backends():
                # The first backend that is killed takes the others with it.
                with suppress(psutil.NoSuchProcess, psycopg.OperationalError):
                    self.cut(kind, pid)
        else:
            self.fail(kind)
        return in_flight

    def fail(self, kind: str) -> None:
        """Have PostgreSQL refuse, or lose the connection in a commit."""
        if kind == "disk":
            with SmallDisk.filled(self.folder / "data"):
                time.sleep(0.5 + 2 * self.chance.random())
        elif kind == "serialization":
            times = self.chance.randint(1, 5)
            with self.faults.armed({"kind": kind, "times": times}, None):
                time.sleep(0.3 + self.chance.random())
        else:
            assert self.cutter is not None
            when: Literal["untold", "unanswered"] = "untold" if kind == "untold" else "unanswered"
            assert self.cutter.cut(when, 60), "nothing was committed"

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

    def look(self) -> tuple[int, int, int]:
        """Send everything since the last look again, and compare all that is stored with the model."""
        sent = [act for flood in self.floods for act in flood.sent]
        for flood in self.floods:
            for label, answer in flood.answers.items():
                if is_applied(answer):
                    self.first[label] = answer
        self.floods = []
        acts = {act["label"]: act for act in sent if act["program"] == "club"}
        missing = self.send_again(sent)
        database = self.database
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

    def send_again(self, sent: list[Act]) -> list[str]:
        """Send all of it once more; who was told that it is done is told the same."""
        missing = []
        with ThreadPoolExecutor(AGAIN_AT_ONCE) as pool:
            for act, answer in zip(sent, pool.map(self.persist, sent), strict=True):
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


def made(folder: Path) -> Path:
    """Make a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
