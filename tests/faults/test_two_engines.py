"""Two engine processes side by side on one database: right by row locks alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from guerdon.infra.db import Database
from tests.faults.door import Door
from tests.world.places import Ground

PEOPLE = 6
ROUNDS = 40


def _work(dsn: str, name: str) -> list[dict[str, Any]]:
    """What the other process does: the same events as everybody, and takings of its own."""
    from tests.world.driver import running_loop

    with Database(dsn, pool_size=2) as database, running_loop(database) as loop:
        door = Door(database, loop)
        futures = []
        for number in range(ROUNDS):
            shared = [
                door.event("order.paid", f"m{place}", **_named(number, place)) for place in range(PEOPLE)
            ]
            own = [door.redeem(f"m{(number + place) % PEOPLE}", "mug") for place in range(2)]
            limited = [door.event("promo.joined", f"m{number % PEOPLE}", id=f"{name}-p{number}")]
            rare = [door.redeem(f"m{number % PEOPLE}", "rare")]
            futures += loop.submit_many([*shared, *own, *limited, *rare])
        answers = [future.result(100) for future in futures]
    return [
        {"status": one.status, "code": one.problem.code if one.problem else "", "effects": len(one.effects)}
        for one in answers
    ]


def main() -> None:
    """Work as one of two, and print the answers in one line."""
    json.dump(_work(*sys.argv[1:]), sys.stdout)


def _named(number: int, place: int) -> dict[str, Any]:
    order = f"o{number}-{place}"
    line = {"id": "1", "quantity": "1", "price": "3.00"}
    return {"id": f"e{number}-{place}", "data": {"id": order, "lines": [line]}}


@pytest.mark.timeout(300)
def test_two_engines_lose_and_double_nothing(ground: Ground, door: Door) -> None:
    door.enrol(PEOPLE, points=1_000)
    dsn = door.database.conninfo
    program = "from tests.faults.test_two_engines import main; main()"
    paths = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}; "
    both = [
        subprocess.Popen([sys.executable, "-c", paths + program, dsn, name], stdout=subprocess.PIPE)
        for name in ("one", "two")
    ]
    said = [json.loads(_last(process.communicate()[0])) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    answers = [one for answers in said for one in answers]
    assert {one["code"] for one in answers} <= {"", "insufficient_units", "out_of_stock"}
    statuses = Counter(one["status"] for one in answers if one["status"] != "rejected")
    assert statuses["duplicate"] == ROUNDS * PEOPLE
    assert door.one("select count(*) from events where type = 'order.paid'") == ROUNDS * PEOPLE
    assert door.one("select count(*) from quarantine") == 0
    assert door.one("select used from shared_counters where counter like '%promo%'") == 10
    assert door.one("select used from shared_counters where counter like '%stock'") == 5
    taken = door.one("select count(*) from redemptions")
    earned = PEOPLE * 1_000 + ROUNDS * PEOPLE * 3 + 10
    assert door.one("select sum(available)::bigint from wallets") == earned - taken * 100
    assert sum(one["status"] == "applied" for one in answers) == ROUNDS * PEOPLE + ROUNDS * 2 + taken
    door.verify()


def _last(output: bytes) -> bytes:
    """The answers stand in the last line, whatever was logged before."""
    return output.strip().splitlines()[-1]
