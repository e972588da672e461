"""Checkouts that nobody paid are kept for whoever pays late; after that they go, so many at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from guerdon.infra.tx import Tx

KEPT_FOR: Final = timedelta(days=30)
"""So long after it lapsed, or would have lapsed had it not been cancelled, a checkout can be asked for."""
# Whoever confirms one at this moment has it locked, and it is confirmed by the next round. What still holds
# something stays until that is let go: a hold without its checkout would look like damage.
_FORGET: Final = """
with over as (
    select c.id, c.source from checkouts c
    where c.program_id = %(program)s and c.status <> 'confirmed' and c.expires_at <= %(until)s
        and not exists (
            select from account_holds h
            where h.program_id = c.program_id and h.expires_at = c.expires_at
                and h.checkout_id = c.checkout_id
        )
        and not exists (
            select from shared_holds h where h.program_id = c.program_id and h.checkout_id = c.checkout_id
        )
    order by c.expires_at limit %(limit)s
    for update skip locked
)
delete from checkouts c using over o
where c.program_id = %(program)s and c.id = o.id and c.source = o.source
"""


def forget_checkouts(tx: Tx, program_id: int, now: datetime, limit: int) -> int:
    """Delete checkouts that lapsed or were cancelled long ago; confirmed ones stay for ever.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        now: the instant.
        limit: how many at most.

    Returns:
        How many were deleted; fewer than the limit where no more are due.
    """
    given = {"program": program_id, "until": now - KEPT_FOR, "limit": limit}
    return tx.execute(_FORGET, given).rowcount
