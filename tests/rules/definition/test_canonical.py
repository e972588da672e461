"""One definition has one canonical form, wherever it was written and however."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.definition import Definition, canonical_bytes, definition_hash, load_definition
from guerdon.rules.definition.canonical import canonical_data
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import plain_data

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_come_back_equal_from_their_canonical_form(path: Path) -> None:
    definition = load_definition(path.read_bytes())
    written = canonical_bytes(definition)
    again = load_definition(written)
    assert again == definition
    assert canonical_bytes(again) == written


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_same_document_as_json_gives_the_same_bytes(path: Path) -> None:
    as_text = plain_data(read_document(decode(path.read_bytes(), path.name)))
    for indent in (None, 2, "\t"):
        as_json = json.dumps(as_text, indent=indent)
        assert canonical_bytes(load_definition(as_json)) == canonical_bytes(
            load_definition(path.read_bytes())
        )


def test_json_numbers_and_booleans_are_the_words_of_yaml() -> None:
    yaml = """
program: p
currency: USD
timezone: UTC
wallets: {points: {scale: 2, worth: 0.10}}
metrics: {spend: {event: order.paid, value: order.net}}
ladders: {club: {metric: spend, soft_landing: true, tiers: {low: {from: 0.0}, high: {from: 1e2, rate: 1.50}}}}
"""
    body = """{"timezone": "UTC", "program": "p", "currency": "USD",
  "ladders": {"club": {"soft_landing": true, "metric": "spend",
                       "tiers": {"low": {"from": 0}, "high": {"rate": 1.5, "from": 100.00}}}},
  "metrics": {"spend": {"value": "order.net", "event": "order.paid"}},
  "wallets": {"points": {"worth": "0.1", "scale": 2}}}"""
    assert canonical_bytes(load_definition(yaml)) == canonical_bytes(load_definition(body))
    assert definition_hash(load_definition(yaml)) == definition_hash(load_definition(body))


def test_defaults_are_left_out_and_numbers_normalised() -> None:
    definition = load_definition(
        "program: p\ncurrency: USD\ntimezone: UTC\nlanguages: [en]\n"
        "wallets: {a: {unit: a, scale: 0, pending: 0h, expires: never, worth: 0.10}}\n"
    )
    assert canonical_bytes(definition) == (
        b'{"currency":"USD","name":"p","program":"p","timezone":"UTC","wallets":{"a":{"unit":"a","worth":"0.1"}}}'
    )


def test_any_change_of_meaning_changes_the_hash() -> None:
    text = (EXAMPLES[0].parent / "backpack-club.yaml").read_text(encoding="utf-8")
    seen = {definition_hash(load_definition(text))}
    changes = [
        ("scale: 0", "scale: 1"),
        ("from: 500,", "from: 501,"),
        ("pending: 14d", "pending: 15d"),
        ("days: [fri]", "days: [fri, sat]"),
        ("on: 1", "on: 2"),
        ("order.net >= 100", "order.net >= 101"),
        ("pass: 3", "pass: 2"),
        ("storewide: best ", "storewide: first "),
        ("opens: 2027-02-01", "opens: 2027-02-02"),
    ]
    for old, new in changes:
        if old in text:
            seen.add(definition_hash(load_definition(text.replace(old, new, 1))))
    assert len(seen) == 1 + sum(old in text for old, _ in changes)
    assert len(seen) >= 9


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=4).map(lambda number: str(abs(number)))
SPANS = st.builds(
    lambda count, unit: f"{count}{unit}", st.integers(0, 90), st.sampled_from(["d", "w", "mo", "h"])
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    wallets = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    campaigns = draw(st.lists(NAMES, max_size=4, unique=True))
    thresholds = sorted({Decimal(draw(AMOUNTS)) for _ in range(3)} - {Decimal(0)})
    return {
        "program": "p",
        "currency": "EUR",
        "timezone": "Asia/Dhaka",
        "languages": ["bn", "en"],
        "wallets": {
            name: {
                "unit": {"bn": draw(st.text("অআক", min_size=1)), "en": name},
                "scale": str(draw(st.integers(0, 6))),
                "pending": draw(SPANS),
                "expires": draw(st.sampled_from(["never", {"after": "12mo", "end_of": "year"}])),
                "worth": draw(AMOUNTS),
            }
            for name in wallets
        },
        "metrics": {"spend": {"event": "order.paid", "value": "order.net", "window": "calendar_year"}},
        "ladders": {
            "club": {
                "metric": "spend",
                "tiers": {
                    "base": {"from": "0"},
                    **{f"t{9 - at}": {"from": str(number)} for at, number in enumerate(thresholds)},
                },
            }
        },
        "campaigns": {
            name: {
                "trigger": "order.paid",
                "priority": str(draw(st.integers(-5, 5))),
                "then": [{"award": {"wallet": draw(st.sampled_from(wallets)), "amount": draw(AMOUNTS)}}],
            }
            for name in campaigns
        },
    }


def _shuffled(data: dict[str, Any], chance: Any) -> dict[str, Any]:
    keys = list(data)
    chance.shuffle(keys)
    return {
        key: _shuffled(data[key], chance) if isinstance(data[key], dict) and key != "tiers" else data[key]
        for key in keys
    }


@settings(max_examples=60, deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_round_trip_and_order(document: dict[str, Any], chance: Any) -> None:
    definition = load_definition(json.dumps(document))
    written = canonical_bytes(definition)
    assert load_definition(written) == definition
    assert canonical_bytes(load_definition(json.dumps(_shuffled(document, chance)))) == written
    tiers = list(definition.ladders["club"].tiers)
    assert tiers == list(document["ladders"]["club"]["tiers"])
    assert list(json.loads(written)["ladders"]["club"]["tiers"]) == tiers


def test_canonical_data_holds_nothing_but_plain_values() -> None:
    definition: Definition = load_definition(EXAMPLES[0].read_bytes())

    def check(value: object) -> None:
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            for item in value.values():
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert type(value) in (str, bool, type(None))

    check(canonical_data(definition))
