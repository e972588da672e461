"""Deeds that wait, and what was decided of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from psycopg.types.json import Jsonb

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx

State = Literal["waiting", "approved", "refused"]
WAITING_AT_MOST: Final = 20
"""Deeds of one member that wait at once, so that nobody fills the queue."""
_COLUMNS: Final = (
    "program_id, deed_id, member_id, type, occurred_at, data, photo, receipt, state, sent_at, sent_by,"
    " decided_at, decided_by, reason, told"
)
_SELECT: Final = f"select {_COLUMNS} from deeds"  # noqa: S608 - columns of ours
_INSERT: Final = """
insert into deeds
    (program_id, deed_id, member_id, type, occurred_at, data, photo, receipt, state, sent_at, sent_by)
values (%s, %s, %s, %s, %s, %s, %s, %s, 'waiting', %s, %s)
on conflict (program_id, receipt) where receipt is not null and state <> 'refused' do nothing
"""
_DECIDE: Final = """
update deeds set state = %s, decided_at = %s, decided_by = %s, reason = %s
where program_id = %s and deed_id = %s and state = 'waiting'
"""
_WAITING_OF: Final = """
select count(*) from deeds where program_id = %s and member_id = %s and state = 'waiting'
"""
_NEWEST: Final = 2**63 - 1


class Deed(NamedTuple):
    """Something that a member says they did."""

    program_id: int
    deed_id: int
    member_id: int
    type: str
    """The event that it becomes, such as `item.recycled`."""
    occurred_at: datetime
    data: Mapping[str, Any]
    photo: bytes | None
    """An address of a picture, sealed with the member's own key."""
    receipt: str | None
    """A number that shows it, which no other deed has."""
    state: State
    sent_at: datetime
    sent_by: str
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    told: bool = False
    """Whether the engine knows of it."""

    @property
    def name(self) -> str:
        """Its id, as people see it and as its event has it."""
        return number_text("ded", self.deed_id)


class Wanted(NamedTuple):
    """Which deeds are listed."""

    limit: int
    before: int | None = None
    """Only deeds with a smaller number."""
    state: State | None = None
    member_id: int | None = None


def add(tx: Tx, deed: Deed) -> None:
    """Let a deed wait for somebody to look at it.

    Args:
        tx: bound to the tenant.
        deed: waiting.

    Raises:
        Problem: `deeds_too_many`, or `receipt_used` where another deed shows the same receipt.
    """
    row = tx.execute(_WAITING_OF, (deed.program_id, deed.member_id)).fetchone()
    if row is not None and row[0] >= WAITING_AT_MOST:
        raise Problem("deeds_too_many", f"{WAITING_AT_MOST} deeds of this member wait already")
    values = (*deed[:5], Jsonb(dict(deed.data)), deed.photo, deed.receipt, deed.sent_at, deed.sent_by)
    if tx.execute(_INSERT, values).rowcount != 1:
        raise Problem.at("/receipt", "receipt_used", "another deed shows this receipt already")


def decide(tx: Tx, deed: Deed, state: State, who: tuple[str, str], now: datetime) -> Deed:
    """Approve or refuse a deed, once.

    Args:
        tx: bound to the tenant.
        deed: as it was found.
        state: `approved` or `refused`.
        who: who decides, and why, empty for nothing to say.
        now: the instant, UTC.

    Returns:
        The deed as it stands; the same decision again changes nothing.

    Raises:
        Problem: `deed_decided` where the other was decided.
    """
    actor, reason = who
    key = (deed.program_id, deed.deed_id)
    if tx.execute(_DECIDE, (state, now, actor, reason, *key)).rowcount != 1:
        found = get(tx, *key)
        if found.state != state:
            raise Problem("deed_decided", f"this deed is {found.state} already")
        return found
    return deed._replace(state=state, decided_at=now, decided_by=actor, reason=reason)


def get(tx: Tx, program_id: int, deed_id: int | None, *, to_change: bool = False) -> Deed:
    """Get a deed.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        deed_id: its number, None for one that nobody could read.
        to_change: whether it stays as it is until the transaction ends, but for what this one does.

    Returns:
        The deed.

    Raises:
        Problem: `deed_not_found`.
    """
    lock = " for no key update" if to_change else ""
    one = f"{_SELECT} where program_id = %s and deed_id = %s{lock}"
    row = tx.execute(one, (program_id, deed_id)).fetchone()
    if row is None:
        raise Problem("deed_not_found", "there is no such deed")
    return Deed(*row)


def list_deeds(tx: Tx, program_id: int, wanted: Wanted) -> list[Deed]:
    """Give a page of deeds, newest first; what waits, longest first.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        wanted: which.

    Returns:
        The deeds; the last one's number is the next cursor.
    """
    words, values = ["program_id = %s", "deed_id < %s"], [program_id, wanted.before or _NEWEST]
    for name in ("state", "member_id"):
        value = getattr(wanted, name)
        if value is not None:
            words.append(f"{name} = %s")
            values.append(value)
    statement = f"{_SELECT} where {' and '.join(words)} order by deed_id desc limit %s"
    return [Deed(*row) for row in tx.execute(statement, (*values, wanted.limit))]


def list_waiting(tx: Tx, program_id: int, limit: int) -> Sequence[Deed]:
    """List what waits for somebody to look at it.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        limit: how many at most.

    Returns:
        The one that waits longest first.
    """
    where = "where program_id = %s and state = 'waiting' order by deed_id limit %s"
    return [Deed(*row) for row in tx.execute(f"{_SELECT} {where}", (program_id, limit))]


def list_untold(tx: Tx, program_id: int, after: int, limit: int) -> list[Deed]:
    """List approved deeds of which the engine was not told.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        after: only those with a greater number.
        limit: how many at most.

    Returns:
        By number.
    """
    where = (
        "where program_id = %s and deed_id > %s and state = 'approved' and not told order by deed_id limit %s"
    )
    return [Deed(*row) for row in tx.execute(f"{_SELECT} {where}", (program_id, after, limit))]


def mark_told(tx: Tx, deed: Deed) -> None:
    """Note that the engine knows of a deed.

    Args:
        tx: bound to the tenant.
        deed: approved.
    """
    key = (deed.program_id, deed.deed_id)
    tx.execute("update deeds set told = true where program_id = %s and deed_id = %s", key)
