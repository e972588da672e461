"""Writes by HTTP: programs, adjustments, transfers, redemptions, each once under an Idempotency-Key."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guerdon.base.errors import Problem
from tests.web.conftest import PROGRAM, Api, order

CLUB = "/v1/programs/club"


def points(answer: Any) -> str:
    return str(answer.json()["wallets"]["points"]["available"])


async def funded(api: Api, name: str = "ananya", amount: str = "500") -> dict[str, Any]:
    member = await api.enrol(external_id=name)
    given = {"wallet": "points", "amount": amount, "reason": "a good start"}
    answer = await api.post(f"{CLUB}/accounts/{member['account']}/adjustments", json=given)
    assert answer.status_code == 201, answer.text
    return member


async def test_applying_numbers_versions(bare: Api) -> None:
    assert (await bare.get(CLUB)).status_code == 404
    planned = await bare.call("PUT", f"{CLUB}?dry_run=true", content=PROGRAM)
    assert (planned.status_code, planned.json()["version"]) == (200, 1)
    assert (await bare.get(CLUB)).status_code == 404
    first, same = await bare.apply(), await bare.apply()
    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert (same.status_code, same.json()["changed"]) == (200, False)
    second = await bare.apply(PROGRAM.replace('"200"', '"250"'))
    assert second.json()["version"] == 2
    versions = (await bare.get(f"{CLUB}/versions")).json()["data"]
    assert [row["version"] for row in versions] == [2, 1]
    live = (await bare.get(CLUB)).json()
    assert (live["version"], live["definition"]["currency"]) == (2, "USD")
    assert (await bare.get(f"{CLUB}?version=1")).json()["live"] is False
    assert [row["program"] for row in (await bare.get("/v1/programs")).json()["data"]] == ["club"]


async def test_a_dry_run_says_in_sentences_what_would_change(bare: Api) -> None:
    await bare.apply()
    planned = (
        await bare.call("PUT", f"{CLUB}?dry_run=true", content=PROGRAM.replace('"200"', '"250"'))
    ).json()
    assert (planned["version"], planned["changed"], planned["dry_run"]) == (2, True, True)
    (change,) = planned["changes"]
    assert change["kind"] == "changed"
    assert "250" in change["sentence"] and "200" in change["sentence"]  # noqa: PT018 - one sentence
    assert change["pointer"].startswith("/campaigns/")
    assert all(set(one) == {"code", "pointer", "place", "sentence", "advice"} for one in planned["warnings"])
    assert (await bare.get(CLUB)).json()["version"] == 1


async def test_a_definition_may_be_json(bare: Api) -> None:
    await bare.apply()
    definition = (await bare.get(CLUB)).json()["definition"]
    answer = await bare.call("PUT", CLUB, json=definition)
    assert (answer.status_code, answer.json()["changed"]) == (200, False)


async def test_a_wrong_definition_is_refused_by_place(bare: Api) -> None:
    answer = await bare.apply(PROGRAM.replace("order.earning_base", "order.nonsense"))
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "invalid_definition"
    fault = problem["errors"][0]
    assert fault["pointer"].startswith("/campaigns/base_earn/then/0")
    line = PROGRAM.replace("order.earning_base", "order.nonsense").splitlines()[fault["line"] - 1]
    assert line[fault["column"] - 1 :].startswith("nonsense")
    other = await bare.call("PUT", "/v1/programs/other", content=PROGRAM)
    assert (other.status_code, other.json()["code"]) == (422, "program_mismatch")


async def test_what_people_hold_stays(api: Api) -> None:
    await funded(api)
    renamed = PROGRAM.replace("  points: {unit", "  coins: {unit").replace("wallet: points", "wallet: coins")
    answer = await api.apply(renamed.replace("{points:", "{coins:"))
    assert (answer.status_code, answer.json()["code"]) == (409, "wallet_in_use")
    other = await api.apply(PROGRAM.replace("USD", "EUR"))
    assert (other.status_code, other.json()["code"]) == (409, "currency_changed")


async def test_a_key_gives_the_first_answer_again(api: Api) -> None:
    member = await api.enrol(external_id="ananya")
    path = f"{CLUB}/accounts/{member['account']}/adjustments"
    body = {"wallet": "points", "amount": "5", "reason": "sorry"}
    key = {"idempotency-key": "k1"}
    answers = await asyncio.gather(*(api.post(path, json=body, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await api.post(path, json={**body, "amount": "6"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert points(await api.get(f"{CLUB}/members/ananya")) == "5"
    for wrong in ("", "x" * 256, "a b"):
        answer = await api.post(path, json=body, headers={"idempotency-key": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


async def test_a_refusal_is_not_kept_under_its_key(api: Api) -> None:
    member = await funded(api, amount="50")
    key = {"idempotency-key": "r1"}
    wanted = {"member": member["id"], "reward": "pouch"}
    refused = await api.post(f"{CLUB}/redemptions", json=wanted, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_units")
    await funded(api, amount="50")
    assert (await api.post(f"{CLUB}/redemptions", json=wanted, headers=key)).status_code == 201


async def test_a_key_holds_for_writes_beside_the_engine_too(bare: Api) -> None:
    key = {"idempotency-key": "p1"}
    first = await bare.call("PUT", CLUB, content=PROGRAM, headers=key)
    again = await bare.call("PUT", CLUB, content=PROGRAM, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.text == again.text
    other = await bare.call("PUT", CLUB, content=PROGRAM.replace('"200"', '"250"'), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    member = await bare.enrol(external_id="ananya")
    path = f"{CLUB}/members/ananya"
    gone = await asyncio.gather(
        *(bare.call("DELETE", path, headers={"idempotency-key": "d"}) for _ in range(4))
    )
    assert [answer.json().get("id") for answer in gone] == [member["id"]] * 4


async def test_a_transfer_moves_units_and_their_expiry(api: Api) -> None:
    one, two = await funded(api), await api.enrol(external_id="bela")
    body = {"to": two["account"], "wallet": "points", "amount": "120"}
    answer = await api.post(f"{CLUB}/accounts/{one['account']}/transfers", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["balances"]["points"]["available"] == "380"
    before = (await api.get(f"{CLUB}/members/ananya")).json()["wallets"]["points"]
    after = (await api.get(f"{CLUB}/members/bela")).json()["wallets"]["points"]
    assert after["available"] == "120"
    assert [lot["at"] for lot in after["expiring"]] == [lot["at"] for lot in before["expiring"]]
    short = await api.post(f"{CLUB}/accounts/{one['account']}/transfers", json={**body, "amount": "381"})
    assert (short.status_code, short.json()["code"]) == (409, "insufficient_units")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"wallet": "coins"}, "/wallet"),
        ({"amount": "1.5"}, "/amount"),
        ({"amount": "NaN"}, "/amount"),
        ({"amount": "1e400"}, "/amount"),
        ({"amount": "99999999999999999999"}, "/amount"),
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 1001}, "/reason"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_bad_adjustment_is_refused_by_place(api: Api, change: dict[str, Any], pointer: str) -> None:
    member = await api.enrol(external_id="ananya")
    body = {"wallet": "points", "amount": "5", "reason": "sorry", **change}
    answer = await api.post(f"{CLUB}/accounts/{member['account']}/adjustments", json=body)
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (await api.get(f"{CLUB}/accounts/{member['account']}/ledger")).json()["data"] == []


async def test_the_catalogue_says_what_is_missing(api: Api) -> None:
    member = await funded(api, amount="60")
    rows = {
        row["key"]: row for row in (await api.get(f"{CLUB}/rewards?member={member['id']}")).json()["data"]
    }
    assert rows["pouch"]["missing"] == {"points": "40"}
    assert rows["pouch"]["stock_left"] == 2
    assert rows["evening"]["reason"] == "reward_not_for_tier"
    assert rows["voucher"]["reason"] == "reward_not_for_sale"
    plain = (await api.get(f"{CLUB}/rewards")).json()["data"]
    assert {row["available"] for row in plain} == {None}


async def test_a_reward_is_taken_used_and_given_back(api: Api) -> None:
    member = await funded(api)
    wanted = {"member": "external:ananya", "reward": "pouch"}
    one, two = [(await api.post(f"{CLUB}/redemptions", json=wanted)).json() for _ in range(2)]
    assert (one["status"], one["price"], one["member"]) == ("issued", {"points": "100"}, member["id"])
    none_left = await api.post(f"{CLUB}/redemptions", json=wanted)
    assert (none_left.status_code, none_left.json()["code"]) == (409, "out_of_stock")
    used = await api.post(f"{CLUB}/redemptions/{one['id']}/use")
    assert used.json()["status"] == "used"
    kept = await api.post(f"{CLUB}/redemptions/{one['id']}/cancel")
    assert kept.status_code == 409
    back = await api.post(f"{CLUB}/redemptions/{two['id']}/cancel")
    assert back.json()["status"] == "cancelled"
    assert points(await api.get(f"{CLUB}/members/ananya")) == "400"
    listed = (await api.get(f"{CLUB}/redemptions?member=ananya&status=used")).json()["data"]
    assert [row["id"] for row in listed] == [one["id"]]
    again = await api.post(f"{CLUB}/redemptions", json=wanted)
    assert again.status_code == 201


async def test_balances_are_told_as_they_were(api: Api) -> None:
    member = await api.enrol(external_id="ananya")
    for number, hour in enumerate(("10", "11"), 1):
        await api.post(f"{CLUB}/events", json=order(f"o{number}", time=f"2026-11-20T{hour}:00:00Z"))
    path = f"{CLUB}/accounts/{member['account']}"
    for at, amount in (
        ("2026-11-20T09:00:00Z", "0"),
        ("2026-11-20T10:30:00+00:00", "159"),
        ("2026-11-20T12:00:00Z", "318"),
    ):
        then = (await api.get(f"{path}?at={at}")).json()
        assert then["wallets"]["points"]["available"] == amount, at
    ledger = (await api.get(f"{path}/ledger?limit=1")).json()
    rest = (await api.get(f"{path}/ledger?cursor={ledger['next']}")).json()
    assert [row["seq"] for row in ledger["data"] + rest["data"]] == [2, 1]
    for row in rest["data"]:
        assert sum(int(entry["amount"]) for entry in row["entries"]) == 0


async def test_a_full_queue_asks_to_come_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Problem("overloaded", "too many commands are waiting; try again in a moment")

    monkeypatch.setattr(api.house.engine, "put", full)
    for body in (order("o1"), [order("o1")]):
        answer = await api.post(f"{CLUB}/events", json=body)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
    answer = await api.post(f"{CLUB}/members", json={"external_id": "a"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
