"""What a reward says of its taking is checked where it stands: what would a manager type wrongly?"""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import DefinitionError, inactive_parts, load_definition

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points}
  stars: {unit: stars}
metrics: {spend: {event: order.paid, value: order.net, window: calendar_year}}
ladders:
  club: {metric: spend, review: calendar_year, tiers: {base: {from: 0}, gold: {from: 1000}}}
  trade: {metric: spend, review: calendar_year, tiers: {base: {from: 0}, partner: {from: 9}}}
causes:
  wells: {name: Wells, match: 1, match_at_most: "10.00"}
rewards:
  mug: {kind: product, price: {points: 10}, REWARD}
  box: {kind: choice, price: {points: 10}, choices: [mug, red]}
"""


def faults(reward: str, text: str = PROGRAM) -> list[tuple[str, str]]:
    try:
        compile_program(load_definition(text.replace("REWARD", reward)), 1)
    except DefinitionError as error:
        return [(one.pointer, one.code) for one in error.faults]
    return []


@pytest.mark.parametrize(
    ("reward", "pointer", "code"),
    [
        ("price_by_tier: {golden: {points: 5}}", "/price_by_tier/golden", "unknown_tier"),
        ("price_by_tier: {base: {points: 5}}", "/price_by_tier/base", "ambiguous_tier"),
        ("price_by_tier: {gold: {point: 5}}", "/price_by_tier/gold/point", "unknown_wallet"),
        ('price_by_tier: {gold: {points: "0.5"}}', "/price_by_tier/gold/points", "too_many_decimals"),
        (
            "price_by_tier: {gold: {points: 5}, partner: {points: 4}}",
            "/price_by_tier/partner",
            "tiers_of_several_ladders",
        ),
        ("needs: {coins: 5}", "/needs/coins", "unknown_wallet"),
        ('leaves: {points: "0.1"}', "/leaves/points", "too_many_decimals"),
        ("at_least: 5, at_most: 4", "/at_least", "quantity_impossible"),
        ("choices: [red], stock_by_choice: {green: 4}", "/stock_by_choice/green", "unknown_choice"),
        ("match: 1", "/match", "not_of_this_kind"),
        ("adds: 12mo", "/adds", "not_of_this_kind"),
        ("called_off: Rain", "/called_off", "not_of_this_kind"),
        ("gives: 500", "/gives", "not_of_this_kind"),
        ("audience: account.tier == 'gold'", "/audience", "unknown_field"),
        ("audience: order.net > 5", "/audience", "unknown_name"),
    ],
)
def test_what_does_not_hold_is_named_where_it_stands(reward: str, pointer: str, code: str) -> None:
    assert faults(reward) == [(f"/rewards/mug{pointer}", code)]


def test_a_price_by_tier_needs_one_for_all_others() -> None:
    text = PROGRAM.replace("price: {points: 10}, REWARD", "price_by_tier: {gold: {points: 5}}")
    assert faults("", text) == [("/rewards/mug/price_by_tier", "price_missing")]


def test_nobody_chooses_of_a_choice() -> None:
    text = PROGRAM.replace("choices: [mug, red]", "choices: [mug, box]")
    assert faults("cooling: 7d", text) == [("/rewards/box/choices/1", "choice_of_choices")]


@pytest.mark.parametrize(
    "reward",
    [
        "price_by_tier: {club.base: {points: 9}, club.gold: {points: 5, stars: 1}}",
        "audience: account.tiers.club.level >= 1, cooling: 36h, at_least: 2",
        "needs: {points: 500}, leaves: {stars: 1}, place: Shop, partner: fly",
    ],
)
def test_what_holds_is_taken(reward: str) -> None:
    assert faults(reward) == []


def test_what_a_cause_does_is_active() -> None:
    text = PROGRAM.replace("REWARD", "stock: 1")
    assert [one.pointer for one in inactive_parts(load_definition(text))] == []
    paid = text.replace("match: 1,", "match: 1, pays_out: month,")
    assert [one.pointer for one in inactive_parts(load_definition(paid))] == []
