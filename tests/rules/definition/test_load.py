"""The examples load, and what they say arrives exactly."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from guerdon.rules.definition import (
    Award,
    Badge,
    Budget,
    Definition,
    Discount,
    Expiry,
    ExpressionText,
    Grant,
    Multiply,
    Redeem,
    Rolling,
    Span,
    Text,
    code_parts,
    inactive_parts,
    load_definition,
)

EXAMPLES = Path(__file__).parents[3] / "examples"
HEAD = "program: p\ncurrency: USD\ntimezone: UTC\n"


@pytest.fixture(scope="module")
def club() -> Definition:
    return load_definition((EXAMPLES / "backpack-club.yaml").read_bytes(), "backpack-club.yaml")


def test_the_smallest_example_is_ten_lines_and_loads() -> None:
    text = (EXAMPLES / "first-steps.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 10
    definition = load_definition(text)
    assert definition.name == Text("first-steps")
    assert definition.wallets["points"].rounding.mode == "floor"
    assert definition.wallets["points"].rounding.per == "order"
    assert definition.campaigns["base_earn"].then == (
        Award(wallet="points", amount=ExpressionText("order.earning_base")),
    )
    assert inactive_parts(definition) == ()


def test_wallets_of_the_full_example(club: Definition) -> None:
    points = club.wallets["points"]
    assert points.unit.in_language("bn", club.languages) == "পয়েন্ট"
    assert points.unit.in_language("fr", club.languages) == "points"
    assert (points.scale, points.rounding.mode, points.debt) == (0, "floor", "allowed")
    assert points.pending == Span(days=14)
    assert points.expires == Expiry(after=Span(months=12), from_="earned", end_of="month")
    assert (points.worth, points.cost) == (Decimal("0.01"), Decimal("0.006"))


def test_metrics_and_ladders_of_the_full_example(club: Definition) -> None:
    assert club.metrics["yearly_spend"].value == "order.net"
    assert club.metrics["yearly_spend"].window == "calendar_year"
    assert club.metrics["backpacks"].window == "all_time"
    ladder = club.ladders["club"]
    assert list(ladder.tiers) == ["bronze", "silver", "gold"]
    assert [tier.from_ for tier in ladder.tiers.values()] == [0, 500, 1500]
    assert [tier.rate for tier in ladder.tiers.values()] == [1, Decimal("1.5"), 2]
    assert ladder.soft_landing is True
    assert ladder.grace == Span(days=30)
    assert club.review_of("club") == "calendar_year"


def test_campaigns_of_the_full_example(club: Definition) -> None:
    campaigns = club.campaigns
    schedule = campaigns["friday_evening_double"].schedule
    assert schedule is not None
    assert (schedule.days, schedule.from_, schedule.to) == (frozenset({"fri"}), time(17), time(21))
    assert campaigns["friday_evening_double"].then == (Multiply(wallet="points", by=ExpressionText("2")),)
    assert campaigns["welcome"].then == (
        Award(wallet="points", amount=ExpressionText("100"), pending=Span()),
    )
    assert campaigns["spend_100_get_10"].then == (Grant(reward="ten_percent_off"),)
    assert campaigns["recycle"].limits.per_account == 5
    assert campaigns["recycle"].limits.per == "month"
    redeem = campaigns["auto_voucher"].then[0]
    assert isinstance(redeem, Redeem)
    assert redeem.while_ is not None
    assert redeem.while_ == "wallets.points.available >= 500"
    assert redeem.while_.pointer == "/campaigns/auto_voucher/then/0/redeem/while"
    pens = campaigns["bag_of_pens"]
    assert (pens.lane, pens.priority, pens.limits.total) == ("storewide", 10, 1000)
    assert pens.limits.budget == Budget(money=Decimal(5000))
    assert pens.then == (
        Discount(
            percent=Decimal(10),
            of="lines",
            where=ExpressionText("'backpack' in line.categories"),
            at_most=Decimal(25),
        ),
    )


def test_rewards_of_the_full_example(club: Definition) -> None:
    pouch = club.rewards["travel_pouch"]
    assert pouch.price == {"points": Decimal(100)}
    assert (pouch.stock, pouch.sku) == (500, "POUCH-1")
    coupon = club.rewards["ten_percent_off"]
    assert coupon.price == {}
    assert coupon.discount == Discount(percent=Decimal(10))
    assert coupon.valid == Span(days=30)
    assert coupon.code is not None
    assert code_parts(coupon.code) == ("TEN-", 8, "")
    assert club.rewards["launch_evening"].at == datetime(2027, 3, 1, 19)  # noqa: DTZ001 - local by design
    assert club.rewards["early_drop"].opens == date(2027, 2, 1)
    assert club.rewards["extra_year"].adds == Span(months=12)


def test_what_is_not_active_is_named(club: Definition) -> None:
    pointers = [part.pointer for part in inactive_parts(club)]
    assert not any(one.startswith("/challenges/") for one in pointers)
    assert not any(one.startswith("/metrics/") for one in pointers)
    assert not any("discount" in pointer or "lanes" in pointer for pointer in pointers)
    assert not any("audience" in pointer or "segments" in pointer for pointer in pointers)
    assert all(part.why for part in inactive_parts(club))
    assert not any("base_earn" in pointer for pointer in pointers)


def test_defaults_are_those_of_the_design() -> None:
    definition = load_definition(HEAD + "wallets: {leaves: {}}")
    assert definition.wallets["leaves"].unit == Text("leaves")
    assert definition.wallets["leaves"].expires == "never"
    assert definition.languages == ("en",)
    assert definition.claim_within == Span(days=30)
    assert definition.returns.given_back_lasts == Span(days=30)
    assert definition.checkout.ttl == Span(minutes=15)
    assert (definition.pricing.base, definition.pricing.rounding.mode) == ("remaining", "half_up")
    assert (definition.earning.order_discount, definition.earning.same_order) == ("spread", "refused")
    assert (definition.spending.short, definition.spending.lots, definition.spending.as_) == (
        "reject",
        "expires_first",
        "payment",
    )


def test_no_word_turns_into_anything_else() -> None:
    definition = load_definition(
        HEAD
        + """
wallets: {on: {unit: no, pending: 6h}, off: {unit: 2027-02-01}, y: {unit: 1_000}}
campaigns:
  no:
    trigger: yes
    stores: [007, 1:30, on]
    schedule: {days: [fri], from: 17:00, to: 08:30, starts: 2027-02-01, ends: 2027-02-28T12:30}
    then: [{award: {wallet: on, amount: 1.50}}]
"""
    )
    assert list(definition.wallets) == ["on", "off", "y"]
    assert [wallet.unit.plain for wallet in definition.wallets.values()] == ["no", "2027-02-01", "1_000"]
    campaign = definition.campaigns["no"]
    assert campaign.trigger == "yes"
    assert campaign.stores == ("007", "1:30", "on")
    assert campaign.then[0] == Award(wallet="on", amount=ExpressionText("1.50"))
    assert campaign.schedule is not None
    assert campaign.schedule.from_ == time(17)
    assert campaign.schedule.starts == date(2027, 2, 1)
    assert campaign.schedule.ends == datetime(2027, 2, 28, 12, 30)  # noqa: DTZ001 - local by design


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0d", Span()),
        ("14d", Span(days=14)),
        ("2w", Span(days=14)),
        ("12mo", Span(months=12)),
        ("2y", Span(months=24)),
        ("6h", Span(hours=6)),
        ("30min", Span(minutes=30)),
    ],
)
def test_spans(text: str, span: Span) -> None:
    assert load_definition(HEAD + f"claim_within: {text}").claim_within == span
    assert Span.read(span.text) == span


def test_short_spellings_mean_the_long_ones() -> None:
    short = load_definition(
        HEAD
        + """
wallets: {points: {rounding: half_up, expires: 12mo}}
metrics: {monthly: {event: order.paid, window: month}}
badges: {star: {}}
lanes: {one: best}
attributes: {persona: string}
events: {item.recycled: {data: {sku: string}}}
rewards: {mug: {kind: product, price: {points: 5}}}
campaigns:
  a:
    trigger: order.paid
    channel: pos
    store: main
    then: [{grant: mug}, {redeem: mug}, {badge: star}, {multiply: {wallet: points, by: 2, of: a}}]
"""
    )
    long = load_definition(
        HEAD
        + """
wallets: {points: {unit: points, rounding: {mode: half_up, per: order}, expires: {after: 1y, from: earned}}}
metrics: {monthly: {event: order.paid, window: calendar_month}}
badges: {star: {}}
lanes: {one: {choose: best}}
attributes: {persona: {type: string}}
events: {item.recycled: {data: {sku: {type: string, personal: false}}}}
rewards: {mug: {kind: product, price: {points: 5}}}
campaigns:
  a:
    trigger: order.paid
    channels: [pos]
    stores: [main]
    then:
      - grant: {reward: mug}
      - redeem: {reward: mug}
      - badge: {badge: star}
      - multiply: {wallet: points, by: "2", of: [a], combine: multiply}
"""
    )
    assert short == long
    assert short.campaigns["a"].then[2] == Badge(badge="star")


def test_combine_of_a_campaign_is_that_of_its_multipliers() -> None:
    definition = load_definition(
        HEAD
        + """
wallets: {points: {}}
campaigns:
  a:
    trigger: order.paid
    combine: add
    then: [{multiply: {wallet: points, by: 2}}, {multiply: {wallet: points, by: 3, combine: multiply}}]
"""
    )
    combined = [effect.combine for effect in definition.campaigns["a"].then if isinstance(effect, Multiply)]
    assert combined == ["add", "multiply"]


def test_rolling_windows_and_reviews() -> None:
    definition = load_definition(
        HEAD
        + """
metrics:
  lately: {event: order.paid, window: {rolling: 90d}}
  ever: {event: order.paid}
ladders:
  a: {metric: lately, review: calendar_month, tiers: {low: {from: 0}}}
  b: {metric: ever, tiers: {low: {from: 0}, high: {from: 0.5}}}
"""
    )
    assert definition.metrics["lately"].window == Rolling(rolling=Span(days=90))
    assert definition.review_of("a") == "calendar_month"
    assert definition.review_of("b") is None


def test_null_says_what_a_left_out_key_says() -> None:
    with_null = '{"program": "p", "currency": "USD", "timezone": "UTC", "wallets": {"a": {"worth": null}}}'
    assert load_definition(with_null) == load_definition(HEAD + "wallets: {a: {worth: ~}}")


def test_models_are_frozen(club: Definition) -> None:
    with pytest.raises(ValueError, match="frozen"):
        club.wallets["points"].scale = 3  # type: ignore[misc]
