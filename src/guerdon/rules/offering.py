"""Whether a reward can be had now: its days, its tiers with their head start, and what is chosen of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from guerdon.rules.parts import Reward

SENTENCES = {
    "reward_not_yet": "this reward cannot be had yet",
    "reward_over": "this reward cannot be had any more",
    "reward_not_for_tier": "this reward is for other tiers",
    "choice_missing": "say what is chosen of this reward",
    "choice_unknown": "this cannot be chosen of this reward",
}
"""Why a reward cannot be had, in a sentence for people."""


def why_not_offered(reward: Reward, held: Collection[str], local: datetime) -> str:
    """Say why somebody cannot have a reward, whatever he has to pay with.

    Args:
        reward: what is wanted.
        held: his tiers, as `tier` and as `ladder.tier`.
        local: the program's local clock, without its zone.

    Returns:
        One of `SENTENCES`, empty where he can. From `public_at` on the tiers do not matter.
    """
    if reward.opens is not None and local < reward.opens:
        return "reward_not_yet"
    if reward.until is not None and local > reward.until:
        return "reward_over"
    is_public = reward.public_at is not None and local >= reward.public_at
    if is_public or not reward.tiers:
        waits = reward.public_at is not None and not is_public and not reward.tiers
        return "reward_not_yet" if waits else ""
    return "" if reward.tiers & set(held) else "reward_not_for_tier"


def why_not_chosen(reward: Reward, choice: str) -> str:
    """Say what is wrong with a choice.

    Args:
        reward: what is taken.
        choice: what was chosen, empty where nothing was said.

    Returns:
        One of `SENTENCES`, empty where all is well. A reward without a list takes any words.
    """
    if not reward.choices or choice in reward.choices:
        return ""
    return "choice_unknown" if choice else "choice_missing"
