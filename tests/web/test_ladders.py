"""Tiers over HTTP: what is missing, what operators give, what ends; verify counts all of it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.engine.ticks import run_due_of
from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api

PROGRAM = """
program: club
currency: USD
timezone: UTC
wallets:
  points: {unit: points, rounding: floor}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
  visits: {event: order.paid, window: calendar_year}
benefits:
  free_shipping: {kind: free_shipping, name: Free shipping}
  first_look: {kind: early_access, ahead: 7d}
  trade_prices: {kind: price_list, price_list: TRADE-2}
ladders:
  club:
    metrics: [spend, visits]
    review: calendar_year
    tiers:
      bronze: {from: {spend: 0}}
      silver: {from: {spend: 100, visits: 2}, rate: "1.5", benefits: [free_shipping]}
      gold: {from: {spend: 500, visits: 3}, rate: 2, benefits: [free_shipping, first_look]}
      black: {invitation: true, rate: 3, benefits: [trade_prices]}
  kept:
    metric: spend
    on_return: keep
    tiers: {base: {from: 0}, friend: {from: 100}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  gold_gift:
    trigger: tier.reached
    when: event.data.tier == 'gold'
    limits: {per_account: 1}
    then: [{award: {wallet: points, amount: "50"}}]
  sorry:
    trigger: tier.lost
    when: event.data.tier == 'silver' && account.tiers.club.key == 'bronze'
    then: [{award: {wallet: points, amount: "25"}}]
  no_match:
    trigger: tier.reached
    when: event.data.cause == 'reached' && event.data.ladder == 'club'
    then: [{award: {wallet: points, amount: "7"}}]
"""
BASE = "/v1/programs/club"
ANA = f"{BASE}/members/external:ana"


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Api]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    await at(bare, "2035-01-10").post(f"{BASE}/members", json={"external_id": "ana"})
    yield bare
    tenant = tenant_id_of(bare.tenant)
    with bare.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        found = list(Audit(tx, bare.house.vault(tenant)).run())
    assert [(one.code, one.key, one.expected, one.found) for one in found] == []


class At(Api):
    """A caller on a day of the test clock."""

    def __init__(self, api: Api, day: str) -> None:
        super().__init__(api.client, api.front, api.house, api.tenant, api.key)
        self.day = day

    async def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"guerdon-now": f"{self.day}T12:00:00Z", **more.pop("headers", {})}
        return await super().call(method, path, headers=headers, **more)


def at(api: Api, day: str) -> At:
    return At(api, day)


async def bought(api: Api, day: str, number: str, price: str) -> dict[str, Any]:
    event = {
        "specversion": "1.0",
        "id": number,
        "source": "shop",
        "type": "order.paid",
        "time": f"{day}T12:00:00Z",
        "subject": "external:ana",
        "data": {"id": number, "lines": [{"id": "1", "price": price}]},
    }
    said = await at(api, day).post(f"{BASE}/events", json=event)
    assert said.status_code == 200, said.text
    return dict(said.json())


async def stands(api: Api, day: str, ladder: str = "club") -> dict[str, Any]:
    said = await at(api, day).get(ANA)
    assert said.status_code == 200, said.text
    return dict(said.json()["tiers"][ladder])


async def test_what_is_missing_to_the_next_tier_and_to_keep_this_one(shop: Api) -> None:
    await bought(shop, "2035-02-01", "A-1", "120.00")
    await bought(shop, "2035-03-01", "A-2", "30.00")
    shown = await stands(shop, "2035-03-02")
    assert shown["tier"] == "silver"
    assert shown["benefits"] == [
        {"benefit": "free_shipping", "kind": "free_shipping", "name": "Free shipping"}
    ]
    assert shown["next"] == {
        "tier": "gold",
        "missing": {"spend": "350", "visits": "1"},
        "have": {"spend": "150", "visits": "2"},
        "need": {"spend": "500", "visits": "3"},
        "reached_by": "every",
        "by": "2036-01-01T00:00:00Z",
    }
    assert shown["keep"]["by"] == "2037-01-01T00:00:00Z"
    assert shown["keep"]["missing"] == {"spend": "0", "visits": "0"}
    later = await stands(shop, "2036-05-01")
    assert (later["keep"]["missing"], later["keep"]["by"]) == (
        {"spend": "100", "visits": "2"},
        "2037-01-01T00:00:00Z",
    )


async def test_a_match_holds_to_its_end_and_then_what_was_earned_counts(shop: Api) -> None:
    match = {
        "ladder": "club",
        "tier": "gold",
        "until": "2035-06-01T00:00:00Z",
        "reason": "gold at another club",
    }
    said = await at(shop, "2035-01-20").post(f"{ANA}/tiers", json=match)
    assert said.status_code == 201, said.text
    standing = said.json()["standing"]
    assert (standing["tier"], standing["earned"], standing["given"]) == ("gold", "bronze", "gold")
    # Reaching gold brings its gift; a campaign that asks for what was earned does not see a match.
    assert [one["campaign"] for one in (await bought(shop, "2035-02-01", "A-1", "120.00"))["effects"]] == [
        "base_earn"
    ]
    wallet = (await at(shop, "2035-02-02").get(ANA)).json()["wallets"]["points"]
    assert wallet["available"] == "290"  # 50 for gold, 120 at the rate of 2
    await bought(shop, "2035-03-01", "A-2", "30.00")
    held = await stands(shop, "2035-03-02")
    assert (held["tier"], held["earned"], held["keep"]["by"]) == ("gold", "silver", "2035-06-01T00:00:00Z")
    assert (await stands(shop, "2035-05-31"))["tier"] == "gold"
    after = await stands(shop, "2035-06-01")
    assert (after["tier"], after["given"], after["since"]) == ("silver", None, "2035-06-01T00:00:00Z")
    rows = await audited(shop)
    assert [(one.action, one.detail["tier"], one.detail["reason"]) for one in rows] == [
        ("tier.given", "gold", "gold at another club")
    ]


async def audited(api: Api) -> list[Any]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [row.act for row in list_acts(tx) if row.act.action.startswith("tier.")]


async def test_an_invitation_has_no_end_until_somebody_ends_it(shop: Api) -> None:
    given = {"ladder": "club", "tier": "black", "reason": "a founder"}
    once = {"headers": {"idempotency-key": "black-1"}}
    first = await at(shop, "2035-01-20").post(f"{ANA}/tiers", json=given, **once)
    again = await at(shop, "2035-01-20").post(f"{ANA}/tiers", json=given, **once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["standing"]["keep"] is None
    assert (await stands(shop, "2044-01-01"))["tier"] == "black"
    ended = await at(shop, "2044-01-02").post(f"{ANA}/tiers/club/end", json={"reason": "left the board"})
    assert ended.json()["standing"]["tier"] == "bronze"
    again = await at(shop, "2044-01-03").post(f"{ANA}/tiers/club/end", json={"reason": "left the board"})
    assert (again.status_code, again.json()["code"]) == (422, "tier_not_given")
    assert len(await audited(shop)) == 2


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"ladder": "clubb"}, "unknown_ladder", "/ladder"),
        ({"tier": "goldd"}, "unknown_tier", "/tier"),
        ({"tier": "bronze"}, "tier_for_everybody", "/tier"),
        ({"until": None}, "until_missing", "/until"),
        ({"until": "2035-01-01T00:00:00Z"}, "until_passed", "/until"),
        ({"reason": "  "}, "reason_missing", "/reason"),
    ],
)
async def test_what_cannot_be_given_is_refused_by_name(
    shop: Api, changes: dict[str, Any], code: str, pointer: str
) -> None:
    given = {"ladder": "club", "tier": "gold", "until": "2035-06-01T00:00:00Z", "reason": "why", **changes}
    said = await at(shop, "2035-01-20").post(f"{ANA}/tiers", json=given)
    body = said.json()
    assert (said.status_code, body["code"], body["errors"][0]["pointer"]) == (422, code, pointer)
    assert (await stands(shop, "2035-01-20"))["tier"] == "bronze"
    assert await audited(shop) == []


async def test_a_tier_that_is_lost_is_told_to_campaigns_once(shop: Api) -> None:
    await bought(shop, "2035-02-01", "A-1", "120.00")
    await bought(shop, "2035-02-02", "A-2", "30.00")
    before = (await at(shop, "2036-12-31").get(ANA)).json()["wallets"]["points"]["available"]
    tenant = tenant_id_of(shop.tenant)
    for day in (2, 2, 3):
        run_due_of(shop.house.database, shop.house.engine, tenant, datetime(2037, 1, day, 12, tzinfo=UTC))
    after = (await at(shop, "2037-01-03").get(ANA)).json()["wallets"]["points"]["available"]
    assert int(after) - int(before) == 25


async def test_a_return_takes_a_tier_or_leaves_it_as_the_ladder_says(shop: Api) -> None:
    await bought(shop, "2035-02-01", "A-1", "120.00")
    await bought(shop, "2035-02-02", "A-2", "30.00")
    assert [(await stands(shop, "2035-02-03", one))["tier"] for one in ("club", "kept")] == [
        "silver",
        "friend",
    ]
    returned = {
        "specversion": "1.0",
        "id": "R-1",
        "source": "shop",
        "type": "order.returned",
        "time": "2035-02-04T12:00:00Z",
        "subject": "external:ana",
        "data": {"id": "R-1", "order": "A-1", "lines": [{"id": "1", "quantity": 1}]},
    }
    said = await at(shop, "2035-02-04").post(f"{BASE}/events", json=returned)
    assert said.status_code == 200, said.text
    assert [(await stands(shop, "2035-02-05", one))["tier"] for one in ("club", "kept")] == [
        "bronze",
        "friend",
    ]
