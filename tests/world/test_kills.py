"""Kills in a flood: nothing lost, nothing doubled, nothing torn, once everything was sent again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.kill_table import Report, keep, load_kept, report_kills
from tests.world.kills import IN_FLIGHT, KINDS, besiege, opened, run_kills, settings_of
from tests.world.nursery import Nursery
from tests.world.places import Ground
from tests.world.siege import CUTS, FAILPOINTS, POSTGRES, Setting, Siege

SHORT = ("before_lock", "engine", "untold", "in_commit", "unanswered", "after_commit")
REACHES = "from guerdon.infra import failpoints\nfor _ in range(3): failpoints.reach('after_write'); print(1)"


def _all_whole(report: Report, kills: int) -> None:
    assert report.faults == [], report_kills(report)
    assert len(report.rows) == kills
    assert min(row.in_flight for row in report.rows) >= IN_FLIGHT


def test_half_of_the_kinds_are_named_failpoints() -> None:
    assert 2 * sum(kind in FAILPOINTS for kind in KINDS) == len(KINDS)
    kinds = {kind for setting in settings_of(1, 32) for kind in setting.kinds}
    assert kinds | {"disk"} == {"engine", *FAILPOINTS, *POSTGRES}
    assert {setting.engines for setting in settings_of(1, 32)} == {1, 2}


def test_a_failpoint_is_armed_while_a_process_runs(tmp_path: Path) -> None:
    file = tmp_path / "failpoint"
    ended = []
    for text in ("", "before_lock:1", "after_write:2"):
        file.write_text(text)
        if not text:
            file.unlink()
        env = {"GUERDON_FAILPOINT": f"@{file}", "PYTHONPATH": ":".join(sys.path), "PYTHONUNBUFFERED": "1"}
        done = subprocess.run(
            [sys.executable, "-c", REACHES], env=env, capture_output=True, text=True, check=False
        )
        ended.append((done.returncode, done.stdout.count("1")))
    assert ended == [(0, 3), (0, 3), (-9, 1)]


def test_what_is_kept_of_kills_is_read_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text('{"seed": 1, "kind": "engine", "engines": 1, "in_flight": 40, "carts": 9, "lost": 0,')
    with kept.open("a") as file:
        file.write(' "doubled": 0, "torn": 1, "seconds": 2.5}\n')
    report = load_kept([kept])
    keep(kept, report.rows, 2)
    again = load_kept([kept])
    assert again.rows == report.rows * 2
    assert "engine" in report_kills(again).splitlines()[1]
    assert report_kills(again).splitlines()[-1].split() == ["all", "2", "0", "0", "2"]


# Five engines start: that is what takes its time.
@pytest.mark.timeout(600)
def test_six_kills_lose_and_double_nothing(ground: Ground, tmp_path: Path) -> None:
    report, setting, nursery = Report(), Setting(1, SHORT), Nursery()
    assert set(CUTS) < set(SHORT)
    try:
        with opened(Siege(ground, tmp_path, setting, nursery)) as siege:
            besiege(siege, setting, print, (report, None))
    finally:
        nursery.close()
    _all_whole(report, len(SHORT))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", [11, 211])
def test_sixty_four_kills_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    _all_whole(run_kills(tmp_path / "kills", seed, 32, print), 32)
