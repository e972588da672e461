"""Calendar files of what takes place (iCalendar, RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, NamedTuple

_LINE_BYTES: Final = 75
# Letters that say nothing to people may not stand in the format at all.
_SILENT: Final = {chr(one): None for one in (*range(32), 127) if chr(one) not in "\n\t"}
_ESCAPED: Final = str.maketrans({**_SILENT, "\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class Entry(NamedTuple):
    """One thing that takes place, as a calendar has it."""

    uid: str
    """The same for all versions of the entry, and for no other."""
    title: str
    starts_at: date
    """An instant, or a day of its own."""
    ends_at: date | None
    """The first instant, or the first day, that it takes no more; None where that is not known."""
    place: str
    description: str
    """What people read beside it; lines end with a newline."""
    written_at: datetime
    """When this file is written."""
    version: int
    """0 at first, and more with each change."""
    is_cancelled: bool


def written(entry: Entry) -> bytes:
    """Write a calendar file with one entry.

    Args:
        entry: what takes place. Instants are written in UTC, which every calendar shows in its own zone.

    Returns:
        The file, with lines of at most 75 bytes that end as the format wants it.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Guerdon//Loyalty//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:CANCEL" if entry.is_cancelled else "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(entry.uid)}",
        f"DTSTAMP:{_instant(entry.written_at)}",
        f"SEQUENCE:{entry.version}",
        _moment("DTSTART", entry.starts_at),
        *([_moment("DTEND", entry.ends_at)] if entry.ends_at is not None else []),
        f"SUMMARY:{_text(entry.title)}",
        *([f"LOCATION:{_text(entry.place)}"] if entry.place else []),
        *([f"DESCRIPTION:{_text(entry.description)}"] if entry.description else []),
        "STATUS:CANCELLED" if entry.is_cancelled else "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(folded(line) for line in lines)


def folded(line: str) -> bytes:
    """Fold a line: no part is longer than 75 bytes, and no letter is torn apart.

    Args:
        line: without its end.

    Returns:
        The parts, each but the first beginning with a space, and each with its end.
    """
    parts, part, room = [], b"", _LINE_BYTES
    for letter in line:
        coded = letter.encode()
        if len(part) + len(coded) > room:
            parts.append(part)
            part, room = b"", _LINE_BYTES - 1
        part += coded
    return b"\r\n ".join([*parts, part]) + b"\r\n"


def _moment(name: str, at: date) -> str:
    return f"{name}:{_instant(at)}" if isinstance(at, datetime) else f"{name};VALUE=DATE:{at:%Y%m%d}"


def _text(plain: str) -> str:
    return plain.translate(_ESCAPED)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
