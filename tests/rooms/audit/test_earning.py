"""Limits of earning in random lives: never above, and everything is decided and explained again the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.rooms.audit.conftest import PROGRAM, Life, audited

LIMITED = PROGRAM.replace(
    'worth: "0.01"}', 'worth: "0.01", limits: {per_order: 40, per_day: 100, per_month: 260, balance: 300}}'
).replace("{after: 90d, from: last_activity}}", "{after: 90d, from: last_activity}, limits: {per_week: 0.4}}")
BOUNDS = {"day": 100, "month": 260, "week": Decimal("0.4")}


@pytest.mark.parametrize("seed", [3, 4])
def test_a_life_with_limits_of_earning_is_decided_again(living: Life, seed: int) -> None:
    living.apply(LIMITED)
    living.chance.seed(seed)
    living.begin()
    living.live(240)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}
    used = living.world.rows("select counter, used from account_counters where counter like 'wallet/%'")
    assert len(used) > 10
    for counter, amount in used:
        assert 0 <= amount <= BOUNDS[counter.split("/")[3].partition(":")[0]], counter
    told = living.world.rows(
        "select effect ->> 'limit', sum((effect ->> 'cut')::integer)::integer"
        " from events, jsonb_array_elements(convert_from(decision, 'utf8')::jsonb -> 'effects') as effect"
        " where effect ? 'cut' group by 1"
    )
    assert len(told) > 1, "several limits were met"
    assert all(cut > 0 for _, cut in told)
    reasons = living.world.rows(
        "select distinct skip ->> 'detail'"
        " from events, jsonb_array_elements(convert_from(decision, 'utf8')::jsonb -> 'skipped') as skip"
        " where skip ->> 'reason' = 'earning_limit'"
    )
    assert reasons


def test_limits_that_come_and_go_with_versions(living: Life) -> None:
    living.begin()
    living.live(60)
    living.apply(LIMITED)
    living.live(80)
    living.apply(LIMITED.replace("per_day: 100", "per_week: 150").replace("balance: 300", "balance: 40"))
    living.live(60)
    living.apply(PROGRAM)
    living.live(40)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}
