"""Where a world is played: a PostgreSQL server of our own, and a fresh database for each run."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import OWNER
from tests.world.driver import prepare

_NUMBERS = itertools.count(1)


class Ground:
    """A server with a template: migrated, with the programs applied."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.template = f"world_template_{next(_NUMBERS)}"
        self._create(self.template, "template0")
        migrate(server.dsn(database=self.template))
        with Database(server.dsn(database=self.template), pool_size=1) as database:
            prepare(database)

    def make(self) -> str:
        """Make a fresh database.

        Returns:
            Its name.
        """
        name = f"world_{next(_NUMBERS)}"
        self._create(name, self.template)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        with self._superuser() as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @contextmanager
    def fresh(self) -> Iterator[Database]:
        """A fresh database, dropped afterwards."""
        name = self.make()
        try:
            with Database(self.server.dsn(database=name), pool_size=4) as database:
                yield database
        finally:
            self.drop(name)

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("create database {} template {} owner {} strategy file_copy")
        with self._superuser() as connection:
            connection.execute(statement.format(*(sql.Identifier(word) for word in (name, template, OWNER))))

    def _superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.server.dsn("superuser", "postgres"), autocommit=True)


DISK_BYTES = 1 << 30


class SmallDisk:
    """A disk of its own that can be filled: a file system in memory, which takes root to mount."""

    @staticmethod
    @contextmanager
    def mounted(folder: Path, size: int = DISK_BYTES) -> Iterator[None]:
        """Mount one for a while.

        Args:
            folder: where; what it holds is gone afterwards.
            size: in bytes.
        """
        options = f"size={size},mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)

    @staticmethod
    @contextmanager
    def filled(folder: Path) -> Iterator[None]:
        """Leave no room on it for a while.

        Args:
            folder: on that disk.
        """
        ballast = folder / "ballast"
        with ballast.open("wb") as file:
            while (free := shutil.disk_usage(folder).free) > 0:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
                except OSError:
                    # Somebody took of the room meanwhile: what is left is taken in small pieces.
                    with suppress(OSError):
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), 4096)
        try:
            yield
        finally:
            ballast.unlink()


@cache
def can_mount() -> bool:
    """Tell whether this process may mount a disk of its own.

    Returns:
        True for root on a machine that is not fenced in.
    """
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with TemporaryDirectory() as folder:
        words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True
