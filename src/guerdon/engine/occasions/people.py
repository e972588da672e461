"""Whose birthday or anniversary may have come, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.base.calendar import Span, add_to_day
from guerdon.infra.arrays import bigints, texts
from guerdon.infra.tx import Tx
from guerdon.rules.occasions import Window, month_days

_PEOPLE: Final = "member_id, birth_mmdd, joined_at, coalesce(attributes ->> 'timezone', '')"
_BORN: Final = f"""
select {_PEOPLE} from members
where program_id = %s and birth_mmdd = any(%s::text[]) and birth_mmdd <> '' and erased_at is null
    and member_id > %s
order by member_id limit %s
"""  # noqa: S608 - columns of ours
_JOINED: Final = f"""
select {_PEOPLE} from members
where program_id = %s and joined_at >= %s and joined_at < %s and erased_at is null and member_id > %s
order by member_id limit %s
"""  # noqa: S608 - columns of ours
_BOUGHT: Final = """
select e.member_id, min(e.occurred_at) from events e
where e.program_id = %s and e.type = 'order.paid' and e.occurred_at >= %s and e.occurred_at < %s
    and e.member_id > %s and not exists (
        select from events b where b.account_id = e.account_id and b.member_id = e.member_id
            and b.type = 'order.paid' and b.occurred_at < e.occurred_at)
group by e.member_id order by e.member_id limit %s
"""
_FIRST_ORDER: Final = """
select min(occurred_at) from events where program_id = %s and type = 'order.paid'
"""
_FIRST_MEMBER: Final = "select min(joined_at) from members where program_id = %s and erased_at is null"
_OF: Final = f"""
select {_PEOPLE} from members where program_id = %s and member_id = any(%s::bigint[]) and erased_at is null
"""  # noqa: S608 - columns of ours
_MARK: Final = "select told_until from occasion_marks where program_id = %s"
_MOVE: Final = """
insert into occasion_marks (program_id, told_until) values (%s, %s)
on conflict (program_id) do update set told_until = excluded.told_until
where occasion_marks.told_until < excluded.told_until
"""


class Person(NamedTuple):
    """Somebody, as far as occasions go."""

    member_id: int
    birth_mmdd: str
    joined_at: datetime
    zone: str
    """The member's attribute `timezone`; empty where it is not known."""


def load_mark(tx: Tx, program_id: int) -> datetime | None:
    """Tell up to when occasions were told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        UTC; None where none ever were.
    """
    row = tx.execute(_MARK, (program_id,)).fetchone()
    return row[0] if row is not None else None


def move_mark(tx: Tx, program_id: int, told_until: datetime) -> None:
    """Note that all is told up to an instant; it never goes back.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        told_until: UTC.
    """
    tx.execute(_MOVE, (program_id, told_until))


def list_born(tx: Tx, program_id: int, window: Window, page: tuple[int, int]) -> list[Person]:
    """List members whose birthday may be due.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        window: what is to be told.
        page: only members behind this one, and how many at most.

    Returns:
        In the order of members.
    """
    values = (program_id, texts(month_days(window.days())), *page)
    return [Person(*row) for row in tx.execute(_BORN, values)]


def list_joined(
    tx: Tx, program_id: int, span: tuple[datetime, datetime], page: tuple[int, int]
) -> list[Person]:
    """List members who joined in a span of time.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        span: from an instant to before another.
        page: only members behind this one, and how many at most.

    Returns:
        In the order of members.
    """
    return [Person(*row) for row in tx.execute(_JOINED, (program_id, *span, *page))]


def list_first_orders(
    tx: Tx, program_id: int, span: tuple[datetime, datetime], page: tuple[int, int]
) -> list[tuple[int, datetime]]:
    """List members whose first order was in a span of time.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        span: from an instant to before another.
        page: only members behind this one, and how many at most.

    Returns:
        Member and instant, in the order of members.
    """
    return [(row[0], row[1]) for row in tx.execute(_BOUGHT, (program_id, *span, *page))]


def load_people(tx: Tx, program_id: int, member_ids: Sequence[int]) -> dict[int, Person]:
    """Read members.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_ids: whom.

    Returns:
        By member; who was erased is left out.
    """
    rows = tx.execute(_OF, (program_id, bigints(member_ids)))
    return {row[0]: Person(*row) for row in rows}


def years_back(
    tx: Tx, program_id: int, window: Window, *, of_orders: bool
) -> Iterator[tuple[datetime, datetime]]:
    """List the spans of earlier years whose anniversaries fall into a window.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        window: what is to be told.
        of_orders: of orders, or else of joining.

    Yields:
        Spans, a day wider on both sides, from last year backwards to the first.
    """
    row = tx.execute(_FIRST_ORDER if of_orders else _FIRST_MEMBER, (program_id,)).fetchone()
    first = row[0] if row is not None else None
    years = 1
    while first is not None:
        begins, ends = (_shifted(one, years) for one in (window.since, window.now))
        # A day of another zone, the going day, and 29 February beside the 28th.
        begins, ends = begins - timedelta(days=2), ends + timedelta(days=3)
        if ends < first:
            return
        yield begins, ends
        years += 1


def _shifted(instant: datetime, years: int) -> datetime:
    day = add_to_day(instant.date(), Span(months=-12 * years))
    return instant.replace(year=day.year, month=day.month, day=day.day)
