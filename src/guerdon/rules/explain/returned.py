"""What came back of an order, said: the money, what was undone for it, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from guerdon.base.exact import plain_text, scaled_text
from guerdon.rules.decision import Decision, Returned, Undone, UnitsUndone
from guerdon.rules.program import Program

_KEPT: Final = {
    "redemption_used": "it was used by then",
    "redemption_sent": "it was on its way by then",
    "redemption_expired": "its time was over by then",
    "coupon_not_used": "it could be used again already",
}
_MISSING: Final = {
    "stopped_at_zero": "were not there any more, and the wallet stops at zero",
    "unknown_wallet": "have no wallet any more",
    "discount_not_met": "of its discount stays on what remains, which would not bring it",
    "redemption_used": "was used by then",
    "redemption_sent": "was on its way by then",
    "redemption_expired": "was over by then",
}


class Came(msgspec.Struct, frozen=True):
    """One return of an order."""

    at: datetime
    decision: Decision
    """About the return."""
    program: Program
    """The version that decided the order."""


def as_came(one: Came) -> dict[str, Any]:
    """Show what a return undid and why.

    Args:
        one: the return.

    Returns:
        JSON: the return's id, its time, and sentences.
    """
    returned = one.decision.returned
    name = returned.id if returned is not None else ""
    return {"id": name, "time": one.at.isoformat(), "said": list(came_in_words(one))}


def came_in_words(one: Came) -> Iterator[str]:
    """Say what a return undid and why.

    Args:
        one: the return.

    Yields:
        Sentences without a full stop.
    """
    returned, program = one.decision.returned, one.program
    if returned is None:
        return
    for line in returned.lines:
        money = scaled_text(line.total, program.digits)
        yield f"{plain_text(line.quantity)} of line {line.id} came back, for which {money} was charged"
    if returned.with_shipping:
        money = scaled_text(returned.shipping + returned.shipping_tax, program.digits)
        yield f"shipping is refunded: {money}"
    for units in returned.units:
        yield from _units(units, program.scales.get(units.wallet, 0))
    for undone in returned.undone:
        yield _undone(undone, returned, program)
    for missing in one.decision.shortfalls:
        why = _MISSING.get(missing.reason, missing.reason)
        yield f"{plain_text(missing.amount)} {missing.name} {why}"


def _units(one: UnitsUndone, scale: int) -> Iterator[str]:
    if one.taken:
        owed = f", {scaled_text(one.debt, scale)} of which are owed" if one.debt else ""
        yield (
            f"{scaled_text(one.taken, scale)} {one.wallet} that it had brought were taken back, in proportion"
            f" to the money{owed}"
        )
    if one.expired:
        yield f"{scaled_text(one.expired, scale)} {one.wallet} that it had brought had expired"
    if one.given_back:
        yield f"{scaled_text(one.given_back, scale)} {one.wallet} that had paid for it were given back"


def _undone(one: Undone, returned: Returned, program: Program) -> str:
    named = {
        "reward": f"{one.reward} was taken back",
        "coupon": f"the coupon {one.reward} can be used again".replace("  ", " "),
        "badge": f"the badge {one.badge} was taken back",
        "ticket": f"the ticket of {one.campaign} was taken back",
        "limit": f"a use of {one.campaign} is free again",
        "challenge": f"the goal of {one.campaign.partition(':')[2]} is not reached any more",
    }[one.kind]
    if one.kept:
        kept = one.reward or one.badge or one.campaign or "the coupon"
        return f"{kept} stays as it is: {_KEPT.get(one.kept, one.kept)}"
    if returned.is_last:
        return f"{named}: nothing of the order is left"
    campaign = next((each for each in program.campaigns if each.key == one.campaign), None)
    if campaign is not None and campaign.when is not None:
        return f"{named}: {campaign.key} would not act on what remains: {campaign.when.source}"
    return f"{named}: what remains would not bring it"
