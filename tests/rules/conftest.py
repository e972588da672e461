"""The arithmetic of decisions, for tests that decide by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guerdon.rules.step import exactly


@pytest.fixture(autouse=True)
def exact_arithmetic() -> Iterator[None]:
    """Each test decides as a batch does: rounding is an error."""
    with exactly():
        yield
