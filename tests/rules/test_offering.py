"""When and for whom a reward can be had, and what can be chosen of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.offering import why_not_chosen, why_not_offered

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets: {points: {unit: points}}
metrics: {spend: {event: order.paid, value: order.net, window: calendar_year}}
ladders:
  club: {metric: spend, review: calendar_year, tiers: {bronze: {from: 0}, gold: {from: 1000}}}
rewards:
  drop: {kind: access, price: {points: 10}, tiers: [club.gold],
    opens: 2026-11-20, public_at: 2026-11-23T09:00, until: 2026-11-30}
  plain: {kind: product, price: {points: 10}, public_at: 2026-11-23}
  off: {kind: event, price: {points: 10}, at: 2026-11-25, called_off: Rain, opens: 2026-11-20}
  scarf: {kind: choice, price: {points: 10}, choices: [red, blue]}
"""
REWARDS = compile_program(load_definition(PROGRAM), 1).rewards


@pytest.mark.parametrize(
    ("at", "gold", "bronze"),
    [
        ("2026-11-19T23:59:59", "reward_not_yet", "reward_not_yet"),
        ("2026-11-20T00:00:00", "", "reward_not_for_tier"),
        ("2026-11-23T08:59:59", "", "reward_not_for_tier"),
        ("2026-11-23T09:00:00", "", ""),
        ("2026-11-30T23:59:59", "", ""),
        ("2026-12-01T00:00:00", "reward_over", "reward_over"),
    ],
)
def test_tiers_have_a_head_start_and_then_everybody_has_it(at: str, gold: str, bronze: str) -> None:
    local = datetime.fromisoformat(at)
    assert why_not_offered(REWARDS["drop"], {"gold", "club.gold"}, local) == gold
    assert why_not_offered(REWARDS["drop"], {"bronze", "club.bronze"}, local) == bronze


def test_what_was_called_off_is_for_nobody_whatever_else_holds() -> None:
    for at in ("2026-11-19T23:59:59", "2026-11-25T00:00:00", "2026-12-01T00:00:00"):
        local = datetime.fromisoformat(at)
        assert why_not_offered(REWARDS["off"], {"gold"}, local) == "reward_called_off"


def test_without_tiers_nobody_has_a_head_start() -> None:
    assert (
        why_not_offered(REWARDS["plain"], (), datetime.fromisoformat("2026-11-22T23:00")) == "reward_not_yet"
    )
    assert why_not_offered(REWARDS["plain"], (), datetime.fromisoformat("2026-11-23T00:00")) == ""


def test_only_what_is_listed_can_be_chosen() -> None:
    assert why_not_chosen(REWARDS["scarf"], "red") == ""
    assert why_not_chosen(REWARDS["scarf"], "green") == "choice_unknown"
    assert why_not_chosen(REWARDS["scarf"], "") == "choice_missing"
    assert why_not_chosen(REWARDS["plain"], "any words") == ""
