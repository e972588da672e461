"""Pieces of SQL: what a value is made of, and the forms that functions take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.runtime import dynamic, exact
from guerdon.rules.expressions.types import ANY, INT, MapOf, Type, shown

COLUMN_DIGITS = 28
"""How many digits a stored number has at most."""
MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // MICROSECOND
LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // MICROSECOND
"""The first and last instant, in microseconds since 1970."""
IN_RANGE = f"v between {exact.LEAST} and {exact.GREATEST}"
ONE = "1::numeric"
SIGNS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FROM_JSON = {
    "string": "case when jsonb_typeof({0}) = 'string' then {0} #>> '{{}}' end",
    "bool": "case when jsonb_typeof({0}) = 'boolean' then ({0} #>> '{{}}')::boolean end",
    "decimal": "case when jsonb_typeof({0}) = 'number' then ({0} #>> '{{}}')::numeric end",
    "list of string": (
        "case when jsonb_typeof({0}) = 'array' then array(select jsonb_array_elements_text({0})) end"
    ),
}
PARTS_IN_SQL = {
    "getFullYear": "extract(year from {0})",
    "getMonth": "extract(month from {0}) - 1",
    "getDate": "extract(day from {0})",
    "getDayOfMonth": "extract(day from {0}) - 1",
    "getDayOfWeek": "extract(dow from {0})",
    "getDayOfYear": "extract(doy from {0}) - 1",
    "getHours": "extract(hour from {0})",
    "getMinutes": "extract(minute from {0})",
    "getSeconds": "floor(extract(second from {0}))",
    "getMilliseconds": "mod(floor(extract(milliseconds from {0})), 1000)",
}
UNITS = {"getHours": 3_600_000_000, "getMinutes": 60_000_000, "getSeconds": 1_000_000}
"""Microseconds in what a part of a length of time counts."""
TEXT_TESTS = {
    "startsWith": "starts_with({0}, {1})",
    "endsWith": "right({0}, char_length({1})) = {1}",
    "contains": "strpos({0}, {1}) > 0",
}
ROUNDED = {
    "floor": "div(n, d) - case when n < 0 and mod(n, d) <> 0 then 1 else 0 end",
    "ceil": "div(n, d) + case when n > 0 and mod(n, d) <> 0 then 1 else 0 end",
    "round": "sign(n) * div(2 * abs(n) * {scale} + d, 2 * d)",
}
"""Of the quotient n / d with a positive d: `div` and `mod` cut off, exactly."""
CONVERSIONS: frozenset[Callable[..., Any]] = frozenset(
    (
        exact.decimal_of, exact.fraction_of,
        dynamic.as_decimal, dynamic.as_int, dynamic.as_text, dynamic.as_bool,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """Where a path stands: a boolean, number, text, timestamptz, interval or text[], by its type.

    A map, or all names below a path together, are jsonb; an absent value is NULL (or null in jsonb).
    """

    text: str
    """SQL; a per cent sign is doubled."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Named parameters of the SQL; names that begin with `guerdon_` are taken."""


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition for a WHERE clause: never NULL, true exactly for the rows that Python chooses."""

    text: str
    """SQL with named parameters, as psycopg writes them."""
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """SQL that gives a value, or NULL where Python gives an error."""

    text: str
    digits: int = COLUMN_DIGITS
    """How many digits a number may have at most."""
    below: str = ""
    """The denominator, always positive, of an exact quotient."""
    is_micros: bool = False
    """An instant as microseconds since 1970, rather than as timestamptz."""


def dotted_path(node: tree.Node) -> str | None:
    """Give the path that a node reads.

    Args:
        node: typed node.

    Returns:
        Its names with dots, or None when it is not a plain path.
    """
    names: list[str] = []
    while isinstance(node, tree.Field):
        names.append(node.name)
        node = node.base
    return ".".join([node.name, *reversed(names)]) if isinstance(node, tree.Root) else None


def is_json(kind: Type) -> bool:
    """Say whether values of a type stand in jsonb.

    Args:
        kind: any type.

    Returns:
        True for free values and maps.
    """
    return kind == ANY or isinstance(kind, MapOf)


def from_json(kind: Type, text: str) -> Value | None:
    """Read a value of jsonb as a type.

    Args:
        kind: the type that it should have.
        text: SQL of the value.

    Returns:
        SQL that gives NULL where the value is of another kind; None for a type that jsonb cannot hold.
    """
    if is_json(kind):
        return Value(text)
    pattern = _FROM_JSON.get("decimal" if kind == INT else str(shown(kind)))
    return None if pattern is None else Value(f"({pattern.format(text)})")


def bounded(test: str, text: str, digits: int = COLUMN_DIGITS) -> Value:
    """Keep a value where a test of it holds.

    Args:
        test: SQL that calls the value `v`.
        text: SQL of the value.
        digits: how many digits it may have then.

    Returns:
        SQL that gives NULL where the test fails.
    """
    return Value(f"(select v from (select {text} as v) g where {test})", digits)  # noqa: S608 - pieces of ours


def micros(value: Value) -> Value:
    """Turn an instant into microseconds since 1970.

    Args:
        value: an instant.

    Returns:
        The same as an exact number.
    """
    if value.is_micros:
        return value
    return Value(f"(extract(epoch from {value.text}) * 1000000)", is_micros=True)


def times(text: str, factor: str) -> str:
    """Multiply, where there is something to multiply with.

    Args:
        text: SQL of a number.
        factor: SQL of a number, or nothing.

    Returns:
        SQL of the product.
    """
    return f"(({text}) * ({factor}))" if factor else f"({text})"


def of_fractions(sign: str, one: Value, other: Value) -> Value:
    """Compute with exact quotients.

    Args:
        sign: `+`, `-` or `*`.
        one: a number.
        other: a number.

    Returns:
        The exact quotient.
    """
    below = times(one.below or ONE, other.below)
    if sign == "*":
        return Value(f"({one.text}) * ({other.text})", below=below)
    left, right = times(one.text, other.below), times(other.text, one.below)
    return Value(f"{left} {sign} {right}", below=below)
