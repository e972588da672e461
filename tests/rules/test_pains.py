"""What people suffer from in other engines, and what happens here instead."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from guerdon.rules.events import CancelRedemption, Command, Event, Redeem
from guerdon.rules.lots import expiring
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, chance, compiled, taken_lots

ROOT = Path(__file__).parents[2]


def club(**sections: Any) -> Program:
    base = {
        "trigger": "order.paid",
        "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
    }
    return compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": sections.pop("wallets", {"points": {}}),
            "campaigns": {"base": base, **sections.pop("campaigns", {})},
            **sections,
        }
    )


def on(day: int, month: int = 1) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def buys(program: Program, state: State, at: datetime, amount: str, **more: Any) -> tuple[State, Any]:
    sent = OrderInput(id=str(at), lines=(LineInput("1", subtotal=Decimal(amount)),), **more)
    order = read_order(sent, program.order_settings, "web", "")
    with exactly():
        return step(program, state, Event("order.paid", at, at, order=order), chance(1))


def does(program: Program, state: State, at: datetime, command: Command) -> tuple[State, Any]:
    with exactly():
        return step(program, state, Event("guerdon.command", at, at, command=command), chance(2))


def points(state: State) -> int:
    return state.account.wallets["points"].available


def test_limits_hold_for_campaigns_that_nobody_typed_a_code_for() -> None:
    bonus = {
        "trigger": "order.paid",
        "limits": {"per_account": 1},
        "then": [{"award": {"wallet": "points", "amount": "50"}}],
    }
    program, state = club(campaigns={"bonus": bonus}), FRESH
    for day in (1, 2, 3):
        state, _ = buys(program, state, on(day), "10.00")
    assert points(state) == 80


def test_what_gives_nothing_burns_no_use() -> None:
    once = {
        "trigger": "order.paid",
        "limits": {"per_account": 1},
        "then": [{"multiply": {"wallet": "points", "by": 2}}],
    }
    program = club(campaigns={"once": once})
    state, nothing = buys(program, FRESH, on(1), "0.00")
    state, doubled = buys(program, state, on(2), "10.00")
    _, single = buys(program, state, on(3), "10.00")
    assert [(skip.campaign, skip.reason) for skip in nothing.skipped][-1] == ("once", "nothing_to_award")
    assert sum(one.amount for one in doubled.effects) == 20
    assert [(skip.campaign, skip.reason) for skip in single.skipped] == [("once", "limit_reached")]


def test_partly_spent_credits_that_expire_take_only_what_is_left_of_them() -> None:
    pen = {"pen": {"kind": "product", "price": {"points": 60}}}
    program = club(wallets={"points": {"expires": "30d"}}, rewards=pen)
    state, _ = buys(program, FRESH, on(1), "100.00")
    state, _ = does(program, state, on(5), Redeem(1, "pen"))
    state, _ = buys(program, state, on(20), "50.00")
    state, last = buys(program, state, on(5, month=2), "1.00")
    # 100 − 60 expire as 40; not 50 + 1 − 60, as if the spending had been taken from what still lives.
    assert [-one.entries[0].amount for one in last.transactions if one.kind == "expire"] == [40]
    assert points(state) == 51


def test_each_expiry_is_shown() -> None:
    program, state = club(wallets={"points": {"expires": "30d"}}), FRESH
    for day in (1, 2, 9):
        state, _ = buys(program, state, on(day), f"{day}.00")
    soon = expiring(state.account.wallets["points"], on(10))
    assert [(at.date().isoformat(), units) for at, units in soon] == [
        ("2026-01-31", 1),
        ("2026-02-01", 2),
        ("2026-02-08", 9),
    ]


def test_discounts_and_points_that_pay_mint_no_points() -> None:
    program = club()
    discounts, payments = (AmountInput(Decimal(30)),), (AmountInput(Decimal(20), "points"),)
    state, _ = buys(program, FRESH, on(1), "100.00", discounts=discounts, payments=payments)
    assert points(state) == 50


def ladder(**tiers: int) -> dict[str, Any]:
    return {
        "metrics": {"spend": {"event": "order.paid", "value": "order.net", "window": "calendar_year"}},
        "ladders": {
            "club": {"metric": "spend", "tiers": {key: {"from": least} for key, least in tiers.items()}}
        },
    }


def test_a_level_follows_what_was_earned_and_not_the_balance() -> None:
    pen = {"pen": {"kind": "product", "price": {"points": 100}}}
    program = club(**ladder(low=0, high=100), rewards=pen)
    state, _ = buys(program, FRESH, on(1), "100.00")
    state, _ = does(program, state, on(2), Redeem(1, "pen"))
    state, decision = buys(program, state, on(3), "1.00")
    assert points(state) == 1
    assert state.account.tiers["club"].level == "high"
    assert decision.tier_changes == ()


def test_the_first_purchase_is_decided_with_the_first_tier_and_the_next_with_what_it_reached() -> None:
    parts = ladder(low=0, high=100)
    parts["ladders"]["club"]["tiers"]["high"]["rate"] = 3
    amount = "order.net * account.tiers.club.rate"
    base = {"trigger": "order.paid", "then": [{"award": {"wallet": "points", "amount": amount}}]}
    program = club(**parts, campaigns={"base": base})
    state, first = buys(program, FRESH, on(1), "200.00")
    assert points(state) == 200
    assert [(one.before, one.after) for one in first.tier_changes] == [("low", "high")]
    state, _ = buys(program, state, on(2), "10.00")
    assert points(state) == 230


def test_a_tier_can_be_put_between_two_others() -> None:
    state, _ = buys(club(**ladder(low=0, high=100)), FRESH, on(1), "60.00")
    assert state.account.tiers["club"].level == "low"
    state, decision = buys(club(**ladder(low=0, middle=50, high=100)), state, on(2), "1.00")
    assert state.account.tiers["club"].level == "middle"
    assert [one.cause for one in decision.tier_changes] == ["definition"]


def test_a_decimal_result_never_turns_into_nothing_silently() -> None:
    program = club(wallets={"points": {"rounding": "exact"}})
    state, decision = buys(program, FRESH, on(1), "10.50")
    assert [(one.campaign, one.reason) for one in decision.skipped] == [("base", "inexact_amount")]
    assert state.account.wallets == {}


def test_a_redemption_can_be_cancelled() -> None:
    program = club(rewards={"pen": {"kind": "product", "price": {"points": 100}, "stock": 1}})
    state, _ = buys(program, FRESH, on(1), "100.00")
    taken, decision = does(program, state, on(2), Redeem(1, "pen"))
    spent = {"points": taken_lots(decision.transactions[0].entries)}
    back, cancelled = does(program, taken, on(3), CancelRedemption(1, "pen", 1, spent, on(2)))
    assert cancelled.cancelled == (1,)
    assert back.account.wallets == state.account.wallets
    assert back.shared.counters == {"reward/pen/stock": Decimal(0)}


def test_each_complaint_names_a_test_that_exists_or_says_why_not() -> None:
    lines = (ROOT / "tests" / "pains.txt").read_text(encoding="utf-8").splitlines()
    pains = [line.partition(" | ") for line in lines if line and not line.startswith("#")]
    assert len(pains) >= 40
    for complaint, _, said in pains:
        assert said, f"{complaint}: neither a test nor a reason"
        for file, name in re.findall(r"(tests/\S+\.py)::(\w+)", said):
            text = (ROOT / file).read_text(encoding="utf-8")
            assert f"def {name}(" in text, f"{complaint}: there is no {file}::{name}"
        if not said.startswith("tests/"):
            assert re.fullmatch(r"later: .{10,}", said), complaint
