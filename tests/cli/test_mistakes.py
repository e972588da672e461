"""What a stranger mistypes: a clear sentence, exit 1, and nothing made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backtest.tries import order, write
from tests.cli.conftest import Run

READING = [
    ("keys", "list"),
    ("keys", "revoke", "key_0sa634138t52w"),
    ("keys", "rotate", "key_0sa634138t52w"),
    ("staff", "list"),
    ("staff", "end", "rita@shop.example"),
    ("staff", "password", "rita@shop.example"),
    ("explain", "A-1"),
    ("versions", "club"),
    ("export", "club"),
    ("rollback", "club", "1"),
    ("verify",),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("folder", ["mistyped", "of something else"])
def test_a_folder_without_a_database_stays_as_it_is(
    guerdon: Run, tmp_path: Path, words: tuple[str, ...], folder: str
) -> None:
    home = tmp_path / folder
    if folder != "mistyped":
        home.mkdir()
    said = guerdon(*words, "--data", home)
    assert (said.code, "[data_not_found]" in said.err) == (1, True)
    assert "--data" in said.err
    assert "PostgreSQL" not in said.err
    assert list(tmp_path.rglob("*")) == ([] if folder == "mistyped" else [home])


def test_what_is_imported_into_a_mistyped_folder_goes_nowhere(guerdon: Run, tmp_path: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z")])
    said = guerdon("import", events, "--program", "club", "--data", tmp_path / "mistyped")
    assert (said.code, "[data_not_found]" in said.err) == (1, True)
    assert list(tmp_path.iterdir()) == [events]


def test_planning_in_a_new_folder_makes_nothing(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    said = guerdon("plan", definition, "--data", tmp_path / "new")
    assert said.code == 2
    assert "there is no database" in said.err
    assert "a new program" in said.err
    assert list(tmp_path.iterdir()) == [definition]


def test_a_tenant_that_nobody_made_is_named(guerdon: Run, home: Path, tmp_path: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z")])
    for words in (("keys", "list"), ("versions", "club"), ("import", events, "--program", "club")):
        said = guerdon(*words, "--tenant", "shop", "--data", home)
        assert (said.code, "[tenant_not_found]" in said.err) == (1, True)
        assert "there are: main" in said.err


def test_members_that_are_not_known_can_be_enrolled(guerdon: Run, home: Path, tmp_path: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z")])
    said = guerdon("import", events, "--program", "club", "--data", home)
    assert (said.code, "--enrol" in said.err) == (1, True)
    said = guerdon("import", events, "--program", "club", "--data", home, "--enrol")
    assert (said.code, "--enrol" in said.err) == (0, False)


def test_one_is_one_and_two_are_two(guerdon: Run, definition: Path, tmp_path: Path) -> None:
    events = write(tmp_path / "events.ndjson", [order("anna", "2025-01-02T12:00:00Z", "3.00")])
    said = guerdon("backtest", definition, "--events", events, "--report", tmp_path / "out")
    assert "1 event, 1 account, 1 order, revenue 3.00 USD" in said.out
