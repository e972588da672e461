"""Teams as the API shows them, and as the member's page does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from guerdon.base.exact import plain_text
from guerdon.base.ids import number_text
from guerdon.circles.teams.rows import Team
from guerdon.engine.teams.looking import OnBoard, TeamSeen, see_teams, teams_for
from guerdon.infra.tx import Tx
from guerdon.rules.compiling.boards import GOAL
from guerdon.web.api.boards.shown import Viewer
from guerdon.web.api.teams.shapes import (
    TeamAskShape,
    TeamGoalShape,
    TeamMemberShape,
    TeamRankShape,
    TeamShape,
)


def load_teams(tx: Tx, viewer: Viewer) -> list[TeamShape]:
    """Show the teams that concern an account.

    Args:
        tx: bound to the tenant.
        viewer: who looks: an account.

    Returns:
        Its own first, then those that it asked or that invited it.
    """
    assert viewer.account_id is not None, "teams of somebody"
    return show_teams(tx, viewer, teams_for(tx, viewer.at, viewer.account_id))


def show_teams(tx: Tx, viewer: Viewer, teams: Sequence[Team]) -> list[TeamShape]:
    """Show teams.

    Args:
        tx: bound to the tenant.
        viewer: who looks.
        teams: that are there.

    Returns:
        In the order given.
    """
    seen = see_teams(tx, viewer.at, viewer.vault, teams, viewer.account_id)
    return [_shown(viewer, one) for one in seen]


def _shown(viewer: Viewer, one: TeamSeen) -> TeamShape:
    written = viewer.at.program.definition.teams[one.team.kind]
    return TeamShape(
        id=number_text("team", one.team.team_id),
        kind=one.team.kind,
        name=one.name,
        join=written.join,
        size=written.size,
        count=len(one.members),
        founded_at=one.team.founded_at,
        own=one.is_own,
        captain=one.is_led,
        asked=_asked(viewer, one),
        members=[
            TeamMemberShape(
                account=number_text("acc", spell.account_id),
                joined_at=spell.joined_at,
                captain=spell.account_id == one.team.captain,
                own=spell.account_id == viewer.account_id,
            )
            for spell in (one.members if one.is_own or viewer.account_id is None else ())
        ],
        asks=[
            TeamAskShape(
                account=number_text("acc", ask.account_id), invited=ask.invited, asked_at=ask.asked_at
            )
            for ask in (one.asks if one.is_led or viewer.account_id is None else ())
        ],
        goals=[_goal(viewer, place) for place in one.boards if place.board.is_goal],
        ranks=[_rank(viewer, place) for place in one.boards if not place.board.is_goal and place.rank],
    )


def _asked(viewer: Viewer, one: TeamSeen) -> Literal["asked", "invited"] | None:
    mine = next((ask for ask in one.asks if ask.account_id == viewer.account_id), None)
    return None if mine is None else "invited" if mine.invited else "asked"


def _goal(viewer: Viewer, place: OnBoard) -> TeamGoalShape:
    key = place.board.key.removeprefix(GOAL)
    board = place.board
    return TeamGoalShape(
        challenge=key,
        name=_said(viewer, viewer.at.program.definition.challenges[key].name),
        opens_on=place.opens_on,
        value=plain_text(place.value),
        goal=plain_text(board.goal) if board.goal is not None else None,
        every=plain_text(board.every) if board.every is not None else None,
        times=place.times,
    )


def _rank(viewer: Viewer, place: OnBoard) -> TeamRankShape:
    written = viewer.at.program.definition.leaderboards[place.board.key]
    return TeamRankShape(
        leaderboard=place.board.key,
        name=_said(viewer, written.name),
        rank=place.rank,
        value=plain_text(place.value),
        of=place.total,
    )


def _said(viewer: Viewer, text: Any) -> str | None:
    languages = viewer.at.program.definition.languages
    return None if text is None else str(text.in_language(viewer.language, languages))
