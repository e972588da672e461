"""A program to enrol people in."""

from __future__ import annotations

import pytest

from guerdon.infra.db import Database
from tests.rooms.members.people import Shop, make_shop


@pytest.fixture
def shop(database: Database) -> Shop:
    """An empty program of one tenant."""
    return make_shop(database)
