"""Orders of checkouts: campaigns of the version that priced the cart, upon the standing of today's."""

from __future__ import annotations

import msgspec

from guerdon.rules.program import Campaign, Program


def with_campaigns_of(live: Program, pinned: Program) -> Program:
    """Let an earlier version's campaigns decide, while wallets, metrics and tiers are those that stand now.

    Args:
        live: the version that stands.
        pinned: the version that priced the cart.

    Returns:
        A program with the number of `live`. Campaigns that name what stands no more do not act.
    """
    if live.version == pinned.version:
        return live
    by_trigger = {
        trigger: tuple(one if _stands(live, one) else _idle(one) for one in campaigns)
        for trigger, campaigns in pinned.by_trigger.items()
    }
    return msgspec.structs.replace(
        live,
        campaigns=pinned.campaigns,
        by_trigger=by_trigger,
        indexes={},
        segments_of=pinned.segments_of,
        inputs_of=pinned.inputs_of,
        personal_of=pinned.personal_of,
        rewards={**live.rewards, **pinned.rewards},
        order_settings=pinned.order_settings,
    )


def _stands(live: Program, campaign: Campaign) -> bool:
    wallets = {one.wallet for one in campaign.awards} | {one.wallet for one in campaign.multipliers}
    return wallets <= live.wallets.keys()


def _idle(campaign: Campaign) -> Campaign:
    return msgspec.structs.replace(campaign, inactive="a wallet that it names was given up since")
