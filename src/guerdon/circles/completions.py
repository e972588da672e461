"""Events of friends that bring the advocate's prize, and what became of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from guerdon.infra.arrays import bigints, byteas, columns, instants, uuids
from guerdon.infra.tx import Tx

State = Literal["new", "held", "refused", "completed", "reversing", "reversed"]
_COLUMNS: Final = """account_id, event_id, member_id, advocate_id, happened_at, net, state, reasons, traces,
    friends, completed_at, decided_at, decided_by, told"""
_SELECT: Final = f"select {_COLUMNS} from referral_completions"  # noqa: S608 - columns of ours
_INSERT: Final = """
insert into referral_completions (program_id, account_id, event_id, happened_at, net, state)
select %s::bigint, n.account_id, n.event_id, n.happened_at, n.net, 'new'
from unnest(%s::bigint[], %s::uuid[], %s::timestamptz[], %s::bigint[])
    as n (account_id, event_id, happened_at, net)
on conflict (account_id, event_id) do nothing
"""
_CAME_BACK: Final = """
update referral_completions
set state = case when state = 'completed' then 'reversing' else 'reversed' end
where account_id = any(%s::bigint[]) and event_id = any(%s::uuid[])
    and state in ('new', 'held', 'completed')
"""
_SAVE: Final = """
update referral_completions set member_id = %s, advocate_id = %s, state = %s, reasons = %s, traces = %s,
    friends = %s, completed_at = %s, decided_at = %s, decided_by = %s
where account_id = %s and event_id = %s
"""
_TOLD: Final = """
update referral_completions set told = true
where account_id = %s and event_id = %s and completed_at is not null
"""
_FORGET: Final = "update referral_completions set traces = '{}' where program_id = %s and member_id = %s"
_REVERSED: Final = """
update referral_completions set state = 'reversed'
where account_id = %s and event_id = %s and state = 'reversing'
"""
_GONE: Final = """
update referral_completions set state = 'refused', reasons = reasons || array['advocate_gone']
where account_id = %s and event_id = %s and state = 'completed' and not told
"""
_WORK: Final = f"""{_SELECT}
where program_id = %s and (state in ('new', 'reversing') or (state = 'completed' and not told))
    and (account_id, event_id) > (%s, %s)
order by account_id, event_id limit %s
"""
_COUNT: Final = """
select count(*) from referral_completions
where program_id = %s and advocate_id = %s and state = 'completed'
"""
_ALIKE: Final = """
select exists (select from referral_completions
    where program_id = %s and advocate_id = %s and member_id <> %s and traces && %s::bytea[])
"""

Place = tuple[int, UUID]
"""Account and event: what names a row."""
FIRST: Place = (0, UUID(int=0))


class NewCompletion(NamedTuple):
    """A friend's event that counted."""

    account_id: int
    event_id: UUID
    happened_at: datetime
    net: int
    """What the order came to, in minor units."""


class Completion(NamedTuple):
    """A friend's event that counted, and what became of it."""

    account_id: int
    """The account whose event it is."""
    event_id: UUID
    member_id: int | None
    """The friend; None until it is looked at for the first time."""
    advocate_id: int | None
    happened_at: datetime
    net: int
    state: State
    reasons: Sequence[str]
    traces: Sequence[bytes]
    """Keyed hashes of what the event said of card, device and address."""
    friends: int | None
    """How many friends of the advocate have come with this one."""
    completed_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    told: bool

    @property
    def place(self) -> Place:
        """What names the row."""
        return self.account_id, self.event_id


def insert_completions(tx: Tx, program_id: int, rows: Sequence[NewCompletion]) -> None:
    """Note events of friends that counted.

    Args:
        tx: the transaction in which they are applied.
        program_id: of which program.
        rows: any number.
    """
    if rows:
        tx.execute(_INSERT, (program_id, *columns(list(rows), (bigints, uuids, instants, bigints))))


def take_back(tx: Tx, account_ids: Collection[int], event_ids: Collection[UUID]) -> None:
    """Note that events of friends do not count any more, because what they paid came back.

    Args:
        tx: the transaction of the returns.
        account_ids: whose events they are.
        event_ids: the events.
    """
    if event_ids:
        tx.execute(_CAME_BACK, (bigints(sorted(account_ids)), uuids(sorted(event_ids))))


def lock_completion(tx: Tx, place: Place) -> Completion | None:
    """Read a row that is to be changed.

    Args:
        tx: bound to the tenant; the row stays locked until its end.
        place: which.

    Returns:
        The row, None where there is none.
    """
    row = tx.execute(f"{_SELECT} where account_id = %s and event_id = %s for update", place).fetchone()
    return Completion(*row) if row is not None else None


def save_completion(tx: Tx, one: Completion) -> None:
    """Write what became of a row.

    Args:
        tx: the transaction in which it was locked.
        one: as it stands now.
    """
    named = (one.member_id, one.advocate_id, one.state, list(one.reasons), byteas(list(one.traces)))
    tx.execute(_SAVE, (*named, one.friends, one.completed_at, one.decided_at, one.decided_by, *one.place))


def mark_told(tx: Tx, place: Place) -> None:
    """Note that the engine knows of a completion.

    Args:
        tx: bound to the tenant.
        place: which.
    """
    tx.execute(_TOLD, place)


def mark_gone(tx: Tx, place: Place) -> None:
    """Note that nobody is left whom a completion could bring anything.

    Args:
        tx: bound to the tenant.
        place: which.
    """
    tx.execute(_GONE, place)


def mark_reversed(tx: Tx, place: Place) -> None:
    """Note that the engine knows that a completion came back.

    Args:
        tx: bound to the tenant.
        place: which.
    """
    tx.execute(_REVERSED, place)


def list_work(tx: Tx, program_id: int, page: tuple[Place, int]) -> list[Completion]:
    """List what is to be looked at, or to be told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        page: only rows behind this one, and how many at most.

    Returns:
        In the order of what names them.
    """
    after, limit = page
    return [Completion(*row) for row in tx.execute(_WORK, (program_id, *after, limit))]


def count_completed(tx: Tx, program_id: int, advocate_id: int) -> int:
    """Count the friends of a member who have come.

    Args:
        tx: bound to the tenant; locked by `lock_inviter` where the number is to be kept.
        program_id: of which program.
        advocate_id: who invited.

    Returns:
        How many stand.
    """
    row = tx.execute(_COUNT, (program_id, advocate_id)).fetchone()
    assert row is not None, "a count has a row"
    return int(row[0])


def is_like_another(tx: Tx, program_id: int, one: Completion) -> bool:
    """Tell whether another friend of the same member came with the same card, device or address.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        one: with friend, advocate and traces.

    Returns:
        Whether there is any.
    """
    if not one.traces:
        return False
    values = (program_id, one.advocate_id, one.member_id, byteas(list(one.traces)))
    row = tx.execute(_ALIKE, values).fetchone()
    assert row is not None, "a question has an answer"
    return bool(row[0])


def load_of(tx: Tx, program_id: int, member_ids: Collection[int]) -> dict[int, list[Completion]]:
    """Give what friends' events came to.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_ids: the friends.

    Returns:
        By friend, the eldest first; those that nobody looked at yet are not there.
    """
    found: dict[int, list[Completion]] = {}
    where = "where program_id = %s and member_id = any(%s::bigint[]) order by happened_at, event_id"
    for row in tx.execute(f"{_SELECT} {where}", (program_id, bigints(sorted(member_ids)))):
        one = Completion(*row)
        found.setdefault(one.member_id or 0, []).append(one)
    return found


def forget_traces(tx: Tx, program_id: int, member_id: int) -> None:
    """Let nothing be left of what a friend's events said of card, device and address.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: the friend.
    """
    tx.execute(_FORGET, (program_id, member_id))


def page_completions(tx: Tx, after: Place, limit: int) -> list[tuple[int, Completion]]:
    """Give a page of all rows of a tenant.

    Args:
        tx: bound to the tenant.
        after: only rows behind this one.
        limit: how many at most.

    Returns:
        Programs and rows, in the order of what names them.
    """
    rows = tx.execute(
        f"select program_id, {_COLUMNS} from referral_completions"  # noqa: S608 - columns of ours
        " where (account_id, event_id) > (%s, %s) order by account_id, event_id limit %s",
        (*after, limit),
    )
    return [(row[0], Completion(*row[1:])) for row in rows]
