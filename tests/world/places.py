"""Where a world is played: a PostgreSQL server of our own, and a fresh database for each run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

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
