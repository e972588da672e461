"""What the API's answers look like; from these the OpenAPI description is made."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer."""


class Expiring(Answered, frozen=True):
    """Units that expire together."""

    amount: str
    at: datetime


class BalanceShape(Answered, frozen=True, omit_defaults=True):
    """A wallet after an event."""

    available: str
    """What can be spent; less than nothing where more is owed than is there."""
    pending: str
    held: str
    debt: str = "0"
    """Taken by returns after it was spent; what comes later repays it. Absent where nothing is owed."""
