"""Metrics that a new definition brings are counted from history, beside serving."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from guerdon.engine.audit import Audit
from guerdon.engine.counting import Counting, Recounter, count_from_events
from guerdon.engine.counting.keeper import waiting
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.replaying.facts import read_fact
from guerdon.members.accounts import list_accounts
from guerdon.members.crypto import Vault
from guerdon.members.standing import Wanted, load_standing
from guerdon.programs.programs import get_live, list_programs
from guerdon.rules.decision import Decision
from guerdon.rules.metrics import value_on
from guerdon.rules.state import Bucket
from tests.architecture.source import ROOT
from tests.rooms.engine.conftest import MASTER_KEY, PROGRAM, TENANT, World, make_ids, world
from tests.rooms.engine.counting import recounter_of
from tests.rooms.engine.test_versions import apply, in_threads

__all__ = ["world"]

METRICS = """
  products: {event: order.paid, distinct: "order.lines.map(l, l.sku)"}
  days: {event: order.paid, streak: {of: day, forgives: 1}, window: calendar_year}
  record: {event: order.paid, streak: {of: week, longest: true}}
  least: {event: order.paid, min: order.net, window: {rolling: 30d}}
  most: {event: order.paid, max: order.net}
  latest: {event: order.paid, last: event.time}
  own_year: {event: order.paid, value: order.net, window: membership_year}
  campaign: {event: order.paid, window: {starts: 2026-11-01, ends: 2026-12-31}}
  sent_back: {event: order.returned, value: order.net}
  students: {event: order.paid, when: "account.owner.attributes.persona == 'student'"}
"""
RICHER = PROGRAM.replace("metrics:\n", f"metrics:{METRICS}").replace(
    "  welcome:\n",
    """  curious:
    trigger: order.paid
    when: metrics.products >= 3
    then: [{award: {wallet: points, amount: "7"}}]
  welcome:
""",
)
CHANGED = RICHER.replace("forgives: 1", "forgives: 3")


def counting_of(world: World) -> Counting:
    live = world.loop.programs.load((TENANT, "club"))
    return Counting(Vault(MASTER_KEY, TENANT), live.program, live.recorded, live.metrics_since, read_fact)


def recounter(world: World) -> Recounter:
    return recounter_of(world.database)


def stored(world: World) -> Mapping[int, Mapping[tuple[str, date], Bucket]]:
    """All buckets of the live version's metrics, without those in which nothing is left."""
    counting = counting_of(world)
    names = {one.identity for one in counting.program.metrics.values()}
    with world.database.transaction(TENANT) as tx:
        accounts = list_accounts(tx, list_programs(tx)[0].program_id)
        standing = load_standing(tx, Wanted([one.account_id for one in accounts], names))
    return {number: filled(one.buckets) for number, one in standing.items()}


def recounted(world: World) -> Mapping[int, Mapping[tuple[str, date], Bucket]]:
    counting = counting_of(world)
    with world.database.transaction(TENANT) as tx:
        accounts = list_accounts(tx, list_programs(tx)[0].program_id)
        found = count_from_events(tx, counting, accounts)
    return {number: filled(one) for number, one in found.items()}


def filled(buckets: Mapping[tuple[str, date], Bucket]) -> dict[tuple[str, date], Bucket]:
    return {key: one for key, one in buckets.items() if one.count or one.held or one.total}


def behind(world: World) -> int:
    with world.database.transaction(TENANT) as tx:
        return waiting(tx, get_live(tx, "club")).behind


def audit(world: World) -> None:
    world.verify()
    with world.database.transaction(TENANT) as tx:
        assert list(Audit(tx, Vault(MASTER_KEY, TENANT)).run()) == []


def shop(world: World, chance: random.Random, subject: str) -> Any:
    """An order at any time of the year so far, late ones as well."""
    at = world.now.replace(month=chance.randint(1, 11), day=chance.randint(1, 21))
    lines = [
        {"id": str(place), "sku": chance.choice("abcdef"), "quantity": 1, "price": f"{chance.randint(1, 40)}"}
        for place in range(chance.randint(1, 2))
    ]
    number = next(world.numbers)
    return world.event("order.paid", subject, data={"id": f"o{number}", "lines": lines}, time=at.isoformat())


def live_a_while(world: World, chance: random.Random, members: list[str], rounds: int) -> None:
    bought: list[str] = []
    for _ in range(rounds):
        events = [shop(world, chance, chance.choice(members)) for _ in range(4)]
        for answer in world.ask(*events):
            assert answer.status == "applied", answer.problem
        names = [row[0] for row in world.rows("select order_id from events where order_id is not null")]
        bought = [one for one in names if one not in returned_of(world)]
        if bought and chance.random() < 0.7:
            name = chance.choice(bought)
            data = {"order": name, "id": f"r-{name}", **chance.choice([WHOLE, PART])}
            answer = world.ask(world.event("order.returned", None, data=data))[0]
            assert answer.status in ("applied", "rejected"), answer.problem
        world.later(hours=1)


WHOLE: dict[str, Any] = {"all": True}
PART: dict[str, Any] = {"lines": [{"id": "0"}]}


def returned_of(world: World) -> set[str]:
    rows = world.rows(
        "select distinct e.order_id from order_returns r join events e on e.event_id = r.order_event"
    )
    return {row[0] for row in rows}


@pytest.fixture
def members(world: World) -> list[str]:
    names = [f"m{number}" for number in range(6)]
    for number, name in enumerate(names):
        world.enrol(name, attributes={"persona": "student" if number % 2 else "commuter"})
    return names


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_counted_from_history_goes_on_as_if_it_had_always_been(
    world: World, members: list[str], seed: int
) -> None:
    chance = random.Random(seed)
    live_a_while(world, chance, members, 5)
    for text in (RICHER, CHANGED):
        apply(world, text)
        assert behind(world) == len(members)
        # Some are counted because something happens to them, the others in the background.
        live_a_while(world, chance, members[:3], 2)
        assert 0 < behind(world) < len(members)
        background = recounter(world)
        while background.work():
            pass
        assert behind(world) == 0
        assert stored(world) == recounted(world)
        live_a_while(world, chance, members, 2)
        assert stored(world) == recounted(world)
        audit(world)
    assert {
        row[0] for row in world.rows("select distinct split_part(metric, '@', 1) from metric_buckets")
    } >= {
        "products",
        "days",
        "record",
        "sent_back",
        "students",
    }


def test_the_first_decision_of_a_new_version_knows_the_whole_history(world: World) -> None:
    world.enrol("anna")
    for sku in "ab":
        lines = [{"id": "1", "sku": sku, "quantity": 1, "price": "10.00"}]
        world.ask(world.event(data={"id": f"o-{sku}", "lines": lines}))
    apply(world, RICHER)
    lines = [{"id": "1", "sku": "c", "quantity": 1, "price": "10.00"}]
    answer = world.ask(world.event(data={"id": "o-c", "lines": lines}))[0]
    assert answer.status == "applied"
    ((packed,),) = world.rows("select decision from events where order_id = 'o-c'")
    decision = msgspec.json.decode(packed, type=Decision)
    assert "curious" in {one.campaign for one in decision.effects}, "two products were before"
    audit(world)


def test_a_return_of_an_older_order_corrects_what_was_defined_since(world: World) -> None:
    world.enrol("anna")
    lines = [{"id": "1", "sku": "a", "quantity": 1, "price": "10.00"}]
    world.ask(world.event(data={"id": "o-a", "lines": lines}))
    apply(world, RICHER)
    world.ask(world.event("order.returned", None, data={"order": "o-a", "id": "r", "all": True}))
    live = counting_of(world).program
    (buckets,) = stored(world).values()
    assert {key[0].split("@")[0] for key in buckets} == {"sent_back"}
    assert live.metrics["sent_back"].identity in {key[0] for key in buckets}
    audit(world)


def test_a_version_that_comes_back_counts_what_happened_meanwhile(world: World) -> None:
    world.enrol("anna")
    apply(world, RICHER)
    world.ask(world.order("10.00"))
    apply(world, PROGRAM)
    world.ask(world.order("15.00"))
    apply(world, RICHER)
    world.ask(world.order("20.00"))
    live = counting_of(world).program
    with world.database.transaction(TENANT) as tx:
        (account,) = list_accounts(tx, list_programs(tx)[0].program_id)
        wanted = Wanted([account.account_id], {one.identity for one in live.metrics.values()})
        counts = load_standing(tx, wanted)[account.account_id].counts(live.zone)
    assert value_on(live.metrics["own_year"], counts, live.zone.day_of(world.now)) == Decimal(45)
    assert stored(world) == recounted(world)
    audit(world)


def test_a_change_of_campaigns_alone_counts_nothing_anew(world: World) -> None:
    world.enrol("anna")
    world.ask(world.order())
    apply(world, PROGRAM.replace('amount: "100"', 'amount: "90"'))
    assert behind(world) == 0


def test_a_count_that_is_killed_half_way_goes_on(world: World) -> None:
    members = [f"m{number}" for number in range(120)]
    world.ask(*(world.event("member.enrolled", one, enrol=True) for one in members))
    world.ask(*(world.order("5.00", one) for one in members))
    apply(world, RICHER)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.rooms.engine.counting", world.database.conninfo],
        cwd=ROOT,
        env={**os.environ, "GUERDON_FAILPOINT": "metrics_counted:2"},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert behind(world) == 70, "the first page of fifty stands, nothing of the second does"
    background = recounter(world)
    while background.work():
        pass
    assert behind(world) == 0
    assert stored(world) == recounted(world)
    audit(world)


def test_callers_are_served_while_history_is_counted(world: World) -> None:
    members = [f"m{number}" for number in range(16)]
    world.ask(*(world.event("member.enrolled", one, enrol=True) for one in members))
    chance = random.Random(3)
    world.ask(*(shop(world, chance, chance.choice(members)) for _ in range(400)))
    other = EngineLoop(world.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=2_000))
    other.start()
    lock = threading.Lock()

    def call(number: int) -> None:
        if number == 0:
            apply(world, RICHER)
            background = recounter(world)
            while background.work():
                pass
            apply(world, CHANGED)
            while background.work():
                pass
            return
        loop = (world.loop, other)[number % 2]
        for _ in range(6):
            with lock:
                event = shop(world, chance, chance.choice(members))
            answer = loop.submit(event).result(60)
            assert answer.status == "applied", answer.problem

    try:
        in_threads(33, call)
    finally:
        other.stop()
    background = recounter(world)
    while background.work():
        pass
    assert behind(world) == 0
    assert stored(world) == recounted(world)
    audit(world)
