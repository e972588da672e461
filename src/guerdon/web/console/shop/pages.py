"""Pages of long lists: where the next one begins, as it stands in an address."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from guerdon.base.errors import Problem

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MOST: Final = 2**55
_YEARS: Final = range(1970, 2200)

Cursor = tuple[datetime, UUID]


def cursor_text(at: datetime, which: UUID) -> str:
    """Write where a page ended.

    Args:
        at: the instant of its last row.
        which: that row's id.

    Returns:
        Text for an address.
    """
    return f"{(at - _EPOCH) // _MICROSECOND}.{which.hex}"


def read_cursor(text: str) -> Cursor | None:
    """Read where a page ended.

    Args:
        text: of `cursor_text`, or empty.

    Returns:
        Instant and id; None where nothing is said.

    Raises:
        Problem: `page_not_found`.
    """
    if not text:
        return None
    at, _, which = text.partition(".")
    try:
        if not abs(int(at)) < _MOST:
            raise ValueError
        return _EPOCH + int(at) * _MICROSECOND, UUID(which)
    except ValueError:
        raise Problem("page_not_found", "There is no such page.") from None


def read_day(text: str) -> date | None:
    """Read a day that was chosen.

    Args:
        text: such as `2026-11-21`, or empty.

    Returns:
        The day; None where nothing is said, or nothing that is a day.
    """
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day is not None and day.year in _YEARS else None
