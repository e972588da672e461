"""The small world in `make test`: some seeds in process, and the model's and the comparison's own teeth."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guerdon.engine.commands import AdjustBalance
from tests.world.actors import Step, make_plan
from tests.world.driver import TENANT, DifferenceError, World
from tests.world.model import Model
from tests.world.programs import CLUB
from tests.world.shrink import shrink

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("seed", [3, 8, 13, 21])
def test_engine_and_model_agree(world: World, seed: int) -> None:
    world.play(make_plan(seed, 250))
    assert sum(world.seen.values()) > 1_000


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(100, 130))
def test_engine_and_model_agree_for_long(world: World, seed: int) -> None:
    world.play(make_plan(seed, 1_000))
    assert sum(world.seen.values()) > 4_000


def test_a_plan_follows_from_its_seed() -> None:
    assert make_plan(5, 60) == make_plan(5, 60)
    assert make_plan(5, 60) != make_plan(6, 60)


def test_plans_meet_everything_that_they_are_for(world: World) -> None:
    """A world in which nothing is refused, or no burst is long, shows nothing."""
    plan = make_plan(3, 250)
    world.play(plan)
    assert max(len(step) for step in plan) >= 32
    wanted = {
        "event applied",
        "event duplicate",
        "event event_id_reused",
        "event order_already_paid",
        "event account_has_later_history",
        "event time_in_future",
        "event member_not_found",
        "redeem applied",
        "redeem insufficient_units",
        "redeem limit_reached",
        "redeem out_of_stock",
        "redeem reward_not_for_tier",
        "cancel applied",
        "cancel redemption_cancelled",
        "send applied",
        "adjust applied",
    }
    assert wanted - set(world.seen) == set()


def test_the_model_knows_nothing_of_the_engine() -> None:
    folder = Path(__file__).parent
    for name in ("model", "accounts", "days", "programs"):
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            one.module or "" if isinstance(one, ast.ImportFrom) else one.names[0].name
            for one in ast.walk(tree)
            if isinstance(one, ast.Import | ast.ImportFrom)
        }
        assert not {one for one in imported if one.startswith("guerdon")}, name


def test_a_unit_that_nobody_gave_is_seen(world: World) -> None:
    enrolled = [{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]
    world.play([enrolled])
    gift = AdjustBalance(
        tenant_id=TENANT,
        program="club",
        received_at=NOW,
        account_id=world.accounts["club", "m1"],
        wallet="points",
        amount=1,
        reason="behind the model's back",
    )
    world.loop.submit(gift).result(60)
    with pytest.raises(DifferenceError, match="m1 has"):
        world.check(NOW)


def test_a_wrong_answer_is_seen(world: World) -> None:
    world.models["club"] = Model(CLUB)
    order = {
        "do": "event",
        "type": "order.paid",
        "who": "m1",
        "source": "shop",
        "program": "club",
        "now": NOW,
    }
    order |= {"time": NOW, "id": "e1", "order": "o1", "lines": [["1", "10.00"]]}
    world.play([[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]])
    world.models["club"].accounts["m1"].orders.append((NOW.date(), CLUB.tiers[2][1]))
    with pytest.raises(DifferenceError, match="effects: engine"):
        world.play([[order]])


def test_a_failing_plan_is_made_small() -> None:
    plan: list[Step] = [[{"n": number}, {"n": -number}] for number in range(1, 40)]

    def fails(rest: list[Step]) -> bool:
        there = {act["n"] for step in rest for act in step}
        return {7, -30} <= there

    assert shrink(plan, fails) == [[{"n": 7}], [{"n": -30}]]


def test_the_model_expires_on_the_local_day_over_a_change_of_clocks() -> None:
    model = Model(CLUB)
    model.act({"do": "enrol", "program": "club", "now": NOW, "who": "m1"})
    gone = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)
    assert model.accounts["m1"].balances(gone - timedelta(microseconds=1))["points"] == ("100", "0")
    assert model.accounts["m1"].balances(gone)["points"] == ("0", "0")
