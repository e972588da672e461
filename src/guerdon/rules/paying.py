"""Paying with units: how many of a wallet's units pay how much of what is due."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import round_scaled, scaled_text, to_scaled
from guerdon.rules.parts import Wallet
from guerdon.rules.state import WalletState


class Payment(msgspec.Struct, frozen=True):
    """What one wallet pays."""

    wallet: str
    units: int
    """In the wallet's scale."""
    minor: int
    """What they pay, in minor units of the currency."""


class Purse(NamedTuple):
    """What a member may pay with, and within which bounds."""

    wallets: Mapping[str, Wallet]
    """The program's wallets."""
    states: Mapping[str, WalletState]
    """The account's, settled, with nothing held for this cart."""
    digits: int
    """Minor digits of the currency."""
    clamp: bool
    """Whether asking for more than there is means all there is; it is refused otherwise."""
    share: Fraction
    """The greatest part of what is due that these units may pay, 0 to 1."""
    least_minor: int
    """Units pay at least so much, or nothing; in minor units."""


def pay(purse: Purse, asked: Mapping[str, Decimal], due_minor: int) -> tuple[Payment, ...]:
    """Work out what units pay of an amount.

    Wallets pay in the order in which they are named; none pays more than is left, and no unit is taken that
    pays nothing.

    Args:
        purse: the wallets and the bounds.
        asked: units to spend by wallet, in whole units.
        due_minor: what is to be paid, in minor units.

    Returns:
        What each wallet pays; those that pay nothing are left out.

    Raises:
        Problem: `unknown_wallet`, `wallet_pays_nothing`, `negative_amount`, `too_many_digits`,
            `insufficient_units` or `spend_below_minimum`, each with its pointer.
    """
    room = int(due_minor * purse.share)
    paid: list[Payment] = []
    for key, amount in asked.items():
        payment = _pay(purse, key, amount, room)
        room -= payment.minor
        if payment.minor:
            paid.append(payment)
    total = sum(payment.minor for payment in paid)
    if 0 < total < purse.least_minor:
        least = scaled_text(purse.least_minor, purse.digits)
        raise Problem.at("/spend", "spend_below_minimum", f"units pay at least {least} of a cart, or nothing")
    return tuple(paid)


def _pay(purse: Purse, key: str, amount: Decimal, room: int) -> Payment:
    pointer = f"/spend/{key}"
    wallet = purse.wallets.get(key)
    if wallet is None:
        known = ", ".join(sorted(purse.wallets)) or "none"
        raise Problem.at(pointer, "unknown_wallet", f"this program has no wallet {key!r}; it has: {known}")
    if not wallet.worth:
        raise Problem.at(pointer, "wallet_pays_nothing", f"units of {key} have no worth at checkout")
    units = to_scaled(amount, wallet.scale, pointer)
    if units < 0:
        raise Problem.at(pointer, "negative_amount", "expected an amount of 0 or more")
    state = purse.states.get(key, WalletState())
    free = max(state.free, 0)
    if units > free:
        if not purse.clamp:
            needed, there = scaled_text(units, wallet.scale), scaled_text(free, wallet.scale)
            detail = f"{needed} of {key} are needed and {there} are available"
            raise Problem.at(pointer, "insufficient_units", detail)
        units = free
    each = Fraction(wallet.worth) * 10**purse.digits / 10**wallet.scale
    minor = min(round_scaled(units * each, 0, "floor"), room)
    return Payment(key, round_scaled(minor / each, 0, "ceil"), minor)
