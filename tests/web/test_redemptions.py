"""What becomes of a reward that was taken: sent, used, given back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import NOW, PROGRAM, Api

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


async def test_what_can_be_had_when_and_what_is_chosen(shop: Api) -> None:
    more = """
  scarf: {kind: choice, price: {points: 10}, choices: [red, blue]}
  soon: {kind: product, price: {points: 10}, opens: 2027-01-01}
  gone: {kind: product, price: {points: 10}, until: 2026-01-01}
  gift: {kind: product, opens: 2027-01-01}
"""
    given = "  birthday:\n    trigger: item.recycled\n    then: [{grant: gift}]\n"
    text = PROGRAM.rstrip().replace("rewards:\n", given + "rewards:\n") + more
    assert (await shop.apply(text)).status_code == 201
    listed = (await shop.get(f"{CLUB}/rewards?member=external:ana")).json()["data"]
    told = {one["key"]: (one["available"], one["reason"], one["choices"]) for one in listed}
    assert told["scarf"] == (True, None, ["red", "blue"])
    assert told["soon"] == (False, "reward_not_yet", [])
    assert told["gone"] == (False, "reward_over", [])

    async def ask(reward: str, **choice: str) -> Any:
        body = {"member": "external:ana", "reward": reward, **choice}
        return (await shop.post(f"{CLUB}/redemptions", json=body)).json()

    assert (await ask("soon"))["code"] == "reward_not_yet"
    assert (await ask("gone"))["code"] == "reward_over"
    assert (await ask("scarf"))["errors"][0] == {
        "pointer": "/choice",
        "code": "choice_missing",
        "detail": "say what is chosen of this reward; there are: red, blue",
    }
    assert (await ask("scarf", choice="green"))["code"] == "choice_unknown"
    assert (await ask("scarf", choice="red"))["choice"] == "red"
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "item.recycled",
        "time": NOW.isoformat(),
        "subject": "external:ana",
        "data": {"grams": 1},
    }
    effects = (await shop.post(f"{CLUB}/events", json=event)).json()["effects"]
    assert any(one.get("grant", {}).get("reward") == "gift" for one in effects), effects
    cart = {"member": "external:ana", "lines": [{"id": "1", "price": "5.00"}], "rewards": ["scarf"]}
    said = await shop.call("PUT", f"{CLUB}/checkouts/C-1", json=cart)
    assert said.json()["errors"][0]["pointer"] == "/rewards/0"
