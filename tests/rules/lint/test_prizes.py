"""Punch cards that bring more than was spent on them are found."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import lint

CLUB = """
program: club
currency: USD
timezone: UTC
wallets:
  points: {worth: "0.01"}
metrics:
  spend: {event: order.paid, value: order.net}
rewards:
  mug: {kind: product, worth: "20.00"}
challenges:
  card: {metric: spend, %s}
"""


@pytest.mark.parametrize(
    ("challenge", "warned"),
    [
        ("every: 20, prize: [{grant: mug}]", True),
        ("every: 21, prize: [{grant: mug}]", False),
        ('every: 21, prize: [{grant: mug}, {award: {wallet: points, amount: "150"}}]', True),
        ("goal: 20, repeatable: true, prize: [{grant: mug}]", True),
        ("goal: 20, prize: [{grant: mug}]", False),
        ("every: 20, limits: {per_account: 3}, prize: [{grant: mug}]", False),
    ],
)
def test_a_prize_that_costs_more_than_the_goal_is_warned_of(challenge: str, warned: bool) -> None:
    definition = load_definition(CLUB % challenge)
    found = [
        one for one in lint(definition, compile_program(definition, 1)) if one.code == "prize_worth_more"
    ]
    assert [one.pointer for one in found] == ["/challenges/card/prize"] * warned
