"""Teams and who was in them when; one team of a kind at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Final, NamedTuple

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx

_COLUMNS: Final = "team_id, kind, captain, member_id, sealed, founded_at, ended_at"
_GET: Final = f"select {_COLUMNS} from teams where program_id = %s and team_id = any(%s::bigint[])"  # noqa: S608 - columns of ours
_LOCK: Final = f"{_GET} order by team_id for update"
_HELD: Final = "select team_id from teams where program_id = %s and kind = %s and name_hash = %s"
_FOUND: Final = """
insert into teams (program_id, team_id, kind, captain, member_id, sealed, name_hash, founded_at)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
_NAME: Final = """
update teams set member_id = %s, sealed = %s, name_hash = %s where program_id = %s and team_id = %s
"""
_CAPTAIN: Final = "update teams set captain = %s where program_id = %s and team_id = %s"
_END: Final = """
update teams set ended_at = %s, sealed = null, name_hash = null where program_id = %s and team_id = %s
"""
_TEAMS_OF: Final = """
select distinct m.team_id, t.ended_at is null from team_members m
join teams t on t.program_id = m.program_id and t.team_id = m.team_id
where m.program_id = %s and m.kind = %s and m.account_id = any(%s::bigint[])
"""
_SPELLS: Final = """
select team_id, account_id, joined_at, joined_on, left_on from team_members
where program_id = %s and team_id = any(%s::bigint[]) order by team_id, joined_at, account_id
"""
_OWN: Final = f"""
select {", ".join(f"t.{one}" for one in _COLUMNS.split(", "))} from teams t
join team_members m on m.program_id = t.program_id and m.team_id = t.team_id
where m.program_id = %s and m.account_id = %s and m.left_at is null order by t.kind
"""  # noqa: S608 - columns of ours
_JOIN: Final = """
insert into team_members (program_id, team_id, kind, account_id, joined_at, joined_on)
values (%s, %s, %s, %s, %s, %s) on conflict do nothing
"""
# Whoever left and comes back within one instant never left.
_REJOIN: Final = """
update team_members m set left_at = null, left_on = null
where program_id = %s and team_id = %s and account_id = %s and joined_at = %s and left_at is not null
    and not exists (select from team_members o where o.program_id = m.program_id and o.kind = m.kind
        and o.account_id = m.account_id and o.left_at is null)
"""
_LEAVE: Final = """
update team_members set left_at = %s, left_on = %s
where program_id = %s and team_id = %s and account_id = %s and left_at is null
"""
_ASK: Final = """
insert into team_asks (program_id, team_id, account_id, invited, asked_at) values (%s, %s, %s, %s, %s)
on conflict (program_id, team_id, account_id) do nothing
"""
_ASKED: Final = """
select account_id, invited, asked_at from team_asks where program_id = %s and team_id = %s
order by asked_at
"""
_ASKS_OF: Final = """
select team_id, invited, asked_at from team_asks where program_id = %s and account_id = %s
order by asked_at
"""
_UNASK: Final = "delete from team_asks where program_id = %s and team_id = %s and account_id = %s"
_UNASK_ALL: Final = "delete from team_asks where program_id = %s and team_id = %s"
_LIST: Final = f"""
select {_COLUMNS} from teams where program_id = %s and kind = %s and ended_at is null and team_id > %s
order by team_id limit %s
"""  # noqa: S608 - columns of ours
_SIZES: Final = """
select team_id, count(*) from team_members
where program_id = %s and team_id = any(%s::bigint[]) and left_at is null group by team_id
"""
_FORGET: Final = """
update teams set sealed = null, name_hash = null where program_id = %s and member_id = %s
"""
_MOVE: Final = """
update team_members m set account_id = %(into)s where program_id = %(program)s and account_id = %(gone)s
    and not exists (select from team_members o where o.program_id = m.program_id and o.kind = m.kind
        and o.account_id = %(into)s)
"""
_CLOSE: Final = """
update team_members set left_at = %s, left_on = %s
where program_id = %s and account_id = %s and left_at is null
"""
_CAPTAINS: Final = "select team_id from teams where program_id = %s and captain = %s and ended_at is null"
_COUNT: Final = """
select t.kind, count(distinct t.team_id), count(m.account_id) from teams t
left join team_members m on m.program_id = t.program_id and m.team_id = t.team_id and m.left_at is null
where t.program_id = %s and t.ended_at is null group by t.kind
"""


class Team(NamedTuple):
    """A team as stored."""

    team_id: int
    kind: str
    captain: int
    """The account that lets others in, and may hand that over."""
    member_id: int
    """Who named it."""
    sealed: bytes | None
    """Its name, under the key of who gave it; None where it was taken away or its giver erased."""
    founded_at: datetime
    ended_at: datetime | None

    @property
    def purpose(self) -> str:
        """What the name is sealed for."""
        return f"team:{self.team_id}"


class Spell(NamedTuple):
    """A time in which an account is or was in a team."""

    team_id: int
    account_id: int
    joined_at: datetime
    joined_on: date
    left_on: date | None
    """The first day that counts for it no more; None while it is in the team."""

    def holds(self, day: date) -> bool:
        """Tell whether a day counts for the team.

        Args:
            day: local day.

        Returns:
            True from the day of joining on, until the day before the one of leaving.
        """
        return self.joined_on <= day and (self.left_on is None or day < self.left_on)


class Ask(NamedTuple):
    """An account that wants to join, or is wanted."""

    account_id: int
    invited: bool
    asked_at: datetime


def load_teams(tx: Tx, program_id: int, team_ids: Collection[int]) -> dict[int, Team]:
    """Read teams.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team_ids: which.

    Returns:
        By number; those that ended are among them.
    """
    rows = tx.execute(_GET.encode(), (program_id, bigints(sorted(team_ids))))
    return {row[0]: Team(*row) for row in rows}


def lock_team(tx: Tx, program_id: int, team_id: int) -> Team | None:
    """Lock a team until the end of the transaction: who is in it changes only under this lock.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team_id: which.

    Returns:
        The team; None where there is none, or it ended.
    """
    row = tx.execute(_LOCK.encode(), (program_id, bigints([team_id]))).fetchone()
    return Team(*row) if row is not None and row[6] is None else None


def insert_team(tx: Tx, program_id: int, team: Team, name_hash: bytes) -> bool:
    """Found a team.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team: with its sealed name.
        name_hash: a keyed hash of the name.

    Returns:
        False where another team of this kind has the name.
    """
    row = (*team[:5], name_hash, team.founded_at)
    return tx.execute(_FOUND, (program_id, *row)).rowcount == 1


def name_team(tx: Tx, program_id: int, team: Team, name_hash: bytes | None) -> bool:
    """Give a team another name, or none.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        team: with its new sealed name, None to take it away.
        name_hash: a keyed hash of the name, None to take it away.

    Returns:
        False where another team of this kind has the name.
    """
    held = tx.execute(_HELD, (program_id, team.kind, name_hash)).fetchone() if name_hash else None
    if held is not None and held[0] != team.team_id:
        return False
    tx.execute(_NAME, (team.member_id, team.sealed, name_hash, program_id, team.team_id))
    return True


def make_captain(tx: Tx, program_id: int, team_id: int, account_id: int) -> None:
    """Let another account be captain.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        team_id: which.
        account_id: who is in it.
    """
    tx.execute(_CAPTAIN, (account_id, program_id, team_id))


def end_team(tx: Tx, program_id: int, team_id: int, now: datetime) -> None:
    """End a team that nobody is in any more; its name is free then.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        team_id: which.
        now: the instant.
    """
    tx.execute(_END, (now, program_id, team_id))
    tx.execute(_UNASK_ALL, (program_id, team_id))


def teams_of(tx: Tx, program_id: int, kind: str, account_ids: Collection[int]) -> dict[int, bool]:
    """Find the teams in which accounts are or were.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        kind: of team.
        account_ids: of whom.

    Returns:
        By number: whether the team is still there.
    """
    return dict(tx.execute(_TEAMS_OF, (program_id, kind, bigints(sorted(account_ids)))).fetchall())


def own_teams(tx: Tx, program_id: int, account_id: int) -> list[Team]:
    """List the teams in which an account is.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        account_id: the account.

    Returns:
        One of a kind at most.
    """
    return [Team(*row) for row in tx.execute(_OWN.encode(), (program_id, account_id))]


def list_spells(tx: Tx, program_id: int, team_ids: Collection[int]) -> list[Spell]:
    """List who is or was in teams.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team_ids: which.

    Returns:
        Team by team, the longest member first.
    """
    return [Spell(*row) for row in tx.execute(_SPELLS, (program_id, bigints(sorted(team_ids))))]


def insert_spell(tx: Tx, program_id: int, kind: str, spell: Spell) -> bool:
    """Let an account be in a team.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        kind: of team.
        spell: from when on.

    Returns:
        False where the account is in a team of this kind already.
    """
    row = (spell.team_id, kind, spell.account_id, spell.joined_at, spell.joined_on)
    if tx.execute(_JOIN, (program_id, *row)).rowcount == 1:
        return True
    again = (program_id, spell.team_id, spell.account_id, spell.joined_at)
    return tx.execute(_REJOIN, again).rowcount == 1


def end_spell(tx: Tx, program_id: int, place: tuple[int, int], when: tuple[datetime, date]) -> bool:
    """Let an account be in a team no more.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        place: team and account.
        when: the instant, and its local day.

    Returns:
        Whether it was in the team.
    """
    return tx.execute(_LEAVE, (*when, program_id, *place)).rowcount == 1


def insert_ask(tx: Tx, program_id: int, team_id: int, ask: Ask) -> None:
    """Note that somebody wants to join, or is invited; what was noted first stands.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        team_id: which.
        ask: who, and from which side.
    """
    tx.execute(_ASK, (program_id, team_id, *ask))


def list_asks(tx: Tx, program_id: int, team_id: int) -> list[Ask]:
    """List who wants to join a team, or is wanted.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team_id: which.

    Returns:
        The eldest first.
    """
    return [Ask(*row) for row in tx.execute(_ASKED, (program_id, team_id))]


def asks_of(tx: Tx, program_id: int, account_id: int) -> list[tuple[int, bool, datetime]]:
    """List the teams that an account asked, or that invited it.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        account_id: the account.

    Returns:
        Team, whether it invited, and since when.
    """
    return tx.execute(_ASKS_OF, (program_id, account_id)).fetchall()


def delete_ask(tx: Tx, program_id: int, team_id: int, account_id: int) -> bool:
    """Let go of what was asked.

    Args:
        tx: bound to the tenant; the team is locked.
        program_id: whose.
        team_id: which.
        account_id: of whom.

    Returns:
        Whether there was anything.
    """
    return tx.execute(_UNASK, (program_id, team_id, account_id)).rowcount == 1


def list_teams(tx: Tx, program_id: int, kind: str, page: tuple[int, int]) -> list[Team]:
    """List the teams of a kind that are there.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        kind: of team.
        page: the last of the page before (0 for the first), and how many.

    Returns:
        In the order in which they were founded.
    """
    return [Team(*row) for row in tx.execute(_LIST.encode(), (program_id, kind, *page))]


def sizes_of(tx: Tx, program_id: int, team_ids: Collection[int]) -> dict[int, int]:
    """Count who is in teams.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        team_ids: which.

    Returns:
        By team.
    """
    return dict(tx.execute(_SIZES, (program_id, bigints(sorted(team_ids)))).fetchall())


def forget_names(tx: Tx, program_id: int, member_id: int) -> None:
    """Forget the names of teams that somebody gave who is erased.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        member_id: the person.
    """
    tx.execute(_FORGET, (program_id, member_id))


def move_spells(tx: Tx, program_id: int, accounts: tuple[int, int], when: tuple[datetime, date]) -> None:
    """Let an account be in the teams of one that was merged into it, where it has none of that kind.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        accounts: the one that was merged, and the one that stands for it.
        when: the instant and its local day, for teams that it leaves.
    """
    gone, into = accounts
    tx.execute(_MOVE, {"into": into, "gone": gone, "program": program_id})
    tx.execute(_CLOSE, (*when, program_id, gone))


def captain_of(tx: Tx, program_id: int, account_id: int) -> list[int]:
    """List the teams that an account leads.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        account_id: the account.

    Returns:
        Their numbers.
    """
    return [row[0] for row in tx.execute(_CAPTAINS, (program_id, account_id))]


def count_teams(tx: Tx, program_id: int) -> dict[str, tuple[int, int]]:
    """Count the teams of a program.

    Args:
        tx: bound to the tenant.
        program_id: whose.

    Returns:
        By kind: how many teams, and how many accounts in them.
    """
    return {row[0]: (row[1], row[2]) for row in tx.execute(_COUNT, (program_id,))}
