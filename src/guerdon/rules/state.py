"""What one decision may read and change: an account's standing and the program's shared counters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

HoldKind = Literal["units", "use", "shared", "redemption"]
HoldKey = tuple[str, HoldKind, str]
"""The checkout, what kind of thing is set aside, and its name."""


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Units earned together, that become available and expire together."""

    available_at: datetime
    expires_at: datetime | None
    """None where the units never expire, or expire with the wallet's last activity."""
    remaining: int
    """Units left, in the wallet's scale, more than zero while the lot is open."""


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Something set aside for an open checkout, until it is captured, let go or lapses."""

    checkout: str
    """The checkout's id, a UUID as text."""
    kind: HoldKind
    """Units of a wallet, uses of the account's own limit, uses of a shared counter, or a coupon."""
    name: str
    """Wallet, counter key, or the redemption's number."""
    amount: Decimal
    """How much: units in the wallet's scale, or what the counter counts; more than zero."""
    expires_at: datetime
    """From this instant on it binds nobody."""

    @property
    def key(self) -> HoldKey:
        """What tells it from the other holds of its account or program."""
        return self.checkout, self.kind, self.name


class WalletState(msgspec.Struct, frozen=True, gc=False):
    """One wallet of an account, as booked."""

    available: int = 0
    """Units that can be spent, holds not yet taken off; in the wallet's scale."""
    pending: int = 0
    """Units earned that are not available yet."""
    held: int = 0
    """Units set aside for open checkouts."""
    changes_at: datetime | None = None
    """The earliest instant at which time alone changes these figures, or None."""
    idle_expires_at: datetime | None = None
    """When everything expires for want of activity, where the wallet works so."""
    lots: tuple[Lot, ...] | None = ()
    """Open lots in the order in which they are spent; None where gathering found no need to read them."""
    debt: int = 0
    """Units that returns took and that were spent before; what comes later repays them."""

    @property
    def free(self) -> int:
        """What can be spent now: less than nothing where more is owed than is there."""
        return self.available - self.held - self.debt


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """What a metric counted in one bucket of days."""

    total: Decimal = Decimal(0)
    """Exact sum of the metric's values; for what is no sum, what the bucket comes to alone."""
    count: int = 0
    """How many events were counted."""
    held: Mapping[str, int] = {}
    """Values with how often each was counted, for what is no sum: so they can be taken out again."""


class LostTier(msgspec.Struct, frozen=True, gc=False):
    """A tier that was lost, until campaigns are told of it."""

    before: str
    after: str
    at: datetime
    cause: str


class GivenTier(msgspec.Struct, frozen=True, gc=False):
    """A tier that an operator gave, to its end."""

    tier: str
    until: datetime | None
    """From this instant on it is given no more; None has no end."""


class TierState(msgspec.Struct, frozen=True, gc=False):
    """Where an account stands on one ladder."""

    level: str
    """The tier held now."""
    since: datetime
    """When it began to be held."""
    changes_at: datetime | None
    """The next instant at which a review or the end of a grace may change it, or None."""
    anchor_level: str
    """The tier from which reviews are worked out anew, at the beginning of `anchor_on`."""
    anchor_on: date
    """First local day of the period in which that was the tier held at its beginning."""
    definition: str
    """Hash of the ladder and its metric when the anchor was set."""
    earned: str = ""
    """The tier that is earned, where an operator gave a higher one; empty where it is the one held."""
    given: str = ""
    """The tier that an operator gave, or empty."""
    given_until: datetime | None = None
    """From this instant on it is given no more; None has no end."""
    lost: tuple[LostTier, ...] = ()
    """What campaigns are still to be told of."""
    given_next: tuple[GivenTier, ...] = ()
    """What holds once `given` has ended, each lower than the one before and with a later end: of accounts
    that became one."""

    @property
    def own_level(self) -> str:
        """The tier that the metrics alone give."""
        return self.earned or self.level

    def is_due(self, now: datetime) -> bool:
        """Tell whether a review or the end of a grace may have changed it by an instant.

        Args:
            now: the instant, UTC.

        Returns:
            True where it is to be worked out anew.
        """
        return self.changes_at is not None and self.changes_at <= now


class MemberState(msgspec.Struct, frozen=True, gc=False):
    """The person who acts, without anything that names them."""

    member_id: int
    role: str = "owner"
    language: str = ""
    birthday: str = ""
    """Month and day as `MM-DD`, or empty."""
    joined_at: datetime | None = None
    attributes: Mapping[str, Any] = {}
    consents: Mapping[str, bool] = {}


class Taking(msgspec.Struct, frozen=True, gc=False):
    """That an account took a reward."""

    redemption_id: int
    at: datetime
    """When it was booked."""


class Begun(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an account began with a step of a challenge."""

    since: datetime
    """What happened from this instant on counts."""
    metric: str = ""
    """The metric's identity, of whose bucket at that instant `before` tells."""
    before: Bucket | None = None
    """What that bucket held of earlier facts."""
    goal: Decimal | None = None
    """The goal that was reckoned for the account, where it has one of its own."""
    done_at: datetime | None = None
    """When the step was done, for challenges of several."""


class Noted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened to an account in a challenge."""

    at: datetime
    what: Literal["begun", "joined", "left", "step", "reached", "undone"]
    round: int = 0
    """Which prize of the account's, from 1, or which step."""
    value: Decimal | None = None
    """The metric's value then."""


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far an account is with a challenge, as far as its metrics do not tell."""

    joined_at: datetime | None = None
    """None where the account does not take part, or need not join."""
    steps: tuple[Begun, ...] = ()
    """Where the steps began; empty where all that ever happened counts."""
    rounds: Mapping[str, int] = {}
    """By the first day of the metric's window: how many prizes were reached in it and stand."""
    past: tuple[tuple[Begun, ...], ...] = ()
    """Where the rounds before this one began, the last ones of them."""
    reached_at: datetime | None = None
    """When a prize was last reached."""
    history: tuple[Noted, ...] = ()
    """What happened, the last of it."""
    revision: int = 0
    """How often it was written."""

    @property
    def times(self) -> int:
        """How many prizes were reached and stand."""
        return sum(self.rounds.values())


Takings = Mapping[str, tuple[Taking, ...]]
"""By reward: what was taken of it and not given back."""


class AccountState(msgspec.Struct, frozen=True):
    """All that decisions about one account read and change."""

    account_id: int
    kind: str = "person"
    created_at: datetime | None = None
    last_occurred_at: datetime | None = None
    """The latest fact's own time; an earlier one that arrives is late."""
    last_booked_at: datetime | None = None
    wallets: Mapping[str, WalletState] = {}
    buckets: Mapping[tuple[str, date], Bucket] = {}
    """By metric identity (`name@hash`) and first day of the bucket, as far as gathered."""
    tiers: Mapping[str, TierState] = {}
    counters: Mapping[str, Decimal] = {}
    """Uses of limits, by counter key (`rules.limits`)."""
    badges: Mapping[str, datetime] = {}
    owner: MemberState | None = None
    members: int = 1
    holds: Mapping[HoldKey, Hold] = {}
    """What the account's open checkouts have set aside of its own; it is inside `held` and `counters`."""
    takings: Takings = {}
    """Of rewards that make wait between takings, as far as gathered."""
    challenges: Mapping[str, Progress] = {}
    """By challenge: how far the account is, as far as its metrics do not tell."""


class Shared(msgspec.Struct, frozen=True):
    """Counters that all accounts of a program draw from: totals of limits, budgets, stock."""

    counters: Mapping[str, Decimal] = {}
    """What has been taken, by counter key; absent means nothing. What is on hold is inside."""
    holds: Mapping[HoldKey, Hold] = {}
    """Holds on these counters, as far as gathered: those that have lapsed and those of this checkout."""


class State(msgspec.Struct, frozen=True):
    """What `step` reads and gives back changed."""

    account: AccountState
    member: MemberState | None
    """Who acts; None where the account itself does."""
    shared: Shared
