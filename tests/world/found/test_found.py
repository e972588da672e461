"""Defects that the small world came upon and that were mended, each as small as it could be made."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from guerdon.engine.commands import AdjustBalance, EnrolMember, Once, RedeemReward, TransferUnits
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from tests.world.driver import TENANT, World, shown

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def say(world: World, do: str, now: datetime = NOW, **more: Any) -> Any:
    """Let something happen, and give the engine's answer."""
    act = {"do": do, "program": "club", "now": now, **more}
    answer = world.loop.submit(world.command(act)).result(60)
    world.learn(act, answer)
    return shown(answer)


def order(world: World, amount: str, now: datetime = NOW, **more: Any) -> Any:
    fact = {"type": "order.paid", "who": "m1", "source": "shop", "id": "e1", "order": "o1", "time": now}
    return say(world, "event", now, **{**fact, "lines": [["1", amount]], **more})


def rows(world: World, statement: str) -> list[tuple[Any, ...]]:
    with world.database.transaction(TENANT) as tx:
        return tx.execute(statement).fetchall()


def test_using_a_redemption_shows_the_balances_of_that_instant(world: World) -> None:
    """`use` has no event in gather; lots that came due were not read, and what had expired was shown."""
    say(world, "enrol", who="m1")
    say(world, "redeem", NOW + timedelta(days=2), who="m1", reward="voucher", quantity=1, ref="r1")
    answer = say(world, "use", NOW + timedelta(days=31), ref="r1")
    assert answer["status"] == "applied"
    assert answer["balances"]["points"] == ("0", "0")


def test_cancelling_frees_the_limit_of_the_month_of_taking(world: World) -> None:
    """Gather did not tell `rules` when it was taken and by whom; another month's limit was given back."""
    say(world, "enrol", who="m1")
    say(world, "adjust", who="m1", wallet="points", amount=300, reason="x")
    assert say(world, "redeem", who="m1", reward="voucher", quantity=1, ref="june")["status"] == "applied"
    july = NOW + timedelta(days=30)
    say(world, "adjust", july, who="m1", wallet="points", amount=500, reason="x")
    for ref in ("one", "two"):
        assert (
            say(world, "redeem", july, who="m1", reward="voucher", quantity=1, ref=ref)["status"] == "applied"
        )
    assert say(world, "cancel", july, ref="june")["status"] == "applied"
    third = say(world, "redeem", july, who="m1", reward="voucher", quantity=1, ref="three")
    assert third["code"] == "limit_reached"


def test_a_refused_enrolment_leaves_nobody_behind(world: World) -> None:
    """People are enrolled before the Idempotency-Key is looked at: the member stayed, without a welcome."""
    base: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "received_at": NOW}
    answers = []
    for who in ("m1", "m2"):
        profile = Profile(identities=(normal_ref("external", who),), external_id=who)
        once = Once("POST /members", "k", hashlib.sha256(who.encode()).digest())
        answers.append(shown(world.loop.submit(EnrolMember(profile=profile, once=once, **base)).result(60)))
    assert answers[1]["code"] == "idempotency_key_reused"
    assert rows(world, "select count(*) from accounts") == [(1,)]
    again = say(world, "enrol", who="m2")
    assert (again["created"], again["balances"]["points"]) == (True, ("100", "0"))


def test_a_refused_event_enrols_nobody(world: World) -> None:
    """`enrol` on an event that was then refused left a member behind."""
    say(world, "enrol", who="m1")
    assert order(world, "5.00")["status"] == "applied"
    assert order(world, "6.00", who="m2", enrol=True)["code"] == "event_id_reused"
    assert order(world, "5.00", who="m3", id="e2", enrol=True)["code"] == "order_already_paid"
    assert rows(world, "select count(*) from accounts") == [(1,)]


def test_a_refusal_of_the_rules_points_at_the_field(world: World) -> None:
    """`step` raises with a JSON pointer; a decision had no place for it, and the answer came without."""
    say(world, "enrol", who="m1")
    account = world.accounts["club", "m1"]
    base: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "received_at": NOW}
    refused = [
        AdjustBalance(account_id=account, wallet="gold", amount=1, reason="x", **base),
        RedeemReward(member=normal_ref("external", "m1"), reward="moon", **base),
        TransferUnits(account_id=account, to_account=account, wallet="points", amount=1, **base),
    ]
    answers = [future.result(60) for future in world.loop.submit_many(refused)]
    pointers = [[one["pointer"] for one in answer.problem.errors] for answer in answers if answer.problem]
    assert pointers == [["/wallet"], ["/reward"], ["/to"]]
