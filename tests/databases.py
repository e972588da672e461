"""A real PostgreSQL for each test worker, with a migrated database to copy: one, whatever the tests."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from guerdon.infra.migrations import migrate
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.roles import OWNER
from guerdon.infra.settings import load_settings
from guerdon.wiring import open_house

TEMPLATE = "guerdon_template"


_SERVER = pytest.StashKey[EmbeddedPostgres]()
_TEMPLATE = pytest.StashKey[str]()
_EMPTY = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedPostgres:
    """One embedded server by worker; GUERDON_TEST_DURABLE=1 turns fsync on."""
    # Each folder that imports this fixture has one of its own, and all of them have the same server.
    if _SERVER not in pytestconfig.stash:
        durable = os.environ.get("GUERDON_TEST_DURABLE") == "1"
        running = EmbeddedPostgres(tmp_path_factory.mktemp("server"), durable=durable)
        pytestconfig.stash[_SERVER] = running.start()
        pytestconfig.add_cleanup(running.stop)
    return pytestconfig.stash[_SERVER]


@pytest.fixture(scope="session")
def template(pytestconfig: pytest.Config, server: EmbeddedPostgres) -> str:
    """The name of a database at the newest migration, that nobody is connected to."""
    if _TEMPLATE not in pytestconfig.stash:
        create_database(server, TEMPLATE, "template0")
        migrate(server.dsn(database=TEMPLATE))
        pytestconfig.stash[_TEMPLATE] = TEMPLATE
    return TEMPLATE


@pytest.fixture(scope="session")
def empty_folder(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder at the newest migration with nobody in it, at rest; servers start sooner on a copy."""
    if _EMPTY not in pytestconfig.stash:
        folder = tmp_path_factory.mktemp("empty") / "data"
        settings = load_settings(data=folder).model_copy(update={"database_url": None})
        open_house(settings, lambda _: None).close()
        pytestconfig.stash[_EMPTY] = folder
    return pytestconfig.stash[_EMPTY]


def create_database(server: EmbeddedPostgres, name: str, template: str) -> None:
    statement = sql.SQL("create database {} template {} owner {} strategy file_copy")
    with superuser(server) as connection:
        connection.execute(statement.format(*(sql.Identifier(word) for word in (name, template, OWNER))))


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    with superuser(server) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def superuser(server: EmbeddedPostgres, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(server.dsn("superuser", database), autocommit=True)
