"""A year of a club with archives of its first half, made once for all that read or copy it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guerdon import cli
from tests.backtest.tries import order, write
from tests.cli.conftest import DEFINITION

PEOPLE = 12


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two orders of each of some people in every month, and archives of the first six."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "club.yaml").write_text(DEFINITION, encoding="utf-8")
    events = [
        order(f"m{place}", f"2025-{month:02}-{day:02}T12:00:00Z", "10.00")
        for month in range(1, 13)
        for day in (1, 28)
        for place in range(PEOPLE)
    ]
    write(folder / "events.ndjson", events)
    home = ("--data", str(folder / "data"))
    assert cli.run(["apply", str(folder / "club.yaml"), *home]) == 0
    importing = ["import", str(folder / "events.ndjson"), "--program", "club", "--enrol", "--historical"]
    assert cli.run([*importing, *home]) == 0
    exporting = ["retention", "export", "--before", "2025-07-01", "--to", str(folder / "archive"), *home]
    assert cli.run(exporting) == 0
    return folder
