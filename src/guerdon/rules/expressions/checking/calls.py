"""Typing of calls: functions, macros, optional values and names for values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from guerdon.rules.expressions import syntax, tree
from guerdon.rules.expressions.checking import hints
from guerdon.rules.expressions.checking.conversions import AS_ITEMS, AS_SIZED, apply, fit, join
from guerdon.rules.expressions.checking.families import FAMILIES
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.checking.paths import AT, Paths
from guerdon.rules.expressions.checking.signatures import SIGNATURES, Signature
from guerdon.rules.expressions.errors import Failure, Misplaced
from guerdon.rules.expressions.runtime import lists, optionals
from guerdon.rules.expressions.runtime.instants import PARTS, zone_of
from guerdon.rules.expressions.runtime.kinds import NONE, kind_of
from guerdon.rules.expressions.runtime.wording.patterns import pattern
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    INT,
    NULL,
    TYPE,
    ListOf,
    MapOf,
    OptionalOf,
    Type,
)

MACROS = frozenset(
    {"all", "exists", "exists_one", "existsOne", "filter", "map", "transformList", "transformMap", "sortBy"}
)
SPECIAL = frozenset({"has", "default", "orValue"})
DYNAMIC = frozenset({"dyn", "type"})
MAYBE = frozenset({"or", "value", "hasValue", "optMap", "optFlatMap"})
MAKERS = frozenset({"of", "none", "ofNonZeroValue"})
WORDS = frozenset(SIGNATURES) | MACROS | SPECIAL | DYNAMIC | MAYBE
NAMED = frozenset(f"{family}.{name}" for family, functions in FAMILIES.items() for name in functions)
_TYPE = tree.Operation("type", kind_of)
_SOME = tree.Operation("optional.of", optionals.some)
_SOME_NULL = tree.Operation("optional.of", optionals.some_null)
_NON_ZERO = tree.Operation("optional.ofNonZeroValue", optionals.some_unless_zero)
_HAS_VALUE = tree.Operation("hasValue", optionals.has_value)
_VALUE = tree.Operation("value", optionals.value_of)
_ITEMS = tree.Operation("items", optionals.items_of)
_FIRST = tree.Operation("optMap", optionals.first_of_loop)
_FLAT_FIRST = tree.Operation("optFlatMap", optionals.flat_first)
_BY_KEY = tree.Operation("sortBy", lists.ordered_by_key, weighs=True)


class Calls(Paths):
    """Types calls."""

    def call(self, written: syntax.Call) -> tree.Node:
        """Type a call.

        Args:
            written: the call.

        Returns:
            The typed result.

        Raises:
            Misplaced: any error of names or types.
        """
        way = self._own_way(written)
        if way is not None:
            return way(written)
        signatures = SIGNATURES.get(written.name)
        target = [] if written.target is None else [self.check(written.target)]
        if signatures is None:
            raise hints.unknown_function(written, WORDS)
        args = target + [self.check(arg) for arg in written.args]
        form = "free" if written.target is None else "method"
        if written.name in ("min", "max") and written.target is None and len(args) > 1:
            args = [tree.Items(*self.joined(ListOf, args, written.span))]
        if written.name == "size" and len(args) == 1 and args[0].type == ANY:
            args = [tree.Apply(ListOf(ANY), written.span, AS_SIZED, tuple(args))]
        return self._fitting(signatures, form, args, written)

    def _fitting(
        self, signatures: Iterable[Signature], form: str, args: list[tree.Node], written: syntax.Call
    ) -> tree.Node:
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
            known.append(tree.Const(ANY, written.span, self.environment.zone))
        result = signature.result
        kind = result if isinstance(result, Type) else known[0].type if result is None else result(known)
        node = apply(signature.operation, kind, written.span, *known)
        _refuse_bad_constant(node, written.name)
        return node

    def _own_way(self, written: syntax.Call) -> Callable[[syntax.Call], tree.Node] | None:
        """Find how a call is typed that is not a plain function."""
        first = written.target.name if isinstance(written.target, syntax.Name) else ""
        if first and first not in self.variables and first not in self.environment.roots.fields:
            if first in FAMILIES:
                return self._family
            if first == "optional":
                return self._made
            if _is_binding(written):
                return self._bind
        if written.name in MACROS and written.target is not None:
            return self._loop
        if written.name in SPECIAL:
            return self._special
        if written.name in MAYBE and written.target is not None:
            return self._maybe_call
        is_free = written.target is None and len(written.args) == 1
        return self._dynamic if is_free and written.name in DYNAMIC else None

    def _dynamic(self, written: syntax.Call) -> tree.Node:
        node = self.check(written.args[0])
        if written.name == "dyn":
            return replace(node, type=ANY)
        return apply(_TYPE, TYPE, written.span, node)

    def _family(self, written: syntax.Call) -> tree.Node:
        family = written.target.name if isinstance(written.target, syntax.Name) else ""
        signatures = FAMILIES[family].get(written.name)
        if signatures is None:
            raise hints.unknown(
                "unknown_function", written.name, FAMILIES[family], written.span, f"{family}."
            )
        args = [self.check(arg) for arg in written.args]
        if written.name in ("greatest", "least"):
            is_list = len(args) == 1 and isinstance(args[0].type, ListOf)
            args = args if is_list or not args else [tree.Items(*self.joined(ListOf, args, written.span))]
        return self._fitting(signatures, "free", args, written)

    def _bind(self, written: syntax.Call) -> tree.Node:
        """Type `cel.bind(name, value, body)` as a loop over the one value."""
        name, value, body = written.args
        one = syntax.ListLiteral(value.span, value.depth + 1, value.height + 1, (value,))
        macro = syntax.Call(written.span, written.depth, written.height, one, "map", (name, body))
        first = tree.Const(INT, written.span, 0)
        made = self._loop(macro)
        kind = made.type.item if isinstance(made.type, ListOf) else ANY
        return tree.Apply(kind, written.span, AT, (made, first))

    # What may be absent

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
        path = self.check(parts[0])
        if name == "orValue" and isinstance(path.type, OptionalOf):
            return self._or_else(path, path.type.item, parts[1], written.span)
        if not isinstance(parts[0], (syntax.Select, syntax.Index, syntax.Name)):
            raise Misplaced("type_mismatch", f"{name} asks about a field, such as a.b", parts[0].span)
        if name == "has":
            is_maybe = isinstance(path, tree.Apply) and path.operation.name in (".?", "[?]")
            return (
                apply(_HAS_VALUE, BOOL, written.span, path)
                if is_maybe
                else tree.Has(BOOL, written.span, path)
            )
        alike = self._with_fallback(path, self.check(parts[1]), parts[1].span)
        return tree.Default(alike[0].type, written.span, alike[0], alike[1])

    def _with_fallback(self, value: tree.Node, fallback: tree.Node, span: Span) -> list[tree.Node]:
        alike = join([value, fallback])
        if alike is None or fallback.type == NULL:
            detail = f"the fallback must be {describe(value.type)}, not {describe(fallback.type)}"
            raise Misplaced("type_mismatch", detail, span)
        return alike

    def _or_else(self, optional: tree.Node, item: Type, other: syntax.Syntax, span: Span) -> tree.Node:
        """Type `optional.orValue(other)`: both are brought to one type inside of the optional value."""
        fallback = self.check(other)
        if _is_none(optional):
            return tree.OrElse(fallback.type, span, optional, fallback, unwraps=True)
        probe = tree.Variable(item, optional.span, -1, "")
        wanted, same = self._with_fallback(probe, fallback, other.span)
        fitted = fit(optional, OptionalOf(wanted.type))
        if fitted is None:
            return tree.OrElse(ANY, span, optional, replace(fallback, type=ANY), unwraps=True)
        return tree.OrElse(wanted.type, span, fitted, same, unwraps=True)

    def _made(self, written: syntax.Call) -> tree.Node:
        if written.name not in MAKERS:
            raise hints.unknown("unknown_function", written.name, MAKERS, written.span, "optional.")
        if len(written.args) != (0 if written.name == "none" else 1):
            form = "optional.none()" if written.name == "none" else f"optional.{written.name}(value)"
            raise Misplaced("type_mismatch", f"write {form}", written.span)
        if written.name == "none":
            return tree.Const(OptionalOf(ANY), written.span, NONE)
        value = self.check(written.args[0])
        is_null = value.type == NULL
        if is_null and written.name != "of":
            return tree.Const(OptionalOf(ANY), written.span, NONE)
        way = _SOME_NULL if is_null else _SOME if written.name == "of" else _NON_ZERO
        return apply(way, OptionalOf(ANY if is_null else value.type), written.span, value)

    def _maybe_call(self, written: syntax.Call) -> tree.Node:
        if written.target is None:
            raise TypeError("a method has a target")
        target = self.check(written.target)
        kind = target.type
        if not isinstance(kind, OptionalOf):
            detail = f"{written.name} works on an optional value, such as a.?b, not on {describe(kind)}"
            raise Misplaced("type_mismatch", detail, written.span)
        counts = {"or": 1, "optMap": 2, "optFlatMap": 2}
        if len(written.args) != counts.get(written.name, 0):
            forms = {"or": "or(other)", "optMap": "optMap(x, …)", "optFlatMap": "optFlatMap(x, …)"}
            form = forms.get(written.name, f"{written.name}()")
            raise Misplaced("type_mismatch", f"write a.?b.{form}", written.span)
        if written.name in ("hasValue", "value"):
            is_asked = written.name == "hasValue"
            way, result = (_HAS_VALUE, BOOL) if is_asked else (_VALUE, kind.item)
            return apply(way, result, written.span, target)
        if written.name == "or":
            return self._or(target, written)
        return self._through(target, kind.item, written)

    def _or(self, target: tree.Node, written: syntax.Call) -> tree.Node:
        other = self.check(written.args[0])
        if not isinstance(other.type, OptionalOf):
            detail = f"or needs another optional value; for {describe(other.type)} write orValue"
            raise Misplaced("type_mismatch", detail, other.span)
        if _is_none(target) or _is_none(other):
            return other if _is_none(target) else target
        alike = join([target, other])
        if alike is None:
            alike = [replace(node, type=OptionalOf(ANY)) for node in (target, other)]
        return tree.OrElse(alike[0].type, written.span, alike[0], alike[1], unwraps=False)

    def _through(self, target: tree.Node, item: Type, written: syntax.Call) -> tree.Node:
        """Type `optMap` and `optFlatMap` as a loop over the one value, or none."""
        source = tree.Apply(ListOf(item), target.span, _ITEMS, (target,))
        macro = syntax.Call(written.span, written.depth, written.height, written.target, "map", written.args)
        made = self._loop_over(source, macro)
        body = made.type.item if isinstance(made.type, ListOf) else ANY
        if written.name == "optMap":
            return tree.Apply(OptionalOf(body), written.span, _FIRST, (made,))
        if not isinstance(body, OptionalOf):
            detail = f"optFlatMap makes an optional value; for {describe(body)} write optMap"
            raise Misplaced("type_mismatch", detail, written.args[1].span)
        return tree.Apply(body, written.span, _FLAT_FIRST, (made,))

    # Macros

    def _loop(self, written: syntax.Call) -> tree.Node:
        if written.target is None:
            raise TypeError("a macro has a target")
        return self._loop_over(self.check(written.target), written)

    def _loop_over(self, source: tree.Node, written: syntax.Call) -> tree.Node:
        kind, names, args = _macro(written)
        if source.type == ANY:
            source = tree.Apply(ListOf(ANY), source.span, AS_ITEMS, (source,))
            items: tuple[Type, ...] | None = (ANY,) * len(names)
        else:
            items = _items(source.type, len(names))
        if items is None:
            detail = f"{written.name} needs a list or a map, not {describe(source.type)}"
            raise Misplaced("type_mismatch", detail, written.span)
        outer = self.variables
        inner = [
            tree.Variable(item, name.span, self.slots + number, name.name)
            for number, (item, name) in enumerate(zip(items, names, strict=True))
        ]
        self.slots += len(inner)
        self.variables = {**outer, **{variable.name: variable for variable in inner}}
        parts = [self.check(arg) for arg in args]
        self.variables = outer
        if kind == "sort_by":
            pair = tree.Items(ListOf(ANY), written.span, (parts[0], inner[0]))
            pairs = tree.Loop(ListOf(ListOf(ANY)), written.span, "map", source, inner[0].slot, None, pair)
            return tree.Apply(ListOf(items[0]), written.span, _BY_KEY, (pairs,))
        body = parts.pop() if kind in ("map", "to_map") else None
        test = self.truth(parts[0], written.name) if parts else None
        result = self._loop_type(kind, items[0], body, written.span)
        second = inner[1].slot if len(inner) > 1 else None
        return tree.Loop(result, written.span, kind, source, inner[0].slot, test, body, second)

    def _loop_type(self, kind: str, item: Type, body: tree.Node | None, span: Span) -> Type:
        if kind == "filter":
            return ListOf(item)
        if body is None:
            return BOOL
        if kind == "to_map":
            return self.joined(lambda value: MapOf(item, value), [body], span)[0]
        return self.joined(ListOf, [body], span)[0]


_KINDS: Mapping[str, str] = {
    "existsOne": "exists_one", "transformList": "map", "transformMap": "to_map", "sortBy": "sort_by"
}  # fmt: skip


def _macro(written: syntax.Call) -> tuple[str, list[syntax.Name], tuple[syntax.Syntax, ...]]:
    """Take a macro apart: what it does, its variables, and its other arguments."""
    kind = _KINDS.get(written.name, written.name)
    args = written.args
    most = 2 if kind in ("map", "to_map") else 1
    pairs = written.name.startswith("transform")
    count = 2 if pairs or (kind in ("all", "exists", "exists_one") and len(args) == 3) else 1
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


def _is_none(node: tree.Node) -> bool:
    return isinstance(node, tree.Const) and node.value == NONE


def _is_binding(written: syntax.Call) -> bool:
    target = written.target
    return (
        isinstance(target, syntax.Name)
        and (target.name, written.name) == ("cel", "bind")
        and len(written.args) == 3
        and isinstance(written.args[0], syntax.Name)
    )


def _unfit(written: syntax.Call, signatures: Iterable[Signature], args: list[tree.Node]) -> Misplaced:
    found = ", ".join(str(arg.type) for arg in args)
    is_named = isinstance(written.target, syntax.Name) and written.target.name in FAMILIES
    name = f"{written.target.name}.{written.name}" if is_named else written.name  # type: ignore[union-attr]  # a name
    ways = sorted({_way(name, signature) for signature in signatures})
    is_listed = name == "contains" and bool(args) and isinstance(args[0].type, ListOf)
    hint = "; for an item of a list write item in list" if is_listed else ""
    return Misplaced("type_mismatch", f"{name} takes {' or '.join(ways)}, not ({found}){hint}", written.span)


def _way(name: str, signature: Signature) -> str:
    params = [str(param) for param in signature.params]
    if signature.form == "free" or "." in name:
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
