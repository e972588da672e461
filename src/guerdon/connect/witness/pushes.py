"""How far each witness was told of each log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.infra.tx import Tx

LEASE: Final = timedelta(seconds=60)
"""How long a push stays with the process that took it, however that process ends."""
_HEADS: Final = """
select p.program_id, c.size, c.note, w.size, w.root, coalesce(w.attempts, 0)
from programs p
join lateral (
    select k.size, k.note from log_checkpoints k where k.program_id = p.program_id
    order by k.size desc limit 1
) c on c.size > 0
left join witness_pushes w on w.program_id = p.program_id and w.witness = %s
where w.program_id is null or w.next_at <= %s
order by p.program_id
"""
_TAKE: Final = """
insert into witness_pushes as w (program_id, witness, next_at, tried_at, attempts) values (%s, %s, %s, %s, 1)
on conflict (program_id, witness) do update set next_at = excluded.next_at, tried_at = excluded.tried_at,
    attempts = w.attempts + 1
where w.next_at <= excluded.tried_at
"""
_TOLD: Final = """
update witness_pushes set size = %s, root = %s, told_at = %s, next_at = %s, attempts = 0, problem = '',
    refused_at = null
where program_id = %s and witness = %s
"""
_FAILED: Final = """
update witness_pushes set problem = %s, next_at = %s,
    refused_at = case when %s then coalesce(refused_at, %s) else refused_at end
where program_id = %s and witness = %s
"""
_COSIGNED: Final = """
insert into log_cosignatures (program_id, size, witness, line, made_at) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_GREATEST: Final = """
select distinct on (witness) witness, size, made_at from log_cosignatures
where program_id = %s order by witness, size desc
"""
_SHOWN: Final = """
select p.key, w.witness, w.size, w.told_at, w.tried_at, w.attempts, w.problem, w.refused_at, w.next_at
from witness_pushes w join programs p using (program_id)
where %s = '' or p.key = %s order by 1, 2
"""


class Head(NamedTuple):
    """The newest head of a log, and what a witness knows of that log."""

    program_id: int
    size: int
    note: str
    told_size: int | None
    """Of the last head that it was told of; None where it was told of none."""
    told_root: bytes | None
    attempts: int
    """Failed ones since."""


class Push(NamedTuple):
    """How far a witness was told, as it is shown."""

    program: str
    witness: str
    size: int
    """Of the last head that it took."""
    told_at: datetime | None
    tried_at: datetime | None
    attempts: int
    problem: str
    """A snake_case word, empty where all is well."""
    refused_at: datetime | None
    """Since when it refuses: what it saw before does not fit."""
    next_at: datetime


def list_heads(tx: Tx, witness: str, now: datetime) -> list[Head]:
    """List the newest head of each log that a witness may be told of now.

    Args:
        tx: bound to the tenant.
        witness: its name.
        now: the instant.

    Returns:
        A head for each program whose log was signed and that nobody is telling of.
    """
    return [Head(*row) for row in tx.execute(_HEADS, (witness, now))]


def take(tx: Tx, program_id: int, witness: str, now: datetime) -> bool:
    """Take a push, so that no other process does the same meanwhile.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        witness: its name.
        now: the instant.

    Returns:
        Whether it was free.
    """
    return tx.execute(_TAKE, (program_id, witness, now + LEASE, now)).rowcount == 1


def settle(tx: Tx, witness: str, head: Head, root: bytes, now: datetime) -> None:
    """Write down that a witness took a head.

    Args:
        tx: bound to the tenant.
        witness: its name.
        head: what it was told.
        root: the head's.
        now: when.
    """
    tx.execute(_TOLD, (head.size, root, now, now, head.program_id, witness))


def keep_cosignature(tx: Tx, witness: str, head: Head, line: str, now: datetime) -> None:
    """Keep what a witness signed.

    Args:
        tx: bound to the tenant.
        witness: its name.
        head: what it signed.
        line: its signature, checked.
        now: when it came.
    """
    tx.execute(_COSIGNED, (head.program_id, head.size, witness, line, now))


class Failure(NamedTuple):
    """Why a witness took a head not."""

    problem: str
    """A snake_case word."""
    next_at: datetime
    is_refusal: bool
    """Whether it says that the log is another than the one that it saw."""


def fail(tx: Tx, witness: str, head: Head, failure: Failure, now: datetime) -> None:
    """Write down that a witness could not be told.

    Args:
        tx: bound to the tenant.
        witness: its name.
        head: what it should have been told.
        failure: why it was not.
        now: when.
    """
    values = (failure.problem, failure.next_at, failure.is_refusal, now)
    tx.execute(_FAILED, (*values, head.program_id, witness))


def list_pushes(tx: Tx, program: str = "") -> list[Push]:
    """List how far witnesses were told.

    Args:
        tx: bound to the tenant.
        program: of this program only; empty for all.

    Returns:
        By program and witness.
    """
    return [Push(*row) for row in tx.execute(_SHOWN, (program, program))]


def list_cosigned(tx: Tx, program_id: int) -> dict[str, tuple[int, datetime]]:
    """Tell how far each witness signed a log.

    Args:
        tx: bound to the tenant.
        program_id: whose log.

    Returns:
        By witness: the size of the greatest head that it signed, and when that came.
    """
    rows = tx.execute(_GREATEST, (program_id,)).fetchall()
    return {witness: (size, made_at) for witness, size, made_at in rows}


def cosignatures_of(tx: Tx, program_id: int, size: int) -> Sequence[str]:
    """List what witnesses signed of a head.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        size: the head's.

    Returns:
        Lines as they stand under a note.
    """
    query = "select line from log_cosignatures where program_id = %s and size = %s order by witness"
    return [row[0] for row in tx.execute(query, (program_id, size))]
