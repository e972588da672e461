"""Names that members chose to be seen by, each one's alone in its program."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from guerdon.base.errors import Problem
from guerdon.circles.posts.days import Doer
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey, Vault
from guerdon.rules.community.names import clean_name, name_key

_PURPOSE = "chosen name"


class Choice(NamedTuple):
    """A name that somebody asks for."""

    text: str
    key: MemberKey
    now: datetime


def choose_name(tx: Tx, vault: Vault, who: Doer, choice: Choice) -> str:
    """Give a member the name that they chose; the one before is free again.

    Args:
        tx: bound to the tenant.
        vault: the tenant's keys.
        who: the member.
        choice: the name, with the member's own key.

    Returns:
        The name as it is shown.

    Raises:
        Problem: `name_invalid` or `name_taken`.
    """
    name = clean_name(choice.text)
    digest = vault.digest(_PURPOSE, name_key(name))
    sealed = choice.key.seal(_PURPOSE, name.encode())
    forget_name(tx, who.program_id, who.member_id)
    done = tx.execute(
        "insert into chosen_names (program_id, digest, account_id, member_id, sealed, chosen_at)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (who.program_id, digest, who.account_id, who.member_id, sealed, choice.now),
    ).rowcount
    if done == 0:
        raise Problem.at("/name", "name_taken", "somebody else has this name; choose another")
    return name


def forget_name(tx: Tx, program_id: int, member_id: int) -> bool:
    """Take a chosen name away.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        member_id: whose.

    Returns:
        Whether there was one.
    """
    return (
        tx.execute(
            "delete from chosen_names where program_id = %s and member_id = %s", (program_id, member_id)
        ).rowcount
        == 1
    )


def load_names(
    tx: Tx, program_id: int, keys: Mapping[int, MemberKey], member_ids: Collection[int]
) -> dict[int, str]:
    """Read the names of members.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        keys: by member; who has none was erased.
        member_ids: whose.

    Returns:
        By member; who chose none is not there.
    """
    rows = tx.execute(
        "select member_id, sealed from chosen_names where program_id = %s and member_id = any(%s::bigint[])",
        (program_id, sorted(set(member_ids))),
    )
    return {
        member_id: keys[member_id].open(_PURPOSE, bytes(sealed)).decode()
        for member_id, sealed in rows
        if member_id in keys
    }
