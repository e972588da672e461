"""SQL of loops over lists and maps, of named values, of optional values and of patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.runtime import optionals
from guerdon.rules.expressions.runtime.budget import STEPS
from guerdon.rules.expressions.runtime.kinds import NONE
from guerdon.rules.expressions.selecting.patterns import translated
from guerdon.rules.expressions.selecting.values import ONE, SqlColumn, Value, dotted_path, is_json
from guerdon.rules.expressions.selecting.writer import Writer, chosen
from guerdon.rules.expressions.types import (
    ANY,
    FRACTION,
    INT,
    STRING,
    ListOf,
    MapOf,
    Namespace,
    OptionalOf,
    Record,
    Type,
)

_DECIDED: Final = {
    "exists": "case when bool_or(p) then true when bool_or(p is null) then null else false end",
    "all": "case when bool_or(not p) then false when bool_or(p is null) then null else true end",
    "exists_one": "case when bool_or(p is null) then null else count(*) filter (where p) = 1 end",
}
"""What the truths `p` of all turns come to; NULL stands for an error."""
_MAYBE: Final = frozenset((optionals.attribute, optionals.key))
_TEXTS: Final = ListOf(STRING)


class FullWriter(Writer):
    """Writes one condition, with all that SQL can say."""

    def __init__(self, source: str, columns: Mapping[str, SqlColumn]) -> None:
        """Begin.

        Args:
            source: the expression's text, for positions.
            columns: dotted path → where it stands.
        """
        super().__init__(source, columns)
        self._variables: dict[int, Value] = {}
        self._ways[tree.Variable] = self._variable
        self._ways[tree.Loop] = self._loop
        self._ways[tree.OrElse] = self._or_else
        self._calls["matches"] = self._match
        self._calls["hasValue"] = self._has_value
        self._calls["value"] = self._value
        self._calls["items"] = self._any_items

    def _variable(self, node: tree.Variable) -> Value:
        return self._variables[node.slot]

    # Loops

    def _loop(self, node: tree.Loop) -> Value:
        if node.test is None or node.body is not None or (node.kind == "filter" and node.type != _TEXTS):
            raise self._refusal(
                node, "SQL asks lists with all, exists and exists_one, and filters lists of texts"
            )
        source, rows, guard = self._rows(node)
        truth = self._write(node.test).text
        turns = f"(select {rows[1]} as o, {rows[2]} as v, ({truth}) as p from {rows[0]}) g"  # noqa: S608 - pieces of ours
        if node.kind == "filter":
            kept = "coalesce(array_agg(v order by o) filter (where p), '{}')"
            made = f"case when bool_or(p is null or v is null and p) then null else {kept} end"
        else:
            made = _DECIDED[node.kind]
        made = f"select {made} from {turns}"  # noqa: S608 - pieces written here, values bound
        return Value(f"case when ({source}) is not null and {guard} then ({made}) end")

    def _rows(self, node: tree.Loop) -> tuple[str, tuple[str, str, str], str]:
        """Give the SQL of what a loop goes through: as a whole, its rows, and that they are not too many."""
        kind, name = node.source.type, f"r{node.slot}"
        most = STEPS // tree.weight(node)
        source = self._write(node.source).text
        if kind == _TEXTS:
            self._declare(node, Value(f"({name}.o - 1)::numeric", 10), Value(f"{name}.v"))
            rows = (f"unnest({source}) with ordinality as {name}(v, o)", f"{name}.o", f"{name}.v")
            return source, rows, f"cardinality({source}) <= {most}"
        if kind == ListOf(ANY) and node.second is None:
            is_list = f"jsonb_typeof({source}) = 'array'"
            listed = f"case when {is_list} then {source} end"
            self._declare(node, Value(f"({name}.o - 1)::numeric", 10), Value(f"nullif({name}.v, 'null')"))
            each = f"jsonb_array_elements({listed}) with ordinality as {name}(v, o)"
            few = f"case when {is_list} then jsonb_array_length({source}) <= {most} end"
            return source, (each, f"{name}.o", f"{name}.v"), few
        if isinstance(kind, MapOf) and kind.key == STRING:
            value = self._from_json(node, kind.value, f"nullif({name}.v, 'null')")
            self._declare(node, Value(f"{name}.k"), value if node.second is not None else None)
            whole = (
                f"jsonb_each(case when jsonb_typeof({source}) = 'object' then {source} end) as {name}(k, v)"
            )
            return source, (whole, f"{name}.k", f"{name}.k"), f"jsonb_typeof({source}) = 'object'"
        raise self._refusal(node, "SQL goes through lists of texts, free lists and maps by text")

    def _any_items(self, node: tree.Apply) -> Value:
        """Write what a loop over a free value goes through: a list, or the keys of a map."""
        if node.args[0].type != ANY:
            raise self._refusal(node, "this optional value has no SQL")
        whole = self._write(node.args[0]).text
        keys = f"select coalesce(jsonb_agg(to_jsonb(k)), '[]') from jsonb_object_keys({whole}) k"  # noqa: S608 - pieces of ours
        return Value(f"case jsonb_typeof({whole}) when 'array' then {whole} when 'object' then ({keys}) end")

    def _declare(self, node: tree.Loop, first: Value, second: Value | None) -> None:
        """Say what the variables of a loop are; a list's only variable is its item."""
        if node.second is not None and second is not None:
            self._variables[node.slot], self._variables[node.second] = first, second
        else:
            is_list = second is not None
            self._variables[node.slot] = second if is_list and second is not None else first

    def _item(self, node: tree.Apply) -> Value:
        base = node.args[0]
        is_named = isinstance(base, tree.Loop) and base.kind == "map" and base.body is not None
        if not is_named or not isinstance(base, tree.Loop) or not isinstance(base.source, tree.Items):
            return super()._item(node)
        # `cel.bind(name, value, body)`: an error of the value is one, whether the body needs it or not.
        named = self._write(base.source.items[0])
        self._variables[base.slot] = named
        body = self._write(base.body) if base.body is not None else named
        known = " and ".join(f"({text}) is not null" for text in (named.text, named.below) if text)
        text = f"case when {known} then ({body.text}) end"
        return Value(text, body.digits, body.below, body.is_micros)

    # Optional values

    def _optional(self, node: tree.Node) -> tuple[str, Value]:
        """Write an optional value: a test whether it is there, NULL for an error, and the value."""
        if isinstance(node, tree.Const) and node.value == NONE:
            return "false", Value("null")
        if isinstance(node, tree.OrElse) and not node.unwraps:
            (one, value), (other, instead) = self._optional(node.optional), self._optional(node.fallback)
            test = f"case when {one} then true when not ({one}) then ({other}) end"
            return test, chosen(_inside(node.type), f"({one})", value, instead)
        if not isinstance(node, tree.Apply):
            raise self._refusal(node, "this optional value has no SQL")
        if node.operation.run in _MAYBE and not isinstance(node.args[0].type, OptionalOf):
            return self._perhaps(node)
        if node.operation.name == "optional.of":
            value = self._write(node.args[0])
            return f"case when ({value.text}) is not null then true end", value
        if len(node.args) == 1 and isinstance(node.args[0].type, OptionalOf):
            return self._lifted(node)
        raise self._refusal(node, f"{node.operation.name} on an optional value has no SQL")

    def _perhaps(self, node: tree.Apply) -> tuple[str, Value]:
        base, key = node.args
        if not isinstance(key, tree.Const) or not isinstance(key.value, str):
            raise self._refusal(node, "SQL reads an optional field by a known name")
        is_declared = isinstance(base.type, (Record, Namespace))
        by_item = not isinstance(base.type, Record)
        raw = ANY if is_json(base.type) else _inside(node.type)
        path = tree.Field(raw, node.span, base, key.value, by_item)
        value = self._write(path)
        test = f"({value.text}) is not null"
        if not is_declared and dotted_path(path) not in self._columns:
            test = f"case when jsonb_typeof({self._write(base).text}) = 'object' then {test} end"
        kind = _inside(node.type)
        return test, value if raw == kind else self._from_json(node, kind, value.text)

    def _lifted(self, node: tree.Apply) -> tuple[str, Value]:
        """Write a conversion of what is inside of an optional value."""
        given, kind = node.args[0], _inside(node.type)
        test, value = self._optional(given)
        if _inside(given.type) == ANY:
            value = self._from_json(node, kind, value.text)
            if kind == INT:
                raise self._refusal(node, "SQL reads a whole number of a declared path only")
            return test, value
        return test, Value(value.text, value.digits, value.below or ONE) if kind == FRACTION else value

    def _has_value(self, node: tree.Apply) -> Value:
        return Value(self._optional(node.args[0])[0])

    def _value(self, node: tree.Apply) -> Value:
        test, value = self._optional(node.args[0])
        return chosen(node.type, f"({test})", value, Value("null", 1, "null" if value.below else ""))

    def _or_else(self, node: tree.OrElse) -> Value:
        if not node.unwraps:
            raise self._refusal(node, "SQL needs the value of the optional one: write orValue(…)")
        test, value = self._optional(node.optional)
        fallback = self._write(node.fallback)
        if value.below and not fallback.below:
            fallback = Value(fallback.text, fallback.digits, ONE)
        return chosen(node.type, f"({test})", value, fallback)

    # Patterns

    def _match(self, node: tree.Apply) -> Value:
        text, pattern = node.args
        known = translated(pattern.value) if isinstance(pattern, tree.Const) else None
        if known is None:
            detail = "SQL reads this pattern otherwise; it takes letters, sets, groups and repetitions"
            raise self._refusal(node, detail)
        return Value(f'({self._write(text).text}) ~ {self._bind(known, "text")} collate "C"')


def _inside(kind: Type) -> Type:
    return kind.item if isinstance(kind, OptionalOf) else ANY
