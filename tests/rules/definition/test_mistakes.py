"""A tour of what people get wrong, and the sentence that they read, with the caret under the place."""

from __future__ import annotations

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import DefinitionError, load_definition_with_positions, render
from guerdon.rules.program import Program

BASE = """\
program: shop
currency: USD
timezone: America/New_York
languages: [en, bn]
wallets:
  points: {pending: 14d, expires: {after: 12mo}, worth: "0.01"}
attributes:
  persona: {type: string, values: [student, traveller]}
metrics:
  yearly_spend: {event: order.paid, value: order.net, window: calendar_year}
ladders:
  club:
    metric: yearly_spend
    tiers:
      bronze: {from: 0, rate: 1}
      gold: {from: 1500, rate: 2}
campaigns:
  base_earn:
    trigger: order.paid
    when: order.net >= 5
    then: [{award: {wallet: points, amount: order.net * account.tiers.club.rate}}]
rewards:
  mug: {kind: product, price: {points: 500}, stock: 20}
  pen: {kind: product}
"""

# What is written, what somebody writes instead, what is said, and what the caret points at.
MISTAKES = [
    (
        "campaigns:",
        "campaings:",
        "17:1: unknown key 'campaings'; did you mean 'campaigns'? [unknown_key]",
        "campaings:",
    ),
    (
        "wallet: points",
        "wallet: pionts",
        "21:29: there is no wallet 'pionts'; did you mean 'points'? [unknown_wallet]",
        "pionts, amou",
    ),
    (
        "order.net >= 5",
        "order.nett >= 5",
        "20:17: there is no field order.nett; did you mean order.net? [unknown_field]",
        "nett >= 5",
    ),
    (
        "order.net >= 5",
        "order.net = 5",
        "20:21: = is not a sign of this language; write == [syntax_error]",
        "= 5",
    ),
    (
        "order.net >= 5",
        "order.net >= '5'",
        (
            "20:21: >= does not work between a decimal and a string;"
            " write the number without quotes: 5 [type_mismatch]"
        ),
        ">= '5'",
    ),
    (
        "order.net >= 5",
        "order.net > 5 and order.channel == 'pos'",
        "20:25: and is not a word of this language; write && [syntax_error]",
        "and order.ch",
    ),
    (
        "amount: order.net * account.tiers.club.rate",
        "amount: order.channel",
        "21:51: this must be a decimal, but it is a string [type_mismatch]",
        "channel}}]",
    ),
    (
        "account.tiers.club.rate",
        "account.tier.club.rate",
        (
            "21:65: there is no field account.tier; did you mean account.tiers,"
            " such as account.tiers.club.key? [unknown_field]"
        ),
        "tier.club.ra",
    ),
    (
        "account.tiers.club.rate",
        "account.tiers.clob.rate",
        "21:71: there is no name account.tiers.clob; did you mean account.tiers.club? [unknown_name]",
        "clob.rate}}]",
    ),
    (
        "when: order.net >= 5",
        "when: member.attributes.persna == 'x'",
        (
            "20:29: there is no name member.attributes.persna;"
            " did you mean member.attributes.persona? [unknown_name]"
        ),
        "persna == 'x",
    ),
    (
        "14d",
        "14 days",
        (
            "6:21: a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, "
            "not '14 days'; did you mean '14d'? [bad_span]"
        ),
        "14 days, exp",
    ),
    (
        "14d",
        "14",
        (
            "6:21: a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, "
            "not '14'; did you mean '14d'? [bad_span]"
        ),
        "14, expires:",
    ),
    (
        "12mo",
        "12m",
        (
            "6:43: a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, "
            "not '12m'; did you mean '12mo'? [bad_span]"
        ),
        "12m}, worth:",
    ),
    (
        "calendar_year",
        "calendar_years",
        (
            "10:63: 'calendar_years' is not one of all_time, calendar_year, calendar_quarter, "
            "calendar_month, calendar_week, membership_year; did you mean 'calendar_year'? [unknown_choice]"
        ),
        "calendar_years}",
    ),
    (
        "from: 1500",
        "from: 1,500",
        (
            "16:22: a value was expected behind '500'; numbers are written without commas, "
            "such as 1500 [empty_value]"
        ),
        "500, rate: 2",
    ),
    (
        "rate: 2",
        "rate: 200%",
        "16:32: a number was expected, such as 1 or 0.01, not '200%'; did you mean '2'? [expected_number]",
        "200%}",
    ),
    (
        "from: 1500",
        "form: 1500",
        "16:14: unknown key 'form'; did you mean 'from'? [unknown_key]",
        "form: 1500, ",
    ),
    (
        "0.01",
        "$0.01",
        "6:57: a number was expected, such as 1 or 0.01, not '$0.01'; did you mean '0.01'? [expected_number]",
        '"$0.01"}',
    ),
    (
        "USD",
        "Dollars",
        "2:11: a currency code of ISO 4217 was expected, such as USD, not 'Dollars' [unknown_currency]",
        "Dollars",
    ),
    (
        "USD",
        "usd",
        (
            "2:11: a currency code of ISO 4217 was expected, such as USD, not 'usd'; did you "
            "mean 'USD'? [unknown_currency]"
        ),
        "usd",
    ),
    (
        "stock: 20",
        "stock: lots",
        "23:53: a whole number was expected, not 'lots' [expected_whole_number]",
        "lots}",
    ),
    (
        "stock: 20",
        "stock: -1",
        "23:53: a number from 0 was expected, not '-1' [out_of_range]",
        "-1}",
    ),
    (
        "kind: product, price",
        "kind: prodct, price",
        (
            "23:15: 'prodct' is not one of product, coupon, discount, shipping, event, "
            "access, content, donation, warranty, gift_card, partner, service, experience, "
            "choice; did you mean 'product'? [unknown_choice]"
        ),
        "prodct, pric",
    ),
    (
        "    trigger: order.paid\n",
        "",
        "18:3: the key 'trigger' is missing here [missing_key]",
        "base_earn:",
    ),
    (
        "    trigger: order.paid",
        "\ttrigger: order.paid",
        "19:1: a tab stands here; lines are indented with blanks [syntax_error]",
        "\ttrigger: or",
    ),
    (
        "    when: order.net >= 5",
        "   when: order.net >= 5",
        "20:4: this line is indented unlike the lines that it belongs to [syntax_error]",
        "when: order.",
    ),
    (
        "then: [{award: {wallet: points, amount: order.net * account.tiers.club.rate}}]",
        "then: {award: {wallet: points, amount: order.net}}",
        "21:11: a list was expected, not a map; put it into [ ] [expected_list]",
        "{award: {wal",
    ),
    (
        "then: [{award",
        "then: [{awrad",
        "21:13: unknown key 'awrad'; did you mean 'award'? [unknown_key]",
        "awrad: {wall",
    ),
    (
        "then: [{award: {wallet: points, amount: order.net * account.tiers.club.rate}}]",
        "then: [{award: {wallet: points, amount: order.net}, badge: x}]",
        "21:12: an effect is a map with one key; write several effects as several items [one_effect_each]",
        "{award: {wal",
    ),
    (
        "    when: order.net >= 5",
        "    when: order.net >= 5\n    when: order.net >= 6",
        "21:5: the key 'when' stands here a second time; the first is in line 20 [duplicate_key]",
        "when: order.",
    ),
    (
        "then: [",
        "then: [{grant: mugg}, ",
        "21:20: there is no reward 'mugg'; did you mean 'mug'? [unknown_reward]",
        "mugg}, {awar",
    ),
    (
        "then: [",
        "then: [{redeem: pen}, ",
        "21:21: the reward 'pen' has no price to pay; grant it instead [reward_without_price]",
        "pen}, {award",
    ),
    (
        "    when: order.net >= 5",
        "    when: order.lines.exists(l, 'a' in l.categories",
        "20:52: the expression ends too early; expected ) or , [syntax_error]",
        "",
    ),
    (
        "    when: order.net >= 5",
        "    limits: {per: month}",
        "20:19: `per` needs per_account, per_member or total [limit_without_count]",
        "month}",
    ),
    (
        "    when: order.net >= 5",
        "    schedule: {from: 5pm}",
        "20:22: a time of day was expected, such as 17:00, not '5pm' [bad_time]",
        "5pm}",
    ),
    (
        "    when: order.net >= 5",
        "    schedule: {starts: 01/02/2027}",
        "20:24: a date was expected, such as 2027-02-01 or 2027-02-01T19:00, not '01/02/2027' [bad_date]",
        "01/02/2027}",
    ),
    (
        "    when: order.net >= 5",
        "    schedule: {days: [friday]}",
        (
            "20:23: 'friday' is not one of mon, tue, wed, thu, fri, sat, sun; did you mean "
            "'fri'? [unknown_choice]"
        ),
        "friday]}",
    ),
    (
        "languages: [en, bn]",
        "languages: [en, bangla!]",
        "4:17: a language such as en or pt-BR was expected, not 'bangla!' [bad_language]",
        "bangla!]",
    ),
    (
        "program: shop",
        "program: My Shop",
        "1:10: a key of small letters, digits and - was expected, not 'My Shop' [bad_name]",
        "My Shop",
    ),
    (
        "program: shop\n",
        "",
        "1:1: the key 'program' is missing here [missing_key]",
        "currency: US",
    ),
    (
        "    when: order.net >= 5",
        "    when:",
        "20:5: a value was expected behind 'when' [empty_value]",
        "when:",
    ),
    (
        "points: {pending",
        "points: {name: {de: Punkte}, pending",
        (
            "6:12: unknown key 'name'; known are unit, scale, rounding, pending, expires, "
            "debt, worth, tender, cost, limits, spendable [unknown_key]"
        ),
        "name: {de: P",
    ),
    (
        "points: {pending",
        "points: {unit: {de: Punkte}, pending",
        "6:18: the text in 'en', the program's first language, is missing [missing_translation]",
        "{de: Punkte}",
    ),
    (
        "gold: {from: 1500",
        "gold: {from: 0",
        "16:20: tiers stand from low to high, and this one does not start above 0 [tiers_not_increasing]",
        "0, rate: 2}",
    ),
    (
        "bronze: {from: 0",
        "bronze: {from: 10",
        "15:22: the lowest tier stands first and starts from 0 [first_tier_not_zero]",
        "10, rate: 1}",
    ),
    (
        'worth: "0.01"}',
        'worth: "0.01"',
        "6:11: the { that opens here is not closed by a } [syntax_error]",
        "{pending: 14",
    ),
    (
        "    when: order.net >= 5",
        "    when: contains(order.channel, 'pos')",
        "20:11: contains takes string.contains(string), not (string, string) [type_mismatch]",
        "contains(ord",
    ),
    (
        "    when: order.net >= 5",
        '    when: "order.net >= 5',
        "20:11: the quote that opens here is never closed [syntax_error]",
        '"order.net >',
    ),
    (
        "    when: order.net >= 5",
        "    when: 'x' in order.categories",
        (
            "20:15: text goes on behind a closing quote; put the whole value into quotes of "
            "the other kind [syntax_error]"
        ),
        "in order.cat",
    ),
    (
        "    when: order.net >= 5",
        "    exclusive: on",
        "20:16: true or false was expected, not 'on'; did you mean 'true'? [expected_true_or_false]",
        "on",
    ),
    (
        "price: {points: 500}",
        "price: 500",
        "23:31: a map was expected, not '500'; a price names its wallet, such as {points: 40} [expected_map]",
        "500, stock: ",
    ),
    (
        "price: {points: 500}",
        "price: {points: 0}",
        "23:40: a number greater than 0 was expected, not '0' [out_of_range]",
        "0}, stock: 2",
    ),
    (
        "    when: order.net >= 5",
        "    when: !order.net",
        "20:11: a text that begins with ! is put into quotes; tags are not read [tag_not_allowed]",
        "!order.net",
    ),
    (
        "    when: order.net >= 5",
        "    note: keep me",
        (
            "20:5: unknown key 'note'; known are trigger, when, audience, channels, channel, "
            "stores, store, schedule, priority, lane, exclusive, limits, on_return, combine, "
            "then [unknown_key]"
        ),
        "note: keep m",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "said", "pointed_at"), MISTAKES)
def test_a_mistake_is_explained_where_it_is(right: str, wrong: str, said: str, pointed_at: str) -> None:
    assert right in BASE
    text = BASE.replace(right, wrong, 1)
    with pytest.raises(DefinitionError) as caught:
        _compiled(text)
    head, line, caret = render(caught.value.errors, text, "shop.yaml").split("\n")[:3]
    assert head == f"shop.yaml:{said}"
    assert line[caret.index("^") :][: len(pointed_at)] == pointed_at.replace("\t", " ")
    for jargon in ("block end", "token", "mapping", "scalar", "Input should"):
        assert jargon not in head


def _compiled(text: str) -> Program:
    definition, positions = load_definition_with_positions(text, "shop.yaml")
    return compile_program(definition, 1, positions)


def test_the_base_of_the_tour_is_right() -> None:
    assert _compiled(BASE).key == "shop"
    assert len(MISTAKES) >= 50
