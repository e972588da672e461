"""The events by which the engine hears of invitations; the same facts always give the same event."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from guerdon.base.exact import plain_text
from guerdon.base.ids import number_text
from guerdon.rules.own_events import REFERRAL_COMPLETED, REFERRAL_JOINED, REFERRAL_REVERSED, REFERRALS


class Completed(NamedTuple):
    """An invitation that brings the advocate's prize."""

    friend_id: int
    """The member who was invited; it names the invitation."""
    advocate_id: int
    event: str
    """The friend's event that counted, a UUID as text."""
    friends: int
    """How many friends have come with this one."""
    net: Decimal
    """What the friend's order came to, in whole units of the currency."""
    at: datetime


def referral_text(friend_id: int) -> str:
    """Name an invitation.

    Args:
        friend_id: the member who was invited.

    Returns:
        Such as `ref_01h8xj3q0abcd`.
    """
    return number_text("ref", friend_id)


def joined_name(friend_id: int) -> str:
    """Name the event by which a friend is invited.

    Args:
        friend_id: the member who was invited.

    Returns:
        Its id at its source.
    """
    return f"{referral_text(friend_id)}/joined"


def completed_name(friend_id: int, event: str) -> str:
    """Name the event that brings the advocate's prize.

    Args:
        friend_id: the member who was invited.
        event: the friend's event that counted, a UUID as text.

    Returns:
        Its id at its source, which no other event of the friend's gives.
    """
    return f"{referral_text(friend_id)}/{event}"


def joined_event(friend_id: int, at: datetime) -> bytes:
    """Write the event by which a friend is invited.

    Args:
        friend_id: the member who was invited.
        at: when, UTC.

    Returns:
        A CloudEvent as JSON.
    """
    data = {"referral": referral_text(friend_id)}
    return _event((joined_name(friend_id), REFERRAL_JOINED), friend_id, at, data)


def completed_event(one: Completed) -> bytes:
    """Write the event that brings the advocate's prize.

    Args:
        one: what it says.

    Returns:
        A CloudEvent as JSON.
    """
    data = {
        "referral": referral_text(one.friend_id),
        "friends": one.friends,
        "net": plain_text(one.net),
    }
    name = completed_name(one.friend_id, one.event)
    return _event((name, REFERRAL_COMPLETED), one.advocate_id, one.at, data)


def reversed_event(one: Completed, at: datetime) -> bytes:
    """Write the event that takes the advocate's prize back.

    Args:
        one: what was told before.
        at: when, UTC; the event is the same whenever it is told.

    Returns:
        A CloudEvent as JSON.
    """
    name = completed_name(one.friend_id, one.event)
    data = {"order": name, "id": f"{name}/back", "all": True}
    return _event((f"{name}/back", REFERRAL_REVERSED), one.advocate_id, at, data)


def _event(named: tuple[str, str], member_id: int, at: datetime, data: dict[str, Any]) -> bytes:
    name, kind = named
    return json.dumps(
        {
            "specversion": "1.0",
            "id": name,
            "source": REFERRALS,
            "type": kind,
            "time": at.isoformat(),
            "subject": number_text("mem", member_id),
            "data": data,
        }
    ).encode()
