"""Bodies of calls about gift cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from guerdon.web.api.shapes import Answered, BalanceShape, Expiring

Reason = Annotated[str, msgspec.Meta(max_length=1_000)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=160)]


class NewCards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gift cards that are wanted."""

    amount: Decimal
    """Money on each."""
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    expires_at: datetime | None = None
    """From this instant on the money is gone; as the wallet says where nothing is said."""
    reason: Reason = ""


class TopUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money that comes onto a card."""

    amount: Decimal
    expires_at: datetime | None = None
    reason: Reason = ""


class Blocking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a card is blocked, or good again."""

    reason: Reason = ""


class Replacing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a card is replaced."""

    reason: Reason = ""


class CodeAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code, which stands in no address."""

    code: Code


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose store credit a card becomes."""

    code: Code
    member: str
    """An id, or `card:…`, `email:…`, `phone:…`, `external:…`."""
    wallet: str = ""
    """Which store credit, where the program has several."""


class CardShape(Answered, frozen=True):
    """A gift card; its code is not shown again."""

    id: str
    ending: str
    """The code's last four letters."""
    currency: str
    balance: str
    """What can be spent now."""
    held: str
    """What open carts have set aside."""
    expiring: Sequence[Expiring]
    """What expires when, soonest first."""
    blocked: bool
    blocked_at: datetime | None
    replaced_by: str | None
    """The card that took its place, and has what comes back for it."""
    opened_at: datetime
    account: str
    """Its account, whose ledger shows what came and went."""
    redemption: str | None
    """The redemption that it is."""


class MadeCard(Answered, frozen=True):
    """A new gift card."""

    id: str
    code: str
    """Whoever knows it can spend it; it is stored nowhere."""
    ending: str
    amount: str
    expires_at: datetime | None


class NewInPlace(MadeCard, frozen=True):
    """A new gift card in the place of another one."""

    replaces: str
    """The card that pays nothing any more."""


class MadeCards(Answered, frozen=True):
    """New gift cards with their codes."""

    data: Sequence[MadeCard]


class Cards(Answered, frozen=True):
    """A page of gift cards, newest first."""

    data: Sequence[CardShape]
    next: str | None


class Claimed(Answered, frozen=True):
    """What became of a card's money."""

    account: str
    member: str
    balances: dict[str, BalanceShape]
    transactions: Sequence[str]
