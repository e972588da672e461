"""Addresses that were lost: all that were made for a member until an instant open nothing any more."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found, Ref
from guerdon.members.members import Desk
from guerdon.members.merging.locking import lock_found

_END: Final = """
update members set links_ended_at = %s where account_id = %s and member_id = %s and erased_at is null
"""
_ENDED: Final = "select links_ended_at from members where account_id = %s and member_id = %s"


def end_links(tx: Tx, desk: Desk, ref: Ref, now: datetime) -> Found:
    """End all addresses that were made for a member so far.

    Args:
        tx: bound to the tenant; the member's account gets locked.
        desk: program and keys.
        ref: whose.
        now: the instant, UTC; addresses made later are good.

    Returns:
        Whose they were.

    Raises:
        Problem: `member_not_found`.
    """
    found = lock_found(tx, desk.vault, desk.program_id, ref)
    if found is None or tx.execute(_END, (now, found.account_id, found.member_id)).rowcount != 1:
        raise Problem("member_not_found", "nobody here is meant by this reference")
    return found


def check_link(tx: Tx, found: Found, made_at: datetime) -> None:
    """Make sure that an address was not ended.

    Args:
        tx: bound to the tenant.
        found: for whom it was made.
        made_at: when, UTC.

    Raises:
        Problem: `link_ended`.
    """
    row = tx.execute(_ENDED, (found.account_id, found.member_id)).fetchone()
    if row is None or (row[0] is not None and made_at <= row[0]):
        raise Problem("link_ended", "this address was ended; ask the shop for a new one")
