"""From the text of a document to a checked definition."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from guerdon.rules.definition.checks import Finding, check_references
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.scalars.problems import DefinitionError, DefinitionFault, nearest_to, shown
from guerdon.rules.definition.sections.engagement import check_engagement
from guerdon.rules.definition.sections.ladders import check_ladders
from guerdon.rules.definition.sections.taking import check_takings
from guerdon.rules.definition.source.positions import Positions
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import join, plain_data, steps_of

MAX_FAULTS: Final = 100
_KEPT: Final = 16
"""So many definitions are kept as they were read: a change loads the same two texts many times over."""
_ROUNDS: Final = 8
"""So many keys may not exist below one another, and what is beside each is still looked at."""
_UNKNOWN: Final = "unknown_key"
Steps = tuple[str | int, ...]

_TYPES: Final = {
    "missing": ("missing_key", "a key is missing"),
    "literal_error": ("unknown_choice", "unknown choice"),
    "string_type": ("expected_text", "a text was expected"),
    "tuple_type": ("expected_list", "a list was expected"),
    "frozen_set_type": ("expected_list", "a list was expected"),
    "dict_type": ("expected_map", "a map was expected"),
    "model_type": ("expected_map", "a map was expected"),
    "mapping_type": ("expected_map", "a map was expected"),
    "too_short": ("too_few", "at least {min_length} of these were expected"),
    "too_long": ("too_many", "at most {max_length} of these are possible"),
    "greater_than": ("out_of_range", "a number greater than {gt} was expected"),
    "greater_than_equal": ("out_of_range", "a number from {ge} was expected"),
    "less_than": ("out_of_range", "a number less than {lt} was expected"),
    "less_than_equal": ("out_of_range", "a number up to {le} was expected"),
}
"""What pydantic says by itself, as our code and our sentence; other types are ours already."""
_FORMS: Final = {
    "price": "; a price names its wallet, such as {points: 40}",
    "community": "; it says who approves, such as {approve: all}",
    "sharing": "; it says what may be shared, such as {of: [purchase]}",
}
"""By key, the form of a map in whose place people write something short."""


def load_definition(text: str | bytes, filename: str = "program.yaml") -> Definition:
    """Read and check a definition.

    Args:
        text: the document, YAML 1.2 or JSON, at most 1 MiB of UTF-8.
        filename: how the document is called in messages.

    Returns:
        The definition.

    Raises:
        DefinitionError: `invalid_definition`, with a fault for each wrong place.
    """
    return _loaded(text, filename)


@lru_cache(_KEPT)
def _loaded(text: str | bytes, filename: str) -> Definition:
    # What is read is frozen, so whoever asks may have the same one.
    return load_definition_with_positions(text, filename)[0]


def load_definition_with_positions(
    text: str | bytes, filename: str = "program.yaml"
) -> tuple[Definition, Positions]:
    """Read and check a definition, and keep where everything stood.

    Args:
        text: the document, YAML 1.2 or JSON, at most 1 MiB of UTF-8.
        filename: how the document is called in messages.

    Returns:
        The definition, and the places of its values.

    Raises:
        DefinitionError: `invalid_definition`, with a fault for each wrong place.
    """
    source = decode(text, filename)
    positions = Positions(source, read_document(source))
    definition = _validated(positions)
    checks = itertools.chain(
        check_references(definition),
        check_ladders(definition),
        check_takings(definition),
        check_engagement(definition),
    )
    findings = list(itertools.islice(checks, MAX_FAULTS))
    if findings:
        raise _error([_placed(finding, positions) for finding in findings])
    return definition, positions


def _validated(positions: Positions) -> Definition:
    """Make the models; a key that does not exist is left out, and hides nothing that is wrong beside it."""
    data: Any = plain_data(positions.root)
    faults: list[DefinitionFault] = []
    for _ in range(_ROUNDS):
        try:
            definition = Definition.model_validate(data, by_alias=True, by_name=False, context={})
        except ValidationError as error:
            more = _beside(_all_faults(error, positions), faults)
        else:
            more = []
            if not faults:
                return definition
        faults += more
        wrong = [one.pointer for one in more if one.code == _UNKNOWN]
        if not wrong:
            break
        for pointer in wrong:
            _leave_out(data, steps_of(pointer))
    raise _error(faults)


def _beside(found: Iterable[DefinitionFault], known: Sequence[DefinitionFault]) -> list[DefinitionFault]:
    """Choose what is new, and does not merely follow from leaving a key out."""
    told = {(one.pointer, one.code) for one in known}
    poorer = {_around(one.pointer) for one in known if one.code == _UNKNOWN}
    return [
        one
        for one in found
        if (one.pointer, one.code) not in told
        and one.pointer not in poorer
        and not (one.code == "missing_key" and _around(one.pointer) in poorer)
    ]


def _around(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _leave_out(data: Any, steps: Iterable[str]) -> None:
    *way, key = steps
    for step in way:
        data = data[int(step)] if isinstance(data, list) else data[step]
    del data[key]


def _error(faults: Sequence[DefinitionFault]) -> DefinitionError:
    in_order = sorted(faults, key=lambda fault: (fault.line, fault.column))
    return DefinitionError(in_order[:MAX_FAULTS])


def _placed(finding: Finding, positions: Positions) -> DefinitionFault:
    pointer = finding.pointer if finding.code == "missing_key" else positions.nearest(finding.pointer)
    line, column = positions.key_place(pointer) if finding.at_key else positions.place(pointer)
    return DefinitionFault(
        pointer, finding.code, finding.detail, line, column, finding.expected, finding.nearest
    )


def _all_faults(error: ValidationError, positions: Positions) -> Iterator[DefinitionFault]:
    items = error.errors(include_url=False)[: 2 * MAX_FAULTS]
    placed = [(item, *positions.resolve(item["loc"])) for item in items]
    around = {pointer[:at] for _, pointer, _ in placed for at, letter in enumerate(pointer) if letter == "/"}
    for item, pointer, rest in placed:
        # A list whose only item is wrong counts as too short for pydantic; the item's own fault says more.
        if item["type"] == "too_short" and pointer in around:
            continue
        yield from _faults(item, pointer, rest, positions)


def _faults(item: Any, pointer: str, rest: Steps, positions: Positions) -> Iterator[DefinitionFault]:
    context = item.get("ctx", {})
    if "keys" in context:
        for key, nearest in zip(context["keys"], context["nearest_keys"], strict=True):
            yield _unknown_key(join(pointer, key), context["expected"], nearest, positions)
    elif item["type"] == "missing":
        line, column = positions.key_place(pointer)
        key = str(rest[-1]) if rest else ""
        detail = f"the key '{key}' is missing here"
        yield DefinitionFault(join(pointer, key), "missing_key", detail, line, column)
    else:
        yield _wrong_value(item, pointer, rest, positions)


def _unknown_key(pointer: str, known: str, nearest: str, positions: Positions) -> DefinitionFault:
    line, column = positions.key_place(pointer)
    hint = f"; did you mean '{nearest}'?" if nearest else f"; known are {known}" if known else ""
    detail = f"unknown key {shown(*list(steps_of(pointer))[-1:])}{hint}"
    return DefinitionFault(pointer, _UNKNOWN, detail, line, column, known, nearest)


def _wrong_value(item: Any, pointer: str, rest: Steps, positions: Positions) -> DefinitionFault:
    context = item.get("ctx", {})
    below = join(pointer, context.get("key", ""))
    pointer = below if "key" in context and positions.find(below) is not None else pointer
    about_key = rest[-1:] == ("[key]",)
    line, column = positions.key_place(pointer) if about_key else positions.place(pointer)
    expected, nearest = str(context.get("expected", "")), str(context.get("nearest", ""))
    code, sentence = _TYPES.get(item["type"], (item["type"], ""))
    if code == "unknown_choice":
        choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
        expected, nearest = ", ".join(choices), _nearest_choice(str(item["input"]), choices)
        detail = f"{shown(item['input'])} is not one of {expected}"
    elif sentence:
        found = str(context["actual_length"]) if "actual_length" in context else shown(item["input"])
        detail = f"{sentence.format_map(context)}, not {found}"
        detail += _FORMS.get(pointer.rpartition("/")[2], "") if code == "expected_map" else ""
        detail += "; put it into [ ]" if code == "expected_list" and isinstance(item["input"], dict) else ""
    else:
        detail = item["msg"]
    hint = f"; did you mean '{nearest}'?" if nearest else ""
    return DefinitionFault(pointer, code, f"{detail}{hint}", line, column, expected, nearest)


def _nearest_choice(word: str, choices: Sequence[str]) -> str:
    """Look for the word itself, then for what people call `calendar_year` in one word."""
    last = {choice.rpartition("_")[2]: choice for choice in choices}
    return nearest_to(word, choices) or last.get(nearest_to(word, list(last)), "")
