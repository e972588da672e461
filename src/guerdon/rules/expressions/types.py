"""What values an expression can see, and the environment that declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo


class Type:
    """A static type; two types are equal when they describe the same values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Scalar(Type):
    """A value without parts."""

    name: str
    kind: str = ""
    """Tells apart two types that people know by one name."""

    def __str__(self) -> str:
        return self.name


BOOL = Scalar("bool")
INT = Scalar("int")
DECIMAL = Scalar("decimal")
FRACTION = Scalar("decimal", "fraction")
"""A decimal that came out of a division and is kept as an exact quotient."""
STRING = Scalar("string")
BYTES = Scalar("bytes")
TIMESTAMP = Scalar("timestamp")
DURATION = Scalar("duration")
NULL = Scalar("null")
TYPE = Scalar("type")
"""What `type(x)` gives: a kind of value as a value."""
ANY = Scalar("any")
"""A value of a free map: text, truth, number, list, map; its kind is known only at run time."""

NUMBERS = (INT, DECIMAL, FRACTION)
_PYTHON = frozenset({"None", "True", "False"})
SCALARS = (BOOL, *NUMBERS, STRING, BYTES, TIMESTAMP, DURATION)


@dataclass(frozen=True, slots=True)
class ListOf(Type):
    """A list (at run time a list or tuple, for `in` also a set) of one type."""

    item: Type

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class MapOf(Type):
    """A free map, read by item; any key may be absent at run time."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"map of {self.key} to {self.value}"


@dataclass(frozen=True, slots=True)
class OptionalOf(Type):
    """A value of one type that may not be there."""

    item: Type

    def __str__(self) -> str:
        return f"optional of {self.item}"


class _Named(Type):
    """Declared names with their types."""

    __slots__ = ("_hash", "fields", "name")

    def __init__(self, name: str, fields: Mapping[str, Type]) -> None:
        """Declare the names.

        Args:
            name: what people call it, for messages.
            fields: name → type; names are identifiers.

        Raises:
            ValueError: a name is not an identifier, or is private to Python.
        """
        for field in fields:
            if not field.isascii() or not field.isidentifier() or field.startswith("__") or field in _PYTHON:
                raise ValueError(f"{field!r} cannot be a name in an expression")
        self.name = name
        self.fields: Mapping[str, Type] = MappingProxyType(dict(fields))
        self._hash = hash((type(self), name, frozenset(self.fields.items())))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, _Named)
            and type(self) is type(other)
            and self._hash == other._hash
            and self.name == other.name
            and self.fields == other.fields
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __str__(self) -> str:
        return self.name


class Record(_Named):
    """An object whose declared fields are read by attribute."""

    __slots__ = ()


class Namespace(_Named):
    """A map whose declared names are read by item; an undeclared name does not compile."""

    __slots__ = ()


class Environment:
    """The root names of an expression and the zone in which it reads a calendar."""

    __slots__ = ("_hash", "roots", "zone", "zone_name")

    def __init__(self, roots: Mapping[str, Type], zone: str | tzinfo = "UTC") -> None:
        """Declare what an expression sees.

        Args:
            roots: root name → type, each an attribute of the scope at run time.
            zone: IANA name or tzinfo for `getHours()` and its like.

        Raises:
            ValueError: a root is not an identifier.
            ZoneInfoNotFoundError: no such zone.
        """
        self.roots = Record("scope", roots)
        self.zone: tzinfo = ZoneInfo(zone) if isinstance(zone, str) else zone
        self.zone_name = str(zone)
        self._hash = hash((self.roots, self.zone_name))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Environment)
            and self._hash == other._hash
            and self.zone_name == other.zone_name
            and self.roots == other.roots
        )

    def __hash__(self) -> int:
        return self._hash


def shown(kind: Type) -> Type:
    """Give the type that people see.

    Args:
        kind: any type.

    Returns:
        The same with each exact quotient called decimal.
    """
    if kind == FRACTION:
        return DECIMAL
    if isinstance(kind, ListOf):
        return ListOf(shown(kind.item))
    if isinstance(kind, OptionalOf):
        return OptionalOf(shown(kind.item))
    if isinstance(kind, MapOf):
        return MapOf(kind.key, shown(kind.value))
    return kind


def layers(kind: Type) -> int:
    """Count how deep lists and maps lie in each other.

    Args:
        kind: any type.

    Returns:
        0 for a scalar, one more for each list, map or optional around it.
    """
    count = 0
    while isinstance(kind, (ListOf, MapOf, OptionalOf)):
        kind = kind.value if isinstance(kind, MapOf) else kind.item
        count += 1
    return count
