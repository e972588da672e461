"""A warranty ends with the line that it is for: units return and the uses are free."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
  points: {unit: points, rounding: floor, debt: allowed}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "500"}}]
rewards:
  two_years: {kind: warranty, price: {points: 100}, adds: 24mo, stock: 2, limits: {per_account: 2}}
  for_good: {kind: warranty, price: {points: 10}, on_return: keep}
  of_all: {kind: warranty, price: {points: 10}, on_return: full_only}
returns: {given_back_lasts: 30d}
"""
BASE = "/v1/programs/club"
LINES = [{"id": "1", "sku": "BP-40", "quantity": 2, "price": "40.00"}, {"id": "2", "price": "9.00"}]


async def clean(api: Api) -> None:
    tenant = tenant_id_of(api.tenant)
    with api.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        found = list(Audit(tx, api.house.vault(tenant)).run())
    assert [(one.code, one.table, one.key, one.expected[:700], one.found[:700]) for one in found] == []


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Api]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    await bare.enrol(external_id="ana")
    for source in ("shop", "till"):
        event = {"id": "e-1", "source": source, "type": "order.paid", "time": NOW.isoformat()}
        data = {"id": "A-1", "lines": LINES}
        said = await bare.post(f"{BASE}/events", json={**event, "subject": "external:ana", "data": data})
        assert said.status_code == 200, said.text
    yield bare
    await clean(bare)


async def takes(api: Api, reward: str = "two_years", **covers: Any) -> dict[str, Any]:
    about = {"order": "A-1", "line": "1", "source": "shop", **covers}
    body = {"member": "ana", "reward": reward, "for": {key: one for key, one in about.items() if one}}
    said = await api.post(f"{BASE}/redemptions", json=body)
    assert said.status_code == 201, said.text
    return dict(said.json())


async def back(api: Api, number: str, **more: Any) -> dict[str, Any]:
    body = {"id": number, "source": "shop", **more}
    said = await api.post(f"{BASE}/orders/A-1/returns", json=body)
    assert said.status_code == 200, said.text
    return dict(said.json())


async def status(api: Api, taken: dict[str, Any]) -> str:
    return str((await api.get(f"{BASE}/redemptions/{taken['id']}")).json()["status"])


async def points(api: Api) -> str:
    member = (await api.get(f"{BASE}/members/external:ana")).json()
    return str(member["wallets"]["points"]["available"])


def line(quantity: int, name: str = "1") -> list[dict[str, Any]]:
    return [{"id": name, "quantity": quantity}]


async def test_it_ends_when_all_of_its_line_is_back_and_not_before(shop: Api) -> None:
    taken = await takes(shop)
    assert await points(shop) == "400"
    said = await back(shop, "R-1", lines=line(1))
    assert (said["undone"], await status(shop, taken)) == ([], "issued")
    said = await back(shop, "R-2", lines=line(1))
    assert said["undone"] == [{"kind": "reward", "reward": "two_years", "redemption": taken["id"]}]
    assert said["units"] == {"points": {"taken": "0", "given_back": "100", "debt": "0"}}
    assert (await status(shop, taken), await points(shop)) == ("cancelled", "500")
    steps = (await shop.get(f"{BASE}/redemptions/{taken['id']}")).json()["steps"]
    assert [one["status"] for one in steps] == ["issued", "cancelled"]
    again = await back(shop, "R-2", lines=line(1))
    assert (again["status"], await points(shop)) == ("duplicate", "500")
    said = await back(shop, "R-3", all=True)
    assert said["undone"] == []
    told = (await shop.get(f"{BASE}/events/return-R-2/explanation")).json()
    assert told["same"] is True, told
    assert any("two_years was taken back" in text for text in told["returned"][0]["said"])


async def test_its_stock_and_the_use_of_its_limit_are_free_again(shop: Api) -> None:
    await takes(shop)
    await takes(shop, line="2")
    said = await shop.post(
        f"{BASE}/redemptions", json={"member": "ana", "reward": "two_years", "for": {"sku": "X"}}
    )
    assert said.json()["code"] in ("limit_reached", "out_of_stock")
    await back(shop, "R-1", lines=line(1, "2"))
    assert (await takes(shop, sku=None, line=None, order="A-1"))["status"] == "issued"


async def test_other_lines_other_orders_and_products_keep_theirs(shop: Api) -> None:
    other = await takes(shop, line="2")
    till = await takes(shop, "of_all", source="till")
    product = await shop.post(
        f"{BASE}/redemptions", json={"member": "ana", "reward": "of_all", "for": {"sku": "BP-40"}}
    )
    said = await back(shop, "R-1", lines=line(2))
    assert said["undone"] == []
    assert [await status(shop, one) for one in (other, till, product.json())] == ["issued"] * 3


async def test_what_the_reward_says_of_returns_counts(shop: Api) -> None:
    kept, of_all = await takes(shop, "for_good"), await takes(shop, "of_all")
    whole = await takes(shop, line=None)
    said = await back(shop, "R-1", lines=line(2))
    assert said["undone"] == []
    said = await back(shop, "R-2", all=True)
    assert [one["reward"] for one in said["undone"]] == ["of_all", "two_years"]
    assert [await status(shop, one) for one in (kept, of_all, whole)] == ["issued", "cancelled", "cancelled"]
    assert await points(shop) == "490"


async def test_one_that_was_used_or_given_back_stays_as_it_is(shop: Api) -> None:
    used, given = await takes(shop), await takes(shop)
    await shop.post(f"{BASE}/redemptions/{used['id']}/use")
    await shop.post(f"{BASE}/redemptions/{given['id']}/cancel")
    said = await back(shop, "R-1", lines=line(2))
    assert said["undone"] == [
        {"kind": "reward", "reward": "two_years", "redemption": used["id"], "kept": "redemption_used"}
    ]
    assert said["shortfalls"] == [
        {"kind": "reward", "name": "two_years", "amount": "1", "reason": "redemption_used"}
    ]
    assert [await status(shop, one) for one in (used, given)] == ["used", "cancelled"]
    assert await points(shop) == "400"


async def test_a_cancelled_order_ends_them_all_and_none_is_had_for_what_is_back(shop: Api) -> None:
    taken = [await takes(shop), await takes(shop, line="2")]
    event = {"id": "c-1", "source": "shop", "type": "order.cancelled", "time": NOW.isoformat()}
    said = await shop.post(f"{BASE}/events", json={**event, "data": {"order": "A-1"}})
    assert said.status_code == 200, said.text
    assert [await status(shop, one) for one in taken] == ["cancelled", "cancelled"]
    assert await points(shop) == "500"
    for about, pointer in (({"line": "1"}, "/for/line"), ({}, "/for/order")):
        body = {"member": "ana", "reward": "two_years", "for": {"order": "A-1", "source": "shop", **about}}
        refused = await shop.post(f"{BASE}/redemptions", json=body)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (409, "line_returned"), problem
        assert problem["errors"][0]["pointer"] == pointer


async def test_units_that_would_be_gone_last_for_a_while(shop: Api) -> None:
    taken = await takes(shop)
    tenant = tenant_id_of(shop.tenant)
    with shop.house.database.transaction(tenant) as tx:
        kind = tx.execute("select particulars -> 'covers' ->> 'source' from redemptions").fetchone()
    assert kind == ("shop",)
    said = await back(shop, "R-1", all=True)
    assert [one["redemption"] for one in said["undone"]] == [taken["id"]]
