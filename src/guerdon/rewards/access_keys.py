"""Which keys of access tokens and tickets are good: each is known by its number, and derived from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.infra.tx import Tx
from guerdon.rewards.access import Digest, Signer

_GOOD: Final = """
select number, since, ends_at from access_keys
where program_id = %s and (ends_at is null or ends_at > %s) order by number
"""
_ALONE: Final = "select pg_advisory_xact_lock(hashtextextended('guerdon.access_keys', %s))"
_FIRST: Final = """
insert into access_keys (program_id, number, since) values (%s, 1, %s) on conflict do nothing
"""
_END: Final = "update access_keys set ends_at = greatest(%s, since) where program_id = %s and ends_at is null"
_NEXT: Final = """
insert into access_keys (program_id, number, since)
select %(program)s, max(number) + 1, %(now)s from access_keys where program_id = %(program)s
"""


class AccessKey(NamedTuple):
    """A key whose tokens are good."""

    number: int
    """From 1."""
    since: datetime | None
    """When it began to sign; None for the first one while it is alone."""
    ends_at: datetime | None
    """When what it signed is good no more; None for the one that signs."""


def list_access_keys(tx: Tx, program_id: int, now: datetime) -> list[AccessKey]:
    """List the keys whose tokens are good.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        now: the instant, UTC.

    Returns:
        The one that signs last.
    """
    rows = [AccessKey(*row) for row in tx.execute(_GOOD, (program_id, now))]
    return rows or [AccessKey(1, None, None)]


def load_signer(tx: Tx, digest: Digest, program: tuple[int, str], now: datetime) -> Signer:
    """Give what signs and checks the tokens and tickets of a program.

    Args:
        tx: bound to the tenant.
        digest: the tenant's keyed hash.
        program: its number and its key.
        now: the instant, UTC.

    Returns:
        The signer.
    """
    program_id, key = program
    return Signer(digest, key, [one.number for one in list_access_keys(tx, program_id, now)])


def rotate_access_key(tx: Tx, program_id: int, overlap: timedelta, now: datetime) -> AccessKey:
    """Let a new key sign.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        overlap: how long what the present one signed is still good; tickets among it.
        now: the instant, UTC.

    Returns:
        The key that signs from now on.
    """
    # Whoever rotates meanwhile waits here, and then finds this one's key.
    tx.execute(_ALONE, (program_id,))
    tx.execute(_FIRST, (program_id, now))
    tx.execute(_END, (now + overlap, program_id))
    tx.execute(_NEXT, {"program": program_id, "now": now})
    return list_access_keys(tx, program_id, now)[-1]
