"""Teams as those see them who are in them, or might be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from guerdon.circles.teams import rows
from guerdon.circles.teams.rows import Ask, Spell, Team
from guerdon.engine.boards.following import Following
from guerdon.engine.boards.looking import team_names
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.play.boards.prizes import times_noted
from guerdon.play.boards.rows import Place, count_all, find_rank
from guerdon.rules.play.boards import Board, window_at


@dataclass(frozen=True, slots=True)
class OnBoard:
    """Where a team stands today: on a leaderboard, or with a challenge."""

    board: Board
    opens_on: date
    value: Decimal
    rank: int
    """0 for whoever does not stand there yet."""
    total: int
    times: int
    """How often a challenge was reached."""


@dataclass(frozen=True, slots=True)
class TeamSeen:
    """A team as an account sees it."""

    team: Team
    name: str | None
    members: tuple[Spell, ...]
    """The longest member first."""
    asks: tuple[Ask, ...]
    is_own: bool
    is_led: bool
    boards: tuple[OnBoard, ...]


def see_teams(
    tx: Tx, at: Following, vault: Vault, teams: Sequence[Team], account_id: int | None
) -> list[TeamSeen]:
    """Look at teams.

    Args:
        tx: bound to the tenant.
        at: whose teams, and when.
        vault: opens their names.
        teams: that are there.
        account_id: who looks, None for nobody in particular.

    Returns:
        In the order given.
    """
    ids = [one.team_id for one in teams]
    names = team_names(tx, vault, at.program_id, ids) if ids else {}
    spells = [one for one in rows.list_spells(tx, at.program_id, ids) if one.left_on is None] if ids else []
    found = []
    for team in teams:
        there = tuple(one for one in spells if one.team_id == team.team_id)
        is_own = any(one.account_id == account_id for one in there)
        found.append(
            TeamSeen(
                team=team,
                name=names.get(team.team_id),
                members=there,
                asks=tuple(rows.list_asks(tx, at.program_id, team.team_id)),
                is_own=is_own,
                is_led=is_own and team.captain == account_id,
                boards=tuple(_boards(tx, at, team)),
            )
        )
    return found


def _boards(tx: Tx, at: Following, team: Team) -> list[OnBoard]:
    found = []
    for board in at.program.boards.values():
        window = window_at(board, at.today)
        if board.team != team.kind or window is None:
            continue
        place = Place(at.program_id, board.key, window.opens_on)
        stands = find_rank(tx, place, team.team_id)
        times = times_noted(tx, *place, team.team_id) if board.is_goal else 0
        value, rank = (stands.value, stands.rank) if stands is not None else (Decimal(0), 0)
        found.append(OnBoard(board, window.opens_on, value, rank, count_all(tx, place), times))
    return found


def teams_for(tx: Tx, at: Following, account_id: int) -> list[Team]:
    """List the teams that concern an account: those it is in, those it asked, and those that invited it.

    Args:
        tx: bound to the tenant.
        at: whose teams.
        account_id: the account.

    Returns:
        Its own first.
    """
    own = rows.own_teams(tx, at.program_id, account_id)
    asked = [one[0] for one in rows.asks_of(tx, at.program_id, account_id)]
    open_ones = rows.load_teams(tx, at.program_id, asked) if asked else {}
    others = [open_ones[one] for one in asked if one in open_ones and open_ones[one].ended_at is None]
    return [one for one in (*own, *others) if one.kind in at.program.definition.teams]
