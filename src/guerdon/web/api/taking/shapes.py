"""What rewards and redemptions look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from guerdon.web.api.shapes import Answered


class RewardShape(Answered, frozen=True):
    """A reward of the catalogue."""

    key: str
    kind: str
    name: str
    price: Mapping[str, str]
    worth: str | None
    tiers: Sequence[str]
    stock_left: int | None
    available: bool | None
    """Whether that member can take it now; null without a member."""
    missing: Mapping[str, str]
    """Units by wallet that the member lacks."""
    reason: str | None
    """Why it cannot be had, beside missing units: `reward_not_for_tier`, `reward_not_yet`, `reward_over`,
    `reward_cooling`, `limit_reached`, `budget_spent`, `out_of_stock`, `reward_not_for_sale`."""
    choices: Sequence[str] = ()
    """What can be chosen of it; empty for any words."""
    choices_left: Mapping[str, int] = {}
    """How many there are of each choice that there is an end of."""
    price_by_tier: Mapping[str, Mapping[str, str]] = {}
    """What it costs for a tier and above; `price` is that member's own."""
    ready_at: datetime | None = None
    """From when on that member can take it again."""
    at_least: int = 1
    at_most: int | None = None
    """How many can be taken at once."""
    needs: Mapping[str, str] = {}
    """What there must be before, by wallet."""
    leaves: Mapping[str, str] = {}
    """What must be left afterwards, by wallet."""
    opens_at: datetime | None = None
    ends_at: datetime | None = None
    """The last moment in which it can be had."""
    cause: str | None = None
    partner: str | None = None
    place: str | None = None
    at: str | None = None
    """When it takes place, on the program's clock."""
    sku: str | None = None
    """The product."""
    collection: str | None = None
    """The products that an access opens."""


class Rewards(Answered, frozen=True):
    """The catalogue."""

    data: Sequence[RewardShape]
    next: str | None


class CardCode(Answered, frozen=True):
    """A gift card that a redemption is."""

    id: str
    code: str
    """Whoever knows it can spend it."""


class RedemptionShape(Answered, frozen=True):
    """One taking of a reward."""

    id: str
    account: str
    member: str | None
    reward: str
    kind: str
    quantity: int
    price: Mapping[str, str]
    code: str | None
    choice: str | None
    campaign: str | None
    status: Literal["issued", "sent", "used", "cancelled"]
    issued_at: datetime
    expires_at: datetime | None
    changed_at: datetime
    tracking: str | None
    """Where to look for it, as whoever sent it noted."""
    chosen_from: str | None = None
    """The reward that it was chosen of."""
    donation: DonationShape | None = None
    warranty: WarrantyShape | None = None
    access: AccessShape | None = None
    content: ContentShape | None = None
    """Only while it stands."""
    partner: PartnerShape | None = None
    place: str | None = None
    at: str | None = None
    """When it takes place, on the program's clock."""
    steps: Sequence[StepShape] = ()
    """What became of it, oldest first."""
    gift_cards: Sequence[CardCode] = ()
    """With the codes, where one redemption is looked at."""


class DonationShape(Answered, frozen=True):
    """Money for a cause."""

    cause: str
    given: str
    """Money of the member."""
    matched: str
    """Money that the shop put on top."""
    receipt: str


class WarrantyShape(Answered, frozen=True):
    """A warranty that became longer."""

    order: str | None
    line: str | None
    sku: str | None
    starts_at: datetime | None
    """When the one before ends."""
    ends_at: datetime | None


class AccessShape(Answered, frozen=True):
    """An access before others; `POST …/members/{ref}/access` gives a token that shops check."""

    starts_at: datetime | None
    ends_at: datetime | None


class ContentShape(Answered, frozen=True):
    """What only those see who took the reward."""

    url: str | None
    text: str | None


class PartnerShape(Answered, frozen=True):
    """Points of a partner."""

    partner: str
    points: str | None
    reference: str | None
    """What the partner calls it, as noted when it was sent."""


class StepShape(Answered, frozen=True):
    """One thing that became of a redemption."""

    status: str
    at: datetime
    by: str | None
    """Who did it; null for the engine itself."""
    tracking: str | None


class Redemptions(Answered, frozen=True):
    """A page of redemptions, newest first."""

    data: Sequence[RedemptionShape]
    next: str | None
