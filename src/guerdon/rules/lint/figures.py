"""What the history at hand says, as values that a caller gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Spread:
    """How a metric's values lie over accounts, each account with the greatest value that it ever had."""

    accounts: int
    """Accounts for which it counted anything."""
    median: Decimal
    ninetieth: Decimal
    """Nine of ten accounts have at most this."""
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """What a wallet holds over all accounts."""

    accounts: int
    """Accounts with anything in it, pending units and debts included."""
    units: int
    """Available and pending units together, in the wallet's scale."""


@dataclass(frozen=True, slots=True)
class LadderMoves:
    """Whom a changed ladder moves."""

    up: int
    """Accounts that have reached a higher tier than they hold, at their next event or nightly tick."""
    down: int
    """Accounts that have not reached the tier they hold, at their next review as things stand."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The history of one program, as far as it was looked at."""

    at: datetime
    """The instant of asking, UTC; schedules that are over by then are over."""
    accounts: int = 0
    """How many accounts there are; the figures below are of `looked_at` of them."""
    looked_at: int = 0
    """How many accounts were looked at: all, or a sample of very many."""
    events: Mapping[str, int] = field(default_factory=dict)
    """Event type → how many were seen among the latest ones."""
    metrics: Mapping[str, Spread] = field(default_factory=dict)
    """By name, for metrics that have counted anything under their present definition."""
    wallets: Mapping[str, Holding] = field(default_factory=dict)
    """By wallet, those that anybody holds anything in."""
    ladders: Mapping[str, LadderMoves] = field(default_factory=dict)
    """By ladder, as the new definition would have it."""
    open_redemptions: Mapping[str, int] = field(default_factory=dict)
    """Reward → how many were taken and neither used nor cancelled."""
