"""Rewards that campaigns take or give, what carts suggest, and what the audit finds altered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW
from tests.web.taking.conftest import PROGRAM, Shop

AUTO = """
  auto_treat:
    trigger: order.paid
    then: [{redeem: {reward: treat}}]
  auto_pouch:
    trigger: order.paid
    when: order.net >= 50
    then: [{redeem: {reward: pouch}}]
"""


async def with_auto(shop: Shop) -> None:
    text = PROGRAM.replace("causes:\n", AUTO.lstrip("\n") + "causes:\n")
    assert (await shop.api.apply(text)).status_code == 201


async def test_a_campaign_waits_as_members_do_and_its_order_is_explained(shop: Shop) -> None:
    await with_auto(shop)
    first = await shop.order("A-1", "10.00")
    assert [one["campaign"] for one in first["effects"]] == ["base_earn", "auto_treat"]
    again = await shop.order("A-2", "10.00")
    assert {one["campaign"]: one["reason"] for one in again["skipped"]}["auto_treat"] == "reward_cooling"
    assert await shop.refused("treat") == "reward_cooling"
    shop.now = NOW + timedelta(days=8)
    third = await shop.order("A-3", "100.00")
    spent = {one["redeem"]["reward"]: one["redeem"]["spent"] for one in third["effects"] if "redeem" in one}
    assert spent == {"treat": {"points": "10"}, "pouch": {"points": "100"}}, "bronze until this order"
    fourth = await shop.order("A-4", "60.00")
    spent = {one["redeem"]["reward"]: one["redeem"]["spent"] for one in fourth["effects"] if "redeem" in one}
    assert spent == {"pouch": {"points": "80"}}
    for order in ("A-1", "A-2", "A-3", "A-4"):
        told = await shop.get(f"orders/{order}/explanation")
        assert (told["same"], told["differences"]) == (True, [])


async def test_a_hidden_reward_is_not_suggested(shop: Shop) -> None:
    member = await shop.get("members/external:bob")
    body = {"wallet": "points", "amount": "-997", "reason": "spent"}
    await shop.ask("POST", f"accounts/{member['account']}/adjustments", json=body)
    cart = {"member": "external:bob", "lines": [{"id": "1", "price": "1.00"}]}
    _, quote = await shop.ask("POST", "checkouts/preview", json=cart)
    suggested = [one["reward"] for one in quote["suggestions"]]
    assert suggested
    assert not {"deal", "pouch", "evening"} & set(suggested)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("update redemptions set particulars = jsonb_set(particulars, '{given}', '\"9.00\"')", "redemptions"),
        ("update redemptions set particulars = particulars - 'receipt'", "redemptions"),
        ("update redemptions set steps = jsonb_set(steps, '{0,by}', '\"somebody\"')", "redemptions"),
        ("update shared_counters set used = used + 1 where counter like 'cause/%/given'", "shared_counters"),
        ("update shared_counters set used = used - 1 where counter like '%/donations'", "shared_counters"),
    ],
)
async def test_the_audit_finds_what_somebody_altered(shop: Shop, statement: Any, table: str) -> None:
    await shop.taken("well")
    house, tenant_id = shop.api.house, tenant_id_of(shop.api.tenant)
    with house.database.transaction(tenant_id) as tx:
        tx.execute("set transaction isolation level repeatable read")
        before = tx.execute("select particulars, steps from redemptions").fetchall()
        tx.execute("savepoint altered")
        tx.execute(statement)
        found = [one.table for one in Audit(tx, house.vault(tenant_id), now=shop.now).run()]
        tx.execute("rollback to altered")
        assert tx.execute("select particulars, steps from redemptions").fetchall() == before
    assert table in found
