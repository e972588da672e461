"""Limits of earning that never count, keep a reward out of reach, or cut an award each time."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import LintWarning, lint

BASE = """\
program: shop
currency: USD
timezone: America/New_York
wallets:
  points: {{limits: {limits}}}
campaigns:
  earn: {{trigger: order.paid, then: [{{award: {{wallet: points, amount: order.net}}}}]}}
  hello: {{trigger: member.enrolled, then: [{{award: {{wallet: points, amount: "{hello}"}}}}]}}
rewards:
  mug: {{kind: product, price: {{points: 500}}}}
"""


def warned(limits: str, hello: str = "100") -> list[LintWarning]:
    definition = load_definition(BASE.format(limits=limits, hello=hello))
    codes = {"limit_never_met", "reward_above_balance", "award_above_limit"}
    return [one for one in lint(definition, compile_program(definition, 1)) if one.code in codes]


@pytest.mark.parametrize(
    ("limits", "name", "other"),
    [
        ("{per_day: 300, per_month: 300}", "per_day", "`per_month: 300`"),
        ("{per_order: 900, per_week: 500, per_year: 4000}", "per_event", "`per_week: 500`"),
        ("{per_month: 900, per_year: 800, balance: 700}", "per_month", "`per_year: 800`"),
    ],
)
def test_a_limit_that_a_longer_one_makes_idle(limits: str, name: str, other: str) -> None:
    (warning,) = warned(limits)
    assert (warning.code, warning.pointer) == ("limit_never_met", f"/wallets/points/limits/{name}")
    assert other in warning.sentence
    assert warning.advice


def test_a_reward_that_nobody_can_save_for() -> None:
    (warning,) = warned("{balance: 499}")
    assert (warning.code, warning.pointer) == ("reward_above_balance", "/rewards/mug/price/points")
    assert "above a balance of 499" in warning.sentence


def test_an_award_that_is_cut_each_time() -> None:
    (warning,) = warned("{per_day: 150, per_month: 9000}", hello="200")
    assert (warning.code, warning.pointer) == ("award_above_limit", "/campaigns/hello/then/0/award/amount")
    assert "`per_day` lets at most 150" in warning.sentence


def test_nothing_is_said_where_nothing_is_the_matter() -> None:
    assert warned("{per_order: 200, per_day: 300, per_month: 900, per_year: 5000, balance: 500}") == []
