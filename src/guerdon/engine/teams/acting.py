"""What members do with teams: each act under the lock of the team, so that its size is exactly kept."""

from __future__ import annotations

from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker, number_text
from guerdon.circles.teams import rows
from guerdon.circles.teams.rows import Ask, Spell, Team
from guerdon.engine.boards.audience import meant_among
from guerdon.engine.boards.following import Following, begin, follow, stands
from guerdon.engine.boards.joining import Joiner, key_of
from guerdon.engine.boards.moving import hand_on, settle_own
from guerdon.infra.tx import Tx
from guerdon.members.accounts import load_accounts
from guerdon.programs.audit import Act, record
from guerdon.rules import definition as written
from guerdon.rules.play.naming import name_key, read_name

NO_TEAM: Final = Problem("team_not_found", "there is no such team")
_NO_KIND: Final = Problem("team_kind_not_found", "there are no teams of this kind here")
_FULL: Final = Problem("team_full", "this team has as many accounts as it may have")
_IN_ONE: Final = Problem("team_already", "this account is in a team of this kind; it has to leave that first")
_NOT_IN: Final = Problem("team_not_joined", "this account is not in this team")
_CAPTAINS: Final = Problem("team_captain_only", "only the captain of the team can do this")
_NOT_MEANT: Final = Problem("team_not_for_member", "teams of this kind are for others")
_UNINVITED: Final = Problem("team_invites", "this team takes those whom its captain invites")
_MANY: Final = "so many invitations of this team wait for an answer already: {count}; take one back first"
_NOT_ASKED: Final = Problem("team_not_asked", "this account did not ask to join")


class Joining(NamedTuple):
    """What became of somebody who wants to join."""

    team: Team
    is_in: bool
    """False where the captain has to agree first."""


def kind_of(at: Following, kind: str) -> written.Team:
    """Find a kind of team.

    Args:
        at: whose teams.
        kind: its key in the document.

    Returns:
        What is written of it.

    Raises:
        Problem: `team_kind_not_found`.
    """
    found = at.program.definition.teams.get(kind)
    if found is None:
        raise _NO_KIND
    return found


def get_team(tx: Tx, at: Following, team_id: int) -> Team:
    """Read a team that is there.

    Args:
        tx: bound to the tenant.
        at: whose teams.
        team_id: which.

    Returns:
        The team.

    Raises:
        Problem: `team_not_found`.
    """
    team = find_team(tx, at, team_id)
    if team.ended_at is not None:
        raise NO_TEAM
    return team


def find_team(tx: Tx, at: Following, team_id: int) -> Team:
    """Read a team, perhaps one that ended.

    Args:
        tx: bound to the tenant.
        at: whose teams.
        team_id: which.

    Returns:
        The team.

    Raises:
        Problem: `team_not_found`.
    """
    team = rows.load_teams(tx, at.program_id, [team_id]).get(team_id)
    if team is None or team.kind not in at.program.definition.teams:
        raise NO_TEAM
    return team


def found(tx: Tx, joiner: Joiner, kind: str, name: str, ids: IdMaker) -> Team:
    """Found a team, and be its captain.

    Args:
        tx: bound to the tenant.
        joiner: who.
        kind: of team.
        name: as typed.
        ids: makes the team's number.

    Returns:
        The team.

    Raises:
        Problem: `team_kind_not_found`, `team_not_for_member`, `team_already`, `name_invalid` or `name_taken`.
    """
    at = joiner.at
    kind_of(at, kind)
    shown = read_name(name)
    _check_meant(tx, joiner, kind)
    settle_own(tx, at, joiner.account_id)
    made = Team(ids.number(), kind, joiner.account_id, joiner.member_id, None, at.now, None)
    made = made._replace(sealed=key_of(tx, joiner).seal(made.purpose, shown.encode()))
    if not rows.insert_team(tx, at.program_id, made, _digest(joiner, kind, shown)):
        raise Problem.at("/name", "name_taken", "another team has this name; choose another")
    _enter(tx, joiner.at, made, joiner.account_id)
    return made


def join(tx: Tx, joiner: Joiner, team_id: int) -> Joining:
    """Join a team, or ask its captain; whoever is in it already stays.

    Args:
        tx: bound to the tenant.
        joiner: who.
        team_id: which.

    Returns:
        The team, and whether the account is in it now.

    Raises:
        Problem: `team_not_found`, `team_not_for_member`, `team_invites`, `team_full` or `team_already`.
    """
    at = joiner.at
    team = _locked(tx, at, team_id)
    settle_own(tx, at, joiner.account_id)
    if _is_in(tx, at, team_id, joiner.account_id):
        return Joining(team, True)
    _check_meant(tx, joiner, team.kind)
    how = kind_of(at, team.kind).join
    asks = {one.account_id: one for one in rows.list_asks(tx, at.program_id, team_id)}
    ask = asks.get(joiner.account_id)
    if how == "open" or (ask is not None and ask.invited):
        _enter(tx, at, team, joiner.account_id)
        return Joining(team, True)
    if how == "invited":
        raise _UNINVITED
    if any(one.kind == team.kind for one in rows.own_teams(tx, at.program_id, joiner.account_id)):
        raise _IN_ONE
    rows.insert_ask(tx, at.program_id, team_id, Ask(joiner.account_id, False, at.now))
    return Joining(team, False)


def invite(tx: Tx, captain: Joiner, team_id: int, account_id: int) -> bool:
    """Invite an account, or let in one that asked.

    Args:
        tx: bound to the tenant.
        captain: who invites.
        team_id: the captain's team.
        account_id: who is invited.

    Returns:
        Whether the account is in the team now, because it had asked.

    Raises:
        Problem: `team_not_found`, `team_captain_only`, `team_full`, `team_already` or
            `team_invites_too_many`.
    """
    at = captain.at
    team = _led(tx, captain, team_id)
    if _is_in(tx, at, team_id, account_id):
        return True
    asks = {one.account_id: one for one in rows.list_asks(tx, at.program_id, team_id)}
    if account_id in asks and not asks[account_id].invited:
        _enter(tx, at, team, account_id)
        return True
    waiting = sum(one.invited for one in asks.values())
    # Whoever is invited again is invited once.
    if account_id not in asks and waiting >= kind_of(at, team.kind).invites:
        raise Problem("team_invites_too_many", _MANY.format(count=waiting))
    rows.insert_ask(tx, at.program_id, team_id, Ask(account_id, True, at.now))
    return False


def check_captain(tx: Tx, captain: Joiner, team_id: int) -> None:
    """Insist that somebody leads a team, before anything else is looked for.

    Args:
        tx: bound to the tenant.
        captain: who.
        team_id: which.

    Raises:
        Problem: `team_not_found` or `team_captain_only`.
    """
    _led(tx, captain, team_id)


def let_in(tx: Tx, captain: Joiner, team_id: int, account_id: int) -> None:
    """Let an account in that asked to join; others are not invited by this.

    Args:
        tx: bound to the tenant.
        captain: who lets it in.
        team_id: the captain's team.
        account_id: who asked.

    Raises:
        Problem: `team_not_found`, `team_captain_only`, `team_not_asked`, `team_full` or `team_already`.
    """
    team = _led(tx, captain, team_id)
    asks = {one.account_id: one for one in rows.list_asks(tx, captain.at.program_id, team_id)}
    if account_id not in asks or asks[account_id].invited:
        raise _NOT_ASKED
    _enter(tx, captain.at, team, account_id)


def dissolve(tx: Tx, captain: Joiner, team_id: int) -> None:
    """End a team: everybody is out of it, its captain last; what was done for it stays.

    Args:
        tx: bound to the tenant.
        captain: who ends it.
        team_id: the captain's team.

    Raises:
        Problem: `team_not_found` or `team_captain_only`.
    """
    _led(tx, captain, team_id)
    spells = rows.list_spells(tx, captain.at.program_id, [team_id])
    inside = [
        one.account_id for one in spells if one.left_on is None and one.account_id != captain.account_id
    ]
    for account_id in (*inside, captain.account_id):
        _take_out(tx, captain.at, team_id, account_id)


def refuse(tx: Tx, joiner: Joiner, team_id: int, account_id: int) -> None:
    """Refuse an account that asked, or take an invitation back; whoever is invited may refuse it too.

    Args:
        tx: bound to the tenant.
        joiner: the captain, or the account itself.
        team_id: which.
        account_id: who asked, or was invited.

    Raises:
        Problem: `team_not_found`, `team_captain_only` or `team_not_asked`.
    """
    team = _locked(tx, joiner.at, team_id)
    if joiner.account_id not in (team.captain, account_id):
        raise _CAPTAINS
    if not rows.delete_ask(tx, joiner.at.program_id, team_id, account_id):
        raise _NOT_ASKED


def leave(tx: Tx, joiner: Joiner, team_id: int) -> None:
    """Leave a team; what one did for it stays. The longest member leads it then, and the last one ends it.

    Args:
        tx: bound to the tenant.
        joiner: who.
        team_id: which.

    Raises:
        Problem: `team_not_found` or `team_not_joined`.
    """
    at = joiner.at
    _locked(tx, at, team_id)
    settle_own(tx, at, joiner.account_id)
    _take_out(tx, at, team_id, joiner.account_id)


def send_away(tx: Tx, captain: Joiner, team_id: int, account_id: int) -> None:
    """Send somebody out of a team, as its captain.

    Args:
        tx: bound to the tenant.
        captain: who does it.
        team_id: the captain's team.
        account_id: who is to go.

    Raises:
        Problem: `team_not_found`, `team_captain_only` or `team_not_joined`.
    """
    _led(tx, captain, team_id)
    _take_out(tx, captain.at, team_id, account_id)


def hand_over(tx: Tx, captain: Joiner, team_id: int, account_id: int) -> None:
    """Let another account of the team be its captain.

    Args:
        tx: bound to the tenant.
        captain: who leads it now.
        team_id: which.
        account_id: who is to lead it.

    Raises:
        Problem: `team_not_found`, `team_captain_only` or `team_not_joined`.
    """
    _led(tx, captain, team_id)
    if not _is_in(tx, captain.at, team_id, account_id):
        raise _NOT_IN
    rows.make_captain(tx, captain.at.program_id, team_id, account_id)


def rename(tx: Tx, captain: Joiner, team_id: int, name: str) -> Team:
    """Give a team another name, as its captain.

    Args:
        tx: bound to the tenant.
        captain: who does it.
        team_id: the captain's team.
        name: as typed.

    Returns:
        The team.

    Raises:
        Problem: `team_not_found`, `team_captain_only`, `name_invalid` or `name_taken`.
    """
    team = _led(tx, captain, team_id)
    shown = read_name(name)
    sealed = key_of(tx, captain).seal(team.purpose, shown.encode())
    named = team._replace(member_id=captain.member_id, sealed=sealed)
    if not rows.name_team(tx, captain.at.program_id, named, _digest(captain, team.kind, shown)):
        raise Problem.at("/name", "name_taken", "another team has this name; choose another")
    return named


def take_name(tx: Tx, at: Following, team_id: int, by: tuple[str, IdMaker]) -> bool:
    """Take a team's name away; its captain may choose another.

    Args:
        tx: bound to the tenant.
        at: whose teams, and when.
        team_id: which.
        by: who does it, as the audit trail names them, and what makes the row's identifier.

    Returns:
        Whether there was a name.

    Raises:
        Problem: `team_not_found`.
    """
    team = _locked(tx, at, team_id)
    if team.sealed is None:
        return False
    rows.name_team(tx, at.program_id, team._replace(sealed=None), None)
    act = Act(at.now, by[0], "team.name_taken", number_text("team", team_id), at.program_id, {})
    record(tx, act, by[1])
    return True


def _locked(tx: Tx, at: Following, team_id: int) -> Team:
    team = rows.lock_team(tx, at.program_id, team_id)
    if team is None or team.kind not in at.program.definition.teams:
        raise NO_TEAM
    return team


def _led(tx: Tx, captain: Joiner, team_id: int) -> Team:
    settle_own(tx, captain.at, captain.account_id)
    team = _locked(tx, captain.at, team_id)
    if team.captain != captain.account_id:
        raise _CAPTAINS
    return team


def _is_in(tx: Tx, at: Following, team_id: int, account_id: int) -> bool:
    return any(one.team_id == team_id for one in rows.own_teams(tx, at.program_id, account_id))


def _check_meant(tx: Tx, joiner: Joiner, kind: str) -> None:
    at = joiner.at
    able = stands(load_accounts(tx, at.program_id, [joiner.account_id]))
    if not meant_among(tx, at.program, at.program.team_audiences.get(kind), able, at.now):
        raise _NOT_MEANT


def _enter(tx: Tx, at: Following, team: Team, account_id: int) -> None:
    size = rows.sizes_of(tx, at.program_id, [team.team_id]).get(team.team_id, 0)
    if size >= kind_of(at, team.kind).size:
        raise _FULL
    spell = Spell(team.team_id, account_id, at.now, at.today, None)
    if not rows.insert_spell(tx, at.program_id, team.kind, spell):
        raise _IN_ONE
    rows.delete_ask(tx, at.program_id, team.team_id, account_id)
    _follow(tx, at, team.kind, account_id)


def _take_out(tx: Tx, at: Following, team_id: int, account_id: int) -> None:
    team = get_team(tx, at, team_id)
    if not rows.end_spell(tx, at.program_id, (team_id, account_id), (at.now, at.today)):
        raise _NOT_IN
    hand_on(tx, at.program_id, team_id, account_id, at.now)
    _follow(tx, at, team.kind, account_id)


def _follow(tx: Tx, at: Following, kind: str, account_id: int) -> None:
    for board in at.program.boards.values():
        if board.team == kind:
            begin(tx, at, board)
            follow(tx, at, board, [account_id])


def _digest(joiner: Joiner, kind: str, shown: str) -> bytes:
    return joiner.vault.digest(f"team name {joiner.at.program_id} {kind}", name_key(shown))
