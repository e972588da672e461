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
from guerdon.members.standing import Standing, load_standing
from guerdon.members.standing import Wanted as Metrics
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
    _follow(tx, at, (board, kept), rows)


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


class Wanted(NamedTuple):
    """Who is to stand on a board, and where."""

    board: Board
    begins_on: date
    closed: frozenset[date]
    """First days of windows that stay as they are."""
    stands: dict[BoardWindow, dict[int, Stand]]

    def put(self, window: BoardWindow, participant: int, stand: Stand) -> None:
        """Let somebody stand in a window, if it is open and the value is enough.

        Args:
            window: one of the board's.
            participant: account or team.
            stand: with what.
        """
        is_open = window.opens_on not in self.closed and window.opens_on >= self.begins_on
        if is_open and self.board.takes(stand.value):
            self.stands.setdefault(window, {})[participant] = stand


def _follow(tx: Tx, at: Following, on: tuple[Board, Kept], rows: dict[int, AccountRow]) -> None:
    board, kept = on
    windows = list_windows(tx, at.program_id, board.key)
    closed = frozenset(one.opens_on for one in windows if one.closed_at is not None)
    wanted = Wanted(board, kept.begins_on, closed, {})
    if board.team is None:
        whose: Collection[int] = rows
        want_accounts(tx, at, wanted, rows)
        spells: list[Spell] = []
    else:
        teams = teams_of(tx, at.program_id, board.team, rows)
        whose, spells = teams, list_spells(tx, at.program_id, teams) if teams else []
        want_teams(tx, wanted, teams, spells)
    by_day: dict[date, dict[int, Stand]] = {one.opens_on: {} for one in windows if one.closed_at is None}
    for window, stands_there in wanted.stands.items():
        if window.opens_on not in by_day:
            new = Window(window.opens_on, ends_at(at.program.zone, window), None)
            open_window(tx, at.program_id, board.key, new)
        by_day[window.opens_on] = stands_there
    write_stands(tx, (at.program_id, board.key), by_day, whose)
    if board.is_goal:
        _note_reached(tx, at, wanted, spells)


def want_accounts(
    tx: Tx, at: Following, wanted: Wanted, rows: Mapping[int, AccountRow], *, for_all: bool = False
) -> None:
    """Work out where accounts are to stand.

    Args:
        tx: bound to the tenant; nothing is written.
        at: whose boards, and when.
        wanted: takes them.
        rows: the accounts.
        for_all: leaves the board's audience out.
    """
    board = wanted.board
    able = stands(rows)
    if board.opt_in:
        joined = find_joined(tx, at.program_id, board.key, able)
        able = {one: row for one, row in able.items() if one in joined}
    audience = None if for_all else board.audience
    meant = meant_among(tx, at.program, audience, able, at.now)
    standing = load_standing(tx, Metrics(meant, {board.metric.identity})) if meant else {}
    for account_id in meant:
        today = _today(at, able[account_id])
        counts = standing[account_id].counts(at.program.zone)
        for window in windows_counted(board, counts, (at.today, today)):
            value = value_in(board, counts, window, today)
            wanted.put(window, account_id, Stand(value, changes_on(board, counts, window, today)))


def _today(at: Following, row: AccountRow) -> date:
    # A sandbox's own clock may be ahead of ours.
    last = row.last_occurred_at
    return max(at.today, at.program.zone.day_of(last)) if last is not None else at.today


def want_teams(tx: Tx, wanted: Wanted, teams: Mapping[int, bool], spells: Collection[Spell]) -> None:
    """Work out where teams are to stand.

    Args:
        tx: bound to the tenant; nothing is written.
        wanted: takes them.
        teams: by number: whether the team is still there.
        spells: who is or was in them.
    """
    accounts = {one.account_id for one in spells}
    standing = load_standing(tx, Metrics(accounts, {wanted.board.metric.identity})) if accounts else {}
    for team_id, is_there in teams.items():
        mine = [one for one in spells if one.team_id == team_id]
        for window, value in team_values(wanted.board, mine, standing).items() if is_there else ():
            wanted.put(window, team_id, Stand(value))


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


def _note_reached(tx: Tx, at: Following, wanted: Wanted, spells: Collection[Spell]) -> None:
    """Note for each member that the team reached its goal; whoever joins later had no part in it."""
    board = wanted.board
    for window, reached in wanted.stands.items():
        for team_id, stand in reached.items():
            times = times_reached(board, stand.value)
            noted = times_noted(tx, at.program_id, board.key, window.opens_on, team_id) if times else 0
            there = sorted(one.account_id for one in spells if one.team_id == team_id and one.left_on is None)
            for time in range(noted + 1, times + 1):
                won = [
                    Won(board.key, window.opens_on, one, time, team_id, 1, stand.value, at.now)
                    for one in there
                ]
                insert_won(tx, at.program_id, won)
