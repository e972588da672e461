"""The kinds of values as values: what `type(x)` gives and `int`, `string`, … stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions.errors import Failure


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; it equals only itself, not the text of its name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may not be there."""

    items: tuple[Any, ...] = ()
    """The value, or nothing."""


NONE = Optional()
"""The optional value that is not there."""

KINDS = {
    name: Kind(name)
    for name in (
        "bool", "int", "decimal", "string", "list", "map", "timestamp", "duration", "null_type", "type",
        "bytes", "optional_type",
    )
}  # fmt: skip
"""Name → kind."""
ALIASES = {"double": KINDS["decimal"]}
"""What other speakers of CEL write for one of ours."""
_BY_CLASS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (int, "int"),
    ((Decimal, Fraction), "decimal"),
    (Kind, "type"),
    (str, "string"),
    (bytes, "bytes"),
    (Optional, "optional_type"),
    ((list, tuple, set, frozenset), "list"),
    (Mapping, "map"),
    (datetime, "timestamp"),
    (timedelta, "duration"),
    (type(None), "null_type"),
)


def kind_of(value: Any) -> Kind:
    """Tell the kind of a value.

    Args:
        value: anything that an expression can hold.

    Returns:
        Its kind.

    Raises:
        Failure: `wrong_type` for an object with fields, which has no kind.
    """
    for classes, name in _BY_CLASS:
        if isinstance(value, classes):
            return KINDS[name]
    raise Failure("wrong_type", "an object with fields has no type that could be compared")
