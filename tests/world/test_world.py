"""The small world in `make test`: some seeds in process, and the model's and the comparison's own teeth."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from guerdon.engine.commands import AdjustBalance
from guerdon.rules.definition import load_definition
from tests.world.actors import Step, make_plan
from tests.world.days import next_change, next_leap_day, start_of
from tests.world.driver import TENANT, DifferenceError, World, running_world
from tests.world.faults import KINDS, with_faults
from tests.world.guild.actors import make_guild_plan
from tests.world.model import Model
from tests.world.months import with_months
from tests.world.places import Ground
from tests.world.programs import CLUB, MAKERS, SPECS
from tests.world.shop.actors import make_shop_plan, together
from tests.world.shrink import shrink

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("seed", [8, 13])
def test_engine_and_model_agree(world: World, seed: int) -> None:
    world.play(make_plan(seed, 120))
    assert sum(world.seen.values()) > 400


@pytest.mark.timeout(300)
def test_two_engines_and_the_model_agree_over_every_fault(ground: Ground) -> None:
    """Lost connections, deadlocks, a full disk: those who ask see nothing of it."""
    plan = with_faults(together(make_plan(32, 70), make_shop_plan(32, 70)), 37)
    with ground.fresh() as database, running_world(database, 2) as world:
        world.play(plan)
        assert {f"fault {kind}" for kind in KINDS} <= set(world.seen)
        assert world.seen["erase"]
        assert world.watch.proofs > 0
        assert len({loop.backend_pid for loop in world.loops}) == 2


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(300, 320))
def test_two_engines_and_the_model_agree_over_faults_for_long(ground: Ground, seed: int) -> None:
    acted = together(make_plan(seed, 300), make_shop_plan(seed, 300), make_guild_plan(seed, 300))
    plan = with_faults(with_months(acted, seed), seed)
    with ground.fresh() as database, running_world(database, 2) as world:
        world.play(plan)


def test_nobody_notices_that_months_move_into_files_and_come_back(world: World) -> None:
    acted = make_plan(8, 60)
    world.play(with_months(acted[:40], 3))
    last = acted[40][0]["now"]
    world.play([[{"do": "archive", "program": "club", "now": last, "steps": 1_000}], *acted[40:]])
    assert world.keeper.moved > 0
    world.play([[{"do": "restore", "program": "club", "now": acted[-1][0]["now"], "kept": 0}]])
    assert world.keeper.returned == world.keeper.moved


def test_a_changed_file_is_seen(world: World) -> None:
    later = NOW + timedelta(days=40)
    base = {"program": "club", "now": later}
    world.play([[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]])
    world.play([[{"do": "archive", **base, "steps": 1_000}]])
    (file,) = world.keeper.folder.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DifferenceError, match=r"audit: .*archive_differs"):
        world.check(later)


def test_a_day_and_a_balance_bound_what_is_earned(world: World) -> None:
    """Of 6.6 leaves a day six are given; at fifteen in all there is an end of it."""
    plan: list[Step] = [[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]]
    for number in range(3):
        now = NOW + timedelta(days=31 * number)
        fact = {"do": "event", "type": "item.recycled", "who": "m1", "source": "shop", "grams": 1_980}
        plan.append([{**fact, "program": "club", "now": now, "time": now, "id": f"e{number}"}])
    world.play(plan)
    assert world.models["club"].accounts["m1"].balances(plan[-1][0]["now"])["leaves"] == ("12.0", "3.0")


def test_a_leaf_that_changed_is_seen(world: World) -> None:
    world.play([[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]])
    with world.database.connect("owner") as owner:
        owner.execute("alter table log_leaves disable trigger all")
        owner.execute("alter table log_leaves no force row level security")
        owner.execute("update log_leaves set hash = sha256(hash)")
        owner.commit()
    with pytest.raises(DifferenceError, match="log"):
        world.check(NOW)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update lots set remaining = remaining + 1", "points by lots: 101 instead of 100"),
        ("update wallets set available = available - 1", "points by its balance: 99 instead of 100"),
        ("update wallets set held = 1", "points that is held: 1 instead of 0"),
        ("update wallets set debt = 1", "points that is owed: 1 instead of 0"),
        ("update entries set amount = amount + 1 where line = 1", "does not balance: 1 instead of 0"),
        ("update accounts set next_seq = next_seq + 1", "gaps: 1 to 1 instead of 2"),
    ],
)
def test_what_no_longer_fits_is_seen_after_the_very_step(world: World, change: str, told: str) -> None:
    world.play([[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]])
    with world.database.connect("owner") as owner:
        table = change.split()[1]
        owner.execute(f"alter table {table} disable trigger user")
        owner.execute(f"alter table {table} no force row level security")
        owner.execute(change)
        owner.commit()
    with pytest.raises(DifferenceError, match=told):
        world.check_step(1, [{"do": "tick", "program": "club", "now": NOW, "who": "m1"}])


def test_a_balance_that_the_model_does_not_know_is_seen_after_the_very_step(world: World) -> None:
    world.play([[{"do": "enrol", "program": "club", "now": NOW, "who": "m1"}]])
    world.models["club"].accounts["m1"].lots["points"][0].left -= 1
    with pytest.raises(DifferenceError, match=r"\('100', '0'\) of points instead of \('99', '0'\)"):
        world.check_step(1, [{"do": "tick", "program": "club", "now": NOW, "who": "m1"}])


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(100, 130))
def test_engine_and_model_agree_for_long(world: World, seed: int) -> None:
    world.play(make_plan(seed, 1_000))
    assert sum(world.seen.values()) > 4_000


def test_a_plan_follows_from_its_seed() -> None:
    assert make_plan(5, 60) == make_plan(5, 60)
    assert make_plan(5, 60) != make_plan(6, 60)


def test_definitions_differ_from_world_to_world_and_load() -> None:
    """What the model reads of a definition must be what the engine is given."""
    texts = set()
    for seed in range(12):
        for act in (step[0] for step in make_plan(seed, 30) if step[0]["do"] == "define"):
            spec = MAKERS[act["program"]](act["figures"])
            texts.add(spec.text)
            assert load_definition(spec.text).program == act["program"]
    assert len(texts) > 24


def test_the_clock_finds_the_day_on_which_clocks_change() -> None:
    # Beirut has no midnight on 29 March 2026: the day begins at one.
    beirut = next_change("Asia/Beirut", NOW)
    assert beirut == datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    assert start_of("Asia/Beirut", date(2026, 3, 29)) == beirut
    assert next_change("America/New_York", NOW) == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    assert next_leap_day(date(2026, 3, 1)) == date(2028, 2, 29)
    assert next_leap_day(date(2028, 2, 28)) == date(2032, 2, 29)


def test_plans_meet_everything_that_they_are_for(world: World) -> None:
    """A world in which nothing is refused, or no burst is long, shows nothing."""
    plan = make_plan(43, 90)
    world.play(plan)
    assert world.told.passed["changes of clocks"] > 0
    assert world.told.passed["ends of years"] > 0
    assert world.seen["define"] > len(SPECS)
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
        "merge applied",
        "adjust applied",
    }
    assert wanted - set(world.seen) == set()


def test_the_model_knows_nothing_of_the_engine() -> None:
    folder = Path(__file__).parent
    judges = [folder / f"{name}.py" for name in ("model", "accounts", "days", "figures", "programs")]
    judges += [folder / "guild" / f"{name}.py" for name in ("model", "member", "program", "actors")]
    judges += [folder / "shop" / f"{name}.py" for name in ("model", "desk", "cards", "holder", "returning")]
    for path in judges:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            one.module or "" if isinstance(one, ast.ImportFrom) else one.names[0].name
            for one in ast.walk(tree)
            if isinstance(one, ast.Import | ast.ImportFrom)
        }
        assert not {one for one in imported if one.startswith("guerdon")}, path.name


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
