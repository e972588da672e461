"""Challenges on a real database: prizes come once, and everything can be told again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import JoinChallenge, LeaveChallenge
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.rules.state import Progress
from tests.rooms.engine.conftest import MASTER_KEY, PROGRAM, TENANT, World, make_ids, prepare

CHALLENGES = """
badges:
  regular: {name: Regular, metric: orders, levels: [1, 3]}
  finisher: {name: Finisher}
challenges:
  card: {metric: orders, every: 3, prize: [{award: {wallet: points, amount: "30"}}]}
  joined: {metric: orders, goal: 2, opt_in: true, prize: [{award: {wallet: points, amount: "5"}}]}
  backwards: {metric: orders, goal: 2, opt_in: true, looks_back: true, prize: [{grant: voucher}]}
  again: {metric: spend, goal: 100, repeatable: true, prize: [{award: {wallet: points, amount: "7"}}]}
  week: {metric: orders, goal: 2, within: 7d, prize: [{badge: finisher}]}
  november:
    metric: spend
    goal: 50
    starts: 2026-11-01
    ends: 2026-11-30
    prize: [{award: {wallet: points, amount: "11"}}]
  three:
    steps: [{metric: orders, goal: 1}, {event: item.recycled, times: 2}, {metric: skus, goal: 2}]
    prize: [{award: {wallet: points, amount: "13"}}]
  ordered:
    steps: [{metric: orders, goal: 1}, {event: item.recycled}]
    in_order: true
    prize: [{award: {wallet: points, amount: "17"}}]
  own:
    metric: spend
    opt_in: true
    goal: {personal: "metrics.spend * 2", at_least: 40}
    prize: [{award: {wallet: points, amount: "19"}}]
"""
METRICS = """
  orders: {event: order.paid}
  spend: {event: order.paid, value: order.net}
  skus: {event: order.paid, distinct: "order.lines.map(l, l.sku)"}
"""


def with_challenges(challenges: str = CHALLENGES) -> str:
    return PROGRAM.replace("metrics:\n", f"metrics:{METRICS}") + challenges


@pytest.fixture
def club(database: Database) -> Iterator[World]:
    prepare(database, with_challenges())
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield World(database, loop)
    loop.stop()


def take_part(world: World, challenge: str, subject: str = "anna", *, leave: bool = False) -> Answer:
    command = (LeaveChallenge if leave else JoinChallenge)(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        member=normal_ref("external", subject),
        challenge=challenge,
    )
    return world.ask(command)[0]


def progress(world: World) -> dict[str, Any]:
    rows = world.rows("select challenge, times, joined_at, revision, state from challenge_progress")
    return {row[0]: row[1:] for row in rows}


def times(world: World) -> dict[str, int]:
    return {key: row[0] for key, row in progress(world).items() if row[0]}


def given(answer: Answer) -> list[str]:
    """What challenges gave, in its order."""
    assert answer.problem is None, answer.problem
    told = [one for one in answer.effects if ":" in one["campaign"]]
    return [f"{one['campaign']} {one.get('units') or one.get('badge') or one.get('reward')}" for one in told]


def audit(world: World) -> None:
    world.verify()
    with world.database.transaction(TENANT) as tx:
        found = [str(one) for one in Audit(tx, Vault(MASTER_KEY, TENANT)).run()]
        assert found == [], "\n".join(found)


def test_prizes_come_when_goals_are_reached(club: World) -> None:
    club.enrol("anna")
    answers = [club.ask(club.order("30.00"))[0] for _ in range(7)]
    for one in answers:
        print(given(one))
    print(answers[2].effects)
    print(times(club))
    audit(club)
