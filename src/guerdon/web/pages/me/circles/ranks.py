"""Leaderboards with one's own rank, and one's teams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from anyio import to_thread

from guerdon.base.ids import parse_number
from guerdon.circles.teams.rows import list_teams
from guerdon.engine.boards import joining
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner
from guerdon.engine.teams import acting
from guerdon.infra.tx import Tx
from guerdon.web.api.boards.shapes import BoardShape, PlaceShape
from guerdon.web.api.boards.shown import Viewer, load_boards
from guerdon.web.api.teams.shapes import TeamShape
from guerdon.web.api.teams.shown import load_teams, show_teams
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.reader import Reader

_TOP: Final = 5
_OTHERS: Final = 10


@dataclass(frozen=True, slots=True)
class PlaceView:
    """One place on a board."""

    rank: int
    name: str
    """Empty for those who chose none."""
    value: Decimal
    is_own: bool


@dataclass(frozen=True, slots=True)
class BoardView:
    """A leaderboard on the page."""

    key: str
    name: str
    description: str
    places: tuple[PlaceView, ...]
    """The first ones."""
    near: tuple[PlaceView, ...]
    """One's own with its neighbours, where it is not among the first."""
    own: PlaceView | None
    total: int
    is_joined: bool
    own_name: str
    is_of_teams: bool
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team on the page."""

    id: str
    kind: str
    name: str
    """Empty where it has none any more."""
    count: int
    size: int
    is_own: bool
    is_led: bool
    asked: str
    """`asked` or `invited` where something is open, else empty."""
    join: str
    goals: tuple[tuple[str, str], ...]
    """Each with its name and how far it is."""
    ranks: tuple[tuple[str, int, int], ...]
    """Board, rank, of how many."""


@dataclass(frozen=True, slots=True)
class KindView:
    """Teams of one kind, and whether one is in such a team."""

    key: str
    name: str
    own: TeamView | None
    others: tuple[TeamView, ...]
    """Those that invite, that were asked, or that are open; none for who is in one."""


def load_board_views(tx: Tx, reader: Reader) -> list[BoardView]:
    """Load the leaderboards of the program with the reader's own place.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        In the order of the definition.
    """
    if not reader.program.boards:
        return []
    return [_board(reader, one) for one in load_boards(tx, _viewer(reader))]


def load_kind_views(tx: Tx, reader: Reader) -> list[KindView]:
    """Load the teams that concern a member, and for who is in none those to join.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        One for each kind of team.
    """
    kinds = reader.program.definition.teams
    if not kinds:
        return []
    viewer = _viewer(reader)
    mine = load_teams(tx, viewer)
    found = []
    for key, kind in kinds.items():
        own = next((one for one in mine if one.kind == key and one.own), None)
        others = [one for one in mine if one.kind == key and not one.own]
        if own is None and kind.join != "invited":
            known = {one.id for one in others}
            page = list_teams(tx, reader.taker.program_id, key, (0, _OTHERS))
            others += [one for one in show_teams(tx, viewer, page) if one.id not in known]
        name = reader.opened.voice.called(key, kind.name)
        shown = tuple(_team(reader, one) for one in others if one.count < one.size)
        found.append(
            KindView(key, name, _team(reader, own) if own else None, () if own is not None else shown)
        )
    return found


def _viewer(reader: Reader) -> Viewer:
    return Viewer(_following(reader), reader.vault, reader.taker.account_id, reader.say.language)


def _following(reader: Reader) -> Following:
    return Following(reader.taker.program_id, reader.program, reader.now)


def _board(reader: Reader, one: BoardShape) -> BoardView:
    written = reader.program.definition.leaderboards[one.key]
    return BoardView(
        key=one.key,
        name=reader.opened.voice.called(one.key, written.name),
        description=one.description or "",
        places=tuple(_place(place) for place in one.places[:_TOP]),
        near=tuple(_place(place) for place in one.near if place.rank > _TOP)
        if one.own is not None and one.own.rank > _TOP
        else (),
        own=_place(one.own) if one.own is not None else None,
        total=one.total,
        is_joined=one.joined,
        own_name=one.own_name or "",
        is_of_teams=one.team is not None,
        ends_at=one.ends_at,
    )


def _place(one: PlaceShape) -> PlaceView:
    return PlaceView(one.rank, one.name or "", Decimal(one.value), one.own)


def _team(reader: Reader, one: TeamShape) -> TeamView:
    voice, definition = reader.opened.voice, reader.program.definition
    goals = tuple(
        (
            voice.called(goal.challenge, definition.challenges[goal.challenge].name),
            reader.text("so_far", have=Decimal(goal.value), need=Decimal(goal.goal or goal.every or 0)),
        )
        for goal in one.goals
    )
    ranks = tuple(
        (voice.called(rank.leaderboard, definition.leaderboards[rank.leaderboard].name), rank.rank, rank.of)
        for rank in one.ranks
    )
    return TeamView(
        id=one.id,
        kind=one.kind,
        name=one.name or "",
        count=one.count,
        size=one.size,
        is_own=one.own,
        is_led=one.captain,
        asked=one.asked or "",
        join=one.join,
        goals=goals,
        ranks=ranks,
    )


async def join_board(reader: Reader, asked: Asked) -> None:
    """Join a leaderboard under a name, or choose another.

    Args:
        reader: who.
        asked: the board's key, and `name`.
    """
    name = asked.fields.get("name", "")
    await _with_joiner(reader, lambda tx, joiner: joining.join(tx, joiner, asked.key, name))


async def leave_board(reader: Reader, asked: Asked) -> None:
    """Leave a leaderboard.

    Args:
        reader: who.
        asked: the board's key.
    """
    await _with_joiner(reader, lambda tx, joiner: joining.leave(tx, joiner, asked.key))


async def found_team(reader: Reader, asked: Asked) -> None:
    """Found a team.

    Args:
        reader: who.
        asked: the kind of team, and `name`.
    """
    name, ids = asked.fields.get("name", ""), reader.visit.whose.premises.house.ids
    await _with_joiner(reader, lambda tx, joiner: acting.found(tx, joiner, asked.key, name, ids))


async def join_team(reader: Reader, asked: Asked) -> None:
    """Join a team, or ask to.

    Args:
        reader: who.
        asked: the team's id.
    """
    await _with_joiner(reader, lambda tx, joiner: acting.join(tx, joiner, _number(asked)))


async def leave_team(reader: Reader, asked: Asked) -> None:
    """Leave a team.

    Args:
        reader: who.
        asked: the team's id.
    """
    await _with_joiner(reader, lambda tx, joiner: acting.leave(tx, joiner, _number(asked)))


def _number(asked: Asked) -> int:
    number = parse_number("team", asked.key)
    if number is None:
        raise acting.NO_TEAM
    return number


async def _with_joiner(reader: Reader, do: Callable[[Tx, Joiner], Any]) -> None:
    def work() -> None:
        whose = reader.visit.whose
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            taker = reader.taker
            do(tx, Joiner(_following(reader), reader.vault, taker.account_id, taker.member_id))

    await to_thread.run_sync(work)
