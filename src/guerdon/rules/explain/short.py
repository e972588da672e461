"""What was promised and could not be had, said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.base.exact import plain_text
from guerdon.rules.decision import Decision, Shortfall

_WHY: Final = {
    "insufficient_units": "not enough was left",
    "limit_reached": "its limit was reached",
    "out_of_stock": "none was left",
    "checkout_expired": "it was paid too late",
    "unknown_wallet": "its wallet is gone",
    "unknown_reward": "the reward is gone",
    "coupon_used": "it was used by then",
    "coupon_expired": "its time was over",
    "coupon_held": "another cart held it",
    "gift_card_blocked": "it was blocked",
    "order_of_another_member": (
        "it was opened for another member, so the order ended it, and nothing of it was taken"
    ),
}


def short_in_words(decision: Decision) -> Iterator[str]:
    """Say what was promised of an order and could not be had.

    Args:
        decision: about the order.

    Yields:
        Sentences without a full stop.
    """
    if decision.returned is not None:
        return
    for one in decision.shortfalls:
        yield f"{_what(one)}: {_WHY.get(one.reason, one.reason)}"


def _what(one: Shortfall) -> str:
    amount = plain_text(one.amount)
    return {
        "units": f"{amount} {one.name}",
        "limit": f"{amount} of {one.name}",
        "coupon": f"the coupon {one.name}",
        "reward": f"the reward {one.name}",
        "discount": f"{amount} of the discount {one.name}",
        "gift_card": f"{amount} of the gift card {one.name}",
        "checkout": f"the checkout {one.name}",
    }[one.kind]
