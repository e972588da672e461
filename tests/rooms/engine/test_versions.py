"""A version goes live at once and whole: each event is decided by exactly one, and by none that was over."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from guerdon.base.errors import Problem
from guerdon.engine.audit import Audit
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.members.crypto import Vault
from guerdon.programs.changes import InUse
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.decision import Decision
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, NOW, PROGRAM, TENANT, World, make_ids, world

__all__ = ["world"]

CALLERS = 32
VERSIONS = 12
_DECISIONS = msgspec.json.Decoder(Decision)


def text_of(version: int) -> str:
    return PROGRAM.replace("amount: order.earning_base}", f"amount: order.earning_base * {version}}}")


def apply(world: World, text: str, in_use: InUse | None = None) -> int:
    with world.database.transaction(TENANT) as tx:
        new = NewDefinition(load_definition(text), text, "test", NOW, in_use or InUse())
        return apply_definition(tx, new, make_ids()).version


def in_threads(count: int, work: Callable[[int], None]) -> None:
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not faults


def test_each_of_many_events_during_applies_is_decided_by_one_version(world: World) -> None:
    world.ask(*(world.event("member.enrolled", f"m{number}", enrol=True) for number in range(8)))
    over = threading.Event()
    least = [1]
    begun: dict[str, int] = {}
    loops = [world.loop, EngineLoop(world.database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=2_000))]
    loops[1].start()

    def call(number: int) -> None:
        if number == CALLERS:
            for version in range(2, VERSIONS + 1):
                least[0] = apply(world, text_of(version))
                time.sleep(0.05)
            over.set()
            return
        for turn in itertools.count():
            last = over.is_set()
            name = f"o-{number}-{turn}"
            begun[name] = least[0]
            command = world.order("10.00", f"m{number % 8}", order=name)
            answer = loops[number % 2].submit_many([command])[0].result(60)
            assert answer.status == "applied", answer.problem
            if last:
                return

    try:
        in_threads(CALLERS + 1, call)
    finally:
        loops[1].stop()
    rows = world.rows("select order_id, version, decision from events where order_id is not null")
    assert len(rows) == len(begun)
    for order_id, version, packed in rows:
        decision = _DECISIONS.decode(packed)
        assert decision.version == version
        awarded = {one.campaign: one.amount for one in decision.effects if one.wallet == "points"}
        assert awarded == {"base_earn": 10 * version}
        # Whoever called after a version was live was decided by it or by a later one.
        assert begun[order_id] <= version <= VERSIONS
    assert len({version for _, version, _ in rows}) > 2
    audit(world)


def audit(world: World) -> None:
    world.verify()
    with world.database.transaction(TENANT) as tx:
        found = Audit(tx, Vault(MASTER_KEY, TENANT))
        assert list(found.run()) == []


GIVEN_UP = (
    text_of(1)
    .replace("  later: {scale: 2, rounding: floor, pending: 14d, expires: never}\n", "")
    .replace(', {award: {wallet: later, amount: "0.25"}}', "")
)
RETIRED = GIVEN_UP + "\nretired: {wallets: {later: {into: points, rate: 100, scale: 2}}}\n"


def held(world: World) -> InUse:
    query = "select distinct wallet from wallets where available <> 0 or pending <> 0"
    return InUse(wallets=lambda keys: {row[0] for row in world.rows(query)} & set(keys))


def test_a_wallet_is_given_up_and_had_back_while_people_earn(world: World) -> None:
    world.ask(*(world.event("member.enrolled", f"m{number}", enrol=True) for number in range(8)))
    orders = 12

    def call(number: int) -> None:
        if number == CALLERS:
            for text in (RETIRED, text_of(1), RETIRED):
                apply(world, text, held(world))
            return
        for turn in range(orders):
            answer = world.ask(world.order("10.00", f"m{number % 8}", order=f"o-{number}-{turn}"))[0]
            assert answer.status == "applied", answer.problem

    in_threads(CALLERS + 1, call)
    world.ask(*(world.order("10.00", f"m{number}") for number in range(8)))
    versions = dict(world.rows("select version, count(*) from events where order_id is not null group by 1"))
    assert sum(versions.values()) == CALLERS * orders + 8
    # Each order under a version with the wallet brought a quarter, and each quarter became 25 points.
    quarters = versions.get(1, 0) + versions.get(3, 0)
    sums = dict(world.rows("select wallet, sum(available + pending) from wallets group by 1"))
    enrolled = world.rows("select count(*) from events where type = 'member.enrolled'")[0][0]
    assert sums == {"points": 10 * sum(versions.values()) + 100 * enrolled + 25 * quarters, "later": 0} or (
        quarters == 0 and sums == {"points": 10 * sum(versions.values()) + 100 * enrolled}
    )
    audit(world)


def test_a_wallet_cannot_go_while_somebody_is_earning_in_it(world: World) -> None:
    """Who decides by the version that has the wallet is waited for before it is asked who holds units."""
    world.enrol("anna")
    without = GIVEN_UP
    with world.database.transaction(TENANT) as deciding:
        program_id = deciding.execute("select program_id from programs").fetchall()[0][0]
        deciding.execute("select pg_advisory_xact_lock_shared(%s)", (program_id,))
        asked = threading.Event()
        refused: list[str] = []

        def remove() -> None:
            def wallets(keys: object) -> set[str]:
                asked.set()
                return {"later"}

            try:
                apply(world, without, InUse(wallets=wallets))
            except Problem as problem:
                refused.append(problem.code)

        thread = threading.Thread(target=remove)
        thread.start()
        assert not asked.wait(0.3)
    thread.join(30)
    assert asked.is_set()
    assert refused == ["wallet_in_use"]


@pytest.mark.parametrize("text", [text_of(2), RETIRED])
def test_an_event_waits_for_the_version_that_is_being_applied(world: World, text: str) -> None:
    world.enrol("anna")
    with world.database.transaction(TENANT) as tx:
        new = NewDefinition(load_definition(text), text, "test", NOW)
        apply_definition(tx, new, make_ids())
        waiting = world.loop.submit_many([world.order("10.00")])[0]
        time.sleep(0.2)
        assert not waiting.done()
    assert waiting.result(30).status == "applied"
    assert world.rows("select max(version) from events") == [(2,)]
