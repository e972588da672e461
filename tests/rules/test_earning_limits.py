"""Limits of earning: never above, whatever comes in whatever order, and each unit cut has its reason."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.exact import scaled_decimal
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision, Effect, Skip
from guerdon.rules.definition import DefinitionError, load_definition
from guerdon.rules.events import Event
from guerdon.rules.explain import explain, in_words
from guerdon.rules.limits import earning_draws
from guerdon.rules.program import Program
from guerdon.rules.state import Lot, State, WalletState
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, LIVES, Act, chance, compiled, documents, live

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
_AMOUNTS = st.lists(st.integers(0, 90), min_size=1, max_size=4)
_LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "per_event": st.integers(1, 120),
        "per_day": st.integers(1, 200),
        "per_month": st.integers(1, 400),
        "balance": st.integers(1, 300),
    },
).filter(bool)


def awarded(decision: Decision, wallet: str = "points") -> int:
    return sum(one.amount for one in decision.effects if one.kind == "award" and one.wallet == wallet)


def program_of(limits: dict[str, Any] | None, campaigns: dict[str, Any], **wallet: Any) -> Program:
    points = {**wallet, **({"limits": limits} if limits else {})}
    return compiled(
        {
            "program": "p",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": points},
            "campaigns": campaigns,
        }
    )


def giving(amount: int | str, **more: Any) -> dict[str, Any]:
    award = {"award": {"wallet": "points", "amount": str(amount)}}
    return {"trigger": "visit.made", "then": [award], **more}


def visit(program: Program, state: State, at: datetime = NOON) -> tuple[State, Decision]:
    with exactly():
        return step(program, state, Event("visit.made", at, at), chance(1))


def holding(available: int, debt: int = 0, held: int = 0) -> State:
    lots = (Lot(NOON, None, available),) if available else ()
    wallet = WalletState(available, 0, held, lots=lots, debt=debt)
    account = msgspec.structs.replace(FRESH.account, wallets={"points": wallet})
    return msgspec.structs.replace(FRESH, account=account)


@given(documents(), LIVES)
def test_no_life_earns_more_than_its_limits(document: Any, acts: list[Act]) -> None:
    program = compiled(document)
    caps = program.wallets["points"].caps
    scale = program.wallets["points"].scale
    days: dict[str, Decimal] = defaultdict(Decimal)
    after = FRESH
    for before, event, latest, decision in live(program, acts) if caps is not None else ():
        after = latest
        units = scaled_decimal(awarded(decision), scale)
        assert caps is not None
        if caps.per_event is not None:
            assert units <= caps.per_event
        for draw in earning_draws(caps, "points", program.zone.day_of(event.occurred_at)):
            days[draw.counter] += units
            assert days[draw.counter] <= draw.bound
        if caps.balance is not None and units:
            was, now = (
                sum((one.available, one.pending))
                for one in (state.account.wallets.get("points", WalletState()) for state in (before, latest))
            )
            assert now <= max(caps.balance * 10**scale, was)
    counted = {key: used for key, used in after.account.counters.items() if key.startswith("wallet/")}
    assert {key: used for key, used in counted.items() if used} == {
        key: one for key, one in days.items() if one
    }


@given(_AMOUNTS, _LIMITS, st.integers(0, 320))
def test_what_is_cut_is_the_difference_to_no_limit(
    amounts: list[int], limits: dict[str, int], had: int
) -> None:
    """Whatever is not earned is told: by the effect in part, by the reason in whole."""
    campaigns = {f"c{place}": giving(amount) for place, amount in enumerate(amounts)}
    _, free = visit(program_of(None, campaigns), holding(had))
    _, decision = visit(program_of(limits, campaigns), holding(had))
    rooms = [limits.get(name, 10_000) for name in ("per_event", "per_day", "per_month")]
    room = min(*rooms, max(limits["balance"] - had, 0) if "balance" in limits else 10_000)
    assert awarded(decision) == min(awarded(free), room)
    gone = {one.campaign for one in decision.skipped if one.reason == "earning_limit"}
    whole = {one.campaign: one.amount for one in free.effects}
    told = {one.campaign: one.amount + one.cut for one in decision.effects}
    assert {**{key: whole[key] for key in gone}, **told} == whole
    assert all(bool(one.cut) == bool(one.limit) for one in decision.effects)
    # Split in proportion: nobody is more than a unit away from the exact share.
    for one in decision.effects:
        exact = Fraction(whole[one.campaign] * awarded(decision), awarded(free))
        assert abs(one.amount - exact) < 1


def test_the_strictest_limit_is_named_and_the_rest_is_split_by_largest_remainder() -> None:
    # 30 + 20 + 10 with room for 25: 12.5, 8.33 and 4.17 are 12 + 8 + 4; the largest rest gets the last.
    campaigns = {"c": giving(10), "a": giving(30), "b": giving(20)}
    after, decision = visit(program_of({"per_order": 40, "per_day": 25}, campaigns), FRESH)
    assert [one for one in decision.effects if one.kind == "award"] == [
        Effect("a", "award", wallet="points", amount=13, cut=17, limit="per_day"),
        Effect("b", "award", wallet="points", amount=8, cut=12, limit="per_day"),
        Effect("c", "award", wallet="points", amount=4, cut=6, limit="per_day"),
    ]
    assert after.account.counters == {"wallet/points/earned/day:2026-03-10": Decimal(25)}
    _, again = visit(program_of({"per_order": 40, "per_day": 25}, campaigns), after)
    detail = "per_day: no more than 25 points"
    assert again.skipped == tuple(Skip(key, "earning_limit", detail) for key in "abc")
    assert not again.transactions


def test_a_budget_pays_only_for_what_is_earned() -> None:
    budget = {"budget": {"units": {"points": 100}}}
    program = program_of({"per_event": 30}, {"a": giving(50, limits=budget)})
    after, decision = visit(program, FRESH)
    assert awarded(decision) == 30
    assert after.shared.counters == {"campaign/a/budget.points/ever": Decimal(30)}
    # What its budget refuses takes no room from the others.
    spent = msgspec.structs.replace(
        FRESH,
        shared=msgspec.structs.replace(FRESH.shared, counters={"campaign/a/budget.points/ever": Decimal(99)}),
    )
    both = program_of({"per_event": 30}, {"a": giving(50, limits=budget), "b": giving(50)})
    _, decision = visit(both, spent)
    assert [(one.campaign, one.amount) for one in decision.effects] == [("b", 30)]


def test_what_follows_counts_for_the_event_that_set_it_off() -> None:
    follows = {"trigger": "badge.earned", "then": [{"award": {"wallet": "points", "amount": "20"}}]}
    first = giving(20)
    first["then"].append({"badge": "seen"})
    document = {
        "program": "p",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {"limits": {"per_event": 30}}},
        "badges": {"seen": {}},
        "campaigns": {"first": first, "then": follows},
    }
    _, decision = visit(compiled(document), FRESH)
    assert [(one.campaign, one.amount, one.cut) for one in decision.effects if one.kind == "award"] == [
        ("first", 20, 0),
        ("then", 10, 10),
    ]


def test_what_is_owed_leaves_room_in_the_balance() -> None:
    """Who owes 40 under a limit of 100 earns 140, and has 100 once the debt is repaid."""
    program = program_of({"balance": 100}, {"a": giving(200)})
    after, decision = visit(program, holding(0, debt=40))
    assert awarded(decision) == 140
    wallet = after.account.wallets["points"]
    assert (wallet.available, wallet.debt) == (100, 0)


def test_what_a_follow_on_earned_after_a_redemption_is_explained() -> None:
    """25 less 7 leave room for 12 under a limit of 30, and running it again finds the same."""
    first = {"trigger": "visit.made", "then": [{"redeem": "pen"}, {"badge": "seen"}]}
    document = {
        "program": "p",
        "currency": "USD",
        "timezone": "UTC",
        "wallets": {"points": {"limits": {"balance": 30}}},
        "badges": {"seen": {}},
        "rewards": {"pen": {"kind": "product", "price": {"points": 7}}},
        "campaigns": {"first": first, "then": giving(20) | {"trigger": "badge.earned"}},
    }
    program, event = compiled(document), Event("visit.made", NOON, NOON)
    _, decision = visit(program, holding(25))
    assert [(one.amount, one.cut) for one in decision.effects if one.kind == "award"] == [(12, 8)]
    explanation = explain(program, event, decision)
    assert not explanation.differences
    said = next(one for one in in_words(explanation) if one.campaign == "then")
    assert said.sums == (
        "20 = 20; rounded down with all awards of the event: 20 points; the balance takes no more: 12 points",
    )
    # Before the redemption there was room for 5.
    assert [(one.of, one.limit, one.left) for one in said.limits] == [("wallet/points", "balance", "5")]


def test_a_balance_above_the_limit_earns_nothing_and_loses_nothing() -> None:
    after, decision = visit(program_of({"balance": 100}, {"a": giving(5)}), holding(130))
    assert decision.skipped == (Skip("a", "earning_limit", "balance: no more than 100 points"),)
    assert after.account.wallets["points"].available == 130


def test_a_fraction_of_a_unit_is_no_room() -> None:
    """A limit was 10.5 when the wallet had decimals; room for half a point is room for none."""
    program = program_of({"per_day": "10.5"}, {"a": giving(4)}, scale=1)
    state, _ = visit(program, FRESH)
    state, _ = visit(program, state)
    _, decision = visit(program, state)
    assert [(one.amount, one.cut) for one in decision.effects] == [(25, 15)]


@pytest.mark.parametrize(
    ("limits", "code", "pointer"),
    [
        ("{}", "one_of_these", "/wallets/points/limits"),
        ("{per_day: 0}", "out_of_range", "/wallets/points/limits/per_day"),
        ("{per_day: 1.5}", "too_many_digits", "/wallets/points/limits/per_day"),
        ("{daily: 5}", "unknown_key", "/wallets/points/limits/daily"),
        ("500", "", "/wallets/points/limits"),
    ],
)
def test_what_is_typed_wrongly_is_told_where_it_stands(limits: str, code: str, pointer: str) -> None:
    text = f"program: p\ncurrency: USD\ntimezone: UTC\nwallets:\n  points:\n    limits: {limits}\n"
    with pytest.raises(DefinitionError) as caught:
        compile_program(load_definition(text), 1)
    faults = [(one.pointer, one.code) for one in caught.value.errors]
    assert faults[0][0] == pointer
    assert not code or faults[0][1] == code
