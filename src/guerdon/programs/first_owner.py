"""The first owner of a tenant: made once, with a password that is shown once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from guerdon.base.ids import IdMaker
from guerdon.infra.tx import Tx
from guerdon.programs.staff import NewStaff, add_staff, has_staff, make_password

FIRST_EMAIL: Final = "owner@localhost"
"""The name of the first owner, until there are others."""


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where unguessable things come from."""

    bits: Callable[[int], int]
    bytes: Callable[[int], bytes]


def ensure_owner(tx: Tx, now: datetime, ids: IdMaker, randomness: Randomness) -> str | None:
    """Make the first owner of a tenant that has no staff.

    Args:
        tx: bound to the tenant, which exists.
        now: when.
        ids: maker of identifiers.
        randomness: for the password and its salt.

    Returns:
        The password, which is never shown again; None where there is somebody already.
    """
    # Two processes that start at once must not both make one.
    tx.execute("select pg_advisory_xact_lock(hashtext('guerdon first owner'))")
    if has_staff(tx):
        return None
    password = make_password(randomness.bits)
    add_staff(tx, NewStaff(FIRST_EMAIL, "Owner", "owner", password, "system", now), ids, randomness.bytes)
    return password
