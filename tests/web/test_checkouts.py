"""Checkouts over HTTP: priced, held, confirmed, let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "500"}}]
  bags_off:
    trigger: checkout
    limits: {per_account: 1, total: 3}
    then: [{discount: {percent: 10, of: lines, where: "'backpack' in line.categories"}}]
  thanks:
    trigger: order.paid
    when: order.net >= 100
    then: [{grant: voucher}]
rewards:
  pouch: {kind: product, price: {points: 100}, stock: 2}
  voucher: {kind: coupon, discount: {percent: 50}, code: "TEN-{8}"}
"""
CART: dict[str, Any] = {
    "id": "A-1",
    "lines": [{"id": "1", "quantity": 2, "price": "79.90", "categories": ["backpack"]}],
    "shipping": {"amount": "5.00"},
}
BASE = "/v1/programs/club"


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=PROGRAM, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    said = await api.post(f"{BASE}/members", json={"external_id": "ana"})
    assert said.status_code == 201, said.text
    return api


async def put(api: Api, checkout: str, **more: Any) -> Any:
    said = await api.call("PUT", f"{BASE}/checkouts/{checkout}", json={**CART, "member": "ana", **more})
    assert said.status_code == 200, said.text
    return said.json()


async def points(api: Api) -> tuple[str, str]:
    wallet = (await api.get(f"{BASE}/members/external:ana")).json()["wallets"]["points"]
    return wallet["available"], wallet["held"]


async def test_a_preview_equals_an_immediate_opening_and_holds_nothing(shop: Api) -> None:
    said = await shop.post(
        f"{BASE}/checkouts/preview", json={**CART, "member": "ana", "spend": {"points": "300"}}
    )
    assert said.status_code == 200, said.text
    preview = said.json()
    assert preview["totals"] == {
        "subtotal": "159.80",
        "discount": "15.98",
        "net": "143.82",
        "shipping": "5.00",
        "tax": "0.00",
        "total": "148.82",
        "paid_with_points": "3.00",
        "due": "145.82",
    }
    assert preview["lines"][0]["discounts"] == [{"campaign": "bags_off", "amount": "15.98"}]
    assert preview["spends"] == {"points": "300"}
    assert preview["earns"] == {"points": "140"}
    assert await points(shop) == ("500", "0")
    opened = await put(shop, "C-1", spend={"points": "300"})
    assert await points(shop) == ("200", "300")
    for one in (preview, opened):
        one.pop("status"), one.pop("checkout"), one.pop("expires_at", None)
    assert preview == opened


async def test_confirming_takes_what_is_held_and_earns_once(shop: Api) -> None:
    await put(shop, "C-1", spend={"points": "300"}, rewards=["pouch"])
    assert await points(shop) == ("100", "400")
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", json={})
    assert said.status_code == 200, said.text
    confirmed = said.json()
    assert confirmed["status"] == "confirmed"
    assert confirmed["late"] is False
    assert confirmed["shortfalls"] == []
    assert await points(shop) == ("240", "0")
    again = (await shop.post(f"{BASE}/checkouts/C-1/confirm", json={})).json()
    assert again["effects"] == confirmed["effects"]
    assert await points(shop) == ("240", "0")
    told = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "subject": "external:ana",
        "data": {"id": "A-1", "lines": [{"id": "1", "quantity": 2, "price": "79.90"}]},
    }
    said = await shop.post(f"{BASE}/events", json=told)
    assert said.json()["status"] == "duplicate", said.text
    assert await points(shop) == ("240", "0")


async def test_the_shop_may_tell_of_the_order_first(shop: Api) -> None:
    await put(shop, "C-1", spend={"points": "300"})
    told = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "subject": "external:ana",
        "data": {"id": "A-1", "lines": [{"id": "1", "quantity": 1, "price": "50.00"}]},
    }
    assert (await shop.post(f"{BASE}/events", json=told)).json()["status"] == "applied"
    assert await points(shop) == ("250", "300")
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", json={})
    assert said.status_code == 200, said.text
    assert await points(shop) == ("250", "0")


async def test_limits_count_over_open_carts_and_are_given_back(shop: Api) -> None:
    first = await put(shop, "C-1")
    assert first["totals"]["discount"] == "15.98"
    second = await put(shop, "C-2", id="A-2")
    assert second["totals"]["discount"] == "0.00"
    assert {"campaign": "bags_off", "reason": "limit_reached"} in second["skipped"]
    assert (await put(shop, "C-1"))["totals"]["discount"] == "15.98"
    said = await shop.post(f"{BASE}/checkouts/C-1/cancel")
    assert said.status_code == 200, said.text
    assert said.json()["status"] == "cancelled"
    assert (await put(shop, "C-2", id="A-2"))["totals"]["discount"] == "15.98"
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm")
    assert (said.status_code, said.json()["code"]) == (409, "checkout_cancelled")
    said = await shop.post(f"{BASE}/checkouts/C-9/confirm")
    assert (said.status_code, said.json()["code"]) == (404, "checkout_not_found")
    assert "there is no checkout 'C-9'" in said.json()["detail"]


async def test_a_checkout_that_was_opened_with_a_source_is_asked_for_with_it(shop: Api) -> None:
    await put(shop, "C-1", source="shop")
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm")
    assert said.status_code == 404
    assert said.json()["detail"].startswith("there is no checkout 'C-1' ")
    assert "source" in said.json()["detail"]
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", json={"source": "till"})
    assert said.json()["detail"] == "there is no checkout 'C-1' of the source 'till'"
    assert (await shop.post(f"{BASE}/checkouts/C-1/confirm", json={"source": "shop"})).status_code == 200


async def test_a_coupon_is_held_and_used_up(shop: Api) -> None:
    await put(shop, "C-1")
    confirmed = (await shop.post(f"{BASE}/checkouts/C-1/confirm")).json()
    code = confirmed["redemptions"][0]["code"]
    quoted = await put(shop, "C-2", id="A-2", coupons=[code])
    assert quoted["totals"]["discount"] == "79.90"
    other = await put(shop, "C-3", id="A-3", coupons=[code])
    assert other["totals"]["discount"] == "0.00"
    assert "coupon_held" in [one["reason"] for one in other["skipped"]]
    said = await shop.post(f"{BASE}/checkouts/C-2/confirm")
    assert said.status_code == 200, said.text
    used = await put(shop, "C-3", id="A-3", coupons=[code])
    assert "coupon_used" in [one["reason"] for one in used["skipped"]]


async def test_a_guest_gets_the_quote_and_the_order_is_recorded(shop: Api) -> None:
    said = await shop.call("PUT", f"{BASE}/checkouts/G-1", json=CART)
    assert said.status_code == 200, said.text
    assert said.json()["totals"]["discount"] == "15.98"
    said = await shop.post(f"{BASE}/checkouts/G-1/confirm")
    assert said.status_code == 200, said.text


async def test_a_lapsed_checkout_holds_nothing_and_confirms_late(shop: Api) -> None:
    await put(shop, "C-1", spend={"points": "500"}, ttl=60)
    later = {"guerdon-now": (datetime.now(UTC) + timedelta(minutes=2)).isoformat()}
    said = await shop.get(f"{BASE}/members/external:ana", headers=later)
    assert said.json()["wallets"]["points"]["available"] == "500"
    taken = await shop.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "pouch"}, headers=later)
    assert taken.status_code == 201, taken.text
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", headers=later)
    assert said.status_code == 200, said.text
    assert said.json()["late"] is True
    assert said.json()["shortfalls"] == [
        {"kind": "units", "name": "points", "amount": "100", "reason": "insufficient_units"}
    ]


DESIGN = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
metrics:
  yearly_spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: yearly_spend
    review: calendar_year
    tiers: {bronze: {from: 0, rate: 1}, silver: {from: 500, rate: 1.5}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  spend_100_get_10:
    trigger: order.paid
    when: order.net >= 100
    limits: {per_account: 1}
    then: [{grant: ten_percent_off}]
  bag_of_pens:
    trigger: checkout
    lane: storewide
    then: [{discount: {percent: 10, of: lines, where: "'backpack' in line.categories", at_most: "25.00"}}]
lanes: {storewide: best}
rewards:
  ten_percent_off: {kind: coupon, discount: {percent: 10}, valid: 30d, code: "TEN-{8}"}
  free_shipping: {kind: shipping, price: {points: 300}}
"""


DESIGN_LINE = {
    "id": "1",
    "sku": "BP-40",
    "name": "Trail 40",
    "quantity": 2,
    "price": "79.90",
    "categories": ["backpack"],
    "brand": "Trail",
    "tax_rate": "0.08",
    "tags": [],
    "attributes": {},
}
DESIGN_CART = {
    "member": "ana",
    "id": "A-1001",
    "currency": "USD",
    "channel": "web",
    "store": None,
    "placed_at": "2026-11-21T10:00:00Z",
    "prices_include_tax": False,
    "lines": [DESIGN_LINE],
    "shipping": {"amount": "5.00", "method": "standard"},
    "coupons": [],
    "spend": {"points": "300"},
    "rewards": [],
    "attributes": {},
}


async def test_the_cart_of_the_design_gives_the_quote_of_the_design(bare: Api) -> None:
    await bare.apply(DESIGN)
    await bare.enrol(external_id="ana")
    told = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "order.paid",
        "time": datetime.now(UTC).isoformat(),
        "subject": "ana",
        "data": {"id": "A-1000", "lines": [{"id": "1", "price": "515.00"}]},
    }
    assert (await bare.post(f"{BASE}/events", json=told)).json()["status"] == "applied"
    said = await bare.call("PUT", f"{BASE}/checkouts/C-77", json=DESIGN_CART)
    assert said.status_code == 200, said.text
    quote = said.json()
    assert (quote["checkout"], quote["currency"]) == ("C-77", "USD")
    shown = {name: quote["lines"][0][name] for name in ("subtotal", "discount", "net", "tax", "total")}
    assert shown == {
        "subtotal": "159.80",
        "discount": "15.98",
        "net": "143.82",
        "tax": "11.51",
        "total": "155.33",
    }
    assert quote["lines"][0]["discounts"] == [{"campaign": "bag_of_pens", "amount": "15.98"}]
    totals = {"subtotal", "discount", "net", "shipping", "tax", "paid_with_points", "due"}
    assert {name: quote["totals"][name] for name in totals} == {
        "subtotal": "159.80",
        "discount": "15.98",
        "net": "143.82",
        "shipping": "5.00",
        "tax": "11.51",
        "paid_with_points": "3.00",
        "due": "157.33",
    }
    assert quote["earns"] == {"points": "211"}
    assert quote["spends"] == {"points": "300"}
    assert {"campaign": "base_earn", "award": {"wallet": "points", "amount": "211"}} in quote["effects"]
    assert {"campaign": "spend_100_get_10", "reason": "limit_reached"} in quote["skipped"]
    assert quote["suggestions"] == [{"reward": "free_shipping", "missing": {"points": "85"}}]
    assert quote["expires_at"].endswith("Z")


async def test_what_a_lapsed_cart_held_of_stock_is_shown_as_free(shop: Api) -> None:
    async def left(headers: dict[str, str] | None = None) -> Any:
        said = await shop.get(f"{BASE}/rewards", headers=headers or {})
        return {one["key"]: one["stock_left"] for one in said.json()["data"]}["pouch"]

    assert await left() == 2
    await put(shop, "C-1", rewards=["pouch"], ttl=60)
    assert await left() == 1
    assert await left({"guerdon-now": (datetime.now(UTC) + timedelta(minutes=2)).isoformat()}) == 2


async def test_multipliers_and_promises_are_not_taken_from_outside(shop: Api) -> None:
    line = {"id": "1", "price": "10.00", "factors": {"points": "100"}}
    for call, path in (("PUT", "checkouts/C-1"), ("POST", "checkouts/preview")):
        said = await shop.call(call, f"{BASE}/{path}", json={"id": "A-1", "member": "ana", "lines": [line]})
        assert said.status_code == 422, said.text
        [fault] = said.json()["errors"]
        assert (fault["code"], fault["pointer"]) == ("unknown_field", "/lines/0/factors")
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "subject": "external:ana",
        "data": {"id": "A-1", "lines": [line]},
    }
    said = await shop.post(f"{BASE}/events", json=event)
    [fault] = said.json()["errors"]
    assert (said.status_code, fault["code"], fault["pointer"]) == (
        422,
        "unknown_field",
        "/data/lines/0/factors",
    )
    promise = {"checkout": "x", "version": 1, "units": {"points": -100}}
    plain = {"id": "A-1", "lines": [{"id": "1", "price": "10.00"}]}
    said = await shop.post(f"{BASE}/events", json={**event, "data": plain, "capture": promise})
    [fault] = said.json()["errors"]
    assert (said.status_code, fault["code"], fault["pointer"]) == (422, "unknown_field", "/capture")
    said = await shop.post(f"{BASE}/events", json={**event, "data": {**plain, "capture": promise}})
    assert (said.status_code, said.json()["errors"][0]["pointer"]) == (422, "/data/capture")
    assert await points(shop) == ("500", "0")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"lines": "x"}, "wrong_type", "/lines"),
        ({"lines": [{"id": "1", "price": "1e40"}]}, "amount_too_large", "/lines/0/price"),
        (
            {"lines": [{"id": "1", "price": "1", "quantity": "1e300"}]},
            "amount_too_large",
            "/lines/0/quantity",
        ),
        (
            {"lines": [{"id": "1", "price": "1", "factors": {"points": "9"}}]},
            "unknown_field",
            "/lines/0/factors",
        ),
        ({**CART, "member": "nobody"}, "member_not_found", "/member"),
        ({**CART, "coupons": [f"A{number}" for number in range(51)]}, "too_many_coupons", "/coupons"),
        ({**CART, "cart": CART}, "cart_given_twice", "/id"),
        ({"cart": {"lines": "x"}}, "wrong_type", "/cart/lines"),
        ({**CART, "spend": {"points": "1"}}, "member_missing", "/spend"),
    ],
)
async def test_a_wrong_cart_is_refused_where_it_is_wrong_and_opens_nothing(
    shop: Api, body: dict[str, Any], code: str, pointer: str
) -> None:
    said = await shop.call("PUT", f"{BASE}/checkouts/W-1", json=body)
    assert (said.json()["code"], said.json()["errors"][0]["pointer"]) == (code, pointer)
    said = await shop.post(f"{BASE}/checkouts/W-1/confirm")
    assert said.json()["code"] == "checkout_not_found"


async def test_a_cart_may_stand_under_its_own_key_without_an_id(shop: Api) -> None:
    said = await shop.call(
        "PUT", f"{BASE}/checkouts/N-1", json={"member": "ana", "cart": {"lines": CART["lines"]}}
    )
    assert said.status_code == 200, said.text
    assert said.json()["order"] == "N-1"
