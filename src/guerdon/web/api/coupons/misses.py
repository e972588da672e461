"""Guessing of codes: whoever is wrong too often has to wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guerdon.web.api.calls.call import Call
from guerdon.web.limits import Limits, refusal

_MISSES: Final = frozenset({"coupon_unknown", "coupon_mistyped", "gift_card_unknown", "gift_card_mistyped"})


def refuse_guessing(call: Call) -> None:
    """Turn a call away whose key, or whose address, asked for too many wrong codes; from the event loop.

    Args:
        call: who asks.

    Raises:
        Problem: `rate_limited`.
    """
    refuse_names(call.premises.doorkeeper.limits, _names(call))


def refuse_names(limits: Limits, names: Sequence[str]) -> None:
    """Turn somebody away by the names under which wrong codes are counted; from the event loop.

    Args:
        limits: of this process.
        names: theirs.

    Raises:
        Problem: `rate_limited`.
    """
    for name in names:
        spent = limits.spent(name)
        if spent is not None:
            raise refusal(spent)


def count_misses(call: Call, reasons: list[str]) -> None:
    """Remember the wrong codes of a call; to be called from the event loop.

    Args:
        call: who asked.
        reasons: why codes could not be used.
    """
    count_names(call.premises.doorkeeper.limits, _names(call), reasons)


def count_names(limits: Limits, names: Sequence[str], reasons: Sequence[str]) -> None:
    """Remember wrong codes under names; to be called from the event loop.

    Args:
        limits: of this process.
        names: who asked.
        reasons: why codes could not be used.
    """
    for name in names:
        for reason in reasons:
            if reason in _MISSES:
                limits.count_miss(name)


def misses_of(quote: Mapping[str, Any]) -> list[str]:
    """List the wrong codes of a quote.

    Args:
        quote: as it is answered.

    Returns:
        A reason for each.
    """
    return [one["reason"] for one in quote["skipped"] if one["reason"] in _MISSES]


def _names(call: Call) -> tuple[str, str]:
    # Addresses hold no spaces: what is counted of keys that somebody tries out is not meant by these.
    return f"codes of {call.caller.key.key_id}", f"codes from {call.address}"
