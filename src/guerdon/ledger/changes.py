"""What became of lots: the difference of two states, or of entries where the lots were not gathered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from guerdon.rules.decision import Transaction
from guerdon.rules.state import Lot, WalletState

LotKey = tuple[int, str, datetime | None, datetime]
"""Account, wallet, expires_at (None for never), available_at."""


class WalletChange(NamedTuple):
    """One wallet before and after a batch."""

    account_id: int
    wallet: str
    before: WalletState | None
    """None where there was none."""
    after: WalletState


class LotChanges(NamedTuple):
    """What is to be written of lots."""

    added: Mapping[LotKey, int]
    """Units that came, more than zero."""
    taken: Mapping[LotKey, int]
    """Units that left lots which stay open, more than zero."""
    gone: Sequence[LotKey]
    """Lots that are used up."""


def lot_changes(posted: Sequence[tuple[int, Transaction]], wallets: Sequence[WalletChange]) -> LotChanges:
    """Work out what is to be written of lots.

    Args:
        posted: account and transaction, all that were posted.
        wallets: every wallet that is not as it was.

    Returns:
        The changes.

    Raises:
        AssertionError: where units leave lots that were not gathered.
    """
    added: dict[LotKey, int] = {}
    taken: dict[LotKey, int] = {}
    gone: list[LotKey] = []
    gathered: set[tuple[int, str]] = set()
    for change in wallets:
        before = () if change.before is None else change.before.lots
        if before is None or change.after.lots is None:
            continue
        gathered.add((change.account_id, change.wallet))
        if before is not change.after.lots:
            _compare(change, before, (added, taken, gone))
    for account_id, one in posted:
        if (account_id, one.wallet) not in gathered:
            _add_entries(account_id, one, added)
    return LotChanges(_settled(added), taken, gone)


def _settled(added: dict[LotKey, int]) -> dict[LotKey, int]:
    """Leave out what came and went: a late fact's units may expire as they come."""
    if added and min(added.values()) < 0:
        raise AssertionError("units leave lots that were not gathered")
    return {key: amount for key, amount in added.items() if amount}


def _add_entries(account_id: int, one: Transaction, added: dict[LotKey, int]) -> None:
    for entry in one.entries:
        if entry.book == "member" and entry.available_at is not None:
            key = (account_id, one.wallet, entry.expires_at, entry.available_at)
            added[key] = added.get(key, 0) + entry.amount


def _compare(
    change: WalletChange,
    before: Sequence[Lot],
    into: tuple[dict[LotKey, int], dict[LotKey, int], list[LotKey]],
) -> None:
    added, taken, gone = into
    old = {(lot.expires_at, lot.available_at): lot.remaining for lot in before}
    for lot in change.after.lots or ():
        was = old.pop((lot.expires_at, lot.available_at), 0)
        key = (change.account_id, change.wallet, lot.expires_at, lot.available_at)
        if lot.remaining > was:
            added[key] = lot.remaining - was
        elif lot.remaining < was:
            taken[key] = was - lot.remaining
    gone.extend((change.account_id, change.wallet, *key) for key in old)
