"""The API in process, over a real PostgreSQL and a running engine."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.settings import Settings
from guerdon.programs.keys import NewKey, create_key
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.web.app import build_app
from guerdon.web.front import Front
from guerdon.wiring import House
from tests.databases import create_database, drop_database, server, template

__all__ = ["server", "template"]

MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_NUMBERS = itertools.count(1)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, expires: {after: 180d, from: earned}}
attributes:
  size: {type: string, values: [s, m, l]}
events:
  item.recycled: {data: {grams: int}}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: spend
    review: calendar_year
    tiers: {bronze: {from: 0}, gold: {from: 1000}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  recycle:
    trigger: item.recycled
    then: [{award: {wallet: points, amount: "200"}}]
rewards:
  pouch: {kind: product, price: {points: 100}, stock: 2}
  evening: {kind: event, price: {points: 10}, tiers: [gold]}
  voucher: {kind: coupon, discount: {percent: 10}, code: "TEN-{8}"}
"""


class Api:
    """A caller with a key."""

    def __init__(self, client: AsyncClient, front: Front, house: House, tenant: str, key: str) -> None:
        self.client = client
        self.front = front
        self.house = house
        self.tenant = tenant
        self.key = key

    async def call(self, method: str, path: str, **more: Any) -> Response:
        headers = {"authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Response:
        return await self.call("POST", path, **more)

    def with_key(self, *scopes: str, tenant: str = "", sandbox: bool = True) -> Api:
        """The same API for somebody else."""
        chosen = tenant or self.tenant
        return Api(self.client, self.front, self.house, chosen, make_key(self.house, chosen, scopes, sandbox))

    async def apply(self, text: str = PROGRAM, key: str = "club") -> Response:
        body = text.replace("program: club", f"program: {key}")
        headers = {"content-type": "application/yaml"}
        return await self.call("PUT", f"/v1/programs/{key}", content=body, headers=headers)

    async def enrol(self, **profile: Any) -> dict[str, Any]:
        answer = await self.post("/v1/programs/club/members", json=profile)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())


def make_key(house: House, tenant: str, scopes: tuple[str, ...] = ("all",), sandbox: bool = True) -> str:
    with house.database.transaction(tenant_id_of(tenant)) as tx:
        ensure_tenant(tx, tenant, tenant.title(), sandbox=sandbox, now=NOW)
        new = NewKey("test", scopes or ("all",), "test", NOW)
        return create_key(tx, new, house.ids, secrets.randbits)[0]


@pytest.fixture(scope="module")
def web_house(server: EmbeddedPostgres, template: str) -> Iterator[House]:
    """A house with a running engine, for one file of tests; each test has a tenant of its own."""
    name = f"web_{next(_NUMBERS)}"
    create_database(server, name, template)
    dsn = server.dsn(database=name)
    settings = Settings(master_key=SecretStr(MASTER_KEY), log_level="error", database_url=SecretStr(dsn))
    with House(settings, Database(dsn, pool_size=4)) as house:
        yield house
    drop_database(server, name)


@pytest.fixture
async def bare(web_house: House) -> AsyncIterator[Api]:
    """A tenant without a program."""
    front = build_app(web_house)
    tenant = f"tenant{next(_NUMBERS)}"
    async with AsyncClient(transport=ASGITransport(front), base_url="http://guerdon.test") as client:
        yield Api(client, front, web_house, tenant, make_key(web_house, tenant))


@pytest.fixture
async def api(bare: Api) -> Api:
    """A tenant with the program `club`."""
    answer = await bare.apply()
    assert answer.status_code == 201, answer.text
    return bare


def order(event: str, *, member: str | None = "external:ananya", **changes: Any) -> dict[str, Any]:
    """An event that pays an order."""
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": event,
        "source": "shop",
        "type": "order.paid",
        "time": "2026-11-21T10:00:00Z",
        "subject": member,
        "data": {"id": f"order-{event}", "lines": [{"id": "1", "price": "79.90", "quantity": 2}]},
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}
