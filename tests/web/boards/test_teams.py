"""Teams over the API: found, joined, led, left, and what they reach together."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.web.boards.conftest import Club


async def crew(club: Club, name: str = "Mill Lane", founder: str = "anna", kind: str = "crew") -> str:
    made = await club.done("teams", {"member": founder, "kind": kind, "name": name})
    return str(made["id"])


async def people(club: Club, team: str) -> list[str]:
    names = {account: name for name, account in club.accounts.items()}
    seen = await club.look(f"teams/{team}")
    return [names[one["account"]] + ("*" if one["captain"] else "") for one in seen["members"]]


async def test_an_open_team_from_its_founding_to_its_end(club: Club) -> None:
    await club.enrol("anna", "bela", "chris", "dora")
    team = await crew(club)
    for name in ("bela", "chris"):
        assert (await club.done(f"teams/{team}/join", {"member": name}))["own"] is True
    assert await club.refused(f"teams/{team}/join", {"member": "dora"}) == (409, "team_full")
    assert (await club.done(f"teams/{team}/join", {"member": "bela"}))["count"] == 3
    taken = {"member": "dora", "kind": "crew", "name": "MILL lane"}
    assert await club.refused("teams", taken) == (409, "name_taken")
    other = await crew(club, "Elsewhere", "dora")
    assert await club.refused(f"teams/{other}/join", {"member": "bela"}) == (409, "team_already")
    assert await people(club, team) == ["anna*", "bela", "chris"]
    assert await club.refused(f"teams/{team}/name", {"member": "bela", "name": "Ours"}) == (
        422,
        "team_captain_only",
    )
    assert (await club.done(f"teams/{team}/name", {"member": "anna", "name": "Ours"}))["name"] == "Ours"
    await club.done(f"teams/{team}/leave", {"member": "anna"})
    assert await people(club, team) == ["bela*", "chris"]
    await club.done(f"teams/{team}/captain", {"member": "bela", "account": "chris"})
    await club.done(f"teams/{team}/send_away", {"member": "chris", "account": "bela"})
    assert await people(club, team) == ["chris*"]
    assert await club.refused(f"teams/{team}/leave", {"member": "bela"}) == (409, "team_not_joined")
    await club.done(f"teams/{team}/leave", {"member": "chris"})
    assert await club.refused(f"teams/{team}/join", {"member": "bela"}) == (404, "team_not_found")
    # Its name is free then, and whoever left may come in elsewhere.
    await club.done("teams", {"member": "bela", "kind": "crew", "name": "ours"})


async def test_captains_let_in_whoever_asks_and_invite_others(club: Club) -> None:
    await club.enrol("anna", "bela", "chris")
    team = await crew(club, kind="asked")
    asked = await club.done(f"teams/{team}/join", {"member": "bela"})
    assert (asked["own"], asked["asked"], asked["members"]) == (False, "asked", [])
    seen = await club.look(f"teams/{team}?member=anna")
    assert [one["account"] for one in seen["asks"]] == [club.accounts["bela"]]
    await club.done(f"teams/{team}/invite", {"member": "anna", "account": "bela"})
    assert await people(club, team) == ["anna*", "bela"]
    await club.done(f"teams/{team}/join", {"member": "chris"})
    await club.done(f"teams/{team}/refuse", {"member": "anna", "account": "chris"})
    closed = await crew(club, "By invitation", kind="invited")
    assert await club.refused(f"teams/{closed}/join", {"member": "chris"}) == (422, "team_invites")
    await club.done(f"teams/{closed}/invite", {"member": "anna", "account": club.accounts["chris"]})
    mine = (await club.look("teams?member=chris"))["data"]
    assert [(one["name"], one["asked"]) for one in mine] == [("By invitation", "invited")]
    assert (await club.done(f"teams/{closed}/join", {"member": "chris"}))["own"] is True
    refused = {"member": "bela", "account": "chris"}
    assert await club.refused(f"teams/{closed}/invite", refused) == (422, "team_captain_only")


async def test_64_join_a_team_of_three(club: Club) -> None:
    names = [f"m{turn}" for turn in range(64)]
    await club.enrol("anna")
    await asyncio.gather(*(club.enrol(name) for name in names))
    team = await crew(club)
    answers = await asyncio.gather(*(club.send(f"teams/{team}/join", {"member": name}) for name in names))
    assert sorted(one.status_code for one in answers) == [200] * 2 + [409] * 62
    assert (await club.look(f"teams/{team}"))["count"] == 3


async def test_one_account_in_one_team_however_many_it_joins_at_once(club: Club) -> None:
    names = [f"m{turn}" for turn in range(12)]
    await club.enrol("anna", *names)
    teams = [await crew(club, f"Team {name}", name) for name in names]
    answers = await asyncio.gather(*(club.send(f"teams/{one}/join", {"member": "anna"}) for one in teams))
    assert [one.status_code for one in answers].count(200) == 1
    assert {one.json()["code"] for one in answers if one.status_code != 200} == {"team_already"}


async def test_teams_are_ranked_by_what_was_done_while_in_them(club: Club) -> None:
    await club.enrol("anna", "bela", "chris", "dora")
    await club.recycle("bela", 1000, "2026-11-20T12:00:00Z")
    first, second = await crew(club), await crew(club, "Elsewhere", "dora")
    await club.done(f"teams/{first}/join", {"member": "bela"})
    for name, grams in (("anna", 5), ("bela", 6), ("dora", 9)):
        await club.recycle(name, grams)
    club.now = "2026-11-23T12:00:00Z"
    await club.done(f"teams/{first}/leave", {"member": "bela"})
    await club.done(f"teams/{second}/join", {"member": "bela"})
    await club.recycle("bela", 100)
    await club.settle()
    seen = await club.look("leaderboards/crews?member=bela")
    assert [(one["rank"], one["name"], one["value"], one["own"]) for one in seen["places"]] == [
        (1, "Elsewhere", "109", True),
        (2, "Mill Lane", "11", False),
    ]
    ranks = (await club.look(f"teams/{first}?member=anna"))["ranks"]
    assert [(one["rank"], one["value"], one["of"]) for one in ranks] == [(2, "11", 2)]
    await club.tick("2026-12-01T07:00:00Z")
    told: list[dict[str, Any]] = await club.events("board.closed")
    assert [(one["data"]["leaderboard"], one["data"]["rank"]) for one in told] == [("crews", 1)] * 2


async def test_a_goal_reached_together_brings_each_member_the_prize_once(club: Club) -> None:
    await club.enrol("anna", "bela", "chris")
    team = await crew(club)
    await club.done(f"teams/{team}/join", {"member": "bela"})
    await club.recycle("anna", 60)
    await club.settle()
    goals = (await club.look(f"teams/{team}?member=anna"))["goals"]
    assert [(one["challenge"], one["value"], one["goal"], one["times"]) for one in goals] == [
        ("stamps", "60", None, 0),
        ("together", "60", "100", 0),
    ]
    await club.recycle("bela", 40)
    await club.settle()
    # Whoever comes later had no part in it.
    await club.done(f"teams/{team}/join", {"member": "chris"})
    await club.recycle("chris", 1)
    await club.settle()
    await asyncio.gather(*(club.tick("2026-11-21T13:00:00Z") for _ in range(3)))
    assert [await club.points(name) for name in ("anna", "bela", "chris")] == ["31", "31", "1"]
    assert len(await club.events("team.reached")) == 2
    goals = (await club.look(f"teams/{team}?member=anna"))["goals"]
    assert [one["times"] for one in goals] == [0, 1]
    await club.recycle("anna", 1950)
    await club.settle()
    await club.tick("2026-11-21T14:00:00Z")
    assert await club.points("chris") == "11"


async def test_a_team_is_for_whom_it_says(club: Club) -> None:
    await club.enrol("anna")
    await club.enrol("lena", attributes={"size": "l"})
    asked = {"member": "anna", "kind": "large", "name": "Large"}
    assert await club.refused("teams", asked) == (422, "team_not_for_member")
    await club.done("teams", {**asked, "member": "lena"})
    asked["kind"] = "nothing"
    assert await club.refused("teams", asked) == (404, "team_kind_not_found")


async def test_who_named_a_team_and_is_erased_leaves_no_name(club: Club) -> None:
    await club.enrol("anna", "bela")
    team = await crew(club)
    await club.done(f"teams/{team}/join", {"member": "bela"})
    await club.api.call("DELETE", "/v1/programs/club/members/anna")
    seen = await club.look(f"teams/{team}?member=bela")
    assert (seen["name"], seen["captain"], seen["count"]) == (None, True, 1)


async def test_so_many_invitations_wait_at_once_however_many_callers_there_are(club: Club) -> None:
    names = [f"m{number}" for number in range(12)]
    await club.enrol("anna", *names)
    team = await crew(club, kind="invited")

    async def invite(name: str) -> tuple[int, str]:
        asked = {"member": "anna", "account": name}
        said = await club.send(f"teams/{team}/invite", asked)
        return said.status_code, str(said.json().get("code", ""))

    said = await asyncio.gather(*(invite(name) for name in [*names, *names]))
    waiting = [one["account"] for one in (await club.look(f"teams/{team}?member=anna"))["asks"]]
    assert len(waiting) == 3
    assert set(said) == {(200, ""), (409, "team_invites_too_many")}
    invited = [name for name in names if club.accounts[name] in waiting]
    assert await invite(invited[0]) == (200, ""), "who is invited is invited once"
    # Taken, refused and taken back make room each.
    await club.done(f"teams/{team}/join", {"member": invited[0]})
    await club.done(f"teams/{team}/refuse", {"member": invited[1], "account": invited[1]})
    await club.done(f"teams/{team}/refuse", {"member": "anna", "account": invited[2]})
    others = [name for name in names if name not in invited]
    assert [await invite(name) for name in others[:4]] == [(200, "")] * 3 + [(409, "team_invites_too_many")]
