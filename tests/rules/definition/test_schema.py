"""The published JSON Schema takes what the loader takes, and refuses what an editor should underline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from guerdon.rules.definition import json_schema, load_definition
from guerdon.rules.definition.scalars.part import LONE_KEY
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import plain_data

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def typed(value: Any) -> Any:
    """Give plain words the types that an editor's YAML reader gives them."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    try:
        return int(value)
    except (TypeError, ValueError):
        return value


@pytest.fixture(scope="module")
def schema() -> Any:
    return jsonschema_rs.validator_for(json_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_fit_the_schema(schema: Any, path: Path) -> None:
    words = json.loads(json.dumps(plain_data(read_document(decode(path.read_bytes(), path.name)))))
    for data in (words, typed(words)):
        assert [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(data)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"walets": {}},
        {"wallets": {"points": {"scal": 1}}},
        {"wallets": {"Points": {}}},
        {"wallets": {"points": {"rounding": {"mode": "flor"}}}},
        {"campaigns": {"a": {"trigger": "x", "then": [{"awrd": {}}]}}},
        {"campaigns": {"a": {"trigger": "x", "then": [{"award": {"wallet": "points"}}]}}},
        {"campaigns": {"a": {"then": [{"grant": "x"}]}}},
        {"metrics": {"a": {"event": "x", "window": "fortnight"}}},
        {"wallets": {"points": {"rounding": "flor"}}},
        {"wallets": {"points": {"expires": "a year"}}},
        {"lanes": {"a": "bset"}},
        {"campaigns": {"a": {"trigger": "x", "schedule": {"from": "5pm"}, "then": [{"grant": "x"}]}}},
        {
            "campaigns": {
                "a": {"trigger": "x", "schedule": {"starts": "01/02/2027"}, "then": [{"grant": "x"}]}
            }
        },
        {"attributes": {"a": "strng"}},
        {"campaigns": {"a": {"trigger": "x", "then": [{"grant": "A reward"}]}}},
        {"campaigns": {"a": {"trigger": "x", "channel": "shop", "then": [{"grant": "x"}]}}},
        {"campaigns": {"a": {"trigger": "x", "channels": [], "then": [{"grant": "x"}]}}},
    ],
)
def test_wrong_documents_do_not_fit(schema: Any, change: dict[str, Any]) -> None:
    base: dict[str, Any] = {"program": "p", "currency": "USD", "timezone": "UTC"}
    assert schema.is_valid(base)
    assert not schema.is_valid({**base, **change})


@pytest.mark.parametrize(
    "change",
    [
        {
            "campaigns": {
                "a": {"trigger": "x", "channel": "pos", "then": [{"award": {"wallet": "p", "amount": 1}}]}
            }
        },
        {"wallets": {"p": {"rounding": "floor", "expires": "12mo", "worth": 0.5}}},
        {"metrics": {"a": {"event": "x", "window": "month"}}},
        {"earning": {"earn_on": "with_tax"}},
        {"attributes": {"persona": "string"}},
    ],
)
def test_short_spellings_fit(schema: Any, change: dict[str, Any]) -> None:
    base = {"program": "p", "currency": "USD", "timezone": "UTC", "wallets": {"p": {}}}
    assert schema.is_valid({**base, **change})


def test_the_schema_says_what_it_is() -> None:
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert set(schema["required"]) == {"program", "currency", "timezone"}
    assert load_definition('{"program": "p", "currency": "USD", "timezone": "UTC"}').program == "p"


def _properties(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.get("properties", {}).items()
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _properties(item)


def test_an_editor_can_say_something_of_every_key() -> None:
    schema = json_schema()
    properties = list(_properties(schema))
    assert len(properties) > 500
    told = [
        name
        for name, found in properties
        if found.get("description") or schema["$defs"][found["$ref"].rpartition("/")[2]].get("description")
    ]
    assert len(told) == len(properties)


def test_choices_are_offered_where_a_lone_word_stands_for_a_map() -> None:
    choices = json_schema()["$defs"]["Wallet"]["properties"]["rounding"]["anyOf"][0]["enum"]
    assert choices == ["floor", "half_up", "half_even", "ceil", "exact"]
    assert LONE_KEY not in json.dumps(json_schema())
