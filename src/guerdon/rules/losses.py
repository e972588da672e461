"""Tiers that were lost, as events that campaigns wait for: each is told once, in a decision of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from guerdon.base.ids import number_text
from guerdon.rules.decision import TierChange
from guerdon.rules.events import Event
from guerdon.rules.own_events import TIER_LOST, TIERS
from guerdon.rules.state import LostTier, TierState


def with_losses(state: TierState, changes: tuple[TierChange, ...], *, tells: bool) -> TierState:
    """Keep in mind what was lost, until it is told.

    Args:
        state: the standing after some changes.
        changes: what changed on its ladder.
        tells: whether the program waits for tiers that are lost.

    Returns:
        The standing with all losses that are still to be told.
    """
    if not tells:
        return msgspec.structs.replace(state, lost=()) if state.lost else state
    more = [LostTier(one.before, one.after, one.at, one.cause) for one in changes if one.direction == "down"]
    return msgspec.structs.replace(state, lost=(*state.lost, *more)) if more else state


def without_loss(tiers: Mapping[str, TierState], event: Event) -> Mapping[str, TierState]:
    """Let go of a loss that is told now.

    Args:
        tiers: by ladder.
        event: which loss it is.

    Returns:
        The standings without it.
    """
    ladder = str(event.data.get("ladder", ""))
    state = tiers.get(ladder)
    if state is None:
        return tiers
    told = (event.data.get("tier"), event.occurred_at)
    left = tuple(one for one in state.lost if (one.before, one.at) != told)
    return {**tiers, ladder: msgspec.structs.replace(state, lost=left)}


def losses(tiers: Mapping[str, TierState]) -> Iterator[tuple[str, LostTier]]:
    """List what is still to be told.

    Args:
        tiers: by ladder.

    Yields:
        Ladder and loss, in the order of ladders.
    """
    for ladder, state in sorted(tiers.items()):
        for one in state.lost:
            yield ladder, one


def loss_name(account: str, ladder: str, lost: LostTier) -> str:
    """Name the event of a loss.

    Args:
        account: as texts name it.
        ladder: on which ladder.
        lost: the loss.

    Returns:
        Always the same for the same loss.
    """
    return f"{account}.{ladder}.{lost.before}.{lost.at.isoformat()}"


def loss_data(ladder: str, lost: LostTier) -> dict[str, Any]:
    """Tell what the event of a loss carries.

    Args:
        ladder: on which ladder.
        lost: the loss.

    Returns:
        The tier that was lost, that which is held instead, and why.
    """
    return {"ladder": ladder, "tier": lost.before, "now": lost.after, "cause": lost.cause}


def loss_event(who: tuple[int, int], ladder: str, lost: LostTier) -> bytes:
    """Write the event of a loss.

    Args:
        who: account and member.
        ladder: on which ladder.
        lost: the loss.

    Returns:
        A CloudEvent as JSON.
    """
    account_id, member_id = who
    return json.dumps(
        {
            "specversion": "1.0",
            "id": loss_name(number_text("acc", account_id), ladder, lost),
            "source": TIERS,
            "type": TIER_LOST,
            "time": lost.at.isoformat(),
            "subject": number_text("mem", member_id),
            "data": loss_data(ladder, lost),
        }
    ).encode()


def loss_to_decide(account: str, ladder: str, lost: LostTier, now: datetime) -> Event:
    """Make the event of a loss as it is decided, where nobody sends it: in a backtest.

    Args:
        account: as texts name it.
        ladder: on which ladder.
        lost: the loss.
        now: the instant of booking.

    Returns:
        The event.
    """
    name, data = loss_name(account, ladder, lost), loss_data(ladder, lost)
    return Event(TIER_LOST, lost.at, now, TIERS, name, channel="system", data=data)
