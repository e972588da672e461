"""From the text of a document to a checked definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from guerdon.rules.definition.checks import Finding, check_references
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.positions import Positions
from guerdon.rules.definition.problems import DefinitionError, DefinitionFault, nearest_to, shown
from guerdon.rules.definition.read import decode, read_yaml
from guerdon.rules.definition.tree import join, plain_data

MAX_FAULTS: Final = 100

_CODES: Final = {
    "missing": "missing_key",
    "extra_forbidden": "unknown_key",
    "literal_error": "unknown_choice",
    "string_type": "expected_text",
    "list_type": "expected_list",
    "tuple_type": "expected_list",
    "frozen_set_type": "expected_list",
    "model_type": "expected_map",
    "mapping_type": "expected_map",
    "dict_type": "expected_map",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
}


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
    positions = Positions(source, read_yaml(source))
    try:
        definition = Definition.model_validate(plain_data(positions.root), by_alias=True, by_name=False)
    except ValidationError as error:
        found = [fault for item in error.errors(include_url=False) for fault in _faults(item, positions)]
        raise _error(found) from None
    findings = list(check_references(definition))
    if findings:
        raise _error([_placed(finding, positions) for finding in findings])
    return definition, positions


def _error(faults: Sequence[DefinitionFault]) -> DefinitionError:
    in_order = sorted(faults, key=lambda fault: (fault.line, fault.column))
    return DefinitionError(in_order[:MAX_FAULTS])


def _placed(finding: Finding, positions: Positions) -> DefinitionFault:
    line, column = positions.place(finding.pointer)
    return DefinitionFault(
        finding.pointer, finding.code, finding.detail, line, column, finding.expected, finding.nearest
    )


def _faults(item: Any, positions: Positions) -> Iterator[DefinitionFault]:
    context = item.get("ctx", {})
    pointer, rest = positions.resolve(item["loc"])
    if "keys" in context:
        for key, nearest in zip(context["keys"], context["nearest_keys"], strict=True):
            hint = f"; did you mean '{nearest}'?" if nearest else f"; known are {context['expected']}"
            below = join(pointer, key)
            line, column = positions.key_place(below)
            detail = f"unknown key {shown(key)}{hint}"
            yield DefinitionFault(below, "unknown_key", detail, line, column, context["expected"], nearest)
        return
    if item["type"] == "missing":
        line, column = positions.key_place(pointer)
        key = str(rest[-1]) if rest else ""
        yield DefinitionFault(join(pointer, key), "missing_key", f"the key '{key}' is missing here", line, column)
        return
    yield _fault(item, pointer, rest, positions)


def _fault(item: Any, pointer: str, rest: Sequence[str | int], positions: Positions) -> DefinitionFault:
    context = item.get("ctx", {})
    if "key" in context and positions.find(join(pointer, context["key"])) is not None:
        pointer = join(pointer, context["key"])
    about_key = rest[-1:] == ("[key]",) or item["type"] == "extra_forbidden"
    line, column = positions.key_place(pointer) if about_key else positions.place(pointer)
    code = _CODES.get(item["type"], item["type"])
    expected, nearest = str(context.get("expected", "")), str(context.get("nearest", ""))
    detail = item["msg"]
    if code == "unknown_choice":
        nearest = nearest_to(str(item["input"]), [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")])
        detail = f"{shown(item['input'])} is not one of {expected}"
    elif item["type"] in _CODES:
        detail = f"{detail[:1].lower()}{detail[1:]}, not {shown(item['input'])}"
    hint = f"; did you mean '{nearest}'?" if nearest else ""
    return DefinitionFault(pointer, code, f"{detail}{hint}", line, column, expected, nearest)
