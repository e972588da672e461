"""What became of lots, by what was ever posted to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from guerdon.infra.arrays import bigints, instants
from guerdon.infra.tx import Tx
from guerdon.ledger.moved import Posted, load_moved
from guerdon.rules.lives import NO_LIFE, OWN, LifeKey, LotLife

_BEFORE_ALL: Final = 2**63 - 1
_LOAD: Final = """
select e.account_id, e.wallet, e.available_at, nullif(e.expires_at, 'infinity'), t.kind,
    e.source = %(own)s, sum(e.amount)::bigint, null::bigint
from entries e join transactions t on t.account_id = e.account_id and t.seq = e.seq
where e.account_id = any(%(accounts)s::bigint[]) and e.available_at = any(%(began)s::timestamptz[])
    and e.book = 'member' and e.seq < %(before)s
group by 1, 2, 3, 4, 5, 6, e.amount > 0
union all
select account_id, '', null, null, '', false, 0, least(through_seq, %(before)s - 1) from moved_accounts
where account_id = any(%(accounts)s::bigint[])
"""


def load_lives(
    tx: Tx, wanted: Collection[tuple[int, LifeKey]], before_seq: int = _BEFORE_ALL
) -> dict[int, dict[LifeKey, LotLife]]:
    """Load what became of lots.

    Args:
        tx: bound to the tenant; the accounts are locked, or what is read is past.
        wanted: account and lot of each.
        before_seq: only by transactions before this number of the account's.

    Returns:
        By account and lot; every one that is wanted is there.
    """
    if not wanted:
        return {}
    accounts = bigints(sorted({account_id for account_id, _ in wanted}))
    began = instants(sorted({key[1] for _, key in wanted}))
    lives: dict[int, dict[LifeKey, LotLife]] = {}
    for account_id, key in wanted:
        lives.setdefault(account_id, {})[key] = NO_LIFE
    said = {"own": OWN, "accounts": accounts, "began": began, "before": before_seq}
    moved: dict[int, tuple[int, int]] = {}
    for row in tx.execute(_LOAD, said).fetchall():
        account_id, wallet, available_at, expires_at, kind, is_own, amount, through = row
        if through is not None:
            moved[account_id] = (1, through)
            continue
        of, key = lives[account_id], (wallet, available_at, expires_at)
        if key in of:
            of[key] = of[key].plus(kind, amount, is_own=is_own)
    for account_id, posted in load_moved(tx, moved).items():
        _go_on(lives[account_id], posted)
    return lives


def _go_on(lives: dict[LifeKey, LotLife], posted: Sequence[Posted]) -> None:
    for one in posted:
        for entry in one.entries:
            if entry.book == "member" and entry.available_at is not None:
                key = (one.wallet, entry.available_at, entry.expires_at)
                if key in lives:
                    lives[key] = lives[key].plus(one.kind, entry.amount, is_own=entry.source == OWN)
