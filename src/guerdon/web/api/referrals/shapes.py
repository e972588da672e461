"""What calls about invitations answer; friends are numbers, and nobody is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guerdon.web.api.shapes import Answered


class FriendShape(Answered, frozen=True):
    """A friend, as who invited them sees it."""

    id: str
    """The invitation's."""
    state: str
    """`joined`, `held`, `completed`, `refused` or `reversed`."""
    joined_at: datetime
    completed_at: datetime | None


class RungShape(Answered, frozen=True):
    """What several friends bring besides."""

    friends: int
    reached: bool


class InvitationsShape(Answered, frozen=True):
    """A member's invitations."""

    member: str
    code: str
    """As people read it, such as `7K2M-9QXA`."""
    link: str
    """The path of the page that keeps the code for whoever follows it."""
    completed: int
    """How many friends have come, and stand."""
    ladder: Sequence[RungShape]
    data: Sequence[FriendShape]
    """Newest first."""
    next: str | None


class ReferralShape(Answered, frozen=True):
    """An invitation, as the program's people see it."""

    id: str
    friend: str
    advocate: str
    state: str
    reasons: Sequence[str]
    """What was found in review: `same_person`, `circle`, `same_address`, `same_card`, `same_device`."""
    joined_at: datetime
    completed_at: datetime | None
    decided_by: str | None


class Referrals(Answered, frozen=True):
    """A page of a program's invitations."""

    data: Sequence[ReferralShape]
    next: str | None
