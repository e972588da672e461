"""A club with a reward of every kind, two members, and the whole audit after each test."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, Api

CLUB = "/v1/programs/club"
PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, expires: {after: 180d, from: earned}, cost: "0.01"}
  stars: {unit: stars, scale: 1, rounding: floor}
attributes:
  persona: {type: string}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: spend
    review: calendar_year
    tiers: {bronze: {from: 0}, gold: {from: 100}, platinum: {from: 1000}}
segments:
  students: account.owner.attributes.persona == 'student'
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  thanks:
    trigger: order.paid
    when: order.net >= 500
    then: [{grant: well}]
causes:
  wells: {name: Wells, charity: Wells e.V., target: "1000", match: "0.5", match_at_most: "3.00"}
rewards:
  pouch: {kind: product, price: {points: 100}, price_by_tier: {gold: {points: 80}}, stock: 5, place: Shop}
  ten_off: {kind: coupon, price: {points: 50}, discount: {percent: 10}, code: "TEN-{8}", valid: 30d}
  post: {kind: shipping, price: {points: 30}}
  evening: {kind: event, price: {points: 10, stars: "0.5"}, seats: 1, at: 2027-03-01T19:00, tiers: [gold]}
  drop: {kind: access, tiers: [gold], opens: 2026-11-01, public_at: 2027-02-08}
  lesson: {kind: content, price: {points: 5}, content: {url: "https://club.example/lesson", text: Look}}
  well: {kind: donation, price: {points: 250}, cause: wells, worth: "2.50"}
  year: {kind: warranty, price: {points: 40}, adds: 12mo}
  miles: {kind: partner, price: {points: 20}, partner: fly, gives: 500}
  repair: {kind: service, price: {points: 15}, at_least: 2, at_most: 3}
  climb: {kind: experience, price: {points: 60}, limits: {per_account: 1}}
  gift: {kind: choice, price: {points: 70}, choices: [pouch, ten_off, card], stock_by_choice: {card: 1}}
  cap: {kind: product, price: {points: 10}, choices: [red, blue], stock_by_choice: {red: 1}}
  deal: {kind: product, price: {points: 10}, audience: "'students' in account.segments"}
  treat: {kind: product, price: {points: 10}, cooling: 7d}
  rich: {kind: product, price: {points: 10}, needs: {points: 5000}}
  saved: {kind: product, price: {points: 10}, leaves: {points: 5000}}
"""


class Shop:
    """The club as a shop sees it."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.now = NOW

    @property
    def clock(self) -> dict[str, str]:
        return {"guerdon-now": self.now.isoformat()}

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        headers = {**self.clock, **more.pop("headers", {})}
        said = await self.api.call(method, f"{CLUB}/{path}", headers=headers, **more)
        return said.status_code, dict(said.json())

    async def get(self, path: str) -> dict[str, Any]:
        status, said = await self.ask("GET", path)
        assert status == 200, said
        return said

    async def take(self, reward: str, member: str = "ana", **more: Any) -> dict[str, Any]:
        if "covers" in more:
            more["for"] = more.pop("covers")
        body = {"member": f"external:{member}", "reward": reward, **more}
        return (await self.ask("POST", "redemptions", json=body))[1]

    async def taken(self, reward: str, member: str = "ana", **more: Any) -> dict[str, Any]:
        said = await self.take(reward, member, **more)
        assert said.get("status") == "issued", said
        return said

    async def refused(self, reward: str, member: str = "ana", **more: Any) -> str:
        before = await self.points(member)
        said = await self.take(reward, member, **more)
        assert "code" in said, said
        assert await self.points(member) == before
        return str(said["code"])

    async def move(self, taken: dict[str, Any], verb: str, **more: Any) -> dict[str, Any]:
        return (await self.ask("POST", f"redemptions/{taken['id']}/{verb}", **more))[1]

    async def points(self, member: str = "ana") -> str:
        return str((await self.get(f"members/external:{member}"))["wallets"]["points"]["available"])

    async def seen(self, member: str = "ana") -> dict[str, dict[str, Any]]:
        return {one["key"]: one for one in (await self.get(f"rewards?member=external:{member}"))["data"]}

    async def cause(self) -> tuple[str, str, int]:
        (one,) = (await self.get("causes"))["data"]
        return one["given"], one["matched"], one["donations"]

    async def order(self, name: str, price: str, member: str = "ana", **more: Any) -> dict[str, Any]:
        lines = [{"id": "1", "sku": "BP-40", "price": price}]
        event = {
            "specversion": "1.0",
            "id": f"e-{name}",
            "source": "shop",
            "type": "order.paid",
            "time": self.now.isoformat(),
            "subject": f"external:{member}",
            "data": {"id": name, "lines": lines, **more},
        }
        status, said = await self.ask("POST", "events", json=event)
        assert status == 200, said
        return said

    def check(self) -> None:
        """Have everything that is stored worked out again."""
        house, tenant_id = self.api.house, tenant_id_of(self.api.tenant)
        with house.database.transaction(tenant_id) as tx:
            # The log grows meanwhile.
            tx.execute("set transaction isolation level repeatable read")
            assert [str(one) for one in Audit(tx, house.vault(tenant_id), now=self.now).run()] == []


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Shop]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    shop = Shop(bare)
    for member, persona in (("ana", "student"), ("bob", "traveller")):
        one = await bare.enrol(external_id=member, attributes={"persona": persona})
        for wallet, amount in (("points", "1000"), ("stars", "5.0")):
            path = f"{CLUB}/accounts/{one['account']}/adjustments"
            body = {"wallet": wallet, "amount": amount, "reason": "a start"}
            given = await bare.post(path, json=body, headers=shop.clock)
            assert given.status_code in (200, 201), given.text
    yield shop
    shop.check()


def part(text: str) -> bytes:
    """A part of a token, unpacked."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
