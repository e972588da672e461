"""From the tree as written to the typed tree: names, fields, functions, macros."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from guerdon.rules.expressions import syntax, tree
from guerdon.rules.expressions.checking import operators
from guerdon.rules.expressions.checking.conversions import AS_ITEMS, AS_SIZED, accepts, apply, fit, join
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.checking.signatures import SIGNATURES, Signature
from guerdon.rules.expressions.errors import Failure, Misplaced, nearest
from guerdon.rules.expressions.runtime import dynamic
from guerdon.rules.expressions.runtime.instants import PARTS, zone_of
from guerdon.rules.expressions.runtime.patterns import pattern
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    DECIMAL,
    INT,
    NULL,
    STRING,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
    layers,
)

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
SPECIAL = frozenset({"has", "default", "orValue"})
_LAYERS = 8
_AT = tree.Operation("[]", dynamic.at)
_AT_ANY = tree.Operation("[]", dynamic.at_any)
_KEY = tree.Operation(".", dynamic.field)


class Checker:
    """Types one expression."""

    def __init__(self, environment: Environment) -> None:
        """Begin.

        Args:
            environment: the names that the expression sees.
        """
        self.reads: set[str] = set()
        self._environment = environment
        self._variables: dict[str, tree.Variable] = {}
        self._slots = 0
        self._typers: dict[type[syntax.Syntax], Callable[[Any], tree.Node]] = {
            syntax.Literal: self._literal,
            syntax.Name: self._path,
            syntax.Select: self._path,
            syntax.Index: self._path,
            syntax.Call: self._call,
            syntax.ListLiteral: self._list,
            syntax.MapLiteral: self._map,
            syntax.Unary: self._unary,
            syntax.Chain: self._chain,
            syntax.Relation: self._relation,
            syntax.Logic: self._logic,
            syntax.Ternary: self._ternary,
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

    def check(self, written: syntax.Syntax) -> tree.Node:
        """Type one part.

        Args:
            written: the part as written.

        Returns:
            The typed part.

        Raises:
            Misplaced: any error of names or types.
        """
        return self._typers[type(written)](written)

    def _literal(self, written: syntax.Literal) -> tree.Node:
        value = written.value
        kinds: dict[type, Type] = {bool: BOOL, int: INT, str: STRING, type(None): NULL}
        return tree.Const(kinds.get(type(value), DECIMAL), written.span, value)

    # Paths

    def _path(self, written: syntax.Syntax) -> tree.Node:
        node = self._walk(written)
        path = _dotted(node)
        if path is not None:
            self.reads.add(path)
        return node

    def _walk(self, written: syntax.Syntax) -> tree.Node:
        if isinstance(written, syntax.Name):
            return self._name(written)
        if isinstance(written, syntax.Select):
            return self._select(self._walk(written.base), written.name, written.span)
        if isinstance(written, syntax.Index):
            return self._index(written)
        return self.check(written)

    def _name(self, written: syntax.Name) -> tree.Node:
        variable = self._variables.get(written.name)
        if variable is not None:
            return tree.Variable(variable.type, written.span, variable.slot, variable.name)
        kind = self._environment.roots.fields.get(written.name)
        if kind is None:
            raise _unknown(
                "unknown_name",
                written.name,
                [*self._variables, *self._environment.roots.fields],
                written.span,
            )
        return tree.Root(kind, written.span, written.name)

    def _select(self, base: tree.Node, name: str, span: Span) -> tree.Node:
        kind = base.type
        if isinstance(kind, (Record, Namespace)):
            found = kind.fields.get(name)
            if found is None:
                code = "unknown_field" if isinstance(kind, Record) else "unknown_name"
                raise _unknown(code, name, kind.fields, span, f"{kind.name}.")
            return tree.Field(found, span, base, name, by_item=isinstance(kind, Namespace))
        if isinstance(kind, MapOf) and kind.key in (STRING, ANY):
            return tree.Field(kind.value, span, base, name, by_item=True)
        if kind == ANY:
            return tree.Field(ANY, span, base, name, by_item=True)
        if name in SIGNATURES:
            raise Misplaced("type_mismatch", f"{name} is a function; call it with {name}()", span)
        raise Misplaced("unknown_field", f"{describe(kind)} has no fields, so there is no {name!r}", span)

    def _index(self, written: syntax.Index) -> tree.Node:
        literal = written.key.value if isinstance(written.key, syntax.Literal) else None
        if isinstance(literal, str):
            base = self._walk(written.base)
            if base.type == ANY or isinstance(base.type, (Namespace, MapOf)):
                return self._select(base, literal, written.span)
        base, key = self._path(written.base), self.check(written.key)
        if isinstance(base.type, ListOf):
            whole = fit(key, INT)
            if whole is None:
                raise Misplaced(
                    "type_mismatch", f"a list is indexed by an int, not {describe(key.type)}", written.span
                )
            return tree.Apply(base.type.item, written.span, _AT, (base, whole))
        if isinstance(base.type, MapOf):
            fitted = fit(key, base.type.key)
            if fitted is None:
                raise Misplaced(
                    "type_mismatch", f"the keys are {base.type.key}, not {key.type}", written.span
                )
            return tree.Apply(base.type.value, written.span, _KEY, (base, fitted))
        if base.type == ANY:
            return tree.Apply(ANY, written.span, _AT_ANY, (base, key))
        raise Misplaced("type_mismatch", f"{describe(base.type)} cannot be indexed like this", written.span)

    # Literals of several parts

    def _list(self, written: syntax.ListLiteral) -> tree.Node:
        items = [self.check(item) for item in written.items]
        if not items:
            return tree.Items(ListOf(ANY), written.span, ())
        return tree.Items(*self._joined(ListOf, items, written.span))

    def _joined(
        self, wrap: Callable[[Type], Type], items: list[tree.Node], span: Span
    ) -> tuple[Type, Span, tuple[tree.Node, ...]]:
        alike = join(items)
        if alike is None or alike[0].type == NULL:
            raise Misplaced("type_mismatch", f"the items must be alike, not {_listed(items)}", span)
        kind = wrap(alike[0].type)
        if layers(kind) > _LAYERS:
            raise Misplaced("too_deep", f"lists and maps may lie {_LAYERS} deep in each other", span)
        return kind, span, tuple(alike)

    def _map(self, written: syntax.MapLiteral) -> tree.Node:
        if not written.pairs:
            return tree.Pairs(MapOf(STRING, ANY), written.span, ())
        keys = [self.check(key) for key, _ in written.pairs]
        values = [self.check(value) for _, value in written.pairs]
        if len({key.type for key in keys}) > 1 or keys[0].type not in (STRING, INT, BOOL):
            raise Misplaced(
                "type_mismatch", f"keys are all string, int or bool, not {_listed(keys)}", written.span
            )
        known = [key.value for key in keys if isinstance(key, tree.Const)]
        if len(set(known)) < len(known):
            raise Misplaced("type_mismatch", "a key of this map stands twice", written.span)
        kind, span, alike = self._joined(lambda value: MapOf(keys[0].type, value), values, written.span)
        return tree.Pairs(kind, span, tuple(zip(keys, alike, strict=True)))

    # Operators

    def _unary(self, written: syntax.Unary) -> tree.Node:
        operand = self.check(written.operand)
        if written.sign == "-":
            return operators.negated(written.span, operand)
        return apply(operators.NOT, BOOL, written.span, self._truth(operand, "!"))

    def _truth(self, node: tree.Node, sign: str) -> tree.Node:
        fitted = fit(node, BOOL)
        if fitted is None:
            raise Misplaced("type_mismatch", f"{sign} needs a bool, not {describe(node.type)}", node.span)
        return fitted

    def _chain(self, written: syntax.Chain) -> tree.Node:
        node = self.check(written.first)
        for sign, span, part in written.rest:
            node = operators.arithmetic(sign, span, node, self.check(part))
        return node

    def _relation(self, written: syntax.Relation) -> tree.Node:
        left, right = self.check(written.left), self.check(written.right)
        return operators.relation(written.sign, written.span, left, right)

    def _logic(self, written: syntax.Logic) -> tree.Node:
        terms = tuple(self._truth(self.check(term), written.sign) for term in written.terms)
        return tree.Junction(BOOL, written.span, written.sign == "&&", terms)

    def _ternary(self, written: syntax.Ternary) -> tree.Node:
        test = self._truth(self.check(written.test), "?")
        both = [self.check(written.then), self.check(written.other)]
        alike = join(both)
        if alike is None or alike[0].type == NULL:
            raise Misplaced(
                "type_mismatch", f"both results must be alike, not {_listed(both)}", written.other.span
            )
        return tree.Choice(alike[0].type, written.span, test, alike[0], alike[1])

    # Calls

    def _call(self, written: syntax.Call) -> tree.Node:
        if written.name in MACROS and written.target is not None:
            return self._loop(written)
        if written.name in SPECIAL:
            return self._special(written)
        signatures = SIGNATURES.get(written.name)
        target = [] if written.target is None else [self.check(written.target)]
        if signatures is None:
            raise _unknown("unknown_function", written.name, [*SIGNATURES, *MACROS, *SPECIAL], written.span)
        args = target + [self.check(arg) for arg in written.args]
        if written.name in ("min", "max") and written.target is None and len(args) > 1:
            args = [tree.Items(*self._joined(ListOf, args, written.span))]
        form = "free" if written.target is None else "method"
        if written.name == "size" and len(args) == 1 and args[0].type == ANY:
            args = [tree.Apply(ListOf(ANY), written.span, AS_SIZED, tuple(args))]
        for signature in signatures:
            found = self._matched(signature, form, args, written)
            if found is not None:
                return found
        raise _unfit(written, signatures, args)

    def _matched(
        self, signature: Signature, form: str, args: list[tree.Node], written: syntax.Call
    ) -> tree.Node | None:
        if signature.form not in (form, "either") or len(args) != len(signature.params):
            return None
        fitted = [fit(arg, param) for arg, param in zip(args, signature.params, strict=True)]
        known = [node for node in fitted if node is not None]
        if len(known) != len(args):
            return None
        if signature.zoned:
            known.append(tree.Const(ANY, written.span, self._environment.zone))
        node = apply(signature.operation, signature.result or known[0].type, written.span, *known)
        _refuse_bad_constant(node, written.name)
        return node

    def _special(self, written: syntax.Call) -> tree.Node:
        parts = [*(() if written.target is None else (written.target,)), *written.args]
        name = written.name
        wanted = 1 if name == "has" else 2
        is_method = written.target is not None
        if len(parts) != wanted or is_method != (name == "orValue"):
            forms = {
                "has": "has(a.b)",
                "default": "default(a.b, fallback)",
                "orValue": "a.b.orValue(fallback)",
            }
            raise Misplaced("type_mismatch", f"write {forms[name]}", written.span)
        if not isinstance(parts[0], (syntax.Select, syntax.Index, syntax.Name)):
            raise Misplaced("type_mismatch", f"{name} asks about a field, such as a.b", parts[0].span)
        path = self.check(parts[0])
        if name == "has":
            return tree.Has(BOOL, written.span, path)
        fallback = self.check(parts[1])
        alike = join([path, fallback])
        if alike is None or fallback.type == NULL:
            detail = f"the fallback must be {describe(path.type)}, not {describe(fallback.type)}"
            raise Misplaced("type_mismatch", detail, parts[1].span)
        return tree.Default(alike[0].type, written.span, alike[0], alike[1])

    # Macros

    def _loop(self, written: syntax.Call) -> tree.Node:
        if written.target is None:
            raise TypeError("a macro has a target")
        name = "exists_one" if written.name == "existsOne" else written.name
        counts = (2, 3) if name == "map" else (2,)
        variable = written.args[0] if written.args else None
        if len(written.args) not in counts or not isinstance(variable, syntax.Name):
            raise Misplaced(
                "type_mismatch", f"write list.{name}(x, … x …), where x names each item", written.span
            )
        source = self.check(written.target)
        if source.type == ANY:
            source = tree.Apply(ListOf(ANY), written.target.span, AS_ITEMS, (source,))
        item = _item(source.type)
        if item is None:
            raise Misplaced(
                "type_mismatch", f"{name} needs a list or a map, not {describe(source.type)}", written.span
            )
        slot, self._slots = self._slots, self._slots + 1
        outer = self._variables
        self._variables = {**outer, variable.name: tree.Variable(item, variable.span, slot, variable.name)}
        parts = [self.check(arg) for arg in written.args[1:]]
        self._variables = outer
        body = parts.pop() if name == "map" else None
        test = self._truth(parts[0], name) if parts else None
        kind = self._loop_type(name, item, body, written.span)
        return tree.Loop(kind, written.span, name, source, slot, test, body)

    def _loop_type(self, name: str, item: Type, body: tree.Node | None, span: Span) -> Type:
        if name == "filter":
            return ListOf(item)
        if body is None:
            return BOOL
        return self._joined(ListOf, [body], span)[0]


def _item(kind: Type) -> Type | None:
    return kind.item if isinstance(kind, ListOf) else kind.key if isinstance(kind, MapOf) else None


def _dotted(node: tree.Node) -> str | None:
    names: list[str] = []
    while isinstance(node, tree.Field):
        names.append(node.name)
        node = node.base
    if not isinstance(node, tree.Root):
        return None
    return ".".join([node.name, *reversed(names)])


def _listed(nodes: list[tree.Node]) -> str:
    return " and ".join(sorted({str(node.type) for node in nodes}))


def _unknown(code: str, word: str, known: Iterable[str], span: Span, prefix: str = "") -> Misplaced:
    suggestion = nearest(word, known)
    noun = {"unknown_name": "name", "unknown_field": "field", "unknown_function": "function"}[code]
    hint = f"; did you mean {prefix}{suggestion}?" if suggestion else ""
    return Misplaced(code, f"there is no {noun} {prefix}{word}{hint}", span, suggestion)


def _unfit(written: syntax.Call, signatures: list[Signature], args: list[tree.Node]) -> Misplaced:
    found = ", ".join(str(arg.type) for arg in args)
    ways = sorted({_way(written.name, signature) for signature in signatures})
    return Misplaced(
        "type_mismatch", f"{written.name} takes {' or '.join(ways)}, not ({found})", written.span
    )


def _way(name: str, signature: Signature) -> str:
    params = [str(param) for param in signature.params]
    if signature.form == "free":
        return f"{name}({', '.join(params)})"
    return f"{params[0]}.{name}({', '.join(params[1:])})"


def _refuse_bad_constant(node: tree.Node, name: str) -> None:
    """Say now what a constant argument decides: a wrong date, pattern or zone is an error of the author."""
    if not isinstance(node, tree.Apply) or not isinstance(node.args[-1], tree.Const):
        return
    constants = [arg.value for arg in node.args if isinstance(arg, tree.Const)]
    try:
        if name in ("timestamp", "duration") and len(constants) == len(node.args):
            node.operation.run(*constants)
        elif name == "matches":
            pattern(constants[-1])
        elif name in PARTS and isinstance(constants[-1], str):
            zone_of(constants[-1])
    except Failure as failure:
        raise Misplaced(failure.code, failure.detail, node.span) from failure
