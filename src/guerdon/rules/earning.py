"""Campaigns: which of them act on an event, in what order their effects come, and why the others did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules.awards import Factor, Part, apply_factors, keep_budgets, post_awards, round_parts
from guerdon.rules.decision import Effect, Skip
from guerdon.rules.draft import Draft
from guerdon.rules.events import Redeem as RedeemCommand
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.limits import Draw, use_draws
from guerdon.rules.program import Campaign, Redeem
from guerdon.rules.scope import Scope, WalletViews
from guerdon.rules.spending import issue

REDEEMS_AT_MOST = 1_000
"""One `redeem … while` takes at most so many rewards at one event."""

_ONE = Decimal(1)


class Chosen(msgspec.Struct):
    """A campaign whose conditions hold, with its amounts."""

    campaign: Campaign
    parts: list[Part]
    factors: list[Factor]
    acted: bool = False


def run_campaigns(draft: Draft, scope: Scope, campaigns: Sequence[Campaign]) -> None:
    """Let campaigns act on what has happened.

    Args:
        draft: the decision.
        scope: what their expressions see.
        campaigns: candidates in the order of evaluation.
    """
    chosen = [one for campaign in campaigns if (one := _choose(draft, scope, campaign)) is not None]
    if not chosen:
        return
    _award(draft, chosen)
    for one in chosen:
        _give(draft, scope, one)
    refused = {skip.campaign for skip in draft.skipped}
    for one in chosen:
        if one.acted:
            for draw in _draws(draft, one.campaign):
                draft.draw(draw, _ONE)
        elif one.campaign.key not in refused:
            draft.skipped.append(Skip(one.campaign.key, "nothing_to_award"))


def _give(draft: Draft, scope: Scope, chosen: Chosen) -> None:
    """Carry out what comes after awards: redeem and grant, then badges."""
    campaign = chosen.campaign
    for redeem in campaign.redeems:
        chosen.acted |= _redeem(draft, scope, campaign, redeem)
    for reward in campaign.grants:
        chosen.acted |= _grant(draft, campaign, reward)
    for badge in campaign.badges:
        chosen.acted |= _badge(draft, campaign, badge)


def _choose(draft: Draft, scope: Scope, campaign: Campaign) -> Chosen | None:
    reason, detail = _refusal(draft, scope, campaign)
    if not reason:
        try:
            chosen = Chosen(
                campaign,
                [Part(campaign, award, award.amount(scope)) for award in campaign.awards],
                [Factor(campaign, one, one.by(scope)) for one in campaign.multipliers],
            )
        except EvaluationError as error:
            reason, detail = "expression_error", _place(error)
        else:
            if all(part.exact >= 0 for part in chosen.parts) and all(
                factor.by >= 0 for factor in chosen.factors
            ):
                return chosen
            reason, detail = "negative_amount", "awards and multipliers are 0 or more"
    draft.skipped.append(Skip(campaign.key, reason, detail))
    return None


def _place(error: EvaluationError) -> str:
    return f"{error.code} at line {error.line}, column {error.column}: {error.detail}"


def _refusal(draft: Draft, scope: Scope, campaign: Campaign) -> tuple[str, str]:
    if campaign.inactive:
        return "not_active_yet", campaign.inactive
    reason = _elsewhere(draft, campaign)
    if reason:
        return reason, ""
    if campaign.when is not None:
        try:
            if not campaign.when(scope):
                return "condition_false", ""
        except EvaluationError as error:
            return "expression_error", _place(error)
    if any(draft.room(draw) < _ONE for draw in _draws(draft, campaign)):
        return "limit_reached", ""
    return "", ""


def _elsewhere(draft: Draft, campaign: Campaign) -> str:
    """Say why a campaign does not run where and when the event happened, or nothing."""
    event = draft.event
    if campaign.channels is not None and event.channel not in campaign.channels:
        return "other_channel"
    if campaign.stores is not None and event.store not in campaign.stores:
        return "other_store"
    if campaign.schedule is not None and not campaign.schedule.holds(_local_clock(draft)):
        return "out_of_schedule"
    return ""


def _local_clock(draft: Draft) -> datetime:
    return draft.program.zone.local(draft.event.occurred_at).replace(tzinfo=None)


def _draws(draft: Draft, campaign: Campaign) -> tuple[Draw, ...]:
    member = draft.before.member
    member_id = member.member_id if member is not None else None
    return use_draws(campaign.limits, f"campaign/{campaign.key}", member_id, draft.day)


def _award(draft: Draft, chosen: list[Chosen]) -> None:
    parts = [part for one in chosen for part in one.parts]
    factors = [factor for one in chosen for factor in one.factors]
    used = apply_factors(parts, factors) if factors else set()
    try:
        round_parts(draft, parts)
    except Problem as problem:
        for key in sorted({part.campaign.key for part in parts}):
            draft.skipped.append(Skip(key, problem.code, problem.detail))
        return
    keep_budgets(draft, parts)
    for one in chosen:
        one.acted = one.campaign.key in used or any(part.units for part in one.parts)
        if one.campaign.key in used:
            draft.effects.extend(
                Effect(one.campaign.key, "multiply", wallet=factor.multiplier.wallet, factor=_shown(factor))
                for factor in one.factors
            )
    post_awards(draft, parts)


def _shown(factor: Factor) -> Decimal | None:
    return Decimal(factor.by) if isinstance(factor.by, int | Decimal) else None


def _redeem(draft: Draft, scope: Scope, campaign: Campaign, effect: Redeem) -> bool:
    reward = draft.program.rewards[effect.reward]
    acted = False
    for _ in range(REDEEMS_AT_MOST):
        scope.wallets = WalletViews(draft.program.scales, draft.wallets)
        try:
            if effect.repeat is not None and not effect.repeat(scope):
                return acted
            issue(draft, reward, RedeemCommand(0, reward.key), campaign.key)
        except EvaluationError as error:
            draft.skipped.append(Skip(campaign.key, "expression_error", _place(error)))
            return acted
        except Problem as problem:
            draft.skipped.append(Skip(campaign.key, problem.code, problem.detail))
            return acted
        acted = True
        if effect.repeat is None:
            return acted
    draft.skipped.append(
        Skip(campaign.key, "redeem_limit_reached", f"at most {REDEEMS_AT_MOST} at one event")
    )
    return acted


def _grant(draft: Draft, campaign: Campaign, reward: str) -> bool:
    try:
        issue(draft, draft.program.rewards[reward], RedeemCommand(0, reward), campaign.key, free=True)
    except Problem as problem:
        draft.skipped.append(Skip(campaign.key, problem.code, problem.detail))
        return False
    return True


def _badge(draft: Draft, campaign: Campaign, badge: str) -> bool:
    if badge in draft.badges:
        return False
    draft.badges = {**draft.badges, badge: draft.event.occurred_at}
    draft.new_badges.append(badge)
    draft.effects.append(Effect(campaign.key, "badge", badge=badge))
    return True
