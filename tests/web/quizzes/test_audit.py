"""What nobody looks at is judged and told all the same; and tries that were changed are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from guerdon.base.findings import Finding
from guerdon.base.ids import parse_number
from guerdon.engine.audit.run import Audit
from guerdon.engine.play.quizzes import Taker, finish
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.quizzes.conftest import CLUB, Player, right

LATER = datetime(2026, 11, 21, 13, tzinfo=UTC)


def audit(player: Player) -> list[Finding]:
    house, tenant = player.api.house, tenant_id_of(player.api.tenant)
    with house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        return list(Audit(tx, house.vault(tenant)).run())


def change(player: Player, statement: str) -> None:
    with player.api.house.database.transaction(tenant_id_of(player.api.tenant)) as tx:
        assert tx.execute(statement).rowcount == 1, statement


def tick(player: Player, now: datetime) -> None:
    house = player.api.house
    run_due_of(house.database, house.engine, tenant_id_of(player.api.tenant), now)


async def told(player: Player) -> list[dict[str, object]]:
    events = (await player.api.get(f"{CLUB}/events")).json()["data"]
    return [one["data"] for one in events if one["type"] == "quiz.finished"]


async def test_a_try_whose_time_is_over_ends_by_itself(player: Player) -> None:
    attempt = await player.begin("quick")
    await player.begin("know_your_bag")
    tick(player, LATER - timedelta(minutes=51))
    assert await told(player) == []
    tick(player, LATER)
    expected = {"quiz": "quick", "attempt": 1, "points": 0, "of": 2, "passed": False}
    assert await told(player) == [expected]
    tick(player, LATER)
    assert await told(player) == [expected]
    shown = (await player.look(f"/quick/attempts/{attempt['id']}")).json()
    assert shown["finished_at"] == attempt["due_at"], "and not when somebody looked"
    assert (await player.states())["know_your_bag"]["state"] == "begun", "which has no end"
    assert audit(player) == []


async def test_what_was_finished_is_told_even_if_its_teller_died(player: Player) -> None:
    attempt = await player.begin("know_your_bag")
    for _ in range(5):
        attempt = (await player.answer(attempt, right(attempt["question"]))).json()
    house, tenant = player.api.house, tenant_id_of(player.api.tenant)
    member_id = parse_number("mem", attempt["member"])
    assert member_id is not None
    with house.database.transaction(tenant) as tx:
        # As the call does it, up to the commit; then its process is gone.
        live = house.live(tx, "club")
        (account_id,) = (
            tx.execute("select account_id from members where member_id = %s", (member_id,)).fetchone() or ()
        )
        taker = Taker(live.program_id, live.program, account_id, member_id, lambda _: live.program)
        finish(tx, taker, (account_id, member_id, "know_your_bag", 1), LATER)
    assert await told(player) == []
    assert audit(player) == [], "nothing is wrong, it is only not told yet"
    tick(player, LATER)
    assert [one["points"] for one in await told(player)] == [6]
    member = (await player.api.get(f"{CLUB}/members/ananya")).json()
    assert member["wallets"]["points"]["available"] == "80"
    assert audit(player) == []


async def test_an_erased_member_keeps_nobody_waiting(player: Player) -> None:
    await player.begin("quick")
    await player.api.enrol(external_id="bela")
    await Player(player.api, "bela").begin("quick")
    erased = await player.api.call("DELETE", f"{CLUB}/members/ananya")
    assert erased.status_code == 200
    tick(player, LATER)
    assert len(await told(player)) == 1
    assert audit(player) == []


async def test_a_try_that_was_changed_is_found(player: Player) -> None:
    lost = await player.play("know_your_bag", wrong=5)
    assert lost["result"]["passed"] is False
    await player.play("quick")
    assert audit(player) == []
    where = "where quiz = 'know_your_bag'"
    changes = {
        "points": "points = points + 1",
        "of": "of = of + 1",
        "passed": "passed = not passed",
        "answers": "answers = jsonb_set(answers, '{0,said}', '1')",
        "less answers": "answers = answers - 5",
        "no answer at all": "answers = jsonb_set(answers, '{0}', '7')",
        "times": "answers = jsonb_set(answers, '{5,at}', '\"2026-11-20T00:00:00+00:00\"')",
        "version": "version = version + 1",
        "finished_at": "finished_at = finished_at + interval '1 second'",
        "started_at": "started_at = started_at + interval '1 hour'",
        "attempt": "attempt = attempt + 1",
        "quiz": "quiz = 'large_only'",
    }
    for name, changed in changes.items():
        with player.api.house.database.transaction(tenant_id_of(player.api.tenant)) as tx:
            # The log is signed meanwhile.
            tx.execute("set transaction isolation level repeatable read")
            tx.execute("savepoint before")
            assert tx.execute(f"update quiz_attempts set {changed} {where}").rowcount == 1  # noqa: S608 - of the test
            found = list(Audit(tx, player.api.house.vault(tenant_id_of(player.api.tenant))).run())
            assert {one.table for one in found} == {"quiz_attempts"}, (name, found)
            tx.execute("rollback to savepoint before")
    change(player, "update quiz_attempts set due_at = due_at + interval '1 hour' where quiz = 'quick'")
    assert [one.code for one in audit(player)] == ["attempt_times"]


async def test_a_prize_without_a_try_is_found(player: Player) -> None:
    await player.play("know_your_bag")
    with player.api.house.database.transaction(tenant_id_of(player.api.tenant)) as tx:
        tx.execute("update quiz_attempts set member_id = member_id + 1")
        found = {one.code for one in Audit(tx, player.api.house.vault(tenant_id_of(player.api.tenant))).run()}
        tx.rollback()
    assert "attempt_missing" in found
