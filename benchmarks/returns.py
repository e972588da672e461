"""Returns beside the orders that they undo: rate, and CPU microseconds each of Python and of PostgreSQL.

    python -m benchmarks.returns [orders] [accounts] [lines]

The same orders are earned and returned: queued all at once, by 256 callers, and by one who waits for each
answer; wholly, and line by line.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.engine_loop import NOW, TENANT, Asked, measure, order, prepare
from guerdon.base.ids import IdMaker
from guerdon.engine.commands import IngestEvent, ReturnOrder
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.rules.sent import ReturnAsked, ReturnLine

_ALONE = 20
"""One caller does so many times fewer."""


def back(number: int, line: int | None = None) -> ReturnOrder:
    """Ask for an order to come back.

    Args:
        number: of the order.
        line: only this line; None for all of it.

    Returns:
        The command.
    """
    lines = () if line is None else (ReturnLine(str(line)),)
    asked = ReturnAsked(f"A-{number}", f"R-{number}-{line}", lines, all=line is None)
    return ReturnOrder(tenant_id=TENANT, program="bench", received_at=NOW, asked=asked, source="shop")


def told(kind: str, figures: dict[str, object]) -> None:
    """Print a row.

    Args:
        kind: what was done.
        figures: as measured.
    """
    print(json.dumps({"what": kind, **figures}), flush=True)


def pairs(
    orders: Sequence[tuple[int, IngestEvent]],
) -> Iterator[tuple[str, int, Sequence[Asked]]]:
    """Give what is measured: earning and returning the same orders, by different callers.

    Args:
        orders: number and event of each.

    Yields:
        What it is, how many callers (0 queues everything at once), and the commands.
    """
    third = len(orders) // 3
    few = max(third // _ALONE, 1)
    for name, width, some in (
        ("bulk", 0, orders[:third]),
        ("256 callers", 256, orders[third : 2 * third]),
        ("alone", 1, orders[2 * third : 2 * third + few]),
    ):
        yield f"earn, {name}", width, [event for _, event in some]
        yield f"return, {name}", width, [back(number) for number, _ in some]
    parts = orders[2 * third + few :]
    yield "earn, 256 callers", 256, [event for _, event in parts]
    yield "return of 1 line of several, 256 callers", 256, [back(number, 0) for number, _ in parts]
    yield "return of another line, 256 callers", 256, [back(number, 1) for number, _ in parts]


def main() -> None:
    """Measure and print a row for each."""
    count, accounts, lines = (
        int(sys.argv[place]) if len(sys.argv) > place else default
        for place, default in ((1, 6_000), (2, 2_000), (3, 10))
    )
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.dsn())
        database = Database(server.dsn())
        ids = IdMaker(lambda: time.time_ns() // 1_000_000, random.Random(secrets.token_bytes(32)).getrandbits)
        loop = EngineLoop(database, bytes(32), ids, LoopSettings(queue_limit=1_000_000))
        prepare(database, loop, accounts)
        pid = loop.backend_pid
        warm = [order(number, number % accounts, lines) for number in range(1_000)]
        measure(loop, pid, warm, 256)
        measure(loop, pid, [back(number) for number in range(1_000)], 256)
        numbers = range(1_000, 1_000 + count)
        for name, width, commands in pairs([(one, order(one, one % accounts, lines)) for one in numbers]):
            told(name, measure(loop, pid, commands, width))
        loop.stop()
        database.close()


if __name__ == "__main__":
    main()
