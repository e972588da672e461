"""Request bodies: read under a limit while they stream, turned into typed values, refused precisely."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from guerdon.base.calendar import LAST_INSTANT
from guerdon.base.errors import Problem

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
T = TypeVar("T")

BODY_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of any ordinary body."""
EVENTS_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of one call with events."""
_DRAIN_LIMIT: Final = 256 * 1024 * 1024

_AT = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_NAMED = re.compile(r"^Object (?P<kind>contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL)


class CallerGoneError(Exception):
    """The caller hung up before the body was complete."""


async def read_body(receive: Receive, declared: bytes | None, limit: int) -> bytes:
    """Read a whole body, never keeping more than the limit.

    Args:
        receive: the ASGI channel of this request.
        declared: the `Content-Length` header, which may lie.
        limit: bytes that are allowed.

    Returns:
        The body.

    Raises:
        Problem: `body_too_large`.
        CallerGoneError: when the caller hung up.
    """
    first = await _chunk(receive)
    if not first.get("more_body", False):
        whole: bytes = first.get("body", b"")
        if len(whole) > limit:
            raise _too_large(limit)
        return whole
    over = declared is not None and declared.isdigit() and int(declared[:20]) > limit
    parts: list[bytes] = []
    size, message = 0, first
    while True:
        piece = message.get("body", b"")
        size += len(piece)
        over = over or size > limit
        if over:
            # The rest is read and dropped: one who is still sending would not hear the answer otherwise.
            parts.clear()
            if size > _DRAIN_LIMIT:
                raise _too_large(limit)
        else:
            parts.append(piece)
        if not message.get("more_body", False):
            break
        message = await _chunk(receive)
    if over:
        raise _too_large(limit)
    return b"".join(parts)


async def _chunk(receive: Receive) -> MutableMapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGoneError
    return message


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"a body of this call has at most {limit // 1024 // 1024} MiB")


def read_json(raw: bytes, kind: type[T]) -> T:
    """Turn a body into a typed value.

    Args:
        raw: JSON in UTF-8.
        kind: a frozen `msgspec.Struct` that forbids unknown fields.

    Returns:
        The value.

    Raises:
        Problem: `body_missing`, `invalid_utf8`, `invalid_json`, `nesting_too_deep`, `duplicate_key`,
            `nul_character`, or `unknown_field`, `missing_field`, `wrong_type`, `wrong_value` with the first
            wrong place; `time_without_offset`, and an instant behind the calendar is a wrong value.
    """
    if not raw.strip():
        raise Problem("body_missing", "this call needs a JSON body")
    try:
        value = msgspec.json.decode(raw, type=kind)
        _refuse_twins(raw)
    except RecursionError:
        raise Problem.at("", "nesting_too_deep", "brackets are nested too deeply") from None
    except msgspec.ValidationError as error:
        raise shape_problem(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise syntax_problem(raw, str(error)) from None
    if kind not in _INSTANTS:
        _INSTANTS[kind] = _instants_of(kind)
    for name, key in _INSTANTS[kind]:
        _check_instant(getattr(value, name), f"/{key}")
    return value


def _instants_of(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """List the fields of a body that hold an instant: as we call them, and as the body does."""
    found = msgspec.inspect.type_info(kind)
    if not isinstance(found, msgspec.inspect.StructType):
        return ()
    return tuple(
        (one.name, one.encode_name)
        for one in found.fields
        if any(
            isinstance(part, msgspec.inspect.DateTimeType) for part in getattr(one.type, "types", (one.type,))
        )
    )


def _check_instant(at: datetime | None, pointer: str) -> None:
    if at is not None and at.tzinfo is None:
        raise Problem.at(
            pointer, "time_without_offset", "a time carries an offset, such as 2026-11-21T10:00:00Z"
        )
    # What lies beyond could be stored, and would never be read again.
    if at is not None and at > LAST_INSTANT:
        detail = f"this instant lies behind the year {LAST_INSTANT.year}, where the calendar ends"
        raise Problem.at(pointer, "wrong_value", detail)


def syntax_problem(raw: bytes, words: str) -> Problem:
    """Say why a body is no JSON.

    Args:
        raw: the body.
        words: what the decoder said.

    Returns:
        `invalid_utf8` or `invalid_json`.
    """
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem.at("", "invalid_utf8", f"the body is not UTF-8: wrong byte at position {error.start}")
    return Problem.at(
        "", "invalid_json", f"the body is not JSON: {words.removeprefix('JSON is malformed: ')}"
    )


def shape_problem(words: str, under: str = "") -> Problem:
    """Turn a decoder's complaint about a value into a refusal with a JSON pointer.

    Args:
        words: what msgspec said, such as ``Expected `str`, got `int` - at `$.name` ``.
        under: JSON pointer of the value that was decoded.

    Returns:
        `unknown_field`, `missing_field`, `wrong_type` or `wrong_value`.
    """
    at = _AT.search(words)
    pointer = under + (_pointer(at["path"]) if at else "")
    message = words[: at.start()] if at else words
    named = _NAMED.match(message)
    if named is not None:
        place = f"{pointer}/{_escaped(named['name'])}"
        if named["kind"] == "contains unknown":
            return Problem.at(
                place[:200], "unknown_field", f"the field `{named['name'][:60]}` is not known here"
            )
        return Problem.at(place, "missing_field", f"the field `{named['name']}` is missing")
    code = "wrong_type" if message.startswith("Expected `") and ", got " in message else "wrong_value"
    return Problem.at(pointer, code, message[:1].lower() + message[1:])


def _pointer(path: str) -> str:
    steps = (match["name"] or match["index"] for match in _STEP.finditer(path))
    return "".join(f"/{_escaped(step)}" for step in steps if step is not None)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refuse_twins(raw: bytes) -> None:
    found = _PAIRED.decode(raw.decode("utf-8"))
    # Only an escape brings the character into a text, and hardly any body has one.
    if _NUL in raw and _holds_nul(found):
        # PostgreSQL keeps no such character in a text.
        raise Problem("nul_character", "texts cannot hold the character U+0000")


def _paired(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise Problem("duplicate_key", f"the key {twin[:80]!r} stands twice in one object")
    return found


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(_holds_nul(one) for one in value)


_INSTANTS: Final[dict[type[Any], tuple[tuple[str, str], ...]]] = {}
"""By kind of body, what `_instants_of` found: it takes long, and kinds are few."""
_NUL: Final = rb"\u0000"
_PAIRED: Final = json.JSONDecoder(object_pairs_hook=_paired)
