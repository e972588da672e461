"""A plan counts the accounts that a change touches, by what really happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.commands import RedeemReward
from guerdon.insight import figures as figures_room
from guerdon.insight.figures import Look, load_figures
from guerdon.insight.plans import Asking, Plan, make_plan
from guerdon.members.identities import normal_ref
from guerdon.programs.changes import InUse
from guerdon.programs.programs import find_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import Figures, Holding, LadderMoves
from tests.rooms.engine.conftest import PROGRAM, TENANT, World

SPENT = {"anna": "700.00", "ben": "450.00", "cleo": "120.00", "dora": "480.00"}


@pytest.fixture
def shop(world: World) -> World:
    """Four people: one silver, three bronze; anna has taken a mug."""
    for name in SPENT:
        world.enrol(name)
    answers = world.ask(*(world.order(amount, name) for name, amount in SPENT.items()))
    assert [answer.status for answer in answers] == ["applied"] * 4
    return world


def planned(world: World, text: str, in_use: InUse | None = None) -> Plan:
    definition = load_definition(text)
    asking = Asking(world.now, in_use or InUse())
    with world.database.transaction(TENANT) as tx:
        return make_plan(tx, definition, compile_program(definition, 0), asking)


def looked(world: World, text: str) -> Figures:
    with world.database.transaction(TENANT) as tx:
        live = find_live(tx, "club")
        assert live is not None
        before = compile_program(load_definition(live.canonical), 1)
        after = compile_program(load_definition(text), 2)
        return load_figures(tx, Look(live.program_id, world.now, before, after))


def test_figures_are_those_of_the_history(shop: World) -> None:
    found = looked(shop, PROGRAM)
    assert (found.accounts, found.looked_at) == (4, 4)
    assert found.events == {"order.paid": 4, "member.enrolled": 4}
    spread = found.metrics["yearly_spend"]
    assert (spread.accounts, spread.median, spread.ninetieth, spread.highest) == (
        4,
        Decimal(450),
        Decimal(700),
        Decimal(700),
    )
    # 1,750 from orders and 100 for each enrolment; a quarter for each order in the other wallet.
    assert found.wallets == {"points": Holding(4, 2150), "later": Holding(4, 100)}
    assert found.ladders == {}
    assert found.open_redemptions == {}


@pytest.mark.parametrize(
    ("threshold", "moves"),
    [
        ("450", LadderMoves(2, 0)),
        ("481", LadderMoves(0, 0)),
        ("701", LadderMoves(0, 1)),
        ("100", LadderMoves(3, 0)),
    ],
)
def test_a_changed_ladder_counts_whom_it_moves(shop: World, threshold: str, moves: LadderMoves) -> None:
    assert looked(shop, PROGRAM.replace("from: 500", f"from: {threshold}")).ladders == {"club": moves}


def test_a_new_tier_above_counts_nobody_who_stays_below_it(shop: World) -> None:
    text = PROGRAM.replace(
        "      silver: {from: 500, rate: 2}", "      silver: {from: 500}\n      gold: {from: 600}"
    )
    assert looked(shop, text).ladders == {"club": LadderMoves(1, 0)}


def test_a_rolling_window_is_summed_over_its_days(shop: World) -> None:
    before = shop.now
    shop.later(days=20)
    shop.ask(shop.order("100.00", "cleo"))
    rolling = PROGRAM.replace("window: calendar_year", "window: {rolling: 30d}")
    definition = load_definition(rolling)
    with shop.database.transaction(TENANT) as tx:
        live = find_live(tx, "club")
        assert live is not None
        was, now = (compile_program(load_definition(text), 1) for text in (PROGRAM, rolling))
        # The buckets of a year are not those of days, so days are written as this metric would count them.
        for day, total in (
            (before, 120),
            (before + timedelta(days=20), 100),
            (before + timedelta(days=31), 150),
        ):
            tx.execute(
                "insert into metric_buckets (account_id, metric, bucket_on, total, count)"
                " select min(account_id), %s, %s, %s, 1 from accounts",
                (now.metrics["yearly_spend"].identity, day.date(), total),
            )
        found = load_figures(tx, Look(live.program_id, before + timedelta(days=40), was, now))
    assert definition.metrics["yearly_spend"].window != "calendar_year"
    assert found.metrics["yearly_spend"].highest == 250, "120 and 100, then 100 and 150, never all three"
    assert found.ladders == {"club": LadderMoves(0, 1)}, "anna's year counts for nothing in the new metric"


def test_removed_rewards_are_counted(shop: World) -> None:
    shop.ask(_redemption(shop, "mug"), _redemption(shop, "voucher"))
    text = PROGRAM.replace("  mug: {kind: product, price: {points: 100}, stock: 50}\n", "")
    plan = planned(shop, text)
    assert [change.sentence for change in plan.changes] == ["Reward Mug is removed."]
    assert plan.warnings[0].code == "reward_has_open_redemptions"
    assert "1 redemptions" in plan.warnings[0].sentence


def _redemption(world: World, reward: str) -> RedeemReward:
    member = normal_ref("external", "anna")
    return RedeemReward(tenant_id=TENANT, program="club", received_at=world.now, member=member, reward=reward)


def test_a_plan_says_the_change_and_whom_it_touches(shop: World) -> None:
    plan = planned(shop, PROGRAM.replace("from: 500", "from: 460").replace("after: 12mo", "after: 24mo"))
    assert (plan.program, plan.version, plan.is_new, plan.changed) == ("club", 2, False, True)
    assert [change.sentence for change in plan.changes] == [
        "The wallet `points` keeps units 24 months from earning instead of 12.",
        "Tier Silver begins at 460 instead of 500.",
    ]
    said = [warning.sentence for warning in plan.warnings]
    assert said[0].startswith("1 of 4 accounts would go up")
    assert said[1].startswith("4 accounts hold units of it.")
    assert not any("huge.award" in sentence and "tier" in sentence for sentence in said)


def test_tiers_out_of_reach_are_told_by_the_history(shop: World) -> None:
    text = PROGRAM.replace("      silver: {from: 500, rate: 2}", "      silver: {from: 900, rate: 2}")
    (warning,) = [one for one in planned(shop, text).warnings if one.code == "tier_never_reached"]
    assert "the greatest `yearly_spend` of 4 accounts was 700" in warning.sentence


def test_nothing_to_do_has_no_changes(shop: World) -> None:
    plan = planned(shop, "# a remark\n" + PROGRAM)
    assert (plan.version, plan.changed, plan.changes) == (1, False, ())


def test_a_new_program_is_planned_without_a_history(shop: World) -> None:
    plan = planned(shop, PROGRAM.replace("program: club", "program: other"))
    assert (plan.version, plan.is_new) == (1, True)
    assert plan.changes[0].sentence.startswith("New program Club")
    assert "schedule_over" not in {one.code for one in plan.warnings}
    text = PROGRAM.replace("program: club", "program: other")
    over = text.replace(
        "    trigger: order.paid\n", "    trigger: order.paid\n    schedule: {ends: 2020-02-01}\n", 1
    )
    assert over != text
    assert "schedule_over" in {one.code for one in planned(shop, over).warnings}, "also a new program is old"


def test_what_people_hold_is_refused(shop: World) -> None:
    text = PROGRAM.replace("  later: {scale: 2, rounding: floor, pending: 14d, expires: never}\n", "")
    text = text.replace(', {award: {wallet: later, amount: "0.25"}}', "")
    with pytest.raises(Problem, match="wallet_in_use"):
        planned(shop, text, InUse(wallets=lambda keys: keys))


def test_of_very_many_accounts_a_sample_is_looked_at(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_room, "ACCOUNTS_AT_MOST", 2)
    found = looked(shop, PROGRAM)
    assert found.accounts == 4
    assert found.looked_at < 4 or found.wallets["points"].accounts == 4
    assert found == looked(shop, PROGRAM), "the same sample each time"


def test_schedules_are_judged_by_the_clock_that_is_handed_in(shop: World) -> None:
    text = PROGRAM.replace(
        "trigger: member.enrolled", "trigger: member.enrolled\n    schedule: {ends: 2026-12-01}"
    )
    assert "schedule_over" not in {one.code for one in planned(shop, text).warnings}
    shop.now = datetime(2027, 1, 1, tzinfo=UTC)
    assert "schedule_over" in {one.code for one in planned(shop, text).warnings}


def test_a_plan_says_how_many_accounts_and_units_a_conversion_touches(shop: World) -> None:
    text = PROGRAM.replace("  later: {scale: 2, rounding: floor, pending: 14d, expires: never}\n", "")
    text = text.replace(', {award: {wallet: later, amount: "0.25"}}', "")
    text += "\nretired: {wallets: {later: {into: points, rate: 2, scale: 2}}}\n"
    plan = planned(shop, text, InUse(wallets=lambda keys: {"later"} & set(keys)))
    (said,) = (one for one in plan.warnings if one.code == "wallet_converts")
    assert said.pointer == "/retired/wallets/later"
    assert said.sentence.startswith(
        "4 accounts hold 1.00 units of it, which turn into `points` at 2 a unit, each account's"
    )
    assert any("gives up `later` for 2 `points` a unit, rounded down" in one.sentence for one in plan.changes)
