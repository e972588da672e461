"""Versions over HTTP: read, compared, and had back."""

from __future__ import annotations

from typing import Any

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api

CLUB = "/v1/programs/club"
RICHER = PROGRAM.replace("rounding: floor", "rounding: ceil", 1)


async def applied(api: Api) -> None:
    assert RICHER != PROGRAM
    assert (await api.apply(RICHER)).json()["version"] == 2


async def rollback(api: Api, body: dict[str, Any], query: str = "", **more: Any) -> Any:
    return await api.post(f"{CLUB}/rollback{query}", json=body, **more)


async def test_a_version_is_read_and_compared_with_another(api: Api) -> None:
    await applied(api)
    first = (await api.get(f"{CLUB}/versions/1")).json()
    assert (first["version"], first["live"], first["source"]) == (1, False, PROGRAM)
    found = (await api.get(f"{CLUB}/versions/1/difference", params={"to": 2})).json()
    assert (found["before"], found["after"], len(found["changes"])) == (1, 2, 1)
    assert found["changes"][0]["pointer"].startswith("/wallets/points/rounding")
    assert (await api.get(f"{CLUB}/versions/1/difference")).json() == found
    back = (await api.get(f"{CLUB}/versions/2/difference", params={"to": 1})).json()
    assert (back["changes"][0]["before"], back["changes"][0]["after"]) == (
        found["changes"][0]["after"],
        found["changes"][0]["before"],
    )
    assert (await api.get(f"{CLUB}/versions/2/difference")).json()["changes"] == []
    for path in ("versions/9", "versions/9/difference", "versions/1/difference?to=9"):
        missing = await api.get(f"{CLUB}/{path}")
        assert (missing.status_code, missing.json()["code"]) == (404, "program_version_not_found")
    unknown = await api.get("/v1/programs/nothing/versions/1")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "program_not_found")


async def test_an_earlier_version_is_had_back_as_a_new_one(api: Api) -> None:
    await applied(api)
    tried = await rollback(api, {"to": 1}, "?dry_run=true")
    assert (tried.status_code, tried.json()["version"], tried.json()["dry_run"]) == (200, 3, True)
    assert (await api.get(CLUB)).json()["version"] == 2
    done = await rollback(api, {"to": 1, "reason": "too slow"})
    assert (done.status_code, done.json()["version"], done.json()["changed"]) == (201, 3, True)
    assert done.json()["changes"] == tried.json()["changes"] != []
    live = (await api.get(CLUB)).json()
    assert (live["version"], live["source"]) == (3, PROGRAM)
    again = await rollback(api, {"to": 1})
    assert (again.status_code, again.json()["version"], again.json()["changed"]) == (200, 3, False)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx, about="program:club")]
    assert [act.action for act in acts] == ["program.rolled_back", "program.applied", "program.applied"]
    assert (acts[0].detail["back_to"], acts[0].detail["reason"]) == (1, "too slow")


async def test_the_same_call_twice_rolls_back_once(api: Api) -> None:
    await applied(api)
    once = {"idempotency-key": "back-1"}
    first = await rollback(api, {"to": 1}, headers=once)
    await api.apply(RICHER)
    second = await rollback(api, {"to": 1}, headers=once)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (await api.get(CLUB)).json()["version"] == 4
    other = await rollback(api, {"to": 2}, headers=once)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_what_people_hold_is_not_rolled_away(api: Api) -> None:
    more = PROGRAM.replace("wallets:\n", "wallets:\n  stars: {unit: stars}\n")
    await api.apply(more)
    made = await api.enrol(external_id="ananya")
    path = f"{CLUB}/accounts/{made['account']}/adjustments"
    given = await api.post(path, json={"wallet": "stars", "amount": "5", "reason": "a gift"})
    assert given.status_code == 201, given.text
    for query in ("", "?dry_run=true"):
        refused = await rollback(api, {"to": 1}, query)
        assert (refused.status_code, refused.json()["code"]) == (409, "wallet_in_use")
    assert (await api.get(CLUB)).json()["version"] == 2


async def test_bad_calls_are_told_and_change_nothing(api: Api) -> None:
    for body in ({}, {"to": 0}, {"to": "1"}, {"to": 1, "why": "x"}, {"to": 1, "reason": 5}):
        refused = await rollback(api, body)
        assert 400 <= refused.status_code < 500, body
    missing = await rollback(api, {"to": 7})
    assert (missing.status_code, missing.json()["code"]) == (404, "program_version_not_found")
    assert (await api.get(CLUB)).json()["version"] == 1
