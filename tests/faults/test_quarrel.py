"""Two engines on the same few accounts, carts, codes and budgets: no deadlock, and the books are right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from tests.faults.quarrel import FAULTS, NOW, PEOPLE, enrol
from tests.world.driver import MASTER_KEY, TENANT, World, running_loop
from tests.world.logs import Logger, Watch
from tests.world.places import Ground

ROOT = Path(__file__).parents[2]


def quarrel(database: Database, accounts: dict[tuple[str, str], int], seconds: float) -> list[dict[str, Any]]:
    """Let two processes quarrel, and give their figures."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-m", "tests.faults.quarrel", database.conninfo]
    both = [
        subprocess.Popen([*words, name, str(seconds)], cwd=ROOT, env=there, **pipes)
        for name in ("one", "two")
    ]
    known = {f"{program}/{who}": number for (program, who), number in accounts.items()}
    for process in both:
        assert process.stdin is not None
        process.stdin.write(json.dumps(known) + "\n")
        process.stdin.flush()
    said = [process.communicate(timeout=seconds + 300)[0] for process in both]
    for one in said:
        # What the engines logged: shown where the test fails.
        sys.stdout.write(
            "\n".join(line for line in one.splitlines()[:-1] if "batch_again" not in line) + "\n"
        )
    assert [process.returncode for process in both] == [0, 0]
    return [json.loads(one.splitlines()[-1]) for one in said]


def quarrels_well(ground: Ground, seconds: float) -> None:
    with ground.fresh() as database:
        with running_loop(database) as loop:
            accounts = enrol(World(database, loop), NOW - timedelta(minutes=5))
        found = quarrel(database, accounts, seconds)
        said = Counter(found[0]["said"]) + Counter(found[1]["said"])
        with database.transaction(TENANT) as tx:
            query = "select deadlocks from pg_stat_database where datname = current_database()"
            deadlocks = tx.execute(query).fetchall()[0][0]
            kept = tx.execute("select count(*) from quarantine").fetchall()[0][0]
            findings = [
                str(one) for _, one in zip(range(5), Audit(tx, Vault(MASTER_KEY, TENANT)).run(), strict=False)
            ]
            points = tx.execute(
                "select e.wallet, sum(e.amount)::bigint from entries e group by 1 having sum(e.amount) <> 0"
            ).fetchall()
        sys.stdout.write(f"{sum(said.values())} answers, {deadlocks} deadlocks, {found}\n")
        assert [(one["ended"], one["waiting"]) for one in found] == [(True, 0)] * 2
        assert not FAULTS & set(said), said
        assert said["applied"] > 100
        # Each kind of quarrel took place.
        assert {"duplicate", "checkout_confirmed", "checkout_cancelled"} <= set(said), said
        assert deadlocks == 0
        assert [one["again"].get("deadlock", 0) for one in found] == [0, 0]
        assert kept == 0
        assert points == []
        assert findings == []
        Logger(database, MASTER_KEY).log_all(database, TENANT, NOW)
        assert Watch(Random(1)).look(database, TENANT) == []
        assert len(accounts) == 2 * PEOPLE


@pytest.mark.timeout(300)
def test_two_processes_quarrel_without_a_deadlock(ground: Ground) -> None:
    quarrels_well(ground, 8)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_two_processes_quarrel_for_ten_minutes_without_a_deadlock(ground: Ground) -> None:
    quarrels_well(ground, 600)
