"""Leaderboards with one's own rank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from anyio import to_thread

from guerdon.engine.boards import joining
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.joining import Joiner
from guerdon.infra.tx import Tx
from guerdon.web.api.boards.shapes import BoardShape, PlaceShape
from guerdon.web.api.boards.shown import Viewer, load_boards
from guerdon.web.pages.me.acting import Asked, is_first
from guerdon.web.pages.me.reader import Reader

_TOP: Final = 5


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
    return [_board(reader, one) for one in load_boards(tx, viewer_of(reader))]


def viewer_of(reader: Reader) -> Viewer:
    """Say who looks at boards and teams.

    Args:
        reader: whose page it is.

    Returns:
        The viewer.
    """
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


async def join_board(reader: Reader, asked: Asked) -> None:
    """Join a leaderboard under a name, or choose another.

    Args:
        reader: who.
        asked: the board's key, and `name`.
    """
    name = asked.fields.get("name", "")
    await with_joiner(reader, asked, lambda tx, joiner: joining.join(tx, joiner, asked.key, name))


async def leave_board(reader: Reader, asked: Asked) -> None:
    """Leave a leaderboard.

    Args:
        reader: who.
        asked: the board's key.
    """
    await with_joiner(reader, asked, lambda tx, joiner: joining.leave(tx, joiner, asked.key))


async def with_joiner(reader: Reader, asked: Asked, do: Callable[[Tx, Joiner], object]) -> None:
    """Do something about boards or teams, once.

    Args:
        reader: who.
        asked: the form.
        do: does it in the given transaction.

    Raises:
        Problem: what it is refused with.
    """

    def work() -> None:
        whose = reader.visit.whose
        with whose.premises.house.database.transaction(whose.tenant_id) as tx:
            taker = reader.taker
            if is_first(tx, reader, asked):
                do(tx, Joiner(_following(reader), reader.vault, taker.account_id, taker.member_id))

    await to_thread.run_sync(work)
