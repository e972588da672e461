"""Boards and their windows: how far each is built, and what is closed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from guerdon.infra.tx import Tx

_LIST: Final = "select board, identity, begins_on, built_to from boards where program_id = %s order by board"
_LOCK: Final = """
select board, identity, begins_on, built_to from boards where program_id = %s and board = %s for update
"""
_BEGIN: Final = """
insert into boards (program_id, board, identity, begins_on, built_to) values (%s, %s, %s, %s, 0)
on conflict (program_id, board) do update set identity = excluded.identity, built_to = 0
"""
_BUILT: Final = "update boards set built_to = %s where program_id = %s and board = %s"
_END: Final = "delete from boards where program_id = %s and board = %s"
_WINDOWS: Final = """
select opens_on, ends_at, closed_at from board_windows where program_id = %s and board = %s
order by opens_on desc limit %s
"""
_OPEN: Final = """
insert into board_windows (program_id, board, opens_on, ends_at) values (%s, %s, %s, %s)
on conflict (program_id, board, opens_on) do nothing
"""
_FIRST_RANGE: Final = """
insert into board_ranges (program_id, board, opens_on, from_score, count)
values (%s, %s, %s, decode(repeat('00', 16), 'hex'), 0)
on conflict (program_id, board, opens_on, from_score) do nothing
"""
_DUE: Final = """
select board, opens_on, ends_at from board_windows
where program_id = %s and closed_at is null and ends_at <= %s order by ends_at, board
"""
_CLOSE: Final = """
update board_windows set closed_at = %s
where program_id = %s and board = %s and opens_on = %s and closed_at is null
"""
_RESTS: Final = """
update board_rows set changes_on = null
where program_id = %s and board = %s and opens_on = %s and changes_on is not null
"""
_EMPTY: Final = tuple(
    f"delete from {table} t using board_windows w where t.program_id = %s and t.board = %s"  # noqa: S608 - ours
    " and w.program_id = t.program_id and w.board = t.board and w.opens_on = t.opens_on"
    " and w.closed_at is null"
    for table in ("board_rows", "board_ranges")
)
_NO_WINDOWS: Final = "delete from board_windows where program_id = %s and board = %s and closed_at is null"
_KEPT: Final = 1_000


class Kept(NamedTuple):
    """A board as it is kept."""

    board: str
    identity: str
    begins_on: date
    """Windows that open earlier are not ranked."""
    built_to: int | None
    """Up to which account it is built; None where it is."""


class Window(NamedTuple):
    """A window of a board."""

    opens_on: date
    ends_at: datetime | None
    closed_at: datetime | None
    """Since when its ranks stand as they are."""


def list_boards(tx: Tx, program_id: int) -> dict[str, Kept]:
    """List the boards of a program as they are kept.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        By key.
    """
    return {row[0]: Kept(*row) for row in tx.execute(_LIST, (program_id,))}


def lock_board(tx: Tx, program_id: int, board: str) -> Kept | None:
    """Lock a board until the end of the transaction: rows, ranges and windows change only under this lock.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        board: its key.

    Returns:
        The board; None where it is not kept yet.
    """
    row = tx.execute(_LOCK, (program_id, board)).fetchone()
    return Kept(*row) if row is not None else None


def begin_board(tx: Tx, program_id: int, kept: Kept) -> None:
    """Begin to build a board, or build it anew; closed windows stay as they are.

    Args:
        tx: bound to the tenant; the board is locked where there is one.
        program_id: whose.
        kept: what is to be kept; `begins_on` holds only for a board that is new.
    """
    empty_board(tx, program_id, kept.board)
    tx.execute(_BEGIN, (program_id, kept.board, kept.identity, kept.begins_on))


def empty_board(tx: Tx, program_id: int, board: str) -> None:
    """Take everybody off the open windows of a board.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose.
        board: its key.
    """
    for statement in _EMPTY:
        tx.execute(statement.encode(), (program_id, board))
    tx.execute(_NO_WINDOWS, (program_id, board))


def end_board(tx: Tx, program_id: int, board: str) -> None:
    """Give up a board that no definition has any more; its closed windows stay.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose.
        board: its key.
    """
    empty_board(tx, program_id, board)
    tx.execute(_END, (program_id, board))


def note_built(tx: Tx, program_id: int, board: str, built_to: int | None) -> None:
    """Note how far a board is built.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose.
        board: its key.
        built_to: the last account that is on it where it should be; None for all.
    """
    tx.execute(_BUILT, (built_to, program_id, board))


def list_windows(tx: Tx, program_id: int, board: str, limit: int = _KEPT) -> list[Window]:
    """List the windows of a board.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        board: its key.
        limit: most of them.

    Returns:
        The newest first.
    """
    return [Window(*row) for row in tx.execute(_WINDOWS, (program_id, board, limit))]


def open_window(tx: Tx, program_id: int, board: str, window: Window) -> None:
    """Open a window; one that is there stays as it is.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose.
        board: its key.
        window: the window.
    """
    tx.execute(_OPEN, (program_id, board, window.opens_on, window.ends_at))
    tx.execute(_FIRST_RANGE, (program_id, board, window.opens_on))


def list_over(tx: Tx, program_id: int, now: datetime) -> list[tuple[str, date, datetime]]:
    """List the open windows of a program whose time is over.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        now: the instant, UTC.

    Returns:
        Board, first day and end, the longest over first; a board's grace may still run.
    """
    return tx.execute(_DUE, (program_id, now)).fetchall()


def close_window(tx: Tx, program_id: int, board: str, opens_on: date, now: datetime) -> bool:
    """Close a window: from now on it stays as it is.

    Args:
        tx: bound to the tenant; the board is locked.
        program_id: whose.
        board: its key.
        opens_on: the window's first day.
        now: the instant, UTC.

    Returns:
        Whether it was open.
    """
    tx.execute(_RESTS, (program_id, board, opens_on))
    return tx.execute(_CLOSE, (now, program_id, board, opens_on)).rowcount == 1
