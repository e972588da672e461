"""When an account took a reward last, for those that make it wait before it takes them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from guerdon.base.errors import Problem
from guerdon.rules.decision import Decision
from guerdon.rules.draft import Draft
from guerdon.rules.limits import Draw
from guerdon.rules.parts import Reward
from guerdon.rules.state import Taking, Takings

_ONE = Decimal(1)


def cooling_draw(reward: str) -> Draw:
    """Give the counter that open carts hold of a reward that makes wait, so that one cart has it at a time.

    Args:
        reward: the reward's key.

    Returns:
        The account's own counter, which no taking itself draws from.
    """
    return Draw(f"reward/{reward}/cooling/ever", _ONE, shared=False)


def ready_at(draft: Draft, reward: Reward) -> datetime | None:
    """Tell from when on an account can take a reward again.

    Args:
        draft: the decision.
        reward: what is wanted.

    Returns:
        The instant, None where it can have it now as far as waiting goes.
    """
    if reward.cooling is None:
        return None
    taken = draft.takings.get(reward.key, ())
    ends = [draft.program.zone.after(one.at, reward.cooling) for one in taken]
    return max((one for one in ends if one > draft.now), default=None)


def check_cooling(draft: Draft, reward: Reward) -> None:
    """Make sure that an account has waited long enough, and that no open cart of it has the reward.

    Args:
        draft: the decision.
        reward: what is wanted.

    Raises:
        Problem: `reward_cooling`.
    """
    if reward.cooling is None:
        return
    ready = ready_at(draft, reward)
    if ready is not None:
        local = draft.program.zone.local(ready).strftime("%Y-%m-%d %H:%M")
        raise Problem("reward_cooling", f"this reward can be taken again from {local} on")
    if draft.room(cooling_draw(reward.key)) < _ONE:
        raise Problem("reward_cooling", "an open checkout has this reward, which makes wait between takings")


def note_taking(draft: Draft, reward: Reward, redemption_id: int) -> None:
    """Remember that a reward was taken which makes wait.

    Args:
        draft: the decision.
        reward: what was taken.
        redemption_id: the redemption's number.
    """
    if reward.cooling is None:
        return
    taking = Taking(redemption_id, draft.event.booked_at)
    draft.takings = {**draft.takings, reward.key: (*draft.takings.get(reward.key, ()), taking)}


def without(takings: Takings, redemption_id: int) -> Takings:
    """Forget a taking that was given back.

    Args:
        takings: by reward.
        redemption_id: the redemption's number.

    Returns:
        The others.
    """
    left = {
        key: tuple(one for one in taken if one.redemption_id != redemption_id)
        for key, taken in takings.items()
    }
    return {key: taken for key, taken in left.items() if taken}


def takings_after(takings: Takings, decision: Decision, booked_at: datetime) -> Takings:
    """Tell what had been taken after a decision, whether or not the rewards made wait then.

    Args:
        takings: before it.
        decision: what was decided.
        booked_at: when.

    Returns:
        By reward, grants left out.
    """
    found: Mapping[str, tuple[Taking, ...]] = takings
    for number in decision.cancelled:
        found = without(found, number)
    for made in decision.redemptions:
        if made.price or not made.campaign:
            key = made.particulars.chosen_from or made.reward
            found = {**found, key: (*found.get(key, ()), Taking(made.redemption_id, booked_at))}
    return found
