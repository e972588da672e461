"""What an author probably meant, in one sentence beside each error of names and types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from guerdon.rules.expressions import syntax
from guerdon.rules.expressions.checking.operators import describe
from guerdon.rules.expressions.errors import Misplaced, nearest
from guerdon.rules.expressions.syntax import Span
from guerdon.rules.expressions.tree import Field, Node, Root
from guerdon.rules.expressions.types import (
    BOOL,
    DURATION,
    NUMBERS,
    SCALARS,
    STRING,
    TIMESTAMP,
    ListOf,
    Namespace,
    OptionalOf,
    Record,
    Type,
)

_WORDS: Final = {
    **dict.fromkeys(("True", "TRUE", "yes", "Yes", "YES", "on"), "true"),
    **dict.fromkeys(("False", "FALSE", "no", "No", "NO", "off"), "false"),
    **dict.fromkeys(("None", "nil", "NULL", "Null", "undefined"), "null"),
    **dict.fromkeys(("not", "NOT", "Not"), "!"),
    **dict.fromkeys(("today", "Today", "current_date", "NOW"), "now"),
}
_FUNCTIONS: Final = {
    **dict.fromkeys(("len", "length", "count", "Count"), ("size", "size(x) counts items and characters")),
    **dict.fromkeys(
        ("includes", "include", "has_text"), ("contains", "a text is asked with text.contains(part)")
    ),
    **dict.fromkeys(("any", "some"), ("exists", "write list.exists(x, …)")),
    **dict.fromkeys(("every", "forall"), ("all", "write list.all(x, …)")),
    **dict.fromkeys(("toLowerCase", "lowercase", "toLower"), ("lower", "write text.lower()")),
    **dict.fromkeys(("toUpperCase", "uppercase", "toUpper"), ("upper", "write text.upper()")),
    **dict.fromkeys(("isEmpty", "empty"), ("size", "write size(x) == 0")),
    **dict.fromkeys(("avg", "average", "mean"), ("sum", "write list.sum() / size(list)")),
    **dict.fromkeys(("substr", "mid"), ("substring", "write text.substring(start, end)")),
    **dict.fromkeys(("date", "datetime", "Date"), ("timestamp", "write timestamp('2027-01-31')")),
    **dict.fromkeys(("days", "day"), ("duration", "write duration('3d')")),
    **dict.fromkeys(("hours", "hour"), ("duration", "write duration('3h')")),
    **dict.fromkeys(("today", "getdate"), ("now", "the present instant is now, without brackets")),
    **dict.fromkeys(("coalesce", "ifnull", "nvl"), ("default", "write default(a.b, fallback)")),
    **dict.fromkeys(("concat", "CONCAT"), ("+", "texts are joined with +")),
    **dict.fromkeys(("between", "Between"), ("&&", "write x >= 1 && x <= 5")),
    **dict.fromkeys(("iif", "IF", "If"), ("? :", "write condition ? value : other")),
    **dict.fromkeys(("isNull", "isnull", "exists_field"), ("has", "write has(a.b)")),
    **dict.fromkeys(("regex", "match", "like", "LIKE"), ("matches", "write text.matches('^A-[0-9]+$')")),
    **dict.fromkeys(("truncate", "trunc"), ("math.trunc", "write math.trunc(x), or floor(x)")),
    **dict.fromkeys(("greatest", "Math.max"), ("max", "write max(a, b)")),
    **dict.fromkeys(("least", "Math.min"), ("min", "write min(a, b)")),
    "find": ("indexOf", "write text.indexOf(part), or list.filter(x, …)"),
    "now": ("now", "the present instant is now, without brackets"),
}
_DEEP: Final = 4
_LONGEST_DAY = 31
_LAST_MONTH = 12
_FIRST_YEAR, _LAST_YEAR = 1900, 9999


def unknown(code: str, word: str, known: Iterable[str], span: Span, prefix: str = "") -> Misplaced:
    """Refuse a name that there is not.

    Args:
        code: `unknown_name`, `unknown_field` or `unknown_function`.
        word: what was written.
        known: what could have been written.
        span: where it stands.
        prefix: what stands before both.

    Returns:
        The refusal, with the nearest known name.
    """
    suggestion = nearest(word, known)
    noun = {"unknown_name": "name", "unknown_field": "field", "unknown_function": "function"}[code]
    hint = f"; did you mean {prefix}{suggestion}?" if suggestion else ""
    return Misplaced(code, f"there is no {noun} {prefix}{word}{hint}", span, suggestion)


def unknown_root(written: syntax.Name, known: list[str], roots: Record) -> Misplaced:
    """Refuse a name that is neither a root nor a variable.

    Args:
        written: the name.
        known: all roots and variables.
        roots: the roots.

    Returns:
        The refusal, with what was probably meant.
    """
    word = written.name
    meant = _WORDS.get(word)
    if meant is not None:
        detail = f"there is no name {word}; did you mean {meant}?"
        return Misplaced("unknown_name", detail, written.span, meant)
    if nearest(word, known) is None:
        path = _somewhere(roots, "", word) or _somewhere(roots, "", f"{word}s")
        if path is not None:
            detail = f"there is no name {word}; did you mean {path}?"
            return Misplaced("unknown_name", detail, written.span, path)
    return unknown("unknown_name", word, known, written.span)


def unknown_field(base: Node, kind: Record | Namespace, name: str, span: Span) -> Misplaced:
    """Refuse a field that there is not.

    Args:
        base: whose field it would be.
        kind: its type.
        name: the field.
        span: where it stands.

    Returns:
        The refusal, with what was probably meant or how the name is declared.
    """
    code = "unknown_field" if isinstance(kind, Record) else "unknown_name"
    here = _written(base) or kind.name
    inner = _somewhere(kind, here + ".", name)
    if inner is not None:
        detail = f"there is no field {here}.{name}; did you mean {inner}?"
        return Misplaced(code, detail, span, inner)
    refusal = unknown(code, name, kind.fields, span, f"{here}.")
    found = kind.fields.get(refusal.suggestion or "")
    if isinstance(found, Namespace):
        example = _example(found, f"{here}.{refusal.suggestion}")
        return Misplaced(code, f"{refusal.detail.rstrip('?')}, such as {example}?", span, refusal.suggestion)
    if refusal.suggestion is None:
        return Misplaced(code, refusal.detail + _how_to_declare(kind, name), span)
    return refusal


def _how_to_declare(kind: Record | Namespace, name: str) -> str:
    if kind.name == "event data":
        return f"; declare it in the program: events: … data: {{{name}: string}}"
    if kind.name == "attributes":
        return f"; declare it in the program: attributes: {{{name}: string}}"
    known = sorted(kind.fields)
    return f"; there are {', '.join(known[:8])}{', …' if len(known) > 8 else ''}" if known else ""


def no_field(base: Node, name: str, span: Span, functions: Iterable[str]) -> Misplaced:
    """Refuse a field of what has none.

    Args:
        base: whose field it would be.
        name: the field.
        span: where it stands.
        functions: names of functions.

    Returns:
        The refusal, with what was probably meant.
    """
    kind = base.type
    here = _written(base) or "x"
    if name in functions:
        return Misplaced("type_mismatch", f"{name} is a function; call it with {name}()", span)
    detail = f"{describe(kind)} has no fields, so there is no {name!r}"
    if name in ("length", "count", "len"):
        return Misplaced("unknown_field", f"{detail}; write size({here})", span, "size")
    if isinstance(kind, ListOf):
        item = kind.item
        found = item.fields.get(name) if isinstance(item, (Record, Namespace)) else None
        if found is not None:
            ways = f"{here}.exists(x, x.{name} == …)"
            ways += f" or {here}.map(x, x.{name}).sum()" if found in NUMBERS else ""
            return Misplaced("unknown_field", f"{detail}; it is a list, so write {ways}", span, name)
        return Misplaced("unknown_field", f"{detail}; write {here}.exists(x, x == …)", span)
    if isinstance(kind, OptionalOf):
        return Misplaced("unknown_field", f"{detail}; take its value with orValue(…)", span)
    return Misplaced("unknown_field", detail, span)


def unknown_function(written: syntax.Call, known: Iterable[str]) -> Misplaced:
    """Refuse a function that there is not.

    Args:
        written: the call.
        known: names of functions.

    Returns:
        The refusal, with what was probably meant.
    """
    meant = _FUNCTIONS.get(written.name)
    if meant is None:
        return unknown("unknown_function", written.name, known, written.span)
    detail = f"there is no function {written.name}; {meant[1]}"
    return Misplaced("unknown_function", detail, written.span, meant[0])


def unquoted(error: Misplaced, name: syntax.Name) -> Misplaced:
    """Say that a text stands in quotes, where a name that there is not is compared with a text.

    Args:
        error: the refusal.
        name: the name.

    Returns:
        The same refusal, with a way to write it where no other is known.
    """
    if error.code != "unknown_name" or error.suggestion is not None:
        return error
    detail = f"{error.detail}; write the text in quotes: '{name.name}'"
    return Misplaced(error.code, detail, error.span, f"'{name.name}'")


def of_relation(error: Misplaced, written: syntax.Relation, left: Node, right: Node) -> Misplaced:
    """Say how to compare what cannot be compared as it stands.

    Args:
        error: the refusal.
        written: the comparison.
        left: typed operand.
        right: typed operand.

    Returns:
        The same refusal, perhaps with a way to write it.
    """
    for one, other, part in ((left, right, written.right), (right, left, written.left)):
        hint = _for_operand(one.type, other, part)
        if hint:
            return Misplaced(error.code, f"{error.detail}; {hint}", error.span, error.suggestion)
    return error


def _for_operand(kind: Type, other: Node, part: syntax.Syntax) -> str:
    """Say how to write the other operand, where one of this kind needs it so."""
    value = part.value if isinstance(part, syntax.Literal) else None
    if kind == TIMESTAMP:
        day = _as_day(part) or (value if isinstance(value, str) else "")
        return f"write timestamp('{day}')" if day else ""
    if kind == DURATION and type(value) in (int, str):
        return f"write duration('{value}{'d' if isinstance(value, int) else ''}')"
    if kind in NUMBERS and isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return f"write the number without quotes: {value}"
    if kind == STRING and other.type in NUMBERS and value is not None:
        return f"write the text in quotes: '{value}'"
    return _for_whole(kind, other)


def _for_whole(kind: Type, other: Node) -> str:
    """Say how to take from a whole the part that can be compared."""
    if isinstance(kind, ListOf) and kind.item == other.type:
        return "to look into a list write value in list"
    if isinstance(kind, OptionalOf):
        return "take the value of the optional one with orValue(…)"
    if isinstance(kind, (Record, Namespace)) and other.type in SCALARS:
        alike = [
            name
            for name, inner in kind.fields.items()
            if inner == other.type or (inner in NUMBERS and other.type in NUMBERS)
        ]
        return f"compare one of its fields, such as {alike[0]}" if alike else ""
    if kind == BOOL and other.type in NUMBERS:
        return "compare two at a time and join them with &&"
    return ""


def _as_day(part: syntax.Syntax) -> str:
    """Read `2027-01-31`, which is a subtraction, as the day that was meant."""
    if not isinstance(part, syntax.Chain) or [link[0] for link in part.rest] != ["-", "-"]:
        return ""
    words = [part.first, *(link[2] for link in part.rest)]
    numbers = [word.value for word in words if isinstance(word, syntax.Literal) and type(word.value) is int]
    if len(numbers) != len(words):
        return ""
    year, month, day = numbers
    is_day = _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= _LAST_MONTH and 1 <= day <= _LONGEST_DAY
    return f"{year:04d}-{month:02d}-{day:02d}" if is_day else ""


def _written(node: Node) -> str:
    names: list[str] = []
    while isinstance(node, Field):
        names.append(node.name)
        node = node.base
    return ".".join([node.name, *reversed(names)]) if isinstance(node, Root) else ""


def _example(kind: Namespace, path: str) -> str:
    for name, inner in kind.fields.items():
        if isinstance(inner, Record) and inner.fields:
            return f"{path}.{name}.{next(iter(inner.fields))}"
        return f"{path}.{name}"
    return path


def _somewhere(kind: Type, path: str, name: str) -> str | None:
    """Find a name below a type, the nearest first."""
    layer: list[tuple[str, Type]] = [(path, kind)]
    for _ in range(_DEEP):
        for place, one in layer:
            if name in _fields(one):
                return f"{place}{name}"
        layer = [(f"{place}{word}.", inner) for place, one in layer for word, inner in _inner(one)]
    return None


def _fields(kind: Type) -> Iterable[str]:
    return kind.fields if isinstance(kind, (Record, Namespace)) else ()


def _inner(kind: Type) -> Iterator[tuple[str, Type]]:
    if isinstance(kind, (Record, Namespace)):
        for word, inner in kind.fields.items():
            if isinstance(inner, (Record, Namespace)):
                yield word, inner
