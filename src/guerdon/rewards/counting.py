"""How often rewards were taken and how those takings stand; and what waits to be handed out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from guerdon.infra.tx import Tx
from guerdon.rewards.redemptions import Redemption, ask_redemptions

_COUNTED = """
select reward, status, sum(quantity)::bigint from redemptions where program_id = %s group by reward, status
"""
# Written out, so that what is open finds its partial index.
_OPEN = """
select account_id, redemption_id from redemptions
where program_id = %s and status in ('issued', 'sent') and status = %s and kind = any(%s::text[])
    and redemption_id < %s
order by redemption_id desc limit %s
"""
_WAITING = """
select count(*) from (
    select 1 from redemptions where program_id = %s and status in ('issued', 'sent') and status = 'issued'
        and kind = any(%s::text[]) limit %s
) as q
"""
_OVER = """
select account_id, redemption_id from redemptions
where program_id = %s and status = %s and kind = any(%s::text[]) and redemption_id < %s
order by redemption_id desc limit %s
"""
_NEWEST = 2**63 - 1


class Counts(NamedTuple):
    """Pieces of one reward that were ever taken, by how they stand."""

    issued: int = 0
    sent: int = 0
    used: int = 0
    cancelled: int = 0

    @property
    def kept(self) -> int:
        """Those that were not given back."""
        return self.issued + self.sent + self.used


class Wanted(NamedTuple):
    """Which takings are listed."""

    limit: int
    status: str
    kinds: Collection[str]
    before: int | None = None
    """Only redemptions with a smaller number."""


def count_redemptions(tx: Tx, program_id: int) -> dict[str, Counts]:
    """Count what was taken of each reward.

    Args:
        tx: bound to the tenant.
        program_id: of which program.

    Returns:
        By reward, those that were ever taken; rewards that are gone too.
    """
    found: dict[str, Counts] = {}
    for reward, status, pieces in tx.execute(_COUNTED, (program_id,)):
        found[reward] = found.get(reward, Counts())._replace(**{status: pieces})
    return found


def count_to_hand_out(tx: Tx, program_id: int, kinds: Collection[str], most: int) -> int:
    """Count what waits to be handed out, up to a number.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        kinds: of rewards.
        most: where counting ends.

    Returns:
        How many there are, `most` where there are more.
    """
    row = tx.execute(_WAITING, (program_id, sorted(kinds), most)).fetchone()
    assert row is not None
    return int(row[0])


def list_to_hand_out(tx: Tx, program_id: int, wanted: Wanted) -> Sequence[Redemption]:
    """Give a page of takings by how they stand, newest first.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        wanted: which and how many.

    Returns:
        Redemptions; the last one's number is the next cursor.
    """
    statement = _OPEN if wanted.status in ("issued", "sent") else _OVER
    values = (program_id, wanted.status, sorted(wanted.kinds), wanted.before or _NEWEST, wanted.limit)
    keys = tx.execute(statement, values).fetchall()
    found = ask_redemptions(tx, {key[0] for key in keys}, [key[1] for key in keys])()
    return [found[key[1]] for key in keys]
