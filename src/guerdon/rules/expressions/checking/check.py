"""From the tree as written to the typed tree: names, fields, functions, macros."""

from __future__ import annotations

from guerdon.rules.expressions import syntax, tree
from guerdon.rules.expressions.checking import hints, operators
from guerdon.rules.expressions.checking.calls import Calls
from guerdon.rules.expressions.checking.conversions import accepts, apply, join
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.errors import Misplaced
from guerdon.rules.expressions.runtime import optionals
from guerdon.rules.expressions.runtime.exact import GREATEST, LEAST
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    BYTES,
    DECIMAL,
    INT,
    NULL,
    STRING,
    Environment,
    ListOf,
    MapOf,
    OptionalOf,
    Type,
)

_COLLECT = tree.Operation("[?]", optionals.present_items)
_COLLECT_PAIRS = tree.Operation("{?}", optionals.present_entries)
_SOME = tree.Operation("optional.of", optionals.some)
_SOME_NULL = tree.Operation("optional.of", optionals.some_null)


class Checker(Calls):
    """Types one expression."""

    def __init__(self, environment: Environment) -> None:
        """Begin.

        Args:
            environment: the names that the expression sees.
        """
        super().__init__(environment)
        self.typers = {
            syntax.Literal: self._literal,
            syntax.Name: self.path,
            syntax.Select: self.path,
            syntax.Index: self.path,
            syntax.Call: self.call,
            syntax.ListLiteral: self._list,
            syntax.MapLiteral: self._map,
            syntax.Unary: self._unary,
            syntax.Chain: self._chain,
            syntax.Relation: self._relation,
            syntax.Logic: self._logic,
            syntax.Ternary: self._ternary,
            syntax.Maybe: self._misplaced_maybe,
        }

    def whole(self, written: syntax.Syntax, expects: Type | None) -> tree.Node:
        """Type the whole expression.

        Args:
            written: its tree as written.
            expects: the type that its user needs, None for any.

        Returns:
            The typed tree.

        Raises:
            Misplaced: any error of names or types.
        """
        node = self.check(written)
        if expects is None:
            return node
        fitted = accepts(node, expects)
        if fitted is None:
            detail = f"this must be {describe(expects)}, but it is {describe(node.type)}"
            raise Misplaced("type_mismatch", detail, written.span)
        return fitted

    def _literal(self, written: syntax.Literal) -> tree.Node:
        value = written.value
        if type(value) is int and value > GREATEST:
            raise Misplaced(
                "number_too_large", "an int has 64 bits; write it with a point, as 1.0", written.span
            )
        kinds: dict[type, Type] = {bool: BOOL, int: INT, str: STRING, bytes: BYTES, type(None): NULL}
        return tree.Const(kinds.get(type(value), DECIMAL), written.span, value)

    # Literals of several parts

    def _list(self, written: syntax.ListLiteral) -> tree.Node:
        if not written.items:
            return tree.Items(ListOf(ANY), written.span, ())
        if any(isinstance(item, syntax.Maybe) for item in written.items):
            items = [self._maybe_item(item) for item in written.items]
            kind, span, alike = self.joined(ListOf, items, written.span)
            gathered = tree.Items(kind, span, alike)
            return tree.Apply(ListOf(_inside(alike[0].type)), span, _COLLECT, (gathered,))
        return tree.Items(*self.joined(ListOf, [self.check(item) for item in written.items], written.span))

    def _maybe_item(self, written: syntax.Syntax) -> tree.Node:
        """Type an item of a list, or a value of a map, where others may be absent."""
        if not isinstance(written, syntax.Maybe):
            node = self.check(written)
            way = _SOME_NULL if node.type == NULL else _SOME
            return apply(way, OptionalOf(ANY if node.type == NULL else node.type), node.span, node)
        node = self.check(written.value)
        if not isinstance(node.type, OptionalOf):
            detail = f"? stands before an optional value, such as ?a.?b, not before {describe(node.type)}"
            raise Misplaced("type_mismatch", detail, written.span)
        return node

    def _map(self, written: syntax.MapLiteral) -> tree.Node:
        if not written.pairs:
            return tree.Pairs(MapOf(ANY, ANY), written.span, ())
        maybe = any(isinstance(key, syntax.Maybe) for key, _ in written.pairs)
        keys = [self.check(key.value if isinstance(key, syntax.Maybe) else key) for key, _ in written.pairs]
        values = [self._value(key, value) if maybe else self.check(value) for key, value in written.pairs]
        if any(key.type not in (STRING, INT, BOOL, ANY) for key in keys):
            detail = f"keys are string, int or bool, not {_listed(keys)}"
            raise Misplaced("type_mismatch", detail, written.span)
        kinds = {key.type for key in keys}
        sort: Type = kinds.pop() if len(kinds) == 1 else ANY
        known = [key.value for key in keys if isinstance(key, tree.Const)]
        if len(set(known)) < len(known):
            raise Misplaced("type_mismatch", "a key of this map stands twice", written.span)
        kind, span, alike = self.joined(lambda value: MapOf(sort, value), values, written.span)
        pairs = tree.Pairs(kind, span, tuple(zip(keys, alike, strict=True)))
        if not maybe:
            return pairs
        return tree.Apply(MapOf(sort, _inside(alike[0].type)), span, _COLLECT_PAIRS, (pairs,))

    def _value(self, key: syntax.Syntax, value: syntax.Syntax) -> tree.Node:
        """Type a value of a map in which some keys may be left out."""
        if isinstance(key, syntax.Maybe):
            value = syntax.Maybe(value.span, value.depth, value.height, value)
        return self._maybe_item(value)

    def _misplaced_maybe(self, written: syntax.Maybe) -> tree.Node:
        raise Misplaced("syntax_error", "? stands before an item of a list or a key of a map", written.span)

    # Operators

    def _unary(self, written: syntax.Unary) -> tree.Node:
        inner = written.operand
        if written.sign == "-" and isinstance(inner, syntax.Literal) and inner.value == -LEAST:
            return tree.Const(INT, written.span, LEAST)
        operand = self.check(written.operand)
        if written.sign == "-":
            return operators.negated(written.span, operand)
        return apply(operators.NOT, BOOL, written.span, self.truth(operand, "!"))

    def _chain(self, written: syntax.Chain) -> tree.Node:
        node = self.check(written.first)
        for sign, span, part in written.rest:
            node = operators.arithmetic(sign, span, node, self.check(part))
        return node

    def _relation(self, written: syntax.Relation) -> tree.Node:
        left = self.check(written.left)
        right = self._compared(left, written.right)
        try:
            return operators.relation(written.sign, written.span, left, right)
        except Misplaced as error:
            raise hints.of_relation(error, written, left, right) from None

    def _compared(self, left: tree.Node, written: syntax.Syntax) -> tree.Node:
        try:
            return self.check(written)
        except Misplaced as error:
            if left.type != STRING or not isinstance(written, syntax.Name):
                raise
            raise hints.unquoted(error, written) from None

    def _logic(self, written: syntax.Logic) -> tree.Node:
        terms = tuple(self.truth(self.check(term), written.sign) for term in written.terms)
        return tree.Junction(BOOL, written.span, written.sign == "&&", terms)

    def _ternary(self, written: syntax.Ternary) -> tree.Node:
        test = self.truth(self.check(written.test), "?")
        both = [self.check(written.then), self.check(written.other)]
        alike = join(both)
        if alike is None:
            raise Misplaced(
                "type_mismatch", f"both results must be alike, not {_listed(both)}", written.other.span
            )
        return tree.Choice(alike[0].type, written.span, test, alike[0], alike[1])


def _inside(kind: Type) -> Type:
    return kind.item if isinstance(kind, OptionalOf) else ANY


def _listed(nodes: list[tree.Node]) -> str:
    return " and ".join(sorted({str(node.type) for node in nodes}))
