"""What became of lots that several accounts had, where these were merged before the lots ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from guerdon.infra.tx import Tx
from guerdon.ledger.lives import load_lives
from guerdon.members.merging.moving import Edge, sharing
from guerdon.rules.lives import NO_LIFE, LifeKey, LotLife, together


def load_shared_lives(
    tx: Tx,
    whose: tuple[int, int],
    keys: Iterable[LifeKey],
    edges: Sequence[Edge],
    before_seq: int | None = None,
) -> dict[LifeKey, LotLife]:
    """Load what became of the lots of an order, in its own account and in all that shared them.

    Args:
        tx: bound to the tenant; the account that stands is locked, or what is read is past.
        whose: the account of the order, and the one that stands for it.
        keys: the lots.
        edges: which accounts went into that one.
        before_seq: only by transactions before this number of the account that stands; None for all.

    Returns:
        By lot; every one that is wanted is there.
    """
    order_account, account_id = whose
    sharers = {key: sharing(order_account, edges, key[2]) for key in keys}
    wanted = {(one, key) for key, accounts in sharers.items() for one in accounts}
    own = {one for one in wanted if one[0] == account_id}
    lives: dict[int, dict[LifeKey, LotLife]] = load_lives(tx, wanted - own)
    lives.update(_own(tx, own, before_seq))
    return {
        key: together(lives.get(one, {}).get(key, NO_LIFE) for one in sorted(accounts))
        for key, accounts in sharers.items()
    }


def _own(
    tx: Tx, wanted: Collection[tuple[int, LifeKey]], before_seq: int | None
) -> Mapping[int, dict[LifeKey, LotLife]]:
    return load_lives(tx, wanted) if before_seq is None else load_lives(tx, wanted, before_seq)
