"""No difference is lost: definitions are equal exactly where nothing is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.rules.definition import (
    Definition,
    DefinitionError,
    canonical_bytes,
    canonical_data,
    load_definition,
)
from guerdon.rules.difference import compare

EXAMPLES = Path(__file__).parents[3] / "examples"
CLUB = load_definition((EXAMPLES / "backpack-club.yaml").read_bytes())
TRAIL = load_definition((EXAMPLES / "trail-club.yaml").read_bytes())
CANONICAL = json.loads(canonical_bytes(CLUB))


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _places(item, (*path, key))


PLACES = sorted(_places(CANONICAL), key=str)
WORDS = ["1", "2", "0", "7.5", "true", "false", "order.paid", "points", "30d", "never", "best", "silver"]


def _changed(path: tuple[str | int, ...], word: str | None, base: Definition = CLUB) -> Definition | None:
    """Take out what stands at a place of a club, or put a word there; None where that is no definition."""
    data = json.loads(canonical_bytes(base))
    around = data
    for step in path[:-1]:
        around = around[step]
    if word is None:
        del around[path[-1]]
    else:
        around[path[-1]] = word
    try:
        return load_definition(json.dumps(data))
    except DefinitionError:
        return None


def _differing(before: Any, after: Any, pointer: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _differing(before.get(key), after.get(key), f"{pointer}/{key}")
    elif before != after:
        yield pointer


def _check(before: Definition, after: Definition) -> None:
    changes = compare(before, after)
    assert bool(changes) == (canonical_bytes(before) != canonical_bytes(after))
    told = [change.pointer for change in changes]
    for pointer in _differing(canonical_data(before), canonical_data(after)):
        # Lists are told item by item.
        assert any(
            pointer == one or pointer.startswith(f"{one}/") or one.startswith(f"{pointer}/") for one in told
        ), pointer
    for change in changes:
        assert change.sentence.endswith(".")
        assert change.before != change.after
        if not isinstance(change.after, list | dict):
            said, instead_of, was = change.sentence[:-1].partition(" instead of ")
            assert not instead_of or not said.endswith(f" {was}"), change.sentence


def test_each_place_of_the_full_example_is_told() -> None:
    tried = 0
    for path in PLACES[::3]:
        after = _changed(path, None)
        if after is not None:
            tried += 1
            _check(CLUB, after)
            _check(after, CLUB)
    assert tried > 40, "most parts can be left out"


@pytest.mark.parametrize("part", [0, *(pytest.param(one, marks=pytest.mark.long) for one in range(1, 4))])
def test_each_place_of_the_example_of_play_is_told(part: int) -> None:
    tried = 0
    places = sorted(_places(json.loads(canonical_bytes(TRAIL))), key=str)
    for at, path in list(enumerate(places))[part::4]:
        for word in (None, ("7", "order.placed", "3d")[at % 3]):
            after = _changed(path, word, TRAIL)
            if after is not None and after != TRAIL:
                tried += 1
                _check(TRAIL, after)
                _check(after, TRAIL)
    assert tried > 40


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(WORDS), st.sampled_from(PLACES))
def test_random_changes_are_told(
    path: tuple[str | int, ...], word: str, other: tuple[str | int, ...]
) -> None:
    after, another = _changed(path, word), _changed(other, None)
    for one in (after, another):
        if one is not None:
            _check(CLUB, one)
            _check(one, CLUB)
    if after is not None and another is not None:
        _check(after, another)


def test_nothing_is_said_of_equal_definitions() -> None:
    again = load_definition(json.dumps(CANONICAL))
    assert compare(CLUB, again) == ()


def test_the_order_is_that_of_the_sections() -> None:
    changes = compare(None, CLUB)
    sections = [change.section for change in changes]
    models = ["program", *Definition.model_fields]
    assert sections == sorted(sections, key=models.index)
    assert changes == compare(None, load_definition(json.dumps(CANONICAL)))
