"""Warnings about carts, coupons, rewards and batches: each where it costs, none where a bound is set."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from guerdon.rules.coupons.standing import Terms, UseLimit
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import Figures, Spread
from guerdon.rules.lint.selling.batches import exposure_of
from tests.rules.lint.test_lint import BASE, the_one, warned, with_campaign

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def codes(text: str, figures: Figures | None = None) -> set[str]:
    return {one.code for one in warned(text, figures)}


def with_reward(written: str) -> str:
    return BASE.replace("rewards:\n", f"rewards:\n  tried: {written}\n")


@pytest.mark.parametrize(
    ("when", "warns"),
    [
        ("", True),
        ("when: cart.net >= 12, ", True),
        ("when: cart.net >= 12.01, ", False),
        ("when: cart.net > 0 && cart.total < 5, ", False),
        ("when: cart.channel == 'pos', ", False),
    ],
)
def test_a_gift_that_is_worth_its_cart(when: str, warns: bool) -> None:
    text = with_campaign(
        f'{{trigger: checkout, {when}then: [{{gift: {{sku: CUP, quantity: 2, worth: "6"}}}}]}}'
    )
    assert ("gift_exceeds_minimum" in codes(text)) == warns
    if warns:
        found = the_one(text, "gift_exceeds_minimum")
        assert found.pointer == "/campaigns/tried/then/0/gift"
        assert "A cart of 12.00 USD" in found.sentence


def test_a_gift_of_no_known_worth_is_not_judged() -> None:
    assert "gift_exceeds_minimum" not in codes(with_campaign("{trigger: checkout, then: [{gift: CUP}]}"))


@pytest.mark.parametrize(
    ("more", "warns"),
    [("", True), ("when: cart.net >= 5.01, ", False), ("limits: {per_account: 1}, ", False)],
)
def test_an_amount_that_pays_the_cart(more: str, warns: bool) -> None:
    text = with_campaign(f'{{trigger: checkout, {more}then: [{{discount: {{amount: "5"}}}}]}}')
    assert ("amount_pays_cart" in codes(text)) == warns


@pytest.mark.parametrize(
    ("more", "effect", "warns"),
    [
        ("", "{percent: 100, of: shipping}", True),
        ("", '{percent: 100, of: shipping, at_most: "9"}', False),
        ("", "{percent: 50, of: shipping}", False),
        ("when: cart.net >= 40, ", "{percent: 100, of: shipping}", False),
        ("limits: {per_account: 2}, ", "{percent: 100, of: shipping}", False),
    ],
)
def test_shipping_that_is_free_for_every_cart(more: str, effect: str, warns: bool) -> None:
    text = with_campaign(f"{{trigger: checkout, {more}then: [{{discount: {effect}}}]}}")
    assert ("shipping_always_free" in codes(text)) == warns


@pytest.mark.parametrize(("amount", "warns"), [("5", False), ("5.01", True)])
def test_a_coupon_that_is_cheaper_than_its_units(amount: str, warns: bool) -> None:
    text = with_reward(f'{{kind: coupon, price: {{points: 500}}, discount: {{amount: "{amount}"}}}}')
    assert ("coupon_under_worth" in codes(text)) == warns


@pytest.mark.parametrize(
    ("written", "code", "name"),
    [
        ("stock: 0", "reward_never_had", "stock"),
        ("opens: 2027-03-01, until: 2027-02-28", "reward_never_had", "until"),
        ("opens: 2027-03-01, public_at: 2027-02-01", "reward_public_first", "public_at"),
        ("opens: 2027-03-02, at: 2027-03-01T19:00", "reward_never_had", "at"),
        ("opens: 2027-03-01, public_at: 2027-03-08, until: 2027-03-08", "", ""),
        ("stock: 1", "", ""),
    ],
)
def test_rewards_that_are_never_open(written: str, code: str, name: str) -> None:
    text = with_reward(f"{{kind: event, price: {{points: 5}}, {written}}}")
    if code:
        assert the_one(text, code).pointer == f"/rewards/tried/{name}"
    else:
        assert codes(text) & {"reward_never_had", "reward_public_first"} == set()


@pytest.mark.parametrize(
    ("tiers", "highest", "warns"),
    [
        ("[gold]", 900, True),
        ("[gold]", 1500, False),
        ("[gold, bronze]", 900, False),
        ("[club.gold]", 900, True),
    ],
)
def test_rewards_of_tiers_that_nobody_reached(tiers: str, highest: int, warns: bool) -> None:
    spread = Spread(10, Decimal(100), Decimal(400), Decimal(highest))
    figures = Figures(AT, accounts=10, looked_at=10, metrics={"spend": spread})
    text = with_reward(f"{{kind: product, price: {{points: 5}}, tiers: {tiers}}}")
    assert ("reward_for_nobody" in codes(text, figures)) == warns
    assert "reward_for_nobody" not in codes(text)


def test_coupons_stack_with_campaigns_unless_bounded_chosen_or_alone() -> None:
    campaign = with_campaign("{trigger: checkout, then: [{discount: {percent: 60}}]}")
    text = campaign.replace("program: shop\n", "program: shop\npricing: {base: original}\n")
    code = "discounts_reach_everything"
    for more, warns in (("", True), (', at_most: "9"', False)):
        coupon = f"rewards:\n  half: {{kind: coupon, discount: {{percent: 50{more}}}}}\n"
        assert (code in codes(text.replace("rewards:\n", coupon))) == warns, more
    alone = "rewards:\n  half: {kind: coupon, exclusive: true, discount: {percent: 50}}\n"
    assert code not in codes(text.replace("rewards:\n", alone))
    all_of_it = "rewards:\n  all: {kind: coupon, exclusive: true, discount: {percent: 100}}\n"
    assert code in codes(text.replace("rewards:\n", all_of_it))


REWARDS = """rewards:
  five: {kind: coupon, discount: {amount: "5"}, limits: {total: 100, budget: {money: "300"}}, cost: "3"}
  tenth: {kind: coupon, discount: {percent: 10}}
  bounded: {kind: coupon, discount: {percent: 10, at_most: "25"}}
  pairs: {kind: coupon, discount: {amount: "5", of: lines, every: 2}}
"""


def test_what_codes_can_cost() -> None:
    definition = load_definition(BASE.replace("rewards:\n", REWARDS))
    five = exposure_of(definition, "five", 100, Terms())
    assert (five.uses, five.each, five.together) == (100, Decimal(5), Decimal(500))
    assert (five.budget, five.total) == (Decimal(300), None)
    assert exposure_of(definition, "five", 60, Terms()).budget is None
    assert exposure_of(definition, "five", 101, Terms()).total == 100
    tenth = exposure_of(definition, "tenth", 10, Terms())
    assert (tenth.uses, tenth.each, tenth.together) == (10, None, None)
    bounded = exposure_of(definition, "bounded", 10, Terms(uses=3))
    assert bounded.together == Decimal(750)
    assert exposure_of(definition, "pairs", 10, Terms()).each is None
    money = exposure_of(definition, "tenth", 10, Terms(uses=None, money=Decimal(20)))
    assert (money.uses, money.together, money.by_anybody) == (None, Decimal(200), False)


def test_a_shared_code_is_anybodys_until_it_counts() -> None:
    definition = load_definition(BASE.replace("rewards:\n", REWARDS))
    open_to_all = exposure_of(definition, "five", 1, Terms(uses=None))
    assert (open_to_all.uses, open_to_all.together, open_to_all.by_anybody) == (None, None, True)
    assert open_to_all.budget == Decimal(300)
    once_each = Terms(uses=None, per_account=1, limits=(UseLimit("total", 50),))
    counted = exposure_of(definition, "five", 1, once_each)
    assert (counted.uses, counted.together, counted.by_anybody) == (50, Decimal(250), False)
    monthly = exposure_of(definition, "five", 1, Terms(uses=None, total=50, per="month"))
    assert monthly.uses is None


def test_a_reward_that_is_gone_bounds_nothing() -> None:
    gone = exposure_of(load_definition(BASE), "gone", 5, Terms())
    assert (gone.uses, gone.each, gone.together, gone.budget) == (5, None, None, None)
