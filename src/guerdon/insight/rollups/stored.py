"""The stored sums: where their reader stands, and adding to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, columns, dates, texts
from guerdon.infra.outbox.relay import Parcel
from guerdon.infra.tx import Tx
from guerdon.insight.rollups.sums import Sums

_BEGIN: Final = "insert into rollup_places (complete_at) values (%s) on conflict (tenant_id) do nothing"
_PLACE: Final = "select written_in::text::bigint, event_id, account_id from rollup_places for update"
_MOVE: Final = """
update rollup_places set written_in = %s::xid8, event_id = %s, account_id = %s, complete_at = %s
"""
_SEEN: Final = """
select pg_visible_in_snapshot(w.written_in::text::xid8, p.since) from rollup_places p
cross join unnest(%s::bigint[]) with ordinality as w (written_in, place) order by w.place
"""
_UNITS: Final = """
insert into rollup_units (program_id, moved_on, wallet, kind, book, source, amount, times)
select * from unnest(%s::bigint[], %s::date[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[])
on conflict (program_id, moved_on, wallet, kind, book, source)
do update set amount = rollup_units.amount + excluded.amount, times = rollup_units.times + excluded.times
"""
_ENDINGS: Final = """
insert into rollup_endings (program_id, ends_on, wallet, amount)
select * from unnest(%s::bigint[], %s::date[], %s::text[], %s::bigint[])
on conflict (program_id, ends_on, wallet) do update set amount = rollup_endings.amount + excluded.amount
"""
_DAYS: Final = """
insert into rollup_days (program_id, counted_on, measure, amount)
select * from unnest(%s::bigint[], %s::date[], %s::text[], %s::bigint[])
on conflict (program_id, counted_on, measure) do update set amount = rollup_days.amount + excluded.amount
"""
_LEVELS: Final = """
insert into rollup_levels (program_id, ladder, level, accounts)
select * from unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[])
on conflict (program_id, ladder, level) do update set accounts = rollup_levels.accounts + excluded.accounts
"""
_KNOWN_BUYERS: Final = """
select program_id, account_id, month_on, first_on from rollup_buyers
where account_id = any(%s::bigint[]) and month_on = any(%s::date[])
"""
_BUYERS: Final = """
insert into rollup_buyers (program_id, account_id, month_on, first_on)
select * from unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[])
on conflict (account_id, month_on) do update set first_on = excluded.first_on
"""
_BUYERS_AT_ONCE: Final = 20_000


class Reached(NamedTuple):
    """The last parcel that a tenant's sums have in them; they compare in the outbox's order."""

    written_in: int
    event_id: UUID
    account_id: int


def reached_by(parcel: Parcel) -> Reached:
    """Say how far sums have come that have a parcel in them, and all before it.

    Args:
        parcel: of the outbox.

    Returns:
        The place.
    """
    return Reached(parcel.written_in, parcel.event_id, parcel.account_id)


def begin(tx: Tx, now: datetime) -> bool:
    """Take a tenant's sums up, as of this transaction's snapshot.

    Args:
        tx: bound to the tenant, repeatable read, before any other query.
        now: the instant.

    Returns:
        Whether they had not been begun before; all that the snapshot sees is to be added then.
    """
    return tx.execute(_BEGIN, (now,)).rowcount == 1


def lock_place(tx: Tx) -> Reached | None:
    """Lock a tenant's sums until the end of the transaction.

    Args:
        tx: bound to the tenant.

    Returns:
        How far they have come, None where nobody has begun.
    """
    row = tx.execute(_PLACE).fetchone()
    return Reached(*row) if row is not None else None


def unseen(tx: Tx, reached: Reached, parcels: Sequence[Parcel]) -> list[Parcel]:
    """Leave out what the sums have in them already.

    Args:
        tx: bound to the tenant whose parcels these are.
        reached: how far its sums have come.
        parcels: in the outbox's order.

    Returns:
        Those that are to be added.
    """
    ahead = [one for one in parcels if reached_by(one) > reached]
    if not ahead:
        return []
    seen = tx.execute(_SEEN, (bigints([one.written_in for one in ahead]),)).fetchall()
    return [one for one, (known,) in zip(ahead, seen, strict=True) if not known]


def move_place(tx: Tx, reached: Reached, complete_at: datetime) -> None:
    """Say how far a tenant's sums have come.

    Args:
        tx: bound to the tenant; the place is locked.
        reached: the last parcel that the sums have in them.
        complete_at: all that was committed before this instant is in the sums.
    """
    tx.execute(_MOVE, (str(reached.written_in), reached.event_id, reached.account_id, complete_at))


def add_sums(tx: Tx, sums: Sums) -> None:
    """Add to the stored sums.

    Args:
        tx: bound to the tenant; the place is locked.
        sums: what is added; buyers are counted into its days.
    """
    _add_buyers(tx, sums)
    units = [(*key, *value) for key, value in sums.units.items()]
    if units:
        packers = (bigints, dates, texts, texts, texts, texts, bigints, bigints)
        tx.execute(_UNITS, columns(units, packers))
    _add(tx, _ENDINGS, [(*key, amount) for key, amount in sums.endings.items()])
    _add(tx, _DAYS, [(*key, amount) for key, amount in sums.days.items()])
    levels = [(*key, amount) for key, amount in sums.levels.items() if amount]
    if levels:
        tx.execute(_LEVELS, columns(levels, (bigints, texts, texts, bigints)))


def _add(tx: Tx, statement: str, rows: Sequence[tuple[int, date, str, int]]) -> None:
    rows = [row for row in rows if row[3]]
    if rows:
        tx.execute(statement.encode(), columns(rows, (bigints, dates, texts, bigints)))


def _add_buyers(tx: Tx, sums: Sums) -> None:
    items = list(sums.first_buys.items())
    for start in range(0, len(items), _BUYERS_AT_ONCE):
        part = dict(items[start : start + _BUYERS_AT_ONCE])
        accounts, months = {key[1] for key in part}, {key[2] for key in part}
        rows = tx.execute(_KNOWN_BUYERS, (bigints(sorted(accounts)), dates(sorted(months))))
        known = {(program, account, month): first for program, account, month, first in rows}
        earlier = list(_earlier(sums, part.items(), known))
        if earlier:
            tx.execute(_BUYERS, columns(earlier, (bigints, bigints, dates, dates)))


def _earlier(
    sums: Sums,
    firsts: Iterable[tuple[tuple[int, int, date], date]],
    known: dict[tuple[int, int, date], date],
) -> Iterable[tuple[int, int, date, date]]:
    """Find who buys for the first time in a month, or earlier than was known, and count them on the day."""
    for key, day in firsts:
        before = known.get(key)
        if before is not None and before <= day:
            continue
        if before is not None:
            sums.count(key[0], before, "buyers", -1)
        sums.count(key[0], day, "buyers", 1)
        yield (*key, day)
