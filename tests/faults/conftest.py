"""The engine's front door, without HTTP: one PostgreSQL by test worker, a fresh database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guerdon.infra.postgres import EmbeddedPostgres
from tests.faults.door import Door, apply_program
from tests.world.driver import running_loop
from tests.world.places import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A server on which databases are made."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("faults"), durable=False) as server:
        yield Ground(server)


@pytest.fixture
def door(ground: Ground) -> Iterator[Door]:
    """A running engine on a fresh database with the program of these tests."""
    with ground.fresh() as database:
        apply_program(database)
        with running_loop(database) as loop:
            yield Door(database, loop)
