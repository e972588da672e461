"""Waiting lists beside the counter that leaves room for them, and the seats that came of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.history import SharedSums
from guerdon.infra.tx import Tx
from guerdon.rules.seating import waiting_draw

_WAITING: Final = """
select program_id, reward, count(*) filter (where state in ('waiting', 'called'))
from seat_waits group by program_id, reward
"""
_UNSEATED: Final = """
select w.program_id, w.reward, w.number, w.redemption_id, r.reward, r.campaign
from seat_waits w left join redemptions r on r.redemption_id = w.redemption_id and r.program_id = w.program_id
where w.state = 'seated' and (r.reward is null or r.reward <> w.reward or r.campaign <> 'seat:' || w.reward)
order by 1, 2, 3
"""
# Who was called and whose call is not noted yet has a row as well.
_UNAWAITED: Final = """
select e.account_id, e.id from events e
where e.type = 'seat.freed' and not exists (
    select from seat_waits w
    where w.program_id = e.program_id and w.reward = split_part(e.id, '/', 1)
        and w.number::text = split_part(e.id, '/', 2) and w.member_id = e.member_id)
order by 1, 2
"""
_UNNOTED: Final = """
select r.account_id, r.redemption_id, r.reward from redemptions r
where r.campaign = 'seat:' || r.reward and not exists (
    select from seat_waits w
    where w.program_id = r.program_id and w.reward = r.reward
        and (w.redemption_id = r.redemption_id or (w.state = 'called' and w.member_id = r.member_id)))
order by 1, 2
"""


def check_lines(tx: Tx, shared: SharedSums) -> Iterator[Finding]:
    """Count again who waits, and look for the seat of everybody who got one.

    Args:
        tx: as for `verify`.
        shared: what accounts drew; who waits is added to it.

    Yields:
        What does not hold.
    """
    for program_id, reward, waiting in tx.execute(_WAITING).fetchall():
        draw = waiting_draw(reward)
        key = (program_id, draw.counter)
        shared.drawn[key] = shared.drawn.get(key, Decimal(0)) + waiting
        shared.bounds.setdefault(key, set()).add(draw.bound)
    for program_id, reward, number, redemption_id, *found in tx.execute(_UNSEATED).fetchall():
        name = f"{number_text('prg', program_id)} {reward}/{number}"
        shown = " ".join(str(one) for one in found if one is not None) or "none"
        wanted = f"{reward} seat:{reward} of {number_text('red', redemption_id)}"
        yield Finding("seat_unlike_redemption", "seat_waits", name, wanted, shown)
    for account_id, said in tx.execute(_UNAWAITED).fetchall():
        name = f"{number_text('acc', account_id)} {said}"
        yield Finding("wait_missing", "seat_waits", name, "a place in the line", "none", account_id)
    for account_id, redemption_id, reward in tx.execute(_UNNOTED).fetchall():
        name = f"{number_text('acc', account_id)} {number_text('red', redemption_id)}"
        yield Finding("wait_missing", "seat_waits", name, f"who waited for {reward}", "none", account_id)
