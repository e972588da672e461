"""Invitations by which somebody with two addresses gains are found, and challenges that friends can farm."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import LintWarning, lint

CLUB = """
program: club
currency: %s
timezone: UTC
wallets:
  points: {worth: "0.10"}
  cash: {worth: "1"}
rewards:
  mug: {kind: product, worth: "20.00"}
  five: {kind: coupon, discount: {amount: "5.00"}, valid: 30d}
  capped: {kind: coupon, discount: {percent: 50, at_most: "10.00"}, valid: 30d}
  posted: {kind: coupon, discount: {percent: 100, of: shipping}, valid: 30d}
  tenth: {kind: coupon, discount: {percent: 10}, valid: 30d}
metrics:
  posts: {event: post.approved}
  orders: {event: order.paid}
community: {approve: all}
"""


def found(text: str, code: str, currency: str = "USD") -> list[LintWarning]:
    definition = load_definition(CLUB % currency + text)
    return [one for one in lint(definition, compile_program(definition, 1)) if one.code == code]


GIVES = "then: [{award: {wallet: points, amount: %s}}]"


@pytest.mark.parametrize(
    ("referral", "warned"),
    [
        # 10.00 for the friend and 20.00 for who invited.
        ('minimum: "30.00", friend: [{award: {wallet: points, amount: 100}}], advocate: {%s}', True),
        ('minimum: "30.01", friend: [{award: {wallet: points, amount: 100}}], advocate: {%s}', False),
        ('minimum: "25.00", friend: [{grant: five}], advocate: {%s}', True),
        ('minimum: "25.00", friend: [{grant: tenth}], advocate: {%s}', False),
        ("friend: [{grant: tenth}], advocate: {when: order.net >= 20, %s}", True),
        # A tenth of the least order for the friend, and 20.00.
        ('friend: [{grant: tenth}], advocate: {when: order.net >= decimal("22.22"), %s}', True),
        ('friend: [{grant: tenth}], advocate: {when: order.net > decimal("22.22"), %s}', False),
        ('minimum: "30.00", friend: [{grant: capped}], advocate: {%s}', True),
        ('minimum: "30.01", friend: [{grant: capped}], advocate: {%s}', False),
        ('minimum: "30.00", friend: [{grant: posted}], advocate: {%s}', False),
        # A limit for each account bounds nobody who invites in a chain; one for all does.
        ("advocate: {limits: {per_account: 1}, %s}", True),
        ("advocate: {limits: {total: 100, per: month}, %s}", True),
        ("advocate: {limits: {total: 100}, %s}", False),
        ('advocate: {limits: {budget: {money: "500"}}, %s}', False),
        ("advocate: {when: \"order.net >= 50 && order.channel == 'pos'\", %s}", True),
        ("advocate: {%s}", True),
        ("advocate: {first: survey.answered, %s}", True),
        ('minimum: "30.00", advocate: {limits: {per_account: 3}, %s}', False),
        ("friend: [{award: {wallet: points, amount: 100}}]", False),
    ],
)
def test_an_invitation_that_brings_more_than_it_costs_is_warned_of(referral: str, warned: bool) -> None:
    text = referral.replace("%s", GIVES % "200")
    warnings = found(f"referral: {{{text}}}\n", "referral_worth_more")
    assert [one.pointer for one in warnings] == ["/referral/advocate"] * warned


def test_a_prize_by_what_was_spent_is_reckoned_at_the_least_order() -> None:
    share = "then: [{award: {wallet: cash, amount: event.data.net * %s}}]"
    for part, warned in (("1.00", 1), ("0.99", 0)):
        text = f'referral: {{minimum: "40.00", advocate: {{{share % part}}}}}\n'
        assert len(found(text, "referral_worth_more")) == warned
    (one,) = found(f'referral: {{minimum: "40.00", advocate: {{{share % "1.5"}}}}}\n', "referral_worth_more")
    assert "brings both sides 60.00 USD and has to spend 40.00 USD" in one.sentence


def test_steps_of_the_ladder_count_with_all_that_came_before() -> None:
    """Two friends bring 40.00 and a mug of 20.00; three bring 60.00 and two mugs."""
    ladder = "ladder: [{from: 2, then: [{grant: mug}]}, {from: 3, then: [{grant: mug}]}]"
    for least, friends in (("30.00", "2 friends"), ("33.00", "3 friends"), ("33.34", "")):
        text = f'referral: {{minimum: "{least}", advocate: {{{GIVES % "200"}}}, {ladder}}}\n'
        warnings = found(text, "referral_worth_more")
        assert [one.pointer for one in warnings] == ["/referral/ladder"] * bool(friends)
        assert all(one.sentence.startswith(friends) for one in warnings)


def test_a_limit_of_the_advocate_bounds_the_ladder() -> None:
    """Five friends who spend 25.00 each bring a mug of 20.00, and 20.00 each; or for two of them alone."""
    text = 'referral: {minimum: "23.99", advocate: {%s, %s}, ladder: [{from: 5, then: [{grant: mug}]}]}\n'
    for limits, warned in (("", 1), ("per_account: 5", 1), ("per_account: 4", 0), ("per_member: 2", 0)):
        bounded = f"limits: {{{limits}}}" if limits else "first: order.paid"
        warnings = found(text % (bounded, GIVES % "200"), "referral_worth_more")
        assert [one.pointer for one in warnings] == ["/referral/ladder"] * warned, limits


def test_what_is_assumed_of_a_coupon_in_percent_is_said() -> None:
    text = 'referral: {minimum: "20.00", friend: [{grant: tenth}], advocate: {%s}}\n' % (GIVES % "200")
    (one,) = found(text, "referral_worth_more")
    assert "brings both sides 22.00 USD and has to spend 20.00 USD" in one.sentence
    assert one.sentence.endswith(
        "Coupons without a cap (`at_most`) are reckoned at an order of 20.00 USD: Tenth."
    )
    (one,) = found(text.replace("tenth", "capped"), "referral_worth_more")
    assert "brings both sides 30.00 USD" in one.sentence
    assert "reckoned" not in one.sentence


def test_money_without_cents_is_money() -> None:
    text = "referral: {minimum: 20, advocate: {%s}}\n" % (GIVES % "200")
    (one,) = found(text, "referral_worth_more", "JPY")
    assert "has to spend 20 JPY" in one.sentence
    assert found(text.replace("minimum: 20", "minimum: 21"), "referral_worth_more", "JPY") == []


@pytest.mark.parametrize(
    ("challenge", "warned"),
    [
        ("metric: posts, every: 2", True),
        ("metric: posts, goal: 2, repeatable: true", True),
        ("metric: posts, goal: 2", False),
        ("metric: orders, every: 2", False),
        ("metric: posts, every: 2, limits: {per_account: 3}", False),
    ],
)
def test_a_challenge_that_friends_can_farm_is_warned_of(challenge: str, warned: bool) -> None:
    text = f"challenges:\n  chatter: {{{challenge}, prize: [{{award: {{wallet: points, amount: 1}}}}]}}\n"
    assert [one.pointer for one in found(text, "farming_unlimited")] == [
        "/challenges/chatter/limits"
    ] * warned
