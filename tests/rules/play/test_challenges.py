"""Challenges within the pure step: when goals are reached, what counts, and what returns take back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.decision import Decision
from guerdon.rules.definition import DefinitionError
from guerdon.rules.events import Event, JoinChallenge, LeaveChallenge
from guerdon.rules.orders import LineInput
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnLine
from guerdon.rules.state import Progress, State
from tests.rules.test_returns import Shop
from tests.rules.worlds import FRESH, compiled

DAY = timedelta(days=1)
BEGINS = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
PRIZE = [{"award": {"wallet": "points", "amount": "10"}}]
BASE: dict[str, Any] = {
    "program": "club",
    "currency": "USD",
    "timezone": "UTC",
    "wallets": {"points": {}},
    "events": {"item.recycled": {"data": {"sku": "string"}}},
    "metrics": {
        "orders": {"event": "order.paid"},
        "spend": {"event": "order.paid", "value": "order.net"},
        "monthly": {"event": "order.paid", "window": "calendar_month"},
        "weeks": {"event": "order.paid", "streak": "week"},
        "lately": {"event": "order.paid", "window": {"rolling": "30d"}},
        "skus": {"event": "order.paid", "distinct": "order.lines.map(l, l.sku)"},
        "latest": {"event": "order.paid", "last": "event.time"},
    },
    "badges": {"done": {}, "shopper": {"metric": "orders", "levels": ["1", "3", "5"]}},
    "rewards": {"pen": {"kind": "product", "stock": 6, "cost": "1.5"}},
}


def club(more: dict[str, Any] | None = None, **challenge: Any) -> Program:
    one = {"prize": PRIZE, **challenge}
    return compiled({**BASE, "challenges": {"one": one}, **(more or {})})


class Life(Shop):
    """One member and the challenge `one`."""

    def __init__(self, program: Program) -> None:
        account = msgspec.structs.replace(FRESH.account, created_at=BEGINS - 30 * DAY)
        super().__init__(program, State(account, FRESH.member, FRESH.shared), BEGINS)

    def buys_for(self, amount: str = "10", sku: str = "a", at: datetime | None = None) -> int:
        """Buy something, and tell how many prizes of the challenge that brought."""
        stood, self.now = self.now, at or self.now
        decision = self.buys(
            f"o{self.count}", LineInput(id="1", sku=sku, quantity=Decimal(1), price=Decimal(amount))
        )
        self.now = stood
        return prizes(decision)

    def does_at(self, event_type: str, at: datetime | None = None, **data: Any) -> Decision:
        self.count += 1
        when = at or self.now
        return self.does(
            Event(event_type, when, self.now, "shop", f"e{self.count}", "web", data=data), self.count
        )

    def joins(self) -> Decision:
        event = Event("guerdon.join_challenge", self.now, self.now, "guerdon", command=JoinChallenge("one"))
        return self.does(event)

    def leaves(self) -> Decision:
        event = Event("guerdon.leave_challenge", self.now, self.now, "guerdon", command=LeaveChallenge("one"))
        return self.does(event)

    def later(self, days: float) -> None:
        self.now += days * DAY

    @property
    def progress(self) -> Progress:
        return self.state.account.challenges.get("one", Progress())

    @property
    def points(self) -> int:
        wallet = self.state.account.wallets.get("points")
        return wallet.free + wallet.pending if wallet is not None else 0


def prizes(decision: Decision) -> int:
    assert not decision.problem_code, decision
    return sum(1 for one in decision.effects if one.campaign == "challenge:one" and one.kind == "award")


def test_a_goal_is_reached_once() -> None:
    life = Life(club(metric="orders", goal="3"))
    assert [life.buys_for() for _ in range(7)] == [0, 0, 1, 0, 0, 0, 0]
    assert (life.points, life.progress.times) == (10, 1)
    assert [one.what for one in life.progress.history] == ["reached"]


def test_a_punch_card_counts_what_is_beyond_the_goal() -> None:
    life = Life(club(metric="spend", every="25"))
    assert [life.buys_for(amount) for amount in ("20", "20", "60", "25")] == [0, 1, 3, 1]
    assert life.progress.times == 5


def test_a_punch_card_of_a_month_begins_with_each_month() -> None:
    life = Life(club(metric="monthly", every="2"))
    assert [life.buys_for(at=BEGINS + n * DAY) for n in (0, 1, 2, 40, 41)] == [0, 1, 0, 0, 1]
    # A late order of March is the fourth of March.
    assert life.buys_for(at=BEGINS + 3 * DAY) == 1
    assert life.progress.rounds == {"2026-03-01": 2, "2026-04-01": 1}


def test_what_is_dated_counts_between_its_days() -> None:
    life = Life(club(metric="spend", goal="30", starts="2026-03-03", ends="2026-03-05"))
    assert life.buys_for("30") == 0
    assert life.buys_for("20", at=BEGINS + DAY) == 0
    assert life.buys_for("10", at=BEGINS + 4 * DAY) == 0
    assert life.buys_for("10", at=BEGINS + 3 * DAY + timedelta(hours=11)) == 1


def test_hours_of_a_challenge_are_kept() -> None:
    life = Life(club(metric="orders", goal="1", starts="2026-03-02T12:30", ends="2026-03-02T13:00"))
    at = [life.buys_for(at=BEGINS + timedelta(minutes=minutes)) for minutes in (0, 29, 61, 60)]
    assert at == [0, 0, 0, 1]


def test_a_streak_does_not_depend_on_the_order_of_arrival() -> None:
    life = Life(club(metric="weeks", goal="4"))
    weeks = [life.buys_for(at=BEGINS + week * 7 * DAY) for week in (0, 1, 3, 4)]
    assert weeks == [0, 0, 0, 0]
    life.later(60)
    assert life.buys_for(at=BEGINS + 14 * DAY) == 1


def test_who_joins_begins_at_nothing() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true"))
    assert [life.buys_for() for _ in range(3)] == [0, 0, 0]
    life.joins()
    assert life.buys_for() == 0
    # What had happened before joining counts for nothing, even when it is told later.
    life.later(1)
    assert life.buys_for(at=BEGINS - DAY) == 0
    assert life.buys_for(at=BEGINS - timedelta(hours=1)) == 0
    assert life.buys_for() == 1


def test_a_return_of_what_was_before_joining_takes_nothing() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true"))
    life.buys_for(at=BEGINS - DAY)
    life.joins()
    life.buys_for(at=BEGINS + DAY)
    life.later(2)
    life.returns("o0")
    assert life.buys_for() == 1


def test_who_joins_may_look_back() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true", looks_back="true"))
    assert [life.buys_for() for _ in range(3)] == [0, 0, 0]
    assert prizes(life.joins()) == 1
    assert life.buys_for() == 0


def test_who_leaves_is_out_and_begins_anew() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true"))
    life.joins()
    life.buys_for()
    life.leaves()
    assert life.buys_for() == 0
    life.later(1)
    life.joins()
    assert [life.buys_for(), life.buys_for(), life.buys_for()] == [0, 1, 0]
    assert life.joins().problem_code == "challenge_joined"


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        ({"opt_in": "true", "starts": "2026-04-01"}, "challenge_not_begun"),
        ({"opt_in": "true", "ends": "2026-03-01"}, "challenge_over"),
        ({}, "challenge_without_joining"),
        ({"opt_in": "true", "audience": "account.kind == 'company'"}, "challenge_not_for_you"),
        ({"opt_in": "true", "goal": {"personal": "metrics.spend * 2"}}, "challenge_without_goal"),
    ],
)
def test_joining_is_refused_with_a_reason(challenge: dict[str, Any], code: str) -> None:
    life = Life(club(**{"metric": "orders", "goal": "2", **challenge}))
    before = life.state
    assert life.joins().problem_code == code
    assert life.state == before


def test_leaving_what_was_not_joined_is_refused() -> None:
    assert (
        Life(club(metric="orders", goal="2", opt_in="true")).leaves().problem_code == "challenge_not_joined"
    )


def test_a_personal_goal_is_reckoned_at_the_beginning() -> None:
    goal = {"personal": "metrics.spend * 1.5", "at_least": "20", "at_most": "60"}
    life = Life(club(metric="spend", goal=goal, opt_in="true"))
    life.buys_for("30")
    life.joins()
    assert life.progress.steps[0].goal == Decimal(45)
    assert [life.buys_for("20"), life.buys_for("24"), life.buys_for("1")] == [0, 0, 1]
    poor = Life(club(metric="spend", goal=goal, opt_in="true"))
    poor.joins()
    assert poor.progress.steps[0].goal == Decimal(20)


def test_an_automatic_personal_goal_is_reckoned_before_the_first_event_counts() -> None:
    life = Life(club(metric="spend", goal={"personal": "metrics.spend + 50"}, starts="2026-03-04"))
    assert [life.buys_for("30"), life.buys_for("30", at=BEGINS + 2 * DAY)] == [0, 0]
    assert life.progress.steps[0].goal == Decimal(80)
    assert life.buys_for("50", at=BEGINS + 3 * DAY) == 1


def test_an_account_has_so_long_since_it_began() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true", within="3d"))
    life.joins()
    life.buys_for()
    life.later(3)
    assert life.buys_for() == 0
    # The second one of the three days was told late.
    assert life.buys_for(at=BEGINS + 2 * DAY) == 1


def test_newcomers_have_so_long_since_they_came() -> None:
    program = club(metric="orders", goal="1", within="30d")
    assert Life(program).buys_for() == 0
    assert Life(program).buys_for(at=BEGINS - DAY) == 1


def test_what_repeats_begins_anew() -> None:
    life = Life(club(metric="spend", goal="25", repeatable="true"))
    # What is beyond the goal is lost: that is how it differs from a punch card.
    assert [life.buys_for(amount) for amount in ("20", "20", "20", "5")] == [0, 1, 0, 1]


def test_a_streak_that_repeats_begins_with_the_next_week() -> None:
    life = Life(club(metric="weeks", goal="1", repeatable="true"))
    at = [life.buys_for(at=BEGINS + days * DAY) for days in (0, 1, 6, 7, 8, 14)]
    assert at == [1, 0, 0, 1, 0, 1]


def test_steps_are_done_in_any_order_or_in_theirs() -> None:
    steps = [{"metric": "orders", "goal": "1"}, {"event": "item.recycled", "times": "2"}]
    life = Life(club(steps=steps))
    assert [prizes(life.does_at("item.recycled", sku="a")) for _ in range(2)] == [0, 0]
    assert life.buys_for() == 1
    orderly = Life(club(steps=steps, in_order="true"))
    orderly.does_at("item.recycled", sku="a")
    assert orderly.buys_for() == 0
    orderly.later(1)
    assert [prizes(orderly.does_at("item.recycled", sku="a")) for _ in range(3)] == [0, 1, 0]


def test_three_categories_are_three_different_values() -> None:
    life = Life(club(metric="skus", goal="3"))
    assert [life.buys_for(sku=sku) for sku in "aabbca"] == [0, 0, 0, 0, 1, 0]


def test_only_its_audience_reaches_it() -> None:
    life = Life(club(metric="orders", goal="1", audience="account.kind == 'company'"))
    decision = life.buys("o0", LineInput(id="1", sku="a", quantity=Decimal(1), price=Decimal(10)))
    assert prizes(decision) == 0
    assert [one.reason for one in decision.skipped if one.campaign == "challenge:one"] == ["not_in_audience"]
    assert life.progress == Progress()


def test_a_prize_sets_off_what_waits_for_it() -> None:
    more = {
        "campaigns": {
            "told": {
                "trigger": "challenge.completed",
                "when": "event.data.challenge == 'one' && event.data.round == 2",
                "then": [{"award": {"wallet": "points", "amount": "3"}}],
            },
            "marked": {
                "trigger": "badge.earned",
                "when": "event.data.badge == 'shopper' && event.data.level == 2",
                "then": [{"award": {"wallet": "points", "amount": "1"}}],
            },
        }
    }
    life = Life(club(more, metric="orders", every="2"))
    for _ in range(4):
        life.buys_for()
    assert life.points == 10 + 10 + 3 + 1


def test_levels_of_badges_come_one_by_one_and_go_with_returns() -> None:
    life = Life(club(metric="orders", goal="9"))
    for _ in range(3):
        life.buys_for()
    assert sorted(life.state.account.badges) == ["shopper", "shopper:2"]
    life.returns("o2")
    assert sorted(life.state.account.badges) == ["shopper"]
    life.returns("o1")
    life.returns("o0")
    assert sorted(life.state.account.badges) == []


def test_a_return_takes_the_prize_wholly_or_not_at_all() -> None:
    life = Life(club(metric="spend", goal="30"))
    life.buys_for("10")
    two = [LineInput(id=name, sku="a", quantity=Decimal(1), price=Decimal(15)) for name in "12"]
    life.buys("two", *two)
    assert (life.points, life.progress.times) == (10, 1)
    life.returns("two", ReturnLine("1", Decimal(1)))
    assert (life.points, life.progress.times) == (0, 0)
    # It was not reached any more, and is reached again; the next return of that order takes nothing twice.
    assert life.buys_for("15") == 1
    life.returns("two")
    assert (life.points, life.progress.times) == (10, 1)


def test_a_return_that_leaves_the_goal_reached_takes_nothing() -> None:
    life = Life(club(metric="spend", goal="30"))
    lines = [
        LineInput(id=name, sku="a", quantity=Decimal(1), price=Decimal(price))
        for name, price in (("1", 35), ("2", 15))
    ]
    life.buys("two", *lines)
    returned = life.returns("two", ReturnLine("2", Decimal(1)))
    assert (life.points, life.progress.times) == (10, 1)
    assert returned.returned is not None
    assert returned.returned.undone == ()


@pytest.mark.parametrize(("policy", "after_part", "after_all"), [("keep", 10, 10), ("full_only", 10, 0)])
def test_the_program_says_what_a_return_does(policy: str, after_part: int, after_all: int) -> None:
    life = Life(club(metric="orders", goal="1", on_return=policy))
    lines = [LineInput(id=name, sku="a", quantity=Decimal(1), price=Decimal(15)) for name in "12"]
    life.buys("two", *lines)
    life.returns("two", ReturnLine("1", Decimal(1)))
    assert life.points == after_part
    life.returns("two")
    assert life.points == after_all


def test_prizes_of_one_order_fall_one_by_one() -> None:
    life = Life(club(metric="spend", every="10", prize=[*PRIZE, {"grant": "pen"}]))
    lines = [LineInput(id=name, sku="a", quantity=Decimal(1), price=Decimal(10)) for name in "123"]
    life.buys("three", *lines)
    assert (life.points, life.progress.times) == (30, 3)
    decision = life.returns("three", ReturnLine("1", Decimal(1)))
    assert (life.points, life.progress.times, len(decision.cancelled)) == (20, 2, 1)
    assert life.state.shared.counters["reward/pen/stock"] == 2
    decision = life.returns("three")
    assert (life.points, life.progress.times, len(decision.cancelled)) == (0, 0, 2)


def test_a_step_that_came_back_is_open_again() -> None:
    steps = [{"metric": "orders", "goal": "1"}, {"event": "item.recycled"}]
    life = Life(club(steps=steps))
    life.buys_for()
    life.returns("o0")
    assert prizes(life.does_at("item.recycled", sku="a")) == 0
    assert life.buys_for() == 1


SHAPES: list[dict[str, Any]] = [
    {"metric": "orders", "goal": "2"},
    {"metric": "spend", "every": "25"},
    {"metric": "spend", "goal": "25", "repeatable": "true"},
    {"metric": "skus", "goal": "2"},
    {"metric": "weeks", "goal": "2"},
    {"metric": "monthly", "every": "2"},
    {"metric": "spend", "goal": "30", "starts": "2026-03-03", "ends": "2026-03-20"},
    {"metric": "orders", "goal": "2", "within": "40d"},
    {"steps": [{"metric": "orders", "goal": "2"}, {"metric": "skus", "goal": "2"}]},
]
ORDERS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["10", "20", "30"]), st.sampled_from("abc")), max_size=7
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), ORDERS, st.randoms(use_true_random=False))
def test_full_returns_put_everything_back(shape: dict[str, Any], orders: Any, chance: Any) -> None:
    life = Life(_PROGRAMS[repr(shape)])
    life.later(31)
    names = []
    for day, amount, sku in orders:
        names.append(f"o{life.count}")
        life.buys_for(amount, sku, at=BEGINS + day * DAY)
    chance.shuffle(names)
    for name in names:
        life.returns(name)
    assert (life.points, life.progress.rounds, life.progress.reached_at) == (0, {}, None)
    assert life.state.account.badges == {}
    assert all(one.done_at is None for one in life.progress.steps)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([one for one in SHAPES if "repeatable" not in one]),
    ORDERS,
    st.randoms(use_true_random=False),
)
def test_what_is_reached_does_not_depend_on_the_order_of_arrival(
    shape: dict[str, Any], orders: Any, chance: Any
) -> None:
    lives = [Life(_PROGRAMS[repr(shape)]) for _ in range(2)]
    other = [*orders]
    chance.shuffle(other)
    for life, some in zip(lives, (orders, other), strict=True):
        life.later(31)
        for day, amount, sku in some:
            life.buys_for(amount, sku, at=BEGINS + day * DAY)
    assert lives[0].progress.rounds == lives[1].progress.rounds
    assert lives[0].points == lives[1].points


_PROGRAMS = {repr(shape): club(**shape) for shape in SHAPES}


@pytest.mark.parametrize(
    ("challenge", "code", "pointer"),
    [
        ({"metric": "latest", "goal": "2"}, "metric_not_a_number", "/challenges/one/metric"),
        ({"metric": "lately", "every": "2"}, "metric_not_growing", "/challenges/one/metric"),
        ({"metric": "orders", "goal": "2", "within": "5h"}, "days_expected", "/challenges/one/within"),
    ],
)
def test_what_cannot_be_is_refused(challenge: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        club(**challenge)
    assert (code, pointer) in [(one.code, one.pointer) for one in refused.value.faults]


def test_a_changed_metric_begins_anew_for_those_who_had_joined() -> None:
    life = Life(club(metric="orders", goal="2", opt_in="true"))
    life.buys_for()
    life.joins()
    life.buys_for()
    dear = {**BASE["metrics"], "orders": {"event": "order.paid", "when": "order.net > 5"}}
    life.program = club({"metrics": dear}, metric="orders", goal="2", opt_in="true")
    assert [life.buys_for(), life.buys_for(), life.buys_for()] == [0, 1, 0]


def test_a_personal_challenge_lasts_from_the_day_on_which_its_goal_is_reckoned() -> None:
    life = Life(club(metric="orders", goal={"personal": "2 + metrics.orders"}, within="3d"))
    assert [life.buys_for(at=BEGINS + days * DAY) for days in (0, 3, 2)] == [0, 0, 1]


def test_levels_of_badges_are_no_challenges_to_campaigns() -> None:
    told = {"trigger": "challenge.completed", "then": [{"award": {"wallet": "points", "amount": "3"}}]}
    life = Life(club({"campaigns": {"told": told}}, metric="orders", goal="2"))
    life.buys_for()
    assert (sorted(life.state.account.badges), life.points) == (["shopper"], 0)
    life.buys_for()
    assert life.points == 10 + 3
    life.returns("o1")
    assert life.points == 0
