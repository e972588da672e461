"""Texts with places for values, and texts written as literals, at run time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guerdon.rules.expressions.errors import Failure
from guerdon.rules.expressions.runtime import octets, turning
from guerdon.rules.expressions.runtime.budget import LONGEST_TEXT
from guerdon.rules.expressions.runtime.dynamic import LISTS, missing
from guerdon.rules.expressions.runtime.kinds import Kind, Optional

_PLACE = re.compile(r"%(?:%|(?:\.([0-9]{1,3}))?([A-Za-z]))|%")
_PLACES = 6
_MOST_PLACES = 100
_DEEPEST = 32
_ESCAPES = str.maketrans(
    {
        "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
        "\\": "\\\\", '"': '\\"',
    }
)  # fmt: skip


def formatted(text: str, values: Sequence[Any]) -> str:
    """Put values into a text.

    Args:
        text: with `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X`, and `%%` for a per cent sign.
        values: one for each place, in order.

    Returns:
        The text with the values.

    Raises:
        Failure: `bad_argument`, `wrong_type`, `text_too_long`.
    """
    left = iter(values)
    size = 0
    made: list[str] = []
    at = 0
    for match in _PLACE.finditer(text):
        made += (text[at : match.start()], _placed(match, left))
        at = match.end()
        size += len(made[-1])
        if size > LONGEST_TEXT:
            raise _too_long()
    made.append(text[at:])
    whole = "".join(made)
    if len(whole) > LONGEST_TEXT:
        raise _too_long()
    return whole


def _too_long() -> Failure:
    return Failure("text_too_long", f"a text may have {LONGEST_TEXT} characters")


def _placed(match: re.Match[str], values: Iterator[Any]) -> str:
    places, letter = match.groups()
    if match.group(0) == "%%":
        return "%"
    write = _WRITERS.get(letter or "")
    if write is None or (places is not None and letter not in "fe"):
        raise Failure(
            "bad_argument", "a format has the places %s %d %f %e %b %o %x %X, and %% for a per cent"
        )
    for value in values:
        if value is None and letter != "s":
            missing()
        return write(value, min(int(places), _MOST_PLACES) if places is not None else _PLACES)
    raise Failure("bad_argument", "there are more places in the format than values")


def _number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, Fraction)):
        raise Failure("wrong_type", "this place of the format needs a number")
    return Fraction(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if number.denominator != 1:
        raise Failure("wrong_type", "this place of the format needs a whole number")
    return number.numerator


def _decimal_places(value: Any, places: int) -> str:
    digits = round(_number(value) * 10**places)
    sign, text = "-" if digits < 0 else "", str(abs(digits)).rjust(places + 1, "0")
    return f"{sign}{text[:-places]}.{text[-places:]}" if places else sign + text


def _scientific(value: Any, places: int) -> str:
    number = _number(value)
    power = 0
    if number:
        above, below = abs(number.numerator), number.denominator
        power = len(str(above)) - len(str(below))
        power -= abs(number) < Fraction(10) ** power
        if round(abs(number) / Fraction(10) ** power * 10**places) >= 10 ** (places + 1):
            power += 1
    text = _decimal_places(number / Fraction(10) ** power, places)
    return f"{text}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _integer(value: Any, places: int) -> str:
    del places
    return turning.to_text(value) if isinstance(value, Decimal) else str(_whole(value))


def _binary(value: Any, places: int) -> str:
    del places
    return f"{value:b}" if isinstance(value, bool) else f"{_whole(value):b}"


def _hexadecimal(value: Any, places: int) -> str:
    del places
    if isinstance(value, (str, bytes)):
        return octets.to_bytes(value).hex()
    return f"{_whole(value):x}"


_WRITERS: dict[str, Callable[[Any, int], str]] = {
    "s": lambda value, _: _shown(value, 0),
    "d": _integer,
    "f": _decimal_places,
    "e": _scientific,
    "b": _binary,
    "o": lambda value, _: f"{_whole(value):o}",
    "x": _hexadecimal,
    "X": lambda value, places: _hexadecimal(value, places).upper(),
}


def _shown(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise Failure("text_too_long", "lists and maps that are written may lie 32 deep in each other")
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return octets.to_text(value)
    if isinstance(value, Kind):
        return value.name
    if isinstance(value, Optional):
        return f"optional({_shown(value.items[0], depth + 1)})" if value.items else "optional.none()"
    if isinstance(value, LISTS):
        return f"[{_listed(_shown(item, depth + 1) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = {_shown(name, depth + 1): item for name, item in value.items()}
        return f"{{{_listed(f'{name}: {_shown(pairs[name], depth + 1)}' for name in sorted(pairs))}}}"
    return turning.to_text(value)


def _listed(texts: Iterator[str]) -> str:
    made: list[str] = []
    size = 0
    for text in texts:
        size += len(text)
        if size > LONGEST_TEXT:
            raise _too_long()
        made.append(text)
    return ", ".join(made)


def quoted(text: str) -> str:
    """Write a text as a literal.

    Args:
        text: any text.

    Returns:
        The text in double quotes, with escapes for what cannot stand there.

    Raises:
        Failure: `text_too_long`.
    """
    made = f'"{text.translate(_ESCAPES)}"'
    if len(made) > LONGEST_TEXT:
        raise _too_long()
    return made
