"""What becomes of places on boards and in teams when accounts are merged, and when people are erased."""

from __future__ import annotations

from collections.abc import Collection

from guerdon.circles.teams import rows as teams
from guerdon.engine.boards.following import Following, follow
from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import ask_heirs
from guerdon.play.boards import names


def settle_merged(tx: Tx, at: Following, account_ids: Collection[int]) -> set[int]:
    """Let accounts that stand for merged ones have their places; done again, it changes nothing.

    Args:
        tx: bound to the tenant.
        at: whose boards, and when.
        account_ids: accounts to which something happened.

    Returns:
        The accounts that stand for merged ones.
    """
    heirs = ask_heirs(tx, account_ids)()
    heirs = {gone: into for gone, into in heirs.items() if gone in account_ids and gone != into}
    when = (at.now, at.today)
    for gone, into in sorted(heirs.items()):
        names.move_names(tx, at.program_id, gone, into)
        led = teams.captain_of(tx, at.program_id, gone)
        teams.move_spells(tx, at.program_id, (gone, into), when)
        for team_id in led:
            hand_on(tx, at, team_id, gone)
    return set(heirs.values())


def hand_on(tx: Tx, at: Following, team_id: int, leaving: int) -> None:
    """Let the longest member lead a team that its captain leaves, or end it where nobody is left.

    Args:
        tx: bound to the tenant.
        at: whose teams, and when.
        team_id: which.
        leaving: the account that led it, and is in it no more.
    """
    team = teams.lock_team(tx, at.program_id, team_id)
    if team is None:
        return
    spells = teams.list_spells(tx, at.program_id, [team_id])
    there = [one.account_id for one in spells if one.left_on is None]
    if not there:
        teams.end_team(tx, at.program_id, team_id, at.now)
    elif team.captain == leaving and leaving not in there:
        teams.make_captain(tx, at.program_id, team_id, there[0])


def forget_person(tx: Tx, at: Following, account_id: int, member_id: int) -> None:
    """Forget the names that somebody chose who is erased; where nobody is left, the account stands nowhere.

    Args:
        tx: bound to the tenant, after the erasure in the same transaction.
        at: whose boards, and when.
        account_id: of the person.
        member_id: the person.
    """
    names.forget_names(tx, at.program_id, account_id, member_id)
    teams.forget_names(tx, at.program_id, member_id)
    for board in at.program.boards.values():
        if board.team is None:
            follow(tx, at, board, [account_id])
