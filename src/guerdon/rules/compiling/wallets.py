"""Wallets as compiled: how units are rounded, when they are there and when they are gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.exact import to_scaled
from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.limits import EARNING_PERIODS, Caps
from guerdon.rules.parts import Conversion, Expiry, Wallet


def wallet_of(work: Compiling, key: str, one: written.Wallet) -> Wallet:
    """Compile a wallet.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The wallet.
    """
    return Wallet(
        key=key,
        scale=one.scale,
        rounding=one.rounding.mode,
        scope=one.rounding.per,
        pending=span_of(one.pending),
        expires=expiry_of(one.expires),
        cost=one.cost if one.cost is not None else worth_of(one),
        worth=worth_of(one),
        tender=one.tender,
        caps=None if one.limits is None else _caps_of(work, key, one),
        spendable=one.spendable,
    )


def _caps_of(work: Compiling, key: str, one: written.Wallet) -> Caps:
    limits = one.limits
    assert limits is not None, "asked by who knows"
    for name in type(limits).model_fields:
        try:
            to_scaled(getattr(limits, name) or Decimal(0), one.scale)
        except Problem as problem:
            work.fault(f"/wallets/{key}/limits/{name}", problem.code, problem.detail)
    periods = ((per, getattr(limits, f"per_{per}")) for per in EARNING_PERIODS)
    return Caps(
        per_event=limits.per_event,
        periods=tuple((per, bound) for per, bound in periods if bound is not None),
        balance=limits.balance,
    )


def conversion_of(work: Compiling, key: str, one: written.Conversion) -> Conversion:
    """Compile what becomes of a wallet that is given up.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        The conversion.
    """
    into = one.into if one.into != written.NOTHING else None
    return Conversion(
        wallet=key,
        scale=one.scale,
        into=into,
        into_scale=work.scales[into] if into is not None else 0,
        rate=one.rate if one.rate is not None else Decimal(0),
        rounding=one.rounding,
    )


def expiry_of(one: Any) -> Expiry | None:
    """Compile a rule of expiry.

    Args:
        one: what is written, or `never`.

    Returns:
        The rule, or None where units never expire.
    """
    if one == "never":
        return None
    return Expiry(span_of(one.after), one.from_ == "last_activity", one.end_of)


def worth_of(one: written.Wallet) -> Decimal | None:
    """Say what a unit pays.

    Args:
        one: a wallet as written.

    Returns:
        Money; 1 for a wallet of money, None where units pay nothing.
    """
    if one.tender != "points":
        return Decimal(1)
    return one.worth or None


def cost_of(one: written.Wallet | written.Reward) -> Decimal | None:
    """Say what a thing costs the shop.

    Args:
        one: a wallet or a reward, as written.

    Returns:
        Money, its worth where no cost is written; None where neither is.
    """
    return one.cost if one.cost is not None else one.worth
