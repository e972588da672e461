"""Seats that others wait for: who waits comes before whoever asks now."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from guerdon.base.errors import Problem
from guerdon.rules.draft import Draft
from guerdon.rules.limits import Draw, stock_draw
from guerdon.rules.parts import Campaign, Reward

PRIZE: Final = "seat"
"""The kind of campaign that gives a seat to who waits, and how its key begins (`compiling.prizes`)."""
MANY: Final = Decimal(10) ** 15
"""More than ever wait."""


def waiting_draw(reward: str) -> Draw:
    """Give the counter of those who wait for a seat, which all accounts share.

    Args:
        reward: the reward's key.

    Returns:
        The counter; no decision draws from it, the list itself does.
    """
    return Draw(f"reward/{reward}/waiting", MANY, shared=True)


def is_for_the_line(campaign: Campaign | None, reward: str) -> bool:
    """Tell whether a campaign gives seats of a reward to those who wait.

    Args:
        campaign: what gives, None where a member takes.
        reward: the reward's key.

    Returns:
        True for the one that an engine's own event runs.
    """
    return campaign is not None and campaign.key == f"{PRIZE}:{reward}"


def check_line(
    draft: Draft,
    reward: Reward,
    wanted: Decimal,
    by: Campaign | None = None,
    own: Decimal = Decimal(0),
) -> None:
    """Make sure that nobody takes a seat that is for those who wait.

    Args:
        draft: the decision.
        reward: what is taken.
        wanted: how many seats.
        by: the campaign that gives them, None where a member takes them.
        own: how many of them are its own already.

    Raises:
        Problem: `out_of_stock`.
    """
    # What an open cart held is its own, whoever came to wait meanwhile.
    if not reward.has_line or is_for_the_line(by, reward.key) or draft.event.captured is not None:
        return
    if wanted <= own:
        return
    waiting = MANY - draft.room(waiting_draw(reward.key))
    if waiting and draft.room(stock_draw(reward.key, reward.stock or 0)) - waiting < wanted:
        raise Problem("out_of_stock", "others wait for a seat; join the waiting list")
