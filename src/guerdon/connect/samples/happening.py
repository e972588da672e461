"""Something that happens in the sample world, before it has a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from guerdon.base.calendar import Zone

SHOP: Final = "backpack-shop"
"""The source of what does not happen at a till."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to somebody."""

    at: datetime
    person: int
    """Their place among the people."""
    type: str
    source: str
    channel: str
    store: str
    """Empty but at a till."""
    data: dict[str, Any]
    order: Happening | None = None
    """What is returned."""


def instant_of(zone: Zone, day: date, second: int) -> datetime:
    """Give an instant of a local day.

    Args:
        zone: whose clock.
        day: the local day.
        second: since its midnight by that clock.

    Returns:
        UTC.
    """
    hour, rest = divmod(second, 3600)
    local = datetime(day.year, day.month, day.day, hour, rest // 60, rest % 60, tzinfo=zone.info)
    return local.astimezone(UTC)
