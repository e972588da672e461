"""Shares as rows, with their visits and those who came by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from psycopg.types.json import Jsonb

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.infra.tx import Tx

Kind = Literal["purchase", "reward", "badge"]
LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that are taken for others."""
LENGTH: Final = 11
NO_SHARE: Final = Problem("share_not_found", "there is no such share, or it has ended")
_COLUMNS: Final = (
    "code, program_id, account_id, member_id, kind, what, shown, shared_at, ended_at, visits, joined"
)
_SELECT: Final = f"select {_COLUMNS} from shares"  # noqa: S608 - a list of columns of ours
_KEPT_DAYS: Final = 2


class Share(NamedTuple):
    """An address under which a member shows something."""

    code: str
    program_id: int
    account_id: int
    """For which they acted when they made it."""
    member_id: int
    kind: Kind
    what: str
    """The product, the reward or the badge."""
    shown: Mapping[str, str]
    """`name` and `picture`, where the definition does not say them."""
    shared_at: datetime
    ended_at: datetime | None = None
    visits: int = 0
    joined: int = 0


class Visit(NamedTuple):
    """A visit of which the engine is to be told."""

    code: str
    number: int
    """Its number among the share's visits, from 1."""
    visited_at: datetime


class Joining(NamedTuple):
    """Somebody who came by a share and joined."""

    account_id: int
    member_id: int
    code: str
    joined_at: datetime


def make_code(chance: Chance) -> str:
    """Draw a code.

    Args:
        chance: unguessable.

    Returns:
        11 letters and digits, of 31 that are not taken for others.
    """
    drawn = ""
    while len(drawn) < LENGTH:
        place = chance.bits(5)
        drawn += LETTERS[place] if place < len(LETTERS) else ""
    return drawn


def is_code(text: str) -> bool:
    """Tell whether a text can be a code.

    Args:
        text: what somebody typed or followed.

    Returns:
        Whether it has the length and the letters of one.
    """
    return len(text) == LENGTH and all(letter in LETTERS for letter in text)


def insert_share(tx: Tx, one: Share) -> bool:
    """Store a share.

    Args:
        tx: bound to the tenant.
        one: the share.

    Returns:
        False where the code is taken.
    """
    values = (*one[:6], Jsonb(dict(one.shown)), one.shared_at)
    return (
        tx.execute(
            "insert into shares (code, program_id, account_id, member_id, kind, what, shown, shared_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            values,
        ).rowcount
        == 1
    )


def find_same(tx: Tx, program_id: int, member_id: int, what: tuple[str, str]) -> Share | None:
    """Find the open share of a member for the very thing.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.
        what: kind, and product, reward or badge.

    Returns:
        The share, None where there is none.
    """
    row = tx.execute(
        f"{_SELECT} where program_id = %s and member_id = %s and kind = %s and what = %s and ended_at is null"
        " order by shared_at limit 1",
        (program_id, member_id, *what),
    ).fetchone()
    return _share(row) if row is not None else None


def find_share(tx: Tx, code: str, *, lock: bool = False) -> Share | None:
    """Read a share.

    Args:
        tx: bound to the tenant.
        code: which.
        lock: whether it is to be changed.

    Returns:
        The share, None where there is none.
    """
    row = tx.execute(f"{_SELECT} where code = %s {'for update' if lock else ''}", (code,)).fetchone()
    return _share(row) if row is not None else None


def tenant_of(lookup_tx: Tx, code: str) -> int | None:
    """Tell whose a share is before its tenant is known.

    Args:
        lookup_tx: a transaction under the lookup role.
        code: which.

    Returns:
        The tenant, None where there is no such share.
    """
    row = lookup_tx.execute("select tenant_id from shares where code = %s", (code,)).fetchone()
    return row[0] if row is not None else None


def list_shares(tx: Tx, program_id: int, member_id: int) -> list[Share]:
    """List a member's shares.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.

    Returns:
        The newest first; those that have ended too.
    """
    rows = tx.execute(
        f"{_SELECT} where program_id = %s and member_id = %s order by shared_at desc, code limit 500",
        (program_id, member_id),
    )
    return [_share(row) for row in rows]


def end_share(tx: Tx, code: str, now: datetime) -> None:
    """End a share: its address leads nowhere from now on.

    Args:
        tx: bound to the tenant.
        code: which.
        now: the instant.
    """
    tx.execute("update shares set ended_at = %s where code = %s and ended_at is null", (now, code))


def forget_sharer(tx: Tx, program_id: int, member_id: int, now: datetime) -> None:
    """End all shares of somebody who is forgotten, and what they showed.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.
        now: the instant.
    """
    tx.execute(
        "update shares set ended_at = coalesce(ended_at, %s), shown = '{}'"
        " where program_id = %s and member_id = %s",
        (now, program_id, member_id),
    )


def knows_visitor(tx: Tx, code: str, on: date, visitor: bytes) -> bool:
    """Tell whether somebody came today already.

    Args:
        tx: bound to the tenant.
        code: which share, locked.
        on: the local day.
        visitor: keyed hash of where they came from, of that day alone.

    Returns:
        Whether they did.
    """
    query = "select from share_visits where code = %s and on_date = %s and visitor = %s"
    return tx.execute(query, (code, on, visitor)).fetchone() is not None


def insert_visit(tx: Tx, share: Share, who: tuple[date, bytes], how: tuple[datetime, bool]) -> int:
    """Count a visit of a share that is locked.

    Args:
        tx: bound to the tenant.
        share: which.
        who: the local day, and the keyed hash of where they came from.
        how: the instant, and whether the engine need not be told.

    Returns:
        The visit's number.
    """
    number = share.visits + 1
    on, visitor = who
    tx.execute(
        "insert into share_visits (code, on_date, visitor, program_id, number, visited_at, told)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (share.code, on, visitor, share.program_id, number, *how),
    )
    tx.execute("update shares set visits = %s where code = %s", (number, share.code))
    return number


def forget_visitors(tx: Tx, program_id: int, today: date) -> int:
    """Forget from where visits of days that are over came; how many they were stays.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        today: the local day.

    Returns:
        How many rows went.
    """
    last = today - timedelta(days=_KEPT_DAYS)
    return tx.execute(
        "delete from share_visits where program_id = %s and on_date < %s and told", (program_id, last)
    ).rowcount


def insert_joining(tx: Tx, program_id: int, one: Joining) -> bool:
    """Note that somebody came by a share that is locked.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: who, and by which share.

    Returns:
        False where it was noted before by which share they came.
    """
    done = tx.execute(
        "insert into share_joins (account_id, member_id, program_id, code, joined_at)"
        " values (%s, %s, %s, %s, %s) on conflict do nothing",
        (one.account_id, one.member_id, program_id, one.code, one.joined_at),
    ).rowcount
    if done:
        tx.execute("update shares set joined = joined + 1 where code = %s", (one.code,))
    return done == 1


def list_untold_visits(tx: Tx, program_id: int, page: tuple[tuple[str, int], int]) -> list[Visit]:
    """List visits of which the engine is to be told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this code and number, and how many at most.

    Returns:
        In the order of codes and numbers.
    """
    after, limit = page
    rows = tx.execute(
        "select code, number, visited_at from share_visits"
        " where program_id = %s and not told and (code, number) > (%s, %s) order by code, number limit %s",
        (program_id, *after, limit),
    )
    return [Visit(*row) for row in rows]


def list_untold_joinings(tx: Tx, program_id: int, page: tuple[tuple[int, int], int]) -> list[Joining]:
    """List those who came by a share and of whom the engine is to be told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only those behind this account and member, and how many at most.

    Returns:
        In the order of accounts and members.
    """
    after, limit = page
    rows = tx.execute(
        "select account_id, member_id, code, joined_at from share_joins"
        " where program_id = %s and not told and (account_id, member_id) > (%s, %s)"
        " order by account_id, member_id limit %s",
        (program_id, *after, limit),
    )
    return [Joining(*row) for row in rows]


def mark_visit(tx: Tx, one: Visit) -> None:
    """Note that the engine knows of a visit.

    Args:
        tx: bound to the tenant.
        one: which.
    """
    tx.execute("update share_visits set told = true where code = %s and number = %s", (one.code, one.number))


def mark_joining(tx: Tx, one: Joining) -> None:
    """Note that the engine knows of somebody who came by a share.

    Args:
        tx: bound to the tenant.
        one: who.
    """
    tx.execute(
        "update share_joins set told = true where account_id = %s and member_id = %s",
        (one.account_id, one.member_id),
    )


def _share(row: tuple[Any, ...]) -> Share:
    return Share(*row)
