"""Leaderboards over the API: who stands where, under which name, and what ranks bring."""

from __future__ import annotations

import asyncio

import pytest

from guerdon.engine.audit.run import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.boards.conftest import Club

JOIN = "leaderboards/recyclers/join"


async def joined(club: Club) -> None:
    """Let four join and recycle, and one who does not join."""
    await club.enrol("anna", "bela", "chris", "dora", "emil")
    for name in ("anna", "bela", "chris", "dora"):
        await club.done(JOIN, {"member": name, "name": f"The {name}"})
    for name, grams in (("anna", 50), ("bela", 70), ("chris", 70), ("dora", 10), ("emil", 900)):
        await club.recycle(name, grams)
    await club.settle()


async def test_those_who_joined_are_ranked_under_their_names(club: Club) -> None:
    await joined(club)
    seen = await club.look("leaderboards/recyclers?member=dora&language=bn")
    assert seen["name"] == "সেরা পুনর্ব্যবহারকারী"
    assert [(one["rank"], one["name"], one["value"]) for one in seen["places"]] == [
        (1, "The bela", "70"),
        (1, "The chris", "70"),
        (3, "The anna", "50"),
    ]
    assert seen["own"] == {"rank": 4, "name": "The dora", "value": "10", "own": True}
    assert [one["rank"] for one in seen["near"]] == [1, 3, 4]
    assert (seen["total"], seen["opens_on"], seen["closed_at"]) == (4, "2026-11-01", None)
    nobody = await club.look("leaderboards/recyclers")
    assert nobody["own"] is None
    assert nobody["near"] == []
    emil = await club.look("leaderboards/recyclers?member=emil")
    assert (emil["own"], emil["joined"]) == (None, False)


async def test_where_all_stand_nobody_is_named_who_chose_no_name(club: Club) -> None:
    await joined(club)
    await club.done("leaderboards/everybody/join", {"member": "anna", "name": "Anna ❤".replace(" ❤", "")})
    seen = await club.look("leaderboards/everybody?member=emil")
    assert [one["name"] for one in seen["places"]] == [None, None, None, "Anna", None]
    assert seen["own"]["rank"] == 1
    left = await club.done("leaderboards/everybody/leave", {"member": "anna"})
    assert {one["name"] for one in left["places"]} == {None}
    assert left["own"]["value"] == "50"


async def test_joining_and_leaving_is_seen_at_once(club: Club) -> None:
    await joined(club)
    left = await club.done("leaderboards/recyclers/leave", {"member": "bela"})
    assert (left["own"], left["total"], left["joined"]) == (None, 3, False)
    back = await club.done(JOIN, {"member": "bela", "name": "Somebody new"})
    assert (back["own"]["rank"], back["own_name"], back["total"]) == (1, "Somebody new", 4)


@pytest.mark.parametrize(
    "name",
    ["x", "a" * 31, "two  blanks", " edge", "a\u00a0b", "tab\tbed", "🙂🙂", "a\u200bb", "...", "<b>x</b>"],
)
async def test_names_that_are_none_are_refused(club: Club, name: str) -> None:
    await club.enrol("anna")
    answer = await club.send(JOIN, {"member": "anna", "name": name})
    assert (answer.status_code, answer.json()["code"]) == (422, "name_invalid")
    assert answer.json()["errors"][0]["pointer"] == "/name"
    assert (await club.look("leaderboards/recyclers?member=anna"))["joined"] is False


async def test_a_name_is_had_by_one_whatever_its_case(club: Club) -> None:
    await club.enrol("anna", "bela")
    await club.done(JOIN, {"member": "anna", "name": "Ärnst-Otto"})
    assert await club.refused(JOIN, {"member": "bela", "name": "äRNST OTTO"}) == (409, "name_taken")
    await club.done(JOIN, {"member": "anna", "name": "আনন্যা"})
    await club.done(JOIN, {"member": "bela", "name": "äRNST OTTO"})


async def test_64_want_one_name(club: Club) -> None:
    names = [f"m{turn}" for turn in range(64)]
    await asyncio.gather(*(club.enrol(name) for name in names))
    calls = [club.send(JOIN, {"member": name, "name": "Champion"}) for name in names]
    answers = await asyncio.gather(*calls)
    assert sorted(one.status_code for one in answers) == [200] + [409] * 63


async def test_ranks_bring_their_prizes_once_and_stay_as_they_were(club: Club) -> None:
    await joined(club)
    await club.tick("2026-12-01T06:30:00Z")
    assert (await club.look("leaderboards/recyclers?on=2026-11-30"))["closed_at"] is None
    # Told late, and within the grace.
    await club.recycle("chris", 5, "2026-12-01T04:59:00Z")
    for _ in range(2):
        await club.tick("2026-12-01T07:00:00Z")
    await asyncio.gather(*(club.tick("2026-12-01T07:00:00Z") for _ in range(4)))
    told = await club.events("board.closed")
    assert sorted(one["data"]["rank"] for one in told) == [1, 2, 3]
    points = {name: await club.points(name) for name in ("anna", "bela", "chris", "dora", "emil")}
    assert points == {"anna": "501", "bela": "501", "chris": "1002", "dora": "1", "emil": "1"}
    # Too late: what is closed stays.
    await club.recycle("dora", 500, "2026-11-30T12:00:00Z")
    await club.settle()
    past = await club.look("leaderboards/recyclers?on=2026-11-01&member=dora")
    assert [(one["rank"], one["name"]) for one in past["places"]] == [
        (1, "The chris"),
        (2, "The bela"),
        (3, "The anna"),
    ]
    assert past["own"]["value"] == "10"
    windows = (await club.look("leaderboards/recyclers/windows"))["data"]
    assert [(one["opens_on"], one["total"], one["prizes"], one["told"]) for one in windows] == [
        ("2026-11-01", 4, 3, 3)
    ]
    now = await club.look("leaderboards/recyclers?member=dora")
    assert (now["opens_on"], now["places"], now["joined"]) == ("2026-12-01", [], True)


async def test_staff_takes_a_name_away_and_it_is_in_the_trail(club: Club) -> None:
    await joined(club)
    listed = (await club.look("leaderboards/recyclers/names"))["data"]
    assert [one["name"] for one in listed] == ["The anna", "The bela", "The chris", "The dora"]
    path = f"/v1/programs/club/leaderboards/recyclers/names/{club.accounts['bela']}"
    taken = await club.api.call("DELETE", path)
    assert taken.json() == {"account": club.accounts["bela"], "taken": True}
    assert (await club.api.call("DELETE", path)).json()["taken"] is False
    seen = await club.look("leaderboards/recyclers?member=bela")
    assert [one["name"] for one in seen["places"]] == [None, "The chris", "The anna"]
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        trail = tx.execute("select action, object from audit where action like '%name_taken'").fetchall()
    assert trail == [("leaderboard.name_taken", club.accounts["bela"])]
    await club.done(JOIN, {"member": "anna", "name": "The bela"})


async def test_who_is_erased_leaves_no_name(club: Club) -> None:
    await joined(club)
    await club.api.call("DELETE", "/v1/programs/club/members/bela")
    await club.settle()
    seen = await club.look("leaderboards/recyclers")
    assert [one["name"] for one in seen["places"]] == ["The chris", "The anna", "The dora"]
    await club.done(JOIN, {"member": "anna", "name": "The bela"})


async def test_calls_need_their_scopes_and_a_board_that_is_there(club: Club) -> None:
    reader = club.api.with_key("boards:read")
    assert (await reader.get("/v1/programs/club/leaderboards")).status_code == 200
    denied = await reader.post(f"/v1/programs/club/{JOIN}", json={"member": "a", "name": "Anna"})
    assert (denied.status_code, denied.json()["code"]) == (403, "scope_missing")
    assert await club.refused("leaderboards/nothing/join", {"member": "a", "name": "Anna"}) == (
        404,
        "member_not_found",
    )
    await club.enrol("anna")
    asked = {"member": "anna", "name": "Anna"}
    assert await club.refused("leaderboards/nothing/join", asked) == (404, "leaderboard_not_found")
    assert await club.refused("leaderboards/challenge:together/join", asked) == (404, "leaderboard_not_found")
    assert await club.refused("leaderboards/crews/join", asked) == (409, "leaderboard_of_teams")
    gone = await club.api.get("/v1/programs/club/leaderboards/recyclers?on=2020-01-01")
    assert (gone.status_code, gone.json()["code"]) == (404, "window_not_found")


async def test_ranks_that_were_changed_are_found(club: Club) -> None:
    await joined(club)
    await club.tick("2026-12-01T07:00:00Z")
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)

    def found(statement: str = "select") -> set[tuple[str, str]]:
        with house.database.transaction(tenant) as tx:
            tx.execute("set transaction isolation level repeatable read")
            tx.execute(statement.encode())
            said = {(one.table, one.code) for one in Audit(tx, house.vault(tenant)).run()}
            tx.rollback()
        return said

    assert found() == set()
    assert found("update board_prizes set rank = rank + 1") == {("board_prizes", "rank_wrong")}
    assert found("update board_prizes set value = value + 7") == {("board_prizes", "rank_wrong")}
    assert found("update board_prizes set times = 9") == {
        ("board_prizes", "rank_event"),
        ("board_prizes", "rank_missing"),
    }
    assert ("board_prizes", "rank_missing") in found("delete from board_prizes")
    untold = (
        "insert into board_prizes (program_id, board, opens_on, account_id, rank, value, closed_at, told)"
    )
    row = "select program_id, board, opens_on, account_id + 1, rank, value, closed_at, true from board_prizes"
    assert found(f"{untold} {row}") == {("board_prizes", "rank_wrong")}


async def test_what_was_told_and_not_noted_is_told_again_and_is_one_prize(club: Club) -> None:
    await joined(club)
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    await asyncio.gather(*(club.tick("2026-12-01T07:00:00Z") for _ in range(64)))
    with house.database.transaction(tenant) as tx:
        tx.execute("update board_prizes set told = false")
    await club.tick("2026-12-01T07:30:00Z")
    assert len(await club.events("board.closed")) == 3
    assert await club.points("chris") == "1001"
    with house.database.transaction(tenant) as tx:
        assert tx.execute("select count(*) from board_prizes where told").fetchone() == (3,)
