"""Redemptions at once: stock, limits and points give exactly as many as there are, and take back."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import CancelRedemption, Command, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.members.identities import parse_ref
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids

SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
rewards:
  few: {kind: product, price: {points: 10}, stock: 5}
  show: {kind: event, price: {points: 10}, seats: 3, limits: {per_account: 1}}
  dear: {kind: product, price: {points: 60}}
"""
CLIENTS = 64


@pytest.fixture
def shop(world: World) -> World:
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(SHOP), SHOP, "test", world.now), make_ids())
    for number in range(CLIENTS):
        world.enrol(f"m{number}")
    return world


@pytest.fixture(params=[1, 2], ids=["one engine", "two engines"])
def engines(shop: World, request: pytest.FixtureRequest) -> Iterator[list[EngineLoop]]:
    made = [
        EngineLoop(shop.database, MASTER_KEY, make_ids(), LoopSettings(batch_limit=16))
        for _ in range(request.param)
    ]
    for loop in made:
        loop.start()
    yield made
    for loop in made:
        loop.stop()


def taking(world: World, member: str, reward: str) -> RedeemReward:
    return RedeemReward(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        member=parse_ref(f"external:{member}"),
        reward=reward,
    )


def crowd(engines: list[EngineLoop], commands: list[Command]) -> list[Answer]:
    spread = itertools.cycle(engines)
    futures = [next(spread).submit_many([command])[0] for command in commands]
    return [future.result(60) for future in futures]


def told(answers: list[Answer]) -> Counter[str]:
    return Counter("taken" if one.problem is None else one.problem.code for one in answers)


def cancelling(world: World, answer: Answer) -> CancelRedemption:
    number = parse_number("red", str(answer.redemptions[0]["id"]))
    assert number is not None
    return CancelRedemption(tenant_id=TENANT, program="club", received_at=world.now, redemption_id=number)


@pytest.mark.parametrize(("reward", "there"), [("few", 5), ("show", 3)])
def test_as_many_are_taken_as_there_are(
    shop: World, engines: list[EngineLoop], reward: str, there: int
) -> None:
    answers = crowd(engines, [taking(shop, f"m{number}", reward) for number in range(CLIENTS)])
    assert told(answers) == {"taken": there, "out_of_stock": CLIENTS - there}
    won = [one for one in answers if one.problem is None]
    crowd(engines, [cancelling(shop, one) for one in won[:2]])
    again = crowd(engines, [taking(shop, f"m{number}", reward) for number in range(CLIENTS)])
    assert told(again)["taken"] == 2
    assert shop.rows("select used from shared_counters where counter like '%stock%'") == [(there,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    shop.verify()


def test_points_for_one_redemption_buy_one(shop: World, engines: list[EngineLoop]) -> None:
    answers = crowd(engines, [taking(shop, "m1", "dear") for _ in range(CLIENTS)])
    assert told(answers) == {"taken": 1, "insufficient_units": CLIENTS - 1}
    (won,) = [one for one in answers if one.problem is None]
    crowd(engines, [cancelling(shop, won)])
    assert told(crowd(engines, [taking(shop, "m1", "dear") for _ in range(CLIENTS)]))["taken"] == 1
    assert told(crowd(engines, [taking(shop, "m2", "show") for _ in range(3)])) == {
        "taken": 1,
        "limit_reached": 2,
    }
    shop.verify()
