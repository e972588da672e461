"""Who acted for an account before they went on to another one."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import msgspec

from guerdon.infra.tx import Tx
from guerdon.members.audit.people import Person, read_person
from guerdon.members.crypto import Vault

_MOVED = """
select distinct on (v.member_id) v.role, m.account_id, m.member_id, m.program_id, m.role, m.language,
    m.birth_mmdd, m.joined_at, m.attributes::text, m.consents::text, m.wrapped_key, m.sealed, m.erased_at
from member_moves v join members m on m.program_id = v.program_id and m.member_id = v.member_id
where v.account_id = %s
order by v.member_id, v.event_id desc
"""
_ROWS = """
select member_id, event_id, into_account, program_id, role from member_moves
where account_id = %s order by member_id, event_id
"""


class Move(NamedTuple):
    """That somebody went on from an account to another one."""

    member_id: int
    event_id: UUID
    """With which they left."""
    into_account: int
    program_id: int
    role: str
    """That they had until then."""


def list_moves(tx: Tx, account_id: int) -> list[Move]:
    """List who went on from an account.

    Args:
        tx: bound to the tenant.
        account_id: which they left.

    Returns:
        Them, by member.
    """
    return [Move(*row) for row in tx.execute(_ROWS, (account_id,)).fetchall()]


def load_moved(tx: Tx, vault: Vault, account_id: int) -> dict[int, Person]:
    """Read the people who went on from an account.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        account_id: for which they acted.

    Returns:
        By member, each with the role that they had for it.
    """
    found = {}
    for role, *row in tx.execute(_MOVED, (account_id,)).fetchall():
        person = read_person(vault, tuple(row))
        found[row[1]] = person._replace(state=msgspec.structs.replace(person.state, role=role))
    return found
