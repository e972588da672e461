"""Writes SQL node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from guerdon.rules.expressions import tree
from guerdon.rules.expressions.errors import ExpressionError, place_of
from guerdon.rules.expressions.literals import DIGITS, LONGEST
from guerdon.rules.expressions.runtime import dynamic
from guerdon.rules.expressions.runtime.budget import LONGEST_TEXT
from guerdon.rules.expressions.selecting.values import (
    CONVERSIONS,
    FIRST,
    IN_RANGE,
    LAST,
    MICROSECOND,
    ONE,
    PARTS_IN_SQL,
    ROUNDED,
    SIGNS,
    TEXT_TESTS,
    UNITS,
    SqlColumn,
    SqlCondition,
    Value,
    bounded,
    dotted_path,
    from_json,
    is_json,
    micros,
    of_fractions,
    times,
)
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    DECIMAL,
    DURATION,
    FRACTION,
    INT,
    NUMBERS,
    STRING,
    TIMESTAMP,
    ListOf,
    MapOf,
    Type,
)

_LONGEST_TEXT = 100_000
_SIMPLE = (STRING, BOOL, INT, DECIMAL)


class Writer:
    """Writes one condition."""

    def __init__(self, source: str, columns: Mapping[str, SqlColumn]) -> None:
        """Begin.

        Args:
            source: the expression's text, for positions.
            columns: dotted path → where it stands.
        """
        self._source = source
        self._columns = columns
        self._parameters: dict[str, Any] = {}
        self._ways: dict[type[tree.Node], Callable[[Any], Value]] = {
            tree.Const: self._const,
            tree.Root: self._path,
            tree.Field: self._path,
            tree.Apply: self._apply,
            tree.Junction: self._junction,
            tree.Choice: self._choice,
            tree.Has: lambda node: Value(self._presence(node.path)),
            tree.Default: self._default,
        }
        self._calls: dict[str, Callable[[tree.Apply], Value]] = {
            "!": lambda node: Value(f"not ({self._write(node.args[0]).text})"),
            "in": self._membership,
            "%": self._remainder,
            "/": self._quotient,
            "size": self._size,
            "[]": self._item,
            ".": self._key,
            **dict.fromkeys(("min", "max"), self._extreme),
            **dict.fromkeys(ROUNDED, self._rounding),
            **dict.fromkeys(SIGNS, self._comparison),
            **dict.fromkeys(TEXT_TESTS, self._text_test),
            **dict.fromkeys(PARTS_IN_SQL, self._part),
            **dict.fromkeys(("+", "-", "*"), self._arithmetic),
            **dict.fromkeys(("lowerAscii", "upperAscii"), self._casing),
            "abs": self._absolute,
        }

    def condition(self, node: tree.Node) -> SqlCondition:
        """Write the whole condition.

        Args:
            node: its typed tree.

        Returns:
            The SQL and its parameters.

        Raises:
            ExpressionError: `not_in_sql`.
        """
        if node.type != BOOL:
            raise self._refusal(node, "only a condition can choose rows")
        return SqlCondition(f"({self._write(node).text}) is true", self._parameters)

    def _refusal(self, node: tree.Node, detail: str) -> ExpressionError:
        return ExpressionError("not_in_sql", detail, place_of(self._source, node.span))

    def _write(self, node: tree.Node) -> Value:
        way = self._ways.get(type(node))
        if way is None:
            raise self._refusal(node, "this has no SQL with the same answer; keep the result in a metric")
        value = way(node)
        if len(value.text) + len(value.below) > _LONGEST_TEXT:
            raise self._refusal(node, "this is too long to be said in SQL")
        if node.type in NUMBERS and not value.below and value.digits > DIGITS:
            raise self._refusal(node, f"this number may need more than {DIGITS} digits")
        return value

    def _bind(self, value: Any, cast: str) -> str:
        name = f"guerdon_{len(self._parameters)}"
        self._parameters[name] = value
        return f"%({name})s::{cast}"

    # Values

    def _const(self, node: tree.Const) -> Value:
        value = node.value
        if isinstance(value, bool):
            return Value("true" if value else "false")
        if isinstance(value, Fraction):
            below = self._bind(value.denominator, "numeric")
            return Value(self._bind(value.numerator, "numeric"), below=below)
        if isinstance(value, (int, Decimal)):
            return Value(self._bind(value, "numeric"), len(Decimal(value).as_tuple().digits))
        if isinstance(value, str) and "\0" not in value:
            return Value(self._bind(value, "text"))
        if isinstance(value, datetime):
            return Value(self._bind(value, "timestamptz"))
        if isinstance(value, timedelta):
            return Value(self._bind(value // MICROSECOND, "numeric"))
        raise self._refusal(node, "this value has no SQL")

    def _path(self, node: tree.Node) -> Value:
        names: list[str] = []
        base, path = node, dotted_path(node)
        if path is None and isinstance(node, tree.Field):
            return self._member(node, self._write(node.base), self._bind(node.name, "text"))
        while path not in self._columns and isinstance(base, tree.Field):
            names.append(base.name)
            base = base.base
            path = dotted_path(base)
        column = self._columns.get(path or "")
        if column is None:
            raise self._refusal(node, "this is not stored where SQL could read it")
        self._parameters.update(column.parameters)
        if not names:
            return self._stored(node.type, column.text)
        text = f"({column.text})"
        for name in reversed(names):
            text = f"nullif({text} -> {self._bind(name, 'text')}, 'null')"
        return self._from_json(node, node.type, text)

    def _stored(self, kind: Type, text: str) -> Value:
        if kind in (INT, DECIMAL):
            return Value(f"({text})::numeric")
        if kind == DURATION:
            return Value(f"(extract(epoch from {text}) * 1000000)")
        return Value(f"nullif(({text}), 'null')" if is_json(kind) else f"({text})")

    def _from_json(self, node: tree.Node, kind: Type, text: str) -> Value:
        value = from_json(kind, text)
        if value is None:
            raise self._refusal(node, f"a {kind} inside of a map has no SQL")
        return value

    def _member(self, node: tree.Node, base: Value, key: str) -> Value:
        return self._from_json(node, node.type, f"nullif({base.text} -> {key}, 'null')")

    def _key(self, node: tree.Apply) -> Value:
        base, key = node.args
        if key.type != STRING:
            raise self._refusal(node, "SQL reads a map by text only")
        return self._member(node, self._write(base), self._write(key).text)

    def _item(self, node: tree.Apply) -> Value:
        base, index = node.args
        if base.type != ListOf(STRING) or not isinstance(index, tree.Const):
            raise self._refusal(node, "SQL reads an item of a list of texts, by a known index")
        place = min(max(index.value, -1), 2**31 - 2) + 1
        return Value(f"({self._write(base).text})[{place}]")

    # Logic

    def _junction(self, node: tree.Junction) -> Value:
        word = " and " if node.is_and else " or "
        return Value(word.join(f"({self._write(term).text})" for term in node.terms))

    def _choice(self, node: tree.Choice) -> Value:
        test, then, other = (self._write(part) for part in (node.test, node.then, node.other))
        return chosen(node.type, f"({test.text})", then, other)

    def _presence(self, node: tree.Node) -> str:
        """Say whether a path has a value: NULL where what should be a map is something else."""
        while isinstance(node, tree.Apply) and node.operation.run in CONVERSIONS:
            node = node.args[0]
        if not isinstance(node, (tree.Field, tree.Root, tree.Variable)):
            raise self._refusal(node, "SQL can ask about fields only")
        here = f"({self._write(node).text}) is not null"
        if (
            isinstance(node, (tree.Root, tree.Variable))
            or dotted_path(node) in self._columns
            or node.base.type != ANY
        ):
            return here
        base, above = self._write(node.base).text, self._presence(node.base)
        return f"case when not ({above}) then false when jsonb_typeof({base}) = 'object' then {here} end"

    def _default(self, node: tree.Default) -> Value:
        test = f"({self._presence(node.path)})"
        return chosen(node.type, test, self._write(node.path), self._write(node.fallback))

    # Operations

    def _apply(self, node: tree.Apply) -> Value:
        if node.operation.run in CONVERSIONS:
            return self._converted(node)
        call = self._calls.get(node.operation.name)
        if call is None:
            raise self._refusal(node, f"{node.operation.name} has no SQL with the same answer")
        return call(node)

    def _converted(self, node: tree.Apply) -> Value:
        inner = self._write(node.args[0])
        if node.args[0].type == ANY:
            value = self._from_json(node, node.type, inner.text)
            is_whole = node.operation.run is dynamic.as_int
            return bounded("v = trunc(v)", value.text) if is_whole else value
        if node.type == FRACTION and not inner.below:
            return Value(inner.text, inner.digits, ONE)
        return inner

    def _comparison(self, node: tree.Apply) -> Value:
        left, right = node.args
        sign = SIGNS[node.operation.name]
        one, other = self._write(left), self._write(right)
        if ANY in (left.type, right.type):
            if sign not in ("=", "<>"):
                raise self._refusal(node, "SQL orders values of a known type only")
            one, other = self._as_json(left, one), self._as_json(right, other)
        elif one.is_micros is not other.is_micros:
            one, other = micros(one), micros(other)
        elif one.below or other.below:
            return Value(f"{times(one.text, other.below)} {sign} {times(other.text, one.below)}")
        elif isinstance(left.type, (ListOf, MapOf)) and left.type != ListOf(STRING):
            raise self._refusal(node, "SQL compares texts, numbers and instants")
        collate = ' collate "C"' if left.type == STRING and sign not in ("=", "<>") else ""
        return Value(f"({one.text}) {sign} ({other.text}){collate}")

    def _as_json(self, node: tree.Node, value: Value) -> Value:
        if node.type == ANY:
            return value
        if node.type not in _SIMPLE:
            raise self._refusal(node, "SQL compares a free value with a text, a number or a truth")
        return Value(f"to_jsonb({value.text})")

    def _membership(self, node: tree.Apply) -> Value:
        item, items = node.args
        if isinstance(items, (tree.Const, tree.Items)):
            return self._among(node, item, items)
        one = self._write(item).text
        if items.type == ListOf(STRING) and item.type == STRING:
            # SQL says that an empty list does not hold NULL; here an absent value is an error.
            found = f"({one}) = any({self._write(items).text})"
            return Value(f"case when ({one}) is not null then {found} end")
        if is_json(items.type) and item.type in _SIMPLE:
            where = self._write(items).text
            found = f"{where} ? ({one})" if item.type == STRING else "false"
            return Value(
                f"case when ({one}) is not null then case jsonb_typeof({where})"
                f" when 'array' then {where} @> jsonb_build_array({one}) when 'object' then {found} end end"
            )
        raise self._refusal(node, "SQL looks for a text in a list of texts, or for a value in free data")

    def _among(self, node: tree.Apply, item: tree.Node, items: tree.Const | tree.Items) -> Value:
        if isinstance(items, tree.Items):
            parts = items.items
        else:
            values = sorted(items.value) if isinstance(items.value, frozenset) else items.value
            kind = items.type.item if isinstance(items.type, ListOf) else ANY
            parts = tuple(tree.Const(kind, items.span, value) for value in values)
        if not parts or any(part.type in (ANY, FRACTION, TIMESTAMP) for part in (item, *parts)):
            raise self._refusal(node, "SQL looks for a text, a number or a truth among others")
        return Value(f"({self._write(item).text}) in ({', '.join(self._write(part).text for part in parts)})")

    def _text_test(self, node: tree.Apply) -> Value:
        one, other = (f"({self._write(arg).text})" for arg in node.args)
        return Value(TEXT_TESTS[node.operation.name].format(one, other))

    def _casing(self, node: tree.Apply) -> Value:
        small, large = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        pair = (large, small) if node.operation.name == "lowerAscii" else (small, large)
        return Value(f"translate({self._write(node.args[0]).text}, '{pair[0]}', '{pair[1]}')")

    def _size(self, node: tree.Apply) -> Value:
        kind, value = node.args[0].type, self._write(node.args[0])
        function = {STRING: "char_length", ListOf(STRING): "cardinality"}.get(kind)
        if function is None:
            raise self._refusal(node, "SQL counts the characters of a text and the items of a list of texts")
        return Value(f"{function}({value.text})::numeric", 10)

    # Arithmetic

    def _arithmetic(self, node: tree.Apply) -> Value:
        sign, parts = node.operation.name, [self._write(arg) for arg in node.args]
        if len(parts) == 1:
            return _in_range(node, Value(f"- ({parts[0].text})", parts[0].digits, parts[0].below))
        if node.type == STRING:
            joined = f"({parts[0].text}) || ({parts[1].text})"
            return bounded(f"char_length(v) <= {LONGEST_TEXT}", joined)
        if node.type in (TIMESTAMP, DURATION):
            return _moved(node, parts)
        if node.type not in NUMBERS:
            raise self._refusal(node, "SQL adds numbers, texts and times")
        one, other = parts
        if one.below or other.below:
            return of_fractions(sign, one, other)
        digits = one.digits + other.digits if sign == "*" else max(one.digits, other.digits) + 1
        return _in_range(node, Value(f"({one.text}) {sign} ({other.text})", digits))

    def _quotient(self, node: tree.Apply) -> Value:
        one, other = (self._write(arg) for arg in node.args)
        above, below = times(one.text, other.below), times(other.text, one.below)
        return Value(f"{above} * sign({below})", below=f"nullif(abs({below}), 0)")

    def _remainder(self, node: tree.Apply) -> Value:
        one, other = (self._write(arg) for arg in node.args)
        left, right = times(one.text, other.below), times(other.text, one.below)
        text = f"mod({left}, nullif({right}, 0))"
        if one.below or other.below:
            return Value(text, below=times(one.below or ONE, other.below))
        return Value(text, max(one.digits, other.digits))

    def _absolute(self, node: tree.Apply) -> Value:
        value = self._write(node.args[0])
        return _in_range(node, Value(f"abs({value.text})", value.digits, value.below))

    def _rounding(self, node: tree.Apply) -> Value:
        value, places = self._write(node.args[0]), 0
        if len(node.args) > 1:
            known = node.args[1]
            if not isinstance(known, tree.Const) or not 0 <= known.value <= 30:
                raise self._refusal(known, "SQL rounds to a known number of places, 0 to 30")
            places = known.value
        text = ROUNDED[node.operation.name].format(scale=f"{10**places}::numeric")
        given = f"select {value.text} as n, {value.below or ONE} as d"
        made = f"(select {text} from ({given}) g)"  # noqa: S608 - pieces of ours
        if len(node.args) > 1:
            return Value(f"({made} * 1e-{places}::numeric)")
        return _in_range(node, Value(made, 19))

    def _extreme(self, node: tree.Apply) -> Value:
        items = node.args[0]
        if not isinstance(items, tree.Items) or items.type not in (ListOf(INT), ListOf(DECIMAL)):
            raise self._refusal(node, f"SQL takes the {node.operation.name} of numbers that are written out")
        parts = [self._write(item) for item in items.items]
        names = [f"v{number}" for number in range(len(parts))]
        given = ", ".join(f"{part.text} as {name}" for part, name in zip(parts, names, strict=True))
        word = "least" if node.operation.name == "min" else "greatest"
        there = " and ".join(f"{name} is not null" for name in names)
        text = f"(select {word}({', '.join(names)}) from (select {given}) g where {there})"  # noqa: S608 - pieces of ours
        return Value(text, max(part.digits for part in parts))

    def _part(self, node: tree.Apply) -> Value:
        name, value = node.operation.name, self._write(node.args[0])
        if node.args[0].type == DURATION:
            if name == "getMilliseconds":
                return Value(f"div(mod(mod({value.text}, 1000000) + 1000000, 1000000), 1000)", 19)
            return Value(f"div({value.text}, {UNITS[name]})", 19)
        zone = node.args[1].value if isinstance(node.args[1], tree.Const) else None
        known = zone.key if isinstance(zone, ZoneInfo) else zone
        if not isinstance(known, str) or not known[:1].isalpha() or value.is_micros:
            raise self._refusal(node, "SQL reads the calendar of a stored instant in a named zone")
        local = f"(({value.text}) at time zone {self._bind(known, 'text')})"
        return Value(f"({PARTS_IN_SQL[name].format(local)})", 10)


def chosen(kind: Type, test: str, then: Value, other: Value) -> Value:
    """Write one of two values.

    Args:
        kind: their type.
        test: SQL of a truth.
        then: the value where it is true.
        other: the value where it is false.

    Returns:
        SQL that gives NULL where the test does.
    """
    if kind == TIMESTAMP:
        then, other = micros(then), micros(other)
    text, below = (
        f"case when {test} then ({one}) when not {test} then ({two}) end" if one else ""
        for one, two in ((then.text, other.text), (then.below, other.below))
    )
    return Value(text, max(then.digits, other.digits), below, then.is_micros)


def _in_range(node: tree.Apply, value: Value) -> Value:
    return bounded(IN_RANGE, value.text, 19) if node.type == INT else value


def _moved(node: tree.Apply, parts: list[Value]) -> Value:
    """Add or subtract instants and lengths of time, all in microseconds."""
    one, other = (
        micros(part) if arg.type == TIMESTAMP else part for part, arg in zip(parts, node.args, strict=True)
    )
    text = f"({one.text}) {node.operation.name} ({other.text})"
    if node.type == DURATION:
        return bounded(f"v between -{LONGEST} and {LONGEST}", text)
    return Value(bounded(f"v between {FIRST} and {LAST}", text).text, is_micros=True)
