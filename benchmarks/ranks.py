"""A rank among a million accounts, beside counting who has more.

Run it with `python -m benchmarks.ranks [--rows N] [--json FILE]`. The values are synthetic, in a database of
its own, and are written by the function that keeps boards.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

from benchmarks.proofs import make_database
from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.tx import Tx
from guerdon.play.boards.rows import (
    Place,
    Stand,
    count_all,
    find_rank,
    list_near,
    list_top,
    score_of,
    write_stands,
)
from guerdon.play.boards.windows import Kept, Window, begin_board, lock_board, open_window

TENANT, PROGRAM = 1, 2
TODAY = date(2026, 11, 1)
PAGE = 1_000
ASKED = 500
PLAIN = """
select 1 + count(*) from board_rows
where program_id = %s and board = %s and opens_on = %s and score > %s
"""
VALUES: dict[str, Callable[[random.Random], Decimal]] = {
    "money": lambda chance: Decimal(int(chance.paretovariate(1.2) * 2_000)) / 100,
    "visits": lambda chance: Decimal(min(400, int(chance.expovariate(0.2)) + 1)),
}
"""Much different and skewed; and few different ones, so that many share a rank."""


def fill(database: Database, board: str, rows: int) -> float:
    """Write a board as its keeper does.

    Args:
        database: where.
        board: one of `VALUES`.
        rows: how many stand on it.

    Returns:
        Seconds.
    """
    chance = random.Random(5)
    began = time.perf_counter()
    with database.transaction(TENANT) as tx:
        begin_board(tx, PROGRAM, Kept(board, "x", TODAY, 0))
        open_window(tx, PROGRAM, board, Window(TODAY, None, None))
    for first in range(1, rows + 1, PAGE):
        whose = range(first, min(first + PAGE, rows + 1))
        stands = {one: Stand(VALUES[board](chance)) for one in whose}
        with database.transaction(TENANT) as tx:
            lock_board(tx, PROGRAM, board)
            write_stands(tx, (PROGRAM, board), {TODAY: stands}, whose)
    return time.perf_counter() - began


def timed(ask: Callable[[int], object], numbers: list[int]) -> dict[str, float]:
    """Measure a question for many accounts, one after the other, with its way to the server and back.

    Args:
        ask: the question.
        numbers: of whom.

    Returns:
        Milliseconds: the median, and what 99 of 100 stay below.
    """
    for one in numbers[:50]:
        ask(one)
    seconds = []
    for one in numbers:
        began = time.perf_counter()
        ask(one)
        seconds.append(time.perf_counter() - began)
    return {"median_ms": median(seconds) * 1000, "p99_ms": quantiles(seconds, n=100)[98] * 1000}


def measure(tx: Tx, board: str, rows: int) -> dict[str, Any]:
    """Measure one board.

    Args:
        tx: bound to the tenant.
        board: one of `VALUES`.
        rows: how many stand on it.

    Returns:
        What it came to.
    """
    chance = random.Random(9)
    numbers = [chance.randrange(1, rows + 1) for _ in range(ASKED)]
    place = Place(PROGRAM, board, TODAY)
    known = {one: find_rank(tx, place, one) for one in numbers[:20]}
    for one, ranked in known.items():
        assert ranked is not None
        plain = tx.execute(PLAIN, (*place, score_of(ranked.value))).fetchone()
        assert plain == (ranked.rank,), (one, ranked, plain)

    def near(one: int) -> object:
        ranked = find_rank(tx, place, one)
        return list_near(tx, place, ranked, 2) if ranked is not None else None

    def counted(one: int) -> object:
        ranked = known[one]
        return tx.execute(PLAIN, (*place, score_of(ranked.value if ranked else Decimal(0)))).fetchone()

    ranges = tx.execute("select count(*), max(count) from board_ranges where board = %s", (board,)).fetchone()
    assert ranges is not None
    return {
        "rank": timed(lambda one: find_rank(tx, place, one), numbers),
        "rank_with_neighbours": timed(near, numbers),
        "first_50": timed(lambda _: list_top(tx, place, 50), numbers[:100]),
        "how_many": timed(lambda _: count_all(tx, place), numbers[:100]),
        "counting_who_has_more": timed(counted, list(known)),
        "ranges": ranges[0],
        "largest_range": ranges[1],
    }


def changes(database: Database, board: str, rows: int) -> float:
    """Measure how long it takes to move accounts: pages of a thousand, as the keeper writes them.

    Args:
        database: where.
        board: one of `VALUES`.
        rows: how many stand on it.

    Returns:
        Microseconds an account.
    """
    chance = random.Random(11)
    seconds = []
    for _ in range(10):
        whose = chance.sample(range(1, rows + 1), PAGE)
        stands = {one: Stand(VALUES[board](chance)) for one in whose}
        began = time.perf_counter()
        with database.transaction(TENANT) as tx:
            lock_board(tx, PROGRAM, board)
            write_stands(tx, (PROGRAM, board), {TODAY: stands}, whose)
        seconds.append(time.perf_counter() - began)
    return median(seconds) / PAGE * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {"rows": given.rows}
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "server").start()
        try:
            make_database(server, "ranks")
            dsn = server.dsn(database="ranks")
            migrate(dsn)
            database = Database(dsn, pool_size=2)
            for board in VALUES:
                filled = fill(database, board, given.rows)
                with psycopg.connect(server.dsn("superuser", "ranks"), autocommit=True) as connection:
                    connection.execute("vacuum analyze guerdon.board_rows")
                moved = changes(database, board, given.rows)
                with database.transaction(TENANT) as tx:
                    found[board] = {**measure(tx, board, given.rows), "filled_s": filled, "moved_us": moved}
                show(board, given.rows, found[board])
            database.close()
        finally:
            server.stop()
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


def show(board: str, rows: int, one: dict[str, Any]) -> None:
    """Print a table.

    Args:
        board: one of `VALUES`.
        rows: how many stand on it.
        one: what it came to.
    """
    print(f"{board}: {rows:,} accounts, {one['ranges']:,} ranges of at most {one['largest_range']:,}")
    for name in ("rank", "rank_with_neighbours", "first_50", "how_many", "counting_who_has_more"):
        label = name.replace("_", " ")
        print(f"  {label:24} {one[name]['median_ms']:9.2f} ms median {one[name]['p99_ms']:9.2f} ms p99")
    print(f"  filled in {one['filled_s']:.0f} s; {one['moved_us']:.0f} µs an account that moves", flush=True)


if __name__ == "__main__":
    main()
