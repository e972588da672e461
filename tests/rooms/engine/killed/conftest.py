"""A club on a database of its own, with an engine that stands by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from tests.rooms.engine.conftest import MASTER_KEY, make_ids, prepare
from tests.rooms.engine.killed.acts import CLUB, Club


@pytest.fixture
def club(database: Database) -> Iterator[Club]:
    prepare(database, CLUB)
    loop = EngineLoop(database, MASTER_KEY, make_ids(), LoopSettings(queue_limit=20_000))
    loop.start()
    yield Club(database, loop)
    loop.stop()
