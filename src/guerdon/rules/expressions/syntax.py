"""The tree as it was written, before names and types are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Span = tuple[int, int]
"""First and last-plus-one offset in the source, in characters."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """A part of an expression."""

    span: Span
    depth: int
    """How deep brackets and parts lie below it."""
    height: int
    """How deep the Python code for it will be."""


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """A number, text, truth or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Name(Syntax):
    """A root or a loop's variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Syntax):
    """`base.name`, or `base.?name`."""

    base: Syntax
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """`base[key]`, or `base[?key]`."""

    base: Syntax
    key: Syntax
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Maybe(Syntax):
    """`?value` in a list or before a key: an optional value that is left out where there is none."""

    value: Syntax


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """`name(args)` or `target.name(args)`."""

    target: Syntax | None
    name: str
    args: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class ListLiteral(Syntax):
    """`[items]`."""

    items: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Syntax):
    """`{key: value}`."""

    pairs: tuple[tuple[Syntax, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Unary(Syntax):
    """`!operand` or `-operand`."""

    sign: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Chain(Syntax):
    """Arithmetic of one precedence, from left to right."""

    first: Syntax
    rest: tuple[tuple[str, Span, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Relation(Syntax):
    """`left sign right`."""

    sign: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class Logic(Syntax):
    """Terms joined by `&&` or by `||`."""

    sign: str
    terms: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Ternary(Syntax):
    """`test ? then : other`."""

    test: Syntax
    then: Syntax
    other: Syntax
