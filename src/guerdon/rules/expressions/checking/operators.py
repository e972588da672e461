"""Typing of `+ - * / %`, comparisons and `in`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions.checking.conversions import apply, comparable, fit
from guerdon.rules.expressions.errors import Misplaced
from guerdon.rules.expressions.runtime import dynamic, exact, instants
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.tree import Apply, Const, Field, Has, Items, Node, Operation, Root, Variable
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    BYTES,
    DECIMAL,
    DURATION,
    FRACTION,
    INT,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    ListOf,
    MapOf,
    Namespace,
    OptionalOf,
    Record,
    Type,
)

NOT = Operation("!", operator.not_, "not")
_WIDE = exact.GREATEST.bit_length()
_FIELD_BITS = 63
_RECIPROCAL = 10**12
_ORDERED = (*NUMBERS, BOOL, STRING, BYTES, TIMESTAMP, DURATION)
_RUN: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_PLAIN = {sign: Operation(sign, run, sign) for sign, run in _RUN.items()}
_RELATIONS = {sign: Operation(sign, run, sign) for sign, run in _COMPARE.items()}
_WHOLE = {
    "+": Operation("+", lambda left, right: exact.whole(left + right)),
    "-": Operation("-", lambda left, right: exact.whole(left - right)),
    "*": Operation("*", lambda left, right: exact.whole(left * right)),
}
_FRACTIONS = {
    "+": Operation("+", exact.sum_of_fractions),
    "-": Operation("-", exact.difference_of_fractions),
    "*": Operation("*", exact.product_of_fractions),
}
_REMAINDERS: dict[Type, Operation] = {
    INT: Operation("%", exact.whole_remainder),
    DECIMAL: Operation("%", exact.decimal_remainder),
    FRACTION: Operation("%", exact.fraction_remainder),
}
_QUOTIENT = Operation("/", exact.quotient)
_JOIN_TEXT = Operation("+", dynamic.join_text, weighs=True)
_JOIN_BYTES = Operation("+", dynamic.join_bytes, weighs=True)
_JOIN_LISTS = Operation("+", dynamic.join_lists, weighs=True)
_ADD_ANY = Operation("+", dynamic.add, weighs=True)
_TIMES: dict[tuple[str, Type, Type], tuple[Operation, Type]] = {
    ("+", TIMESTAMP, DURATION): (Operation("+", instants.later, cost=3), TIMESTAMP),
    ("+", DURATION, TIMESTAMP): (
        Operation("+", lambda length, at: instants.later(at, length), cost=3),
        TIMESTAMP,
    ),
    ("-", TIMESTAMP, DURATION): (Operation("-", instants.earlier, cost=3), TIMESTAMP),
    ("-", TIMESTAMP, TIMESTAMP): (Operation("-", instants.between, cost=3), DURATION),
    ("+", DURATION, DURATION): (Operation("+", instants.longer, cost=3), DURATION),
    ("-", DURATION, DURATION): (Operation("-", instants.shorter, cost=3), DURATION),
}
_LOOSE = {
    "==": Operation("==", dynamic.equal, weighs=True, cost=3),
    "!=": Operation("!=", dynamic.unequal, weighs=True, cost=3),
    "<": Operation("<", dynamic.less),
    "<=": Operation("<=", dynamic.less_or_equal),
    ">": Operation(">", lambda left, right: dynamic.less(right, left)),
    ">=": Operation(">=", lambda left, right: dynamic.less_or_equal(right, left)),
}
EQUAL = _RELATIONS["=="]
UNEQUAL = _RELATIONS["!="]
IN = Operation("in", lambda item, items: item in items, "in", weighs=True)
_HOLDS = Operation("in", dynamic.holds, weighs=True)
_HOLDS_NULL = Operation(
    "in", lambda _, items: any(one is None for one in dynamic.as_list(items)), weighs=True
)
_NEGATIVE = Operation("-", operator.neg, "neg")
_NEGATIVE_WHOLE = Operation("-", lambda value: exact.whole(-value))
_NULL = Operation("==", dynamic.is_null)


def describe(kind: Type) -> str:
    """Name a type in a message.

    Args:
        kind: any type.

    Returns:
        Its name with an article.
    """
    name = str(kind)
    return f"an {name}" if name[0] in "aei" else f"a {name}"


def _mismatch(sign: str, left: Node, right: Node, span: Span) -> Misplaced:
    detail = f"{sign} does not work between {describe(left.type)} and {describe(right.type)}"
    return Misplaced("type_mismatch", detail, span)


def arithmetic(sign: str, span: Span, left: Node, right: Node) -> Node:
    """Type `left sign right`.

    Args:
        sign: one of `+ - * / %`.
        span: where the sign stands.
        left: typed operand.
        right: typed operand.

    Returns:
        The typed result.

    Raises:
        Misplaced: `type_mismatch`.
    """
    timed = _TIMES.get((sign, left.type, right.type))
    if timed is not None:
        return apply(timed[0], timed[1], span, left, right)
    if sign == "+":
        joined = _joined(span, left, right)
        if joined is not None:
            return joined
    one, other = (node if node.type in NUMBERS else fit(node, DECIMAL) for node in (left, right))
    if one is None or other is None:
        raise _mismatch(sign, left, right, span)
    if sign == "/":
        return _divided(span, one, other)
    return _computed(sign, span, one, other)


def _joined(span: Span, left: Node, right: Node) -> Node | None:
    kinds = (left.type, right.type)
    if kinds == (ANY, ANY):
        return apply(_ADD_ANY, ANY, span, left, right)
    if STRING in kinds:
        one, other = fit(left, STRING), fit(right, STRING)
        return apply(_JOIN_TEXT, STRING, span, one, other) if one and other else None
    if BYTES in kinds:
        one, other = fit(left, BYTES), fit(right, BYTES)
        return apply(_JOIN_BYTES, BYTES, span, one, other) if one and other else None
    lists = [kind for kind in kinds if isinstance(kind, ListOf)]
    if lists:
        wanted = next((kind for kind in lists if kind.item != ANY), lists[0])
        one, other = fit(left, wanted), fit(right, wanted)
        if not (one and other) and len(lists) == 2:
            wanted, one, other = ListOf(ANY), left, right
        return apply(_JOIN_LISTS, wanted, span, one, other) if one and other else None
    return None


def _widest(left: Node, right: Node) -> Type:
    return max(left.type, right.type, key=NUMBERS.index)


def _computed(sign: str, span: Span, left: Node, right: Node) -> Node:
    kind = _widest(left, right)
    if sign == "%":
        one, other = fit(left, kind), fit(right, kind)
        return apply(_REMAINDERS[kind], kind, span, one or left, other or right)
    if kind == INT:
        return _whole(sign, span, left, right)
    if kind == FRACTION:
        one, other = fit(left, kind), fit(right, kind)
        return apply(_FRACTIONS[sign], kind, span, one or left, other or right)
    return apply(_PLAIN[sign], kind, span, _known(left), _known(right))


def _known(node: Node) -> Node:
    """Turn a known int into a decimal now; Python mixes an unknown one in by itself."""
    return fit(node, DECIMAL) or node if isinstance(node, Const) else node


def _bits(node: Node) -> int:
    if isinstance(node, Const):
        return int(node.value).bit_length()
    if isinstance(node, Apply):
        return node.bits
    return _FIELD_BITS if isinstance(node, Field) else _WIDE


def _whole(sign: str, span: Span, left: Node, right: Node) -> Node:
    bits = _bits(left) + _bits(right) if sign == "*" else max(_bits(left), _bits(right)) + 1
    small = bits < _WIDE
    node = apply(_PLAIN[sign] if small else _WHOLE[sign], INT, span, left, right)
    return replace(node, bits=bits) if small and isinstance(node, Apply) else node


def _divided(span: Span, left: Node, right: Node) -> Node:
    if isinstance(right, Const) and right.value and FRACTION not in (left.type, right.type):
        factor = _terminating(1 / Fraction(right.value))
        if factor is not None:
            return apply(_PLAIN["*"], DECIMAL, span, _known(left), Const(DECIMAL, right.span, factor))
    return apply(_QUOTIENT, FRACTION, span, left, right)


def _terminating(value: Fraction) -> Decimal | None:
    """Write a fraction as a short decimal, if it is one, so that dividing by 100 stays a multiplication."""
    if _RECIPROCAL % value.denominator or abs(value.numerator) > _RECIPROCAL:
        return None
    return Decimal(value.numerator * (_RECIPROCAL // value.denominator)).scaleb(-12).normalize()


def negated(span: Span, operand: Node) -> Node:
    """Type `-operand`.

    Args:
        span: where the sign stands.
        operand: typed operand.

    Returns:
        The typed result.

    Raises:
        Misplaced: `type_mismatch`.
    """
    if operand.type == INT:
        return apply(_NEGATIVE_WHOLE, INT, span, operand)
    if operand.type in (*NUMBERS, DURATION):
        return apply(_NEGATIVE, operand.type, span, operand)
    number = fit(operand, DECIMAL)
    if number is None:
        raise Misplaced("type_mismatch", f"- needs a number, not {describe(operand.type)}", span)
    return apply(_NEGATIVE, DECIMAL, span, number)


def relation(sign: str, span: Span, left: Node, right: Node) -> Node:
    """Type `left sign right`.

    Args:
        sign: a comparison or `in`.
        span: where the sign stands.
        left: typed operand.
        right: typed operand.

    Returns:
        The typed truth.

    Raises:
        Misplaced: `type_mismatch`.
    """
    if sign == "in":
        return _member(span, left, right)
    if sign in ("==", "!="):
        return _equality(sign, span, left, right)
    if left.type == ANY and right.type == ANY:
        return apply(_LOOSE[sign], BOOL, span, left, right)
    one, other = (
        fit(node, against.type if against.type in (STRING, BYTES) else DECIMAL) if node.type == ANY else node
        for node, against in ((left, right), (right, left))
    )
    if one is None or other is None or not comparable(one.type, other.type) or one.type not in _ORDERED:
        raise _mismatch(sign, left, right, span)
    return apply(_RELATIONS[sign], BOOL, span, *_alike(one, other))


def _alike(left: Node, right: Node) -> tuple[Node, Node]:
    """Turn a known int that meets a decimal into a decimal now, which is faster at each evaluation."""
    if {left.type, right.type} == {INT, DECIMAL}:
        return _known(left), _known(right)
    return left, right


def is_path(node: Node) -> bool:
    """Say whether a node reads a place that may be empty.

    Args:
        node: typed node.

    Returns:
        True for a field, a key or a loop's variable.
    """
    return isinstance(node, (Field, Variable, Root)) or (
        isinstance(node, Apply) and node.operation.name in ("[]", ".")
    )


def _equality(sign: str, span: Span, left: Node, right: Node) -> Node:
    if NULL in (left.type, right.type):
        return _nullity(sign, span, left, right)
    if not comparable(left.type, right.type) or isinstance(left.type, (Record, Namespace)):
        raise _mismatch(sign, left, right, span)
    kinds = (left.type, right.type)
    if isinstance(left.type, (ListOf, MapOf, OptionalOf)) or (ANY in kinds and STRING not in kinds):
        return apply(_LOOSE[sign], BOOL, span, left, right)
    return apply(_RELATIONS[sign], BOOL, span, *_alike(left, right))


def _nullity(sign: str, span: Span, left: Node, right: Node) -> Node:
    path = left if right.type == NULL else right
    if path.type == NULL:
        return Const(BOOL, span, sign == "==")
    if not is_path(path):
        return _written_null(sign, span, path)
    has = Has(BOOL, span, path)
    return has if sign == "!=" else Apply(BOOL, span, NOT, (has,))


def _written_null(sign: str, span: Span, node: Node) -> Node:
    if node.type != ANY:
        raise Misplaced("type_mismatch", f"only a field can be null, not {describe(node.type)}", span)
    both = Apply(BOOL, span, _NULL, (node, Const(NULL, span, None)))
    return both if sign == "==" else Apply(BOOL, span, NOT, (both,))


def _member(span: Span, left: Node, right: Node) -> Node:
    kind = right.type
    if left.type == NULL and (kind == ANY or isinstance(kind, ListOf)):
        return Apply(BOOL, span, _HOLDS_NULL, (left, right))
    if kind == ANY:
        return apply(_HOLDS, BOOL, span, left, right)
    item = kind.item if isinstance(kind, ListOf) else kind.key if isinstance(kind, MapOf) else None
    if item is None:
        hint = "; for a text within a text write text.contains(part)" if kind == STRING else ""
        raise Misplaced("type_mismatch", f"in needs a list or a map, not {describe(kind)}{hint}", span)
    if not comparable(left.type, item):
        raise _mismatch("in", left, right, span)
    if ANY in (left.type, item) or isinstance(item, (ListOf, MapOf, OptionalOf)):
        return apply(_HOLDS, BOOL, span, left, right)
    return apply(IN, BOOL, span, left, _frozen(right))


def _frozen(node: Node) -> Node:
    """Build a written list of constants once, when the expression is compiled."""
    if not isinstance(node, Items) or not all(isinstance(item, Const) for item in node.items):
        return node
    values = [item.value for item in node.items if isinstance(item, Const)]
    texts = node.type == ListOf(STRING)
    return Const(node.type, node.span, frozenset(values) if texts else tuple(values))
