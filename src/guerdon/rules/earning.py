"""Campaigns: which of them act on an event, in what order their effects come, and why the others did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules.awards import (
    Factor,
    Part,
    apply_factors,
    factor_of,
    keep_budgets,
    post_awards,
    round_parts,
    sent_factors,
)
from guerdon.rules.caps import keep_caps
from guerdon.rules.decision import Effect, Skip
from guerdon.rules.draft import Draft
from guerdon.rules.events import Redeem as RedeemCommand
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.limits import Draw, use_draws
from guerdon.rules.program import Campaign, Redeem
from guerdon.rules.scope import Scope, WalletViews
from guerdon.rules.spending import issue
from guerdon.rules.tickets import take_ticket

REDEEMS_AT_MOST = 1_000
"""One `redeem … while` takes at most so many rewards at one event."""

_ONE = Decimal(1)


class Chosen(msgspec.Struct):
    """A campaign whose conditions hold, with its amounts."""

    campaign: Campaign
    parts: list[Part]
    factors: list[Factor]
    acted: bool = False
    refusals: list[tuple[str, str]] = []
    """Why its effects came to nothing, a reason and its detail each."""


def run_campaigns(draft: Draft, scope: Scope, campaigns: Sequence[Campaign]) -> frozenset[str]:
    """Let campaigns act on what has happened.

    Args:
        draft: the decision; a campaign of which no effect came about is noted with the first reason for it.
        scope: what their expressions see.
        campaigns: candidates in the order of evaluation.

    Returns:
        Keys of those that acted.
    """
    able = [one for one in campaigns if not one.after or _came_before(draft, one)]
    chosen = [one for campaign in able if (one := _choose(draft, scope, campaign)) is not None]
    if not chosen:
        return frozenset()
    _award(draft, chosen)
    for one in chosen:
        _give(draft, scope, one)
    for one in chosen:
        if one.acted:
            for draw in _draws(draft, one.campaign):
                draft.draw(draw, _ONE)
        else:
            reason, detail = one.refusals[0] if one.refusals else ("nothing_to_award", "")
            draft.skipped.append(Skip(one.campaign.key, reason, detail))
    return frozenset(one.campaign.key for one in chosen if one.acted)


def _came_before(draft: Draft, campaign: Campaign) -> bool:
    """Tell whether what a campaign waits for has happened; nearly always it has not, and nothing is said."""
    before = Draw(campaign.after, _ONE, shared=False)
    return draft.counters.get(campaign.after, 0) >= 1 and draft.room(before) < 1


def _give(draft: Draft, scope: Scope, chosen: Chosen) -> None:
    """Carry out what comes after awards: redeem and grant, then badges."""
    campaign = chosen.campaign
    for redeem in campaign.redeems:
        _redeem(draft, scope, chosen, redeem)
    for reward in campaign.grants:
        _grant(draft, chosen, reward)
    for badge in campaign.badges:
        _badge(draft, chosen, badge)
    if campaign.notes and not chosen.acted:
        draft.effects.append(Effect(campaign.key, "note"))
        chosen.acted = True


def _choose(draft: Draft, scope: Scope, campaign: Campaign) -> Chosen | None:
    if campaign.wins is not None and draft.won.get(campaign.wins[0]) != campaign.wins[1]:
        return None
    reason, detail = _refusal(draft, scope, campaign)
    if not reason and campaign.draw is not None:
        reason = take_ticket(draft, campaign.key, campaign.draw)
        if not reason:
            return Chosen(campaign, [], [], acted=True)
    if not reason:
        try:
            chosen = Chosen(
                campaign,
                [Part(campaign, award, award.amount.evaluate(scope)) for award in campaign.awards],
                [Factor(campaign, one, factor_of(scope, one)) for one in campaign.multipliers],
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
    for condition, reason in ((campaign.audience, "not_in_audience"), (campaign.when, "condition_false")):
        try:
            if condition is not None and not condition.evaluate(scope):
                return reason, ""
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
    sent_factors(draft, parts)
    round_parts(draft, parts)
    keep_budgets(draft, parts)
    keep_caps(draft, parts)
    for one in chosen:
        one.acted |= one.campaign.key in used or any(part.units for part in one.parts)
        one.refusals += [part.refusal for part in one.parts if part.refusal[0]]
        if one.campaign.key in used:
            draft.effects.extend(
                Effect(one.campaign.key, "multiply", wallet=factor.multiplier.wallet, factor=_shown(factor))
                for factor in one.factors
            )
    post_awards(draft, parts)


def _shown(factor: Factor) -> Decimal | None:
    return Decimal(factor.by) if isinstance(factor.by, int | Decimal) else None


def _redeem(draft: Draft, scope: Scope, chosen: Chosen, effect: Redeem) -> None:
    reward = draft.program.rewards[effect.reward]
    for _ in range(REDEEMS_AT_MOST if effect.repeat is not None else 1):
        scope.wallets = WalletViews(draft.program.scales, draft.wallets)
        try:
            if effect.repeat is not None and not effect.repeat(scope):
                chosen.refusals.append(("condition_false", ""))
                return
            issue(draft, reward, RedeemCommand(0, reward.key), chosen.campaign)
        except EvaluationError as error:
            chosen.refusals.append(("expression_error", _place(error)))
            return
        except Problem as problem:
            chosen.refusals.append((problem.code, problem.detail))
            return
        chosen.acted = True


def _grant(draft: Draft, chosen: Chosen, reward: str) -> None:
    try:
        issue(draft, draft.program.rewards[reward], RedeemCommand(0, reward), chosen.campaign, free=True)
    except Problem as problem:
        chosen.refusals.append((problem.code, problem.detail))
        return
    chosen.acted = True


def _badge(draft: Draft, chosen: Chosen, badge: str) -> None:
    if badge in draft.badges:
        chosen.refusals.append(("badge_held", ""))
        return
    draft.badges = {**draft.badges, badge: draft.event.occurred_at}
    draft.new_badges.append(badge)
    draft.effects.append(Effect(chosen.campaign.key, "badge", badge=badge))
    chosen.acted = True
