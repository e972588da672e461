"""A fresh, migrated database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from tests.databases import create_database, drop_database, server, superuser, template

__all__ = ["create_database", "drop_database", "server", "superuser", "template"]

_NUMBERS = itertools.count(1)


@pytest.fixture
def database(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A database of the test's own, migrated and empty, as the application sees it."""
    name = f"test_{next(_NUMBERS)}"
    create_database(server, name, template)
    with Database(server.dsn(database=name), pool_size=4) as made:
        yield made
    drop_database(server, name)
