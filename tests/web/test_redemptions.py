"""What becomes of a reward that was taken: sent, used, given back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Api

CLUB = "/v1/programs/club"


@pytest.fixture
async def shop(api: Api) -> Api:
    await api.enrol(external_id="ana")
    member = (await api.get(f"{CLUB}/members/external:ana")).json()
    said = await api.post(
        f"{CLUB}/accounts/{member['account']}/adjustments",
        json={"wallet": "points", "amount": "500", "reason": "a start"},
    )
    assert said.status_code in (200, 201), said.text
    return api


async def take(shop: Api) -> dict[str, Any]:
    said = await shop.post(f"{CLUB}/redemptions", json={"member": "external:ana", "reward": "pouch"})
    assert said.status_code == 201, said.text
    return dict(said.json())


async def test_a_reward_is_sent_with_where_to_look_for_it_and_then_used(shop: Api) -> None:
    taken = await take(shop)
    assert (taken["status"], taken["tracking"]) == ("issued", None)
    address = f"{CLUB}/redemptions/{taken['id']}"
    sent = await shop.post(f"{address}/send", json={"tracking": "parcel 4711"})
    assert sent.status_code == 200, sent.text
    assert (sent.json()["status"], sent.json()["tracking"]) == ("sent", "parcel 4711")
    again = await shop.post(f"{address}/send")
    assert (again.status_code, again.json()["code"]) == (409, "redemption_sent")
    listed = (await shop.get(f"{CLUB}/redemptions?status=sent")).json()["data"]
    assert [one["id"] for one in listed] == [taken["id"]]
    used = (await shop.post(f"{address}/use")).json()
    assert (used["status"], used["tracking"]) == ("used", "parcel 4711")
    late = await shop.post(f"{address}/send", json={"tracking": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "redemption_used")


async def test_what_comes_back_unused_is_given_back_with_stock_and_units(shop: Api) -> None:
    one, two = await take(shop), await take(shop)
    full = await shop.post(f"{CLUB}/redemptions", json={"member": "external:ana", "reward": "pouch"})
    assert full.json()["code"] == "out_of_stock"
    await shop.post(f"{CLUB}/redemptions/{one['id']}/send")
    said = await shop.post(f"{CLUB}/redemptions/{one['id']}/cancel")
    assert said.json()["status"] == "cancelled"
    refused = await shop.post(f"{CLUB}/redemptions/{one['id']}/send")
    assert refused.json()["code"] == "redemption_cancelled"
    wallet = (await shop.get(f"{CLUB}/members/external:ana")).json()["wallets"]["points"]
    assert wallet["available"] == "400"
    assert (await take(shop))["status"] == "issued"
    assert two["status"] == "issued"
