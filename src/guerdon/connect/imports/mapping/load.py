"""Reading a mapping file: YAML with its places, so that what is wrong has a line and a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping.model import MappingFile
from guerdon.rules.definition import DefinitionError, DefinitionFault, Positions, join
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import plain_data


class MappingError(Problem):
    """A refused mapping file, with every wrong place."""

    def __init__(self, filename: str, faults: tuple[DefinitionFault, ...]) -> None:
        """Make the error.

        Args:
            filename: how the file is called.
            faults: the wrong places, at least one.
        """
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        detail = f"{filename}:{first.line}:{first.column}: {first.detail}{more}"
        super().__init__("invalid_mapping", detail, faults)
        self.errors = faults


def load_mapping(document: bytes, filename: str) -> MappingFile:
    """Read and check a mapping file.

    Args:
        document: YAML 1.2 or JSON, at most 1 MiB of UTF-8.
        filename: how it is called in messages.

    Returns:
        What it says.

    Raises:
        Problem: `invalid_mapping` with a fault for each wrong place.
    """
    try:
        source = decode(document, filename)
        positions = Positions(source, read_document(source))
    except DefinitionError as error:
        raise MappingError(filename, error.errors) from None
    try:
        return MappingFile.model_validate(
            plain_data(positions.root), by_alias=True, by_name=False, context={}
        )
    except ValidationError as error:
        faults = [
            fault
            for item in error.errors(include_url=False)
            for fault in _faults(item, *positions.resolve(item["loc"]), positions)
        ]
        raise MappingError(filename, tuple(sorted(faults, key=lambda one: (one.line, one.column)))) from None


def _faults(
    item: Any, pointer: str, rest: tuple[str | int, ...], positions: Positions
) -> Iterator[DefinitionFault]:
    context = item.get("ctx", {})
    if "keys" in context:
        for key, nearest in zip(context["keys"], context["nearest_keys"], strict=True):
            place = join(pointer, key)
            hint = f"did you mean '{nearest}'?" if nearest else f"known are {context['expected']}"
            detail = f"unknown key '{key}'; {hint}"
            yield DefinitionFault(place, "unknown_key", detail, *positions.key_place(place))
    elif item["type"] == "missing":
        key = str(rest[-1]) if rest else ""
        detail = f"the key '{key}' is missing here"
        yield DefinitionFault(join(pointer, key), "missing_key", detail, *positions.key_place(pointer))
    else:
        yield DefinitionFault(pointer, item["type"], item["msg"], *positions.place(pointer))
