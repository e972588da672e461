"""Leaderboards as the API shows them, and as the member's page does."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from guerdon.base.exact import plain_text
from guerdon.base.ids import number_text
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.looking import Line, Look, opened_names, show_board
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.play.boards.names import Joined, list_named
from guerdon.play.boards.prizes import count_won
from guerdon.play.boards.rows import Place, count_all
from guerdon.play.boards.windows import list_windows
from guerdon.web.api.boards.shapes import (
    BoardShape,
    BoardWindows,
    Names,
    NameShape,
    PlaceShape,
    WindowShape,
)


class Viewer(NamedTuple):
    """Who looks at boards."""

    at: Following
    vault: Vault
    account_id: int | None
    """None for nobody in particular."""
    language: str = ""


def load_boards(tx: Tx, viewer: Viewer) -> list[BoardShape]:
    """Show all leaderboards of a program as they stand today.

    Args:
        tx: bound to the tenant.
        viewer: who looks.

    Returns:
        In the order of the definition.
    """
    return [
        load_board(tx, viewer, key, None)
        for key, one in viewer.at.program.boards.items()
        if not one.is_goal and window_is_open(viewer.at, key)
    ]


def window_is_open(at: Following, key: str) -> bool:
    """Tell whether a board has begun.

    Args:
        at: whose boards, and when.
        key: the board.

    Returns:
        False before its first day.
    """
    starts = at.program.boards[key].starts
    return starts is None or starts <= at.today


def load_board(tx: Tx, viewer: Viewer, key: str, on: date | None) -> BoardShape:
    """Show a leaderboard.

    Args:
        tx: bound to the tenant.
        viewer: who looks.
        key: the board.
        on: a day of the window that is meant; None for today's.

    Returns:
        The board.

    Raises:
        Problem: `leaderboard_not_found` or `window_not_found`.
    """
    seen = show_board(tx, Look(viewer.at, viewer.vault, viewer.account_id), key, on)
    written = viewer.at.program.definition
    one = written.leaderboards[key]

    def said(text: object) -> str | None:
        return None if text is None else str(text.in_language(viewer.language, written.languages))  # type: ignore[attr-defined]

    return BoardShape(
        key=key,
        name=said(one.name),
        description=said(one.description),
        metric=one.metric,
        team=one.team,
        opt_in=one.opt_in,
        opens_on=seen.opens_on,
        ends_at=seen.ends_at,
        closed_at=seen.closed_at,
        building=seen.is_building,
        total=seen.total,
        places=[_place(line) for line in seen.top],
        own=_place(seen.own) if seen.own is not None else None,
        near=[_place(line) for line in seen.near],
        joined=seen.is_joined,
        own_name=seen.own_name,
    )


def load_windows(tx: Tx, at: Following, key: str) -> BoardWindows:
    """List the windows of a leaderboard.

    Args:
        tx: bound to the tenant.
        at: whose boards, and when.
        key: the board.

    Returns:
        The newest first, a hundred at most.
    """
    won = count_won(tx, at.program_id)
    data = []
    for one in list_windows(tx, at.program_id, key, 100):
        prizes, told = won.get((key, one.opens_on), (0, 0))
        total = count_all(tx, Place(at.program_id, key, one.opens_on))
        data.append(
            WindowShape(
                opens_on=one.opens_on,
                ends_at=one.ends_at,
                closed_at=one.closed_at,
                total=total,
                prizes=prizes,
                told=told,
            )
        )
    return BoardWindows(data=data, next=None)


def load_names(tx: Tx, at: Following, vault: Vault, key: str, page: tuple[int, int]) -> Names:
    """List who joined a leaderboard, for the staff.

    Args:
        tx: bound to the tenant.
        at: whose boards.
        vault: opens the names.
        key: the board.
        page: the last account of the page before (0 for the first), and how many.

    Returns:
        A page of them.
    """
    after, limit = page
    found = list_named(tx, at.program_id, key, after, limit + 1)
    names = opened_names(tx, vault, found[:limit])
    more = number_text("acc", found[limit - 1].account_id) if len(found) > limit else None
    return Names(data=[_named(one, names) for one in found[:limit]], next=more)


def _named(one: Joined, names: dict[int, str]) -> NameShape:
    return NameShape(
        account=number_text("acc", one.account_id),
        member=number_text("mem", one.member_id),
        name=names.get(one.account_id),
        joined_at=one.joined_at,
        taken_at=one.taken_at,
    )


def _place(line: Line) -> PlaceShape:
    return PlaceShape(rank=line.rank, name=line.name, value=plain_text(line.value), own=line.is_own)
