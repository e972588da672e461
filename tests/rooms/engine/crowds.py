"""Many who want the same at once, and the carts that they want it with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from guerdon.base.ids import IdMaker
from guerdon.engine.answers import Answer
from guerdon.engine.commands import Command, OpenCheckout
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rewards.coupons import Batch, make_batch
from guerdon.rules.coupons.codes import fold, letters_for
from guerdon.rules.coupons.standing import Terms
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids

CLIENTS = 64
KEY = bytes(32)
DIGEST = Vault(MASTER_KEY, TENANT).digest


def live(world: World, definition: str) -> World:
    """Make a definition live."""
    with world.database.transaction(TENANT) as tx:
        new = NewDefinition(load_definition(definition), definition, "test", world.now)
        apply_definition(tx, new, make_ids())
    return world


@contextmanager
def running(database: Database, count: int) -> Iterator[list[EngineLoop]]:
    """Run engines with small batches, so that they meet."""
    made = [EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(batch_limit=16)) for _ in range(count)]
    for loop in made:
        loop.start()
    yield made
    for loop in made:
        loop.stop()


def crowd(engines: Sequence[EngineLoop], commands: Sequence[Command]) -> list[Answer]:
    """Let commands come at once, spread over the engines."""
    spread = itertools.cycle(engines)
    futures = [next(spread).submit_many([command])[0] for command in commands]
    return [future.result(60) for future in futures]


def opening(now: datetime, number: int, member: str | None, **more: Any) -> OpenCheckout:
    """Open a cart of one line for 50."""
    cart = {"id": f"A-{number}", "lines": [{"id": "1", "price": "50.00"}], **more}
    return OpenCheckout(
        tenant_id=TENANT,
        program="club",
        received_at=now,
        cart=json.dumps(cart).encode(),
        member=parse_ref(member) if member is not None else None,
        id=f"C-{number}",
    )


def ending(kind: type[Any], now: datetime, number: int) -> Any:
    """Confirm or cancel a cart."""
    return kind(tenant_id=TENANT, program="club", received_at=now, id=f"C-{number}")


def batch_of(world: World, written: str, terms: Terms, size: int = 0, reward: str = "spring") -> Batch:
    """Make a batch of codes, or with size 0 a shared code."""
    ids: IdMaker = make_ids()
    letters = letters_for(size) if size else 0
    place = (ids.number(), "", written, fold(written), letters, KEY, size or 1, reward, terms)
    batch = Batch(*place, starts_at=None, ends_at=None, created_at=world.now, revoked_at=None)
    with world.database.transaction(TENANT) as tx:
        (program_id,) = tx.execute("select program_id from programs where key = 'club'").fetchone() or (0,)
        make_batch(tx, program_id, batch)
    return batch
