"""What accounts and teams have on boards, worked out anew from what their metrics counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from guerdon.circles.teams.rows import Spell, list_spells, teams_of
from guerdon.engine.boards.audience import meant_among
from guerdon.infra.tx import Tx
from guerdon.members.accounts import AccountRow, load_accounts
from guerdon.members.standing import Standing, Wanted, load_standing
from guerdon.play.boards.names import find_joined
from guerdon.play.boards.prizes import Won, insert_won, times_noted
from guerdon.play.boards.rows import Stand, write_stands
from guerdon.play.boards.windows import Kept, Window, begin_board, list_windows, lock_board, open_window
from guerdon.programs.programs import find_live
from guerdon.rules.metrics import Counts
from guerdon.rules.play.boards import (
    Board,
    BoardWindow,
    changes_on,
    ends_at,
    times_reached,
    value_in,
    window_at,
    windows_counted,
)
from guerdon.rules.program import Program

CARD: Final = "card"


class Following(NamedTuple):
    """Whose boards are followed, and when."""

    program_id: int
    program: Program
    """The live version."""
    now: datetime

    @property
    def today(self) -> date:
        """The local day."""
        return self.program.zone.day_of(self.now)


def follow(tx: Tx, at: Following, board: Board, account_ids: Collection[int]) -> None:
    """Let some accounts stand on a board as their metrics say now; nothing of others is read.

    It only says what is, so it may be done again, and in any order.

    Args:
        tx: bound to the tenant, read committed; the board gets locked.
        at: whose boards, and when.
        board: of the live version.
        account_ids: accounts to which something happened.
    """
    kept = lock_board(tx, at.program_id, board.key)
    if kept is None or kept.identity != board.identity or not account_ids:
        # Building it anew comes to all of them.
        return
    rows = load_accounts(tx, at.program_id, account_ids)
    if board.team is None:
        _follow_accounts(tx, at, (board, kept), rows)
    else:
        _follow_teams(tx, at, (board, kept), rows)


def begin(tx: Tx, at: Following, board: Board) -> Kept:
    """Begin to build a board, unless somebody else just did.

    Args:
        tx: bound to the tenant.
        at: whose boards, and when.
        board: of the live version.

    Returns:
        The board, locked; what it had was let go where the definition says something else now.
    """
    kept = lock_board(tx, at.program_id, board.key)
    if kept is not None and kept.identity == board.identity:
        return kept
    begin_board(tx, at.program_id, Kept(board.key, board.identity, _begins_on(tx, at, board), 0))
    kept = lock_board(tx, at.program_id, board.key)
    assert kept is not None, "it was begun just now"
    return kept


def _begins_on(tx: Tx, at: Following, board: Board) -> date:
    """Tell with which window a board begins: that of the day on which it was applied."""
    live = find_live(tx, at.program.key)
    day = at.program.zone.day_of(min(at.now, live.applied_at)) if live is not None else at.today
    window = window_at(board, day)
    return window.opens_on if window is not None else day


def stands(rows: Mapping[int, AccountRow]) -> dict[int, AccountRow]:
    """Leave out who can stand on no board: gift cards, merged accounts, and those of people who were erased.

    Args:
        rows: accounts.

    Returns:
        The others.
    """
    return {
        account_id: row
        for account_id, row in rows.items()
        if row.members > 0 and row.kind != CARD and row.merged_into is None
    }


class _Wanted:
    """Who is to stand in which window; windows that are new are opened."""

    def __init__(self, tx: Tx, at: Following, board: Board, kept: Kept) -> None:
        self._tx = tx
        self._at = at
        self._board = board
        self._kept = kept
        windows = list_windows(tx, at.program_id, board.key)
        self._closed = {one.opens_on for one in windows if one.closed_at is not None}
        self.by_window: dict[date, dict[int, Stand]] = {
            one.opens_on: {} for one in windows if one.closed_at is None
        }

    def is_ranked(self, window: BoardWindow) -> bool:
        return window.opens_on not in self._closed and window.opens_on >= self._kept.begins_on

    def put(self, window: BoardWindow, participant: int, stand: Stand) -> None:
        if window.opens_on not in self.by_window:
            end = ends_at(self._at.program.zone, window)
            new = Window(window.opens_on, end, None)
            open_window(self._tx, self._at.program_id, self._board.key, new)
            self.by_window[window.opens_on] = {}
        self.by_window[window.opens_on][participant] = stand


def _follow_accounts(tx: Tx, at: Following, on: tuple[Board, Kept], rows: dict[int, AccountRow]) -> None:
    board, kept = on
    able = stands(rows)
    if board.opt_in:
        joined = find_joined(tx, at.program_id, board.key, able)
        able = {one: row for one, row in able.items() if one in joined}
    meant = meant_among(tx, at.program, board.audience, able, at.now)
    standing = load_standing(tx, Wanted(meant, {board.metric.identity})) if meant else {}
    wanted = _Wanted(tx, at, board, kept)
    for account_id in meant:
        today = _today(at, able[account_id])
        counts = standing[account_id].counts(at.program.zone)
        for window in windows_counted(board, counts, (at.today, today)):
            value = value_in(board, counts, window, today) if wanted.is_ranked(window) else Decimal(0)
            if board.takes(value):
                wanted.put(window, account_id, Stand(value, changes_on(board, counts, window, today)))
    write_stands(tx, (at.program_id, board.key), wanted.by_window, rows)


def _today(at: Following, row: AccountRow) -> date:
    # A sandbox's own clock may be ahead of ours.
    last = row.last_occurred_at
    return max(at.today, at.program.zone.day_of(last)) if last is not None else at.today


def _follow_teams(tx: Tx, at: Following, on: tuple[Board, Kept], rows: dict[int, AccountRow]) -> None:
    board, kept = on
    assert board.team is not None, "a board of teams"
    teams = teams_of(tx, at.program_id, board.team, rows)
    if not teams:
        return
    spells = list_spells(tx, at.program_id, teams)
    accounts = {one.account_id for one in spells}
    standing = load_standing(tx, Wanted(accounts, {board.metric.identity}))
    wanted = _Wanted(tx, at, board, kept)
    reached: list[tuple[BoardWindow, int, Decimal]] = []
    for team_id, is_there in teams.items():
        mine = [one for one in spells if one.team_id == team_id]
        for window, value in team_values(board, mine, standing).items():
            if is_there and wanted.is_ranked(window) and board.takes(value):
                wanted.put(window, team_id, Stand(value))
                reached.append((window, team_id, value))
    write_stands(tx, (at.program_id, board.key), wanted.by_window, teams)
    if board.is_goal:
        for window, team_id, value in reached:
            there = [one.account_id for one in spells if one.team_id == team_id and one.left_on is None]
            _note_reached(tx, at, board, (window.opens_on, team_id, value), there)


def team_values(
    board: Board, spells: Collection[Spell], standing: Mapping[int, Standing]
) -> dict[BoardWindow, Decimal]:
    """Add up what the members of a team did while they were in it; what a member did stays when they leave.

    Args:
        board: of teams.
        spells: who was in the team, from which day to which.
        standing: what the board's metric counted of them.

    Returns:
        By window: the sum.
    """
    found: dict[BoardWindow, Decimal] = {}
    for spell in spells:
        for (identity, on), bucket in standing[spell.account_id].buckets.items():
            if identity != board.metric.identity or not spell.holds(on):
                continue
            for window in windows_counted(board, Counts({}), (on,)):
                found[window] = found.get(window, Decimal(0)) + bucket.total
    return found


def _note_reached(
    tx: Tx, at: Following, board: Board, what: tuple[date, int, Decimal], members: Collection[int]
) -> None:
    """Note for each member that the team reached its goal; whoever joins later had no part in it."""
    opens_on, team_id, value = what
    reached = times_reached(board, value)
    noted = times_noted(tx, at.program_id, board.key, opens_on, team_id) if reached else 0
    for times in range(noted + 1, reached + 1):
        insert_won(
            tx,
            at.program_id,
            [Won(board.key, opens_on, one, times, team_id, 1, value, at.now) for one in sorted(members)],
        )
