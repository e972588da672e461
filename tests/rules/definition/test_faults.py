"""Each wrong thing is named by code, pointer, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from guerdon.base.errors import Problem
from guerdon.rules.definition import DefinitionError, load_definition, render

CLUB = (Path(__file__).parents[3] / "examples" / "backpack-club.yaml").read_text(encoding="utf-8")
BASE = """\
program: p
currency: USD
timezone: UTC
languages: [en, bn]
wallets:
  points: {scale: 0}
metrics:
  spend: {event: order.paid, value: order.net, window: year}
  lately: {event: order.paid, window: {rolling: 30d}}
ladders:
  club:
    metric: spend
    tiers:
      low: {from: 0}
      high: {from: 500, rate: 1.5}
campaigns:
  earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.net}}]
rewards:
  mug: {kind: product, price: {points: 100}}
  free: {kind: product}
"""


def refused(text: str | bytes) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        load_definition(text)
    return caught.value


def changed(old: str, new: str) -> tuple[str, int, int]:
    """Change one place of the base; a ‸ in the new text marks where the fault must be."""
    assert BASE.count(old) == 1, old
    before, _, after = BASE.partition(old)
    marked = before + new + after
    index = marked.index("‸")
    line = marked.count("\n", 0, index) + 1
    return marked.replace("‸", ""), line, index - (marked.rfind("\n", 0, index) + 1) + 1


CASES = [
    ("program: p", "program: ‸Big Club", "bad_name", "/program"),
    ("currency: USD", "currency: ‸Dollar", "unknown_currency", "/currency"),
    ("timezone: UTC", "timezone: ‸Mars/Olympus", "unknown_time_zone", "/timezone"),
    ("[en, bn]", "[en, ‸e, bn]", "bad_language", "/languages/1"),
    ("[en, bn]", "[en, bn, ‸en]", "duplicate_language", "/languages/2"),
    ("wallets:\n", "wallets:\n  ‸Points: {}\n", "bad_name", "/wallets/Points"),
    ("wallets:\n", "wallets:\n  a: ‸7\n", "expected_map", "/wallets/a"),
    ("wallets:\n", "wallets:\n  a: ‸[]\n", "expected_map", "/wallets/a"),
    ("scale: 0", "scale: ‸7", "out_of_range", "/wallets/points/scale"),
    ("scale: 0", "scale: ‸1.5", "expected_whole_number", "/wallets/points/scale"),
    ("scale: 0", "‸scal: 0", "unknown_key", "/wallets/points/scal"),
    ("scale: 0", "worth: ‸one cent", "expected_number", "/wallets/points/worth"),
    ("scale: 0", "worth: ‸NaN", "expected_number", "/wallets/points/worth"),
    ("scale: 0", "worth: ‸-1", "out_of_range", "/wallets/points/worth"),
    ("scale: 0", "worth: ‸1e18", "number_too_large", "/wallets/points/worth"),
    ("scale: 0", "worth: ‸0.0000000000001", "too_many_decimals", "/wallets/points/worth"),
    ("scale: 0", "pending: ‸2 weeks", "bad_span", "/wallets/points/pending"),
    ("scale: 0", "pending: ‸101y", "span_too_long", "/wallets/points/pending"),
    ("scale: 0", "rounding: ‸flor", "unknown_choice", "/wallets/points/rounding"),
    ("scale: 0", "rounding: {per: ‸basket}", "unknown_choice", "/wallets/points/rounding/per"),
    ("scale: 0", "‸expires: {from: earned}", "missing_key", "/wallets/points/expires/after"),
    ("scale: 0", "unit: {en: points, ‸fr: points}", "unknown_language", "/wallets/points/unit/fr"),
    ("scale: 0", "unit: ‸{bn: অংক}", "missing_translation", "/wallets/points/unit"),
    ("scale: 0", "unit: {en: ‸''}", "empty_text", "/wallets/points/unit/en"),
    ("event: order.paid, value", "event: ‸order..paid, value", "bad_event_type", "/metrics/spend/event"),
    ("window: year", "window: ‸fortnight", "unknown_choice", "/metrics/spend/window"),
    ("window: year", "window: {rolling: ‸6h}", "bad_rolling_window", "/metrics/spend/window/rolling"),
    ("value: order.net", "value: ‸''", "empty_expression", "/metrics/spend/value"),
    ("value: order.net", "value: ‸[a]", "expected_expression", "/metrics/spend/value"),
    ("metric: spend", "metric: ‸spent", "unknown_metric", "/ladders/club/metric"),
    ("low: {from: 0}", "low: {from: ‸1}", "first_tier_not_zero", "/ladders/club/tiers/low/from"),
    ("from: 500", "from: ‸0", "tiers_not_increasing", "/ladders/club/tiers/high/from"),
    ("high: {from: 500, rate", "high: ‸{rate", "missing_key", "/ladders/club/tiers/high/from"),
    ("    metric: spend\n", "    soft_landing: ‸yes\n    metric: spend\n", "expected_true_or_false",
     "/ladders/club/soft_landing"),
    ("trigger: order.paid", "‸trgger: order.paid", "unknown_key", "/campaigns/earn/trgger"),
    ("trigger: order.paid", "trigger: order.paid\n    lane: ‸fast", "unknown_lane", "/campaigns/earn/lane"),
    ("wallet: points,", "wallet: ‸point,", "unknown_wallet", "/campaigns/earn/then/0/award/wallet"),
    ("{award:", "{‸awrd:", "unknown_key", "/campaigns/earn/then/0/awrd"),
    ("[{award:", "[‸5, {award:", "expected_effect", "/campaigns/earn/then/0"),
    ("[{award:", "[‸{}, {award:", "one_effect_each", "/campaigns/earn/then/0"),
    ("[{award:", "[{‸award: {wallet: points}}, {award:", "missing_key",
     "/campaigns/earn/then/0/award/amount"),
    ("then: [{award: {wallet: points, amount: order.net}}]", "then: ‸[]", "too_few", "/campaigns/earn/then"),
    ("[{award:", "[{grant: ‸mugg}, {award:", "unknown_reward", "/campaigns/earn/then/0/grant"),
    ("[{award:", "[{redeem: {reward: ‸free}}, {award:", "reward_without_price",
     "/campaigns/earn/then/0/redeem/reward"),
    ("[{award:", "[{badge: ‸star}, {award:", "unknown_badge", "/campaigns/earn/then/0/badge"),
    ("[{award:", "[{multiply: {wallet: points, by: 2, of: [‸ern]}}, {award:", "unknown_campaign",
     "/campaigns/earn/then/0/multiply/of/0"),
    ("[{award:", "[{discount: ‸{of: lines}}, {award:", "one_of_these", "/campaigns/earn/then/0/discount"),
    ("trigger: order.paid", "trigger: order.paid\n    limits: {per: ‸month}", "limit_without_count",
     "/campaigns/earn/limits/per"),
    ("trigger: order.paid", "trigger: order.paid\n    limits: {budget: {money: ‸0.001}}", "too_many_decimals",
     "/campaigns/earn/limits/budget/money"),
    ("trigger: order.paid", "trigger: order.paid\n    limits: {budget: {units: {‸A: 1}}}", "bad_name",
     "/campaigns/earn/limits/budget/units/A"),
    ("trigger: order.paid", "trigger: order.paid\n    schedule: {from: ‸25:00}", "bad_time",
     "/campaigns/earn/schedule/from"),
    ("trigger: order.paid", "trigger: order.paid\n    schedule: {starts: ‸2027-02-30}", "bad_date",
     "/campaigns/earn/schedule/starts"),
    ("trigger: order.paid", "trigger: order.paid\n    schedule: {starts: ‸2027-02-01T10:00Z}",
     "offset_not_allowed", "/campaigns/earn/schedule/starts"),
    ("trigger: order.paid", "trigger: order.paid\n    schedule: {starts: 2027-02-02, ends: ‸2027-02-01}",
     "ends_before_start", "/campaigns/earn/schedule/ends"),
    ("trigger: order.paid", "trigger: order.paid\n    channel: ‸fax", "unknown_choice",
     "/campaigns/earn/channel"),
    ("trigger: order.paid", "trigger: order.paid\n    ‸when: ", "empty_value", "/campaigns/earn/when"),
    ("kind: product, price", "kind: ‸prodct, price", "unknown_choice", "/rewards/mug/kind"),
    ("points: 100", "points: ‸0.5", "too_many_decimals", "/rewards/mug/price/points"),
    ("points: 100", "points: ‸0", "out_of_range", "/rewards/mug/price/points"),
    ("points: 100", "‸point: 100", "unknown_wallet", "/rewards/mug/price/point"),
    ("free: {kind: product}", "free: {kind: coupon, code: ‸TEN}", "bad_code_template", "/rewards/free/code"),
    ("free: {kind: product}", "free: {kind: coupon, code: ‸'TEN-{5}'}", "bad_code_template",
     "/rewards/free/code"),
    ("free: {kind: product}", "free: {kind: access, tiers: [‸golden]}", "unknown_tier",
     "/rewards/free/tiers/0"),
    ("rewards:\n", "lanes: {a: {choose: best, within: ‸a}}\nrewards:\n", "lane_within_itself",
     "/lanes/a/within"),
    ("rewards:\n", "‸campaigns: {}\nrewards:\n", "duplicate_key", "/campaigns"),
    ("rewards:\n", "segments: {a: ‸&x b}\nrewards:\n", "alias_not_allowed", "/segments/a"),
    ("rewards:\n", "segments: {a: ‸!!int b}\nrewards:\n", "tag_not_allowed", "/segments/a"),
    ("rewards:\n", "segments: {‸[a]: b}\nrewards:\n", "bad_key", "/segments"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "pointer"), CASES, ids=lambda value: str(value)[:30])
def test_each_wrong_thing_is_named_with_its_place(old: str, new: str, code: str, pointer: str) -> None:
    text, line, column = changed(old, new)
    error = refused(text)
    assert error.code == "invalid_definition"
    first = error.errors[0]
    assert (first.code, first.pointer) == (code, pointer)
    assert (first.line, first.column) == (line, column)
    assert first.detail
    assert len(error.errors) == 1


@pytest.mark.parametrize(
    ("old", "new", "nearest"),
    [
        ("scale: 0", "scal: 0", "scale"),
        ("scale: 0", "rounding: flor", "floor"),
        ("currency: USD", "currency: usd", "USD"),
        ("timezone: UTC", "timezone: America/New_york", "America/New_York"),
        ("{award:", "{awrd:", "award"),
        ("wallet: points,", "wallet: point,", "points"),
        ("metric: spend", "metric: spent", "spend"),
        ("rewards:\n", "rewrads: {}\nrewards:\n", "rewards"),
    ],
)
def test_the_nearest_known_word_is_named(old: str, new: str, nearest: str) -> None:
    first = refused(BASE.replace(old, new, 1)).errors[0]
    assert first.nearest == nearest
    assert f"did you mean '{nearest}'?" in first.detail


def test_all_faults_are_found_in_one_reading_and_in_order() -> None:
    text = CLUB.replace("rounding: {mode: floor", "rounding: {mode: flor")
    text = text.replace("pending: 14d", "pending: soon").replace(
        "trigger: item.recycled", "triger: item.recycled"
    )
    error = refused(text)
    assert [fault.code for fault in error.errors] == ["unknown_choice", "bad_span", "unknown_key"]
    assert [fault.line for fault in error.errors] == sorted(fault.line for fault in error.errors)
    assert error.faults == error.errors
    assert isinstance(error, Problem)


def test_a_ladder_whose_metric_has_no_review_period_needs_one() -> None:
    first = refused(BASE.replace("metric: spend", "metric: lately")).errors[0]
    assert (first.code, first.pointer) == ("missing_key", "/ladders/club/review")


def test_a_tier_that_two_ladders_have_is_named_with_its_ladder() -> None:
    second = "ladders:\n  other: {metric: spend, tiers: {low: {from: 0}}}\n"
    reward = "  early: {kind: access, tiers: [low]}\n"
    text = BASE.replace("ladders:\n", second) + reward
    assert refused(text).errors[0].code == "ambiguous_tier"
    assert load_definition(text.replace("[low]", "[club.low]")).rewards["early"].tiers == ("club.low",)


def test_python_spellings_are_not_accepted_in_documents() -> None:
    first = refused(BASE.replace("from: 500", "from_: 500")).errors[0]
    assert first.code == "unknown_key"


def test_a_fault_is_drawn_with_its_line_and_a_caret() -> None:
    text = BASE.replace("wallet: points,", "wallet: point,")
    drawn = render(refused(text).errors, text, "p.yaml")
    head, line, caret = drawn.split("\n")
    column = text.split("\n")[18].index("point,") + 1
    assert head.startswith(f"p.yaml:19:{column}: there is no wallet 'point'; did you mean 'points'?")
    assert line == "  19 |     then: [{award: {wallet: point, amount: order.net}}]"
    assert line[caret.index("^") :].startswith("point,")


def test_long_lines_are_cut_around_the_place() -> None:
    text = '{"program": "p", "name": "' + "x" * 500 + '", "currency": "USD", "timezone": "Nowhere"}'
    _, line, caret = render(refused(text).errors, text, "p.json").split("\n")
    assert len(line) < 200
    assert line[caret.index("^") :].startswith('"Nowhere"')


def test_a_key_that_does_not_exist_hides_nothing_beside_or_below_it() -> None:
    text = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 99, roundin: floor}
walletss: {}
campaigns:
  b:
    trigger: order.paid
    then: [{award: {wallt: points, amount: "1", x: 1}}, {awardd: {}}]
rewards:
  mug: {kind: product, price: {points: 3}, stock: -1}
"""
    with pytest.raises(DefinitionError) as refused:
        load_definition(text)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [
        ("/wallets/points/scale", "out_of_range"),
        ("/wallets/points/roundin", "unknown_key"),
        ("/walletss", "unknown_key"),
        ("/campaigns/b/then/0/award/wallt", "unknown_key"),
        ("/campaigns/b/then/0/award/x", "unknown_key"),
        ("/campaigns/b/then/1/awardd", "unknown_key"),
        # That `wallet` is missing follows from `wallt`, and is not told beside it.
        ("/rewards/mug/stock", "out_of_range"),
    ]
