"""Orders of checkouts: campaigns of the version that priced the cart, upon the standing of today's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from guerdon.rules.metrics import Metric
from guerdon.rules.parts import Wallet
from guerdon.rules.program import Campaign, Program
from guerdon.rules.scope import TierView
from guerdon.rules.state import TierState
from guerdon.rules.stepping import COMPLETED
from guerdon.rules.tiers import Ladder

T = TypeVar("T")


def with_campaigns_of(live: Program, pinned: Program) -> Program:
    """Let an earlier version's campaigns decide, while wallets, metrics and tiers are those that stand now.

    What the earlier version says of earning goes with its campaigns: how a wallet rounds, what limits it, how
    long units wait and last, what a tier's rate and benefits are.

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
    # How far accounts are with challenges is of today, and so is what reaching them brings.
    prizes = [one for one in live.campaigns if _is_of_challenge(one)]
    others = [one for one in pinned.campaigns if not _is_of_challenge(one)]
    waiting = [one for one in by_trigger.get(COMPLETED, ()) if not _is_of_challenge(one)]
    if prizes or waiting:
        by_trigger[COMPLETED] = (*waiting, *_live_prizes(live))
    return msgspec.structs.replace(
        live,
        definition=pinned.definition,
        campaigns=tuple(sorted([*others, *prizes], key=lambda one: (-one.priority, one.key))),
        by_trigger=by_trigger,
        indexes={},
        segments_of=_also(live.segments_of, pinned.segments_of),
        inputs_of=_also(live.inputs_of, pinned.inputs_of),
        personal_of=_also(live.personal_of, pinned.personal_of),
        rewards={**live.rewards, **pinned.rewards},
        # No promotion runs on an order; a return asks by these whether what there was would still be given.
        promotions=pinned.promotions,
        order_settings=pinned.order_settings,
        wallets={key: _earning(one, pinned.wallets.get(key)) for key, one in live.wallets.items()},
        metrics={**live.metrics, **pinned.metrics},
        metrics_by_event=_counted(live, pinned),
        seen_ladders={key: _seen(one, live.ladders.get(key)) for key, one in pinned.ladders.items()},
    )


def _live_prizes(live: Program) -> tuple[Campaign, ...]:
    return tuple(one for one in live.by_trigger.get(COMPLETED, ()) if one.is_prize)


def _is_of_challenge(campaign: Campaign) -> bool:
    return campaign.is_prize and campaign.trigger == COMPLETED


def _also(live: Mapping[str, tuple[T, ...]], pinned: Mapping[str, tuple[T, ...]]) -> dict[str, tuple[T, ...]]:
    """Let what challenges read be seen beside what the earlier version's campaigns read."""
    both = dict.fromkeys((*pinned.get(COMPLETED, ()), *live.get(COMPLETED, ())))
    return {**pinned, COMPLETED: tuple(both)} if both else dict(pinned)


def _stands(live: Program, campaign: Campaign) -> bool:
    wallets = {one.wallet for one in campaign.awards} | {one.wallet for one in campaign.multipliers}
    return wallets <= live.wallets.keys()


def _idle(campaign: Campaign) -> Campaign:
    return msgspec.structs.replace(campaign, inactive="a wallet that it names was given up since")


def _counted(live: Program, pinned: Program) -> dict[str, tuple[Metric, ...]]:
    """Let an order count in what its campaigns read, even where that was defined anew or given up since."""
    known = {one.identity for one in live.metrics.values()}
    counted = dict(live.metrics_by_event)
    for event, metrics in pinned.metrics_by_event.items():
        counted[event] = (*counted.get(event, ()), *(one for one in metrics if one.identity not in known))
    return counted


def _earning(live: Wallet, pinned: Wallet | None) -> Wallet:
    if pinned is None or pinned.scale != live.scale:
        return live
    by_activity = [one.expires is not None and one.expires.from_activity for one in (live, pinned)]
    return msgspec.structs.replace(
        live,
        rounding=pinned.rounding,
        scope=pinned.scope,
        cost=pinned.cost,
        caps=pinned.caps,
        pending=pinned.pending,
        # That a wallet lasts by activity is a matter of all of its units.
        expires=live.expires if any(by_activity) else pinned.expires,
    )


def _seen(pinned: Ladder, live: Ladder | None) -> Ladder:
    """Let tiers that came with the later version look like the highest of the earlier one below them."""
    if live is None:
        return pinned
    known = {tier.key: tier for tier in pinned.tiers}
    below, also = pinned.tiers[0], dict.fromkeys((tier.key for tier in live.tiers), "")
    for tier in live.tiers:
        below = known.get(tier.key, below)
        also[tier.key] = below.key
    return msgspec.structs.replace(pinned, also=also)


def tier_views(
    program: Program, held: Mapping[str, TierState], promised: Mapping[str, str]
) -> dict[str, TierView]:
    """Show an account's tiers to expressions.

    Args:
        program: the version that decides.
        held: the tiers as they stand.
        promised: those with which a checkout was priced, by ladder; they count where there are any.

    Returns:
        A view by ladder.
    """
    views = {}
    for key, ladder in (program.seen_ladders or program.ladders).items():
        one = held.get(key)
        name = promised.get(key) or (one.level if one is not None else "")
        level = ladder.level_of(ladder.also.get(name, name))
        tier = ladder.tiers[level]
        views[key] = TierView(tier.key, level, tier.rate, tier.benefits)
    return views
