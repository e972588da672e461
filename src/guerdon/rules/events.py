"""What can happen to an account, in the form that `step` decides upon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from guerdon.rules.orders import Order
from guerdon.rules.state import Lot


class Redeem(msgspec.Struct, frozen=True):
    """A member takes a reward."""

    redemption_id: int
    reward: str
    quantity: int = 1
    choice: str = ""


class CancelRedemption(msgspec.Struct, frozen=True):
    """A redemption is taken back and its units return."""

    redemption_id: int
    reward: str
    quantity: int
    spent: Mapping[str, tuple[Lot, ...]]
    """By wallet: the units that were taken, `remaining` being how many from that lot."""
    taken_at: datetime | None = None
    """When it was taken: the limits of that period are freed. None means now."""
    member_id: int | None = None
    """Who took it; None where the account itself did."""


class Adjust(msgspec.Struct, frozen=True):
    """An operator adds or takes units, for a reason."""

    wallet: str
    amount: int
    """In the wallet's scale; negative takes."""
    reason: str


class SendUnits(msgspec.Struct, frozen=True):
    """Units leave for another account."""

    wallet: str
    amount: int
    """In the wallet's scale, more than zero."""
    to_account: int


class ReceiveUnits(msgspec.Struct, frozen=True):
    """Units arrive from another account, lot by lot with their dates."""

    wallet: str
    lots: tuple[Lot, ...]
    from_account: int


class Tick(msgspec.Struct, frozen=True):
    """Time has passed: book what it has done."""


Command = Redeem | CancelRedemption | Adjust | SendUnits | ReceiveUnits | Tick


class Event(msgspec.Struct, frozen=True):
    """An immutable fact, or a command, about one account."""

    type: str
    """Event type such as `order.paid`; commands use `guerdon.` and their name."""
    occurred_at: datetime
    """Dates the fact: schedules, windows, limit periods, the start of pending and expiry. UTC."""
    booked_at: datetime
    """Judges what is available. UTC."""
    source: str = ""
    id: str = ""
    channel: str = ""
    store: str = ""
    order: Order | None = None
    data: Mapping[str, Any] = {}
    """A custom event's data, numbers as exact decimals."""
    command: Command | None = None
