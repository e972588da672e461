"""Kills with many calls in flight: `python -m tests.world.kills --kills N` makes many and counts them."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from guerdon.infra.postgres import EmbeddedPostgres
from tests.world.kill_table import Report, keep, load_kept, report_kills
from tests.world.nursery import Nursery
from tests.world.places import Ground, SmallDisk, can_mount
from tests.world.siege import CUTS, Setting, Siege, made

IN_FLIGHT = 32
CARTS_IN_FLIGHT = 4
"""Of those in flight, so many at least are about checkouts and returns."""
LOOKED_AT = 4
"""After so many kills everything is sent again and looked at."""
LOOKED_AT_IN_CAMPAIGNS = 12
KINDS = (
    "engine",
    "before_lock",
    "postmaster",
    "after_write",
    "in_commit",
    "after_commit",
    "backend",
    "connection",
)
"""Half of them at named failpoints."""
ON_A_SMALL_DISK = (
    "disk",
    "before_lock",
    "disk",
    "after_write",
    "in_commit",
    "disk",
    "postmaster",
    "after_commit",
)
"""The same where the disk of PostgreSQL can be filled."""
IN_COMMIT = (*CUTS, "serialization", "engine") * 2
"""The connection is lost in the commit itself, and what PostgreSQL refuses must be tried again."""
CAMPAIGN = (
    *("engine", "before_lock", "engine", "after_write", "engine", "in_commit", "engine", "after_commit"),
    *("postmaster", "engine", "before_lock", "engine", "after_write", "engine", "in_commit", "engine"),
    *("after_commit", "engine", "backend", "connection", "engine", "before_lock", "engine", "in_commit"),
)
ALL_AT_ONCE = (
    "engine+before_lock+engine+in_commit",
    "after_commit+engine+after_write+engine",
    "in_commit+after_commit+engine+engine",
    "engine+engine+before_lock+after_write",
    "engine+engine+in_commit+after_commit",
    "before_lock+after_write+in_commit+engine",
) * 2
"""Four engines, all of them killed, each in its own way."""
IN_COMMITS = (
    "untold",
    "unanswered",
    "untold",
    "unanswered",
    "serialization",
    "engine",
    "in_commit",
    "engine",
)
ON_SMALL_DISKS = ("disk", "engine", "disk", "after_write", "disk", "engine", "disk", "after_commit")


def settings_of(seed: int, kills: int) -> Iterator[Setting]:
    """Divide kills among sieges: one engine, two, a disk that can be filled where that is allowed, and cuts.

    Args:
        seed: of the first.
        kills: how many.

    Yields:
        Each siege with its kinds of kills.
    """
    first = turn = 0
    while first < kills:
        small = turn % 4 == 2 and can_mount()
        kinds = ON_A_SMALL_DISK if small else IN_COMMIT if turn % 4 == 3 else KINDS
        yield Setting(seed + first, kinds[: kills - first], 2 if turn % 4 == 1 else 1, small)
        first, turn = first + len(kinds), turn + 1


def campaign_of(seed: int, kills: int) -> Iterator[Setting]:
    """Divide many kills among long sieges, so that less of the time goes into beginning them.

    Args:
        seed: of the first.
        kills: how many.

    Yields:
        Each siege with its kinds of kills.
    """
    first = turn = 0
    while first < kills:
        small = turn % 8 == 7 and can_mount()
        at_last = ON_SMALL_DISKS if small else IN_COMMITS * 2
        kinds = (ALL_AT_ONCE, CAMPAIGN, ALL_AT_ONCE, at_last)[turn % 4]
        engines = kinds[0].count("+") + 1
        yield Setting(seed + first, kinds, engines if engines > 1 else 1 + turn // 4 % 2, small)
        first, turn = first + sum(one.count("+") + 1 for one in kinds), turn + 1


def run_kills(
    folder: Path, seed: int, kills: int, say: Callable[[str], None], kept: Path | None = None
) -> Report:
    """Kill so many times, each kind in turn.

    Args:
        folder: for databases and logs.
        seed: of choices.
        kills: how many.
        say: told each kill.
        kept: a file to which each kill is added, or None.

    Returns:
        What was seen.
    """
    report = Report()
    for setting in settings_of(seed, kills):
        with besieged(folder / str(setting.seed), setting) as siege:
            besiege(siege, setting, say, (report, kept))
    return report


def besiege(
    siege: Siege, setting: Setting, say: Callable[[str], None], told: tuple[Report, Path | None]
) -> None:
    """Kill in one siege, and look at everything after each few kills.

    Args:
        siege: with its engines running.
        setting: its kinds.
        say: told each kill.
        told: what is added to, and the file to which each kill is added.
    """
    report, kept = told
    step = LOOKED_AT if siege.nursery is None else LOOKED_AT_IN_CAMPAIGNS
    for place in range(0, len(setting.kinds), step):
        rows = []
        for kind in setting.kinds[place : place + step]:
            several = kind.split("+")
            rows += siege.kill_all(several) if len(several) > 1 else [siege.kill(kind)]
        for row in rows:
            flying = f"{row.in_flight:4} in flight, {row.carts:3} of them carts"
            say(f"  {f'{row.kind} of {row.engines}':20}{flying}, ready again after {row.seconds:.1f} s")
            if row.in_flight < IN_FLIGHT or row.carts < CARTS_IN_FLIGHT:
                report.faults.append(f"{row.kind}: only {flying}")
        # Which of them lost something is not known: the last one answers for all.
        rows[-1].lost, rows[-1].doubled, rows[-1].torn = siege.look()
        for one in siege.trouble[:5]:
            say(f"    seed {setting.seed}: {one}")
        report.faults += [f"seed {setting.seed}: {one}" for one in siege.trouble]
        report.rows += rows
        if kept is not None:
            keep(kept, rows, setting.seed)


@contextmanager
def besieged(folder: Path, setting: Setting, nursery: Nursery | None = None) -> Iterator[Siege]:
    """Begin a siege with a PostgreSQL of its own, and end it."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        if setting.small_disk:
            stack.enter_context(SmallDisk.mounted(made(folder / "data")))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "data"))
        yield stack.enter_context(opened(Siege(Ground(postgres), folder, setting, nursery)))


@contextmanager
def opened(siege: Siege) -> Iterator[Siege]:
    """Start the engines of a siege, and end them."""
    try:
        siege.open()
        yield siege
    finally:
        siege.close()


def main() -> int:
    """Make a campaign, or print the table of what earlier ones kept.

    Returns:
        Exit code: 0 where nothing was lost, doubled or torn.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    parser = argparse.ArgumentParser(prog="python -m tests.world.kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=None, help="file to which each kill is added")
    parser.add_argument("--table", type=Path, nargs="*", default=[], help="files of which to print the table")
    asked = parser.parse_args()
    if asked.table:
        _say(report_kills(load_kept(asked.table)))
        return 0
    report = Report()
    nursery = Nursery()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        for setting in campaign_of(asked.seed, asked.kills):
            with (
                tempfile.TemporaryDirectory() as folder,
                besieged(Path(folder) / "siege", setting, nursery) as siege,
            ):
                besiege(siege, setting, _say, (report, asked.keep))
    finally:
        nursery.close()
    _say(report_kills(report))
    return 1 if report.faults else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
