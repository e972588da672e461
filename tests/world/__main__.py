"""`python -m tests.world --seed S --steps N`: plays the small world, and shrinks what fails."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

import structlog

from guerdon.infra.postgres import EmbeddedPostgres
from tests.world.actors import Step, make_plan
from tests.world.driver import DifferenceError, running_world
from tests.world.faults import with_faults
from tests.world.guild.actors import make_guild_plan
from tests.world.kill_table import report_kills
from tests.world.kills import run_kills
from tests.world.months import with_months
from tests.world.places import Ground
from tests.world.shop.actors import make_shop_plan, together
from tests.world.shrink import shrink

ENGINES = 2
"""On one database, asked in turns."""


def main() -> int:
    """Play, and say what was seen.

    Returns:
        Exit code: 0 where engine and model agree.
    """
    # What the faults do to connections is no news.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.data) as folder:
        if asked.steps:
            with EmbeddedPostgres(Path(folder) / "steps", durable=False) as server:
                code = play(Ground(server), asked.seed, asked.steps)
            if code:
                return code
        if asked.kills:
            report = run_kills(Path(folder) / "kills", asked.seed, asked.kills, _say, asked.keep)
            _say(report_kills(report))
            return 1 if report.faults else 0
    return 0


def play(ground: Ground, seed: int, steps: int) -> int:
    """Play one seed and print a table of what happened."""
    acted = together(make_plan(seed, steps), make_shop_plan(seed, steps), make_guild_plan(seed, steps))
    plan = with_faults(with_months(acted, seed), seed)
    acts = sum(map(len, plan))
    _say(f"seed {seed}: {len(plan)} steps, {acts} acts, until {plan[-1][0]['now']:%Y-%m-%d}")
    began = time.monotonic()
    lines: list[str] = []
    first = fails(ground, plan, lines)
    spent = time.monotonic() - began
    for line in lines:
        _say(line)
    if first is None:
        _say(f"engine and model agree: {acts} acts in {spent:.1f} s")
        return 0
    _say(f"{first}\nshrinking …")
    began = time.monotonic()
    small = shrink(plan, lambda rest: _same(first, fails(ground, rest)))
    spent = time.monotonic() - began
    _say(f"seed {seed}, {steps} steps: {len(small)} steps are enough, found in {spent:.0f} s:")
    for step in small:
        for act in step:
            _say(f"  {'| ' if len(step) > 1 else ''}{act}")
    _say(str(fails(ground, small)))
    return 1


def _same(first: DifferenceError, other: DifferenceError | None) -> bool:
    return other is not None and other.kind == first.kind


def fails(ground: Ground, plan: list[Step], lines: list[str] | None = None) -> DifferenceError | None:
    """Play a plan in a fresh database; the first difference, or None. The table of it goes to `lines`."""
    with ground.fresh() as database, running_world(database, ENGINES) as world:
        try:
            world.play(plan)
        except DifferenceError as difference:
            return difference
        finally:
            if lines is not None:
                lines += world.table()
    return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="file to which each kill is added")
    parser.add_argument("--data", type=Path, default=None, help="folder in which the databases are made")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
