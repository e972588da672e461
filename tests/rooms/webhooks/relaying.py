"""A relay in a process of its own, to be killed."""

from __future__ import annotations

import sys
import threading

from guerdon.connect.webhooks.round import Relay
from guerdon.infra.db import Database
from tests.rooms.webhooks.conftest import LOCAL, surroundings

if __name__ == "__main__":
    with Database(sys.argv[1], pool_size=4) as database:
        Relay(surroundings(database), LOCAL, pause_seconds=0.02).start()
        threading.Event().wait()
