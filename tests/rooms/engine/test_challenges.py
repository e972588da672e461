"""Challenges on a real database: prizes come once, and everything can be told again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import (
    JoinChallenge,
    LeaveChallenge,
    MergeAccounts,
    ReturnOrder,
    UseRedemption,
)
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import normal_ref
from guerdon.rules.sent import ReturnAsked
from tests.rooms.engine.conftest import MASTER_KEY, PROGRAM, TENANT, World, make_ids, prepare
from tests.rooms.engine.crowds import running
from tests.rooms.engine.test_versions import apply, in_threads

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
    """Which challenges and badges gave something."""
    assert answer.problem is None, answer.problem
    return sorted({one["campaign"] for one in answer.effects if ":" in one["campaign"]})


def audit(world: World) -> None:
    world.verify()
    with world.database.transaction(TENANT) as tx:
        found = [str(one) for one in Audit(tx, Vault(MASTER_KEY, TENANT)).run()]
        assert found == [], "\n".join(found)


def test_prizes_come_when_goals_are_reached(club: World) -> None:
    club.enrol("anna")
    take_part(club, "joined")
    take_part(club, "own")
    brought = []
    for _ in range(4):
        club.later(minutes=1)
        brought += given(club.ask(club.order("30.00"))[0])
    club.ask(club.event("item.recycled", data={"sku": "b", "grams": 1}))
    told = club.ask(club.event("item.recycled", data={"sku": "b", "grams": 1}))[0]
    assert brought == [
        *("badge:regular:1",),
        *("challenge:joined", "challenge:november", "challenge:own", "challenge:week"),
        *("badge:regular:2", "challenge:card"),
        "challenge:again",
    ]
    assert given(told) == []
    backwards = take_part(club, "backwards")
    assert given(backwards) == ["challenge:backwards"]
    assert take_part(club, "joined").problem is not None
    take_part(club, "joined", leave=True)
    found = progress(club)
    assert {key: one[0] for key, one in found.items() if not key.startswith("badge:")} == {
        "again": 1,
        "backwards": 1,
        "card": 1,
        "joined": 1,
        "november": 1,
        "ordered": 1,
        "own": 1,
        "three": 0,
        "week": 1,
    }
    audit(club)


def test_a_prize_comes_once_whoever_calls(club: World) -> None:
    """64 callers send the order that reaches the goal, and others, at once to two engines."""
    club.enrol("anna")
    club.ask(club.order("10.00"))
    same = club.order("10.00")
    others = [club.order("1.00") for _ in range(4)]
    answers: list[Answer] = []
    with running(club.database, 2) as engines:

        def call(number: int) -> None:
            command = same if number % 8 else others[number // 16]
            answers.append(engines[number % 2].submit_many([command])[0].result(60))

        in_threads(64, call)
    assert len(answers) == 64
    assert all(one.problem is None for one in answers)
    # Six different orders: two prizes of the punch card, one of everything else.
    assert times(club) == {"badge:regular:1": 1, "badge:regular:2": 1, "card": 2, "week": 1}
    awards = club.rows("select sum(amount) from entries where book = 'member' and source = 'challenge:card'")
    assert awards == [(60,)]
    audit(club)


def test_returns_put_everything_back(club: World) -> None:
    club.enrol("anna")
    take_part(club, "backwards")
    orders = [f"order{number}" for number in range(4)]
    for order in orders:
        club.later(minutes=1)
        club.ask(club.order("60.00", order=order))
    assert sum(times(club).values()) > 5
    voucher = club.rows("select redemption_id from redemptions")[0][0]
    use = UseRedemption(tenant_id=TENANT, program="club", received_at=club.now, redemption_id=voucher)
    assert club.ask(use)[0].problem is None
    shortfalls: list[Mapping[str, Any]] = []
    for order in reversed(orders):
        club.later(minutes=1)
        asked = ReturnAsked(order=order, id=f"back-{order}", all=True)
        answer = club.ask(ReturnOrder(tenant_id=TENANT, program="club", received_at=club.now, asked=asked))[0]
        assert answer.problem is None, answer.problem
        shortfalls += answer.shortfalls
    assert times(club) == {}
    assert club.rows("select badge from badges") == []
    assert [one["reason"] for one in shortfalls] == ["redemption_used"]
    audit(club)


CHANGES = (
    "update challenge_progress set times = times + 1 where challenge = 'card'",
    "update challenge_progress set joined_at = now() where challenge = 'card'",
    "update challenge_progress set revision = revision + 1 where challenge = 'card'",
    "update challenge_progress set reached_at = now() where challenge = 'card'",
    "update challenge_progress set program_id = program_id + 1 where challenge = 'card'",
    "update challenge_progress set state = jsonb_set(state, '{rounds}', '{\"1970-01-01\": 7}')",
    "delete from challenge_progress where challenge = 'card'",
)


def test_what_is_changed_behind_the_engine_is_found(club: World) -> None:
    club.enrol("anna")
    for _ in range(3):
        club.ask(club.order("30.00"))
    for change in CHANGES:
        assert found_after(club, change), change
    audit(club)


def found_after(world: World, statement: str) -> list[str]:
    """What an audit finds after a change, which is taken back then."""
    with world.database.transaction(TENANT) as tx:
        tx.execute("savepoint before")
        tx.execute(statement)
        found = [one.table for one in Audit(tx, Vault(MASTER_KEY, TENANT)).run()]
        tx.execute("rollback to savepoint before")
    return [one for one in found if one == "challenge_progress"]


def test_two_accounts_that_become_one_keep_what_they_reached(club: World) -> None:
    club.enrol("anna")
    club.enrol("ben")
    take_part(club, "joined", "ben")
    for subject in ("anna", "anna", "ben"):
        club.later(minutes=1)
        club.ask(club.order("30.00", subject))
    ids = dict(
        club.rows("select account_id, created_at from accounts where kind = 'person' order by account_id")
    )
    anna, ben = sorted(ids)
    merge = MergeAccounts(
        tenant_id=TENANT, program="club", received_at=club.now, account_id=ben, into_account=anna
    )
    assert club.ask(merge)[0].problem is None
    audit(club)
    club.later(minutes=1)
    # Ben had joined, and one order counted for him; what Anna had bought before counts for nothing.
    assert given(club.ask(club.order("30.00"))[0]) == [
        *("badge:regular:2", "challenge:again", "challenge:card", "challenge:joined"),
    ]
    assert times(club)["card"] == 1
    audit(club)


def test_a_changed_definition_keeps_what_was_reached(club: World) -> None:
    club.enrol("anna")
    for _ in range(3):
        club.ask(club.order("30.00"))
    changed = CHALLENGES.replace("{metric: orders, every: 3,", "{metric: orders, every: 2,")
    dated = changed.replace("goal: 50", "goal: 95")
    apply(club, with_challenges(dated))
    assert given(club.ask(club.order("30.00"))[0]) == ["challenge:again", "challenge:card"]
    assert times(club)["card"] == 2
    audit(club)
