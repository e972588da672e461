"""Calls about teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.teams.rows import list_teams
from guerdon.engine.boards.joining import Joiner
from guerdon.engine.teams import acting
from guerdon.infra.tx import Tx
from guerdon.web.api.boards.routes import Eyes, following, joiner_of, member_of, viewer_of
from guerdon.web.api.boards.shown import Viewer
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.teams.shapes import TeamNameTaken, Teams, TeamShape
from guerdon.web.api.teams.shown import load_teams, show_teams
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Teams"])
Reading = Annotated[Call, Depends(admitted("teams:read"))]
Writing = Annotated[Call, Depends(admitted("teams:write"))]
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
_ALL: Final = "/v1/programs/{program}/teams"
_ONE: Final = f"{_ALL}/{{team}}"
_PAGE: Final = 100


class Founding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who founds a team."""

    member: Who
    """A member reference."""
    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=63)]
    """A key of `teams` in the definition."""
    name: Annotated[str, msgspec.Meta(max_length=200)]


class TeamActing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acts."""

    member: Who
    """A member reference."""


class TeamNaming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The captain, and the team's new name."""

    member: Who
    name: Annotated[str, msgspec.Meta(max_length=200)]


class TeamPointing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acts, and on whom."""

    member: Who
    """A member reference: the captain, or who refuses an invitation."""
    account: Who
    """The account (`acc_…`), or a member reference of it."""


@ROUTER.get(_ALL, summary="Teams", **operation(Teams))
def all_teams(
    call: Reading,
    program: str,
    eyes: Eyes,
    kind: Annotated[str, Query(max_length=63)] = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Of a kind, in the order in which they were founded; or those that concern a member."""
    if not kind and not eyes.member:
        raise Problem.at("/kind", "parameter_missing", "say `kind`, or `member` for the teams of a member")
    with call.transaction() as tx:
        viewer = viewer_of(tx, call, program, eyes)
        if not kind:
            return answer(Teams(data=load_teams(tx, viewer), next=None))
        acting.kind_of(viewer.at, kind)
        after = parse_number("team", cursor) if cursor else 0
        if after is None:
            raise Problem.at("/cursor", "cursor_invalid", "this is no cursor that this list gave")
        page = list_teams(tx, viewer.at.program_id, kind, (after, _PAGE + 1))
        more = number_text("team", page[_PAGE - 1].team_id) if len(page) > _PAGE else None
        return answer(Teams(data=show_teams(tx, viewer, page[:_PAGE]), next=more))


@ROUTER.get(_ONE, summary="A team", **operation(TeamShape))
def one_team(call: Reading, program: str, team: str, eyes: Eyes) -> Response:
    """With `member`, as that member sees it."""
    with call.transaction() as tx:
        viewer = viewer_of(tx, call, program, eyes)
        return answer(show_teams(tx, viewer, [acting.get_team(tx, viewer.at, _number(team))])[0])


@ROUTER.post(_ALL, summary="Found a team", **operation(TeamShape, body=Founding, status=201))
def found(call: Writing, program: str) -> Response:
    """Whoever founds it is its captain. An account is in one team of a kind at a time."""
    asked = call.read(Founding)

    def act(tx: Tx) -> tuple[int, TeamShape]:
        joiner = joiner_of(tx, call, program, asked.member)
        made = acting.found(tx, joiner, asked.kind, asked.name, call.house.ids)
        return 201, _one(tx, joiner, made.team_id)

    return once(call, act)


@ROUTER.post(f"{_ONE}/name", summary="Name a team", **operation(TeamShape, body=TeamNaming))
def name(call: Writing, program: str, team: str) -> Response:
    """As its captain."""
    asked = call.read(TeamNaming)
    who = (program, team, asked.member)
    return _act(call, who, lambda tx, joiner, one: acting.rename(tx, joiner, one, asked.name))


@ROUTER.post(f"{_ONE}/invite", summary="Invite somebody, or let them in",
             **operation(TeamShape, body=TeamPointing))  # fmt: skip
def invite(call: Writing, program: str, team: str) -> Response:
    """Whoever asked to join is in it then; whoever did not is invited."""
    asked = call.read(TeamPointing)
    return _point(call, (program, team, asked), acting.invite)


@ROUTER.post(f"{_ONE}/refuse", summary="Refuse somebody, or an invitation",
             **operation(TeamShape, body=TeamPointing))  # fmt: skip
def refuse(call: Writing, program: str, team: str) -> Response:
    """The captain refuses whoever asked, or takes an invitation back; whoever is invited may refuse it."""
    asked = call.read(TeamPointing)
    return _point(call, (program, team, asked), acting.refuse)


@ROUTER.post(f"{_ONE}/join", summary="Join a team", **operation(TeamShape, body=TeamActing))
def join(call: Writing, program: str, team: str) -> Response:
    """Or ask to: `own` says whether the account is in it now. An invitation is taken in the same way."""
    asked = call.read(TeamActing)
    return _act(call, (program, team, asked.member), acting.join)


@ROUTER.post(f"{_ONE}/captain", summary="Hand a team over", **operation(TeamShape, body=TeamPointing))
def captain(call: Writing, program: str, team: str) -> Response:
    """To another account that is in it."""
    asked = call.read(TeamPointing)
    return _point(call, (program, team, asked), acting.hand_over)


@ROUTER.post(f"{_ONE}/send_away", summary="Send somebody out of a team",
             **operation(TeamShape, body=TeamPointing))  # fmt: skip
def send_away(call: Writing, program: str, team: str) -> Response:
    """As its captain; what they did for it stays."""
    asked = call.read(TeamPointing)
    return _point(call, (program, team, asked), acting.send_away)


@ROUTER.post(f"{_ONE}/leave", summary="Leave a team", **operation(TeamShape, body=TeamActing))
def leave(call: Writing, program: str, team: str) -> Response:
    """What was done for it stays. The longest member leads it then; the last one who leaves ends it."""
    asked = call.read(TeamActing)
    return _act(call, (program, team, asked.member), acting.leave)


@ROUTER.delete(f"{_ONE}/name", summary="Take a team's name away", **operation(TeamNameTaken))
def take_name(call: Writing, program: str, team: str) -> Response:
    """For the staff; the captain may choose another."""
    number = _number(team)

    def act(tx: Tx) -> tuple[int, TeamNameTaken]:
        at = following(tx, call, program)
        taken = acting.take_name(tx, at, number, (call.caller.actor, call.house.ids))
        return 200, TeamNameTaken(id=number_text("team", number), taken=taken)

    return once(call, act)


def _number(team: str) -> int:
    number = parse_number("team", team)
    if number is None:
        raise acting.NO_TEAM
    return number


def _act(call: Call, who: tuple[str, str, str], do: Callable[[Tx, Joiner, int], Any]) -> Response:
    program, team, member = who
    number = _number(team)

    def act(tx: Tx) -> tuple[int, Any]:
        joiner = joiner_of(tx, call, program, member)
        do(tx, joiner, number)
        return 200, _one(tx, joiner, number)

    return once(call, act)


def _point(
    call: Call, who: tuple[str, str, TeamPointing], do: Callable[[Tx, Joiner, int, int], Any]
) -> Response:
    program, team, asked = who

    def act(tx: Tx, joiner: Joiner, number: int) -> None:
        account = parse_number("acc", asked.account)
        if account is None:
            account = member_of(tx, call, joiner.at, asked.account).account_id
        do(tx, joiner, number, account)

    return _act(call, (program, team, asked.member), act)


def _one(tx: Tx, joiner: Joiner, team_id: int) -> TeamShape:
    viewer = Viewer(joiner.at, joiner.vault, joiner.account_id)
    return show_teams(tx, viewer, [acting.find_team(tx, joiner.at, team_id)])[0]
