"""How much a member does in a day, exact under any number of callers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from guerdon.infra.tx import Tx

Deed = Literal["posts", "likes", "reports", "shares", "visits"]
_COUNT: Final = """
insert into post_days as d (account_id, member_id, on_date, kind, program_id, count)
values (%s, %s, %s, %s, %s, 1)
on conflict (account_id, member_id, on_date, kind) do update set count = d.count + 1 where d.count < %s
returning count
"""
_FORGET: Final = "delete from post_days where account_id = %s and member_id = %s and on_date < %s"
_KEPT_DAYS: Final = 3


class Doer(NamedTuple):
    """Who does something in which program."""

    program_id: int
    account_id: int
    member_id: int


def count_deed(tx: Tx, who: Doer, deed: tuple[Deed, date], most: int) -> bool:
    """Count something that a member does today, if there is room, and forget days that are long over.

    Whoever counts at the same time waits until this transaction ends.

    Args:
        tx: bound to the tenant.
        who: the member.
        deed: what, and on which local day.
        most: how often in a day at most.

    Returns:
        Whether there was room.
    """
    kind, on = deed
    values = (who.account_id, who.member_id, on, kind, who.program_id, most)
    counted = tx.execute(_COUNT, values).fetchone()
    if counted is not None and counted[0] == 1:
        tx.execute(_FORGET, (who.account_id, who.member_id, on - timedelta(days=_KEPT_DAYS)))
    return counted is not None
