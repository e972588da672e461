"""Whom the engine is told of: ranks when a window was closed, and goals that teams reached."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from guerdon.infra.arrays import bigints, columns, integers, numerics
from guerdon.infra.tx import Tx

_COLUMNS: Final = "board, opens_on, account_id, times, team_id, rank, value, closed_at, told"
_INSERT: Final = """
insert into board_prizes (program_id, board, opens_on, closed_at, account_id, times, team_id, rank, value)
select %s::bigint, %s::text, %s::date, %s::timestamptz, p.* from unnest(%s::bigint[], %s::integer[],
    %s::bigint[], %s::integer[], %s::numeric[]) as p (account_id, times, team_id, rank, value)
on conflict (program_id, board, opens_on, account_id, times) do nothing
"""
_UNTOLD: Final = f"""
select {_COLUMNS} from board_prizes
where program_id = %(program)s and not told
    and (closed_at, board, opens_on, account_id, times) >
        (%(closed_at)s, %(board)s, %(opens_on)s, %(account_id)s, %(times)s)
order by closed_at, board, opens_on, account_id, times limit %(limit)s
"""  # noqa: S608 - columns of ours
_AFTER: Final = f"""
select {_COLUMNS} from board_prizes
where program_id = %(program)s and (closed_at, board, opens_on, account_id, times) >
    (%(closed_at)s, %(board)s, %(opens_on)s, %(account_id)s, %(times)s)
order by closed_at, board, opens_on, account_id, times limit %(limit)s
"""  # noqa: S608 - columns of ours
_TOLD: Final = """
update board_prizes set told = true
where program_id = %s and board = %s and opens_on = %s and account_id = %s and times = %s
"""
_REACHED: Final = """
select coalesce(max(times), 0) from board_prizes
where program_id = %s and board = %s and opens_on = %s and team_id = %s
"""
_OF: Final = f"""
select {_COLUMNS} from board_prizes where program_id = %s and account_id = any(%s::bigint[])
order by closed_at desc, board limit 100
"""  # noqa: S608 - columns of ours
_COUNT: Final = """
select board, opens_on, count(*), count(*) filter (where told) from board_prizes where program_id = %s
group by board, opens_on
"""


class Won(NamedTuple):
    """An account that the engine is told of."""

    board: str
    opens_on: date
    account_id: int
    times: int
    """How often its team reached the goal; 1 for ranks."""
    team_id: int | None
    rank: int
    value: Decimal
    closed_at: datetime
    told: bool = False


FIRST: Final = Won("", date.min, 0, 0, None, 0, Decimal(0), datetime.fromisoformat("0001-01-02T00:00:00Z"))
"""Stands before all others."""


def insert_won(tx: Tx, program_id: int, won: Sequence[Won]) -> None:
    """Note whom the engine is to be told of; whoever is noted stays as noted.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose board.
        won: of one window that was closed at one instant.
    """
    if not won:
        return
    first = won[0]
    rows = [(one.account_id, one.times, one.team_id, one.rank, one.value) for one in won]
    packed = columns(rows, (bigints, integers, bigints, integers, numerics))
    tx.execute(_INSERT, (program_id, first.board, first.opens_on, first.closed_at, *packed))


def list_untold(tx: Tx, program_id: int, after: Won, limit: int) -> list[Won]:
    """List whom the engine was not told of yet.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        after: the last of the page before, or `FIRST`.
        limit: most of them.

    Returns:
        The eldest first.
    """
    asked = {"program": program_id, "limit": limit, **after._asdict()}
    return [Won(*row) for row in tx.execute(_UNTOLD.encode(), asked)]


def list_won_after(tx: Tx, program_id: int, after: Won, limit: int) -> list[Won]:
    """List whom the engine was or is to be told of.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        after: the last of the page before, or `FIRST`.
        limit: most of them.

    Returns:
        The eldest first.
    """
    asked = {"program": program_id, "limit": limit, **after._asdict()}
    return [Won(*row) for row in tx.execute(_AFTER.encode(), asked)]


def mark_told(tx: Tx, program_id: int, won: Won) -> None:
    """Note that the engine was told.

    Args:
        tx: bound to the tenant.
        program_id: whose board.
        won: of whom.
    """
    tx.execute(_TOLD, (program_id, won.board, won.opens_on, won.account_id, won.times))


def times_noted(tx: Tx, program_id: int, board: str, opens_on: date, team_id: int) -> int:
    """Tell how often it is noted that a team reached a goal.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose board.
        board: its key.
        opens_on: the window's first day.
        team_id: the team.

    Returns:
        0 where it never did.
    """
    row = tx.execute(_REACHED, (program_id, board, opens_on, team_id)).fetchone()
    return int(row[0]) if row is not None else 0


def list_won(tx: Tx, program_id: int, account_ids: Collection[int]) -> list[Won]:
    """List where accounts stood when windows were closed, as far as ranks brought something.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.
        account_ids: of whom.

    Returns:
        The latest first, a hundred at most.
    """
    return [Won(*row) for row in tx.execute(_OF.encode(), (program_id, bigints(sorted(account_ids))))]


def count_won(tx: Tx, program_id: int) -> dict[tuple[str, date], tuple[int, int]]:
    """Count whom the engine is to be told of.

    Args:
        tx: bound to the tenant.
        program_id: whose boards.

    Returns:
        By board and window: how many, and of how many it was told.
    """
    return {(row[0], row[1]): (row[2], row[3]) for row in tx.execute(_COUNT, (program_id,))}
