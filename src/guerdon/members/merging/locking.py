"""Whoever is meant is locked with the account of which they are by then."""

from __future__ import annotations

from guerdon.infra.tx import Tx
from guerdon.members.accounts import lock_accounts
from guerdon.members.crypto import Vault
from guerdon.members.identities import Found, Ref, resolve


def lock_found(tx: Tx, vault: Vault, program_id: int, ref: Ref) -> Found | None:
    """Find whom a reference means and lock their account; it may be merged until the lock is had.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        program_id: in which program.
        ref: whom.

    Returns:
        The member in the account that is locked, None where nobody is meant.
    """
    found = resolve(tx, vault, program_id, [ref]).get(ref)
    while found is not None:
        lock_accounts(tx, program_id, [found.account_id])
        again = resolve(tx, vault, program_id, [ref]).get(ref)
        if again == found:
            return found
        found = again
    return None
