"""Merges accounts in the middle of a flood: `python -m tests.rooms.engine.merging_flood DSN GONE INTO`."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from guerdon.engine.commands import Command, MergeAccounts, Once, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, World, make_ids

EVENTS = 48
REDEMPTIONS = 2


def _once(name: str) -> Once:
    return Once("POST /merge", name, hashlib.sha256(name.encode()).digest())


def commands(world: World, gone: int, into: int) -> list[Command]:
    flood: list[Command] = [
        world.order("10.00", ("anna", "ben")[number % 2], id=f"flood-{number}", order=f"flood-{number}")
        for number in range(EVENTS)
    ]
    said: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "received_at": NOW}
    for number in range(REDEMPTIONS):
        redeem = RedeemReward(
            **said, once=_once(f"take-{number}"), member=parse_ref(("anna", "ben")[number]), reward="voucher"
        )
        flood.insert(number * 40, redeem)
    flood.insert(24, MergeAccounts(**said, once=_once("merge"), account_id=gone, into_account=into))
    return flood


def main() -> None:
    gone, into = (int(one) for one in sys.argv[2:4])
    with Database(sys.argv[1], pool_size=2) as database:
        loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=10_000, batch_limit=16))
        loop.start()
        world = World(database, loop)
        statuses = [answer.status for answer in world.ask(*commands(world, gone, into))]
        loop.stop()
    sys.stdout.write(" ".join(statuses))


if __name__ == "__main__":
    main()
