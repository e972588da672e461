"""Leaderboards as people see them: the first ranks, one's own with its neighbours, and nobody's identity."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from guerdon.base.calendar import FIRST_INSTANT, LAST_INSTANT
from guerdon.base.errors import Problem
from guerdon.circles.teams import rows as teams
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import find_board
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.merging.moving import ask_heirs, list_merged
from guerdon.members.states import load_members
from guerdon.play.boards.names import Joined, find_joined, list_joined
from guerdon.play.boards.rows import Place, Ranked, count_all, find_rank, list_near, list_top
from guerdon.play.boards.windows import Window, list_boards, list_windows
from guerdon.rules.play.boards import Board, window_at

NEIGHBOURS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One place on a board, as it is shown."""

    rank: int
    name: str | None
    """As chosen; None shows "a member" or "a team"."""
    value: Decimal
    is_own: bool
    participant: int
    """The account or team; shown to staff alone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A board as somebody sees it."""

    board: Board
    opens_on: date | None
    """The first day of the window; None where nobody stood on it yet."""
    ends_at: datetime | None
    closed_at: datetime | None
    is_building: bool
    total: int
    """How many stand on it."""
    top: tuple[Line, ...]
    own: Line | None
    near: tuple[Line, ...]
    """One's own place with those before and after it; empty where one is among the first or not on it."""
    is_joined: bool
    own_name: str | None


class _Names:
    """Opens the names of those who are shown."""

    def __init__(self, tx: Tx, at: Following, vault: Vault, board: Board) -> None:
        self._tx = tx
        self._at = at
        self._vault = vault
        self._board = board

    def of(self, participants: Collection[int]) -> dict[int, str]:
        if not participants:
            return {}
        if self._board.team is not None:
            return team_names(self._tx, self._vault, self._at.program_id, participants)
        heirs = ask_heirs(self._tx, participants)()
        accounts = {one: heirs.get(one, one) for one in participants}
        joined = find_joined(self._tx, self._at.program_id, self._board.key, set(accounts.values()))
        names = opened_names(self._tx, self._vault, joined.values())
        return {one: names[into] for one, into in accounts.items() if into in names}


def opened_names(tx: Tx, vault: Vault, joined: Collection[Joined]) -> dict[int, str]:
    """Open the names that accounts chose.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        joined: who joined a board.

    Returns:
        By account; names that were taken away, and those of people who were erased, are left out.
    """
    accounts, people = {one.account_id for one in joined}, {one.member_id for one in joined}
    known = load_members(tx, accounts, people).by_id
    names = {}
    for one in joined:
        person = known.get(one.member_id)
        key = person.open_key(vault) if person is not None and one.sealed is not None else None
        if key is not None and one.sealed is not None:
            names[one.account_id] = key.open(one.purpose, one.sealed).decode()
    return names


def export_places(tx: Tx, vault: Vault, program_id: int, account_id: int) -> dict[str, Any]:
    """Tell what boards and teams keep about an account.

    Args:
        tx: bound to the tenant.
        vault: opens the names.
        program_id: of the account.
        account_id: the account.

    Returns:
        Plain data for JSON: names on boards, and teams.
    """
    joined = list_joined(tx, program_id, account_id)
    own = teams.own_teams(tx, program_id, account_id)
    named = team_names(tx, vault, program_id, [one.team_id for one in own])
    return {
        "leaderboards": {
            key: {
                "name": opened_names(tx, vault, [one]).get(account_id),
                "joined_at": one.joined_at.isoformat(),
            }
            for key, one in joined.items()
        },
        "teams": [
            {"kind": one.kind, "name": named.get(one.team_id), "captain": one.captain == account_id}
            for one in own
        ],
    }


def team_names(tx: Tx, vault: Vault, program_id: int, team_ids: Collection[int]) -> dict[int, str]:
    """Open the names of teams.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        program_id: whose teams.
        team_ids: which.

    Returns:
        By team; those whose name was taken away, or whose giver was erased, are left out.
    """
    found = {one: team for one, team in teams.load_teams(tx, program_id, team_ids).items() if team.sealed}
    # Who named a team may act for another account by now.
    rows = tx.execute(
        "select member_id, wrapped_key from members where program_id = %s and member_id = any(%s)",
        (program_id, [one.member_id for one in found.values()]),
    ).fetchall()
    keys = {member_id: vault.open_key(member_id, wrapped) for member_id, wrapped in rows if wrapped}
    return {
        team_id: keys[one.member_id].open(one.purpose, one.sealed).decode()
        for team_id, one in found.items()
        if one.sealed is not None and one.member_id in keys
    }


class Look(NamedTuple):
    """Who looks at boards."""

    at: Following
    vault: Vault
    """Opens the names."""
    account_id: int | None = None
    """None for nobody in particular."""
    shows: int | None = None
    """How many of the first; None for as many as the definition says."""


def show_board(tx: Tx, look: Look, key: str, on: date | None) -> Seen:
    """Show a leaderboard.

    Args:
        tx: bound to the tenant.
        look: who looks.
        key: the board.
        on: a day of the window that is meant; None for today's.

    Returns:
        What is shown.

    Raises:
        Problem: `leaderboard_not_found` or `window_not_found`.
    """
    at, account_id = look.at, look.account_id
    board = find_board(at, key)
    window = _window(tx, at, board, on)
    joined = list_joined(tx, at.program_id, account_id).get(key) if account_id is not None else None
    whose = {account_id} if joined is not None and account_id is not None else set()
    if window is None:
        return _nobody(tx, look, board, whose)
    place = Place(at.program_id, key, window.opens_on)
    top = list_top(tx, place, look.shows or board.shows)
    own = _own(tx, place, board, account_id)
    near = list_near(tx, place, own, NEIGHBOURS) if own is not None and own not in top else []
    names = _Names(tx, at, look.vault, board).of({one.participant for one in (*top, *near)} | whose)

    def line(one: Ranked) -> Line:
        is_own = own is not None and one.participant == own.participant
        return Line(one.rank, names.get(one.participant), one.value, is_own, one.participant)

    return Seen(
        board=board,
        opens_on=window.opens_on,
        ends_at=window.ends_at,
        closed_at=window.closed_at,
        is_building=_is_building(tx, at, board),
        total=count_all(tx, place),
        top=tuple(map(line, top)),
        own=line(own) if own is not None else None,
        near=tuple(map(line, near)),
        is_joined=bool(whose),
        own_name=names.get(account_id or 0) if whose else None,
    )


def _nobody(tx: Tx, look: Look, board: Board, whose: set[int]) -> Seen:
    """Show a board on which nobody stands yet."""
    current = window_at(board, look.at.today)
    opens_on = current.opens_on if current is not None else None
    names = _Names(tx, look.at, look.vault, board).of(whose)
    own_name = names.get(look.account_id or 0)
    building = _is_building(tx, look.at, board)
    return Seen(board, opens_on, None, None, building, 0, (), None, (), bool(whose), own_name)


def _is_building(tx: Tx, at: Following, board: Board) -> bool:
    kept = list_boards(tx, at.program_id).get(board.key)
    return kept is None or kept.identity != board.identity or kept.built_to is not None


def _window(tx: Tx, at: Following, board: Board, on: date | None) -> Window | None:
    """Find the window that is meant: today's, or the one of a day; None where nobody stands there yet."""
    windows = list_windows(tx, at.program_id, board.key)
    # No fact is dated outside the calendar, where a period may have no end to be told.
    is_dated = on is None or FIRST_INSTANT.date() <= on < LAST_INSTANT.date()
    meant = window_at(board, on if on is not None else at.today) if is_dated else None
    if on is not None and meant is None:
        raise Problem("window_not_found", "this leaderboard has no window on that day")
    if meant is None:
        return windows[0] if windows else None
    found = next((one for one in windows if one.opens_on == meant.opens_on), None)
    if found is None and on is not None and not meant.holds(at.today):
        raise Problem("window_not_found", "nobody stood on this leaderboard then")
    return found


def _own(tx: Tx, place: Place, board: Board, account_id: int | None) -> Ranked | None:
    if account_id is None:
        return None
    if board.team is not None:
        mine = (one.team_id for one in teams.own_teams(tx, place.program_id, account_id)
                if one.kind == board.team)  # fmt: skip
        return next((found for one in mine if (found := find_rank(tx, place, one)) is not None), None)
    accounts = (account_id, *list_merged(tx, [account_id]))
    return next((found for one in accounts if (found := find_rank(tx, place, one)) is not None), None)
