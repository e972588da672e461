"""Backups of a database at work, and what becomes of them: whole, refused, or begun anew."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from guerdon import cli
from guerdon.base.errors import Problem
from guerdon.infra.backups import BackupFile, write_blocks
from guerdon.infra.postgres import EmbeddedPostgres
from tests.care.calling import Callers, at_work
from tests.cli.conftest import DEFINITION, Run, applied, guerdon, home
from tests.served import GUERDON, surroundings

__all__ = ["applied", "guerdon", "home"]

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("backup")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Callers]]:
    """A server at work: 32 callers that never rest."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "club.yaml").write_text(DEFINITION, encoding="utf-8")
    assert cli.run(["apply", str(folder / "club.yaml"), "--data", str(folder / "data")]) == 0
    with at_work(folder / "data", folder / "serve.log") as url:
        callers = Callers(url)
        callers.start()
        try:
            callers.wait_for(200)
            yield folder, callers
        finally:
            callers.stop()
    assert callers.trouble == []


@pytest.fixture(scope="module")
def taken(shop: tuple[Path, Callers]) -> tuple[Path, dict[str, float], dict[str, float]]:
    """A backup taken meanwhile: the file, what was acknowledged before it, what was begun before its end."""
    folder, callers = shop
    callers.go_on()
    before = dict(callers.acknowledged)
    assert run("backup", folder / "shop.backup", "--data", folder / "data").returncode == 0
    begun = dict(callers.begun)
    callers.wait_for(100)
    callers.rest()
    return folder / "shop.backup", before, begun


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [GUERDON, *map(str, words)]
    return subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)


def events_in(data: Path) -> set[str]:
    with EmbeddedPostgres(data) as server, psycopg.connect(server.dsn("superuser")) as connection:
        rows = connection.execute("select id from guerdon.events where type = 'order.paid'")
        return {row[0] for row in rows}


def test_what_was_acknowledged_is_in_it_and_what_came_later_is_whole_or_absent(
    taken: tuple[Path, dict[str, float], dict[str, float]], shop: tuple[Path, Callers], tmp_path: Path
) -> None:
    file, before, begun = taken
    key = shop[0] / "data" / "master.key"
    said = run("restore", file, "--data", tmp_path / "new", "--master-key", key)
    assert said.returncode == 0, said.stderr
    assert "all holds" in said.stderr
    there = events_in(tmp_path / "new")
    assert set(before) <= there <= set(begun)
    assert len(set(shop[1].acknowledged) - there) >= 100
    assert (tmp_path / "new" / "master.key").read_text() == key.read_text()
    assert sorted(one.name for one in (tmp_path / "new").iterdir()) == ["master.key", "postgres"]
    again = run("verify", "--data", tmp_path / "new", "--json")
    assert json.loads(again.stdout)["holds"] is True
    told = json.loads(run("restore", file, "--check", "--json").stdout)
    logs = [one["log"] for tenant in told["tenants"] for one in tenant["programs"]]
    assert [log["origin"] for log in logs] == ["guerdon/main/club"]
    assert logs[0]["size"] > 0


def test_it_has_neither_the_master_key_nor_a_name_that_could_be_read(
    taken: tuple[Path, dict[str, float], dict[str, float]], shop: tuple[Path, Callers], tmp_path: Path
) -> None:
    file = taken[0]
    key = shop[0] / "data" / "master.key"
    dumped = run("restore", file, "--dump", tmp_path / "shop.dump", "--master-key", key)
    assert dumped.returncode == 0, dumped.stderr
    for raw in (file.read_bytes(), (tmp_path / "shop.dump").read_bytes()):
        assert key.read_text().strip().encode() not in raw
    assert (tmp_path / "shop.dump").read_bytes()[:5] == b"PGDMP"
    refused = run("restore", file, "--data", tmp_path / "new")
    assert (refused.returncode, "[master_key_missing]" in refused.stderr) == (1, True)
    (tmp_path / "wrong.key").write_text("A" * 43 + "=\n")
    refused = run("restore", file, "--data", tmp_path / "new", "--master-key", tmp_path / "wrong.key")
    assert (refused.returncode, "[master_key_wrong]" in refused.stderr) == (1, True)
    assert not (tmp_path / "new").exists()


def test_a_backup_that_was_cut_or_changed_is_refused_before_anything_is_made(
    taken: tuple[Path, dict[str, float], dict[str, float]], guerdon: Run, tmp_path: Path
) -> None:
    whole = taken[0].read_bytes()
    wrong = tmp_path / "wrong.backup"
    for keep in (0, 10, 40, len(whole) // 2, len(whole) - 65, len(whole) - 1):
        wrong.write_bytes(whole[:keep])
        refused = guerdon("restore", wrong, "--data", tmp_path / "new")
        assert (refused.code, "[backup_" in refused.err) == (1, True), keep
    wrong.write_bytes(whole + b"\0")
    assert "[backup_damaged]" in guerdon("restore", wrong, "--check").err
    for place in range(0, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        wrong.write_bytes(changed)
        refused = guerdon("restore", wrong, "--data", tmp_path / "new")
        assert (refused.code, "[backup_" in refused.err) == (1, True), place
    assert not (tmp_path / "new").exists()


def test_who_writes_it_anew_without_the_key_is_found(
    taken: tuple[Path, dict[str, float], dict[str, float]], shop: tuple[Path, Callers], tmp_path: Path
) -> None:
    about, found, _ = BackupFile(taken[0]).check(lambda _: None)
    about["tenants"][0]["programs"][0]["log"]["size"] -= 1
    with (tmp_path / "forged").open("wb") as file:
        write_blocks(file, about, BackupFile(taken[0]).data(found), bytes(32))
    key = shop[0] / "data" / "master.key"
    refused = run("restore", tmp_path / "forged", "--data", tmp_path / "new", "--master-key", key)
    assert (refused.returncode, "does not have the master key" in refused.stderr) == (1, True)


def test_a_newer_schema_is_refused(
    taken: tuple[Path, dict[str, float], dict[str, float]], guerdon: Run, tmp_path: Path
) -> None:
    about, found, _ = BackupFile(taken[0]).check(lambda _: None)
    about["revision"] = "9999"
    with (tmp_path / "newer").open("wb") as file:
        write_blocks(file, about, BackupFile(taken[0]).data(found), bytes(32))
    assert "[backup_newer]" in guerdon("restore", tmp_path / "newer", "--check").err


def test_a_folder_with_something_in_it_is_left_alone(
    taken: tuple[Path, dict[str, float], dict[str, float]], shop: tuple[Path, Callers], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    key = shop[0] / "data" / "master.key"
    for target in (tmp_path / "full", tmp_path / "full" / "letter.txt", shop[0] / "data"):
        refused = run("restore", taken[0], "--data", target, "--master-key", key)
        assert (refused.returncode, "[folder_not_empty]" in refused.stderr) == (1, True)
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    "seconds", [pytest.param(0.3, marks=pytest.mark.long), 1.0, pytest.param(2.0, marks=pytest.mark.long)]
)
def test_a_killed_backup_leaves_nothing_that_looks_whole(
    shop: tuple[Path, Callers], guerdon: Run, tmp_path: Path, seconds: float
) -> None:
    folder, callers = shop
    callers.go_on()
    kill_after(seconds, "backup", tmp_path, "--data", folder / "data")
    for left in tmp_path.iterdir():
        assert left.name.endswith(".part"), "the name comes last"
        assert "[backup_" in guerdon("restore", left, "--check").err
    callers.wait_for(20)
    callers.rest()
    again = run("backup", tmp_path / "next.backup", "--data", folder / "data")
    assert again.returncode == 0, again.stderr
    assert run("restore", tmp_path / "next.backup", "--check").returncode == 0


@pytest.mark.parametrize(
    "seconds",
    [2.0, *(pytest.param(one, marks=pytest.mark.long) for one in (1.5, 3.0, 5.0))],
)
def test_a_killed_restore_leaves_nothing_that_looks_whole_and_can_be_repeated(
    taken: tuple[Path, dict[str, float], dict[str, float]],
    shop: tuple[Path, Callers],
    tmp_path: Path,
    seconds: float,
) -> None:
    words = ("restore", taken[0], "--data", tmp_path / "new", "--master-key", shop[0] / "data" / "master.key")
    was_killed = kill_after(seconds, *words)
    left = {one.name for one in (tmp_path / "new").glob("*")}
    # What names the database comes last: with it all is there, though the process had not ended yet.
    if was_killed and "postgres" not in left:
        assert all(name.startswith(".restoring-") or name == "master.key" for name in left)
        refused = run("verify", "--data", tmp_path / "new")
        assert "[data_not_found]" in refused.stderr
        again = run(*words)
        assert again.returncode == 0, again.stderr
    there = sorted(one.name for one in (tmp_path / "new").iterdir() if one.is_file() or any(one.iterdir()))
    assert there == ["master.key", "postgres"]
    assert run("verify", "--ledger-only", "--data", tmp_path / "new").returncode == 0


def kill_after(seconds: float, *words: object) -> bool:
    """Start a command and kill it as a power cut would, unless it ended before."""
    with subprocess.Popen(
        [GUERDON, *map(str, words)], env=surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
    return False


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backup", "{tmp}/nowhere/x.backup", "--data", "{home}"), "folder_not_found"),
        (("backup", "{tmp}/x.backup", "--data", "{tmp}/nothing"), "data_not_found"),
        (("backup", "{there}", "--data", "{home}"), "file_exists"),
        (("backup", "-", "--json", "--data", "{home}"), "usage"),
        (("restore", "{tmp}/none.backup", "--data", "{tmp}/new"), "file_not_found"),
        (("restore", "{there}", "--data", "{tmp}/new"), "backup_unknown"),
        (("restore", "{tmp}", "--data", "{tmp}/new"), "file_unreadable"),
    ],
)
def test_mistakes_are_named_and_leave_nothing(
    guerdon: Run, home: Path, tmp_path: Path, words: Sequence[str], code: str
) -> None:
    there = tmp_path / "there.txt"
    there.write_text("a letter, and no backup at all; long enough to be read")
    said = guerdon(*(word.format(tmp=tmp_path, home=home, there=there) for word in words))
    assert (said.code, f"[{code}]" in said.err) == (1, True), said.err
    assert {one.name for one in tmp_path.iterdir()} == {"there.txt", "home"}


def test_a_database_at_rest_goes_into_a_folder_and_to_the_standard_output(
    guerdon: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    said = json.loads(guerdon("backup", tmp_path / "kept", "--data", home, "--json").out)
    (file,) = (tmp_path / "kept").iterdir()
    assert (said["file"], said["bytes"]) == (str(file), file.stat().st_size)
    assert (file.stat().st_mode & 0o777, file.name.startswith("guerdon-")) == (0o600, True)
    streamed = subprocess.run(
        [GUERDON, "backup", "-", "--data", str(home)], env=surroundings(), capture_output=True, check=True
    ).stdout
    (tmp_path / "streamed").write_bytes(streamed)
    assert guerdon("restore", tmp_path / "streamed", "--check").code == 0
    (home / "master.key").rename(tmp_path / "elsewhere.key")
    refused = guerdon("backup", tmp_path / "other.backup", "--data", home)
    assert "[master_key_missing]" in refused.err
    assert not (home / "master.key").exists(), "a new key would open nothing that is there"
    (tmp_path / "new").mkdir()
    shutil.copy(tmp_path / "elsewhere.key", tmp_path / "new" / "master.key")
    assert guerdon("restore", tmp_path / "streamed", "--data", tmp_path / "new").code == 0


def test_every_changed_byte_of_a_file_is_found(tmp_path: Path) -> None:
    key, pieces = bytes(range(32)), [os.urandom(300), b"", os.urandom(200)]
    path = tmp_path / "small"
    with path.open("wb") as file:
        size, _ = write_blocks(file, {"revision": "0001"}, pieces, key)
    whole = path.read_bytes()
    assert size == len(whole)
    about, found, seal = BackupFile(path).check(lambda _: None)
    BackupFile(path).check_seal(found, seal, key)
    assert (about, b"".join(BackupFile(path).data(found))) == ({"revision": "0001"}, b"".join(pieces))
    for place in range(len(whole)):  # without the master key, too
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with pytest.raises(Problem) as changed:
            checked(path)
        path.write_bytes(whole[:place])
        with pytest.raises(Problem) as cut:
            checked(path)
        assert {changed.value.code, cut.value.code} <= {
            *("backup_damaged", "backup_cut", "backup_unknown", "backup_newer"),
        }


def checked(path: Path) -> None:
    BackupFile(path).check(lambda _: None)


def test_a_second_backup_into_one_file_waits_for_nobody(guerdon: Run, home: Path, tmp_path: Path) -> None:
    with (tmp_path / ".one.backup.part").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "[backup_running]" in guerdon("backup", tmp_path / "one.backup", "--data", home).err
    began = time.time()
    assert guerdon("backup", tmp_path / "one.backup", "--data", home).code == 0
    assert (tmp_path / "one.backup").stat().st_mtime >= began - 1
