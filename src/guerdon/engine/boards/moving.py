"""What becomes of places on boards and in teams when accounts are merged, and when people are erased."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from guerdon.circles.teams import rows as teams
from guerdon.engine.boards.following import Following
from guerdon.infra.tx import Tx
from guerdon.members.accounts import load_accounts
from guerdon.members.merging.moving import ask_heirs, list_merged
from guerdon.play.boards import names
from guerdon.play.boards.rows import touch


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
            hand_on(tx, at.program_id, team_id, gone, at.now)
    return set(heirs.values())


def settle_own(tx: Tx, at: Following, account_id: int) -> None:
    """Let an account have the places of those merged into it now, before it acts.

    Args:
        tx: bound to the tenant.
        at: whose boards, and when.
        account_id: who acts.
    """
    merged = list_merged(tx, [account_id])
    if merged:
        settle_merged(tx, at, merged)


def hand_on(tx: Tx, program_id: int, team_id: int, leaving: int, now: datetime) -> None:
    """Let the longest member lead a team that its captain leaves, or end it where nobody is left.

    Args:
        tx: bound to the tenant.
        program_id: whose teams.
        team_id: which.
        leaving: the account that led it, and is in it no more.
        now: the instant.
    """
    team = teams.lock_team(tx, program_id, team_id)
    if team is None:
        return
    spells = teams.list_spells(tx, program_id, [team_id])
    there = [one.account_id for one in spells if one.left_on is None]
    if not there:
        teams.end_team(tx, program_id, team_id, now)
    elif team.captain == leaving and leaving not in there:
        teams.make_captain(tx, program_id, team_id, there[0])


def forget_places(tx: Tx, program_id: int, person: tuple[int, int], now: datetime) -> None:
    """Forget the names that somebody chose who is erased; where nobody is left, the account stands nowhere.

    Boards themselves follow within about a second.

    Args:
        tx: bound to the tenant, after the erasure in the same transaction.
        program_id: of the person.
        person: account and member.
        now: the instant.
    """
    account_id, member_id = person
    names.forget_names(tx, program_id, account_id, member_id)
    teams.forget_names(tx, program_id, member_id)
    touch(tx, program_id, account_id)
    left = load_accounts(tx, program_id, [account_id]).get(account_id)
    if left is not None and not left.members:
        for team in teams.own_teams(tx, program_id, account_id):
            teams.lock_team(tx, program_id, team.team_id)
            teams.end_spell(tx, program_id, (team.team_id, account_id), (now, now.date()))
            hand_on(tx, program_id, team.team_id, account_id, now)
