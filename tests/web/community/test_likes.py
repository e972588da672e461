"""What the likes of a post brought goes with it when staff hides it, and comes again with it, each once."""

from __future__ import annotations

import asyncio
from typing import Any

from guerdon.engine.audit.run import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.community.conftest import DEFINITION, Club
from tests.web.community.test_audit import audit
from tests.web.community.test_hiding import KEEPS, WHY, said, tick

FANS = """metrics:
  fans: {event: post.liked}
"""
LOVED = """challenges:
  loved: {metric: fans, goal: 2, prize: [{award: {wallet: points, amount: "50"}}]}
"""


async def liked(club: Club, post: dict[str, Any], *members: str, verb: str = "likes") -> None:
    for member in members:
        done = await club.send(f"posts/{post['id']}/{verb}", {"member": member})
        assert done.status_code == 200, done.text


async def names(club: Club) -> list[str]:
    """Turns of likes in the order in which the engine was told: 2/back for the second time it went."""
    found = (await club.look("events?limit=200"))["data"]
    of_likes = [one["id"].split("/", 2) for one in found if "/mem_" in one["id"]]
    return [(one[2:] or [""])[0] for one in reversed(of_likes)]


async def test_likes_go_and_come_with_the_post(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya", "carla")
    assert await club.points("ben") == "22"
    for _ in range(2):
        await club.decide(one, "hide", WHY)
        for _ in range(2):
            tick(club)
            assert await club.points("ben") == "0"
        await club.decide(one)
        for _ in range(2):
            tick(club)
            assert await club.points("ben") == "22"
    assert sorted(await names(club)) == sorted(["", "back", "2", "2/back", "3"] * 2)
    assert (await club.look(f"posts/{one['id']}"))["likes"] == 2
    assert audit(club) == []


async def test_whoever_takes_a_like_back_saves_nothing_by_it_and_brings_nothing_twice(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya", "carla")
    await liked(club, one, "ananya", verb="unlike")
    assert (await club.look(f"posts/{one['id']}"))["likes"] == 1
    assert await club.points("ben") == "22", "what it brought stays with the post"
    await club.decide(one, "hide", WHY)
    tick(club)
    assert await club.points("ben") == "0"
    await club.decide(one)
    await liked(club, one, "ananya")
    tick(club)
    assert await club.points("ben") == "22"
    assert (await club.look(f"posts/{one['id']}"))["likes"] == 2
    assert audit(club) == []


async def test_limits_that_were_used_are_free_again_and_challenges_follow(club: Club) -> None:
    more = DEFINITION.replace("metrics:\n", FANS) + LOVED
    applied = await club.api.apply(more)
    assert applied.status_code == 201, applied.text
    one, other = [await club.post("ben", f"Three words here {number}") for number in range(2)]
    for each in (one, other):
        await club.decide(each)
        await liked(club, each, "ananya", "carla")
    assert await club.points("ben") == str(40 + 3 + 50), "three likes by the limit"
    await club.decide(one, "hide", WHY)
    tick(club)
    # The other's second like found the limit used up and stays without. What came back wholly takes the prize
    # that it had brought, and whatever counts next brings it again.
    assert await club.points("ben") == str(20 + 1)
    third = await club.post("ben", "Three words here and more")
    await club.decide(third)
    await liked(club, third, "ananya")
    assert await club.points("ben") == str(40 + 2 + 50)
    await club.decide(third, "hide", WHY)
    tick(club)
    assert await club.points("ben") == str(20 + 1)
    await club.decide(other, "hide", WHY)
    tick(club)
    assert await club.points("ben") == "0"
    assert audit(club) == []


async def test_a_program_may_keep_what_likes_brought(club: Club) -> None:
    await club.api.apply(KEEPS)
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya")
    await club.decide(one, "hide", WHY)
    tick(club)
    assert await club.points("ben") == "21"
    await club.decide(one)
    tick(club)
    assert await club.points("ben") == "21"
    assert audit(club) == []


async def test_likes_that_were_not_told_yet_come_and_go_once(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya")
    # Staff hides it twice before anybody has told anything.
    for turn in ("hide", "approve", "hide"):
        said(club, one, turn)
    tick(club)
    assert await club.points("ben") == "0"
    assert await names(club) == ["", "back", "2", "2/back"]
    assert audit(club) == []


async def test_likes_that_nobody_waited_for_stay_unheard(club: Club) -> None:
    silent = "\n".join(line for line in DEFINITION.splitlines() if "liked:" not in line)
    assert (await club.api.apply(silent)).status_code == 201
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya")
    assert (await club.api.apply(DEFINITION)).status_code == 201
    await club.decide(one, "hide", WHY)
    await club.decide(one)
    tick(club)
    assert (await club.points("ben"), await names(club)) == ("20", [])
    await liked(club, one, "ananya", verb="unlike")
    await liked(club, one, "ananya")
    assert (await club.points("ben"), await names(club)) == ("21", [""])
    assert audit(club) == []


async def test_32_callers_who_like_hide_and_show_leave_it_whole(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)

    async def call(number: int) -> None:
        if number % 4 == 3:
            await asyncio.to_thread(tick, club)
        elif number % 4 == 2:
            who = ("ananya", "carla")[number % 8 // 4]
            # A post that is hidden just now is not there to be liked.
            done = await club.send(f"posts/{one['id']}/likes", {"member": who})
            assert done.status_code in (200, 404), done.text
        else:
            what = {"decision": "hide" if number % 2 else "approve", "reason": WHY}
            answer = await club.send(f"moderation/posts/{one['id']}", what)
            assert answer.status_code == 200, answer.text

    await asyncio.gather(*(call(number) for number in range(32)))
    await club.decide(one)
    await liked(club, one, "ananya", "carla")
    tick(club)
    assert await club.points("ben") == "22"
    await club.decide(one, "hide", WHY)
    await asyncio.gather(*(asyncio.to_thread(tick, club) for _ in range(8)))
    assert await club.points("ben") == "0"
    assert audit(club) == []


async def test_likes_that_were_changed_are_found(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    await club.decide(one)
    await liked(club, one, "ananya", "carla")
    await club.decide(one, "hide", WHY)
    tick(club)
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    for statement, codes in (
        ("update post_likes set since = since + 1", {"post_missing"}),
        ("update post_likes set liked_at = liked_at - interval '1 second'", {"like_event"}),
        ("update post_likes set gone = true", {"post_count"}),
        ("update post_likes set told = -1", {"post_missing"}),
        ("update post_likes set member_id = member_id + 1", {"post_missing", "like_event"}),
    ):
        with house.database.transaction(tenant) as tx:
            tx.execute("set transaction isolation level repeatable read")
            assert tx.execute(statement).rowcount == 2, statement
            found = {one.code for one in Audit(tx, house.vault(tenant)).run()}
            tx.rollback()
        assert codes <= found, statement
