"""Who was invited by whom: one row for each friend, written with the enrolment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx

State = Literal["joined", "held", "refused"]
_COLUMNS: Final = """account_id, member_id, code, advocate_account, advocate_id, joined_at, state, reasons,
    decided_at, decided_by, told"""
_INSERT: Final = f"""
insert into referrals (program_id, {_COLUMNS})
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict do nothing
"""  # noqa: S608 - columns of ours
_SELECT: Final = f"select {_COLUMNS} from referrals"  # noqa: S608 - columns of ours
_ALL: Final = f"""{_SELECT}
where program_id = %s and (%s = 0 or member_id < %s) order by member_id desc limit %s
"""
_HELD: Final = f"""{_SELECT} r
where program_id = %s and (%s = 0 or member_id < %s) and (state = 'held' or exists (
    select from referral_completions c
    where c.program_id = r.program_id and c.member_id = r.member_id and c.state = 'held'))
order by member_id desc limit %s
"""
_DECIDE: Final = """
update referrals set state = %s, decided_at = %s, decided_by = %s
where account_id = %s and member_id = %s and state = 'held'
"""
_TOLD: Final = """
update referrals set told = true where account_id = %s and member_id = %s and state = 'joined'
"""


class Referral(NamedTuple):
    """One friend who was invited."""

    account_id: int
    """The account with which the friend was enrolled."""
    member_id: int
    """The friend, who names the invitation."""
    code: str
    advocate_account: int
    advocate_id: int
    """Who invited."""
    joined_at: datetime
    state: State
    """Whether the friend counts as invited: held ones wait for somebody to look at them."""
    reasons: Sequence[str] = ()
    """What was found of them (`rules.referrals.reviewing`)."""
    decided_at: datetime | None = None
    decided_by: str = ""
    told: bool = False
    """Whether the engine has the event by which the friend is invited."""


def insert_referrals(tx: Tx, program_id: int, rows: Sequence[Referral]) -> None:
    """Note who was invited.

    Args:
        tx: the transaction of the enrolments.
        program_id: of which program.
        rows: any number.
    """
    for one in rows:
        tx.execute(_INSERT, (program_id, *one._replace(reasons=list(one.reasons))))


def load_of(tx: Tx, program_id: int, member_ids: Sequence[int]) -> list[Referral]:
    """Give the invitations of friends.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_ids: the friends.

    Returns:
        The eldest first.
    """
    where = "where program_id = %s and member_id = any(%s::bigint[]) order by joined_at, member_id"
    return [Referral(*row) for row in tx.execute(f"{_SELECT} {where}", (program_id, bigints(member_ids)))]


def lock_referral(tx: Tx, program_id: int, member_id: int) -> Referral | None:
    """Read an invitation that is to be decided.

    Args:
        tx: bound to the tenant; the row stays locked until its end.
        program_id: of which program.
        member_id: the friend.

    Returns:
        The invitation, None where there is none.
    """
    where = "where program_id = %s and member_id = %s for update"
    row = tx.execute(f"{_SELECT} {where}", (program_id, member_id)).fetchone()
    return Referral(*row) if row is not None else None


def decide_referral(tx: Tx, one: Referral) -> None:
    """Write what somebody decided about a held invitation.

    Args:
        tx: the transaction in which it was locked.
        one: as it stands now.
    """
    done = tx.execute(_DECIDE, (one.state, one.decided_at, one.decided_by, one.account_id, one.member_id))
    assert done.rowcount == 1, "locked, and found to be held"


def mark_joined_told(tx: Tx, one: Referral) -> None:
    """Note that the engine knows of a friend.

    Args:
        tx: bound to the tenant.
        one: the invitation.
    """
    tx.execute(_TOLD, (one.account_id, one.member_id))


def list_untold(tx: Tx, program_id: int, limit: int) -> list[Referral]:
    """List friends of whom the engine was not told, since somebody let them in.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        limit: how many at most.

    Returns:
        In the order of members.
    """
    where = "where program_id = %s and state = 'joined' and not told order by member_id limit %s"
    return [Referral(*row) for row in tx.execute(f"{_SELECT} {where}", (program_id, limit))]


def list_invited_by(tx: Tx, program_id: int, advocate_id: int, page: tuple[int, int]) -> list[Referral]:
    """List whom a member invited.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        advocate_id: who invited.
        page: only friends before this one (0 for all), and how many at most.

    Returns:
        Newest first.
    """
    before, limit = page
    where = (
        "where program_id = %s and advocate_id = %s and (%s = 0 or member_id < %s)"
        " order by member_id desc limit %s"
    )
    rows = tx.execute(f"{_SELECT} {where}", (program_id, advocate_id, before, before, limit))
    return [Referral(*row) for row in rows]


def list_referrals(tx: Tx, program_id: int, page: tuple[int, int], *, held: bool = False) -> list[Referral]:
    """List a program's invitations.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only friends before this one (0 for all), and how many at most.
        held: only those that wait for somebody: the friend, or what the friend did.

    Returns:
        Newest first.
    """
    before, limit = page
    rows = tx.execute(_HELD if held else _ALL, (program_id, before, before, limit))
    return [Referral(*row) for row in rows]


def page_referrals(tx: Tx, after: tuple[int, int], limit: int) -> list[tuple[int, Referral]]:
    """Give a page of all invitations of a tenant.

    Args:
        tx: bound to the tenant.
        after: only those behind this account and friend.
        limit: how many at most.

    Returns:
        Programs and invitations, in the order of what names them.
    """
    rows = tx.execute(
        f"select program_id, {_COLUMNS} from referrals"  # noqa: S608 - columns of ours
        " where (account_id, member_id) > (%s, %s) order by account_id, member_id limit %s",
        (*after, limit),
    )
    return [(row[0], Referral(*row[1:])) for row in rows]
