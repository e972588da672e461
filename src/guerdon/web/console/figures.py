"""The figures of the overview: what the sums by day say about this month and the twelve before it."""

from __future__ import annotations

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
_CAMPAIGNS: Final = 8
_MOVED: Final = """
select date_trunc('month', moved_on)::date, wallet, book, kind, sum(amount)::bigint,
    coalesce(sum(amount) filter (where moved_on >= %(before)s and moved_on < %(then)s
        or moved_on >= %(month)s and moved_on < %(today)s), 0)::bigint
from rollup_units where program_id = %(program)s and moved_on >= %(first)s and book <> 'member'
group by 1, 2, 3, 4
"""
_HELD: Final = """
select wallet, sum(amount)::bigint from rollup_units where program_id = %s and book = 'member' group by wallet
"""
_COUNTED: Final = """
select measure, coalesce(sum(amount) filter (where counted_on >= %(month)s), 0)::bigint,
    coalesce(sum(amount) filter (where counted_on >= %(month)s and counted_on < %(today)s), 0)::bigint,
    coalesce(sum(amount) filter (where counted_on >= %(before)s and counted_on < %(then)s), 0)::bigint
from rollup_days where program_id = %(program)s and counted_on >= %(before)s group by measure
"""
_SOLD: Final = """
select date_trunc('month', counted_on)::date, sum(amount)::bigint from rollup_days
where program_id = %(program)s and measure = 'net' and counted_on >= %(first)s group by 1
"""
_PEOPLE: Final = """
select (select coalesce(sum(amount), 0)::bigint from rollup_days
        where program_id = %(program)s and measure = 'joined'),
    (select count(*) from members where program_id = %(program)s and erased_at is not null)
"""
_LEVELS: Final = "select ladder, level, accounts from rollup_levels where program_id = %s"
_ENDING: Final = """
select wallet, sum(amount)::bigint, min(ends_on) from rollup_endings
where program_id = %s and ends_on >= %s and ends_on <= %s and amount > 0 group by 1
"""
_FIRED: Final = """
select source, wallet, sum(times)::bigint, sum(amount)::bigint from rollup_units
where program_id = %s and moved_on >= %s and kind = 'award' and book = 'member'
group by 1, 2 order by 4 desc, 1, 2 limit %s
"""


@dataclass(slots=True)
class Moved:
    """Units that moved in a stretch of time, in the wallet's scale."""

    issued: int = 0
    spent: int = 0
    given_back: int = 0
    expired: int = 0
    owed: int = 0
    """What was not there any more when it was to be taken back, less what was repaid since."""
    converted: int = 0
    """What came from other wallets, less what went to them."""
    other: int = 0

    @property
    def sum(self) -> int:
        """What it came to for what is outstanding."""
        moved = self.owed + self.converted + self.other
        return self.issued - self.spent + self.given_back - self.expired + moved


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
    first_on: date


@dataclass(frozen=True, slots=True)
class Counted:
    """A measure of this month, and of whole days only beside those of the month before."""

    now: int = 0
    """So far, today included."""
    whole: int = 0
    """Until yesterday."""
    before: int = 0
    """Until the same day of the month before, as many days."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The overview of one program."""

    at: datetime
    """All that was committed before it is counted."""
    months: tuple[date, ...]
    """First days, the present month last."""
    by_month: dict[str, tuple[Moved, ...]]
    """By wallet, one for each of `months`."""
    whole: dict[str, Moved]
    """By wallet: this month until yesterday."""
    before: dict[str, Moved]
    """By wallet: last month, as many days of it."""
    outstanding: dict[str, int]
    members: int
    joined: Counted
    orders: Counted
    buyers: Counted
    net: Counted
    """Merchandise of orders after discounts, less what came back, in minor units."""
    returned: Counted
    """What came back of it."""
    sold: tuple[int, ...]
    """The same, one for each of `months`."""
    tiers: dict[str, tuple[tuple[str, int], ...]]
    """By ladder, from the base upwards."""
    ending: tuple[Ending, ...]
    fired: tuple[Fired, ...]


@dataclass(frozen=True, slots=True)
class _Months:
    today: date
    days: tuple[date, ...]
    then: date
    """The day of last month before which as many days lie as before today in this month."""

    def values(self, program_id: int) -> dict[str, Any]:
        """Give what statements ask for."""
        return {
            "program": program_id,
            "first": self.days[0],
            "before": self.days[-2],
            "then": self.then,
            "month": self.days[-1],
            "today": self.today,
        }


def load_figures(tx: Tx, live: Live, at: datetime) -> Figures:
    """Put an overview together from the sums.

    Args:
        tx: bound to the tenant.
        live: the program.
        at: up to which instant the sums are complete.

    Returns:
        The overview of the month in which that is.
    """
    program, months = live.program, _months(live.program.zone, at)
    values = months.values(live.program_id)
    by_month, whole, before = _moved(tx, live, months)
    counted = {name: Counted(*row) for name, *row in tx.execute(_COUNTED, values)}
    sold: dict[date, int] = dict(tx.execute(_SOLD, values).fetchall())
    joined, erased = _row(tx, _PEOPLE, values)
    soon = tx.execute(_ENDING, (live.program_id, months.today, months.today + SOON))
    fired = tx.execute(_FIRED, (live.program_id, months.days[-1], _CAMPAIGNS))
    return Figures(
        at=at,
        months=months.days,
        by_month=by_month,
        whole=whole,
        before=before,
        outstanding=dict(tx.execute(_HELD, (live.program_id,)).fetchall()),
        members=joined - erased,
        joined=counted.get("joined", Counted()),
        orders=counted.get("orders", Counted()),
        buyers=counted.get("buyers", Counted()),
        net=counted.get("net", Counted()),
        returned=counted.get("returned", Counted()),
        sold=tuple(sold.get(day, 0) for day in months.days),
        tiers=_tiers(tx, program, live.program_id, joined),
        ending=tuple(Ending(*row) for row in soon if row[0] in program.wallets),
        # What is put on gift cards is sold, not given.
        fired=tuple(Fired(*row) for row in fired if row[1] != program.card_wallet),
    )


def _months(zone: Zone, at: datetime) -> _Months:
    today = zone.day_of(at)
    this = today.replace(day=1)
    days = tuple(add_to_day(this, Span(months=-back)) for back in range(MONTHS - 1, -1, -1))
    # A longer month compares with the whole of a shorter one.
    return _Months(today, days, min(days[-2] + (today - this), this))


def _moved(
    tx: Tx, live: Live, months: _Months
) -> tuple[dict[str, tuple[Moved, ...]], dict[str, Moved], dict[str, Moved]]:
    by_month = {key: tuple(Moved() for _ in range(MONTHS)) for key in live.program.wallets}
    whole = {key: Moved() for key in live.program.wallets}
    before = {key: Moved() for key in live.program.wallets}
    places = {day: place for place, day in enumerate(months.days)}
    compared = {months.days[-1]: whole, months.days[-2]: before}
    for month, wallet, book, kind, amount, part in tx.execute(_MOVED, months.values(live.program_id)):
        # Instants after the present month are effective dates to come.
        if wallet not in by_month or month not in places:
            continue
        _add(by_month[wallet][places[month]], book, kind, amount)
        if month in compared:
            _add(compared[month][wallet], book, kind, part)
    return by_month, whole, before


def _add(moved: Moved, book: str, kind: str, amount: int) -> None:
    if book == "issued":
        moved.issued -= amount
    elif book == "redeemed" and kind == "cancel":
        moved.given_back -= amount
    elif book == "redeemed":
        moved.spent += amount
    elif book == "expired":
        moved.expired += amount
    elif book == "owed":
        moved.owed -= amount
    elif book == "converted":
        moved.converted -= amount
    else:
        moved.other -= amount


def _tiers(
    tx: Tx, program: Program, program_id: int, accounts: int
) -> dict[str, tuple[tuple[str, int], ...]]:
    counted = {(ladder, level): count for ladder, level, count in tx.execute(_LEVELS, (program_id,))}
    found = {}
    for key, ladder in program.ladders.items():
        rows = [(tier.key, int(counted.get((key, tier.key), 0))) for tier in ladder.tiers]
        # Whoever never moved is counted nowhere: they are at the base.
        rows[0] = (rows[0][0], accounts - sum(count for _, count in rows[1:]))
        found[key] = tuple(rows)
    return found


def _row(tx: Tx, statement: str, values: Any) -> Sequence[int]:
    row = tx.execute(statement, values).fetchone()
    assert row is not None
    return row
