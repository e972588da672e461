"""Which type may stand where, and the conversion that makes it fit."""

from __future__ import annotations

from dataclasses import replace
from decimal import localcontext
from functools import partial

from guerdon.rules.expressions.errors import FAILURES
from guerdon.rules.expressions.runtime import dynamic, exact, octets, optionals
from guerdon.rules.expressions.runtime.kinds import NONE
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.tree import Apply, Const, Items, Node, Operation
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    BYTES,
    DECIMAL,
    FRACTION,
    INT,
    NULL,
    NUMBERS,
    STRING,
    ListOf,
    MapOf,
    OptionalOf,
    Scalar,
    Type,
)

NUMBER = Scalar("number")
"""Stands in a signature for any exact number, as it is."""
LIST = Scalar("list")
"""Stands in a signature for any list."""
MAP = Scalar("map")
"""Stands in a signature for any map."""

TO_DECIMAL = Operation("decimal", exact.decimal_of)
TO_FRACTION = Operation("fraction", exact.fraction_of)
AS_LIST = Operation("list", dynamic.as_list)
AS_ITEMS = Operation("items", dynamic.as_items)
AS_SIZED = Operation("sized", dynamic.as_sized)
_CHECKS: dict[Type, Operation] = {
    BOOL: Operation("bool", dynamic.as_bool),
    INT: Operation("int", dynamic.as_int),
    DECIMAL: Operation("decimal", dynamic.as_decimal),
    STRING: Operation("string", dynamic.as_text),
    BYTES: Operation("bytes", octets.as_bytes),
}
_EACH: dict[Type, Operation] = {
    kind: Operation("each", partial(dynamic.each, check.run), weighs=True) for kind, check in _CHECKS.items()
}
_LIFTED: dict[Type, Operation] = {
    DECIMAL: Operation("decimal", optionals.lifted(exact.decimal_of)),
    FRACTION: Operation("fraction", optionals.lifted(exact.fraction_of)),
    **{kind: Operation("optional", optionals.lifted(check.run)) for kind, check in _CHECKS.items()},
}
_LONGEST_FOLDED = 4096


def apply(operation: Operation, kind: Type, span: Span, *args: Node) -> Node:
    """Apply an operation, at once when all arguments are known.

    Args:
        operation: what to do.
        kind: type of the result.
        span: where an error is shown.
        args: typed arguments.

    Returns:
        The typed node; a constant when it could be computed now. What fails stays, and fails at run time.
    """
    node = Apply(kind, span, operation, args)
    if not args or not all(isinstance(arg, Const) for arg in args):
        return node
    values = [arg.value for arg in args if isinstance(arg, Const)]
    try:
        with localcontext(exact.EXACT):
            value = operation.run(*values)
    except FAILURES:
        return node
    if isinstance(value, str) and len(value) > _LONGEST_FOLDED:
        return node
    return Const(kind, span, value)


def fit(node: Node, wanted: Type) -> Node | None:
    """Make a value fit a type without losing anything.

    Args:
        node: a typed value.
        wanted: the type that it should have; `NUMBER`, `LIST` and `MAP` accept several.

    Returns:
        The value, perhaps converted or checked at run time; None when it does not fit.
    """
    if node.type == wanted:
        return node
    if wanted == NUMBER:
        return node if node.type in NUMBERS else _checked(node, DECIMAL)
    if wanted == DECIMAL and node.type == INT:
        return apply(TO_DECIMAL, DECIMAL, node.span, node)
    if wanted == FRACTION:
        number = fit(node, NUMBER)
        return None if number is None else apply(TO_FRACTION, FRACTION, node.span, number)
    if wanted == LIST or isinstance(wanted, ListOf):
        return _fit_list(node, wanted)
    if isinstance(wanted, OptionalOf):
        return _fit_optional(node, wanted)
    if wanted == MAP:
        return node if isinstance(node.type, MapOf) else None
    return _checked(node, wanted)


def _checked(node: Node, wanted: Type) -> Node | None:
    if node.type != ANY or wanted not in _CHECKS:
        return None
    return Apply(wanted, node.span, _CHECKS[wanted], (node,))


def _fit_optional(node: Node, wanted: OptionalOf) -> Node | None:
    if not isinstance(node.type, OptionalOf):
        return None
    if wanted.item == ANY or (isinstance(node, Const) and node.value == NONE):
        return replace(node, type=wanted)
    if wanted.item in NUMBERS and node.type.item in NUMBERS:
        way = _LIFTED[wanted.item] if NUMBERS.index(wanted.item) > NUMBERS.index(node.type.item) else None
        return apply(way, wanted, node.span, node) if way else None
    if node.type.item == ANY and wanted.item in _CHECKS:
        return apply(_LIFTED[wanted.item], wanted, node.span, node)
    return None


def _fit_list(node: Node, wanted: Type) -> Node | None:
    if node.type == ANY:
        node = Apply(ListOf(ANY), node.span, AS_LIST, (node,))
    if not isinstance(node.type, ListOf):
        return None
    if wanted in (LIST, node.type):
        return node
    if not isinstance(wanted, ListOf):
        return None
    if isinstance(node, Items) and not node.items:
        return Items(wanted, node.span, ())
    if wanted.item == ANY:
        return node
    if node.type.item == ANY and wanted.item in _EACH:
        return Apply(wanted, node.span, _EACH[wanted.item], (node,))
    return None


def accepts(node: Node, wanted: Type) -> Node | None:
    """Make the whole expression fit what its user expects.

    Args:
        node: the typed expression.
        wanted: the expected type; a decimal may be any exact number.

    Returns:
        The expression, perhaps checked at run time; None when it does not fit.
    """
    if wanted == DECIMAL and node.type in NUMBERS:
        return node
    if wanted == ListOf(DECIMAL) and isinstance(node.type, ListOf) and node.type.item in NUMBERS:
        return node
    if wanted == ANY:
        return node
    return fit(node, wanted)


def join(nodes: list[Node]) -> list[Node] | None:
    """Find the one type that several values fit.

    Args:
        nodes: at least one typed value.

    Returns:
        The values, all of that type, which is `any` where one of them is null; None when there is none.
    """
    kinds = [node.type for node in nodes]
    if NULL in kinds:
        return [replace(node, type=ANY) for node in nodes]
    optional = _join_optionals(nodes)
    if optional is not None:
        return optional
    numbers = [kind for kind in NUMBERS if kind in kinds]
    if numbers == [INT] and ANY in kinds:
        numbers = [DECIMAL]  # what a free map holds may have decimal places
    known: list[Type] = (
        list(numbers[-1:]) or [kind for kind in kinds if kind != ANY and kind != ListOf(ANY)][:1] or kinds[:1]
    )
    if any(isinstance(node, Items) and node.items and node.type == ListOf(ANY) for node in nodes):
        known = [ListOf(ANY)]  # a written list of several kinds stays one
    fitted = [fit(node, known[0]) for node in nodes]
    whole = [node for node in fitted if node is not None]
    return whole if len(whole) == len(nodes) else None


def _join_optionals(nodes: list[Node]) -> list[Node] | None:
    """Find the one type of optional values; a none that is written fits all."""
    items = [
        node.type.item
        for node in nodes
        if isinstance(node.type, OptionalOf) and not (isinstance(node, Const) and node.value == NONE)
    ]
    if not items or not all(isinstance(node.type, OptionalOf) for node in nodes):
        return None
    numbers = [kind for kind in NUMBERS if kind in items]
    wanted = OptionalOf(ANY if ANY in items else numbers[-1] if numbers else items[0])
    fitted = [fit(node, wanted) for node in nodes]
    whole = [node for node in fitted if node is not None]
    return whole if len(whole) == len(nodes) else None


def comparable(left: Type, right: Type) -> bool:
    """Say whether two types can have equal values.

    Args:
        left: a type.
        right: a type.

    Returns:
        True when it makes sense to ask.
    """
    if ANY in (left, right) or left == right or (left in NUMBERS and right in NUMBERS):
        return True
    if isinstance(left, ListOf) and isinstance(right, ListOf):
        return comparable(left.item, right.item)
    if isinstance(left, OptionalOf) and isinstance(right, OptionalOf):
        return comparable(left.item, right.item)
    if isinstance(left, MapOf) and isinstance(right, MapOf):
        return comparable(left.key, right.key) and comparable(left.value, right.value)
    return False
