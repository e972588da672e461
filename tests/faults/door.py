"""What the tests of faults say to the engine, and what they look at."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import AdjustBalance, Command, EnrolMember, IngestEvent, RedeemReward
from guerdon.engine.loop import EngineLoop
from guerdon.infra.db import Database
from guerdon.ledger.audit import verify
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from tests.world.driver import TENANT, apply

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROGRAM = """
program: doors
name: Doors
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 0d, expires: never}
  cash: {scale: 2, rounding: floor, pending: 0d, expires: never}
  stamps: {limits: {per_day: 100, balance: 130}}
events:
  item.recycled: {data: {grams: int}}
campaigns:
  base:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.net}}]
  huge:
    trigger: huge.award
    then: [{award: {wallet: points, amount: "9000000000000000000"}}]
  promo:
    trigger: promo.joined
    limits: {total: 10}
    then: [{award: {wallet: points, amount: "1"}}]
  gift:
    trigger: gift.claimed
    limits: {budget: {units: {cash: "3.5"}}, when_short: part}
    then: [{award: {wallet: cash, amount: "1"}}]
  stamp:
    trigger: stamp.claimed
    then: [{award: {wallet: stamps, amount: "3"}}]
  treat:
    trigger: treat.claimed
    limits: {budget: {units: {cash: "3.5"}}, when_short: none}
    then: [{award: {wallet: cash, amount: "1"}}]
rewards:
  mug: {kind: product, price: {points: 100}}
  rare: {kind: product, price: {points: 100}, stock: 5}
"""
THREADS = 64


def apply_program(database: Database) -> None:
    apply(database, PROGRAM, NOW)


class Door:
    """The engine, and its database."""

    def __init__(self, database: Database, loop: EngineLoop) -> None:
        self.database = database
        self.loop = loop
        self.numbers = itertools.count(1)
        self.base: dict[str, Any] = {"tenant_id": TENANT, "program": "doors", "received_at": NOW}

    def ask(self, *commands: Command) -> list[Answer]:
        return [future.result(60) for future in self.loop.submit_many(commands)]

    def ask_at_once(self, commands: Sequence[Command]) -> list[Answer]:
        """Ask from 64 threads."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda command: self.loop.submit(command).result(60), commands))

    def enrol(self, count: int, points: int = 0) -> list[int]:
        """Enrol `m0`, `m1`, … and give each of them points."""
        people = [
            EnrolMember(
                profile=Profile(identities=(normal_ref("external", who),), external_id=who), **self.base
            )
            for who in (f"m{place}" for place in range(count))
        ]
        accounts = [parse_number("acc", one.account) or 0 for one in self.ask(*people)]
        if points:
            given = [self.adjust(account, points) for account in accounts]
            assert {one.status for one in self.ask(*given)} == {"applied"}
        return accounts

    def adjust(self, account: int, amount: int, wallet: str = "points") -> AdjustBalance:
        return AdjustBalance(account_id=account, wallet=wallet, amount=amount, reason="gift", **self.base)

    def redeem(self, who: str, reward: str) -> RedeemReward:
        return RedeemReward(member=normal_ref("external", who), reward=reward, **self.base)

    def sent(self, event_type: str = "order.paid", who: str = "m0", **more: Any) -> dict[str, Any]:
        number = next(self.numbers)
        sent: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "shop",
            "type": event_type,
        }
        sent |= {"time": NOW.isoformat(), "subject": who, "data": {}}
        if event_type == "order.paid":
            sent["data"] = {"id": f"o{number}", "lines": [{"id": "1", "quantity": "1", "price": "3.00"}]}
        return {**sent, **more}

    def event(self, *about: Any, **more: Any) -> IngestEvent:
        return self.raw(json.dumps(self.sent(*about, **more)).encode())

    def raw(self, raw: bytes) -> IngestEvent:
        return IngestEvent(raw=raw, **self.base)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.transaction(TENANT) as tx:
            return tx.execute(statement).fetchall()

    def one(self, statement: str) -> Any:
        return self.rows(statement)[0][0]

    def verify(self) -> None:
        with self.database.transaction(TENANT) as tx:
            assert list(verify(tx)) == []


def code_of(answer: Answer) -> str:
    return answer.problem.code if answer.problem is not None else ""
