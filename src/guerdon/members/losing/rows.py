"""Rows of tiers with what is still to be told of them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from guerdon.infra.tx import Tx
from guerdon.rules.state import LostTier

# Whoever has nobody left to tell is passed over.
_LOSSES = """
select t.account_id, t.ladder, t.lost, m.member_id
from tiers t
join lateral (
    select member_id from members
    where account_id = t.account_id and erased_at is null order by role <> 'owner', member_id limit 1
) m on true
where t.program_id = %s and t.lost is not null and t.account_id > %s
order by t.account_id, t.ladder limit %s
"""


class Loss(NamedTuple):
    """What an account lost on a ladder."""

    account_id: int
    ladder: str
    lost: tuple[LostTier, ...]
    member_id: int
    """Who is told: the owner, where there is one."""


def list_losses(tx: Tx, program_id: int, part: tuple[int, int]) -> list[Loss]:
    """List what campaigns are still to be told of.

    Args:
        tx: bound to the tenant.
        program_id: whose accounts.
        part: the account after which the list begins, and how many rows at most.

    Returns:
        In the order of accounts; the last account of a full page may have more on other ladders, which the
        next run finds.
    """
    after, most = part
    rows = tx.execute(_LOSSES, (program_id, after, most)).fetchall()
    return [
        Loss(account_id, ladder, msgspec.convert(lost, tuple[LostTier, ...]), member_id)
        for account_id, ladder, lost, member_id in rows
    ]
