"""Limits and budgets: how often something may happen, per account, per member or over the whole program."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from guerdon.base.calendar import Period, period_start
from guerdon.base.ids import number_text


class Budget(msgspec.Struct, frozen=True):
    """What may be spent in all, or in each period."""

    money: Decimal | None = None
    units: tuple[tuple[str, Decimal], ...] = ()
    """Wallet and whole units."""
    per: Period = "all_time"


class Limits(msgspec.Struct, frozen=True):
    """How often something may happen; each limit is absent where it is None."""

    per_account: Decimal | None = None
    per_member: Decimal | None = None
    total: Decimal | None = None
    per: Period = "all_time"
    budget: Budget | None = None
    part_when_short: bool = False


class Draw(msgspec.Struct, frozen=True):
    """What one use takes from one counter."""

    counter: str
    bound: Decimal
    shared: bool
    """Whether all accounts of the program draw from it."""


class Caps(msgspec.Struct, frozen=True):
    """How many whole units of a wallet an account earns at most; each is absent where it is not named."""

    per_event: Decimal | None = None
    periods: tuple[tuple[Period, Decimal], ...] = ()
    """Most in each such period of local days."""
    balance: Decimal | None = None
    """Nothing is earned above so many units, available and pending ones together."""


NO_LIMITS = Limits()
EARNING_PERIODS: Final[tuple[Period, ...]] = ("day", "week", "month", "quarter", "year")
"""Over which earning can be limited, shortest first."""


def use_draws(limits: Limits, owner: str, member_id: int | None, day: date) -> tuple[Draw, ...]:
    """List the counters that one use of something draws 1 from.

    Args:
        limits: its limits.
        owner: what is limited, such as `campaign/recycle` or `reward/travel_pouch`.
        member_id: who acts; None where the account itself does, which then counts as one more member.
        day: local day of the fact, which chooses the period.

    Returns:
        One draw for each limit, with its bound.
    """
    if limits.per_account is None and limits.per_member is None and limits.total is None:
        return ()
    period = _period(limits.per, day)
    draws = []
    if limits.per_account is not None:
        draws.append(Draw(f"{owner}/account/{period}", limits.per_account, shared=False))
    if limits.per_member is not None:
        who = number_text("mem", member_id) if member_id is not None else "nobody"
        draws.append(Draw(f"{owner}/{who}/{period}", limits.per_member, shared=False))
    if limits.total is not None:
        draws.append(Draw(f"{owner}/total/{period}", limits.total, shared=True))
    return tuple(draws)


def money_draw(limits: Limits, owner: str, day: date) -> Draw | None:
    """Find the counter of a budget in money.

    Args:
        limits: the limits with the budget.
        owner: what is limited.
        day: local day of the fact.

    Returns:
        The counter, in whole units of the currency, or None where there is no such budget.
    """
    if limits.budget is None or limits.budget.money is None:
        return None
    return Draw(f"{owner}/budget/{_period(limits.budget.per, day)}", limits.budget.money, shared=True)


def units_draw(limits: Limits, owner: str, wallet: str, day: date) -> Draw | None:
    """Find the counter of a budget in units of a wallet.

    Args:
        limits: the limits with the budget.
        owner: what is limited.
        wallet: the wallet's key.
        day: local day of the fact.

    Returns:
        The counter, in whole units, or None where there is no such budget.
    """
    if limits.budget is None:
        return None
    for name, bound in limits.budget.units:
        if name == wallet:
            return Draw(f"{owner}/budget.{wallet}/{_period(limits.budget.per, day)}", bound, shared=True)
    return None


def earning_draws(caps: Caps, wallet: str, day: date) -> tuple[Draw, ...]:
    """List the counters of what an account earns.

    Args:
        caps: the wallet's limits.
        wallet: the wallet's key.
        day: local day of the fact.

    Returns:
        One draw for each period, in whole units.
    """
    return tuple(
        Draw(f"wallet/{wallet}/earned/{_period(per, day)}", bound, shared=False)
        for per, bound in caps.periods
    )


def key_part(text: str) -> str:
    """Write a text of any letters so that it is one part of a counter's key.

    Args:
        text: a store's or a cause's key.

    Returns:
        The text without a slash; two texts never give the same.
    """
    return text.replace("%", "%25").replace("/", "%2F")


def store_draw(owner: str, store: str, bound: Decimal, when: tuple[Period, date]) -> Draw:
    """Give the counter of uses in one store.

    Args:
        owner: what is limited.
        store: the store's key, of any letters.
        bound: how often it may happen there.
        when: the period, and a local day in it.

    Returns:
        The counter, of whose key the store is one part.
    """
    return Draw(f"{owner}/store:{key_part(store)}/{_period(*when)}", bound, shared=True)


def balance_counter(wallet: str) -> str:
    """Name what a wallet's balance had room for, as decisions keep it.

    Args:
        wallet: the wallet's key.

    Returns:
        A name as counters have it; nothing counts by it.
    """
    return f"wallet/{wallet}/balance"


def all_draws(limits: Limits, owner: str, member_id: int | None, day: date) -> tuple[Draw, ...]:
    """List every counter that something may draw from, for gathering.

    Args:
        limits: its limits.
        owner: what is limited.
        member_id: who acts, or None.
        day: local day of the fact.

    Returns:
        Draws of uses and of budgets.
    """
    draws = list(use_draws(limits, owner, member_id, day))
    money = money_draw(limits, owner, day)
    if money is not None:
        draws.append(money)
    for wallet, _ in limits.budget.units if limits.budget is not None else ():
        units = units_draw(limits, owner, wallet, day)
        if units is not None:
            draws.append(units)
    return tuple(draws)


def stock_draw(reward: str, stock: int) -> Draw:
    """Give the counter of a reward's stock.

    Args:
        reward: the reward's key.
        stock: how many there are in all.

    Returns:
        The counter of how many were taken.
    """
    return Draw(f"reward/{reward}/stock", Decimal(stock), shared=True)


def _period(per: Period, day: date) -> str:
    # The kind of period is part of the name, so that a month's uses never count for its first day.
    return "ever" if per == "all_time" else f"{per}:{period_start(per, day).isoformat()}"
