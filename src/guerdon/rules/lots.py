"""Lots: units earned together that become available and expire together, and what time does to them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from guerdon.rules.state import Lot, WalletState

SpendingOrder = Literal["expires_first", "earned_first"]

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for "never" where instants are compared."""


def sort_lots(lots: Iterable[Lot], order: SpendingOrder) -> tuple[Lot, ...]:
    """Put lots in the order in which they are spent.

    Args:
        lots: open lots of one wallet.
        order: `expires_first`, where those that never expire come last, or `earned_first`.

    Returns:
        The same lots, sorted.
    """
    return tuple(sorted(lots, key=_by_expiry if order == "expires_first" else _by_earning))


def _by_expiry(lot: Lot) -> tuple[datetime, datetime]:
    return (lot.expires_at or NEVER, lot.available_at)


def _by_earning(lot: Lot) -> tuple[datetime, datetime]:
    return (lot.available_at, lot.expires_at or NEVER)


class Expired(msgspec.Struct, frozen=True):
    """Units that time has taken."""

    at: datetime
    """The instant at which they were gone."""
    lot: Lot
    """The lot as it was booked; `remaining` is what expired."""


def settle(wallet: WalletState, now: datetime) -> tuple[WalletState, tuple[Expired, ...]]:
    """Book what time alone has done to a wallet: units that became available, and those that expired.

    Args:
        wallet: as last booked; its lots must have been gathered where `changes_at` has come.
        now: the instant that availability is judged at.

    Returns:
        The wallet as it is at `now`, and what expired.
    """
    if wallet.changes_at is None or wallet.changes_at > now:
        return wallet, ()
    assert wallet.lots is not None, "gather reads the lots of a wallet that time has changed"
    idle = wallet.idle_expires_at or NEVER
    expired: list[Expired] = []
    kept: list[Lot] = []
    for lot in wallet.lots:
        ends = min(lot.expires_at or NEVER, idle)
        if ends <= now:
            expired.append(Expired(ends, lot))
        else:
            kept.append(lot)
    return _with_figures(wallet, tuple(kept), now), tuple(expired)


def recount(wallet: WalletState, now: datetime) -> WalletState:
    """Work a wallet's figures out anew from its lots.

    Args:
        wallet: with its lots gathered, none of them expired.
        now: the instant that availability is judged at.

    Returns:
        The wallet with `available`, `pending` and `changes_at` as the lots say.
    """
    assert wallet.lots is not None, "only gathered lots can be counted"
    return _with_figures(wallet, wallet.lots, now)


def _with_figures(wallet: WalletState, lots: tuple[Lot, ...], now: datetime) -> WalletState:
    available = pending = 0
    changes_at = wallet.idle_expires_at if lots else None
    for lot in lots:
        if lot.available_at <= now:
            available += lot.remaining
        else:
            pending += lot.remaining
            if changes_at is None or lot.available_at < changes_at:
                changes_at = lot.available_at
        if lot.expires_at is not None and (changes_at is None or lot.expires_at < changes_at):
            changes_at = lot.expires_at
    return WalletState(
        available=available,
        pending=pending,
        held=wallet.held,
        changes_at=changes_at,
        idle_expires_at=wallet.idle_expires_at if lots else None,
        lots=lots,
        debt=wallet.debt,
    )


def add(wallet: WalletState, lot: Lot, now: datetime, order: SpendingOrder) -> WalletState:
    """Add units; lots need not have been gathered for it.

    Args:
        wallet: settled at `now`.
        lot: what is added; it must not have expired at `now`.
        now: the instant that availability is judged at.
        order: the order in which the wallet's lots are kept.

    Returns:
        The wallet with the units in it.
    """
    changes_at = wallet.changes_at
    usable = lot.available_at <= now
    for instant in (None if usable else lot.available_at, lot.expires_at, wallet.idle_expires_at):
        if instant is not None and (changes_at is None or instant < changes_at):
            changes_at = instant
    return WalletState(
        available=wallet.available + (lot.remaining if usable else 0),
        pending=wallet.pending + (0 if usable else lot.remaining),
        held=wallet.held,
        changes_at=changes_at,
        idle_expires_at=wallet.idle_expires_at,
        lots=None if wallet.lots is None else _merge(wallet.lots, lot, order),
        debt=wallet.debt,
    )


def _merge(lots: tuple[Lot, ...], lot: Lot, order: SpendingOrder) -> tuple[Lot, ...]:
    key = _by_expiry if order == "expires_first" else _by_earning
    wanted = key(lot)
    # Time runs forward, so the newest lot nearly always belongs at the end.
    place = len(lots) if not lots or key(lots[-1]) < wanted else bisect_left(lots, wanted, key=key)
    if place < len(lots) and key(lots[place]) == wanted:
        merged = msgspec.structs.replace(lot, remaining=lots[place].remaining + lot.remaining)
        return (*lots[:place], merged, *lots[place + 1 :])
    return (*lots[:place], lot, *lots[place:])


def take(wallet: WalletState, amount: int, now: datetime) -> tuple[WalletState, tuple[Lot, ...]]:
    """Take available units, lot by lot in the order in which they are kept.

    Args:
        wallet: settled at `now`, its lots gathered.
        amount: how many, in the wallet's scale; at most what is available.
        now: the instant that availability is judged at.

    Returns:
        The wallet without them, and what was taken of each lot as `remaining`.
    """
    assert wallet.lots is not None, "spending needs the lots"
    assert 0 <= amount <= wallet.available, "the caller asks only for what there is"
    taken: list[Lot] = []
    kept: list[Lot] = []
    wanted = amount
    for lot in wallet.lots:
        part = min(wanted, lot.remaining) if lot.available_at <= now else 0
        if part:
            wanted -= part
            taken.append(msgspec.structs.replace(lot, remaining=part))
        if lot.remaining > part:
            kept.append(lot if not part else msgspec.structs.replace(lot, remaining=lot.remaining - part))
    assert wanted == 0, "the figures of a settled wallet are the sum of its lots"
    return _with_figures(wallet, tuple(kept), now), tuple(taken)


def take_back(
    wallet: WalletState, amount: int, of: Iterable[Lot], now: datetime
) -> tuple[WalletState, tuple[Lot, ...]]:
    """Take units back: out of some lots first, then usable ones in the order of spending, then pending ones.

    What open checkouts hold stays.

    Args:
        wallet: settled at `now`, its lots gathered.
        amount: how many, in the wallet's scale; fewer are taken where there are fewer.
        of: lots that are taken from first, `remaining` being how many of each at most.
        now: the instant that availability is judged at.

    Returns:
        The wallet without them, and what was taken of each lot as `remaining`.
    """
    assert wallet.lots is not None, "taking back needs the lots"
    there = {(lot.available_at, lot.expires_at): lot.remaining for lot in wallet.lots}
    taken = dict.fromkeys(there, 0)
    free = max(wallet.available - wallet.held, 0)
    usable = [lot for lot in wallet.lots if lot.available_at <= now]
    pending = [lot for lot in wallet.lots if lot.available_at > now]
    for lot in (*of, *usable, *pending):
        key = (lot.available_at, lot.expires_at)
        part = min(amount, lot.remaining, there.get(key, 0))
        if lot.available_at <= now:
            part = min(part, free)
            free -= part
        if part:
            amount -= part
            there[key] -= part
            taken[key] += part
    if not any(taken.values()):
        return wallet, ()
    kept = tuple(Lot(*key, left) for key, left in there.items() if left)
    gone = tuple(Lot(*key, units) for key, units in taken.items() if units)
    return _with_figures(wallet, kept, now), gone


def expiring(wallet: WalletState, now: datetime) -> tuple[tuple[datetime, int], ...]:
    """List what is going to expire, soonest first.

    Args:
        wallet: settled at `now`, its lots gathered.
        now: the instant of asking.

    Returns:
        Pairs of instant and units.
    """
    sums: dict[datetime, int] = {}
    for lot in wallet.lots or ():
        ends = min(lot.expires_at or NEVER, wallet.idle_expires_at or NEVER)
        if now < ends < NEVER:
            sums[ends] = sums.get(ends, 0) + lot.remaining
    return tuple(sorted(sums.items()))
