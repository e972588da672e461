"""Merged accounts: which stands for which, and what moves of people and of where the account stood."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx
from guerdon.members.standing import NOTHING_HELD, Standing
from guerdon.rules.state import Bucket

_HEIRS = """
select account_id, merged_into from accounts
where account_id = any(%s::bigint[]) and merged_into is not null
"""
_MERGED = "select account_id from accounts where merged_into = any(%s::bigint[]) order by account_id"
_EDGES = """
with recursive below (account_id, into_account, merged_at) as (
    select account_id, into_account, merged_at from account_merges where into_account = any(%s::bigint[])
    union
    select m.account_id, m.into_account, m.merged_at
    from account_merges m join below b on m.into_account = b.account_id
)
select account_id, into_account, merged_at from below order by merged_at, account_id
"""
_ABOVE = """
with recursive above (account_id) as (
    select unnest(%s::bigint[])
    union
    select m.into_account from account_merges m join above a on m.account_id = a.account_id
)
select account_id from above
"""
_BUCKETS = """
select account_id, metric, bucket_on, total, count, held from metric_buckets
where account_id = any(%s::bigint[])
"""
_COUNTERS = "select account_id, counter, used from account_counters where account_id = any(%s::bigint[])"
_NOTE = """
insert into account_merges
    (account_id, into_account, program_id, left_event, arrived_event, merged_at)
values (%s, %s, %s, %s, %s, %s)
"""
_STANDS_FOR = """
update accounts set merged_into = %s, members = 0 where account_id = any(%s::bigint[])
"""
_MORE_MEMBERS = "update accounts set members = members + %s where account_id = %s"
_NOTE_MEMBERS = """
insert into member_moves (account_id, member_id, event_id, into_account, program_id, role)
select account_id, member_id, %s::uuid, %s::bigint, program_id, role from members where account_id = %s
"""
# The owner of the account that stays is the owner of both.
_MOVE_MEMBERS = """
insert into members (account_id, member_id, program_id, role, language, birth_mmdd, joined_at, attributes,
    consents, wrapped_key, sealed, erased_at, links_ended_at)
select %s::bigint, member_id, program_id, case when role = 'owner' then 'admin' else role end, language,
    birth_mmdd, joined_at, attributes, consents, wrapped_key, sealed, erased_at, links_ended_at
from members where account_id = %s
"""
_POINT = "update identities set account_id = %s where account_id = %s"
_MOVE_NAMES = """
insert into name_words (account_id, member_id, digest, program_id)
select %s::bigint, member_id, digest, program_id from name_words where account_id = %s
"""
_LEAVE = (
    "delete from members where account_id = %s",
    "delete from name_words where account_id = %s",
    "delete from metric_buckets where account_id = %s",
    "delete from account_counters where account_id = %s",
    "delete from tiers where account_id = %s",
    "delete from badges where account_id = %s",
    "delete from challenge_progress where account_id = %s",
)


class Merge(NamedTuple):
    """One account that goes into another."""

    account_id: int
    into_account: int
    left_event: UUID
    arrived_event: UUID
    merged_at: datetime
    stood_for: Sequence[int]
    """Accounts that were merged into the one that goes now."""
    members: int
    """How many people move who were not erased."""


class Edge(NamedTuple):
    """That one account went into another."""

    account_id: int
    into_account: int
    merged_at: datetime


def ask_heirs(tx: Tx, account_ids: Collection[int]) -> Callable[[], dict[int, int]]:
    """Ask which accounts stand for others now.

    Args:
        tx: bound to the tenant.
        account_ids: perhaps merged.

    Returns:
        What reads the answer: by account that was merged, the one that stands for it. In a pipeline it may be
        called later.
    """
    wanted = sorted(set(account_ids) - {0})
    if not wanted:
        return dict
    cursor = tx.execute(_HEIRS, (bigints(wanted),))
    return lambda: dict(cursor.fetchall())


def list_merged(tx: Tx, account_ids: Collection[int]) -> list[int]:
    """List the accounts for which others stand now.

    Args:
        tx: bound to the tenant.
        account_ids: those that stand for them.

    Returns:
        The merged ones in order.
    """
    wanted = sorted(set(account_ids) - {0})
    return [row[0] for row in tx.execute(_MERGED, (bigints(wanted),)).fetchall()] if wanted else []


def whose_events(tx: Tx, account_id: int | None) -> tuple[str, int | list[int] | None]:
    """Write the condition on the account of events for a list: those of merged ones belong to it as well.

    Args:
        tx: bound to the tenant.
        account_id: which account stands for them; None for all accounts.

    Returns:
        SQL with one place for a value, and the value; None where nothing is asked for.
    """
    merged = list_merged(tx, [account_id]) if account_id is not None else []
    if not merged or account_id is None:
        return "account_id = %s", account_id
    return "account_id = any(%s::bigint[])", [account_id, *merged]


def load_edges(tx: Tx, account_ids: Collection[int]) -> list[Edge]:
    """Read which accounts went into some, directly or through others.

    Args:
        tx: bound to the tenant.
        account_ids: which may stand for others.

    Returns:
        The merges, oldest first.
    """
    wanted = sorted(set(account_ids) - {0})
    return [Edge(*row) for row in tx.execute(_EDGES, (bigints(wanted),)).fetchall()] if wanted else []


def list_line(tx: Tx, account_ids: Collection[int]) -> set[int]:
    """List accounts with all into which they went, one after the other.

    Args:
        tx: bound to the tenant.
        account_ids: perhaps merged; 0 is nobody's.

    Returns:
        Them, and those above them: what follows from an event of one may stand at any of these.
    """
    return {row[0] for row in tx.execute(_ABOVE, (bigints(sorted(account_ids)),)).fetchall()}


def load_whole(tx: Tx, account_ids: Sequence[int]) -> dict[int, Standing]:
    """Read all that was ever counted of accounts; tiers and badges are always whole elsewhere.

    Args:
        tx: bound to the tenant; the accounts are locked.
        account_ids: whose.

    Returns:
        Buckets and counters by account.
    """
    found = {account_id: Standing() for account_id in account_ids}
    wanted = (bigints(sorted(account_ids)),)
    for account_id, metric, day, total, count, held in tx.execute(_BUCKETS, wanted).fetchall():
        found[account_id].buckets[metric, day] = Bucket(total, count, held or NOTHING_HELD)
    for account_id, counter, used in tx.execute(_COUNTERS, wanted).fetchall():
        found[account_id].counters[counter] = used
    return found


def write_merge(tx: Tx, program_id: int, merge: Merge) -> None:
    """Let members, their identities and names go over, and leave nothing where the account stood.

    What it had counted, its limits, tiers and badges were added to the other account's by whoever decided.

    Args:
        tx: bound to the tenant; all accounts are locked.
        program_id: whose.
        merge: which account goes where.
    """
    gone, into = merge.account_id, merge.into_account
    tx.execute(_NOTE, (gone, into, program_id, merge.left_event, merge.arrived_event, merge.merged_at))
    tx.execute(_NOTE_MEMBERS, (merge.left_event, into, gone))
    tx.execute(_MOVE_MEMBERS, (into, gone))
    tx.execute(_POINT, (into, gone))
    tx.execute(_MOVE_NAMES, (into, gone))
    for statement in _LEAVE:
        tx.execute(statement, (gone,))
    tx.execute(_STANDS_FOR, (into, bigints(sorted({gone, *merge.stood_for}))))
    tx.execute(_MORE_MEMBERS, (merge.members, into))


def accounts_behind(account_id: int, edges: Sequence[Edge]) -> set[int]:
    """Tell which accounts went into one, directly or not.

    Args:
        account_id: that stands for them.
        edges: of `load_edges`, perhaps fewer.

    Returns:
        The merged ones, the account itself left out.
    """
    found: set[int] = set()
    into = [account_id]
    while into:
        one = into.pop()
        came = [edge.account_id for edge in edges if edge.into_account == one]
        found.update(came)
        into += came
    return found


def sharing(account_id: int, edges: Sequence[Edge], ends: datetime | None) -> set[int]:
    """Tell which accounts' units were in one lot with an account's before it ended.

    Args:
        account_id: in which the lot was.
        edges: all merges that led to the account that stands for it.
        ends: when the lot's time was over; None for never.

    Returns:
        The account itself among them.
    """
    before = [edge for edge in edges if ends is None or edge.merged_at < ends]
    went = {edge.account_id: edge.into_account for edge in before}
    top = account_id
    while top in went:
        top = went[top]
    return {top, *accounts_behind(top, before)}
