"""What accesses, their tokens and their keys look like on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from guerdon.web.api.shapes import Answered


class AccessKeys(Answered, frozen=True):
    """Public keys of a program, as a JSON Web Key Set."""

    keys: list[dict[str, str]]
    """Of all whose tokens are good, the one that signs last."""


class Rotating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is replaced."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=8_784)] = 720
    """How long what the present key signed is still good. Tokens last 15 minutes; tickets are shown later."""


class AccessKeyShape(Answered, frozen=True):
    """A key whose tokens are good."""

    number: int
    kid: str
    """As heads of tokens name it."""
    since: datetime | None
    ends_at: datetime | None
    """When what it signed is good no more; null for the one that signs."""


class Checking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token that somebody showed."""

    token: Annotated[str, msgspec.Meta(max_length=2_000)]


class Checked(Answered, frozen=True):
    """What a token is good for."""

    good: bool
    reason: str | None
    """Why not: `access_token_invalid`, `access_token_expired`, `access_lost`, `access_not_taken`,
    `access_not_yet`, `access_over`, `redemption_used`, `redemption_cancelled`, or why the reward is for
    others, as the catalogue says it."""
    account: str | None = None
    member: str | None = None
    reward: str | None = None
    redemption: str | None = None
    sku: str | None = None
    collection: str | None = None
    expires_at: datetime | None = None
    """When the token is over."""
    ends_at: datetime | None = None
    """When the access is, null without end."""


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which access is meant; all of them without it."""

    reward: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class EntryShape(Answered, frozen=True):
    """An access as it stands for a member."""

    reward: str
    name: str
    sku: str | None
    """The product that it opens."""
    collection: str | None
    """The products that it opens."""
    token: str | None
    """A JSON Web Token for the audience `shop`; null where the member may not come in."""
    expires_at: datetime | None
    """When the token is over: in 15 minutes, or sooner with the access. Ask again for another."""
    reason: str | None
    """Why there is none: `access_not_taken`, `access_not_yet`, `access_over`, `reward_not_for_tier`,
    `reward_not_yet` or `reward_over`."""
    redemption: str | None
    """What was taken; null where the access need not be taken."""
    ends_at: datetime | None
    """When the access is over by itself."""


class Entries(Answered, frozen=True):
    """Accesses of a member."""

    data: Sequence[EntryShape]
    next: str | None
