"""Old months leave the database and come back: the verbs, with files that are lost or changed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from guerdon import cli
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.rules.proofs.notes import NoteKey
from tests.care.conftest import PEOPLE
from tests.cli.conftest import Run, guerdon
from tests.served import GUERDON, surroundings

__all__ = ["guerdon"]

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("retention")]


@pytest.fixture(scope="module")
def half(year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a year's orders, of which the first half moved."""
    folder = Path(shutil.copytree(year, tmp_path_factory.mktemp("half") / "half"))
    assert cli.run(["retention", "move", *moving(folder), "--data", str(folder / "data")]) == 0
    return folder


def moving(folder: Path, before: str = "2025-07-01") -> list[str]:
    return ["--before", before, "--to", str(folder / "archive")]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "archive" / "main" / "club").iterdir())


def test_verify_says_by_which_hash_a_month_stands_and_reads_the_files(half: Path, guerdon: Run) -> None:
    without = guerdon("verify", "--data", half / "data")
    assert without.code == 0, without.err
    assert without.err.count("not read, give --archives: club 2025-0") == 6
    assert f"{12 * PEOPLE} transactions that moved into files: each has the hash in the log" in without.err
    read = guerdon("verify", "--data", half / "data", "--archives", half / "archive", "--json")
    said = json.loads(read.out)
    assert (read.code, said["holds"], said["moved"]) == (0, True, 12 * PEOPLE)
    assert [one["month"] for one in said["archives"]] == [path.stem for path in files(half)]
    assert all(one["read"] and one["transactions"] == 2 * PEOPLE for one in said["archives"])
    only = guerdon("verify", "--data", half / "data", "--ledger-only", "--archives", half / "archive")
    assert only.code == 0, only.err


def test_a_changed_or_lost_file_is_named(half: Path, guerdon: Run, tmp_path: Path) -> None:
    shutil.copytree(half / "archive", tmp_path / "archive")
    first, second, third, *_ = files(tmp_path)
    third.unlink()
    lost = guerdon("verify", "--data", half / "data", "--archives", tmp_path / "archive")
    assert len(lost.out.splitlines()) == 1, "one line for a lost file, not one for each of its rows"
    assert "archived_months club 2025-03: expected the file of SHA-256" in lost.out
    assert "5 files read, row by row" in lost.err
    first.write_bytes(second.read_bytes())
    second.unlink()
    for more in ((), ("--ledger-only",)):
        said = guerdon("verify", "--data", half / "data", "--archives", tmp_path / "archive", *more)
        assert said.code == 1
        assert "archived_months club 2025-01: expected the file of SHA-256" in said.out
        assert "archived_months club 2025-02: expected the file of SHA-256" in said.out
        assert "there is no file" in said.out or "cannot be read" in said.out


def test_one_file_proves_a_transaction_without_a_database(half: Path, guerdon: Run, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    number = pq.read_table(files(half)[2])["transaction_id"].to_pylist()[5]
    proof = guerdon("retention", "proof", files(half)[2], "--transaction", number)
    (tmp_path / "proof.json").write_text(proof.out, encoding="utf-8")
    with EmbeddedPostgres(half / "data") as server, psycopg.connect(server.dsn("superuser")) as tx:
        name, public = tx.execute("select name, public_key from guerdon.log_keys").fetchall()[0]
    key = NoteKey(name, bytes(public)).text
    said = guerdon("proof", "verify", tmp_path / "proof.json", "--log-key", key)
    assert (said.code, "1 transaction is in the log" in said.err) == (0, True), said.err
    for wrong in ("nonsense", "01a202c2-551e-739b-8860-e092b692b7b6"):
        said = guerdon("retention", "proof", files(half)[2], "--transaction", wrong)
        assert (said.code, "[transaction_not_found]" in said.err) == (1, True)


def test_what_moved_moves_once_and_a_dry_run_moves_nothing(half: Path, guerdon: Run) -> None:
    again = guerdon("retention", "move", *moving(half), "--data", half / "data")
    assert (again.code, "is left to move" in again.err) == (0, True), again.err
    dry = guerdon(
        "retention", "move", *moving(half, "2025-09-01"), "--data", half / "data", "--dry-run", "--json"
    )
    assert [one["state"] for one in json.loads(dry.out)] == ["would move"] * 2
    assert len(files(half)) == 6


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("move", "--before", "2999-01-01", "--to", "x"), "date_invalid"),
        (("move", "--before", "June", "--to", "x"), "date_invalid"),
        (("restore", "--from", "x", "--since", "2025"), "date_invalid"),
        (("restore", "--from", "nowhere"), "archive_missing"),
        (("export", "--before", "2025-09-01", "--to", __file__), "file_unwritable"),
        (("move", "--before", "2025-09-01", "--to", f"{__file__}/there"), "file_unwritable"),
    ],
)
def test_what_is_typed_wrongly_is_named(half: Path, guerdon: Run, words: tuple[str, ...], code: str) -> None:
    said = guerdon("retention", *words, "--data", half / "data")
    assert (said.code, f"[{code}]" in said.err) == (1, True), said.err


def test_a_folder_of_archives_that_is_not_there_is_no_finding(half: Path, guerdon: Run) -> None:
    said = guerdon("verify", "--data", half / "data", "--archives", half / "nowhere")
    assert (said.code, "[folder_not_found]" in said.err, said.out) == (1, True, ""), said.err


@pytest.mark.long
def test_a_killed_move_holds_and_is_finished_and_all_comes_back(
    half: Path, guerdon: Run, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(half, tmp_path / "half"))
    home = ("--data", str(folder / "data"))
    words = [GUERDON, "retention", "move", *moving(folder, "2025-12-01"), *home]
    with subprocess.Popen(words, env=surroundings(), stderr=subprocess.DEVNULL) as process:
        while len(list(files(folder))) < 9 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    held = guerdon("verify", *home, "--archives", folder / "archive")
    assert held.code == 0, held.out
    done = guerdon("retention", "move", *moving(folder, "2025-12-01"), *home)
    assert done.code == 0, done.err
    assert len([path for path in files(folder) if path.suffix == ".parquet"]) == 11
    back = guerdon(
        "retention", "restore", "--from", folder / "archive", "--since", "2025-03", *home, "--json"
    )
    assert list(json.loads(back.out).values()) == [9 * 2 * PEOPLE]
    said = json.loads(guerdon("verify", *home, "--archives", folder / "archive", "--json").out)
    assert (said["holds"], said["moved"], len(said["archives"])) == (True, 4 * PEOPLE, 2)


def test_a_file_that_is_lost_while_its_month_moves_is_asked_for(
    half: Path, guerdon: Run, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(half, tmp_path / "half"))
    with EmbeddedPostgres(folder / "data") as server, psycopg.connect(server.dsn("superuser")) as tx:
        # As if the move had been killed before it noted its end.
        tx.execute("update guerdon.archived_months set moved_at = null where month = '2025-02-01'")
    files(folder)[1].unlink()
    said = guerdon("retention", "move", *moving(folder), "--data", folder / "data")
    assert (said.code, "[archive_missing]" in said.err, "2025-02.parquet" in said.err) == (1, True, True)
    shutil.copy(files(folder)[2], folder / "archive" / "main" / "club" / "2025-02.parquet")
    said = guerdon("retention", "move", *moving(folder), "--data", folder / "data")
    assert (said.code, "[archive_differs]" in said.err) == (1, True)
