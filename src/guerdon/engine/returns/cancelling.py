"""A redemption that is taken back, as the fact that is decided."""

from __future__ import annotations

import msgspec

from guerdon.engine.commands import CancelRedemption
from guerdon.rewards.redemptions import Issued
from guerdon.rules import events
from guerdon.rules.particulars import Particulars


def cancelling(command: CancelRedemption, issued: Issued) -> events.Event:
    """Make the fact that a redemption is taken back.

    Args:
        command: who asks, and when.
        issued: the redemption, as far as it never changes.

    Returns:
        The event; the units that were paid are found when the account is locked.
    """
    asked = events.CancelRedemption(
        command.redemption_id,
        issued.reward,
        issued.quantity,
        {},
        issued.issued_at,
        issued.member_id,
        command.by,
        issued.choice,
        msgspec.convert(issued.particulars, Particulars, strict=False),
    )
    now = command.received_at
    return events.Event(
        "guerdon.cancel_redemption", now, now, source="guerdon", channel="system", command=asked
    )
