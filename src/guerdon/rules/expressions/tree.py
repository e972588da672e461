"""The typed tree: names resolved, functions chosen, conversions written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import FRACTION, Type


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of the language, for given types of its arguments."""

    name: str
    """What it is called in the language."""
    run: Callable[..., Any]
    """Computes it."""
    native: str = ""
    """The Python operator (`+`), method (`.startswith`) or builtin (`len`) that generated code uses."""
    weighs: bool = False
    """Whether its time grows with the size of an operand."""
    cost: int = 1
    """How long it takes beside a comparison of two numbers, of short operands."""


@dataclass(frozen=True, slots=True)
class Node:
    """A typed part of an expression."""

    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A value that is known."""

    value: Any


@dataclass(frozen=True, slots=True)
class Root(Node):
    """An attribute of the scope."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """The variable of a loop."""

    slot: int
    name: str


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A declared field, read by attribute, or a known key, read by item."""

    base: Node
    name: str
    by_item: bool


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """An operation on its arguments."""

    operation: Operation
    args: tuple[Node, ...]
    bits: int = 200
    """How many binary digits an int result may have; all ints are bounded to this many."""


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """Terms joined by `and` or `or`; an error is absorbed by a term that decides."""

    is_and: bool
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """One of two values."""

    test: Node
    then: Node
    other: Node


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list that is written out."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pairs(Node):
    """A map that is written out."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """A macro: `all`, `exists`, `exists_one`, `filter`, `map`, or `to_map`, which gives a map."""

    kind: str
    source: Node
    slot: int
    test: Node | None
    body: Node | None
    second: int | None = None
    """The slot of a second variable: the item after its index, the value after its key."""


@dataclass(frozen=True, slots=True)
class Has(Node):
    """Whether a path has a value."""

    path: Node


@dataclass(frozen=True, slots=True)
class Default(Node):
    """The value of a path, or a fallback when it is absent."""

    path: Node
    fallback: Node


@dataclass(frozen=True, slots=True)
class OrElse(Node):
    """An optional value, or a fallback where there is none."""

    optional: Node
    fallback: Node
    unwraps: bool
    """Whether the value itself is asked for, rather than an optional one."""


FEW = 8
"""How much may go through whole lists or texts outside of loops without being paid for, by cost."""
_QUOTIENT = 6
"""What arithmetic with exact quotients costs."""


def walk(node: Node) -> Iterator[Node]:
    """Go through a tree.

    Args:
        node: its root.

    Yields:
        The node and all below it.
    """
    yield node
    for part in below(node):
        yield from walk(part)


def is_crowded(node: Node) -> bool:
    """Say whether so many operations go through whole lists or texts that all of them must be paid for.

    Args:
        node: the root of a tree.

    Returns:
        True when they cost more than `FEW` together.
    """
    heavy = (part for part in walk(node) if isinstance(part, Apply) and part.operation.weighs)
    return sum(part.operation.cost for part in heavy if not _is_on_constant(part)) > FEW


def _is_on_constant(node: Apply) -> bool:
    return node.operation.native != "matches" and isinstance(node.args[-1], Const)


def weight(loop: Loop) -> int:
    """Say what one turn of a loop costs, without the turns of loops within it.

    Args:
        loop: a loop.

    Returns:
        Steps of the budget, at least 1: one for each part that is computed, more for what takes longer.
    """
    parts = [part for part in (loop.test, loop.body) if part is not None]
    return 1 + sum(map(_weight, parts))


def _weight(node: Node) -> int:
    if isinstance(node, Const):
        return 0
    if isinstance(node, Loop):
        return 2 + _weight(node.source)
    own = 2 if isinstance(node, (Has, Default, OrElse)) else 1
    if isinstance(node, Apply):
        is_exact = FRACTION in (node.type, *(arg.type for arg in node.args))
        own = max(node.operation.cost, _QUOTIENT if is_exact else 1)
    return own + sum(map(_weight, below(node)))


def below(node: Node) -> Iterator[Node]:
    """Go through the parts of a node.

    Args:
        node: a node.

    Yields:
        The nodes right below it.
    """
    for name in type(node).__dataclass_fields__:
        value = getattr(node, name)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            for inner in part if isinstance(part, tuple) else (part,):
                if isinstance(inner, Node):
                    yield inner


def is_weighed(node: Apply, around: Sequence[int]) -> bool:
    """Say whether the operands of an operation are charged to the budget by their size.

    Outside of loops all work is linear in the source and the data. Inside of one loop it still is, where the
    operand is a part of the loop's own item.

    Args:
        node: an operation.
        around: the slots of the loops around it, the innermost last.

    Returns:
        True when each evaluation of it must be paid for.
    """
    if not around or not node.operation.weighs:
        return False
    return len(around) > 1 or not all(_is_own(arg, around[-1]) for arg in node.args)


def _is_own(node: Node, slot: int) -> bool:
    if isinstance(node, Const):
        return True
    while isinstance(node, Field):
        node = node.base
    return isinstance(node, Variable) and node.slot == slot
