"""Counts what waits, in a process that a test may kill: `python -m tests.rooms.engine.counting DSN`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from guerdon.engine.compiled import CompiledPrograms
from guerdon.engine.counting import Recounter
from guerdon.engine.replaying.facts import read_fact
from guerdon.infra.db import Database
from guerdon.infra.rounds import Rounds
from guerdon.members.crypto import Vault
from tests.rooms.engine.conftest import MASTER_KEY


def recounter_of(database: Database) -> Recounter:
    rounds = Rounds(lambda: datetime.now(UTC))
    programs = CompiledPrograms(database)
    return Recounter(database, programs, read_fact, lambda number: Vault(MASTER_KEY, number), rounds)


if __name__ == "__main__":
    with Database(sys.argv[1], pool_size=4) as database:
        background = recounter_of(database)
        while background.work():
            pass
