"""A world with endpoints: the engine's own, a relay on a hurried tempo, and real receivers."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.base.ids import IdMaker
from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks.deliveries import Delivery, list_deliveries
from guerdon.connect.webhooks.endpoints import NewEndpoint, Wish, add_endpoint, owner_of
from guerdon.connect.webhooks.postman import Surroundings, Tempo
from guerdon.connect.webhooks.round import Relay
from guerdon.infra.db import Database
from guerdon.infra.http import Reach
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, world

__all__ = ["world"]

HURRIED = Tempo(first=timedelta(milliseconds=20), factor=1, longest=timedelta(milliseconds=20))
LOCAL = Reach(seconds=10.0, allow_loopback=True)
_IDS = IdMaker(lambda: time.time_ns() // 1_000_000, secrets.randbits)


def surroundings(database: Database, tempo: Tempo = HURRIED) -> Surroundings:
    return Surroundings(database, MASTER_KEY, lambda: datetime.now(UTC), random.Random(7), tempo)


class Post:
    """What a test of webhooks says and sees."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def subscribe(self, url: str, *types: str, tenant: int = TENANT) -> tuple[int, bytes]:
        webhook_id, secret = _IDS.number(), secrets.token_bytes(32)
        sealed = SecretBox(MASTER_KEY, tenant).seal(owner_of(webhook_id), secret)
        wish = Wish(url, types or ("*",))
        with self.database.transaction(tenant) as tx:
            add_endpoint(tx, NewEndpoint(webhook_id, None, wish, sealed, datetime.now(UTC)))
        return webhook_id, secret

    @contextmanager
    def relaying(self, tempo: Tempo = HURRIED, reach: Reach = LOCAL) -> Iterator[Relay]:
        relay = Relay(surroundings(self.database, tempo), reach, pause_seconds=0.02)
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()

    def deliveries(self, webhook_id: int, tenant: int = TENANT) -> list[Delivery]:
        with self.database.transaction(tenant) as tx:
            return list_deliveries(tx, webhook_id, 1000)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for something; a minute is the end of all patience and no measure."""
        ends = time.monotonic() + 60
        while not (found := condition()):
            assert time.monotonic() < ends, f"it never came about: {what}"
            time.sleep(0.02)
        return found

    def settled(self, webhook_id: int, count: int, state: str = "delivered") -> list[Delivery]:
        def look() -> list[Delivery]:
            found = [one for one in self.deliveries(webhook_id) if one.state == state]
            return found if len(found) >= count else []

        return list(self.until(look, f"{count} deliveries {state}"))


@pytest.fixture
def post(world: World) -> Post:
    return Post(world.database)
