"""The functions of the language and the types that they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.rules.expressions.checking.conversions import LIST, MAP, NUMBER
from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime import dynamic, exact, instants, lists, octets, turning
from guerdon.rules.expressions.runtime.wording import formats, patterns, texts
from guerdon.rules.expressions.tree import Node, Operation
from guerdon.rules.expressions.types import (
    ANY,
    BOOL,
    BYTES,
    DECIMAL,
    DURATION,
    FRACTION,
    INT,
    NUMBERS,
    STRING,
    TIMESTAMP,
    ListOf,
    OptionalOf,
    Type,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a function."""

    params: tuple[Type, ...]
    result: Type | Callable[[Sequence[Node]], Type] | None
    """None: the type of the first argument; a function: told from the arguments."""
    operation: Operation
    form: str
    """`free` for f(x), `method` for x.f(), `either`."""
    zoned: bool = False
    """Whether the environment's zone is passed as a last argument."""


def _contains(text: str, part: str) -> bool:
    return part in text


def _lower(text: str) -> str:
    return text.lower()


def _upper(text: str) -> str:
    return text.upper()


def _extreme(choose: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    def run(items: Sequence[Any]) -> Any:
        if not len(items):
            raise Failure("missing_value", "the list is empty; give a fallback for that case")
        return dynamic.present(choose(items))

    return run


def _extremes(name: str, choose: Callable[[Any], Any]) -> list[Signature]:
    operation = Operation(name, _extreme(choose), weighs=True)
    kinds = (DECIMAL, INT, FRACTION, STRING, TIMESTAMP, DURATION)
    return [Signature((ListOf(kind),), kind, operation, "either") for kind in kinds]


def _one(
    params: Sequence[Type], result: Type | None, operation: Operation, form: str = "method"
) -> list[Signature]:
    return [Signature(tuple(params), result, operation, form)]


def _parts(name: str) -> list[Signature]:
    found = [
        Signature(
            (TIMESTAMP,), INT, Operation(name, instants.part_of_instant(name), cost=3), "method", zoned=True
        ),
        Signature(
            (TIMESTAMP, STRING), INT, Operation(name, instants.part_in_named_zone(name), cost=3), "method"
        ),
    ]
    if name in ("getHours", "getMinutes", "getSeconds", "getMilliseconds"):
        found += _one([DURATION], INT, Operation(name, instants.part_of_length(name)))
    return found


def _turns(name: str, result: Type, run: Callable[[Any], Any], *kinds: Type) -> list[Signature]:
    operation = Operation(name, run, cost=12 if name == "duration" else 4)
    return [Signature((kind,), result, operation, "free") for kind in (ANY, *kinds)]


def _texts(name: str, run: Callable[..., Any], result: Type, *params: Type) -> list[Signature]:
    """Give the ways to call a method of a text, whose last parameter may be left out when it is an int."""
    operation = Operation(name, run, weighs=True, cost=3)
    ways = [Signature((STRING, *params), result, operation, "method")]
    if len(params) > 1 and params[-1] == INT:
        ways.append(Signature((STRING, *params[:-1]), result, operation, "method"))
    return ways


_JOIN = Operation("join", texts.join, weighs=True, cost=3)
TEXTS: dict[str, list[Signature]] = {
    "charAt": _texts("charAt", texts.char_at, STRING, INT),
    "indexOf": _texts("indexOf", texts.index_of, INT, STRING, INT),
    "lastIndexOf": _texts("lastIndexOf", texts.last_index_of, INT, STRING, INT),
    "substring": _texts("substring", texts.substring, STRING, INT, INT),
    "replace": _texts("replace", texts.replace, STRING, STRING, STRING, INT),
    "split": _texts("split", texts.split, ListOf(STRING), STRING, INT),
    "trim": _texts("trim", texts.trim, STRING),
    "reverse": [
        Signature((ANY,), ANY, Operation("reverse", lists.turned_any, weighs=True), "method"),
        Signature((LIST,), None, Operation("reverse", lists.turned, weighs=True), "method"),
        *_texts("reverse", texts.reverse, STRING),
    ],
    "format": _one([STRING, LIST], STRING, Operation("format", formats.formatted, weighs=True, cost=30)),
    "lowerAscii": _texts("lowerAscii", texts.lower_ascii, STRING),
    "upperAscii": _texts("upperAscii", texts.upper_ascii, STRING),
    "join": [
        Signature((ListOf(STRING),), STRING, _JOIN, "method"),
        Signature((ListOf(STRING), STRING), STRING, _JOIN, "method"),
    ],
}


def _item(args: Sequence[Node]) -> Type:
    kind = args[0].type
    return kind.item if isinstance(kind, ListOf) else ANY


def _optional_item(args: Sequence[Node]) -> Type:
    return OptionalOf(_item(args))


def _opened(args: Sequence[Node]) -> Type:
    item = _item(args)
    return item if isinstance(item, ListOf) else ListOf(ANY)


def _lists(
    name: str, run: Callable[..., Any], result: Type | Callable[[Sequence[Node]], Type] | None, *params: Type
) -> list[Signature]:
    return [Signature((LIST, *params), result, Operation(name, run, weighs=True, cost=4), "method")]


LISTS: dict[str, list[Signature]] = {
    "slice": _lists("slice", lists.slice_of, None, INT, INT),
    "flatten": [
        *_lists("flatten", lists.flattened, _opened),
        *_lists("flatten", lists.flattened, ListOf(ANY), INT),
    ],
    "sort": _lists("sort", lists.ordered, None),
    "distinct": _lists("distinct", lists.distinct, None),
    "first": _lists("first", lists.first, _optional_item),
    "last": _lists("last", lists.last, _optional_item),
}
_SIZE = Operation("size", len, "len")
SIGNATURES: dict[str, list[Signature]] = {
    "startsWith": _one([STRING, STRING], BOOL, Operation("startsWith", str.startswith, ".startswith")),
    "endsWith": _one([STRING, STRING], BOOL, Operation("endsWith", str.endswith, ".endswith")),
    "contains": _one([STRING, STRING], BOOL, Operation("contains", _contains, "contains", weighs=True)),
    "matches": _one(
        [STRING, STRING],
        BOOL,
        Operation("matches", patterns.matches, "matches", weighs=True, cost=3),
        "either",
    ),
    "lower": _one([STRING], STRING, Operation("lower", _lower, ".lower", weighs=True), "either"),
    "upper": _one([STRING], STRING, Operation("upper", _upper, ".upper", weighs=True), "either"),
    "size": [Signature((kind,), INT, _SIZE, "either") for kind in (STRING, BYTES, LIST, MAP)],
    "sum": [
        Signature((ListOf(DECIMAL),), DECIMAL, Operation("sum", exact.total_decimal, weighs=True), "either"),
        Signature((ListOf(INT),), INT, Operation("sum", exact.total_whole, weighs=True), "either"),
        Signature(
            (ListOf(FRACTION),), FRACTION, Operation("sum", exact.total_fraction, weighs=True), "either"
        ),
    ],
    "min": _extremes("min", min),
    "max": _extremes("max", max),
    "floor": _one([NUMBER], INT, Operation("floor", exact.floor), "either"),
    "ceil": _one([NUMBER], INT, Operation("ceil", exact.ceil), "either"),
    "abs": [
        Signature((INT,), INT, Operation("abs", lambda value: exact.whole(abs(value))), "either"),
        Signature((NUMBER,), None, Operation("abs", abs), "either"),
    ],
    "round": [
        Signature((NUMBER,), INT, Operation("round", exact.round_whole), "either"),
        Signature((NUMBER, INT), DECIMAL, Operation("round", exact.round_places), "either"),
    ],
    "timestamp": [
        Signature((kind,), TIMESTAMP, Operation("timestamp", turning.to_instant, cost=8), "free", zoned=True)
        for kind in (ANY, STRING, INT, TIMESTAMP)
    ],
    "duration": _turns("duration", DURATION, turning.to_length, STRING, DURATION),
    "int": _turns("int", INT, turning.to_int, STRING, *NUMBERS, TIMESTAMP),
    "decimal": _turns("decimal", DECIMAL, turning.to_decimal, STRING, *NUMBERS),
    "double": _turns("double", DECIMAL, turning.to_decimal, STRING, *NUMBERS),
    "bool": _turns("bool", BOOL, turning.to_bool, STRING, BOOL),
    "string": _turns("string", STRING, turning.to_text, STRING, BYTES, BOOL, *NUMBERS, TIMESTAMP, DURATION),
    "bytes": _turns("bytes", BYTES, octets.to_bytes, STRING, BYTES),
    **TEXTS,
    **LISTS,
    **{name: _parts(name) for name in instants.PARTS},
}
"""Function → the ways to call it; the first that fits is taken."""
