"""How rewards are taken, as compiled: for whom, for how much, how many, and what they give to a cause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from guerdon.base.errors import Problem
from guerdon.base.exact import currency_digits, round_scaled, to_scaled
from guerdon.rules import definition as written
from guerdon.rules.compiling.compiler import Compiling, span_of
from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.expressions import BOOL
from guerdon.rules.particulars import Gift
from guerdon.rules.sections import ACCOUNT


def units_of(work: Compiling, amounts: Mapping[str, Decimal], at: str) -> tuple[tuple[str, int], ...]:
    """Compile amounts of wallets.

    Args:
        work: the compilation; it takes the faults.
        amounts: whole units by wallet.
        at: where they stand in the document.

    Returns:
        Wallet and units in its scale.
    """
    found = []
    for wallet, amount in amounts.items():
        try:
            found.append((wallet, to_scaled(amount, work.scales[wallet], f"{at}/{wallet}")))
        except Problem as problem:
            work.fault(f"{at}/{wallet}", problem.code, problem.detail)
    return tuple(found)


def taking_of(work: Compiling, key: str, one: written.Reward) -> dict[str, Any]:
    """Compile what a reward says of how it is taken.

    Args:
        work: the compilation; it takes the faults.
        key: its key in the document.
        one: what is written of it.

    Returns:
        Fields of a compiled reward.
    """
    at = f"/rewards/{key}"
    return {
        "stock_by_choice": dict(one.stock_by_choice),
        "price_by_tier": {
            tier: units_of(work, price, f"{at}/price_by_tier/{tier}")
            for tier, price in one.price_by_tier.items()
        },
        "audience": work.expression(one.audience, ACCOUNT, BOOL),
        "at_least": one.at_least or 1,
        "at_most": one.at_most,
        "cooling": span_of(one.cooling) if one.cooling else None,
        "needs": units_of(work, one.needs, f"{at}/needs"),
        "leaves": units_of(work, one.leaves, f"{at}/leaves"),
        "gift": _gift(work, one),
        "adds": span_of(one.adds) if one.adds is not None else None,
        "partner": one.partner or "",
        "gives": one.gives,
        "has_line": has_line(one),
        "is_called_off": one.called_off is not None,
    }


def has_line(one: written.Reward) -> bool:
    """Tell whether members can wait for a seat.

    Args:
        one: what is written of a reward.

    Returns:
        True where its seats are counted and a member takes one by himself.
    """
    return one.seats is not None and one.stock is None and not one.choices and bool(one.price)


def days_of(work: Compiling, one: written.Reward) -> tuple[datetime | None, datetime | None]:
    """Tell when a reward can be had: a donation only as long as its cause is open.

    Args:
        work: the compilation.
        one: what is written of it.

    Returns:
        The first and the last local moment, None without one.
    """
    opens = [opening(one.opens)] if one.opens is not None else []
    until = [closing(one.until)] if one.until is not None else []
    cause = work.definition.causes.get(one.cause or "")
    if cause is not None and one.kind == "donation":
        opens += [opening(cause.starts)] if cause.starts is not None else []
        until += [closing(cause.ends)] if cause.ends is not None else []
    return max(opens, default=None), min(until, default=None)


def _gift(work: Compiling, one: written.Reward) -> Gift | None:
    if one.kind != "donation" or one.cause is None:
        return None
    cause = work.definition.causes.get(one.cause)
    match = one.match if one.match is not None else cause.match if cause is not None else None
    return Gift(
        one.cause,
        round_scaled(one.worth or Decimal(0), currency_digits(work.definition.currency), "half_up"),
        match or Decimal(0),
        cause.match_at_most if cause is not None else None,
    )
