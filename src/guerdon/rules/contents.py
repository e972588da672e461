"""All that an account has, written down so that another one can take it over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec

from guerdon.rules.lots import sort_lots
from guerdon.rules.state import AccountState, Bucket, Lot, Progress, Taking, TierState, WalletState


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in one wallet."""

    lots: tuple[Lot, ...] = ()
    """Open lots in the order of their dates."""
    debt: int = 0
    """Units owed, in the wallet's scale."""
    idle_expires_at: datetime | None = None
    """When everything expires for want of activity, where the wallet works so."""


class Counted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a metric counted in one bucket."""

    metric: str
    """`key@hash`."""
    on: date
    """First local day of the bucket."""
    bucket: Bucket


class Contents(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account's standing at the instant at which it goes to another one."""

    wallets: Mapping[str, Carried] = {}
    buckets: tuple[Counted, ...] = ()
    tiers: Mapping[str, TierState] = {}
    counters: Mapping[str, Decimal] = {}
    badges: Mapping[str, datetime] = {}
    takings: Mapping[str, tuple[Taking, ...]] = {}
    challenges: Mapping[str, Progress] = {}
    last_occurred_at: datetime | None = None
    """The latest fact's own time."""


def contents_of(account: AccountState, metrics: Collection[str]) -> Contents:
    """Write down what an account has, in one order whatever order it was gathered in.

    Args:
        account: settled, with all of its lots, buckets, counters and takings gathered.
        metrics: identities of those that the live definition has; what others counted is not carried on.

    Returns:
        Its contents; what is empty is left out.
    """
    return Contents(
        wallets={
            key: Carried(_in_order(wallet), wallet.debt, wallet.idle_expires_at)
            for key, wallet in sorted(account.wallets.items())
            if wallet.lots or wallet.debt
        },
        buckets=tuple(
            Counted(metric, on, bucket)
            for (metric, on), bucket in sorted(account.buckets.items(), key=_place)
            if metric in metrics
        ),
        tiers=dict(sorted(account.tiers.items())),
        counters={key: used for key, used in sorted(account.counters.items()) if used},
        badges=dict(sorted(account.badges.items())),
        takings={
            key: tuple(sorted(some, key=_number)) for key, some in sorted(account.takings.items()) if some
        },
        challenges=dict(sorted(account.challenges.items())),
        last_occurred_at=account.last_occurred_at,
    )


def _in_order(wallet: WalletState) -> tuple[Lot, ...]:
    assert wallet.lots is not None, "gather reads the lots of an account that is merged"
    return sort_lots(wallet.lots, "earned_first")


def _place(one: tuple[tuple[str, date], Bucket]) -> tuple[str, date]:
    return one[0]


def _number(taking: Taking) -> int:
    return taking.redemption_id
