"""A real PostgreSQL for each test worker, and a fresh, migrated database for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from guerdon.infra.db import Database
from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import OWNER

TEMPLATE = "guerdon_template"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One embedded server by worker; GUERDON_TEST_DURABLE=1 turns fsync on."""
    folder = tmp_path_factory.mktemp("server")
    with EmbeddedPostgres(folder, durable=os.environ.get("GUERDON_TEST_DURABLE") == "1") as running:
        yield running


@pytest.fixture(scope="session")
def template(server: EmbeddedPostgres) -> str:
    """The name of a database at the newest migration, that nobody is connected to."""
    create_database(server, TEMPLATE, "template0")
    migrate(server.dsn(database=TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A database of the test's own, migrated and empty, as the application sees it."""
    name = f"test_{next(_NUMBERS)}"
    create_database(server, name, template)
    with Database(server.dsn(database=name), pool_size=4) as made:
        yield made
    drop_database(server, name)


def create_database(server: EmbeddedPostgres, name: str, template: str) -> None:
    statement = sql.SQL("create database {} template {} owner {} strategy file_copy")
    with superuser(server) as connection:
        connection.execute(statement.format(*(sql.Identifier(word) for word in (name, template, OWNER))))


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    with superuser(server) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def superuser(server: EmbeddedPostgres, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(server.dsn("superuser", database), autocommit=True)
