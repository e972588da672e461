"""The figures of the overview: what the books say about this month and the twelve before it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from guerdon.base.calendar import Span, Zone, add_to_day
from guerdon.infra.tx import Tx
from guerdon.rules.program import Program
from guerdon.wiring import Live

MONTHS: Final = 13
"""Shown on the chart, the present one included."""
SOON: Final = timedelta(days=30)
_REMEMBERED_SECONDS: Final = 20.0
_KEPT: Final = 64
_CAMPAIGNS: Final = 8
_MOVED: Final = """
select width_bucket(t.effective_at, %(edges)s::timestamptz[]), e.wallet, e.book, t.kind, sum(e.amount)::bigint
from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
where t.program_id = %(program)s and t.effective_at >= %(first)s and e.book <> 'member'
group by 1, 2, 3, 4
"""
_HELD: Final = """
select wallet, sum(available + pending)::bigint from wallets where program_id = %s group by wallet
"""
_JOINED: Final = """
select count(*), count(*) filter (where joined_at >= %(month)s),
    count(*) filter (where joined_at >= %(before)s and joined_at < %(then)s)
from members where program_id = %(program)s and erased_at is null
"""
_BOUGHT: Final = """
select count(*) filter (where occurred_at >= %(month)s),
    count(distinct account_id) filter (where occurred_at >= %(month)s and account_id > 0),
    count(*) filter (where occurred_at < %(then)s),
    count(distinct account_id) filter (where occurred_at < %(then)s and account_id > 0)
from events where program_id = %(program)s and order_id is not null and type = 'order.paid'
    and occurred_at >= %(before)s
"""
_TIERS: Final = "select ladder, level, count(*) from tiers where program_id = %s group by 1, 2"
_ENDING: Final = """
select l.wallet, sum(l.remaining)::bigint, count(distinct l.account_id), min(l.expires_at)
from lots l join wallets w on w.account_id = l.account_id and w.wallet = l.wallet
where w.program_id = %s and l.expires_at > %s and l.expires_at <= %s and l.remaining > 0 group by 1
"""
_FIRED: Final = """
select e.source, e.wallet, count(distinct (e.account_id, e.seq)), sum(e.amount)::bigint
from transactions t join entries e on e.account_id = t.account_id and e.seq = t.seq
where t.program_id = %s and t.effective_at >= %s and t.kind = 'award' and e.book = 'member'
group by 1, 2 order by 4 desc limit %s
"""


@dataclass(slots=True)
class Moved:
    """Units that moved in a stretch of time, in the wallet's scale."""

    issued: int = 0
    spent: int = 0
    given_back: int = 0
    expired: int = 0
    other: int = 0

    @property
    def sum(self) -> int:
        """What it came to for what is outstanding."""
        return self.issued - self.spent + self.given_back - self.expired + self.other


@dataclass(frozen=True, slots=True)
class Fired:
    """What a campaign gave this month."""

    campaign: str
    wallet: str
    times: int
    units: int


@dataclass(frozen=True, slots=True)
class Ending:
    """Units that expire soon."""

    wallet: str
    units: int
    accounts: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """The overview of one program."""

    at: datetime
    months: tuple[date, ...]
    """First days, the present month last."""
    by_month: dict[str, tuple[Moved, ...]]
    """By wallet, one for each of `months`."""
    before: dict[str, Moved]
    """By wallet: last month until the same day and hour."""
    outstanding: dict[str, int]
    members: int
    joined: int
    joined_before: int
    orders: int
    buyers: int
    orders_before: int
    buyers_before: int
    tiers: dict[str, tuple[tuple[str, int], ...]]
    """By ladder, from the base upwards."""
    ending: tuple[Ending, ...]
    fired: tuple[Fired, ...]


@dataclass(frozen=True, slots=True)
class _Months:
    days: tuple[date, ...]
    edges: list[datetime]
    then: datetime

    @property
    def start(self) -> datetime:
        return self.edges[-1]

    @property
    def before(self) -> datetime:
        return self.edges[-3]


class Overviews:
    """Makes overviews, and believes each for some seconds: they look at whole months of the books."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: OrderedDict[tuple[int, int], tuple[float, Figures]] = OrderedDict()
        self._guard = threading.Lock()

    def figures(self, tx: Tx, live: Live, now: datetime) -> Figures:
        """Give the overview of a program."""
        place = (live.program_id, live.version)
        with self._guard:
            known = self._known.get(place)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        made = load_figures(tx, live, now)
        with self._guard:
            self._known[place] = (time.monotonic() + _REMEMBERED_SECONDS, made)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return made


def load_figures(tx: Tx, live: Live, now: datetime) -> Figures:
    """Work an overview out."""
    program, months = live.program, _months(live.program.zone, now)
    by_month, before = _moved(tx, live, months)
    times = {"month": months.start, "before": months.before, "then": months.then, "program": live.program_id}
    members, joined, joined_before = _row(tx, _JOINED, times)
    orders, buyers, orders_before, buyers_before = _row(tx, _BOUGHT, times)
    soon = tx.execute(_ENDING, (live.program_id, now, now + SOON))
    return Figures(
        at=now,
        months=months.days,
        by_month=by_month,
        before=before,
        outstanding=dict(tx.execute(_HELD, (live.program_id,)).fetchall()),
        members=members,
        joined=joined,
        joined_before=joined_before,
        orders=orders,
        buyers=buyers,
        orders_before=orders_before,
        buyers_before=buyers_before,
        tiers=_tiers(tx, program, live.program_id),
        ending=tuple(Ending(*row) for row in soon if row[0] in program.wallets),
        fired=tuple(
            Fired(source, wallet, times_, units)
            for source, wallet, times_, units in tx.execute(
                _FIRED, (live.program_id, months.start, _CAMPAIGNS)
            )
        ),
    )


def _months(zone: Zone, now: datetime) -> _Months:
    today = zone.day_of(now)
    this = today.replace(day=1)
    days = tuple(add_to_day(this, Span(months=-back)) for back in range(MONTHS - 1, -1, -1))
    starts = [zone.start_of(day) for day in days]
    # The same day and hour of the month before; a longer month compares with the whole of a shorter one.
    then = zone.start_of(add_to_day(today, Span(months=-1))) + (now - zone.start_of(today))
    then = min(max(then, starts[-2]), starts[-1])
    return _Months(days, [*starts[:-1], then, starts[-1]], then)


def _moved(tx: Tx, live: Live, months: _Months) -> tuple[dict[str, tuple[Moved, ...]], dict[str, Moved]]:
    by_month = {key: tuple(Moved() for _ in range(MONTHS)) for key in live.program.wallets}
    before = {key: Moved() for key in live.program.wallets}
    values = {"edges": months.edges, "program": live.program_id, "first": months.edges[0]}
    for slot, wallet, book, kind, amount in tx.execute(_MOVED, values):
        if wallet not in by_month:
            continue
        # Slots count from 1; the edge inside last month makes two of that month.
        place = slot - 1 if slot < MONTHS else slot - 2
        _add(by_month[wallet][place], book, kind, amount)
        if slot == MONTHS - 1:
            _add(before[wallet], book, kind, amount)
    return by_month, before


def _add(moved: Moved, book: str, kind: str, amount: int) -> None:
    if book == "issued":
        moved.issued -= amount
    elif book == "redeemed" and kind == "cancel":
        moved.given_back -= amount
    elif book == "redeemed":
        moved.spent += amount
    elif book == "expired":
        moved.expired += amount
    else:
        moved.other -= amount


def _tiers(tx: Tx, program: Program, program_id: int) -> dict[str, tuple[tuple[str, int], ...]]:
    counted = {(ladder, level): count for ladder, level, count in tx.execute(_TIERS, (program_id,))}
    (accounts,) = _row(tx, "select count(*) from accounts where program_id = %s", (program_id,))
    found = {}
    for key, ladder in program.ladders.items():
        rows = [(tier.key, int(counted.get((key, tier.key), 0))) for tier in ladder.tiers]
        # Whoever never moved has no row: they are at the base.
        rows[0] = (rows[0][0], accounts - sum(count for _, count in rows[1:]))
        found[key] = tuple(rows)
    return found


def _row(tx: Tx, statement: str, values: Any) -> Sequence[int]:
    row = tx.execute(statement, values).fetchone()
    assert row is not None
    return row
