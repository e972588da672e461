"""The embedded server as the rest of Guerdon sees it: start, address, stop."""

from __future__ import annotations

import atexit
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil
import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import make_conninfo

from guerdon.base.errors import Problem
from guerdon.infra.postgres.binaries import Binaries, copy_binaries, find_binaries
from guerdon.infra.postgres.configuration import SOCKET_PORT
from guerdon.infra.postgres.folder import DataFolder, clear_socket_folder, remove_socket_folder
from guerdon.infra.postgres.isolation import Choice, choose_isolation, reachable_by
from guerdon.infra.postgres.leftovers import clear_leftovers, stop_process
from guerdon.infra.postgres.process import StillDying, make_data, start_postmaster
from guerdon.infra.roles import LOGIN, OWNER, ensure_roles, grant_roles

_LOG = structlog.get_logger(__name__)
_LOG_LIMIT_BYTES = 16 * 1024 * 1024
_DYING_SECONDS = 60.0
_RESTARTS = 5
_RESTART_WINDOW_SECONDS = 300.0
_SHORTEST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a started server lives."""

    folder: DataFolder
    binaries: Binaries
    socket_folder: Path


def _silent(_: str) -> None:
    return None


class EmbeddedPostgres:
    """A PostgreSQL server of our own: one folder, one process, a socket and no network."""

    database = "guerdon"

    def __init__(
        self,
        data_dir: Path,
        *,
        progress: Progress | None = None,
        durable: bool = True,
        isolation: Choice = "auto",
    ) -> None:
        """Describe a server; nothing is touched before `start`.

        Args:
            data_dir: Guerdon's data folder.
            progress: told in a short sentence what the start is doing.
            durable: False turns fsync off, for throw-away databases of tests only.
            isolation: how root runs the server; see `choose_isolation`.
        """
        self._data_dir = data_dir
        self._progress = progress or _silent
        self._durable = durable
        self._choice = isolation
        self._folder: DataFolder | None = None
        self._site: _Site | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starter = os.getpid()
        self._stopping = threading.Event()
        self._guard = threading.Lock()

    def start(self) -> Self:
        """Start the server, making its data folder at the first time; it is then kept running.

        Returns:
            This server, taking connections.

        Raises:
            Problem: `data_in_use`, `data_not_writable`, `postgres_not_found`, `postgres_refuses_root`,
                `socket_path_too_long`, `initdb_failed`, `postgres_failed` or `postgres_will_not_stop`.
        """
        folder = DataFolder(self._data_dir, choose_isolation(self._choice))
        folder.take()
        self._folder = folder
        self._starter = os.getpid()
        self._stopping.clear()
        try:
            self._site = site = self._prepare(folder)
            self._process = self._launch(site)
            self._bootstrap(site)
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)
        threading.Thread(target=self._watch, name="postgres-watch", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop the server and give its folder back; harmless when it does not run."""
        if self._starter != os.getpid():
            # A forked child ends: the server is its parent's.
            return
        self._stopping.set()
        with self._guard:
            process = self._process
            if process is not None and process.poll() is None:
                stop_process(psutil.Process(process.pid))
                process.wait()
            self._process = None
            if self._site is not None:
                remove_socket_folder(self._site.socket_folder)
                self._site = None
            if self._folder is not None:
                self._folder.release()
                self._folder = None
        atexit.unregister(self.stop)

    def dsn(self, role: Literal["login", "superuser"] = "login", database: str | None = None) -> str:
        """Tell how to connect.

        Args:
            role: `login` is what Guerdon uses; `superuser` makes databases and roles.
            database: the database's name, Guerdon's own when None.

        Returns:
            A libpq connection string with its password: never to be logged.

        Raises:
            Problem: `postgres_not_running` before `start` and after `stop`.
        """
        site = self._here()
        user = "postgres" if role == "superuser" else LOGIN
        return make_conninfo(
            host=str(site.socket_folder),
            port=SOCKET_PORT,
            user=user,
            password=site.folder.passwords()[user],
            dbname=database or self.database,
        )

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None when it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def home(self) -> Path:
        """The folder with the server's files.

        Raises:
            Problem: `postgres_not_running` before `start` and after `stop`.
        """
        return self._here().folder.home

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _here(self) -> _Site:
        if self._site is None:
            raise Problem("postgres_not_running", "the embedded PostgreSQL is not running")
        return self._site

    def _prepare(self, folder: DataFolder) -> _Site:
        old_socket_folder = clear_leftovers(folder.pgdata)
        if old_socket_folder is not None:
            remove_socket_folder(old_socket_folder)
        folder.passwords()
        folder.own_files()
        binaries = find_binaries(folder.major())
        if not reachable_by(folder.isolation, binaries.folder):
            binaries = copy_binaries(binaries, folder.home / "programs")
        if folder.major() is None:
            self._progress("making a new database folder")
            make_data(binaries, folder, self._durable)
        if folder.log.is_file() and folder.log.stat().st_size > _LOG_LIMIT_BYTES:
            folder.log.replace(folder.log.with_name("server.log.1"))
        return _Site(folder, binaries, folder.make_socket_folder())

    def _launch(self, site: _Site) -> subprocess.Popen[bytes]:
        self._progress("starting PostgreSQL")
        deadline = time.monotonic() + _DYING_SECONDS
        while True:
            try:
                return start_postmaster(site.binaries, site.folder, site.socket_folder, self._durable)
            except StillDying as dying:
                if self._stopping.is_set() or time.monotonic() > deadline:
                    raise Problem("postgres_will_not_stop", str(dying)) from dying
                time.sleep(0.2)

    def _bootstrap(self, site: _Site) -> None:
        with psycopg.connect(self.dsn("superuser", "postgres"), autocommit=True) as connection:
            ensure_roles(connection)
            password = site.folder.passwords()[LOGIN]
            if _missing(connection, "select from pg_roles where rolname = %s", LOGIN):
                statement = "create role {} login noinherit nosuperuser nocreatedb nocreaterole password {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(LOGIN), sql.Literal(password)))
            grant_roles(connection, LOGIN)
            if _missing(connection, "select from pg_database where datname = %s", self.database):
                self._progress("making the database")
                statement = "create database {} owner {}"
                names = (sql.Identifier(self.database), sql.Identifier(OWNER))
                connection.execute(sql.SQL(statement).format(*names))

    def _watch(self) -> None:
        """Start the server again whenever it ends without having been told to."""
        restarts: list[float] = []
        while (process := self._process) is not None and not self._stopping.is_set():
            process.wait()
            now = time.monotonic()
            restarts = [at for at in restarts if now - at < _RESTART_WINDOW_SECONDS] + [now]
            pause = 0.0
            if len(restarts) > _RESTARTS:
                pause = _LONGEST_PAUSE_SECONDS
                _LOG.error("postgres_ends_too_often", ended=len(restarts), pause_seconds=pause)
            while not self._stopping.wait(pause) and not self._is_back(process, len(restarts)):
                # A full disk, or little memory: who makes room shall not have to restart us as well.
                pause = min(max(_SHORTEST_PAUSE_SECONDS, pause * 2), _LONGEST_PAUSE_SECONDS)

    def _is_back(self, ended: subprocess.Popen[bytes], restart: int) -> bool:
        with self._guard:
            if self._stopping.is_set() or self._site is None:
                return True
            _LOG.warning("postgres_ended", code=ended.returncode, restart=restart)
            try:
                clear_leftovers(self._site.folder.pgdata)
                clear_socket_folder(self._site.socket_folder)
                self._process = self._launch(self._site)
            except (Problem, OSError) as problem:
                _LOG.error("postgres_restart_failed", fault=type(problem).__name__, detail=str(problem))
                return False
        return True


def _missing(connection: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is None
