"""Leaderboards and teams: who stands where, and names that can be taken away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.teams.rows import count_teams, list_teams
from guerdon.engine.boards.closing import owners_of
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import find_board, take_away
from guerdon.engine.boards.looking import Line, Look, show_board
from guerdon.engine.teams import acting
from guerdon.engine.teams.looking import TeamSeen, see_teams
from guerdon.infra.tx import Tx
from guerdon.play.boards.names import count_joined
from guerdon.play.boards.prizes import count_won
from guerdon.rules.compiling.boards import GOAL
from guerdon.rules.definition import Leaderboard
from guerdon.web.api.boards.shapes import WindowShape
from guerdon.web.api.boards.shown import load_windows
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Deciding = Annotated[Visit, Depends(entitled("members:adjust"))]
_BOARDS: Final = "/console/p/{program}/leaderboards"
_TEAMS: Final = "/console/p/{program}/teams/{kind}"
_SHOWN: Final = 100
JOINED_BY: Final = {
    "open": "anybody who wants to",
    "asked": "those whom the captain lets in",
    "invited": "those whom the captain invites",
}
"""Who joins a team; `say.text` translates it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A leaderboard in the list."""

    key: str
    name: str
    written: Leaderboard
    opens_on: date | None
    total: int
    joined: int
    prizes: int
    building: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of team in the list."""

    key: str
    name: str
    join: str
    size: int
    teams: int
    accounts: int
    goals: tuple[str, ...]
    """Challenges that they reach together."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A place on a board, with whose it is."""

    line: Line
    shown: str
    """The account's number, or the team's."""
    value: str
    member: str
    """The account's owner; empty for teams, and where everybody was erased."""


@ROUTER.get(_BOARDS)
def boards(visit: Visitor, program: str) -> Response:
    """List leaderboards and kinds of teams with their figures."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        at = _at(visit, opened)
        rows, kinds = _rows(tx, opened, at), _kinds(tx, opened)
    return visit.page("boards.html", **framed(opened, "boards"), rows=rows, kinds=kinds, joined_by=JOINED_BY)


@ROUTER.get(f"{_BOARDS}/{{board}}")
def one_board(visit: Visitor, program: str, board: str, on: str = "", done: str = "") -> Response:
    """Show the first hundred of a board, in one of its windows."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        at = _at(visit, opened)
        found = find_board(at, board)
        seen = show_board(tx, Look(at, opened.desk.vault, shows=_SHOWN), board, _day(on))
        windows: tuple[WindowShape, ...] = tuple(load_windows(tx, at, board).data)
        owners = owners_of(tx, {one.participant for one in seen.top}) if found.team is None else {}
    written = opened.program.definition.leaderboards[board]
    return visit.page(
        "board.html",
        **framed(opened, "boards"),
        key=board,
        name=opened.voice.called(board, written.name),
        about=opened.voice.text(written.description) if written.description is not None else "",
        written=written,
        seen=seen,
        rows=[_placed(line, owners, is_team=found.team is not None) for line in seen.top],
        windows=windows,
        done=done == "yes",
    )


@ROUTER.post(f"{_BOARDS}/{{board}}/names/take")
def take_name(visit: Deciding, program: str, board: str) -> Response:
    """Take a name away; who did so is written down."""
    account = parse_number("acc", visit.field("account", 60))
    if account is None:
        raise Problem("account_not_found", "There is no such account.")
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        take_away(tx, _at(visit, opened), (board, account), (visit.staff.actor, visit.house.ids))
    return visit.go(f"{opened.path}/leaderboards/{board}?done=yes")


@ROUTER.get(_TEAMS)
def teams(visit: Visitor, program: str, kind: str, after: str = "", done: str = "") -> Response:
    """List the teams of a kind, a hundred a page."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        at = _at(visit, opened)
        written = acting.kind_of(at, kind)
        page = (parse_number("team", after) or 0, _SHOWN + 1)
        found = list_teams(tx, at.program_id, kind, page)
        seen = see_teams(tx, at, opened.desk.vault, found[:_SHOWN], None)
        owners = owners_of(tx, {one.captain for one in found})
    return visit.page(
        "teams.html",
        **framed(opened, "boards"),
        key=kind,
        name=opened.voice.called(kind, written.name),
        written=written,
        joined_by=JOINED_BY,
        rows=[_team(one, owners) for one in seen],
        more=number_text("team", found[_SHOWN - 1].team_id) if len(found) > _SHOWN else "",
        done=done == "yes",
    )


@ROUTER.post(f"{_TEAMS}/names/take")
def take_team_name(visit: Deciding, program: str, kind: str) -> Response:
    """Take a team's name away; who did so is written down."""
    team = parse_number("team", visit.field("team", 60))
    if team is None:
        raise acting.NO_TEAM
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        acting.take_name(tx, _at(visit, opened), team, (visit.staff.actor, visit.house.ids))
    return visit.go(f"{opened.path}/teams/{kind}?done=yes")


def _at(visit: Visit, opened: Opened) -> Following:
    return Following(opened.live.program_id, opened.program, visit.now)


def _rows(tx: Tx, opened: Opened, at: Following) -> list[Row]:
    joined, won = count_joined(tx, at.program_id), count_won(tx, at.program_id)
    found = []
    for key, one in opened.program.definition.leaderboards.items():
        seen = show_board(tx, Look(at, opened.desk.vault, shows=1), key, None)
        found.append(
            Row(
                key=key,
                name=opened.voice.called(key, one.name),
                written=one,
                opens_on=seen.opens_on,
                total=seen.total,
                joined=joined.get(key, (0, 0))[0],
                prizes=sum(told for (board, _), (_, told) in won.items() if board == key),
                building=seen.is_building,
            )
        )
    return found


def _kinds(tx: Tx, opened: Opened) -> list[Kind]:
    counted = count_teams(tx, opened.live.program_id)
    written = opened.program.definition
    return [
        Kind(
            key=key,
            name=opened.voice.called(key, one.name),
            join=one.join,
            size=one.size,
            teams=counted.get(key, (0, 0))[0],
            accounts=counted.get(key, (0, 0))[1],
            goals=tuple(
                opened.voice.called(goal, written.challenges[goal].name)
                for goal in (board.removeprefix(GOAL) for board in opened.program.boards)
                if goal in written.challenges and written.challenges[goal].team == key
            ),
        )
        for key, one in written.teams.items()
    ]


def _placed(line: Line, owners: dict[int, int], *, is_team: bool) -> Placed:
    shown = number_text("team" if is_team else "acc", line.participant)
    return Placed(line, shown, plain_text(line.value), _member(owners, line.participant))


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team in the list."""

    shown: str
    captain: str
    member: str
    """Who owns the captain's account; empty where everybody was erased."""
    seen: TeamSeen
    reached: int
    """How often it reached a goal together."""


def _member(owners: dict[int, int], account_id: int) -> str:
    return number_text("mem", owners[account_id]) if account_id in owners else ""


def _team(one: TeamSeen, owners: dict[int, int]) -> TeamRow:
    return TeamRow(
        shown=number_text("team", one.team.team_id),
        captain=number_text("acc", one.team.captain),
        member=_member(owners, one.team.captain),
        seen=one,
        reached=sum(place.times for place in one.boards),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Problem("window_not_found", "There is no such day.") from error
