"""Months of the journal as files: each row proves itself, and the first that does not fit is named."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guerdon import cli
from guerdon.base.errors import Problem
from guerdon.cli.care.months import past_date
from guerdon.infra.postgres import EmbeddedPostgres
from tests.care.conftest import PEOPLE
from tests.cli.conftest import Run, guerdon
from tests.served import GUERDON, surroundings

__all__ = ["guerdon"]

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("retention")]


@pytest.fixture(scope="module")
def key(year: Path) -> str:
    """The log's public key, as it is published."""
    from guerdon.rules.proofs.notes import NoteKey

    with EmbeddedPostgres(year / "data") as server, psycopg.connect(server.dsn("superuser")) as tx:
        row = tx.execute("select name, public_key from guerdon.log_keys").fetchall()[0]
    return NoteKey(row[0], bytes(row[1])).text


def months(year: Path) -> list[Path]:
    return sorted((year / "archive" / "main" / "club").iterdir())


def test_each_closed_month_is_a_file_that_proves_itself(year: Path, key: str, guerdon: Run) -> None:
    assert [one.name for one in months(year)] == [f"2025-{month:02}.parquet" for month in range(1, 7)]
    said = guerdon("retention", "check", *months(year), "--log-key", key, "--json")
    assert said.code == 0, said.err
    assert list(json.loads(said.out).values()) == [2 * PEOPLE] * 6
    table = pq.read_table(months(year)[0])
    assert set(table["wallet"].to_pylist()) == {"points"}
    assert sum(table["amount"].to_pylist()) == 2 * PEOPLE * 10
    other = "guerdon/main/club+2dd68cea+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    for wrong in ((), ("--log-key", other)):
        assert guerdon("retention", "check", months(year)[0], *wrong).code == 1


def test_what_is_there_is_checked_and_left_and_a_dry_run_writes_nothing(
    year: Path, guerdon: Run, tmp_path: Path
) -> None:
    before = {one: one.stat().st_mtime_ns for one in months(year)}
    exporting = ("retention", "export", "--before", "2025-07-15", "--data", year / "data", "--json", "--to")
    again = guerdon(*exporting, year / "archive")
    assert again.code == 0, again.err
    assert {one["state"] for one in json.loads(again.out)} == {"checked, it was there"}
    assert {one: one.stat().st_mtime_ns for one in months(year)} == before
    dry = guerdon(*exporting, tmp_path / "none", "--dry-run")
    assert [one["transactions"] for one in json.loads(dry.out)] == [2 * PEOPLE] * 6
    assert not (tmp_path / "none").exists()


def changed(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def swap(rows: list[dict[str, Any]]) -> None:
    rows[3], rows[4] = rows[4], rows[3]


def more(rows: list[dict[str, Any]]) -> None:
    rows[5]["amount"] += 1


def in_the_leaf(rows: list[dict[str, Any]]) -> None:
    rows[5]["leaf"] = rows[5]["leaf"].replace("1000", "9000").replace(",10,", ",90,")


def elsewhere(rows: list[dict[str, Any]]) -> None:
    rows[7]["position"] += 1


def twice(rows: list[dict[str, Any]]) -> None:
    rows.insert(2, rows[2])


def other_wallet(rows: list[dict[str, Any]]) -> None:
    rows[0]["wallet"] = "miles"


def leave_out(rows: list[dict[str, Any]]) -> None:
    rows.pop()


def empty(rows: list[dict[str, Any]]) -> None:
    rows.clear()


@pytest.mark.parametrize("change", [swap, more, in_the_leaf, elsewhere, twice, other_wallet, empty])
def test_a_changed_row_is_named(
    year: Path, key: str, guerdon: Run, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    path = Path(shutil.copy(months(year)[1], tmp_path / "2025-02.parquet"))
    assert guerdon("retention", "check", path, "--log-key", key).code == 0
    changed(path, change)
    said = guerdon("retention", "check", path, "--log-key", key)
    assert (said.code, "[archive_differs]" in said.err) == (1, True), said.err
    assert change is empty or "row " in said.err


@pytest.mark.parametrize("column", ["transaction_id", "event_id", "redemption_id", "other_account", "reason"])
def test_what_no_hash_covers_is_held_against_the_journal(
    year: Path, guerdon: Run, tmp_path: Path, column: str
) -> None:
    shutil.copytree(year / "archive", tmp_path / "archive")
    path = tmp_path / "archive" / "main" / "club" / "2025-03.parquet"
    changed(
        path,
        lambda rows: rows[4].update({column: 7 if column in ("redemption_id", "other_account") else "x"}),
    )
    exporting = ("retention", "export", "--before", "2025-07-01", "--to", tmp_path / "archive")
    said = guerdon(*exporting, "--data", year / "data")
    assert (said.code, "row 5" in said.err, column in said.err) == (1, True, True), said.err


def test_a_row_that_is_left_out_is_named(year: Path, guerdon: Run, tmp_path: Path) -> None:
    shutil.copytree(year / "archive", tmp_path / "archive")
    changed(tmp_path / "archive" / "main" / "club" / "2025-04.parquet", leave_out)
    said = guerdon(
        "retention", "export", "--before", "2025-07-01", "--to", tmp_path / "archive", "--data", year / "data"
    )
    assert (said.code, "not in the file" in said.err) == (1, True), said.err


def test_every_changed_byte_is_found_or_changes_nothing_that_is_read(
    year: Path, key: str, guerdon: Run, tmp_path: Path
) -> None:
    whole = months(year)[2].read_bytes()
    path, rows = tmp_path / "2025-03.parquet", pq.read_table(months(year)[2]).to_pylist()
    for place in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        said = guerdon("retention", "check", path, "--log-key", key)
        assert said.code == 1 or pq.read_table(path).to_pylist() == rows, place
    for keep in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        assert guerdon("retention", "check", path, "--log-key", key).code == 1


def test_what_a_killed_export_left_is_written_again(year: Path, guerdon: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "main" / "club"
    folder.mkdir(parents=True)
    (folder / ".2025-01.parquet.part").write_bytes(months(year)[0].read_bytes()[:999])
    exporting = ("retention", "export", "--before", "2025-02-01", "--to", tmp_path / "a")
    said = guerdon(*exporting, "--data", year / "data")
    assert said.code == 0, said.err
    assert [path.name for path in folder.iterdir()] == ["2025-01.parquet"]


@pytest.mark.long
def test_a_killed_export_leaves_no_file_that_is_not_whole(year: Path, key: str, tmp_path: Path) -> None:
    words = ("retention", "export", "--before", "2025-12-31", "--to", tmp_path / "a", "--data", year / "data")
    with subprocess.Popen(
        [GUERDON, *map(str, words)], env=surroundings(), stderr=subprocess.DEVNULL
    ) as process:
        while not list((tmp_path / "a").glob("**/*.parquet")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    left = sorted((tmp_path / "a").glob("**/2*.parquet"))
    assert left
    assert cli.run(["retention", "check", *map(str, left), "--log-key", key]) == 0
    assert subprocess.run([GUERDON, *map(str, words)], env=surroundings(), check=False).returncode == 0
    assert len(list((tmp_path / "a").glob("**/*"))) == 2 + 11


@pytest.mark.parametrize("before", ["2025-13-01", "yesterday", "2999-01-01"])
def test_a_wrong_date_is_named(guerdon: Run, year: Path, tmp_path: Path, before: str) -> None:
    said = guerdon("retention", "export", "--before", before, "--to", tmp_path / "x", "--data", year / "data")
    assert (said.code, "[date_invalid]" in said.err) == (1, True)
    assert not (tmp_path / "x").exists()


def test_a_month_that_just_ended_is_not_closed_yet() -> None:
    ended = datetime(2025, 6, 1, tzinfo=UTC)
    with pytest.raises(Problem, match="just ended"):
        past_date("2025-06-01", ended + timedelta(minutes=59))
    assert past_date("2025-06-01", ended + timedelta(hours=1)) == ended
