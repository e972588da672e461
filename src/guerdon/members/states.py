"""Members as decisions see them: who acts and who owns, without anything that names a person."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from guerdon.infra.arrays import bigints
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey, Vault
from guerdon.members.stored import decode_attributes, decode_consents
from guerdon.rules.state import MemberState

_QUERY = """
select account_id, member_id, role, language, birth_mmdd, joined_at, attributes::text, consents::text,
    wrapped_key
from members
where account_id = any(%s::bigint[]) and (role = 'owner' or member_id = any(%s::bigint[]))
order by account_id, member_id
"""


_KEYS = """
select account_id, member_id, wrapped_key from members
where program_id = %s and member_id = any(%s::bigint[]) and wrapped_key is not null
"""


class LoadedMember(msgspec.Struct, frozen=True, gc=False):
    """A member as stored."""

    account_id: int
    state: MemberState
    wrapped_key: bytes | None
    """None where the person was erased."""

    def open_key(self, vault: Vault) -> MemberKey | None:
        """Unwrap the member's own key, to seal what an event says about them.

        Args:
            vault: the tenant's keys.

        Returns:
            The key, None where the person was erased.
        """
        if self.wrapped_key is None:
            return None
        return vault.open_key(self.state.member_id, self.wrapped_key)


@dataclass(slots=True)
class LoadedMembers:
    """The members of some accounts, as far as they were asked for."""

    by_id: dict[int, LoadedMember]
    owners: dict[int, LoadedMember]
    """By account: its owner, the eldest where there are several."""


def ask_members(
    tx: Tx, account_ids: Collection[int], member_ids: Collection[int]
) -> Callable[[], LoadedMembers]:
    """Ask for the owners of accounts and for certain members of them.

    Args:
        tx: bound to the tenant.
        account_ids: whose members.
        member_ids: those who act, whatever their role.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    if not account_ids:
        return lambda: LoadedMembers({}, {})
    cursor = tx.execute(_QUERY, (bigints(sorted(set(account_ids))), bigints(sorted(set(member_ids)))))

    def read() -> LoadedMembers:
        loaded = LoadedMembers({}, {})
        for row in cursor.fetchall():
            member = _member(row)
            loaded.by_id[member.state.member_id] = member
            if member.state.role == "owner":
                loaded.owners.setdefault(member.account_id, member)
        return loaded

    return read


def load_members(tx: Tx, account_ids: Collection[int], member_ids: Collection[int]) -> LoadedMembers:
    """Read the owners of accounts and certain members of them.

    Args:
        tx: bound to the tenant.
        account_ids: whose members.
        member_ids: those who act, whatever their role.

    Returns:
        The members.
    """
    return ask_members(tx, account_ids, member_ids)()


def _member(row: tuple[Any, ...]) -> LoadedMember:
    account_id, member_id, role, language, birthday, joined_at, attributes, consents, wrapped = row
    state = MemberState(
        member_id=member_id,
        role=role,
        language=language,
        birthday=birthday,
        joined_at=joined_at,
        attributes=decode_attributes(attributes),
        consents={topic: one.given for topic, one in decode_consents(consents).items()},
    )
    return LoadedMember(account_id, state, wrapped)


def load_keys(
    tx: Tx, vault: Vault, program_id: int, member_ids: Collection[int]
) -> dict[int, tuple[int, MemberKey]]:
    """Open the keys of members, to read what was sealed with them.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        program_id: of which program.
        member_ids: whose.

    Returns:
        By member: the account and the key; who was erased is not there.
    """
    rows = tx.execute(_KEYS, (program_id, bigints(sorted(set(member_ids)))))
    return {row[1]: (row[0], vault.open_key(row[1], bytes(row[2]))) for row in rows}
