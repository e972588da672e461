"""Payouts: the donations of a period that is over, counted and paid, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from guerdon.base.calendar import Period, Zone, period_end, period_start
from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.counters import lock_counters
from guerdon.rules.giving import cause_draws

PAID_OUT: Final = "cause.paid_out"
"""What the trail calls it that a charity was paid."""
_NOTHING: Final = Decimal(0)
_MAX_LENGTH: Final = 200
_COLUMNS: Final = (
    "program_id, cause, starts_on, number, ends_on, state, given, matched, donations, reference, begun_at,"
    " begun_by, paid_at"
)
_SELECT: Final = f"select {_COLUMNS} from cause_payouts"  # noqa: S608 - columns of ours
_EVERY: Final = f"{_SELECT} order by program_id, cause, starts_on, number"
_OF_CAUSE: Final = f"{_SELECT} where program_id = %s and cause = %s order by starts_on, number"
_FIRST: Final = """
select min(issued_at) from redemptions
where program_id = %s and kind = 'donation' and status <> 'cancelled' and particulars ->> 'cause' = %s
"""
# By which of the given instants a donation comes after; what is matched with nothing does not say so.
_SUMS: Final = """
select width_bucket(issued_at, %s::timestamptz[]), count(*), sum((particulars ->> 'given')::numeric),
    sum(coalesce(particulars ->> 'matched', '0')::numeric), count(*) filter (where status = 'used')
from redemptions
where program_id = %s and kind = 'donation' and status <> 'cancelled' and particulars ->> 'cause' = %s
    and issued_at >= %s and issued_at < %s
group by 1 order by 1
"""
_USED: Final = """
select count(*), coalesce(sum((particulars ->> 'given')::numeric), 0),
    coalesce(sum(coalesce(particulars ->> 'matched', '0')::numeric), 0)
from redemptions
where program_id = %s and kind = 'donation' and status = 'used' and particulars ->> 'cause' = %s
    and issued_at >= %s and issued_at < %s
"""
_OPEN: Final = """
select redemption_id from redemptions
where program_id = %s and kind = 'donation' and status in ('issued', 'sent')
    and particulars ->> 'cause' = %s and issued_at >= %s and issued_at < %s and redemption_id > %s
order by redemption_id limit %s
"""
_INSERT: Final = """
insert into cause_payouts
    (program_id, cause, starts_on, number, ends_on, state, reference, begun_at, begun_by)
values (%s, %s, %s, %s, %s, 'closing', %s, %s, %s)
"""
_PAID: Final = """
update cause_payouts set state = 'paid', given = %s, matched = %s, donations = %s, paid_at = %s
where program_id = %s and cause = %s and starts_on = %s and number = %s and state = 'closing'
"""


class Payout(NamedTuple):
    """What was paid for a period, at once or in parts."""

    program_id: int
    cause: str
    starts_on: date
    number: int
    """1 for the first of its period; more where donations were imported afterwards."""
    ends_on: date
    """The first day after the period."""
    state: Literal["closing", "paid"]
    given: Decimal
    matched: Decimal
    donations: int
    reference: str
    """What finance calls the payment."""
    begun_at: datetime
    begun_by: str
    paid_at: datetime | None


class Due(NamedTuple):
    """What a period came to."""

    cause: str
    starts_on: date
    ends_on: date
    """The first day after it."""
    given: Decimal
    matched: Decimal
    donations: int
    payouts: Sequence[Payout]
    is_over: bool

    @property
    def paid(self) -> Decimal:
        """Money that was paid."""
        return sum((one.given + one.matched for one in self.payouts if one.state == "paid"), _NOTHING)

    @property
    def due(self) -> Decimal:
        """Money that is to be paid, once the period is over."""
        return self.given + self.matched - self.paid


class Place(NamedTuple):
    """Whose causes are meant, and by which calendar."""

    program_id: int
    zone: Zone


class Asked(NamedTuple):
    """Who pays what."""

    cause: str
    starts_on: date
    ends_on: date
    """The first day after the period."""
    reference: str
    actor: str


def period_of(text: str, pays_out: Period) -> tuple[date, date]:
    """Read a period's name.

    Args:
        text: `2026-10`, `2026-Q4` or `2026`.
        pays_out: how often the charity is paid: only such periods are meant.

    Returns:
        Its first day, and the first day after it.

    Raises:
        Problem: `period_invalid`, at `/period`.
    """
    year, _, part = text.partition("-")
    shapes: Mapping[str, tuple[str, str]] = {
        "month": ("2026-10", "a month"),
        "quarter": ("2026-Q4", "a quarter"),
        "year": ("2026", "a year"),
    }
    example, what = shapes[pays_out]
    wrong = Problem.at("/period", "period_invalid", f"this charity is paid for {what}, such as {example}")
    digits = part.removeprefix("Q") if pays_out == "quarter" and part.startswith("Q") else part
    months = {"month": 1, "quarter": 3, "year": 12}[pays_out]
    is_well = len(year) == 4 and year.isascii() and year.isdigit() and int(year) >= 1900
    if not is_well or len(text) != len(example) or bool(part) != (pays_out != "year"):
        raise wrong
    if pays_out != "year" and not (
        digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 12 // months
    ):
        raise wrong
    if pays_out == "quarter" and not part.startswith("Q"):
        raise wrong
    first = date(int(year), 1 + (int(digits or 1) - 1) * months, 1)
    return first, period_end(pays_out, first)


def name_of_period(starts_on: date, ends_on: date) -> str:
    """Write a period's name.

    Args:
        starts_on: its first day.
        ends_on: the first day after it.

    Returns:
        Such as `2026-10`, `2026-Q4` or `2026`.
    """
    days = (ends_on - starts_on).days
    if days > 200:
        return f"{starts_on.year}"
    return f"{starts_on.year}-Q{(starts_on.month + 2) // 3}" if days > 40 else f"{starts_on:%Y-%m}"


def report(tx: Tx, place: Place, cause: tuple[str, Period], now: datetime) -> list[Due]:
    """Tell what is due to a charity and what was paid, period by period.

    Args:
        tx: bound to the tenant; nothing is locked.
        place: program and calendar.
        cause: its key, and how often the charity is paid.
        now: the instant, UTC.

    Returns:
        Each period with a donation or a payout, the oldest first; the one that goes on is not over.
    """
    key, pays_out = cause
    paid = load_payouts(tx, place.program_id, key)
    first = tx.execute(_FIRST, (place.program_id, key)).fetchone()
    days = [one.starts_on for one in paid]
    if first is not None and first[0] is not None:
        days.append(place.zone.day_of(first[0]))
    if not days:
        return []
    today = place.zone.day_of(now)
    starts = [period_start(pays_out, min(days))]
    while starts[-1] <= today:
        starts.append(period_end(pays_out, starts[-1]))
    edges = [place.zone.start_of(day) for day in starts]
    rows = tx.execute(_SUMS, (edges, place.program_id, key, edges[0], edges[-1]))
    sums = {row[0]: (row[2], row[3], row[1]) for row in rows}
    found = []
    for at, (start, end) in enumerate(pairwise(starts), 1):
        payouts = [one for one in paid if start <= one.starts_on < end]
        given, matched, donations = sums.get(at, (_NOTHING, _NOTHING, 0))
        if donations or payouts:
            found.append(Due(key, start, end, given, matched, donations, payouts, end <= today))
    return found


def load_payouts(tx: Tx, program_id: int, cause: str) -> list[Payout]:
    """Read what was paid for a cause.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        cause: its key.

    Returns:
        The oldest first.
    """
    return [Payout(*row) for row in tx.execute(_OF_CAUSE, (program_id, cause))]


def list_payouts(tx: Tx) -> list[Payout]:
    """Read what was paid for all causes of all programs.

    Args:
        tx: bound to the tenant.

    Returns:
        By program, cause, period and number.
    """
    return [Payout(*row) for row in tx.execute(_EVERY)]


def begin(tx: Tx, place: Place, asked: Asked, now: datetime) -> Payout:
    """Begin to pay for a period, or go on where a payout was begun: from its end on nobody takes back.

    Args:
        tx: bound to the tenant; the cause's counter gets locked.
        place: program and calendar.
        asked: what is paid.
        now: the instant, UTC.

    Returns:
        The payout, closing.

    Raises:
        Problem: `period_not_over`, `reference_too_long` or `nothing_due`.
    """
    if place.zone.day_of(now) < asked.ends_on:
        raise Problem.at("/period", "period_not_over", "this period goes on; it is paid when it is over")
    if len(asked.reference) > _MAX_LENGTH:
        raise Problem.at("/reference", "reference_too_long", f"a reference has at most {_MAX_LENGTH} letters")
    _lock(tx, place, asked.cause)
    there = [
        one for one in load_payouts(tx, place.program_id, asked.cause) if one.starts_on == asked.starts_on
    ]
    going = next((one for one in there if one.state == "closing"), None)
    if going is not None:
        return going
    edges = _edges(place, asked)
    row = tx.execute(_SUMS, ([edges[0]], place.program_id, asked.cause, *edges)).fetchone()
    due = (row[2] + row[3] if row is not None else _NOTHING) - sum(
        (one.given + one.matched for one in there), _NOTHING
    )
    if due <= 0:
        raise Problem("nothing_due", "nothing is due for this period" if not there else "this period is paid")
    made = Payout(
        place.program_id,
        asked.cause,
        asked.starts_on,
        1 + max((one.number for one in there), default=0),
        asked.ends_on,
        "closing",
        _NOTHING,
        _NOTHING,
        0,
        asked.reference,
        now,
        asked.actor,
        None,
    )
    values = (made.program_id, made.cause, made.starts_on, made.number, made.ends_on, made.reference)
    tx.execute(_INSERT, (*values, now, asked.actor))
    return made


def list_open(tx: Tx, place: Place, payout: Payout, page: tuple[int, int]) -> list[int]:
    """List donations of a period that can still be given back.

    Args:
        tx: bound to the tenant.
        place: program and calendar.
        payout: which is closing.
        page: only numbers above this one, and how many at most.

    Returns:
        Numbers of redemptions.
    """
    edges = _edges(place, payout)
    return [row[0] for row in tx.execute(_OPEN, (place.program_id, payout.cause, *edges, *page))]


def finish(tx: Tx, place: Place, payout: Payout, now: datetime) -> tuple[Payout, bool]:
    """Count what a payout comes to: donations that nobody can give back any more.

    Args:
        tx: bound to the tenant; the cause's counter gets locked.
        place: program and calendar.
        payout: closing, with no open donation left.
        now: the instant, UTC.

    Returns:
        The payout, paid, and whether this call did it and nobody else meanwhile.
    """
    _lock(tx, place, payout.cause)
    there = [
        one for one in load_payouts(tx, place.program_id, payout.cause) if one.starts_on == payout.starts_on
    ]
    mine = next(one for one in there if one.number == payout.number)
    if mine.state == "paid":
        return mine, False
    row = tx.execute(_USED, (place.program_id, payout.cause, *_edges(place, payout))).fetchone()
    assert row is not None
    donations = row[0] - sum(one.donations for one in there)
    given = row[1] - sum((one.given for one in there), _NOTHING)
    matched = row[2] - sum((one.matched for one in there), _NOTHING)
    key = (payout.program_id, payout.cause, payout.starts_on, payout.number)
    tx.execute(_PAID, (given, matched, donations, now, *key))
    done = mine._replace(state="paid", given=given, matched=matched, donations=donations, paid_at=now)
    return done, True


def _edges(place: Place, one: Payout | Asked) -> tuple[datetime, datetime]:
    return place.zone.start_of(one.starts_on), place.zone.start_of(one.ends_on)


def _lock(tx: Tx, place: Place, cause: str) -> None:
    lock_counters(tx, place.program_id, (cause_draws(cause)[0].counter,))
