"""Merging accounts by HTTP: looked at first, done once, and what comes late lands where it belongs."""

from __future__ import annotations

from typing import Any

from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"


async def funded(api: Api, name: str, amount: str) -> str:
    member = await api.enrol(external_id=name, name=name.title())
    given = {"wallet": "points", "amount": amount, "reason": "a good start"}
    answer = await api.post(f"{CLUB}/accounts/{member['account']}/adjustments", json=given)
    assert answer.status_code == 201, answer.text
    return str(member["account"])


def points(answer: Any) -> str:
    return str(answer.json()["wallets"]["points"]["available"])


async def test_a_merge_is_looked_at_and_then_done_once(api: Api) -> None:
    gone, into = await funded(api, "ananya", "300"), await funded(api, "bela", "120")
    looked = await api.post(f"{CLUB}/accounts/{gone}/merge/preview", json={"into": into})
    assert looked.status_code == 200, looked.text
    assert looked.json()["wallets"]["points"]["available"] == "300"
    assert looked.json()["balances"]["points"]["available"] == "420"
    assert looked.json()["transactions"] == []
    assert points(await api.get(f"{CLUB}/accounts/{gone}")) == "300"
    once = {"Idempotency-Key": "twice-the-same-person"}
    done = await api.post(f"{CLUB}/accounts/{gone}/merge", json={"into": into}, headers=once)
    again = await api.post(f"{CLUB}/accounts/{gone}/merge", json={"into": into}, headers=once)
    assert (done.status_code, again.json()) == (200, done.json())
    assert {**done.json(), "transactions": []} == looked.json()
    assert len(done.json()["transactions"]) == 1
    old, new = await api.get(f"{CLUB}/accounts/{gone}"), await api.get(f"{CLUB}/accounts/{into}")
    assert (points(old), points(new)) == ("0", "420")
    assert (old.json()["merged_into"], new.json()["merged_from"]) == (into, [gone])
    assert (old.json()["members"], len(new.json()["members"])) == ([], 2)
    shown = await api.get(f"{CLUB}/members/ananya")
    assert shown.json()["account"] == into
    assert points(shown) == "420"
    listed = [one["id"] for one in (await api.get(f"{CLUB}/accounts")).json()["data"]]
    assert listed == [into]


async def test_history_stays_and_what_comes_late_lands(api: Api) -> None:
    gone, into = await funded(api, "ananya", "300"), await funded(api, "bela", "120")
    paid = order("paid-1")
    first = await api.post(f"{CLUB}/events", json=paid)
    assert first.json()["status"] == "applied", first.text
    assert (await api.post(f"{CLUB}/accounts/{gone}/merge", json={"into": into})).status_code == 200
    again = await api.post(f"{CLUB}/events", json=paid)
    assert (again.json()["status"], again.json()["effects"]) == ("duplicate", first.json()["effects"])
    kinds = [one["kind"] for one in (await api.get(f"{CLUB}/accounts/{gone}/ledger")).json()["data"]]
    assert kinds[0] == "merge"
    assert "adjust" in kinds
    arrived = (await api.get(f"{CLUB}/accounts/{into}/ledger")).json()["data"][0]
    assert (arrived["kind"], arrived["other_account"]) == ("merge", gone)
    one = await api.get(f"{CLUB}/orders/{paid['data']['id']}")
    assert one.status_code == 200
    orders = await api.get(f"{CLUB}/orders", params={"member": "ananya"})
    assert [row["id"] for row in orders.json()["data"]] == [paid["data"]["id"]]
    body = {"wallet": "points", "amount": "7", "reason": "sorry"}
    late = await api.post(f"{CLUB}/accounts/{gone}/adjustments", json=body)
    assert late.status_code == 201, late.text
    explained = await api.get(f"{CLUB}/events/{paid['id']}/explanation")
    assert explained.status_code == 200, explained.text
    assert (await api.call("DELETE", f"{CLUB}/members/ananya")).status_code == 200
    assert len((await api.get(f"{CLUB}/accounts/{into}")).json()["members"]) == 1


async def test_mistakes_are_told(api: Api) -> None:
    gone, into = await funded(api, "ananya", "300"), await funded(api, "bela", "120")

    async def said(account: str, **body: Any) -> tuple[int, str, str]:
        answer = await api.post(f"{CLUB}/accounts/{account}/merge", json=body)
        errors = answer.json().get("errors") or [{}]
        return answer.status_code, answer.json()["code"], errors[0].get("pointer", "")

    assert await said(gone) == (422, "missing_field", "/into")
    assert await said(gone, into="bela") == (422, "account_invalid", "/into")
    assert await said(gone, into=gone) == (422, "same_account", "/into")
    assert await said(gone, into="acc_0000000000000") == (404, "account_not_found", "/into")
    assert await said("acc_0000000000000", into=into) == (404, "account_not_found", "")
    assert await said("bela", into=into) == (404, "account_not_found", "")
    assert (await api.post(f"{CLUB}/accounts/{gone}/merge", json={"into": into})).status_code == 200
    assert await said(gone, into=into) == (409, "account_merged", "")
    assert await said(into, into=gone) == (409, "account_merged", "/into")
