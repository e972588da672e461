"""Events that the engine's own rooms make: nobody else may send them, and what they carry is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guerdon.rules.definition import Datum, Definition

SOURCE: Final = "guerdon:"
"""How the sources of the engine's own events begin; nobody else's do."""
QUIZ_FINISHED: Final = "quiz.finished"
QUIZZES: Final = f"{SOURCE}quizzes"
"""The source of what quizzes come to."""

_DATA: Final[Mapping[str, Mapping[str, str]]] = {
    QUIZ_FINISHED: {"quiz": "string", "attempt": "int", "points": "int", "of": "int", "passed": "bool"},
}
_DATUMS: Final[Mapping[str, Mapping[str, Datum]]] = {
    kind: {name: Datum.model_validate({"type": one}) for name, one in data.items()}
    for kind, data in _DATA.items()
}
TYPES: Final = frozenset(_DATA)
"""Their types."""


def declared_data(definition: Definition, event_type: str) -> Mapping[str, Datum]:
    """Tell what an event of a type carries.

    Args:
        definition: what the program declares.
        event_type: such as `item.recycled`.

    Returns:
        By name: its type, and whether it is personal; empty for a type that nobody declares.
    """
    own = _DATUMS.get(event_type)
    if own is not None:
        return own
    declared = definition.events.get(event_type)
    return declared.data if declared is not None else {}
