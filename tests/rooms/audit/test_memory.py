"""Verify streams: what it holds does not grow with the history."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.rooms.audit.conftest import Life, audited

_FEW, _MORE = 1_500, 2_500


def _peak(life: Life) -> tuple[int, int]:
    tracemalloc.start()
    try:
        found, counts = audited(life.world)
        assert found == []
        return tracemalloc.get_traced_memory()[1], counts.events
    finally:
        tracemalloc.stop()


def _buy(life: Life, count: int) -> None:
    for _ in range(count // 250):
        answers = life.world.ask(*(life.world.order("1.00", name) for name in ("anna", "ben") * 125))
        assert {one.status for one in answers} == {"applied"}


@pytest.mark.long
def test_memory_does_not_grow_with_the_history(living: Life) -> None:
    living.begin(["anna", "ben"])
    _buy(living, _FEW)
    audited(living.world)
    first, events = _peak(living)
    assert events >= _FEW
    _buy(living, _MORE)
    second, events = _peak(living)
    assert events >= _FEW + _MORE
    assert second < first * 1.3, (first, second)
