"""What the API's answers look like; from these the OpenAPI description is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer."""


class Expiring(Answered, frozen=True):
    """Units that expire together."""

    amount: str
    at: datetime


class WalletShape(Answered, frozen=True, omit_defaults=True):
    """A wallet; all amounts are decimal strings."""

    available: str
    """What can be spent now."""
    pending: str
    """Earned, and not available yet."""
    held: str
    """Set aside for open checkouts."""
    expiring: Sequence[Expiring]
    debt: str = "0"
    """Taken by returns after it was spent; what comes later repays it. Absent where nothing is owed."""


class WayShape(Answered, frozen=True):
    """What a tier still takes; values are decimal strings by metric."""

    tier: str
    missing: Mapping[str, str]
    """How much more of each metric it takes; `0` where it is there."""
    have: Mapping[str, str]
    need: Mapping[str, str]
    reached_by: Literal["every", "any"]
    """Whether every one of the metrics is needed, or any of them is enough."""
    by: datetime | None
    """From this instant on what is counted now counts no more, or the tier is lost; null without end."""


class BenefitShape(Answered, frozen=True, omit_defaults=True):
    """What a tier brings."""

    benefit: str
    """The word that expressions read."""
    kind: str | None = None
    name: Any = None
    """A text, or texts by language."""
    description: Any = None
    rate: str | None = None
    price_list: str | None = None
    ahead: str | None = None


class GivenShape(Answered, frozen=True):
    """A tier that an operator gave, to its end."""

    tier: str
    until: datetime | None


class TierShape(Answered, frozen=True):
    """Where an account stands on a ladder."""

    tier: str
    since: datetime | None
    review_at: datetime | None
    """The next instant at which it may change without anything being bought."""
    rate: str
    benefits: Sequence[BenefitShape]
    next: WayShape | None
    """The way to the next tier that can be reached; null at the top."""
    keep: WayShape | None
    """What keeps this tier, and until when it holds if nothing is done; null where nothing takes it away."""
    earned: str
    """The tier without what an operator gave."""
    given: str | None
    """The tier that an operator gave, which may be lower than what is earned."""
    given_until: datetime | None
    given_next: Sequence[GivenShape] = ()
    """What was given besides, to accounts that became one, and holds once that has ended."""


class TierGiven(Answered, frozen=True):
    """An account's standing after an operator gave it a tier, or took one back."""

    account: str
    ladder: str
    standing: TierShape


class BadgeShape(Answered, frozen=True):
    """A badge that was earned."""

    badge: str
    earned_at: datetime


class ConsentShape(Answered, frozen=True):
    """What a member said to a topic."""

    given: bool
    at: datetime


class MemberShape(Answered, frozen=True):
    """A member with the account's standing."""

    id: str
    account: str
    card: str
    external_id: str | None
    email: str | None
    phone: str | None
    name: str | None
    birthday: str | None
    language: str | None
    role: str
    joined_at: datetime
    attributes: Mapping[str, Any]
    consents: Mapping[str, ConsentShape]
    wallets: Mapping[str, WalletShape]
    tiers: Mapping[str, TierShape]
    badges: Sequence[BadgeShape]
    segments: Sequence[str]
    """Keys of those that the account is in now."""


class MemberLine(Answered, frozen=True):
    """A member in a list."""

    id: str
    account: str
    card: str
    external_id: str | None
    email: str | None
    phone: str | None
    name: str | None
    language: str | None
    role: str
    joined_at: datetime


class Members(Answered, frozen=True):
    """A page of members, newest first."""

    data: Sequence[MemberLine]
    next: str | None


class Erased(Answered, frozen=True):
    """Who was forgotten; the account and its ledger stay."""

    id: str
    account: str
    erased_at: datetime


class BalanceShape(Answered, frozen=True, omit_defaults=True):
    """A wallet after an event."""

    available: str
    """What can be spent; less than nothing where more is owed than is there."""
    pending: str
    held: str
    debt: str = "0"
    """Taken by returns after it was spent; what comes later repays it. Absent where nothing is owed."""


class ErrorPlace(Answered, frozen=True):
    """A wrong place of an input."""

    pointer: str
    code: str
    detail: str


class RowProblem(Answered, frozen=True):
    """Why an event was rejected."""

    code: str
    detail: str
    errors: Sequence[ErrorPlace] = ()


class EventAnswer(Answered, frozen=True):
    """What became of an event."""

    id: str
    status: Literal["applied", "duplicate", "rejected"]
    effects: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[Mapping[str, str]] = ()
    balances: Mapping[str, BalanceShape] = {}
    late: bool = False
    guest: bool = False
    returned: Mapping[str, Any] = {}
    """What came back of an order, and what that undid."""
    shortfalls: Sequence[Mapping[str, str]] = ()
    problem: RowProblem | None = None


class EventShape(Answered, frozen=True):
    """An event as it was taken in, without personal values."""

    id: str
    source: str
    type: str
    time: datetime
    booked_at: datetime
    account: str | None
    member: str | None
    channel: str | None
    store: str | None
    order: str | None
    program_version: int
    late: bool
    data: Any
    effects: Sequence[Mapping[str, Any]]
    skipped: Sequence[Mapping[str, str]]


class Events(Answered, frozen=True):
    """A page of events, newest first."""

    data: Sequence[EventShape]
    next: str | None


class OrderShape(Answered, frozen=True):
    """A paid order with what it brought about."""

    id: str
    source: str
    event: str
    time: datetime
    account: str | None
    member: str | None
    channel: str | None
    store: str | None
    order: Any
    effects: Sequence[Mapping[str, Any]]
    skipped: Sequence[Mapping[str, str]]


class Orders(Answered, frozen=True):
    """A page of orders, newest first."""

    data: Sequence[OrderShape]
    next: str | None


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


class ProgramShape(Answered, frozen=True):
    """A version of a program."""

    program: str
    version: int
    live: bool
    sha256: str
    applied_by: str
    applied_at: datetime
    definition: Any
    """The definition in canonical form."""
    source: str
    """The document as it was sent."""
    counting: CountingShape | None = None
    """How far metrics are counted from history, of the live version."""


class CountingShape(Answered, frozen=True):
    """How far new and changed metrics are counted from history."""

    waiting: int
    """Accounts that are not counted yet; each is at the latest before its next decision."""
    accounts: int
    """All accounts to which anything happened."""


class ProgramLine(Answered, frozen=True):
    """A program in a list."""

    program: str
    version: int


class Programs(Answered, frozen=True):
    """The tenant's programs."""

    data: Sequence[ProgramLine]
    next: str | None


class VersionShape(Answered, frozen=True):
    """A version without its text."""

    version: int
    sha256: str
    applied_by: str
    applied_at: datetime


class Versions(Answered, frozen=True):
    """All versions of a program, newest first."""

    data: Sequence[VersionShape]
    next: str | None


class ChangeShape(Answered, frozen=True):
    """One thing that a definition changes."""

    section: str
    pointer: str
    kind: str
    """`added`, `removed` or `changed`."""
    sentence: str
    before: Any
    after: Any


class DifferenceShape(Answered, frozen=True):
    """What lies between two versions."""

    program: str
    before: int
    after: int
    changes: Sequence[ChangeShape]
    """Empty where both say the same."""


class WarningShape(Answered, frozen=True):
    """Something that is allowed, and that somebody should look at."""

    code: str
    pointer: str
    place: str
    sentence: str
    advice: str


class Applied(Answered, frozen=True):
    """What became of applying a definition, or with `dry_run` what would become of it."""

    program: str
    version: int
    changed: bool
    """False where the live version says the same already."""
    dry_run: bool
    changes: Sequence[ChangeShape]
    warnings: Sequence[WarningShape]


class Health(Answered, frozen=True):
    """Whether it lives, or is ready."""

    status: str
