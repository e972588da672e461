"""Several engines on one database are right by row locks and keys; what they did waits in the outbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guerdon.engine.commands import Command, EnrolMember, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.outbox import relay
from guerdon.infra.outbox.relay import Consumer, Cursor
from guerdon.infra.tx import Tx
from guerdon.members.identities import normal_ref, parse_ref
from guerdon.members.profiles import Profile
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids


@pytest.fixture
def loops(world: World) -> Iterator[list[EngineLoop]]:
    settings = LoopSettings(queue_limit=20_000, batch_limit=16)
    made = [EngineLoop(world.database, MASTER_KEY, make_ids(), settings) for _ in range(3)]
    for loop in made:
        loop.start()
    yield made
    for loop in made:
        loop.stop()


def enrolment(world: World, name: str) -> EnrolMember:
    profile = Profile(identities=(normal_ref("external", name),), external_id=name)
    return EnrolMember(tenant_id=TENANT, program="club", received_at=world.now, profile=profile)


def test_the_same_flood_into_three_engines_happens_once(world: World, loops: list[EngineLoop]) -> None:
    flood: list[Command] = [enrolment(world, f"m{number}") for number in range(6)]
    waiting = [future for loop in loops for future in loop.submit_many(flood)]
    assert sum(future.result(60).created for future in waiting) == 6
    orders: list[Command] = [world.order("10.00", f"m{number % 6}") for number in range(120)]
    orders += [world.order("10.00", None) for _ in range(20)]
    waiting = [future for loop in loops for future in loop.submit_many(orders)]
    answers = [future.result(60) for future in waiting]
    assert [one.problem for one in answers if one.status == "rejected"] == []
    assert sum(one.status == "applied" for one in answers) == 140
    redeem = RedeemReward(
        tenant_id=TENANT, program="club", received_at=world.now, member=parse_ref("m0"), reward="voucher"
    )
    waiting = [future for loop in loops for future in loop.submit_many([redeem] * 10)]
    assert sum(future.result(60).status == "applied" for future in waiting) == 6
    assert world.rows("select sum(available) from wallets where wallet = 'points'") == [(1500,)]
    assert world.rows("select count(*) from quarantine") == [(0,)]
    world.verify()


def test_parcels_wait_for_the_relay_and_are_forgotten(world: World) -> None:
    first, second = Consumer("first"), Consumer("second")
    for consumer in (first, second):
        with world.database.transaction_as("relay") as tx:
            relay.register(tx, consumer)
    world.enrol("anna")
    world.ask(world.order("10.00"), world.order("600.00"))
    with world.database.transaction_as("relay") as tx:
        cursor = _locked(tx, first)
        parcels = relay.read(tx, cursor, 10)
        assert [list(parcel.notices) for parcel in parcels] == [
            ["member.enrolled", "units.awarded"],
            ["order.paid", "units.awarded"],
            ["order.paid", "units.awarded", "tier.changed"],
        ]
        assert {parcel.tenant_id for parcel in parcels} == {TENANT}
        relay.move(tx, cursor, parcels[1].place)
    with world.database.transaction_as("relay") as tx:
        cursor = _locked(tx, first)
        assert [parcel.event_id for parcel in relay.read(tx, cursor, 10)] == [parcels[2].event_id]
        relay.move(tx, cursor, cursor.horizon)
        # The other one has not read them.
        assert relay.prune(tx) == 0
    with world.database.transaction_as("relay") as tx:
        cursor = _locked(tx, second)
        assert len(relay.read(tx, cursor, 10)) == 3
        relay.move(tx, cursor, cursor.horizon)
        assert relay.prune(tx) == 3


def test_a_parcel_is_read_only_when_no_older_one_can_appear(world: World) -> None:
    consumer = Consumer("one")
    with world.database.transaction_as("relay") as tx:
        relay.register(tx, consumer)
    world.enrol("anna")
    with world.database.transaction(TENANT) as slow:
        slow.execute("select pg_current_xact_id()")
        world.ask(world.order("10.00"))
        with world.database.transaction_as("relay") as tx:
            assert len(relay.read(tx, _locked(tx, consumer), 10)) == 1
    with world.database.transaction_as("relay") as tx:
        assert len(relay.read(tx, _locked(tx, consumer), 10)) == 2


def test_a_cursor_belongs_to_one_and_accounts_to_one_part(world: World) -> None:
    parts = [Consumer("many", shard, 3) for shard in range(3)]
    for number in range(12):
        world.enrol(f"m{number}")
    with world.database.transaction_as("relay") as tx:
        for part in parts:
            relay.register(tx, part)
    read = []
    with world.database.transaction_as("relay") as tx:
        for part in parts:
            read += relay.read(tx, _locked(tx, part), 100)
        with world.database.transaction_as("relay") as other:
            assert relay.lock(other, parts[0]) is None
    assert len({parcel.account_id for parcel in read}) == len(read) == 12


def _locked(tx: Tx, consumer: Consumer) -> Cursor:
    cursor = relay.lock(tx, consumer)
    assert cursor is not None
    return cursor
