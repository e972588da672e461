"""A real PostgreSQL for each test worker, with a migrated database to copy: one, whatever the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import OWNER

TEMPLATE = "guerdon_template"


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


def create_database(server: EmbeddedPostgres, name: str, template: str) -> None:
    statement = sql.SQL("create database {} template {} owner {} strategy file_copy")
    with superuser(server) as connection:
        connection.execute(statement.format(*(sql.Identifier(word) for word in (name, template, OWNER))))


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    with superuser(server) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def superuser(server: EmbeddedPostgres, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(server.dsn("superuser", database), autocommit=True)
