"""Draws over the API: what is published when, and that a member can reckon it again from a file."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from guerdon.rules.play.fairness import check_draws
from tests.web.conftest import PROGRAM, Api, order
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain

CLUB = "/v1/programs/club"
DRAWS = """
draws:
  wheel:
    name: {en: The wheel, bn: চাকা}
    trigger: order.paid
    ends: 2026-11-30
    prizes:
      - {name: Points, odds: 1 in 3, prize: [{award: {wallet: points, amount: "500"}}]}
      - {odds: 1 in 3, winners: 2, prize: [{grant: voucher}]}
  summer:
    kind: raffle
    trigger: order.paid
    drawn_at: 2026-11-30T18:00
    prizes: [{winners: 1, prize: [{award: {wallet: points, amount: "9000"}}]}]
"""
OPEN, OVER = "2026-11-21T12:00:00Z", "2026-12-02T12:00:00Z"


async def look(api: Api, path: str, now: str = OPEN) -> dict[str, Any]:
    answer = await api.get(f"{CLUB}/{path}", headers={"guerdon-now": now})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def club(bare: Api) -> Api:
    applied = await bare.apply(PROGRAM.replace("timezone:", "languages: [en, bn]\ntimezone:") + DRAWS)
    assert applied.status_code == 201, applied.text
    for name in ("ananya", "bela"):
        await bare.enrol(external_id=name)
        sent = [order(f"{name}{number}", member=f"external:{name}") for number in range(20)]
        said = await bare.post(f"{CLUB}/events", json=sent, headers={"guerdon-now": OPEN})
        assert {one["status"] for one in said.json()} == {"applied"}, said.text
    return bare


async def test_a_seed_is_told_when_nothing_can_be_won_any_more(club: Api) -> None:
    (summer, wheel) = (await look(club, "draws?language=bn"))["data"]
    assert (wheel["name"], wheel["state"], wheel["seed"]) == ("চাকা", "open", None)
    assert [one["odds"] for one in wheel["prizes"]] == ["1 in 3", "1 in 3"]
    mine = await look(club, "members/external:ananya/draws")
    assert [one["tickets"] for one in mine["data"]] == [20, 20]
    assert {one["prize"] for one in mine["data"][1]["listed"]} == {None, 1, 2}
    assert [one.open_seed for one in check_draws(json.dumps(mine).encode())] == [False, False]

    (raffle, after) = (await look(club, "draws", OVER))["data"]
    assert (after["state"], after["seed_hash"]) == ("over", wheel["seed_hash"])
    assert raffle["seed"] is None, "a raffle's seed waits until it is drawn"
    assert (raffle["state"], raffle["seed_hash"]) == ("over", summer["seed_hash"])
    whole = json.dumps(await look(club, "members/external:ananya/draws", OVER))
    checked = check_draws(whole.encode(), wheel["seed_hash"])
    assert [(one.draw, one.tickets) for one in checked] == [("summer", 0), ("wheel", 20)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: one["listed"][3].update(prize=None if one["listed"][3]["prize"] else 1), "draw_unfair"),
        (lambda one: one["draw"].update(seed="00" * 32), "draw_unfair"),
        (lambda one: one["draw"].update(seed="nonsense"), "draw_unfair"),
        (lambda one: one["draw"]["prizes"][0].update(odds="1 in 300"), "draw_unfair"),
        (lambda one: one.update(account="acc_another"), "draw_unfair"),
        (lambda one: one["draw"]["prizes"][0].update(odds=None), "file_broken"),
        (lambda one: one.pop("draw"), "file_broken"),
    ],
)
async def test_whatever_was_changed_is_unfair(club: Api, change: Any, code: str) -> None:
    mine = await look(club, "members/external:bela/draws", OVER)
    change(mine["data"][1])
    with pytest.raises(Problem) as refused:
        check_draws(json.dumps(mine).encode())
    assert refused.value.code == code


async def test_a_kept_hash_of_another_seed_is_unknown(club: Api) -> None:
    mine = await look(club, "members/external:bela/draws", OVER)
    with pytest.raises(Problem) as refused:
        check_draws(json.dumps(mine).encode(), "0" * 64)
    assert refused.value.code == "draw_unknown"


async def test_a_raffle_is_drawn_again_from_its_tickets(club: Api) -> None:
    early = await club.get(f"{CLUB}/draws/summer/tickets")
    assert (early.status_code, early.json()["code"]) == (409, "draw_not_drawn")
    assert (await club.get(f"{CLUB}/draws/nothing/tickets")).json()["code"] == "draw_not_found"
    now = datetime.fromisoformat(OVER)
    run_due_of(club.house.database, club.house.engine, tenant_id_of(club.tenant), now)
    (summer, _) = (await look(club, "draws", OVER))["data"]
    assert (summer["state"], summer["drawn"]["accounts"], summer["drawn"]["tickets"]) == ("drawn", 2, 40)
    lines = (await club.get(f"{CLUB}/draws/summer/tickets")).text.splitlines()
    (winner,) = summer["drawn"]["winners"]
    sides = [await look(club, f"members/external:{name}/draws", OVER) for name in ("ananya", "bela")]
    won = [one for side in sides for one in side["data"][0]["won"]]
    assert won == [winner]
    whole = json.dumps(sides[0]).encode()
    assert check_draws(whole, summer["seed_hash"], lines)[0].winners == 1
    for wrong in (lines[:1], [lines[0], lines[1].replace(" 20", " 21")], ["no number"]):
        with pytest.raises(Problem):
            check_draws(whole, lines=wrong)
    sides[0]["data"][0]["draw"]["drawn"]["winners"][0]["ticket"] += 1
    with pytest.raises(Problem) as refused:
        check_draws(json.dumps(sides[0]).encode(), lines=lines)
    assert refused.value.code == "draw_unfair"


async def test_nobody_unknown_has_tickets(club: Api) -> None:
    answer = await club.get(f"{CLUB}/members/external:nobody/draws")
    assert (answer.status_code, answer.json()["code"]) == (404, "member_not_found")


async def test_a_manager_sees_chances_tickets_and_what_is_published(club: Api) -> None:
    summer, wheel = (await look(club, "draws"))["data"]
    person = await signed_in(club, "auditor")
    page = plain((await person.get("/console/p/club/draws")).text)
    assert "The wheel open" in page
    assert "Tickets 40 Accounts with tickets 2" in page
    assert "Points 1 in 3 – not known" in page
    assert re.search(r"voucher 1 in 3 2 [0-2] ", page)
    assert wheel["seed_hash"] in page
    assert summer["seed_hash"] in page
