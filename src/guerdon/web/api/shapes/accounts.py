"""Accounts, merges and ledgers, as they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guerdon.web.api.shapes import Answered, BalanceShape
from guerdon.web.api.shapes.members import BadgeShape, TierShape, WalletShape


class AccountShape(Answered, frozen=True):
    """An account with its people and its standing."""

    id: str
    kind: str
    created_at: datetime
    members: Sequence[str]
    at: datetime
    """The instant that the balances hold for."""
    wallets: Mapping[str, WalletShape]
    tiers: Mapping[str, TierShape]
    badges: Sequence[BadgeShape]
    merged_into: str | None = None
    """The account that stands for this one since it was merged: what comes for it lands there."""
    merged_from: Sequence[str] = ()
    """The accounts for which this one stands."""


class MovedUnits(Answered, frozen=True):
    """What goes over in one wallet."""

    available: str
    pending: str
    debt: str
    """What is owed, and goes over as well; what is there repays it."""


class JoinedTier(Answered, frozen=True):
    """What becomes of a ladder's tiers."""

    account: str
    """The tier of the account that goes."""
    before: str
    """The tier of the account that stays, as it was."""
    after: str
    """The higher of both, or what both have reached together."""


class MovedRedemptions(Answered, frozen=True):
    """How many redemptions go over."""

    all: int
    open: int
    """Those that can still be used."""


class MergeShape(Answered, frozen=True):
    """What goes from one account to another, or would."""

    account: str
    """The account that goes."""
    into: str
    """The account that stays."""
    wallets: Mapping[str, MovedUnits]
    tiers: Mapping[str, JoinedTier]
    badges: Sequence[str]
    """Those that the account that stays did not have."""
    redemptions: MovedRedemptions
    carts: int
    """Open carts that hold nothing any more; they can still be paid."""
    members: int
    """How many people act for the other account from now on."""
    balances: Mapping[str, BalanceShape]
    """What the account that stays has then."""
    transactions: Sequence[str]
    """Ids of the ledger transactions of the account that stays; none where it is only looked."""


class PastWallet(Answered, frozen=True):
    """A wallet as it was at an instant, by the ledger's entries."""

    available: str
    pending: str


class PastAccount(Answered, frozen=True):
    """An account's balances as they were at an instant."""

    id: str
    kind: str
    at: datetime
    wallets: Mapping[str, PastWallet]


class AccountLine(Answered, frozen=True):
    """An account in a list."""

    id: str
    kind: str
    created_at: datetime
    members: int


class Accounts(Answered, frozen=True):
    """A page of accounts, oldest first."""

    data: Sequence[AccountLine]
    next: str | None


class EntryShape(Answered, frozen=True):
    """A line of a transaction; amounts of one transaction sum to zero."""

    book: str
    amount: str
    available_at: datetime | None
    expires_at: datetime | None
    source: str | None


class TransactionShape(Answered, frozen=True):
    """A balanced set of entries."""

    id: str
    seq: int
    kind: str
    wallet: str
    amount: str
    """What the account gained or lost."""
    effective_at: datetime
    booked_at: datetime
    event: str
    redemption: str | None
    other_account: str | None
    reason: str | None
    hash: str
    entries: Sequence[EntryShape]


class Ledger(Answered, frozen=True):
    """A page of transactions, newest first."""

    data: Sequence[TransactionShape]
    next: str | None


class Posting(Answered, frozen=True):
    """What became of an adjustment or a transfer."""

    account: str
    balances: Mapping[str, BalanceShape]
    transactions: Sequence[str]
