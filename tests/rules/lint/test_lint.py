"""Each warning comes where it should, with its place, and stays away where nothing is the matter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import Figures, Holding, LadderMoves, LintWarning, Spread, lint, lint_change
from guerdon.rules.own_events import TYPES

CLUB = (Path(__file__).parents[3] / "examples" / "backpack-club.yaml").read_text(encoding="utf-8")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BASE = """\
program: shop
currency: USD
timezone: America/New_York
languages: [en, bn]
wallets:
  points: {worth: "0.01", cost: "0.006"}
attributes:
  persona: {type: string, values: [student, traveller]}
events:
  item.recycled: {data: {grams: int}}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: spend
    tiers:
      bronze: {from: 0, rate: 1}
      gold: {from: 1500, rate: 2}
campaigns:
  earn: {trigger: order.paid, then: [{award: {wallet: points, amount: order.net * account.tiers.club.rate}}]}
rewards:
  mug: {kind: product, price: {points: 500}, cost: "3.00", worth: "4.00"}
badges:
  star: {}
  moon: {}
"""


def warned(text: str, figures: Figures | None = None) -> list[LintWarning]:
    definition = load_definition(text)
    return list(lint(definition, compile_program(definition, 1), figures))


def with_campaign(written: str) -> str:
    return BASE.replace("campaigns:\n", f"campaigns:\n  tried: {written}\n")


def the_one(text: str, code: str, figures: Figures | None = None) -> LintWarning:
    (found,) = [warning for warning in warned(text, figures) if warning.code == code]
    assert found.place
    assert found.sentence.endswith(".")
    assert found.advice.endswith((".", "?"))
    return found


def test_a_sound_definition_has_no_warning() -> None:
    assert warned(BASE) == []
    assert warned(BASE, Figures(AT, accounts=10, looked_at=10)) == []


def test_the_full_example_is_warned_of_what_it_has() -> None:
    found = [(one.code, one.pointer) for one in warned(CLUB) if one.code != "not_active_yet"]
    assert found == [
        ("trigger_unknown", "/campaigns/newsletter/trigger"),
        ("reward_under_cost", "/rewards/travel_pouch/price/points"),
    ]


def test_an_order_that_pays_for_itself_is_found_with_rate_and_multipliers() -> None:
    doubled = "{trigger: order.paid, then: [{multiply: {wallet: points, by: 2}}]}"
    text = with_campaign(doubled)
    assert warned(text.replace("order.net *", "order.net * 24 *")) == []
    # 25 points of a cent, twice by the tier and twice by the campaign, are as much as the order.
    found = the_one(text.replace("order.net *", "order.net * 25 *"), "award_exceeds_trigger")
    assert found.pointer == "/campaigns/earn/then/0/award/amount"
    assert found.sentence == (
        "An order of 10000.00 USD can bring 1000000 points, worth 10000.00 USD: it pays for itself."
    )


def test_what_a_reward_is_worth_counts_as_well() -> None:
    text = BASE.replace(
        'price: {points: 500}, cost: "3.00", worth: "4.00"', 'price: {points: 4}, worth: "2.00"'
    )
    assert the_one(text, "award_exceeds_trigger").pointer == "/campaigns/earn/then/0/award/amount"


def test_a_fixed_award_exceeds_small_orders_only_without_a_minimum() -> None:
    gift = "{trigger: order.paid, %sthen: [{award: {wallet: points, amount: 1000}}]}"
    found = the_one(with_campaign(gift % ""), "award_exceeds_trigger")
    assert found.pointer == "/campaigns/tried/then/0/award/amount"
    assert "An order of 10.00 USD" in found.sentence
    assert warned(with_campaign(gift % "when: order.net >= 50, ")) == []
    assert warned(with_campaign(gift % "limits: {per_account: 1}, ")) == []


UNLIMITED = {"free_award_unlimited"}


def codes(text: str) -> set[str]:
    return {one.code for one in warned(text)}


def test_what_costs_nothing_needs_a_limit() -> None:
    award = "{trigger: item.recycled, %sthen: [{award: {wallet: points, amount: 5}}]}"
    found = the_one(with_campaign(award % ""), "free_award_unlimited")
    assert (found.pointer, found.place) == ("/campaigns/tried/then/0", "campaign `tried`")
    assert warned(with_campaign(award % "limits: {per_account: 5, per: month}, ")) == []
    for once in ("member.enrolled", "tier.lost", "board.closed", "referral.joined", "seat.called_off"):
        assert codes(with_campaign((award % "").replace("item.recycled", once))) & UNLIMITED == set(), once
    for yearly in ("member.birthday", "member.anniversary", "order.anniversary"):
        assert warned(with_campaign((award % "").replace("item.recycled", yearly))) == [], yearly
    for often in ("share.visited", "quiz.finished", "referral.completed", "seat.freed"):
        assert codes(with_campaign((award % "").replace("item.recycled", often))) >= UNLIMITED, often


def test_badges_that_set_each_other_off_are_a_circle() -> None:
    two = (
        "{trigger: badge.earned, when: event.data.badge == 'star', then: [{badge: moon}]}\n"
        "  other: {trigger: badge.earned, when: event.data.badge == '%s', then: [{badge: star}]}"
    )
    found = the_one(with_campaign(two % "moon"), "effect_feeds_itself")
    assert found.pointer == "/campaigns/other/then/0/badge"
    assert "`other` → `tried` → `other`" in found.sentence
    assert warned(with_campaign(two % "sun")) == []
    alone = with_campaign("{trigger: badge.earned, then: [{badge: moon}]}")
    assert "`tried` → `tried`" in the_one(alone, "effect_feeds_itself").sentence


def test_a_redemption_that_nothing_ends_is_told() -> None:
    redeem = "{trigger: order.paid, then: [{redeem: {reward: mug, while: %s}}]}"
    found = the_one(with_campaign(redeem % "order.net > 5"), "redeem_until_empty")
    assert found.pointer == "/campaigns/tried/then/0/redeem/while"
    assert warned(with_campaign(redeem % "wallets.points.available >= 900")) == []


NEVER = [
    ("1 > 2", "it is false whatever happens"),
    ("order.net >= 100 && order.net < 50", "order.net cannot be at least 100 and less than 50 at once"),
    ("order.net > 100 && 100 >= order.net", "order.net cannot be more than 100 and at most 100 at once"),
    ("order.net < 0", "order.net cannot be at least 0 and less than 0 at once"),
    ("metrics.spend == 3 && metrics.spend > 3", "metrics.spend cannot be more than 3 and at most 3 at once"),
    ("order.channel == 'pos' && order.channel == 'web'", "order.channel cannot be 'pos' and 'web' at once"),
    (
        "account.owner.attributes.persona == 'studnt'",
        "account.owner.attributes.persona is never 'studnt'; did you mean 'student'?",
    ),
    (
        "account.tiers.club.key == 'silver'",
        "account.tiers.club.key is never 'silver'; it can be bronze, gold",
    ),
    ("'sta' in account.badges", "account.badges is never 'sta'; did you mean 'star'?"),
    ("order.net < 0 || order.total < 0", "order.net cannot be at least 0 and less than 0 at once"),
    (
        "order.net > 5 && (order.net < 3 && order.channel == 'pos')",
        "order.net cannot be more than 5 and less than 3 at once",
    ),
]
PERHAPS = [
    "order.net >= 100 && order.net <= 100",
    "order.net < 0 || order.net > 5",
    "order.net < 100 && order.total > 100",
    "account.owner.attributes.persona == 'student'",
    "'star' in account.badges && 'moon' in account.badges",
    "account.tiers.club.key == 'gold'",
    "!(order.net > 5) && order.net < 3",
    "order.channel == 'pos' || order.channel == 'web'",
    "metrics.spend < 0",
    "order.net > metrics.spend && order.net < metrics.spend",
]


@pytest.mark.parametrize(("condition", "reason"), NEVER)
def test_conditions_that_never_hold_say_why(condition: str, reason: str) -> None:
    text = with_campaign(f'{{trigger: order.paid, when: "{condition}", then: [{{badge: star}}]}}')
    found = the_one(text, "condition_never_true")
    assert found.pointer == "/campaigns/tried/when"
    assert found.sentence == f"The condition of the campaign `tried` never holds: {reason}."


def test_a_campaign_of_one_channel_does_not_wait_for_another() -> None:
    text = with_campaign(
        "{trigger: order.paid, channel: pos, when: order.channel == 'web', then: [{badge: star}]}"
    )
    assert the_one(text, "condition_never_true").sentence == (
        "The condition of the campaign `tried` never holds: order.channel is never 'web'; it can be pos."
    )
    assert warned(text.replace("'web'", "'pos'")) == []
    assert warned(text.replace("channel: pos, ", "")) == []


def test_without_segments_nobody_is_in_one() -> None:
    text = with_campaign(
        "{trigger: order.paid, audience: \"'vip' in account.segments\", then: [{badge: star}]}"
    )
    assert "account.segments is never 'vip'; there is none." in the_one(text, "condition_never_true").sentence


@pytest.mark.parametrize("condition", PERHAPS)
def test_conditions_that_may_hold_are_left_alone(condition: str) -> None:
    assert (
        warned(with_campaign(f'{{trigger: order.paid, when: "{condition}", then: [{{badge: star}}]}}')) == []
    )


def test_a_trigger_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    text = with_campaign("{trigger: item.recyled, limits: {total: 1}, then: [{badge: star}]}")
    found = the_one(text, "trigger_unknown")
    assert (found.pointer, found.advice) == ("/campaigns/tried/trigger", "Did you mean `item.recycled`?")
    seen = Figures(AT, accounts=1, looked_at=1, events={"item.recyled": 3})
    assert warned(text, seen) == [], "what was seen is known"


def test_what_the_engine_tells_by_itself_needs_no_declaration() -> None:
    for trigger in sorted(TYPES):
        text = with_campaign(f"{{trigger: {trigger}, limits: {{total: 1}}, then: [{{badge: star}}]}}")
        assert "trigger_unknown" not in codes(text), trigger


def test_what_is_over_is_told_on_the_programs_own_clock() -> None:
    text = with_campaign("{trigger: order.paid, schedule: {ends: 2026-11-20}, then: [{badge: star}]}")
    over = datetime(2026, 11, 21, 5, tzinfo=UTC)
    assert the_one(text, "schedule_over", Figures(over)).pointer == "/campaigns/tried/schedule/ends"
    assert warned(text, Figures(datetime(2026, 11, 21, 4, 59, tzinfo=UTC))) == [], (
        "the 20th ends at 05:00 UTC"
    )
    assert warned(text) == [], "without a clock nothing is over"
    past = BASE.replace("kind: product", "kind: event, at: 2026-11-01")
    assert the_one(past, "reward_over", Figures(AT)).pointer == "/rewards/mug/at"


def test_what_took_place_is_not_called_off_unseen() -> None:
    past = BASE.replace("kind: product", "kind: event, called_off: Rain, at: 2026-11-01")
    assert the_one(past, "called_off_afterwards", Figures(AT)).pointer == "/rewards/mug/called_off"
    later = past.replace("2026-11-01", "2027-11-01")
    assert warned(later, Figures(AT)) == []


def test_a_reward_under_its_cost_says_the_fair_price() -> None:
    found = the_one(BASE.replace("points: 500", "points: 499"), "reward_under_cost")
    assert found.pointer == "/rewards/mug/price/points"
    assert found.sentence == "Mug is paid with 499 points, booked at 2.994 USD, and costs 3.00 USD."
    assert found.advice == "From 500 points on, the price covers the cost."


def test_a_price_by_tier_under_the_cost_is_found_where_it_stands() -> None:
    by_tier = "points: 500}, price_by_tier: {gold: {points: 400}}"
    found = the_one(BASE.replace("points: 500}", by_tier, 1), "reward_under_cost")
    assert found.pointer == "/rewards/mug/price_by_tier/gold/points"
    assert found.sentence == (
        "Mug is paid from `gold` on with 400 points, booked at 2.40 USD, and costs 3.00 USD."
    )


def _discounts(*percents: int, lane: str = "") -> str:
    campaigns = "".join(
        f"  d{at}: {{trigger: checkout, {lane}then: [{{discount: {{percent: {percent}}}}}]}}\n"
        for at, percent in enumerate(percents)
    )
    return BASE.replace("campaigns:\n", f"campaigns:\n{campaigns}")


def test_stacks_of_discounts_are_added_up_as_the_program_prices() -> None:
    original = "pricing: {base: original}\nlanes: {one: best}\ncampaigns:\n"
    code = "discounts_reach_everything"
    assert the_one(_discounts(100), code).pointer == "/campaigns/d0/then/0/discount/percent"
    assert code not in {one.code for one in warned(_discounts(60, 60))}, "what remains is never nothing"
    text = _discounts(60, 40).replace("campaigns:\n", original)
    assert "60 % + 40 %" in the_one(text, code).sentence
    chosen = _discounts(60, 40, lane="lane: one, ").replace("campaigns:\n", original)
    assert code not in {one.code for one in warned(chosen)}, "a lane of `best` takes one of them"


def test_budgets_that_count_nothing() -> None:
    text = with_campaign("{trigger: order.paid, limits: {budget: {money: 5}}, then: [{badge: star}]}")
    assert the_one(text, "budget_counts_nothing").pointer == "/campaigns/tried/limits/budget/money"
    other = BASE.replace("wallets:\n", "wallets:\n  miles: {}\n").replace(
        "trigger: order.paid, then", "trigger: order.paid, limits: {budget: {units: {miles: 5}}}, then"
    )
    assert the_one(other, "budget_counts_nothing").pointer == "/campaigns/earn/limits/budget/units/miles"


def test_texts_and_types() -> None:
    text = BASE.replace("star: {}", "star: {name: {en: Star}}")
    found = the_one(text, "text_missing")
    assert found.pointer == "/badges/star/name"
    assert "“Star” is missing in bn" in found.sentence
    text = BASE.replace("attributes:\n", "attributes:\n  since: timestamp\n")
    assert the_one(text, "attribute_type_unsupported").pointer == "/attributes/since"


def test_what_is_given_for_sending_back_again_and_again() -> None:
    sorry = "{trigger: order.returned, %sthen: [{award: {wallet: points, amount: '5'}}]}"
    found = the_one(with_campaign(sorry % ""), "return_pays")
    assert (found.pointer, found.place) == ("/campaigns/tried/trigger", "campaign `tried`")
    limited = warned(with_campaign(sorry % "limits: {per_account: 1, per: month}, "))
    assert [one.code for one in limited if one.code == "return_pays"] == []


def test_what_is_not_active_comes_last() -> None:
    found = warned(with_campaign("{trigger: order.returned, exclusive: true, then: [{badge: star}]}"))
    assert [(one.code, one.pointer) for one in found] == [
        ("not_active_yet", "/campaigns/tried/exclusive"),
    ]


def _spread(highest: str) -> Mapping[str, Spread]:
    return {"spend": Spread(12, Decimal(90), Decimal(700), Decimal(highest))}


def test_tiers_that_nobody_reached() -> None:
    found = the_one(BASE, "tier_never_reached", Figures(AT, 12, 12, metrics=_spread("1200.50")))
    assert found.pointer == "/ladders/club/tiers/gold/from"
    assert found.sentence == (
        "Nobody has ever reached Gold, which begins at 1500: the greatest `spend` of 12 accounts was 1200.5."
    )
    assert warned(BASE, Figures(AT, 12, 12, metrics=_spread("1500"))) == []


def test_a_change_says_whom_it_touches() -> None:
    before = load_definition(BASE)
    after = load_definition(
        BASE.replace("from: 1500", "from: 900")
        .replace('cost: "0.006"}', 'cost: "0.006", expires: 12mo}')
        .replace(
            '  mug: {kind: product, price: {points: 500}, cost: "3.00", worth: "4.00"}',
            "  pen: {kind: product}",
        )
    )
    figures = Figures(
        AT,
        accounts=40,
        looked_at=40,
        wallets={"points": Holding(31, 5000)},
        ladders={"club": LadderMoves(up=7, down=2)},
        open_redemptions={"mug": 3},
    )
    found = lint_change(before, after, figures)
    assert [one.code for one in found] == ["tiers_move", "wallet_rules_change", "reward_has_open_redemptions"]
    assert found[0].sentence == (
        "7 of 40 accounts would go up at their next event or in the night, "
        "and 2 would go down at their next review as things stand."
    )
    assert found[1].pointer == "/wallets/points/expires"
    assert "31 accounts" in found[1].sentence
    assert "3 redemptions" in found[2].sentence
    assert lint_change(before, before, figures) == ()


def test_a_sample_is_called_one() -> None:
    before, after = load_definition(BASE), load_definition(BASE.replace("from: 1500", "from: 900"))
    figures = Figures(AT, accounts=4000, looked_at=40, ladders={"club": LadderMoves(1, 0)})
    assert lint_change(before, after, figures)[0].sentence.startswith("In a sample of 4000 accounts: 1 of 40")
