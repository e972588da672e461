"""One process that anchors: `python -m tests.rooms.chain.anchorer DSN URL CONTRACT ROUNDS`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg

from guerdon.base.errors import Problem
from guerdon.connect.chain.keeper import Keeper, Where
from guerdon.connect.chain.places import Chain
from guerdon.connect.chain.signing import Key
from guerdon.infra.db import Database
from tests.rooms.chain.anvil import CHAIN_ID, OWNER


def main() -> None:
    dsn, url, contract, rounds = sys.argv[1:]
    chain = Chain(url, CHAIN_ID, bytes.fromhex(contract), confirmations=2)
    with Database(dsn, pool_size=2) as database:
        # Every head is due at once, so that there is as much to quarrel about as can be.
        where = Where((chain, Key.read(OWNER)), None, timedelta(0))
        keeper = Keeper(database, lambda: datetime.now(UTC), where)
        faults = 0
        for _ in range(int(rounds)):
            try:
                keeper.carry()
            except (Problem, psycopg.Error):
                faults += 1
            time.sleep(0.02)
    sys.stdout.write(f"{faults} faults")


if __name__ == "__main__":
    main()
