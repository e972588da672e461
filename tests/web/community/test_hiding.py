"""What a post brought goes when staff hides it, comes again when it is shown again, and each once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.circles.posts.rows import parse_post
from guerdon.engine.audit.run import Audit
from guerdon.engine.community.moderating import Decision, Moderator, decide
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.community.conftest import CLUB, DEFINITION, Club
from tests.web.community.test_audit import LATER, audit

WHY = "It shows a face."
SHARES = """sharing: {of: [purchase]}
campaigns:
  told: {trigger: share.approved, then: [{award: {wallet: points, amount: "30"}}]}
"""
WRITER = """challenges:
  writer: {metric: posts, goal: 1, prize: [{award: {wallet: points, amount: "5"}}]}
"""
KEEPS = DEFINITION.replace("approve: all", "approve: all, on_hide: keep")


def said(club: Club, post: dict[str, Any], what: Decision, at: datetime = LATER) -> None:
    """Decide, and die before the engine is told."""
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    with house.database.transaction(tenant) as tx:
        program_id = house.live(tx, "club").program_id
        who = Moderator(program_id, "test", at, house.ids, takes_back=True)
        decide(tx, who, parse_post(post["id"]), (what, WHY))


def tick(club: Club) -> None:
    run_due_of(club.api.house.database, club.api.house.engine, tenant_id_of(club.api.tenant), LATER)


async def names(club: Club) -> list[tuple[str, str]]:
    kinds = ("post.approved", "post.hidden")
    found = (await club.look("events?limit=200"))["data"]
    return [(one["type"], one["id"].partition("/")[2]) for one in reversed(found) if one["type"] in kinds]


async def test_what_a_post_brought_goes_when_it_is_hidden_and_comes_again(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    for _ in range(2):
        assert (await club.decide(one))["told"] is True
        assert await club.points("ben") == "20"
        for _ in range(2):
            assert (await club.decide(one, "hide", WHY))["told"] is True
            assert await club.points("ben") == "0"
    assert await names(club) == [
        ("post.approved", ""), ("post.hidden", "back"), ("post.approved", "2"), ("post.hidden", "2/back")
    ]  # fmt: skip
    await club.decide(one)
    for number in range(2):
        await club.decide(await club.post("ben", f"Another three words {number}"))
    assert await club.points("ben") == "40", "the limit of two in a month is free again, and holds"
    assert audit(club) == []
    listed = await club.look("orders?member=ben")
    assert listed["data"] == [], "it is no order"


async def test_metrics_and_challenges_follow_and_explanations_say_the_same(club: Club) -> None:
    more = DEFINITION.replace("metrics:\n", "metrics:\n  posts: {event: post.approved}\n")
    more += WRITER
    applied = await club.api.apply(more)
    assert applied.status_code == 201, applied.text
    one = await club.post("ben", "Three words here")
    for name in ("", "/2"):
        await club.decide(one)
        assert await club.points("ben") == "25"
        event = await club.look(f"events/{one['id']}{name}")
        told = await club.look(f"events/{one['id']}{name}/explanation")
        acted = {each["campaign"] for each in told["campaigns"] if each["outcome"] == "acted"}
        assert acted == {each["campaign"] for each in event["effects"]} == {"posted", "challenge:writer"}
        await club.decide(one, "hide", WHY)
        assert await club.points("ben") == "0"
        (back,) = (await club.look(f"orders/{one['id']}{name}/returns"))["data"]
        assert back["units"]["points"]["taken"] == "25"
    assert audit(club) == []


async def test_units_that_were_spent_are_owed(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    mine = (await club.look("members/ben"))["account"]
    taken = await club.send(
        f"accounts/{mine}/adjustments", {"wallet": "points", "amount": "-15", "reason": "spent"}
    )
    assert taken.status_code in (200, 201), taken.text
    await club.decide(one, "hide", WHY)
    wallet = (await club.look("members/ben"))["wallets"]["points"]
    assert (wallet["available"], wallet["debt"]) == ("-15", "15")
    await club.decide(one)
    assert await club.points("ben") == "5", "what comes again repays first"
    assert audit(club) == []


async def test_a_program_may_keep_it(club: Club) -> None:
    await club.api.apply(KEEPS)
    one = await club.post("ben", "Three words here")
    for _ in range(2):
        await club.decide(one)
        await club.decide(one, "hide", WHY)
    assert await club.points("ben") == "20"
    await club.api.apply(DEFINITION)
    await club.decide(one)
    assert await club.points("ben") == "20", "it was never taken, and so it does not come again"
    await club.decide(one, "hide", WHY)
    assert await club.points("ben") == "0", "the policy of the day on which it is hidden holds"
    assert audit(club) == []


async def test_answers_and_shares_go_back_as_well(club: Club) -> None:
    more = DEFINITION.replace("campaigns:\n", SHARES, 1)
    applied = await club.api.apply(more)
    assert applied.status_code == 201, applied.text
    start = int(await club.points("ananya"))
    share = (await club.send("shares", {"member": "ananya", "of": "purchase", "what": "BP-40"})).json()
    claim = await club.send(
        f"shares/{share['code']}/claims", {"member": "ananya", "url": "https://social.example/1"}
    )
    question = await club.post("ananya", "Does it hold?", kind="question")
    await club.decide(question)
    answer = await club.send(f"posts/{question['id']}/answers", {"member": "ben", "text": "It does."})
    own = await club.send(f"posts/{question['id']}/answers", {"member": "ananya", "text": "I see."})
    for _ in range(2):
        for one in (claim, answer, own):
            await club.decide(one.json())
        assert (int(await club.points("ananya")) - start, await club.points("ben")) == (50, "7")
        for one in (claim, answer, own):
            hidden = await club.decide(one.json(), "hide", WHY)
            assert hidden["told"] is True
        assert (int(await club.points("ananya")) - start, await club.points("ben")) == (20, "0")
    assert audit(club) == []


async def test_what_was_reported_is_not_saved_by_taking_it_back(club: Club) -> None:
    posts = [await club.post("ben", f"Three words here {number}") for number in range(2)]
    for one in posts:
        await club.decide(one)
    for member in ("ananya", "carla"):
        await club.send(f"posts/{posts[0]['id']}/reports", {"member": member, "why": "rude"})
    assert await club.points("ben") == "40", "reports alone take nothing"
    for one in posts:
        gone = await club.send(f"posts/{one['id']}/withdraw", {"member": "ben"})
        assert gone.json()["state"] == "withdrawn"
    assert await club.points("ben") == "20", "the other one stood, and was taken back in peace"
    assert audit(club) == []


async def test_reported_and_refused_is_as_good_as_hidden(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    for member in ("ananya", "carla"):
        await club.send(f"posts/{one['id']}/reports", {"member": member, "why": "rude"})
    await club.decide(one, "refuse", "Rude.")
    assert await club.points("ben") == "0"
    await club.decide(one)
    assert await club.points("ben") == "20"
    assert audit(club) == []


@pytest.mark.parametrize("turns", [1, 2, 3, 4])
async def test_whoever_decided_may_die_before_the_engine_knows(club: Club, turns: int) -> None:
    one = await club.post("ben", "Three words here")
    for turn in range(turns):
        what: Decision = "hide" if turn % 2 else "approve"
        said(club, one, what, LATER - timedelta(minutes=turns - turn))
    assert await club.points("ben") == "0"
    for _ in range(2):
        tick(club)
        assert await club.points("ben") == ("20" if turns % 2 else "0")
        assert len(await names(club)) == turns
        assert (await club.look(f"moderation/posts/{one['id']}"))["told"] is True
    assert audit(club) == []


async def test_callers_who_hide_and_approve_at_once_leave_it_whole(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)

    async def turn(number: int) -> None:
        what = {"decision": "hide" if number % 2 else "approve", "reason": WHY}
        answer = await club.send(f"moderation/posts/{one['id']}", what)
        assert answer.status_code == 200, answer.text
        if number % 8 == 0:
            await asyncio.to_thread(tick, club)

    await asyncio.gather(*(turn(number) for number in range(32)))
    tick(club)
    held = await club.look(f"moderation/posts/{one['id']}")
    told = await names(club)
    assert held["told"] is True
    assert await club.points("ben") == ("20" if held["state"] == "shown" else "0")
    assert [kind for kind, _ in told] == ["post.approved", "post.hidden"] * (len(told) // 2) + [
        "post.approved"
    ] * (len(told) % 2)
    assert audit(club) == []


async def test_an_author_whose_account_went_into_another_gives_back_from_there(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    late = await club.post("ben", "Three more words here")
    for each in (one, late):
        await club.decide(each)
    accounts = [(await club.look(f"members/{who}"))["account"] for who in ("ben", "carla")]
    merged = await club.send(f"accounts/{accounts[0]}/merge", {"into": accounts[1]})
    assert merged.status_code in (200, 201), merged.text
    assert await club.points("carla") == "40"
    for each, left in ((one, "20"), (late, "0")):
        hidden = await club.decide(each, "hide", WHY)
        assert (hidden["told"], await club.points("carla")) == (True, left)
    await club.decide(one)
    assert await club.points("carla") == "20"
    assert audit(club) == []


async def test_nobody_else_takes_it_back(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    back = await club.send(f"orders/{one['id']}/returns", {"id": "R-1", "all": True})
    assert (back.status_code, back.json()["code"]) == (404, "order_not_found")
    for source in ("shop", "guerdon:community"):
        event = {"specversion": "1.0", "id": "x", "source": source, "time": club.now, "subject": "ben"}
        for kind, body in (
            ("post.hidden", {"order": one["id"], "id": "x", "all": True}),
            ("order.returned", {"order": one["id"], "id": "x", "all": True}),
        ):
            sent = await club.send("events", {**event, "type": kind, "data": body})
            assert sent.status_code >= 400, (source, kind)
    assert await club.points("ben") == "20"


async def test_an_author_who_is_forgotten_meanwhile_holds_nothing_up(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    other = await club.post("carla", "Three words as well")
    await club.decide(one)
    said(club, one, "hide")
    said(club, other, "approve")
    erased = await club.api.call("DELETE", f"{CLUB}/members/ben")
    assert erased.status_code == 200
    tick(club)
    assert await club.points("carla") == "20"
    assert audit(club) == []


CHANGES = [
    ("update posts set turns = turns[1:1], told = 1", "post_missing"),
    ("update posts set turns = array[turns[1], turns[2] + interval '1 second']", "post_event"),
    ("update posts set turns = turns || array[turns[2], turns[2]], told = 4", "post_event"),
]  # fmt: skip


async def test_turns_that_were_changed_are_found(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    club.now = datetime(2026, 11, 21, 13, tzinfo=UTC).isoformat()
    await club.decide(one, "hide", WHY)
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    for statement, code in CHANGES:
        with house.database.transaction(tenant) as tx:
            tx.execute("set transaction isolation level repeatable read")
            assert tx.execute(statement).rowcount > 0, statement
            found = {each.code for each in Audit(tx, house.vault(tenant)).run()}
            tx.rollback()
        assert found == {code}, statement
