"""What was decided: effects, refusals with their reasons, and the ledger transactions that carry them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

Book = Literal["member", "issued", "redeemed", "expired", "adjusted", "transit", "converted"]
"""Whose side of the ledger: the member's lots, or one of the program's own accounts."""

TransactionKind = Literal["award", "redeem", "cancel", "expire", "adjust", "send", "receive", "convert"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a transaction."""

    book: Book
    amount: int
    """In the wallet's scale; what a member gets is positive on `member` and negative on the other book."""
    available_at: datetime | None = None
    """With `expires_at` the lot, on `member` entries."""
    expires_at: datetime | None = None
    source: str = ""
    """What caused it: a campaign's or reward's key, or empty."""


class Transaction(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A balanced set of entries in one wallet."""

    kind: TransactionKind
    wallet: str
    effective_at: datetime
    """When it holds from: the fact's own time, or the lot's expiry."""
    entries: tuple[Entry, ...]
    """Their amounts sum to zero."""
    redemption_id: int | None = None
    reason: str = ""
    other_account: int | None = None


class Skip(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A campaign that did not act, and why."""

    campaign: str
    reason: str
    """Such as `condition_false`, `limit_reached`, `budget_spent`, `expression_error` or `out_of_schedule`."""
    detail: str = ""


class Effect(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that a campaign did."""

    campaign: str
    kind: Literal["award", "multiply", "redeem", "grant", "badge", "discount", "pay"]
    wallet: str = ""
    amount: int = 0
    """Units in the wallet's scale, for `award` and `pay`; minor units of money, for `discount`."""
    factor: Decimal | None = None
    reward: str = ""
    redemption_id: int | None = None
    code: str = ""
    badge: str = ""
    spent: Mapping[str, int] = {}
    """Units by wallet in its scale, for `redeem`."""


class NewRedemption(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A taking of a reward, to be stored."""

    redemption_id: int
    reward: str
    kind: str
    quantity: int
    price: Mapping[str, int]
    """Units paid by wallet, for all of the quantity."""
    code: str
    campaign: str
    """The campaign that granted or redeemed it, or empty where a member did."""
    expires_at: datetime | None
    choice: str = ""


class Shortfall(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was promised, or is owed, and could not be had."""

    kind: Literal["units", "limit", "coupon", "reward"]
    name: str
    """The wallet, the counter, the coupon's redemption or the reward."""
    amount: Decimal
    """How much is missing: whole units of the wallet, what the counter counts, or pieces."""
    reason: str
    """A stable code, such as `insufficient_units` or `limit_reached`."""


class TierChange(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An account moved on a ladder."""

    ladder: str
    before: str
    after: str
    at: datetime
    cause: Literal["reached", "review", "definition"]


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The whole answer to one event. A refusal has a problem, and then nothing else."""

    version: int
    effects: tuple[Effect, ...] = ()
    skipped: tuple[Skip, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    redemptions: tuple[NewRedemption, ...] = ()
    cancelled: tuple[int, ...] = ()
    """Redemptions taken back."""
    used: tuple[int, ...] = ()
    """Redemptions whose coupons an order used up."""
    drawn: tuple[tuple[str, Decimal], ...] = ()
    """What an order took for its discounts: counters, and how much of each."""
    shortfalls: tuple[Shortfall, ...] = ()
    tier_changes: tuple[TierChange, ...] = ()
    badges: tuple[str, ...] = ()
    late: bool = False
    inputs: Mapping[str, Any] = {}
    """What the campaigns' expressions read, by path: texts, lists and maps of them; no personal values."""
    personal: tuple[str, ...] = ()
    """Paths of the personal values that they read and that were there: the person's own record has them."""
    left: Mapping[str, Decimal] = {}
    """What limits, budgets and stock had left when they were first looked at, by counter (`rules.limits`)."""
    mark: str = ""
    """Shows that `left` is as it was stored."""
    problem_code: str = ""
    problem_pointer: str = ""
    """JSON pointer to the wrong place of what was asked, where there is one."""
    problem_detail: str = ""
