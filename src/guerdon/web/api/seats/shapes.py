"""What waiting lists, tickets and the door look like on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from guerdon.web.api.shapes import Answered


class WaitShape(Answered, frozen=True):
    """A place in a line."""

    reward: str
    number: int
    """The order of the line; numbers of those who left are missing."""
    member: str
    state: Literal["waiting", "called", "seated", "left", "passed"]
    place: int | None
    """1 for who is next; null for who waits no more."""
    joined_at: datetime
    changed_at: datetime
    reason: str | None = None
    """Why somebody was passed over, such as `insufficient_units`."""
    redemption: str | None = None
    """The seat, where there is one."""


class Waits(Answered, frozen=True):
    """Places in lines."""

    data: Sequence[WaitShape]
    next: str | None


class TicketShape(Answered, frozen=True):
    """What a member shows at the door."""

    redemption: str
    reward: str
    name: str
    quantity: int
    """How many people it lets in, together."""
    at: str | None
    """When it takes place, on the program's clock."""
    place: str | None
    code: str
    """A JSON Web Token for the audience `door`; the key to check it is at `…/access/keys`."""
    qr: str
    """The code as a picture: an SVG element."""


class CheckinShape(Answered, frozen=True):
    """Who comes in."""

    redemption: str
    reward: str
    name: str
    account: str
    quantity: int
    checked_in_at: datetime
