"""One PostgreSQL for the worlds of a test worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guerdon.infra.postgres import EmbeddedPostgres
from tests.world.driver import World, running_loop
from tests.world.places import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A server on which worlds are made."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("world"), durable=False) as server:
        yield Ground(server)


@pytest.fixture
def world(ground: Ground) -> Iterator[World]:
    """A fresh world with a running loop."""
    with ground.fresh() as database, running_loop(database) as loop:
        world = World(database, loop)
        yield world
        world.keeper.close()
