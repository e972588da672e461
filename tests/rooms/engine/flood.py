"""Floods the engine with what has to happen once: `python -m tests.rooms.engine.flood DSN`."""

from __future__ import annotations

import hashlib
import sys

from guerdon.engine.commands import Command, Once, RedeemReward
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, World, make_ids

ACCOUNTS = 8
EVENTS = 160
REDEMPTIONS = 16


def commands(world: World) -> list[Command]:
    flood: list[Command] = [
        world.order(f"{number}.00", f"m{number % ACCOUNTS}", id=f"flood-{number}", order=f"flood-{number}")
        for number in range(EVENTS)
    ]
    for number in range(REDEMPTIONS):
        once = Once("POST /redemptions", f"key-{number}", hashlib.sha256(b"%d" % number).digest())
        redeem = RedeemReward(
            tenant_id=TENANT,
            program="club",
            received_at=NOW,
            once=once,
            member=parse_ref(f"m{number % ACCOUNTS}"),
            reward="voucher",
        )
        flood.insert(number * 10, redeem)
    return flood


def main() -> None:
    with Database(sys.argv[1], pool_size=2) as database:
        # Small batches, so that a kill falls among many commits with at least 32 commands in flight.
        settings = LoopSettings(queue_limit=10_000, batch_limit=40)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), settings)
        loop.start()
        world = World(database, loop)
        statuses = [answer.status for answer in world.ask(*commands(world))]
        loop.stop()
    sys.stdout.write(" ".join(statuses))


if __name__ == "__main__":
    main()
