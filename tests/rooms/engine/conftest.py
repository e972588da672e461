"""A loop on a real database, with a small program and some people."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.base.ids import IdMaker
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, EnrolMember, IngestEvent
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.ledger.audit import verify
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import load_definition

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TENANT = tenant_id_of("test")
MASTER_KEY = bytes(range(32))
PROGRAM = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 0d, expires: {after: 12mo, from: earned}, cost: "0.01"}
  later: {scale: 2, rounding: floor, pending: 14d, expires: never}
attributes:
  persona: {type: string}
events:
  item.recycled: {data: {sku: string, grams: int, note: {type: string, personal: true}}}
metrics:
  yearly_spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: yearly_spend
    review: calendar_year
    tiers:
      bronze: {from: 0, rate: 1}
      silver: {from: 500, rate: 2}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}, {award: {wallet: later, amount: "0.25"}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
  recycle:
    trigger: item.recycled
    limits: {per_account: 2, total: 1000}
    then: [{award: {wallet: points, amount: "10"}}]
  huge:
    trigger: huge.award
    then: [{award: {wallet: points, amount: "9000000000000000000"}}]
rewards:
  mug: {kind: product, price: {points: 100}, stock: 50}
  voucher: {kind: coupon, price: {points: 50}, discount: {amount: "1.00"}, valid: 30d}
"""


def make_ids() -> IdMaker:
    return IdMaker(lambda: time.time_ns() // 1_000_000, secrets.randbits)


class World:
    """What a test says and sees."""

    def __init__(self, database: Database, loop: EngineLoop) -> None:
        self.database = database
        self.loop = loop
        self.now = NOW
        self.numbers = itertools.count(1)

    def ask(self, *commands: Command) -> list[Answer]:
        return [future.result(60) for future in self.loop.submit_many(commands)]

    def enrol(self, external: str, **more: Any) -> Answer:
        ref = normal_ref("external", external)
        profile = Profile(identities=(ref,), external_id=external, **more)
        command = EnrolMember(tenant_id=TENANT, program="club", received_at=self.now, profile=profile)
        return self.ask(command)[0]

    def event(self, event_type: str = "order.paid", subject: str | None = "anna", **more: Any) -> IngestEvent:
        data = more.pop("data", None)
        once = more.pop("once", None)
        flags = {name: more.pop(name) for name in ("historical", "enrol", "bulk") if name in more}
        sent = {
            "specversion": "1.0",
            "id": f"e{next(self.numbers)}",
            "source": "shop",
            "type": event_type,
            "time": self.now.isoformat(),
            "subject": subject,
            "data": data if data is not None else {},
            **more,
        }
        raw = json.dumps({name: value for name, value in sent.items() if value is not None}).encode()
        return IngestEvent(
            tenant_id=TENANT, program="club", received_at=self.now, raw=raw, once=once, **flags
        )

    def order(self, amount: str = "12.50", subject: str | None = "anna", **more: Any) -> IngestEvent:
        order_id = more.pop("order", f"o{next(self.numbers)}")
        lines = [{"id": "1", "sku": "A", "quantity": 1, "price": amount}]
        return self.event("order.paid", subject, data={"id": order_id, "lines": lines}, **more)

    def later(self, **span: int) -> None:
        self.now += timedelta(**span)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.transaction(TENANT) as tx:
            return tx.execute(statement).fetchall()

    def verify(self) -> None:
        with self.database.transaction(TENANT) as tx:
            assert list(verify(tx)) == []


def prepare(database: Database, definition: str = PROGRAM) -> None:
    with database.transaction(TENANT) as tx:
        ensure_tenant(tx, "test", "Test", sandbox=True, now=NOW)
        new = NewDefinition(load_definition(definition), definition, "test", NOW)
        apply_definition(tx, new, make_ids())


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    prepare(database)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield World(database, loop)
    loop.stop()


@pytest.fixture(params=[1, 2], ids=["one engine", "two engines"])
def engines(world: World, request: pytest.FixtureRequest) -> Iterator[list[EngineLoop]]:
    from tests.rooms.engine.crowds import running

    with running(world.database, request.param) as loops:
        yield loops
