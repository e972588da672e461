"""How discounts, gifts, lanes and settings of pricing are written, and what is said about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import (
    DefinitionError,
    canonical_bytes,
    json_schema,
    load_definition,
    load_definition_with_positions,
    render,
)
from guerdon.rules.difference import compare
from guerdon.rules.program import Program

HEAD = "program: shop\ncurrency: USD\ntimezone: UTC\nlanes:\n  one: best\n"
DISCOUNT = HEAD + "campaigns:\n  sale: {trigger: checkout, then: [{discount: {%s}}]}\n"
GIFT = HEAD + "campaigns:\n  sale: {trigger: checkout, then: [{gift: {%s}}]}\n"
PRICING = HEAD + "pricing: {%s}\n"
COUPON = HEAD + "rewards:\n  ten: {kind: coupon, discount: {percent: 10}, %s}\n"
LANES = HEAD + "  two: {%s}\n"

MISTAKES = [
    (
        DISCOUNT,
        "percent: 10, amount: 5",
        "one_of_these",
        "exactly one of percent, amount, price or steps",
        "discount",
    ),
    (DISCOUNT, "of: order", "one_of_these", "exactly one of percent, amount, price or steps", "discount"),
    (DISCOUNT, "percnt: 10", "unknown_key", "percent", "percnt"),
    (DISCOUNT, "percent: 110", "out_of_range", "100", "110"),
    (DISCOUNT, "percent: ten", "expected_number", "a number was expected", "ten"),
    (DISCOUNT, "amount: 0", "out_of_range", "0", "0"),
    (DISCOUNT, "amount: 1.001", "too_many_digits", "2 decimal places", "1.001"),
    (DISCOUNT, "percent: 5, at_most: 0.001", "too_many_digits", "2 decimal places", "0.001"),
    (DISCOUNT, "percent: 5, of: line", "unknown_choice", "lines", "line"),
    (DISCOUNT, "percent: 5, where: line.brnd == 'x'", "unknown_field", "brand", "brnd"),
    (DISCOUNT, "percent: 5, where: line.net", "type_mismatch", "bool", "line.net"),
    (DISCOUNT, "percent: 5, every: 0", "out_of_range", "1", "0"),
    (DISCOUNT, "percent: 5, repeat: 2", "key_without_use", "needs `every` or `buy`", "repeat"),
    (DISCOUNT, "percent: 5, count: 2", "key_without_use", "how many of the cheapest", "count"),
    (DISCOUNT, "percent: 5, of: cheapest, every: 2, count: 3", "count_over_every", "at most all", "count"),
    (DISCOUNT, "percent: 5, every: 2, buy: {quantity: 1}", "one_of_these", "either `every` or `buy`", "buy"),
    (DISCOUNT, "percent: 5, buy: {quantiti: 1}", "unknown_key", "quantity", "quantiti"),
    (DISCOUNT, "percent: 5, of: shipping, where: 'true'", "key_without_use", "shipping has nothing", "where"),
    (DISCOUNT, "percent: 5, by: quantity", "key_without_use", "without steps", "by"),
    (
        DISCOUNT,
        "steps: [{from: 50, percent: 5}, {from: 50, percent: 9}]",
        "steps_not_increasing",
        "low to high",
        "steps",
    ),
    (DISCOUNT, "steps: [{from: 50}]", "one_of_these", "a step has exactly one of", "{from"),
    (DISCOUNT, "steps: [{percent: 50}]", "missing_key", "from", "{percent"),
    (GIFT, "quantity: 2", "missing_key", "sku", "gift"),
    (GIFT, "sku: pen, quantity: 0", "out_of_range", "1", "0"),
    (GIFT, "sku: pen, worth: 1.234", "too_many_digits", "2 decimal places", "1.234"),
    (PRICING, "base: remainder", "unknown_choice", "remaining", "remainder"),
    (PRICING, "rounding: half_upp", "unknown_choice", "half_up", "half_upp"),
    (PRICING, "rounding: {mode: down, per: lines}", "unknown_choice", "line", "lines"),
    (PRICING, "leftovers: last_line", "unknown_key", "leftover", "leftovers"),
    (PRICING, "free_units: {take: add, off: dearest}", "unknown_key", "of", "off"),
    (PRICING, "floor_percent: 101", "out_of_range", "100", "101"),
    (PRICING, "at_most: {share: 5}", "unknown_key", "percent", "share"),
    (COUPON, "lane: on", "unknown_lane", "one", "on"),
    (COUPON, "when: cart.nett > 5", "unknown_field", "net", "nett"),
    (LANES, "choose: bests", "unknown_choice", "best", "bests"),
    (LANES, "choose: best, within: three", "unknown_lane", "one", "three"),
    (LANES, "choose: best, within: two", "lane_within_itself", "within itself", "two"),
    (LANES, "choose: best, priority: high", "expected_whole_number", "a whole number", "high"),
]


def compiled(document: str) -> Program:
    definition, positions = load_definition_with_positions(document, "shop.yaml")
    return compile_program(definition, 1, positions)


@pytest.mark.parametrize(("form", "written", "code", "says", "at"), MISTAKES)
def test_a_mistake_is_shown_where_it_is(form: str, written: str, code: str, says: str, at: str) -> None:
    document = form % written
    with pytest.raises(DefinitionError) as caught:
        compiled(document)
    picture = render(caught.value.errors, document, "shop.yaml")
    fault = caught.value.errors[0]
    assert fault.code == code, picture
    assert says in f"{fault.detail} {fault.expected} {fault.nearest}", picture
    line = document.split("\n")[fault.line - 1]
    # The caret is at the wrong value, or at the key where that is wrong.
    around = line[max(0, fault.column - len(at) - 6) : fault.column - 1 + len(at)]
    assert at in around, picture


def test_a_line_without_a_mistake_compiles() -> None:
    for form, written in (
        (DISCOUNT, "percent: 5, of: cheapest, every: 3, count: 2, repeat: 4, at_most: 9.99"),
        (
            DISCOUNT,
            "price: 7.505, of: lines, buy: {quantity: 2, where: line.sku == 'a'}, where: line.sku == 'b'",
        ),
        (DISCOUNT, "steps: [{from: 10, price: 9}, {from: 100, price: 7.505}], by: line_quantity"),
        (GIFT, "sku: pen"),
        (
            PRICING,
            "base: original, rounding: half_even, free_units: add, at_most: {percent: 50}, floor_percent: 10",
        ),
        (COUPON, "lane: one, priority: 5, exclusive: true, when: cart.subtotal >= 20"),
        (LANES, "choose: best_set, within: one, priority: 4"),
    ):
        assert compiled(form % written).promotions.lanes["one"].choose == "best"


def test_the_schema_knows_what_discounts_are_made_of() -> None:
    definitions = json_schema()["$defs"]
    assert {
        "percent",
        "amount",
        "price",
        "steps",
        "of",
        "where",
        "every",
        "buy",
        "repeat",
        "count",
        "by",
    } <= set(definitions["Discount"]["properties"])
    assert definitions["Discount"]["additionalProperties"] is False
    assert {"choose", "within", "priority"} == set(definitions["Lane"]["properties"])


def test_yaml_and_json_are_the_same_bytes() -> None:
    document = DISCOUNT % "steps: [{from: 50, percent: 5}], at_most: 9.50, buy: {quantity: 2}"
    data = {
        "program": "shop",
        "currency": "USD",
        "timezone": "UTC",
        "lanes": {"one": "best"},
        "campaigns": {
            "sale": {
                "trigger": "checkout",
                "then": [
                    {
                        "discount": {
                            "at_most": "9.5",
                            "steps": [{"percent": "5.0", "from": "50"}],
                            "buy": {"quantity": 2},
                        }
                    }
                ],
            }
        },
    }
    assert canonical_bytes(load_definition(document)) == canonical_bytes(load_definition(json.dumps(data)))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("percent: 10", "percent: 15", "takes 15 % off the order instead of 10 %"),
        ("percent: 10", "percent: 10, at_most: 20", "at most 20.00 USD"),
        (
            "percent: 10",
            "steps: [{from: 50, percent: 5}, {from: 100, percent: 9}]",
            "5 % off the order from 50.00 USD and 9 % off the order from 100.00 USD",
        ),
        ("percent: 100, of: lines, every: 2", "percent: 100, of: lines, every: 3", "for every 3"),
        ("amount: 5, of: lines", "price: 5, of: lines", "whatever is above 5.00 USD off the lines"),
        (
            "percent: 100, of: cheapest",
            "percent: 100, of: cheapest, buy: {quantity: 2}, repeat: 3",
            "3 times at most",
        ),
    ],
)
def test_the_difference_is_said_in_a_sentence(before: str, after: str, says: str) -> None:
    changes = compare(load_definition(DISCOUNT % before), load_definition(DISCOUNT % after))
    assert any(says in change.sentence for change in changes), [change.sentence for change in changes]


def test_the_document_about_discounts_shows_a_program_that_compiles() -> None:
    text = (Path(__file__).parents[3] / "docs" / "discounts.md").read_text("utf-8")
    shown = text.partition("```yaml shop.yaml\n")[2].partition("```")[0]
    program = compiled(shown)
    assert len(program.promotions.automatic) == 7
    assert {one.source.key for one in program.promotions.automatic} <= set(program.definition.campaigns)
