"""Returns over HTTP: asked for by the shop's own call, or told by its webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: spend
    review: calendar_year
    tiers: {bronze: {from: 0}, gold: {from: 150}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  thanks:
    trigger: order.paid
    when: order.net >= 100
    limits: {per_account: 1}
    then: [{grant: voucher}]
rewards:
  voucher: {kind: coupon, discount: {percent: 50}, code: "TEN-{8}"}
"""
ORDER: dict[str, Any] = {
    "id": "A-1",
    "lines": [
        {"id": "1", "quantity": 3, "price": "40.00", "tax": "10.00"},
        {"id": "2", "quantity": 1, "price": "60.00"},
    ],
    "shipping": {"amount": "5.00", "tax": "0.50"},
}
BASE = "/v1/programs/club"


def event(kind: str, number: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "source": "shop", "type": kind, "time": NOW.isoformat(), "data": data, **more}


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=PROGRAM, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    await api.post(f"{BASE}/members", json={"external_id": "ana"})
    said = await api.post(f"{BASE}/events", json=event("order.paid", "e1", ORDER, subject="ana"))
    assert said.status_code == 200, said.text
    assert said.json()["balances"]["points"]["available"] == "180"
    return api


async def back(shop: Api, body: Any, order: str = "A-1") -> tuple[int, Any]:
    said = await shop.post(f"{BASE}/orders/{order}/returns", json=body)
    return said.status_code, said.json()


async def test_parts_of_an_order_come_back_until_nothing_is_left(shop: Api) -> None:
    status, one = await back(shop, {"id": "R-1", "lines": [{"id": "1", "quantity": 1}]})
    assert (status, one["status"], one["complete"]) == (200, "applied", False)
    # A third of 120.00 net with 10.00 tax: 3.33 now, and in the end all of it.
    assert one["lines"] == [
        {"id": "1", "quantity": "1", "refund": {"net": "40.00", "tax": "3.33", "total": "43.33"}}
    ]
    assert one["shipping"] is None
    assert one["units"]["points"] == {"taken": "40", "given_back": "0", "debt": "0"}
    assert one["undone"] == []
    member = (await shop.get(f"{BASE}/members/external:ana")).json()
    assert member["wallets"]["points"]["available"] == "140"
    assert member["tiers"]["club"]["tier"] == "bronze"
    status, two = await back(shop, {"id": "R-2", "lines": [{"id": "1", "quantity": 1}]})
    assert two["lines"][0]["refund"] == {"net": "40.00", "tax": "3.34", "total": "43.34"}
    status, rest = await back(shop, {"id": "R-3", "all": True, "refund_shipping": True})
    assert (status, rest["complete"]) == (200, True)
    assert rest["refund"] == {"net": "105.00", "tax": "3.83", "total": "108.83"}
    assert [one["kind"] for one in rest["undone"]] == ["reward", "limit"]
    assert rest["balances"]["points"]["available"] == "0"
    listed = (await shop.get(f"{BASE}/orders/A-1/returns")).json()["data"]
    assert [one["id"] for one in listed] == ["R-1", "R-2", "R-3"]
    redemptions = (await shop.get(f"{BASE}/redemptions")).json()["data"]
    assert [one["status"] for one in redemptions] == ["cancelled"]


async def test_a_return_is_taken_in_once(shop: Api) -> None:
    body = {"id": "R-1", "lines": [{"id": "2", "quantity": 1}]}
    _, first = await back(shop, body)
    status, again = await back(shop, body)
    assert (status, again["status"]) == (200, "duplicate")
    assert again["units"] == first["units"]
    assert again["lines"] == first["lines"]
    status, other = await back(shop, {"id": "R-1", "all": True})
    assert (status, other["code"]) == (409, "event_id_reused")
    assert other["detail"] == "another return has this id: each return in a program needs one of its own"
    # The shop's webhook tells of the same return by its own id.
    told = event("order.returned", "hook-9", {"order": "A-1", "id": "R-1", "all": True})
    said = await shop.post(f"{BASE}/events", json=told)
    assert (said.status_code, said.json()["code"]) == (409, "return_id_reused")


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"id": "R"}, 422, "return_empty", "/lines"),
        ({"id": "R", "lines": [{"id": "9"}]}, 422, "unknown_line", "/lines/0/id"),
        ({"id": "R", "lines": [{"id": "1"}, {"id": "1"}]}, 422, "duplicate_line", "/lines/1/id"),
        (
            {"id": "R", "lines": [{"id": "1", "quantity": 4}]},
            409,
            "return_exceeds_order",
            "/lines/0/quantity",
        ),
        ({"id": "R", "lines": [{"id": "1", "quantity": 0}]}, 422, "quantity_invalid", "/lines/0/quantity"),
        ({"id": "R", "lines": [{"id": "1", "quantity": -1}]}, 422, "quantity_invalid", "/lines/0/quantity"),
        ({"id": "R", "lines": [{"id": "1"}], "all": True}, 422, "return_says_two_things", "/lines"),
    ],
)
async def test_what_cannot_come_back_is_refused_where_it_is_wrong(
    shop: Api, body: Any, status: int, code: str, pointer: str
) -> None:
    answered, said = await back(shop, body)
    assert (answered, said["code"], said["errors"][0]["pointer"]) == (status, code, pointer)
    assert (await shop.get(f"{BASE}/orders/A-1/returns")).json()["data"] == []


async def test_an_order_that_nobody_paid_cannot_come_back(shop: Api) -> None:
    status, said = await back(shop, {"id": "R-1", "all": True}, "nothing")
    assert (status, said["code"]) == (404, "order_not_found")


async def test_two_shops_with_one_number_are_told_apart_by_source(shop: Api) -> None:
    other = event("order.paid", "e1", ORDER, subject="ana") | {"source": "other-shop"}
    await shop.post(f"{BASE}/events", json=other)
    status, said = await back(shop, {"id": "R-1", "all": True})
    assert (status, said["code"]) == (409, "order_ambiguous")
    status, said = await back(shop, {"id": "R-1", "all": True, "source": "other-shop"})
    assert (status, said["units"]["points"]["taken"]) == (200, "180")


async def test_an_explanation_tells_what_was_undone_and_why(shop: Api) -> None:
    await back(shop, {"id": "R-1", "lines": [{"id": "1", "quantity": 1}]})
    await back(shop, {"id": "R-2", "lines": [{"id": "1", "quantity": 2}], "refund_shipping": True})
    of_order = (await shop.get(f"{BASE}/orders/A-1/explanation")).json()
    assert (of_order["same"], of_order["differences"]) == (True, [])
    assert [one["id"] for one in of_order["returned"]] == ["R-1", "R-2"]
    assert of_order["returned"][0]["said"] == [
        "1 of line 1 came back, for which 43.33 was charged",
        "40 points that it had brought were taken back, in proportion to the money",
    ]
    of_return = (await shop.get(f"{BASE}/events/return-R-2/explanation")).json()
    assert of_return["same"] is True, of_return["differences"]
    assert of_return["returned"] == [of_order["returned"][1]]
    said = of_return["returned"][0]["said"]
    assert said[1] == "shipping is refunded: 5.50"
    assert said[-2:] == [
        "voucher was taken back: thanks would not act on what remains: order.net >= 100",
        "a use of thanks is free again: thanks would not act on what remains: order.net >= 100",
    ]


async def test_campaigns_of_returns_run_and_are_explained(shop: Api) -> None:
    more = """
  sorry:
    trigger: order.returned
    when: order.net >= 40
    limits: {per_account: 1}
    then: [{award: {wallet: points, amount: order.quantity * 5}}]
rewards:"""
    text = PROGRAM.replace("rewards:", more.lstrip("\n"), 1)
    said = await shop.call("PUT", BASE, content=text, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    status, first = await back(shop, {"id": "R-1", "lines": [{"id": "1", "quantity": 2}]})
    assert (status, first["balances"]["points"]["available"]) == (200, str(180 - 80 + 10))
    _, second = await back(shop, {"id": "R-2", "lines": [{"id": "1", "quantity": 1}]})
    assert second["balances"]["points"]["available"] == str(110 - 40)
    for number, outcome in (("R-1", "acted"), ("R-2", "limit_reached")):
        told = (await shop.get(f"{BASE}/events/return-{number}/explanation")).json()
        assert told["same"] is True, told["differences"]
        assert {one["campaign"]: one["outcome"] for one in told["campaigns"]}["sorry"] == outcome
    event_shown = (await shop.get(f"{BASE}/events/return-R-1")).json()
    assert [one["campaign"] for one in event_shown["effects"]] == ["sorry"]


async def test_webhooks_tell_of_returns_cancellations_and_edits(shop: Api) -> None:
    told = event("order.returned", "h1", {"order": "A-1", "lines": [{"id": "1", "quantity": 1}]})
    said = (await shop.post(f"{BASE}/events", json=told)).json()
    assert (said["status"], said["returned"]["id"]) == ("applied", "h1")
    assert said["balances"]["points"]["available"] == "140"
    edited = {**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 1}, ORDER["lines"][1]]}
    said = (await shop.post(f"{BASE}/events", json=event("order.edited", "h2", edited))).json()
    assert [(one["id"], one["quantity"]) for one in said["returned"]["lines"]] == [("1", "1")]
    grown = {**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 2}, ORDER["lines"][1]]}
    said = await shop.post(f"{BASE}/events", json=event("order.edited", "h3", grown))
    assert (said.status_code, said.json()["code"]) == (409, "order_has_grown")
    said = (await shop.post(f"{BASE}/events", json=event("order.cancelled", "h4", {"order": "A-1"}))).json()
    assert said["returned"]["complete"] is True
    assert said["returned"]["shipping"] == {"net": "5.00", "tax": "0.50", "total": "5.50"}
    assert said["balances"]["points"]["available"] == "0"


async def test_an_order_and_its_return_in_one_call(shop: Api) -> None:
    rows = [
        event("order.paid", "e2", {**ORDER, "id": "A-2"}, subject="ana"),
        event("order.returned", "h1", {"order": "A-2", "all": True}),
        event("order.returned", "h2", {"order": "A-2", "all": True}),
    ]
    said = (await shop.post(f"{BASE}/events", json=rows)).json()
    assert [row["status"] for row in said] == ["applied", "applied", "rejected"]
    assert said[1]["balances"]["points"]["available"] == "180"
    assert said[2]["problem"]["code"] == "nothing_to_return"


async def test_a_guests_order_comes_back_as_a_fact(shop: Api) -> None:
    guest = event("order.paid", "g1", {**ORDER, "id": "G-1"})
    await shop.post(f"{BASE}/events", json=guest)
    status, said = await back(shop, {"id": "R-1", "lines": [{"id": "2"}]}, "G-1")
    assert (status, said["refund"]["total"], said["units"]) == (200, "60.00", {})
    status, said = await back(shop, {"id": "R-2", "lines": [{"id": "2"}]}, "G-1")
    assert (status, said["code"]) == (409, "return_exceeds_order")


async def test_what_was_spent_is_owed_and_repaid_by_what_comes(shop: Api) -> None:
    member = (await shop.get(f"{BASE}/members/external:ana")).json()
    body = {"wallet": "points", "amount": "-150", "reason": "spent elsewhere"}
    said = await shop.post(f"{BASE}/accounts/{member['account']}/adjustments", json=body)
    assert said.status_code == 201, said.text
    _, said = await back(shop, {"id": "R-1", "all": True})
    assert said["units"]["points"] == {"taken": "180", "given_back": "0", "debt": "150"}
    assert said["balances"]["points"] == {"available": "-150", "pending": "0", "held": "0", "debt": "150"}
    shown = (await shop.get(f"{BASE}/members/external:ana")).json()["wallets"]["points"]
    assert (shown["available"], shown["debt"]) == ("-150", "150")
    bought = event(
        "order.paid", "e2", {"id": "A-2", "lines": [{"id": "1", "price": "160.00"}]}, subject="ana"
    )
    said = (await shop.post(f"{BASE}/events", json=bought)).json()
    assert said["balances"]["points"] == {"available": "10", "pending": "0", "held": "0"}
