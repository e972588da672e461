"""Leaderboards and teams in the console: figures, and names that can be taken away."""

from __future__ import annotations

import re

from tests.web.boards.conftest import Club
from tests.web.boards.test_boards import JOIN
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain

ROOM = "/console/p/club/leaderboards"


async def test_a_manager_sees_boards_and_takes_a_name_away(club: Club) -> None:
    await club.enrol("anna", "bela")
    await club.done(JOIN, {"member": "anna", "name": "Rude Word"})
    await club.recycle("anna", 1234)
    await club.recycle("bela", 10)
    await club.settle()
    person = await signed_in(club.api, "manager")
    listed = plain((await person.get(ROOM)).text)
    assert "Top recyclers recycled" in listed
    assert "Crew anybody who wants to at most 3 0 0" in listed
    page = plain((await person.get(f"{ROOM}/recyclers")).text)
    shown = re.findall(
        r'href="(/console/p/club/members/mem_[^"]+)"', (await person.get(f"{ROOM}/recyclers")).text
    )
    assert (await person.get(shown[0])).status_code == 200
    assert f"1 Rude Word 1,234 {club.accounts['anna']} Take away : Rude Word" in page
    taken = await person.send(f"{ROOM}/recyclers/names/take", account=club.accounts["anna"])
    assert taken.status_code == 303, taken.text
    page = plain((await person.get(f"{ROOM}/recyclers")).text)
    assert f"1 a member 1,234 {club.accounts['anna']}" in page
    everybody = plain((await person.get(f"{ROOM}/everybody")).text)
    assert "2 stand on it." in everybody
    assert (await person.get(f"{ROOM}/nothing")).status_code == 404
    assert (await person.get(f"{ROOM}/recyclers?on=2020-01-01")).status_code == 404


async def test_who_only_looks_takes_nothing_away(club: Club) -> None:
    await club.enrol("anna")
    await club.done(JOIN, {"member": "anna", "name": "Anna"})
    person = await signed_in(club.api, "auditor")
    assert "Take away" not in plain((await person.get(f"{ROOM}/recyclers")).text)
    refused = await person.send(f"{ROOM}/recyclers/names/take", account=club.accounts["anna"])
    assert refused.status_code == 403


async def test_a_persons_file_has_the_names_they_chose(club: Club) -> None:
    await club.enrol("anna")
    await club.done(JOIN, {"member": "anna", "name": "Mountain Goat"})
    await club.done("teams", {"member": "anna", "kind": "crew", "name": "Mill Lane"})
    person = await signed_in(club.api, "owner")
    member = (await club.look("members/anna"))["id"]
    told = (await person.send(f"/console/p/club/members/{member}/data/export")).json()
    assert told["leaderboards"]["recyclers"]["name"] == "Mountain Goat"
    assert told["teams"] == [{"kind": "crew", "name": "Mill Lane", "captain": True}]


async def test_teams_are_listed_and_their_names_taken_away(club: Club) -> None:
    await club.enrol("anna")
    made = await club.done("teams", {"member": "anna", "kind": "crew", "name": "Rude Crew"})
    person = await signed_in(club.api, "manager")
    page = plain((await person.get("/console/p/club/teams/crew")).text)
    assert f"Rude Crew 1 {club.accounts['anna']}" in page
    taken = await person.send("/console/p/club/teams/crew/names/take", team=made["id"])
    assert taken.status_code == 303
    page = plain((await person.get("/console/p/club/teams/crew")).text)
    assert "Rude Crew" not in page
    assert (await club.look(f"teams/{made['id']}"))["name"] is None
