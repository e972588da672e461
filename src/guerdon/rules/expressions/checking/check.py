"""From the tree as written to the typed tree: names, fields, functions, macros."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from guerdon.rules.expressions import syntax, tree
from guerdon.rules.expressions.checking import operators
from guerdon.rules.expressions.checking.conversions import AS_ITEMS, AS_SIZED, accepts, apply, fit, join
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.checking.signatures import SIGNATURES, Signature
from guerdon.rules.expressions.errors import Failure, Misplaced, nearest
from guerdon.rules.expressions.runtime import dynamic
from guerdon.rules.expressions.runtime.exact import GREATEST, LEAST
from guerdon.rules.expressions.runtime.instants import PARTS, zone_of
from guerdon.rules.expressions.runtime.kinds import ALIASES, KINDS, kind_of
from guerdon.rules.expressions.runtime.patterns import pattern
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    DECIMAL,
    INT,
    NULL,
    STRING,
    TYPE,
    Environment,
    ListOf,
    MapOf,
    Namespace,
    Record,
    Type,
    layers,
)

MACROS = frozenset(
    {"all", "exists", "exists_one", "existsOne", "filter", "map", "transformList", "transformMap"}
)
SPECIAL = frozenset({"has", "default", "orValue"})
DYNAMIC = frozenset({"dyn", "type"})
WORDS = frozenset(SIGNATURES) | MACROS | SPECIAL | DYNAMIC
_LAYERS = 12
_AT = tree.Operation("[]", dynamic.at)
_AT_ANY = tree.Operation("[]", dynamic.at_any)
_KEY = tree.Operation(".", dynamic.field)
_TYPE = tree.Operation("type", kind_of)


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
        if type(value) is int and value > GREATEST:
            raise Misplaced(
                "number_too_large", "an int has 64 bits; write it with a point, as 1.0", written.span
            )
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
        if kind is None and written.name in (KINDS | ALIASES):
            return tree.Const(TYPE, written.span, (KINDS | ALIASES)[written.name])
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
            fitted = key if base.type.key == ANY else fit(key, base.type.key)
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
        alike = join(items) or [replace(item, type=ANY) for item in items]
        kind = wrap(alike[0].type)
        if layers(kind) > _LAYERS:
            raise Misplaced("too_deep", f"lists and maps may lie {_LAYERS} deep in each other", span)
        return kind, span, tuple(alike)

    def _map(self, written: syntax.MapLiteral) -> tree.Node:
        if not written.pairs:
            return tree.Pairs(MapOf(ANY, ANY), written.span, ())
        keys = [self.check(key) for key, _ in written.pairs]
        values = [self.check(value) for _, value in written.pairs]
        if any(key.type not in (STRING, INT, BOOL, ANY) for key in keys):
            detail = f"keys are string, int or bool, not {_listed(keys)}"
            raise Misplaced("type_mismatch", detail, written.span)
        kinds = {key.type for key in keys}
        sort: Type = kinds.pop() if len(kinds) == 1 else ANY
        known = [key.value for key in keys if isinstance(key, tree.Const)]
        if len(set(known)) < len(known):
            raise Misplaced("type_mismatch", "a key of this map stands twice", written.span)
        kind, span, alike = self._joined(lambda value: MapOf(sort, value), values, written.span)
        return tree.Pairs(kind, span, tuple(zip(keys, alike, strict=True)))

    # Operators

    def _unary(self, written: syntax.Unary) -> tree.Node:
        inner = written.operand
        if written.sign == "-" and isinstance(inner, syntax.Literal) and inner.value == -LEAST:
            return tree.Const(INT, written.span, LEAST)
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
        if alike is None:
            raise Misplaced(
                "type_mismatch", f"both results must be alike, not {_listed(both)}", written.other.span
            )
        return tree.Choice(alike[0].type, written.span, test, alike[0], alike[1])

    # Calls

    def _call(self, written: syntax.Call) -> tree.Node:
        way = self._own_way(written)
        if way is not None:
            return way(written)
        signatures = SIGNATURES.get(written.name)
        target = [] if written.target is None else [self.check(written.target)]
        if signatures is None:
            raise _unknown(
                "unknown_function",
                written.name,
                WORDS,
                written.span,
            )
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

    def _own_way(self, written: syntax.Call) -> Callable[[syntax.Call], tree.Node] | None:
        """Find how a call is typed that is not a plain function."""
        if written.name in MACROS and written.target is not None:
            return self._loop
        if written.name in SPECIAL:
            return self._special
        if _is_binding(written) and "cel" not in self._environment.roots.fields:
            return self._bind
        is_free = written.target is None and len(written.args) == 1
        return self._dynamic if is_free and written.name in DYNAMIC else None

    def _dynamic(self, written: syntax.Call) -> tree.Node:
        node = self.check(written.args[0])
        if written.name == "dyn":
            return replace(node, type=ANY)
        return apply(_TYPE, TYPE, written.span, node)

    def _bind(self, written: syntax.Call) -> tree.Node:
        """Type `cel.bind(name, value, body)` as a loop over the one value."""
        name, value, body = written.args
        one = syntax.ListLiteral(value.span, value.depth + 1, value.height + 1, (value,))
        macro = syntax.Call(written.span, written.depth, written.height, one, "map", (name, body))
        first = tree.Const(INT, written.span, 0)
        made = self._loop(macro)
        kind = made.type.item if isinstance(made.type, ListOf) else ANY
        return tree.Apply(kind, written.span, _AT, (made, first))

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
        kind, names, args = _macro(written)
        source = self.check(written.target)
        if source.type == ANY:
            source = tree.Apply(ListOf(ANY), written.target.span, AS_ITEMS, (source,))
            items: tuple[Type, ...] | None = (ANY,) * len(names)
        else:
            items = _items(source.type, len(names))
        if items is None:
            detail = f"{written.name} needs a list or a map, not {describe(source.type)}"
            raise Misplaced("type_mismatch", detail, written.span)
        outer = self._variables
        inner = [
            tree.Variable(item, name.span, self._slots + number, name.name)
            for number, (item, name) in enumerate(zip(items, names, strict=True))
        ]
        self._slots += len(inner)
        self._variables = {**outer, **{variable.name: variable for variable in inner}}
        parts = [self.check(arg) for arg in args]
        self._variables = outer
        body = parts.pop() if kind in ("map", "to_map") else None
        test = self._truth(parts[0], written.name) if parts else None
        result = self._loop_type(kind, items[0], body, written.span)
        second = inner[1].slot if len(inner) > 1 else None
        return tree.Loop(result, written.span, kind, source, inner[0].slot, test, body, second)

    def _loop_type(self, kind: str, item: Type, body: tree.Node | None, span: Span) -> Type:
        if kind == "filter":
            return ListOf(item)
        if body is None:
            return BOOL
        if kind == "to_map":
            return self._joined(lambda value: MapOf(item, value), [body], span)[0]
        return self._joined(ListOf, [body], span)[0]


def _macro(written: syntax.Call) -> tuple[str, list[syntax.Name], tuple[syntax.Syntax, ...]]:
    """Take a macro apart: what it does, its variables, and its other arguments."""
    kind = {"existsOne": "exists_one", "transformList": "map", "transformMap": "to_map"}.get(
        written.name, written.name
    )
    args = written.args
    most = 2 if kind in ("map", "to_map") else 1
    pairs = written.name.startswith("transform")
    count = 2 if pairs or (most == 1 and kind != "filter" and len(args) == 3) else 1
    names = [arg for arg in args[:count] if isinstance(arg, syntax.Name)]
    rest = args[count:]
    if len(names) < count or not 1 <= len(rest) <= most or len({name.name for name in names}) < count:
        shown = "key, value" if pairs else "x"
        detail = f"write list.{written.name}({shown}, …), where {shown} names each item"
        raise Misplaced("type_mismatch", detail, written.span)
    return kind, names, rest


def _items(kind: Type, count: int) -> tuple[Type, ...] | None:
    if isinstance(kind, ListOf):
        return (kind.item,) if count == 1 else (INT, kind.item)
    if isinstance(kind, MapOf):
        return (kind.key, kind.value)[:count]
    return None


def _is_binding(written: syntax.Call) -> bool:
    target = written.target
    return (
        isinstance(target, syntax.Name)
        and (target.name, written.name) == ("cel", "bind")
        and len(written.args) == 3
        and isinstance(written.args[0], syntax.Name)
    )


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
