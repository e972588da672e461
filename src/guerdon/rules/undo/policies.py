"""What a program says of things that do not divide: the reward's word, then the campaign's, then its own."""

from __future__ import annotations

from typing import Literal

from guerdon.rules.events import PaidOrder
from guerdon.rules.own_events import GIVEN
from guerdon.rules.referrals.keys import FIRST

Policy = Literal["reevaluate", "full_only", "keep"]


def policy_of(paid: PaidOrder, campaign: str = "", reward: str = "") -> Policy:
    """Tell what a return does with something that an order set off.

    Args:
        paid: the order; the definition that decided it is asked.
        campaign: the campaign that did it, or empty.
        reward: what was given or used, or empty.

    Returns:
        The word.
    """
    definition = paid.program.definition
    if paid.event.type in GIVEN:
        # Whether it goes back was decided before it was told: a friend's order by what stands below, a post
        # when it was hidden.
        return "reevaluate"
    if campaign == FIRST:
        return definition.referral.on_return or definition.returns.on_return
    kind, _, key = campaign.partition(":")
    if kind == "challenge" and key in definition.challenges:
        of_challenge = definition.challenges[key].on_return
        prize = definition.rewards.get(reward)
        of_prize = prize.on_return if prize is not None else None
        return of_prize or of_challenge or definition.returns.on_return
    given, giver = definition.rewards.get(reward), definition.campaigns.get(campaign)
    of_reward = given.on_return if given is not None else None
    of_campaign = giver.on_return if giver is not None else None
    return of_reward or of_campaign or definition.returns.on_return
