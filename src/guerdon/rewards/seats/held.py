"""Who still has a seat of what does not take place."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from guerdon.infra.tx import Tx

_HELD: Final = """
select redemption_id, reward, member_id from redemptions
where program_id = %s and reward = any(%s::text[]) and status in ('issued', 'sent') and redemption_id > %s
order by redemption_id limit %s
"""


class Held(NamedTuple):
    """A seat that nobody came in with and nobody gave back."""

    redemption_id: int
    reward: str
    member_id: int | None
    """Who took it; None where the account itself did."""


def list_held(tx: Tx, program_id: int, rewards: Collection[str], after: int, limit: int) -> list[Held]:
    """List the seats of rewards that are held.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        rewards: keys.
        after: only redemptions with a greater number.
        limit: how many at most.

    Returns:
        By number.
    """
    rows = tx.execute(_HELD, (program_id, sorted(rewards), after, limit))
    return [Held(*row) for row in rows.fetchall()]
