"""Mappings: a template of the events of api.md, filled from the body of another system. Nothing is run.

A text that begins with `$` is a path into the body (`$.order.lines[0].sku`), one that begins with `@` a path
into the item of the `$each` around it; `$$` and `@@` stand for the letters themselves. An object with `$path`
changes what it finds, one with `$each` makes a list. Whatever is not there leaves its field out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from guerdon.base.errors import Problem

_STEP: Final = re.compile(r"\.([A-Za-z_][\w-]{0,99})|\['([^']{1,100})'\]|\[(\d{1,4})\]")
_WORDS: Final = frozenset({"$path", "as", "prefix", "default", "values", "digits"})
_MAKERS: Final = frozenset({"text", "number", "minor", "unix"})
_DEPTH: Final = 16
_ITEMS: Final = 1000
EVENTS_AT_MOST: Final = 20
_DIGITS_AT_MOST: Final = 6
_ABSENT: Final = object()
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event that a body may lead to."""

    event: dict[str, Any]
    """A CloudEvent of api.md as a template."""
    when: Mapping[str, Any] = {}
    """Paths and what must stand there: a value, or a list of which one stands there; all must hold."""


class OrderMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How bodies become events: each rule whose `when` holds makes one."""

    events: list[Rule]


def check_mapping(mapping: OrderMapping, under: str = "/mapping") -> None:
    """Check a mapping before it is kept.

    Args:
        mapping: what was sent.
        under: JSON pointer of it.

    Raises:
        Problem: `mapping_invalid` with the place.
    """
    if not 0 < len(mapping.events) <= EVENTS_AT_MOST:
        raise _wrong(f"{under}/events", f"a mapping has 1 to {EVENTS_AT_MOST} rules")
    for place, rule in enumerate(mapping.events):
        here = f"{under}/events/{place}"
        for path, wanted in rule.when.items():
            _steps(path, f"{here}/when", item=False)
            _check_constant(wanted, f"{here}/when")
        for field in ("id", "source", "type", "time"):
            if field not in rule.event:
                raise _wrong(f"{here}/event", f"an event needs `{field}`")
        _check(rule.event, f"{here}/event", 0, item=False)


def read_foreign(body: bytes) -> Any:
    """Read the body of another system, numbers exact.

    Args:
        body: JSON in UTF-8.

    Returns:
        Dicts, lists, texts, booleans, None, int and Decimal.

    Raises:
        Problem: `invalid_json` or `nesting_too_deep`.
    """
    try:
        body.decode("utf-8")
        return _DECODER.decode(body)
    except RecursionError:
        raise Problem.at("", "nesting_too_deep", "brackets are nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        raise Problem.at("", "invalid_json", "the body is not JSON") from None


def map_events(mapping: OrderMapping, body: Any) -> list[bytes]:
    """Make events of a body.

    Args:
        mapping: checked by `check_mapping`.
        body: of `read_foreign`.

    Returns:
        CloudEvents in JSON, in the order of the rules; none where no rule fits.

    Raises:
        Problem: `mapping_failed` with a pointer into the mapping, where what stands there cannot be used.
    """
    made = []
    for place, rule in enumerate(mapping.events):
        if all(_holds(_find(body, path), wanted) for path, wanted in rule.when.items()):
            filled = _fill(rule.event, (body, _ABSENT), f"/events/{place}/event")
            made.append(_ENCODER.encode(filled))
    return made


def _holds(found: Any, wanted: Any) -> bool:
    return found in wanted if isinstance(wanted, list) else found == wanted


Sources = tuple[Any, Any]
"""The body, and the item of the list around."""


def _fill(template: Any, sources: Sources, at: str) -> Any:
    if isinstance(template, str):
        return _text(template, sources)
    if isinstance(template, list):
        items = [_fill(one, sources, f"{at}/{place}") for place, one in enumerate(template)]
        return [one for one in items if one is not _ABSENT]
    if not isinstance(template, dict):
        return template
    if "$each" in template:
        return _each(template, sources, at)
    if "$path" in template:
        return _made(template, sources, at)
    filled = {name: _fill(one, sources, f"{at}/{name}") for name, one in template.items()}
    return {name: one for name, one in filled.items() if one is not _ABSENT}


def _text(template: str, sources: Sources) -> Any:
    if template[:2] in ("$$", "@@"):
        return template[1:]
    if template[:1] == "$":
        return _find(sources[0], template)
    return _find(sources[1], template) if template[:1] == "@" else template


def _each(template: Mapping[str, Any], sources: Sources, at: str) -> Any:
    items = _text(template["$each"], sources)
    if items is _ABSENT or items is None:
        return _ABSENT
    if not isinstance(items, list) or len(items) > _ITEMS:
        raise _failed(at, f"{template['$each']} is no list of at most {_ITEMS} items")
    return [_fill(template["to"], (sources[0], item), f"{at}/to") for item in items]


def _made(template: Mapping[str, Any], sources: Sources, at: str) -> Any:
    found = _text(template["$path"], sources)
    if found is _ABSENT or found is None:
        return template.get("default", _ABSENT)
    if "values" in template:
        found = template["values"].get(_plain(found, at), template.get("default", _ABSENT))
        if found is _ABSENT:
            return _ABSENT
    maker = template.get("as")
    if maker is not None:
        found = _turned(found, maker, int(template.get("digits", 2)), at)
    return template["prefix"] + _plain(found, at) if "prefix" in template else found


def _turned(found: Any, maker: str, digits: int, at: str) -> Any:
    if maker == "text":
        return _plain(found, at)
    number = _number(found, at)
    if maker == "number":
        return number
    if maker == "minor":
        # Counted in the smallest coin: exact, without a quotient.
        return number.scaleb(-digits)
    try:
        return datetime.fromtimestamp(int(number), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        raise _failed(at, "this is no time in Unix seconds") from None


def _number(found: Any, at: str) -> Decimal:
    if isinstance(found, str | int | Decimal) and not isinstance(found, bool):
        text = str(found).strip()
        if len(text) <= 28 and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?", text, re.ASCII):
            return Decimal(text)
    raise _failed(at, "this is no number")


def _plain(found: Any, at: str) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        return found
    if isinstance(found, int):
        return str(found)
    if isinstance(found, Decimal):
        return format(found, "f") if -40 <= found.adjusted() <= 40 else str(found)
    raise _failed(at, "a list or an object is no text")


def _find(value: Any, path: str) -> Any:
    for step in _STEP.finditer(path, 1):
        name = step[1] if step[1] is not None else step[2]
        if name is not None:
            if not isinstance(value, dict) or name not in value:
                return _ABSENT
            value = value[name]
        else:
            place = int(step[3])
            if not isinstance(value, list) or place >= len(value):
                return _ABSENT
            value = value[place]
    return value


def _check(template: Any, at: str, depth: int, *, item: bool) -> None:
    if depth > _DEPTH:
        raise _wrong(at, f"a template is at most {_DEPTH} levels deep")
    if isinstance(template, str):
        if template[:1] in ("$", "@") and template[:2] not in ("$$", "@@"):
            _steps(template, at, item=item)
    elif isinstance(template, list):
        for place, one in enumerate(template):
            _check(one, f"{at}/{place}", depth + 1, item=item)
    elif isinstance(template, dict):
        _check_object(template, at, depth, item=item)
    else:
        _check_constant(template, at)


def _check_constant(value: Any, at: str) -> None:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, float | Decimal):
            raise _wrong(at, "write a decimal as text, so that it stays exact")


def _check_object(template: Mapping[str, Any], at: str, depth: int, *, item: bool) -> None:
    if "$each" in template:
        if set(template) != {"$each", "to"} or not isinstance(template["$each"], str):
            raise _wrong(at, "`$each` is a path and stands with `to` alone")
        _steps(template["$each"], f"{at}/$each", item=item)
        _check(template["to"], f"{at}/to", depth + 1, item=True)
    elif "$path" in template:
        _check_path(template, at, item=item)
    else:
        for name, one in template.items():
            _check(one, f"{at}/{name}", depth + 1, item=item)


def _check_path(template: Mapping[str, Any], at: str, *, item: bool) -> None:
    unknown = sorted(set(template) - _WORDS)
    if unknown:
        raise _wrong(f"{at}/{unknown[0]}", f"beside `$path` stand {', '.join(sorted(_WORDS - {'$path'}))}")
    _steps(template["$path"], f"{at}/$path", item=item)
    maker = template.get("as", "text")
    if not isinstance(maker, str) or maker not in _MAKERS:
        raise _wrong(f"{at}/as", f"one of {', '.join(sorted(_MAKERS))}")
    digits = template.get("digits", 2)
    if type(digits) is not int or not 0 <= digits <= _DIGITS_AT_MOST:
        raise _wrong(f"{at}/digits", f"0 to {_DIGITS_AT_MOST}")
    if not isinstance(template.get("values", {}), dict):
        raise _wrong(f"{at}/values", "texts and what they become")
    if not isinstance(template.get("prefix", ""), str):
        raise _wrong(f"{at}/prefix", "a text")


def _steps(path: Any, at: str, *, item: bool) -> None:
    if not isinstance(path, str) or path[:1] not in ("$", "@"):
        raise _wrong(at, "a path begins with `$` (the body) or `@` (the item of a list)")
    if path[:1] == "@" and not item:
        raise _wrong(at, "`@` is the item of a list, and stands inside of `$each`")
    end = 1
    for step in _STEP.finditer(path, 1):
        if step.start() != end:
            break
        end = step.end()
    if end != len(path):
        raise _wrong(at, f"{path[:60]!r} is no path: `$.name`, `$['name']` and `$[0]`, one after another")


def _wrong(pointer: str, detail: str) -> Problem:
    return Problem.at(pointer, "mapping_invalid", detail)


def _failed(pointer: str, detail: str) -> Problem:
    return Problem.at(pointer, "mapping_failed", detail)
