"""Windows whose time is over are closed, and the engine is told who stood where; nobody need look at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog

from guerdon.base.ids import number_text
from guerdon.circles.teams.rows import list_spells
from guerdon.engine.boards.keeper import Follower
from guerdon.engine.loop import EngineLoop
from guerdon.engine.telling.pages import PAGE, Ear, Untold, cloud_event, tell_pages
from guerdon.infra import failpoints
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import ask_heirs
from guerdon.members.states import load_members
from guerdon.play.boards.prizes import FIRST, Won, insert_won, list_untold, mark_told
from guerdon.play.boards.rows import Place, list_reached
from guerdon.play.boards.windows import close_window, list_over, lock_board
from guerdon.programs.programs import LiveVersion
from guerdon.rules.compiling.boards import GOAL
from guerdon.rules.own_events import BOARD_CLOSED, BOARDS, TEAM_REACHED, TEAMS
from guerdon.rules.play.boards import Board, closes_at, window_at
from guerdon.rules.program import Program

_LOG = structlog.get_logger(__name__)


def close_due(database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], now: datetime) -> int:
    """Close the windows of a program whose time and grace are over, and tell the engine what is not told yet.

    Args:
        database: where boards are.
        loop: what takes the events in, in its bulk lane.
        place: the tenant and the program.
        now: the instant, UTC.

    Returns:
        How many events were told.

    Raises:
        Problem: the first that the engine refused an event with, after all were tried.
    """
    tenant_id, line = place
    key = (tenant_id, line.key)
    live = loop.programs.find(key)
    if live is None or live.program.version != line.version:
        live = loop.programs.load(key)
    if live.program.boards:
        _close(database, loop, (tenant_id, line), (live.program, now))
    return tell_pages(Ear(database, loop, *place, now), _untold(database, place))


def _close(
    database: Database, loop: EngineLoop, place: tuple[int, LiveVersion], at: tuple[Program, datetime]
) -> None:
    tenant_id, line = place
    program, now = at
    with database.transaction(tenant_id) as tx:
        over = list_over(tx, line.program_id, now)
    due = [
        (program.boards[key], opens_on)
        for key, opens_on, end in over
        if key in program.boards and closes_at(program.zone, program.boards[key], end) <= now
    ]
    # What was committed before must be on the board before it stands for good.
    if not due or not Follower(database, loop.programs, _clock).reach(_clock()):
        return
    for board, opens_on in due:
        with database.transaction(tenant_id) as tx:
            kept = lock_board(tx, line.program_id, board.key)
            if kept is None or kept.built_to is not None or kept.identity != board.identity:
                continue
            if close_window(tx, line.program_id, board.key, opens_on, now):
                won = winners(tx, Place(line.program_id, board.key, opens_on), board, now)
                insert_won(tx, line.program_id, won)
                _LOG.info("board_closed", program=line.key, board=board.key, winners=len(won))
        failpoints.reach("board_closed")


def winners(tx: Tx, place: Place, board: Board, now: datetime) -> list[Won]:
    """List whom ranks bring something, when a window is closed.

    Args:
        tx: bound to the tenant; the board is locked.
        place: the window.
        board: as compiled.
        now: when it is closed.

    Returns:
        Accounts with their ranks; of a team, all who were in it on the window's last day.
    """
    if not board.prized:
        return []
    reached = [one for one in list_reached(tx, place, board.prized) if one.rank <= board.prized]
    if board.team is None:
        return [
            Won(board.key, place.opens_on, one.participant, 1, None, one.rank, one.value, now)
            for one in reached
        ]
    window = window_at(board, place.opens_on)
    last = window.ends_on - timedelta(days=1) if window is not None and window.ends_on else now.date()
    spells = list_spells(tx, place.program_id, [one.participant for one in reached])
    there = {(one.team_id, one.account_id) for one in spells if one.holds(last)}
    return [
        Won(board.key, place.opens_on, account_id, 1, one.participant, one.rank, one.value, now)
        for one in reached
        for team_id, account_id in sorted(there)
        if team_id == one.participant
    ]


def _clock() -> datetime:
    return datetime.now(UTC)


def _untold(database: Database, place: tuple[int, LiveVersion]) -> Iterator[list[Untold]]:
    tenant_id, line = place
    after = FIRST
    while True:
        with database.transaction(tenant_id) as tx:
            page = list_untold(tx, line.program_id, after, PAGE)
            owners = owners_of(tx, {one.account_id for one in page})
        if not page:
            return
        whose = [(one, owners[one.account_id]) for one in page if one.account_id in owners]
        yield [_untold_of(line.program_id, one, owner) for one, owner in whose]
        after = page[-1]


def _untold_of(program_id: int, one: Won, owner: int) -> Untold:
    return Untold(event_of(one, owner), one.closed_at, lambda tx: mark_told(tx, program_id, one))


def owners_of(tx: Tx, account_ids: set[int]) -> dict[int, int]:
    """Find who is told for accounts: the owner of the one that stands for each now.

    Args:
        tx: bound to the tenant.
        account_ids: perhaps merged since.

    Returns:
        By account: the member; accounts of which everybody was erased are left out.
    """
    heirs = ask_heirs(tx, account_ids)()
    standing = {one: heirs.get(one, one) for one in account_ids}
    owners = load_members(tx, set(standing.values()), ()).owners
    return {
        one: owners[into].state.member_id
        for one, into in standing.items()
        if into in owners and owners[into].wrapped_key is not None
    }


def event_id(won: Won) -> str:
    """Name the event of a rank, or of a goal, at its source.

    Args:
        won: whom the engine is told of.

    Returns:
        A text that no other has.
    """
    return f"{won.board}/{won.opens_on}/{number_text('acc', won.account_id)}/{won.times}"


def event_of(won: Won, member_id: int) -> bytes:
    """Write the event that says who stood where, or that a team reached its goal.

    Args:
        won: whom it is about.
        member_id: the owner of the account.

    Returns:
        A CloudEvent as JSON.
    """
    is_goal = won.board.startswith(GOAL)
    window = won.opens_on.isoformat()
    data = (
        {"challenge": won.board.removeprefix(GOAL), "times": won.times, "window": window}
        if is_goal
        else {"leaderboard": won.board, "rank": won.rank, "window": window}
    )
    source, kind = (TEAMS, TEAM_REACHED) if is_goal else (BOARDS, BOARD_CLOSED)
    return cloud_event((source, event_id(won), kind), (member_id, won.closed_at), data)
