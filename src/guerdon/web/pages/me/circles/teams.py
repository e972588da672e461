"""A member's teams: those they are in with who else is, those to join, and what captains do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.circles.posts.names import load_names
from guerdon.circles.teams.rows import list_teams
from guerdon.engine.boards.joining import Joiner
from guerdon.engine.teams import acting
from guerdon.infra.tx import Tx
from guerdon.members.identities import Kind, normal_ref, resolve
from guerdon.members.members import load_eldest
from guerdon.members.states import load_keys
from guerdon.web.api.teams.shapes import TeamShape
from guerdon.web.api.teams.shown import load_teams, show_teams
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.circles.ranks import viewer_of, with_joiner
from guerdon.web.pages.me.reader import Reader

_OTHERS: Final = 10


@dataclass(frozen=True, slots=True)
class MateView:
    """Somebody in a team, or who asked to be."""

    account: str
    name: str
    """As they chose it; empty for who chose none."""
    since: datetime
    is_captain: bool = False
    is_own: bool = False
    is_invited: bool = False


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
    mates: tuple[MateView, ...]
    """Told to those who are in it."""
    asks: tuple[MateView, ...]
    """Told to its captain: who asked, and who is invited."""


@dataclass(frozen=True, slots=True)
class TeamKindView:
    """Teams of one kind, and whether one is in such a team."""

    key: str
    name: str
    own: TeamView | None
    others: tuple[TeamView, ...]
    """Those that invite, that were asked, or that are open; none for who is in one."""


def load_kind_views(tx: Tx, reader: Reader) -> list[TeamKindView]:
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
    viewer = viewer_of(reader)
    mine = load_teams(tx, viewer)
    names = _names(tx, reader, mine)
    found = []
    for key, kind in kinds.items():
        own = next((one for one in mine if one.kind == key and one.own), None)
        others = [one for one in mine if one.kind == key and not one.own]
        if own is None and kind.join != "invited":
            known = {one.id for one in others}
            page = list_teams(tx, reader.taker.program_id, key, (0, _OTHERS))
            others += [one for one in show_teams(tx, viewer, page) if one.id not in known]
        name = reader.opened.voice.called(key, kind.name)
        shown = tuple(_team(reader, one, names) for one in others if one.count < one.size or one.asked)
        mine_here = _team(reader, own, names) if own is not None else None
        found.append(TeamKindView(key, name, mine_here, () if own is not None else shown))
    return found


def _names(tx: Tx, reader: Reader, teams: Sequence[TeamShape]) -> dict[str, str]:
    """Tell by which names those in a reader's own teams want to be seen."""
    texts = {one.account for team in teams for one in team.members}
    texts |= {one.account for team in teams for one in team.asks}
    accounts = {number: text for text in texts if (number := parse_number("acc", text)) is not None}
    program_id = reader.taker.program_id
    people = {one.member_id: key for key, one in load_eldest(tx, reader.opened.desk, accounts).items()}
    keys = {one: key for one, (_, key) in load_keys(tx, reader.vault, program_id, list(people)).items()}
    named = load_names(tx, program_id, keys, list(people))
    return {accounts[people[member_id]]: name for member_id, name in named.items()}


def _team(reader: Reader, one: TeamShape, names: Mapping[str, str]) -> TeamView:
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
    mates = tuple(
        MateView(each.account, names.get(each.account, ""), each.joined_at, each.captain, each.own)
        for each in one.members
    )
    asks = tuple(
        MateView(each.account, names.get(each.account, ""), each.asked_at, is_invited=each.invited)
        for each in one.asks
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
        mates=mates,
        asks=asks,
    )


async def found_team(reader: Reader, asked: Asked) -> None:
    """Found a team.

    Args:
        reader: who.
        asked: the kind of team, and `name`.
    """
    name, ids = asked.fields.get("name", ""), reader.visit.whose.premises.house.ids
    await with_joiner(reader, asked, lambda tx, joiner: acting.found(tx, joiner, asked.key, name, ids))


async def join_team(reader: Reader, asked: Asked) -> None:
    """Join a team, or ask to.

    Args:
        reader: who.
        asked: the team's id.
    """
    await with_joiner(reader, asked, lambda tx, joiner: acting.join(tx, joiner, _number(asked)))


async def leave_team(reader: Reader, asked: Asked) -> None:
    """Leave a team.

    Args:
        reader: who.
        asked: the team's id.
    """
    await with_joiner(reader, asked, lambda tx, joiner: acting.leave(tx, joiner, _number(asked)))


async def stay_out(reader: Reader, asked: Asked) -> None:
    """Take back that one asked to join, or say no to an invitation.

    Args:
        reader: who.
        asked: the team's id.
    """
    account_id = reader.taker.account_id
    await with_joiner(reader, asked, lambda tx, joiner: acting.refuse(tx, joiner, _number(asked), account_id))


async def rename_team(reader: Reader, asked: Asked) -> None:
    """Give a team another name, as its captain.

    Args:
        reader: who.
        asked: the team's id, and `name`.
    """
    name = asked.fields.get("name", "")
    await with_joiner(reader, asked, lambda tx, joiner: acting.rename(tx, joiner, _number(asked), name))


async def invite_mate(reader: Reader, asked: Asked) -> None:
    """Invite somebody by their e-mail address or card; nobody learns whether they are a member.

    Args:
        reader: the captain.
        asked: the team's id, and `name`: the address or the card.
    """
    said = asked.fields.get("name", "")
    kind: Kind = "email" if "@" in said else "card"
    try:
        ref = normal_ref(kind, said)
    except Problem:
        raise Problem.at("/name", "reference_invalid", "expected an e-mail address or a card") from None

    def invite(tx: Tx, captain: Joiner) -> None:
        number = _number(asked)
        acting.check_captain(tx, captain, number)
        found = resolve(tx, reader.vault, reader.taker.program_id, [ref]).get(ref)
        if found is not None:
            acting.invite(tx, captain, number, found.account_id)

    await with_joiner(reader, asked, invite)


async def accept_mate(reader: Reader, asked: Asked) -> None:
    """Let somebody in who asked.

    Args:
        reader: the captain.
        asked: the team's id, and `thing`: the account.
    """
    await _as_captain(reader, asked, acting.let_in)


async def refuse_mate(reader: Reader, asked: Asked) -> None:
    """Refuse somebody who asked, or take an invitation back.

    Args:
        reader: the captain.
        asked: the team's id, and `thing`: the account.
    """
    await _as_captain(reader, asked, acting.refuse)


async def send_away(reader: Reader, asked: Asked) -> None:
    """Send somebody out of the team.

    Args:
        reader: the captain.
        asked: the team's id, and `thing`: the account.
    """
    await _as_captain(reader, asked, acting.send_away)


async def hand_over(reader: Reader, asked: Asked) -> None:
    """Let somebody else of the team lead it.

    Args:
        reader: the captain.
        asked: the team's id, and `thing`: the account.
    """
    await _as_captain(reader, asked, acting.hand_over)


async def dissolve(reader: Reader, asked: Asked) -> None:
    """End a team: everybody is out of it, the captain last.

    Args:
        reader: the captain.
        asked: the team's id, and `sure`, which has to be `yes`.
    """
    if asked.fields.get("sure") != "yes":
        raise Problem.at("/sure", "not_sure", "say that you are sure")
    await with_joiner(reader, asked, lambda tx, captain: acting.dissolve(tx, captain, _number(asked)))


async def _as_captain(reader: Reader, asked: Asked, do: Callable[[Tx, Joiner, int, int], object]) -> None:
    account_id = parse_number("acc", asked.thing)
    if account_id is None:
        raise Problem("team_not_joined", "this account is not in this team")
    await with_joiner(reader, asked, lambda tx, captain: do(tx, captain, _number(asked), account_id))


def _number(asked: Asked) -> int:
    number = parse_number("team", asked.key)
    if number is None:
        raise acting.NO_TEAM
    return number
