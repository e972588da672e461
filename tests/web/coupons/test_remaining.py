"""Granted coupons whose money is used little by little: held, taken, given back, ended."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points}
rewards:
  fifty: {kind: coupon, price: {points: 10}, discount: {amount: "50"}, remaining: kept, code: "FIFTY-{8}"}
campaigns:
  welcome: {trigger: member.enrolled, then: [{award: {wallet: points, amount: "30"}}]}
  thanks: {trigger: order.paid, when: order.net >= 500, then: [{grant: fifty}]}
"""
BASE = "/v1/programs/club"


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=PROGRAM, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    await api.enrol(external_id="ana")
    return api


async def take(shop: Api) -> tuple[str, str]:
    said = await shop.post(f"{BASE}/redemptions", json={"member": "external:ana", "reward": "fifty"})
    assert said.status_code == 201, said.text
    return said.json()["id"], said.json()["code"]


async def cart(shop: Api, name: str, price: str, code: str, **more: Any) -> Any:
    lines = [{"id": "1", "quantity": 1, "price": price}]
    body = {"id": name, "member": "external:ana", "lines": lines, "coupons": [code], **more}
    said = await shop.call("PUT", f"{BASE}/checkouts/{name}", json=body)
    assert said.status_code == 200, said.text
    return said.json()


async def left(shop: Api, code: str) -> tuple[bool, str | None, str]:
    said = (await shop.get(f"{BASE}/coupons/{code}")).json()
    return said["good"], said["reason"], said["money_left"]


async def confirm(shop: Api, name: str) -> None:
    said = await shop.post(f"{BASE}/checkouts/{name}/confirm")
    assert (said.status_code, said.json()["shortfalls"]) == (200, []), said.text


def audit(shop: Api) -> list[Any]:
    tenant = tenant_id_of(shop.tenant)
    with shop.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        return list(Audit(tx, shop.house.vault(tenant), now=datetime.now(UTC)).run())


async def test_what_a_cart_does_not_use_is_there_for_the_next(shop: Api) -> None:
    """50: two carts hold 30 and 20, and the third finds nothing until one of them lets go."""
    _, code = await take(shop)
    assert await left(shop, code) == (True, None, "50.00")
    assert (await cart(shop, "C-1", "30.00", code))["totals"]["discount"] == "30.00"
    assert await left(shop, code) == (True, None, "20.00")
    assert (await cart(shop, "C-2", "90.00", code))["totals"]["discount"] == "20.00"
    assert await left(shop, code) == (False, "coupon_held", "0.00")
    third = await cart(shop, "C-3", "15.00", code)
    assert third["skipped"][0]["reason"] == "coupon_used"
    await shop.post(f"{BASE}/checkouts/C-2/cancel")
    assert (await cart(shop, "C-3", "15.00", code))["totals"]["discount"] == "15.00"
    await confirm(shop, "C-1")
    await confirm(shop, "C-3")
    assert await left(shop, code) == (True, None, "5.00")
    assert (await cart(shop, "C-4", "90.00", code))["totals"]["discount"] == "5.00"
    await confirm(shop, "C-4")
    assert await left(shop, code) == (False, "coupon_used", "0.00")
    assert audit(shop) == []


async def test_a_return_gives_the_money_back_by_the_share_that_comes_back(shop: Api) -> None:
    _, code = await take(shop)
    lines = [{"id": "1", "quantity": 4, "price": "10.00"}]
    assert (await cart(shop, "C-1", "0", code, lines=lines))["totals"]["discount"] == "40.00"
    await confirm(shop, "C-1")
    await confirm(shop, (await cart(shop, "C-2", "10.00", code))["checkout"])
    assert await left(shop, code) == (False, "coupon_used", "0.00")
    one = {"id": "R-1", "lines": [{"id": "1", "quantity": 1}]}
    said = await shop.post(f"{BASE}/orders/C-1/returns", json=one)
    assert said.status_code == 200, said.text
    assert await left(shop, code) == (True, None, "10.00")
    said = await shop.post(f"{BASE}/orders/C-1/returns", json={"id": "R-2", "all": True})
    assert await left(shop, code) == (True, None, "40.00")
    assert audit(shop) == []


async def test_one_that_is_begun_is_not_given_back(shop: Api) -> None:
    number, code = await take(shop)
    await cart(shop, "C-1", "30.00", code)
    said = await shop.post(f"{BASE}/redemptions/{number}/cancel")
    assert said.json()["code"] == "redemption_held"
    await confirm(shop, "C-1")
    said = await shop.post(f"{BASE}/redemptions/{number}/cancel")
    assert (said.status_code, said.json()["code"]) == (409, "redemption_used")
    fresh, other = await take(shop)
    assert (await shop.post(f"{BASE}/redemptions/{fresh}/cancel")).status_code == 200
    assert (await left(shop, other))[:2] == (False, "coupon_cancelled")
    points = (await shop.get(f"{BASE}/members/external:ana")).json()["wallets"]["points"]["available"]
    assert points == "20"
    assert audit(shop) == []


async def test_one_that_an_order_granted_stays_where_it_is_begun(shop: Api) -> None:
    lines = [{"id": "1", "quantity": 1, "price": "500.00"}]
    event = {"id": "e1", "source": "shop", "type": "order.paid", "time": NOW.isoformat(), "subject": "ana"}
    said = await shop.post(f"{BASE}/events", json={**event, "data": {"id": "A-1", "lines": lines}})
    code = next(one["grant"]["code"] for one in said.json()["effects"] if "grant" in one)
    await cart(shop, "C-1", "12.34", code)
    await confirm(shop, "C-1")
    said = await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    assert said.json()["shortfalls"] == [
        {"kind": "reward", "name": "fifty", "amount": "1", "reason": "redemption_used"}
    ]
    assert await left(shop, code) == (True, None, str(Decimal("50.00") - Decimal("12.34")))
    assert audit(shop) == []


@pytest.mark.parametrize("discount", ["{percent: 50}", "{steps: [{from: 10, amount: 5}]}"])
async def test_only_an_amount_can_be_kept(shop: Api, discount: str) -> None:
    text = PROGRAM.replace('{amount: "50"}', discount)
    said = await shop.call("PUT", BASE, content=text, headers={"content-type": "application/yaml"})
    fault = said.json()["errors"][0]
    assert (fault["code"], fault["pointer"]) == ("remaining_without_amount", "/rewards/fifty/remaining")
