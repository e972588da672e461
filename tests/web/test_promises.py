"""What a checkout quoted as earned is what its order earns, whatever a later version of the program says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
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
  points:
    unit: points
    rounding: floor
    worth: "0.01"
    limits: {per_day: 400}
  miles: {unit: miles, rounding: ceil}
metrics:
  spend: {event: order.paid, value: order.net, window: all_time}
  visits: {event: order.paid, window: all_time}
ladders:
  club:
    metric: spend
    review: calendar_year
    tiers: {bronze: {from: 0, rate: 1}, silver: {from: 90, rate: "1.5"}, gold: {from: 500, rate: 2}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  levels:
    trigger: order.paid
    then: [{award: {wallet: points, amount: account.tiers.club.level * 7}}]
  often:
    trigger: order.paid
    when: metrics.visits >= 2
    then: [{award: {wallet: points, amount: "3"}}]
  thirds:
    trigger: order.paid
    then: [{award: {wallet: miles, amount: order.net / 3}}]
  today:
    trigger: order.paid
    schedule: {ends: 2099-01-01T09:00}
    then: [{award: {wallet: points, amount: "11"}}]
"""
BASE = "/v1/programs/club"
LATER = {
    "the rate of a tier": ('silver: {from: 90, rate: "1.5"}', "silver: {from: 90, rate: 9}"),
    "where a tier begins": ("gold: {from: 500", "gold: {from: 91"),
    "a tier between": (
        "gold: {from: 500, rate: 2}",
        "amber: {from: 91, rate: 5}, gold: {from: 500, rate: 2}",
    ),
    "a tier that is gone": ('silver: {from: 90, rate: "1.5"}, ', ""),
    "rounding": ("rounding: ceil", "rounding: floor"),
    "what rounding is about": (
        "miles: {unit: miles, rounding: ceil}",
        "miles: {unit: miles, rounding: {mode: floor, per: line}}",
    ),
    "how long units wait": ("miles: {unit: miles,", "miles: {unit: miles, pending: 30d,"),
    "less may be earned": ("per_day: 400", "per_day: 120"),
    "earning is not limited": ("limits: {per_day: 400}", "limits: {per_month: 130}"),
    "another amount": ("level * 7", "level * 70"),
    "a campaign less": (
        PROGRAM[PROGRAM.index("  often:") : PROGRAM.index("  thirds:")],
        "",
    ),
    "a metric less": (
        "  visits: {event: order.paid, window: all_time}\n",
        "",
        "when: metrics.visits >= 2",
        "when: metrics.spend >= 2",
    ),
    "a ladder less": (
        PROGRAM[PROGRAM.index("ladders:") : PROGRAM.index("campaigns:")],
        "",
        " * account.tiers.club.rate",
        "",
        "account.tiers.club.level * 7",
        '"8"',
    ),
    "a campaign more": (
        "campaigns:\n",
        'campaigns:\n  more:\n    trigger: order.paid\n    then: [{award: {wallet: points, amount: "5"}}]\n',
    ),
    "a campaign that ended": ("schedule: {ends: 2099-01-01T09:00}", "schedule: {ends: 2026-01-02T09:00}"),
    "what earns": ("wallets:\n", "earning: {earn_on: gross}\nwallets:\n"),
}


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
    event = {"id": "e-0", "source": "shop", "type": "order.paid", "time": NOW.isoformat()}
    data = {"id": "A-0", "lines": [{"id": "1", "price": "100.00"}]}
    said = await bare.post(f"{BASE}/events", json={**event, "subject": "external:ana", "data": data})
    assert said.status_code == 200, said.text
    yield bare
    await clean(bare)


async def balances(api: Api) -> dict[str, str]:
    wallets = (await api.get(f"{BASE}/members/external:ana")).json()["wallets"]
    return {key: one["available"] for key, one in wallets.items()}


def earned(effects: list[dict[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in effects:
        if "award" in one:
            sums[one["award"]["wallet"]] = sums.get(one["award"]["wallet"], 0) + int(one["award"]["amount"])
    return sums


@pytest.mark.parametrize("change", LATER)
async def test_a_later_version_changes_nothing_of_what_a_checkout_earns(shop: Api, change: str) -> None:
    before = await balances(shop)
    cart = {
        "id": "A-1",
        "member": "ana",
        "source": "shop",
        "lines": [{"id": "1", "price": "60.50"}, {"id": "2", "price": "39.00"}],
    }
    opened = await shop.call("PUT", f"{BASE}/checkouts/C-1", json=cart)
    assert opened.status_code == 200, opened.text
    quoted = opened.json()
    assert quoted["earns"] == {"points": "170", "miles": "34"}, quoted
    text = PROGRAM
    for old, new in zip(LATER[change][::2], LATER[change][1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    said = await shop.apply(text)
    assert said.status_code == 201, said.text
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", json={"source": "shop"})
    assert said.status_code == 200, said.text
    assert earned(said.json()["effects"]) == {"points": 170, "miles": 34}
    told = (await shop.get(f"{BASE}/orders/A-1/explanation")).json()
    assert "same" in told, told
    assert (told["same"], told["differences"]) == (True, [])
    await clean(shop)
    back = await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True, "source": "shop"})
    assert back.status_code == 200, back.text
    assert await balances(shop) == before


async def test_a_tier_that_is_reached_meanwhile_waits_for_the_next_order(shop: Api) -> None:
    cart = {"id": "A-1", "member": "ana", "source": "shop", "lines": [{"id": "1", "price": "10.00"}]}
    for number in ("C-1", "C-2"):
        opened = await shop.call("PUT", f"{BASE}/checkouts/{number}", json={**cart, "id": f"of-{number}"})
        assert opened.json()["earns"]["points"] == "36", "15 by the rate, 7 by the level, 3 and 11"
    event = {"id": "e-1", "source": "shop", "type": "order.paid", "time": NOW.isoformat()}
    data = {"id": "A-2", "lines": [{"id": "1", "price": "450.00"}]}
    said = await shop.post(f"{BASE}/events", json={**event, "subject": "external:ana", "data": data})
    assert said.status_code == 200, said.text
    said = await shop.post(f"{BASE}/checkouts/C-1/confirm", json={"source": "shop"})
    assert earned(said.json()["effects"])["points"] == 36
    told = (await shop.get(f"{BASE}/orders/of-C-1/explanation")).json()
    assert (told["same"], told["differences"]) == (True, [])
    # Who comes too late is decided anew, as any order is: gold by now.
    late = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    body = {"json": {"source": "shop"}, "headers": {"guerdon-now": late}}
    said = await shop.post(f"{BASE}/checkouts/C-2/confirm", **body)
    assert said.json()["late"] is True, said.text
    assert earned(said.json()["effects"])["points"] == 20 + 14 + 3 + 11
