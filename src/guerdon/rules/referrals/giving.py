"""What brought an advocate's prize, or an author's, seen as an order of which all can come back."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from guerdon.rules.orders import Order, OrderSettings, read_order
from guerdon.rules.own_events import GIVEN
from guerdon.rules.sent import LineInput, OrderInput

_LINE: Final = "given"
_NOTHING: Final = Decimal(0)


def given_as_order(event_type: str, event_id: str, settings: OrderSettings) -> Order | None:
    """See an event as an order, where it is one that can come back: one piece, for nothing.

    Returns undo what an order brought, by what was recorded. A prize that goes back with a friend's order is
    undone by the same rules, and so is what a post brought that staff hid.

    Args:
        event_type: any type.
        event_id: the event's id at its source.
        settings: the program's.

    Returns:
        The order, None for an event of another type.
    """
    if event_type not in GIVEN:
        return None
    nothing = LineInput(_LINE, name=_LINE, subtotal=_NOTHING)
    return read_order(OrderInput(event_id, (nothing,)), settings, "", "")
