"""The real year as files: a sample of households for every run, the whole of it for the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.journey import Basket, read_baskets, write_events

SAMPLE_OF = 48


class Slice:
    """Baskets, and the file of events that says them."""

    def __init__(self, baskets: list[Basket], folder: Path) -> None:
        self.baskets = baskets
        self.households = {basket.household for basket in baskets}
        self.file = write_events(baskets, folder / "events.ndjson")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Slice:
    """Every 48th household with its whole year."""
    return Slice(
        read_baskets(lambda household: household % SAMPLE_OF == 7), tmp_path_factory.mktemp("sample")
    )


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Slice:
    """All of it: 155,848 baskets."""
    return Slice(read_baskets(), tmp_path_factory.mktemp("year"))
