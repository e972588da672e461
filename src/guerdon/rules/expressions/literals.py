"""Numbers, texts, durations and instants as they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

DIGITS = 60
"""How many digits an exact number may have."""
RANGE = 99
"""How far the first digit of a decimal may be from the point."""

_PLAIN = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[\s\S])"
)
_SURROGATES = range(0xD800, 0xE000)
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(w|d|h|ms|us|µs|ns|m|s)")
_MICROSECONDS: dict[str, int | Fraction] = {
    "w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000,
    "ms": 1_000, "us": 1, "µs": 1, "ns": Fraction(1, 1000),
}  # fmt: skip
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(?:([Zz])|([+-]\d\d:\d\d))?)?", re.ASCII
)
_OFFSET = re.compile(r"([+-]?)(\d\d?):(\d\d)", re.ASCII)
_LONGEST_WORD = 64
LONGEST = 315_576_000_000_000_000
"""Microseconds that a length of time may have: 10,000 years."""


def number(text: str) -> int | Decimal:
    """Read a number without a sign.

    Args:
        text: digits, with a point or an exponent for a decimal, or `0x…`.

    Returns:
        An int, or an exact decimal of at most `DIGITS` digits.

    Raises:
        ValueError: it is not a number of this language.
        OverflowError: it has too many digits.
    """
    if text[:2] in ("0x", "0X"):
        whole = int(text, 0)
    elif text.isdigit():
        if len(text) > DIGITS:
            raise OverflowError
        whole = int(text)
    else:
        return _decimal(text)
    if whole >= 10**DIGITS:
        raise OverflowError
    return whole


def _decimal(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?", text):
        raise ValueError(text)
    _, _, exponent = text.lower().partition("e")
    if len(exponent.lstrip("+-0")) > len(str(RANGE)):
        raise OverflowError
    value = Decimal(text)
    if len(value.as_tuple().digits) > DIGITS or (value and abs(value.adjusted()) > RANGE):
        raise OverflowError
    return value


def string(text: str) -> str | bytes:
    """Read a literal of text or bytes with its quotes.

    Args:
        text: the literal, perhaps raw, in one or three quotes of either kind; `b` before them makes bytes.

    Returns:
        The text or the bytes that it stands for.

    Raises:
        ValueError: a wrong escape; its argument is the reason.
    """
    prefix = text[: min(text.find("'") % len(text), text.find('"') % len(text))]
    body = text[len(prefix) :]
    width = 3 if body[:3] in ('"""', "'''") else 1
    body = body[width:-width].replace("\r\n", "\n").replace("\r", "\n")
    is_raw = "r" in prefix.lower()
    if "b" in prefix.lower():
        return _octets(body, is_raw)
    return body if is_raw else _ESCAPE.sub(_unescape, body)


def _octets(body: str, is_raw: bool) -> bytes:
    made, at = b"", 0
    for match in () if is_raw else _ESCAPE.finditer(body):
        made += _utf8(body[at : match.start()]) + _octet(match.group(1))
        at = match.end()
    return made + _utf8(body[at:])


def _octet(word: str) -> bytes:
    if len(word) > 1 and word[0] not in "uU":
        return bytes((int(word[1:], 16) if word[0] in "xX" else int(word, 8),))
    if word not in _PLAIN:
        raise ValueError(f"\\{word} is not an escape of bytes")
    return _utf8(_PLAIN[word])


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("bytes cannot hold half a character") from None


def _unescape(match: re.Match[str]) -> str:
    word = match.group(1)
    if len(word) == 1:
        if word not in _PLAIN:
            raise ValueError(f"\\{word} is not an escape")
        return _PLAIN[word]
    point = int(word[1:], 16) if word[0] in "xXuU" else int(word, 8)
    if point > 0x10FFFF or point in _SURROGATES:
        raise ValueError(f"\\{word} is not a character")
    return chr(point)


def duration(text: str) -> timedelta:
    """Read a length of time.

    Args:
        text: such as `3d`, `1h30m`, `-1.5h`, `250ms`; a day is 24 hours and a week is 7 days.

    Returns:
        The exact length.

    Raises:
        ValueError: it is not a length of time in whole microseconds.
        OverflowError: it is too long.
    """
    body = text[1:] if text[:1] in ("-", "+") else text
    if not body or len(text) > _LONGEST_WORD:
        raise ValueError(text)
    total, at = Fraction(0), 0
    while at < len(body):
        match = _SPAN.match(body, at)
        if match is None:
            raise ValueError(text)
        total += Fraction(match.group(1)) * _MICROSECONDS[match.group(2)]
        at = match.end()
    if total.denominator != 1:
        raise ValueError(text)
    if total > LONGEST:
        raise OverflowError
    whole = timedelta(microseconds=total.numerator)
    return -whole if text[0] == "-" else whole


def timestamp(text: str, zone: tzinfo) -> datetime:
    """Read an instant.

    Args:
        text: RFC 3339; without an offset it is local time, without a time midnight.
        zone: the zone of local times.

    Returns:
        The instant, in UTC.

    Raises:
        ValueError: it is not an instant.
        OverflowError: it lies outside of the years 1 to 9999.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, clock, utc, offset = match.groups()
    local = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    if utc:
        return local.replace(tzinfo=UTC)
    return local.replace(tzinfo=zone_named(offset) if offset else zone).astimezone(UTC)


def zone_named(name: str) -> tzinfo:
    """Find a time zone.

    Args:
        name: an IANA name or a fixed offset such as `+05:30`.

    Returns:
        The zone.

    Raises:
        ValueError: there is no such zone.
    """
    match = _OFFSET.fullmatch(name)
    if match is not None:
        sign = -1 if match.group(1) == "-" else 1
        return timezone(sign * timedelta(hours=int(match.group(2)), minutes=int(match.group(3))))
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone") from error
