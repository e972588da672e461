"""When and where sample members buy: seasons, days of the week, hours, channels, sales."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from random import Random
from typing import Final

SEASONS: Final[Mapping[str, tuple[int, ...]]] = {
    #            Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
    "student":   (14,  7,  6,  6,  6,  5,  6, 24, 20,  7, 12, 13),
    "commuter":  (12,  9,  9,  8,  8,  7,  6,  8, 12, 10, 13, 14),
    "traveller": ( 6,  6,  9, 10, 13, 17, 16,  9,  7,  6, 11, 15),
    "outdoor":   ( 4,  4,  8, 13, 15, 14, 11, 10,  9,  7,  8, 11),
}  # fmt: skip
"""Weight of each month by persona."""
_WEEK: Final = (9, 8, 9, 10, 15, 19, 14)
"""Weight of each day, Monday first."""
_YEARLY_ORDERS: Final[Sequence[tuple[int, int, int]]] = (
    (8, 0, 0),
    (34, 1, 3),
    (33, 4, 8),
    (17, 9, 16),
    (6, 17, 28),
    (2, 29, 45),
)
"""Per cent of members, and from how many to how many orders a year."""
_CHANNELS: Final[Mapping[str, Mapping[str, int]]] = {
    "student": {"web": 34, "app": 40, "pos": 26},
    "commuter": {"web": 38, "app": 22, "pos": 40},
    "traveller": {"web": 56, "app": 19, "pos": 25},
    "outdoor": {"web": 42, "app": 14, "pos": 44},
}
_STORES: Final[Mapping[str, int]] = {"broadway": 46, "jackson-heights": 31, "jersey-city": 23}
_HOURS: Final[Mapping[str, tuple[int, ...]]] = {
    # From 6 to 23 o'clock; no clock is ever put forward or back in these hours.
    "web": (1, 2, 3, 4, 5, 5, 7, 7, 5, 5, 5, 6, 6, 8, 10, 11, 8, 4),
    "app": (2, 5, 6, 4, 3, 3, 6, 6, 4, 3, 4, 6, 7, 8, 10, 11, 9, 5),
    "pos": (0, 0, 0, 0, 4, 6, 9, 9, 8, 8, 9, 12, 12, 9, 5, 0, 0, 0),
}
_FIRST_HOUR: Final = 6
_SALE_MONTHS: Final[Mapping[int, int]] = {1: 20, 7: 15}
"""Month → per cent off backpacks, in its last two weeks."""
_SALE_FROM: Final = 15


def draw_yearly_orders(chance: Random) -> int:
    """Draw how often somebody buys: most a few times, a few very often.

    Args:
        chance: the dice.

    Returns:
        Orders a year.
    """
    kind = chance.choices(_YEARLY_ORDERS, [weight for weight, _, _ in _YEARLY_ORDERS])[0]
    return chance.randint(kind[1], kind[2])


def draw_days(chance: Random, persona: str, days: Sequence[date], count: int) -> list[date]:
    """Draw the days on which somebody buys.

    Args:
        chance: the dice.
        persona: whose seasons count.
        days: the days to choose from, in order.
        count: how many.

    Returns:
        Days in order; one may come twice.
    """
    heights = list(accumulate(SEASONS[persona][day.month - 1] * _WEEK[day.weekday()] for day in days))
    return sorted(days[bisect_right(heights, chance.randrange(heights[-1]))] for _ in range(count))


def draw_place(chance: Random, persona: str, home_store: str) -> tuple[str, str]:
    """Draw where somebody buys this time.

    Args:
        chance: the dice.
        persona: whose habits count.
        home_store: the store that they go to.

    Returns:
        Channel, and store, which is empty but at the till.
    """
    channels = _CHANNELS[persona]
    channel = chance.choices(list(channels), list(channels.values()))[0]
    return channel, home_store if channel == "pos" else ""


def draw_store(chance: Random) -> str:
    """Draw the store that somebody goes to.

    Args:
        chance: the dice.

    Returns:
        The store's key.
    """
    return chance.choices(list(_STORES), list(_STORES.values()))[0]


def draw_second(chance: Random, channel: str) -> int:
    """Draw the time of day.

    Args:
        chance: the dice.
        channel: stores open at ten and close at nine.

    Returns:
        Seconds since midnight by the local clock.
    """
    weights = _HOURS[channel]
    hour = _FIRST_HOUR + chance.choices(range(len(weights)), weights)[0]
    return hour * 3600 + chance.randrange(3600)


def sale_per_cent(day: date) -> int:
    """Tell what backpacks are reduced by.

    Args:
        day: the local day.

    Returns:
        Per cent off, 0 outside of a sale.
    """
    return _SALE_MONTHS.get(day.month, 0) if day.day >= _SALE_FROM else 0
