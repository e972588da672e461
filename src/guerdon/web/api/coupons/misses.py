"""Guessing of codes: whoever is wrong too often has to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guerdon.web.api.calls.call import Call
from guerdon.web.limits import refusal

_MISSES: Final = frozenset({"coupon_unknown", "coupon_mistyped", "gift_card_unknown", "gift_card_mistyped"})


def refuse_guessing(call: Call) -> None:
    """Turn a key away that asked for too many wrong codes; to be called from the event loop.

    Args:
        call: who asks.

    Raises:
        Problem: `rate_limited`.
    """
    spent = call.premises.doorkeeper.limits.spent(_name(call))
    if spent is not None:
        raise refusal(spent)


def count_misses(call: Call, reasons: list[str]) -> None:
    """Remember the wrong codes of a call; to be called from the event loop.

    Args:
        call: who asked.
        reasons: why codes could not be used.
    """
    for reason in reasons:
        if reason in _MISSES:
            call.premises.doorkeeper.limits.count_miss(_name(call))


def misses_of(quote: Mapping[str, Any]) -> list[str]:
    """List the wrong codes of a quote.

    Args:
        quote: as it is answered.

    Returns:
        A reason for each.
    """
    return [one["reason"] for one in quote["skipped"] if one["reason"] in _MISSES]


def _name(call: Call) -> str:
    # Addresses hold no spaces: nobody's address is meant by it.
    return f"codes of {call.caller.key.key_id}"
