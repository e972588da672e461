"""Typing of paths: names, fields, keys and items, certain or optional."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from guerdon.rules.expressions import syntax, tree
from guerdon.rules.expressions.checking import hints
from guerdon.rules.expressions.checking.conversions import apply, fit, join
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.checking.signatures import SIGNATURES
from guerdon.rules.expressions.errors import Misplaced
from guerdon.rules.expressions.runtime import dynamic, optionals
from guerdon.rules.expressions.runtime.kinds import ALIASES, KINDS
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    INT,
    STRING,
    TYPE,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    OptionalOf,
    Record,
    Type,
    layers,
)

_LAYERS = 12
AT = tree.Operation("[]", dynamic.at)
_AT_ANY = tree.Operation("[]", dynamic.at_any)
_KEY = tree.Operation(".", dynamic.field)
_MAYBE_FIELD = tree.Operation(".?", optionals.attribute)
_MAYBE_KEY = tree.Operation(".?", optionals.key)
_MAYBE_ITEM = tree.Operation("[?]", optionals.index)
_MAYBE_ANY = tree.Operation("[?]", optionals.either)


class Paths:
    """Types what reads a place, and keeps which places are read."""

    def __init__(self, environment: Environment) -> None:
        """Begin.

        Args:
            environment: the names that the expression sees.
        """
        self.reads: set[str] = set()
        self.environment = environment
        self.variables: dict[str, tree.Variable] = {}
        self.slots = 0
        self.typers: dict[type[syntax.Syntax], Callable[[Any], tree.Node]] = {}

    def check(self, written: syntax.Syntax) -> tree.Node:
        """Type one part.

        Args:
            written: the part as written.

        Returns:
            The typed part.

        Raises:
            Misplaced: any error of names or types.
        """
        return self.typers[type(written)](written)

    def truth(self, node: tree.Node, sign: str) -> tree.Node:
        """Insist on a truth.

        Args:
            node: typed operand.
            sign: what needs it.

        Returns:
            The operand, perhaps checked at run time.

        Raises:
            Misplaced: `type_mismatch`.
        """
        fitted = fit(node, BOOL)
        if fitted is None:
            raise Misplaced("type_mismatch", f"{sign} needs a bool, not {describe(node.type)}", node.span)
        return fitted

    def joined(
        self, wrap: Callable[[Type], Type], items: list[tree.Node], span: Span
    ) -> tuple[Type, Span, tuple[tree.Node, ...]]:
        """Find the one type of several items.

        Args:
            wrap: the type of the whole, from that of an item.
            items: typed items, at least one.
            span: where the whole stands.

        Returns:
            The type of the whole, its place, and the items made alike.

        Raises:
            Misplaced: `too_deep`.
        """
        alike = join(items) or [replace(item, type=ANY) for item in items]
        kind = wrap(alike[0].type)
        if layers(kind) > _LAYERS:
            raise Misplaced("too_deep", f"lists and maps may lie {_LAYERS} deep in each other", span)
        return kind, span, tuple(alike)

    def path(self, written: syntax.Syntax) -> tree.Node:
        """Type a path and note that it is read.

        Args:
            written: a name, a field or an item.

        Returns:
            The typed path.

        Raises:
            Misplaced: any error of names or types.
        """
        node = self._walk(written)
        path = _dotted(node)
        if path is not None:
            self.reads.add(path)
        return node

    def _walk(self, written: syntax.Syntax) -> tree.Node:
        if isinstance(written, syntax.Name):
            return self._name(written)
        if isinstance(written, syntax.Select):
            base = self._walk(written.base)
            if written.optional or isinstance(base.type, OptionalOf):
                return self._maybe(base, tree.Const(STRING, written.span, written.name), written.span)
            return self._select(base, written.name, written.span)
        if isinstance(written, syntax.Index):
            return self._index(written)
        return self.check(written)

    def _name(self, written: syntax.Name) -> tree.Node:
        variable = self.variables.get(written.name)
        if variable is not None:
            return tree.Variable(variable.type, written.span, variable.slot, variable.name)
        kind = self.environment.roots.fields.get(written.name)
        if kind is None and written.name in (KINDS | ALIASES):
            return tree.Const(TYPE, written.span, (KINDS | ALIASES)[written.name])
        if kind is None:
            known = [*self.variables, *self.environment.roots.fields]
            raise hints.unknown_root(written, known, self.environment.roots)
        return tree.Root(kind, written.span, written.name)

    def _select(self, base: tree.Node, name: str, span: Span) -> tree.Node:
        kind = base.type
        if isinstance(kind, (Record, Namespace)):
            found = kind.fields.get(name)
            if found is None:
                raise hints.unknown_field(base, kind, name, span)
            return tree.Field(found, span, base, name, by_item=isinstance(kind, Namespace))
        if isinstance(kind, MapOf) and kind.key in (STRING, ANY):
            return tree.Field(kind.value, span, base, name, by_item=True)
        if kind == ANY:
            return tree.Field(ANY, span, base, name, by_item=True)
        raise hints.no_field(base, name, span, SIGNATURES)

    def _index(self, written: syntax.Index) -> tree.Node:
        literal = written.key.value if isinstance(written.key, syntax.Literal) else None
        base = self._walk(written.base)
        if written.optional or isinstance(base.type, OptionalOf):
            return self._maybe(base, self.check(written.key), written.span)
        if isinstance(literal, str) and (base.type == ANY or isinstance(base.type, (Namespace, MapOf))):
            return self._select(base, literal, written.span)
        path = _dotted(base)
        if path is not None:
            self.reads.add(path)  # which item, only the run tells
        return self._item(base, self.check(written.key), written.span)

    def _item(self, base: tree.Node, key: tree.Node, span: Span) -> tree.Node:
        if isinstance(base.type, ListOf):
            return tree.Apply(base.type.item, span, AT, (base, _place(key, span)))
        if isinstance(base.type, MapOf):
            return tree.Apply(base.type.value, span, _KEY, (base, _fitting_key(key, base.type, span)))
        if base.type == ANY:
            return tree.Apply(ANY, span, _AT_ANY, (base, key))
        raise Misplaced("type_mismatch", f"{describe(base.type)} cannot be indexed like this", span)

    def _maybe(self, base: tree.Node, key: tree.Node, span: Span) -> tree.Node:
        """Type `base.?key` and `base[?key]`, and plain ones whose base is optional."""
        path = _dotted(base)
        name = key.value if isinstance(key, tree.Const) and isinstance(key.value, str) else None
        if path is not None:
            self.reads.add(path if name is None else f"{path}.{name}")
        kind = base.type.item if isinstance(base.type, OptionalOf) else base.type
        if isinstance(kind, (Record, Namespace)) and name is not None:
            found = self._select(replace(base, type=kind), name, span).type
            way = _MAYBE_FIELD if isinstance(kind, Record) else _MAYBE_KEY
            return tree.Apply(_flat(found), span, way, (base, key))
        if isinstance(kind, ListOf):
            return apply(_MAYBE_ITEM, _flat(kind.item), span, base, _place(key, span))
        if isinstance(kind, MapOf):
            return apply(_MAYBE_KEY, _flat(kind.value), span, base, _fitting_key(key, kind, span))
        if kind == ANY:
            way = _MAYBE_ANY if name is None else _MAYBE_KEY
            return apply(way, OptionalOf(ANY), span, base, key)
        raise Misplaced("type_mismatch", f"{describe(kind)} has nothing that could be read like this", span)


def _flat(kind: Type) -> OptionalOf:
    return kind if isinstance(kind, OptionalOf) else OptionalOf(kind)


def _place(key: tree.Node, span: Span) -> tree.Node:
    whole = fit(key, INT)
    if whole is None:
        raise Misplaced("type_mismatch", f"a list is indexed by an int, not {describe(key.type)}", span)
    return whole


def _fitting_key(key: tree.Node, kind: MapOf, span: Span) -> tree.Node:
    fitted = key if kind.key == ANY else fit(key, kind.key)
    if fitted is None:
        raise Misplaced("type_mismatch", f"the keys are {kind.key}, not {key.type}", span)
    return fitted


def _dotted(node: tree.Node) -> str | None:
    names: list[str] = []
    while isinstance(node, tree.Field):
        names.append(node.name)
        node = node.base
    if not isinstance(node, tree.Root):
        return None
    return ".".join([node.name, *reversed(names)])
