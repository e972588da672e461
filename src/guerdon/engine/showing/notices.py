"""Which notices tell of a decision, by name."""

from __future__ import annotations

from typing import Final

from guerdon.rules.challenges import is_level
from guerdon.rules.decision import Decision
from guerdon.rules.events import ARRIVED, LEFT

_UNITS: Final = {
    "award": "units.awarded",
    "redeem": "units.redeemed",
    "cancel": "units.given_back",
    "expire": "units.expired",
    "adjust": "units.adjusted",
    "send": "units.sent",
    "receive": "units.received",
    "convert": "units.converted",
    "return": "units.taken_back",
    "repay": "units.repaid",
    "merge": "units.merged",
}


SEND: Final = "guerdon.send_redemption"
USE: Final = "guerdon.use_redemption"


def notices_of(event_type: str, decision: Decision) -> list[str]:
    """Name what is told of a decision.

    Args:
        event_type: of the event that was decided.
        decision: what was decided.

    Returns:
        The event's own type, and names such as `units.awarded` or `redemption.sent`.
    """
    names = [event_type, *dict.fromkeys(_UNITS[transaction.kind] for transaction in decision.transactions)]
    names += ["account.merged"] if event_type == ARRIVED else []
    names += ["redemption.issued"] if decision.redemptions else []
    names += ["redemption.chosen"] if decision.chosen else []
    names += ["redemption.sent"] if event_type == SEND else []
    names += ["redemption.used"] if decision.used or event_type == USE else []
    names += ["redemption.cancelled"] if decision.cancelled else []
    names += ["redemption.restored"] if decision.restored else []
    # Nobody loses the tier of an account that goes into another one.
    names += ["tier.changed"] if decision.tier_changes and event_type != LEFT else []
    names += ["badge.earned"] if decision.badges else []
    names += ["challenge.completed"] if any(not is_level(one.challenge) for one in decision.reached) else []
    return names
