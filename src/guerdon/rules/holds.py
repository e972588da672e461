"""Holds: what open checkouts set aside, and how it goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from guerdon.rules.state import Hold, HoldKey, HoldKind, WalletState

_ZERO = Decimal(0)


def lapsed(held: Mapping[HoldKey, Hold], now: datetime) -> tuple[Hold, ...]:
    """Find the holds that bind nobody any more.

    Args:
        held: holds by key.
        now: the instant.

    Returns:
        Those whose time is over.
    """
    return tuple(hold for hold in held.values() if hold.expires_at <= now) if held else ()


def of_checkout(held: Mapping[HoldKey, Hold], checkout: str) -> tuple[Hold, ...]:
    """Find the holds of one checkout.

    Args:
        held: holds by key.
        checkout: its id.

    Returns:
        Its holds.
    """
    return tuple(hold for hold in held.values() if hold.checkout == checkout)


def without(held: Mapping[HoldKey, Hold], gone: Sequence[Hold]) -> Mapping[HoldKey, Hold]:
    """Leave holds out.

    Args:
        held: holds by key.
        gone: those that hold no longer; others' are passed over.

    Returns:
        What is left; the same mapping where nothing goes.
    """
    keys = {hold.key for hold in gone}
    return {key: hold for key, hold in held.items() if key not in keys} if keys & held.keys() else held


def give_back_units(wallets: Mapping[str, WalletState], gone: Sequence[Hold]) -> dict[str, WalletState]:
    """Set units free again.

    Args:
        wallets: by key.
        gone: holds of any kind.

    Returns:
        The wallets with less held.
    """
    freed = dict(wallets)
    for hold in gone:
        if hold.kind == "units":
            wallet = freed[hold.name]
            freed[hold.name] = msgspec.structs.replace(wallet, held=wallet.held - int(hold.amount))
    return freed


def give_back_uses(
    counters: Mapping[str, Decimal], gone: Sequence[Hold], kind: HoldKind
) -> Mapping[str, Decimal]:
    """Give back what counters counted.

    Args:
        counters: what was taken, by counter key.
        gone: holds of any kind.
        kind: `use` for an account's own counters, `shared` for those of the program.

    Returns:
        The counters with less taken; the same mapping where nothing goes back.
    """
    freed = {hold.name: _ZERO for hold in gone if hold.kind == kind}
    if not freed:
        return counters
    for hold in gone:
        if hold.kind == kind:
            freed[hold.name] += hold.amount
    return {**counters, **{name: counters.get(name, _ZERO) - amount for name, amount in freed.items()}}
