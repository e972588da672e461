"""Events through the whole engine and a real database."""

from __future__ import annotations

import hashlib
import json

import pytest

from guerdon.engine.commands import IngestEvent, Once
from guerdon.engine.events import Page as EventPage
from guerdon.engine.events import find_orders, list_events
from tests.rooms.engine.conftest import NOW, TENANT, World


def test_an_order_earns(world: World) -> None:
    enrolled = world.enrol("anna")
    assert enrolled.status == "applied"
    assert enrolled.created
    assert enrolled.balances["points"].available == "100"
    answer = world.ask(world.order("129.90"))[0]
    assert answer.status == "applied"
    assert {"campaign": "base_earn", "award": {"wallet": "points", "amount": "129"}} in answer.effects
    assert answer.balances["points"].available == "229"
    assert (answer.balances["later"].available, answer.balances["later"].pending) == ("0.00", "0.25")
    assert world.rows("select available, pending from wallets order by wallet") == [(0, 25), (229, 0)]
    world.verify()


def count(world: World, table: str) -> int:
    return int(world.rows(f"select count(*) from {table}")[0][0])  # noqa: S608 - names of ours


def test_an_earn_writes_at_most_ten_rows_and_its_lookups(world: World) -> None:
    world.enrol("anna")
    counted = [
        "transactions",
        "entries",
        "lots",
        "wallets",
        "event_keys",
        "events",
        "outbox",
        "metric_buckets",
    ]
    world.ask(world.event("huge.nothing"))
    before = {name: count(world, name) for name in counted}
    world.ask(world.event("item.recycled", data={"sku": "A", "grams": 5}))
    after = {name: count(world, name) for name in counted}
    grown = {name: after[name] - before[name] for name in counted}
    assert grown == {
        "transactions": 1,
        "entries": 2,
        "lots": 0,  # shared with the welcome's lot
        "wallets": 0,
        "event_keys": 1,
        "events": 1,
        "outbox": 1,
        "metric_buckets": 0,
    }


def test_the_same_event_again_gives_the_first_effects(world: World) -> None:
    world.enrol("anna")
    order = world.order("20.00")
    first, second = world.ask(order)[0], world.ask(order)[0]
    assert (first.status, second.status) == ("applied", "duplicate")
    assert second.effects == first.effects
    assert second.balances == first.balances
    assert world.rows("select count(*) from events where type = 'order.paid'") == [(1,)]


def test_the_same_event_spaced_otherwise_and_by_another_name_of_the_member_is_the_same(world: World) -> None:
    enrolled = world.enrol("anna")
    order = world.order("20.00")
    sent = json.loads(order.raw)
    sent["subject"] = enrolled.member
    other = json.dumps(dict(reversed(sent.items())), indent=2).encode()
    again = IngestEvent(tenant_id=TENANT, program="club", received_at=NOW, raw=other)
    assert [one.status for one in world.ask(order, again)] == ["applied", "duplicate"]


def test_duplicates_within_one_batch(world: World) -> None:
    world.enrol("anna")
    order = world.order("20.00")
    answers = world.ask(*[order] * 100)
    assert sorted(one.status for one in answers) == ["applied"] + ["duplicate"] * 99
    assert len({json.dumps(one.effects) for one in answers}) == 1
    assert world.rows("select available from wallets where wallet = 'points'") == [(120,)]


@pytest.mark.parametrize("together", [True, False])
def test_another_event_with_the_same_id_is_refused(world: World, together: bool) -> None:
    world.enrol("anna")
    one, other = world.order("20.00", id="x"), world.order("30.00", id="x")
    answers = world.ask(one, other) if together else [*world.ask(one), *world.ask(other)]
    assert answers[1].status == "rejected"
    assert answers[1].problem is not None
    assert answers[1].problem.code == "event_id_reused"
    assert world.rows("select available from wallets where wallet = 'points'") == [(120,)]


@pytest.mark.parametrize("together", [True, False])
def test_an_order_is_paid_once_whatever_the_event_is_called(world: World, together: bool) -> None:
    world.enrol("anna")
    commands = [
        world.order("20.00", order="o", id="webhook"),
        world.order("20.00", order="o", id="confirm"),
        world.order("21.00", order="o", id="another"),
    ]
    answers = world.ask(*commands) if together else [world.ask(one)[0] for one in commands]
    assert [one.status for one in answers] == ["applied", "duplicate", "rejected"]
    assert answers[1].effects == answers[0].effects
    assert answers[2].problem is not None
    assert answers[2].problem.code == "order_already_paid"
    assert world.rows("select available from wallets where wallet = 'points'") == [(120,)]


def test_a_refused_event_leaves_nothing_and_may_come_again(world: World) -> None:
    order = world.order("20.00", subject="nobody-yet")
    refused = world.ask(order)[0]
    assert refused.problem is not None
    assert refused.problem.code == "member_not_found"
    assert refused.problem.errors[0]["pointer"] == "/subject"
    assert world.rows("select count(*) from events") == [(0,)]
    world.enrol("nobody-yet")
    assert world.ask(order)[0].status == "applied"


def test_a_guests_order_is_a_fact_without_an_account(world: World) -> None:
    order = world.order("20.00", subject=None)
    first, second = world.ask(order, order)
    assert (first.status, first.guest, first.effects, first.balances) == ("applied", True, [], {})
    assert second.status == "duplicate"
    assert world.rows("select account_id from events") == [(0,)]


def test_a_late_event_says_so(world: World) -> None:
    world.enrol("anna")
    early = world.order("5.00", time="2026-11-20T10:00:00Z")
    world.ask(world.order("6.00"))
    answer = world.ask(early)[0]
    assert (answer.status, answer.late) == ("applied", True)


def test_idempotency_keys_give_the_first_answer(world: World) -> None:
    world.enrol("anna")
    once = Once("POST /x", "k", hashlib.sha256(b"1").digest())
    first = world.ask(world.order("7.00", once=once))[0]
    assert world.ask(world.order("8.00", once=once))[0] == first
    other = world.ask(world.order("9.00", once=Once("POST /x", "k", hashlib.sha256(b"2").digest())))[0]
    assert other.problem is not None
    assert other.problem.code == "idempotency_key_reused"
    assert world.rows("select available from wallets where wallet = 'points'") == [(107,)]


def test_an_idempotency_key_is_forgotten_after_a_day(world: World) -> None:
    world.enrol("anna")
    once = Once("POST /x", "k", hashlib.sha256(b"1").digest())
    world.ask(world.order("7.00", once=once))
    world.later(hours=25)
    assert world.ask(world.order("8.00", once=once))[0].balances["points"].available == "115"


def test_limits_hold_within_and_over_batches(world: World) -> None:
    world.enrol("anna")
    events = [world.event("item.recycled", data={"sku": "A", "grams": 5}) for _ in range(4)]
    answers = world.ask(*events)
    assert [len(one.effects) for one in answers] == [1, 1, 0, 0]
    assert answers[3].skipped == [{"campaign": "recycle", "reason": "limit_reached"}]
    assert world.rows("select used from shared_counters where counter like '%total%'") == [(2,)]


def test_undeclared_and_personal_values_are_sealed(world: World) -> None:
    world.enrol("anna")
    world.ask(
        world.event("item.recycled", data={"sku": "A", "grams": 5, "note": "SECRET", "other": "HIDDEN"})
    )
    with world.database.transaction(TENANT) as tx:
        program_id = tx.execute("select program_id from programs").fetchall()[0][0]
        stored = list_events(tx, program_id, EventPage(1))[0]
    assert json.loads(stored.text)["data"] == {"grams": 5, "sku": "A"}
    assert stored.sealed is not None
    assert b"anna" not in stored.text


def test_orders_are_found_by_their_id(world: World) -> None:
    world.enrol("anna")
    world.ask(world.order("20.00", order="o-1"), world.order("20.00", order="o-1", source="till"))
    with world.database.transaction(TENANT) as tx:
        program_id = tx.execute("select program_id from programs").fetchall()[0][0]
        assert len(find_orders(tx, program_id, "o-1")) == 2
        assert [one.source for one in find_orders(tx, program_id, "o-1", "till")] == ["till"]
        assert find_orders(tx, program_id, "o-2") == []


def test_an_unknown_program_is_told(world: World) -> None:
    answer = world.ask(IngestEvent(tenant_id=TENANT, program="none", received_at=NOW, raw=b"{}"))[0]
    assert answer.problem is not None
    assert answer.problem.code == "program_not_found"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"id": "\xff"}', "invalid_utf8"),
        (b"[" * 5000, "wrong_type"),
        (b'{"id": "a"}', "missing_field"),
    ],
)
def test_bad_bytes_are_told_apart(world: World, raw: bytes, code: str) -> None:
    world.enrol("anna")
    bad, good = world.ask(
        IngestEvent(tenant_id=TENANT, program="club", received_at=NOW, raw=raw), world.order("5.00")
    )
    assert bad.problem is not None
    assert bad.problem.code == code
    assert good.status == "applied"
