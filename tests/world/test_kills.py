"""Kills in a flood: nothing lost, nothing doubled, nothing torn, once everything was sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world.kill_table import report_kills
from tests.world.kills import FAILPOINTS, IN_FLIGHT, KINDS, POSTGRES, run_kills


def _all_whole(folder: Path, seed: int, kills: int) -> None:
    told: list[str] = []
    report = run_kills(folder, seed, kills, told.append)
    assert report.faults == [], report_kills(report)
    assert len(report.rows) == kills
    assert min(row.in_flight for row in report.rows) >= IN_FLIGHT


def test_half_of_the_kinds_are_named_failpoints() -> None:
    assert set(KINDS) == {"engine", *FAILPOINTS, *POSTGRES} - {"disk"}
    assert 2 * sum(kind in FAILPOINTS for kind in KINDS) == len(KINDS)


@pytest.mark.timeout(600)
def test_six_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    _all_whole(tmp_path / "kills", 1, 6)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(11, 19))
def test_sixty_four_kills_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    _all_whole(tmp_path / "kills", seed, 8)
