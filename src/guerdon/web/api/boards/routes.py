"""Calls about leaderboards."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner, find_board, join, leave, take_away
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, parse_ref, resolve
from guerdon.web.api.boards.shapes import Boards, BoardShape, BoardWindows, Names, Taken
from guerdon.web.api.boards.shown import Viewer, load_board, load_boards, load_names, load_windows
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Leaderboards"])
Reading = Annotated[Call, Depends(admitted("boards:read"))]
Writing = Annotated[Call, Depends(admitted("boards:write"))]
_ALL: Final = "/v1/programs/{program}/leaderboards"
_ONE: Final = f"{_ALL}/{{leaderboard}}"
_PAGE: Final = 100


class Looker(NamedTuple):
    """Who looks, and in which language."""

    member: str
    language: str


def eyes_of(
    member: Annotated[str, Query(max_length=260)] = "", language: Annotated[str, Query(max_length=35)] = ""
) -> Looker:
    """Read who looks.

    Args:
        member: a member reference, empty for nobody in particular.
        language: of texts, empty for the program's first.

    Returns:
        Both.
    """
    return Looker(member, language)


Eyes = Annotated[Looker, Depends(eyes_of)]


class BoardJoining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins, under which name."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]
    """A member reference."""
    name: Annotated[str, msgspec.Meta(max_length=200)]
    """2 to 30 characters; nobody else on this leaderboard has it, whatever the case."""


class BoardLeaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who leaves."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]


@ROUTER.get(_ALL, summary="Leaderboards as they stand", **operation(Boards))
def all_boards(call: Reading, program: str, eyes: Eyes) -> Response:
    """The first ranks of each; with `member` also that member's own place and its neighbours."""
    with call.transaction() as tx:
        return answer(Boards(data=load_boards(tx, viewer_of(tx, call, program, eyes)), next=None))


@ROUTER.get(_ONE, summary="A leaderboard", **operation(BoardShape))
def one_board(call: Reading, program: str, leaderboard: str, eyes: Eyes, on: date | None = None) -> Response:
    """Today's window, or the one of a day: `on=2026-10-01`. What is closed stays as it was then."""
    with call.transaction() as tx:
        viewer = viewer_of(tx, call, program, eyes)
        return answer(load_board(tx, viewer, leaderboard, on))


@ROUTER.get(f"{_ONE}/windows", summary="Windows of a leaderboard", **operation(BoardWindows))
def windows(call: Reading, program: str, leaderboard: str) -> Response:
    """Those that somebody stood in, with what their ranks brought."""
    with call.transaction() as tx:
        at = following(tx, call, program)
        find_board(at, leaderboard)
        return answer(load_windows(tx, at, leaderboard))


@ROUTER.post(
    f"{_ONE}/join", summary="Join a leaderboard, or choose a name", **operation(BoardShape, body=BoardJoining)
)
def join_board(call: Writing, program: str, leaderboard: str) -> Response:
    """Again with another name changes the name. Where all stand on it, a name replaces "a member"."""
    asked = call.read(BoardJoining)

    def act(tx: Tx) -> tuple[int, BoardShape]:
        joiner = joiner_of(tx, call, program, asked.member)
        join(tx, joiner, leaderboard, asked.name)
        viewer = Viewer(joiner.at, joiner.vault, joiner.account_id)
        return 200, load_board(tx, viewer, leaderboard, None)

    return once(call, act)


@ROUTER.post(f"{_ONE}/leave", summary="Leave a leaderboard", **operation(BoardShape, body=BoardLeaving))
def leave_board(call: Writing, program: str, leaderboard: str) -> Response:
    """The name is forgotten. Where all stand on it, the place stays, as "a member"."""
    asked = call.read(BoardLeaving)

    def act(tx: Tx) -> tuple[int, BoardShape]:
        joiner = joiner_of(tx, call, program, asked.member)
        leave(tx, joiner, leaderboard)
        viewer = Viewer(joiner.at, joiner.vault, joiner.account_id)
        return 200, load_board(tx, viewer, leaderboard, None)

    return once(call, act)


@ROUTER.get(f"{_ONE}/names", summary="Who joined, for the staff", **operation(Names))
def names(
    call: Writing, program: str, leaderboard: str, cursor: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """A hundred a page, with the accounts behind the names."""
    after = parse_number("acc", cursor) if cursor else 0
    if after is None:
        raise Problem.at("/cursor", "cursor_invalid", "this is no cursor that this list gave")
    with call.transaction() as tx:
        at = following(tx, call, program)
        find_board(at, leaderboard)
        return answer(load_names(tx, at, call.house.vault(call.tenant_id), leaderboard, (after, _PAGE)))


@ROUTER.delete(f"{_ONE}/names/{{account}}", summary="Take a name away", **operation(Taken))
def take_name(call: Writing, program: str, leaderboard: str, account: str) -> Response:
    """The account stays where it stands, as "a member", until it chooses another name."""
    number = parse_number("acc", account)
    if number is None:
        raise Problem("account_not_found", "there is no such account")

    def act(tx: Tx) -> tuple[int, Taken]:
        at = following(tx, call, program)
        taken = take_away(tx, at, (leaderboard, number), (call.caller.actor, call.house.ids))
        return 200, Taken(account=number_text("acc", number), taken=taken)

    return once(call, act)


def following(tx: Tx, call: Call, program: str) -> Following:
    """Say whose boards and teams are meant.

    Args:
        tx: bound to the tenant.
        call: who asks.
        program: its key.

    Returns:
        The live version, and when.

    Raises:
        Problem: `program_not_found`.
    """
    live = call.house.live(tx, program)
    return Following(live.program_id, live.program, call.now)


def joiner_of(tx: Tx, call: Call, program: str, member: str) -> Joiner:
    """Find who acts.

    Args:
        tx: bound to the tenant.
        call: who asks.
        program: its key.
        member: a member reference.

    Returns:
        The member with the account.

    Raises:
        Problem: `program_not_found` or `member_not_found`.
    """
    at = following(tx, call, program)
    found = member_of(tx, call, at, member)
    return Joiner(at, call.house.vault(call.tenant_id), found.account_id, found.member_id)


def member_of(tx: Tx, call: Call, at: Following, member: str) -> Found:
    """Find a member by a reference.

    Args:
        tx: bound to the tenant.
        call: who asks.
        at: whose members.
        member: the reference.

    Returns:
        Account and member.

    Raises:
        Problem: `member_not_found`.
    """
    ref = parse_ref(member)
    found = resolve(tx, call.house.vault(call.tenant_id), at.program_id, [ref]).get(ref)
    if found is None:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return found


def viewer_of(tx: Tx, call: Call, program: str, eyes: Looker) -> Viewer:
    """Say who looks.

    Args:
        tx: bound to the tenant.
        call: who asks.
        program: its key.
        eyes: whose, and in which language.

    Returns:
        The account, if any, with the live version.

    Raises:
        Problem: `program_not_found` or `member_not_found`.
    """
    at = following(tx, call, program)
    account = member_of(tx, call, at, eyes.member).account_id if eyes.member else None
    return Viewer(at, call.house.vault(call.tenant_id), account, eyes.language)
