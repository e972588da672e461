"""Members and how they stand, as they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from guerdon.web.api.shapes import Answered, Expiring


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
