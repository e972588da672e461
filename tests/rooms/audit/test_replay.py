"""What is stored follows from the events: a world of random ones is decided again to the same last row."""

from __future__ import annotations

import pytest

from tests.rooms.audit.conftest import Life, audited


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_life_is_decided_again(living: Life, seed: int) -> None:
    living.chance.seed(seed)
    living.begin()
    living.live(260)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}
    assert (counts.programs, counts.accounts) == (1, 6)
    assert counts.events > 150
    kinds = {row[0] for row in living.world.rows("select distinct kind from transactions")}
    assert kinds == {"award", "redeem", "cancel", "expire", "adjust", "send", "receive"}
    stati = {row[0] for row in living.world.rows("select distinct status from redemptions")}
    assert stati == {"issued", "used", "cancelled"}
