"""Instants, lengths of time and their parts in a calendar, at run time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from guerdon.rules.expressions import literals
from guerdon.rules.expressions.errors import Failure

_SECOND = timedelta(seconds=1)
_LONGEST = timedelta(microseconds=literals.LONGEST)
_named = lru_cache(maxsize=64)(literals.zone_named)


def _local(at: datetime, zone: tzinfo) -> datetime:
    if at.tzinfo is None:
        raise Failure("wrong_type", "the instant has no time zone")
    return at.astimezone(zone)


def in_utc(at: datetime) -> datetime:
    """Read an instant in UTC.

    Args:
        at: an instant.

    Returns:
        The same instant, in UTC.

    Raises:
        Failure: `wrong_type` without a time zone.
    """
    return _local(at, UTC)


def later(at: datetime, length: timedelta) -> datetime:
    """Go forward in time.

    Args:
        at: an instant.
        length: exact length.

    Returns:
        The instant, in UTC.
    """
    return in_utc(at) + length


def earlier(at: datetime, length: timedelta) -> datetime:
    """Go back in time.

    Args:
        at: an instant.
        length: exact length.

    Returns:
        The instant, in UTC.
    """
    return in_utc(at) - length


def between(end: datetime, start: datetime) -> timedelta:
    """Measure the time between two instants.

    Args:
        end: an instant.
        start: an instant.

    Returns:
        The exact length, negative when `end` is earlier.
    """
    return in_utc(end) - in_utc(start)


def _bounded(length: timedelta) -> timedelta:
    if abs(length) > _LONGEST:
        raise Failure("number_too_large", "a duration has at most 10,000 years")
    return length


def longer(one: timedelta, other: timedelta) -> timedelta:
    """Add two lengths of time.

    Args:
        one: a length.
        other: a length.

    Returns:
        Their sum.

    Raises:
        Failure: `number_too_large`.
    """
    return _bounded(one + other)


def shorter(one: timedelta, other: timedelta) -> timedelta:
    """Subtract two lengths of time.

    Args:
        one: a length.
        other: a length.

    Returns:
        Their difference.

    Raises:
        Failure: `number_too_large`.
    """
    return _bounded(one - other)


def zone_of(name: str) -> tzinfo:
    """Find the zone that an expression names.

    Args:
        name: IANA name or offset.

    Returns:
        The zone.

    Raises:
        Failure: `bad_argument`.
    """
    try:
        return _named(name)
    except ValueError as error:
        raise Failure("bad_argument", "there is no such time zone") from error


def parse_instant(text: str, zone: tzinfo) -> datetime:
    """Read an instant.

    Args:
        text: as of `literals.timestamp`.
        zone: zone of local times.

    Returns:
        The instant, in UTC.

    Raises:
        Failure: `bad_argument`.
    """
    try:
        return literals.timestamp(text, zone)
    except (ValueError, OverflowError) as error:
        raise Failure("bad_argument", "a timestamp looks like 2027-01-31T17:00:00Z") from error


def parse_length(text: str) -> timedelta:
    """Read a length of time.

    Args:
        text: as of `literals.duration`.

    Returns:
        The length.

    Raises:
        Failure: `bad_argument`.
    """
    try:
        return literals.duration(text)
    except (ValueError, OverflowError) as error:
        raise Failure("bad_argument", "a duration looks like 3d, 1h30m or 90s") from error


def _from_sunday(local: datetime) -> int:
    return local.isoweekday() % 7


PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda local: local.year,
    "getMonth": lambda local: local.month - 1,
    "getDate": lambda local: local.day,
    "getDayOfMonth": lambda local: local.day - 1,
    "getDayOfWeek": _from_sunday,
    "getDayOfYear": lambda local: local.timetuple().tm_yday - 1,
    "getHours": lambda local: local.hour,
    "getMinutes": lambda local: local.minute,
    "getSeconds": lambda local: local.second,
    "getMilliseconds": lambda local: local.microsecond // 1000,
}
"""CEL's parts of an instant: months and days of the month, week and year count from 0, a week begins on
Sunday, and only `getDate` counts from 1."""

_UNITS = {"getHours": 3600 * _SECOND, "getMinutes": 60 * _SECOND, "getSeconds": _SECOND}


def part_of_instant(name: str) -> Callable[[datetime, tzinfo], int]:
    """Make the function for one part of an instant.

    Args:
        name: key of `PARTS`.

    Returns:
        A function of an instant and a zone.
    """
    read = PARTS[name]
    return lambda at, zone: read(_local(at, zone))


def part_in_named_zone(name: str) -> Callable[[datetime, str], int]:
    """Make the function for one part of an instant in a named zone.

    Args:
        name: key of `PARTS`.

    Returns:
        A function of an instant and a zone's name.
    """
    read = PARTS[name]
    return lambda at, zone: read(_local(at, zone_of(zone)))


def part_of_length(name: str) -> Callable[[timedelta], int]:
    """Make the function that counts whole units of a length of time.

    Args:
        name: `getHours`, `getMinutes`, `getSeconds` or `getMilliseconds`.

    Returns:
        A function of a length; the first three count the whole length, the last the rest below a second.
    """
    if name == "getMilliseconds":
        return lambda length: length.microseconds // 1000
    unit = _UNITS[name]
    return lambda length: length // unit if length >= timedelta(0) else -(-length // unit)
