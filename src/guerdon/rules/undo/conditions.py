"""Whether what an order set off would still come about by what remains of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from guerdon.base.exact import plain_text
from guerdon.rules.challenges import is_level
from guerdon.rules.decision import Decision
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.explain.told import People, reached, told_scope
from guerdon.rules.expressions import EvaluationError
from guerdon.rules.metrics import Metric, Value
from guerdon.rules.orders import Order
from guerdon.rules.program import Campaign
from guerdon.rules.stepping import COMPLETED, DEPTH, badge_data, mark_of, tier_data
from guerdon.rules.undo.counts import Recount
from guerdon.rules.undo.lines import Part
from guerdon.rules.undo.policies import policy_of
from guerdon.rules.undo.prizes import NO_PRIZES, Prizes, is_prize_of_challenge

_ACTING = frozenset({"award", "multiply", "redeem", "grant", "badge", "note", "ticket"})

Occasion = tuple[str, Mapping[str, Any]]
"""A follow-on's type and data."""


class Fallen(msgspec.Struct, frozen=True):
    """What does not stand any more."""

    unmet: frozenset[str]
    """Campaigns that would not act on what remains, whatever they say of returns."""
    campaigns: frozenset[str]
    """Those of which what does not divide is to be undone; rewards may say otherwise of themselves."""
    badges: frozenset[str]
    prizes: Prizes = NO_PRIZES
    """What became of challenges: their prizes stand or fall by themselves."""


def fallen(draft: Draft, paid: PaidOrder, part: Part, found: tuple[Recount, Prizes]) -> Fallen:
    """Find the campaigns that acted on an order and would not act on what remains of it.

    Their conditions are those of the version that decided, with what it read then; metrics are less by what
    the order counts less. One whose condition does not come out true for the whole order either (the person
    was erased since) cannot be judged, and stands until everything has come back.

    Args:
        draft: the decision about the return, its tiers worked out.
        paid: the order.
        part: what comes back.
        found: what it changed of metrics, and of challenges.

    Returns:
        Campaigns whose effects are to be undone where they do not divide, and the badges among these.
    """
    recounted, prizes = found
    acted = {one.campaign for one in paid.decision.effects if one.kind in _ACTING}
    acted = {one for one in acted if not is_prize_of_challenge(one)}
    if part.is_last:
        return _with_badges(paid, acted, prizes, is_last=True)
    known = _Known(draft, paid, part, recounted)
    known.prizes = prizes
    campaigns = [one for one in paid.program.campaigns if one.key in acted and _may_fall(paid, one)]
    down = _with_badges(paid, {one.key for one in campaigns if not known.stands(one, frozenset())}, prizes)
    for _ in range(DEPTH):
        more = _with_badges(
            paid, {one.key for one in campaigns if not known.stands(one, down.badges)}, prizes
        )
        if more == down:
            break
        down = more
    return down


def _may_fall(paid: PaidOrder, campaign: Campaign) -> bool:
    """Tell whether it matters if a campaign would act: to itself, or to a reward that it gives."""
    gives = {*campaign.grants, *(one.reward for one in campaign.redeems)}
    words = {policy_of(paid, campaign.key), *(policy_of(paid, campaign.key, reward) for reward in gives)}
    return "reevaluate" in words


def _with_badges(paid: PaidOrder, campaigns: set[str], prizes: Prizes, *, is_last: bool = False) -> Fallen:
    undone = {"reevaluate", "full_only"} if is_last else {"reevaluate"}
    down = frozenset(key for key in campaigns if policy_of(paid, key) in undone)
    gone = down | prizes.fallen
    badges = {one.badge for one in paid.decision.effects if one.kind == "badge" and one.campaign in gone}
    return Fallen(frozenset(campaigns), down, frozenset(badges), prizes)


class _Known:
    """What is known for judging conditions again."""

    def __init__(self, draft: Draft, paid: PaidOrder, part: Part, recounted: Recount) -> None:
        self.paid = paid
        self.part = part
        self.people = People(draft.before.member, draft.before.account.owner)
        self.prizes = NO_PRIZES
        self.less = _less(paid.decision, recounted)
        self.dropped = _dropped(draft, paid)

    def stands(self, campaign: Campaign, badges: frozenset[str]) -> bool:
        """Tell whether a campaign would act on what remains, some badges being gone."""
        order = self.paid.event.order
        occasions = self._occasions(campaign.trigger)
        told = [one for one in occasions if self._holds(campaign, one, order, self.paid.decision)]
        if not told:
            return True
        return any(
            not self._is_gone(one, badges) and self._holds(campaign, one, self.part.remains, self.less)
            for one in told
        )

    def _occasions(self, trigger: str) -> list[Occasion]:
        paid = self.paid
        if trigger == "tier.reached":
            return [
                (trigger, tier_data(ladder, tier)) for ladder, tier in reached(paid.program, paid.decision)
            ]
        if trigger == "badge.earned":
            return [(trigger, badge_data(badge)) for badge in paid.decision.badges]
        if trigger == COMPLETED:
            return [
                (trigger, {"challenge": one.challenge, "round": one.round})
                for one in paid.decision.reached
                if not is_level(one.challenge)
            ]
        return [(trigger, paid.event.data)]

    def _is_gone(self, occasion: Occasion, badges: frozenset[str]) -> bool:
        trigger, data = occasion
        if trigger == "tier.reached":
            return (data["ladder"], data["tier"]) in self.dropped
        if trigger == COMPLETED:
            return self.paid.program.prize_of(data["challenge"]) in self.prizes.fallen
        return trigger == "badge.earned" and mark_of(data) in badges

    def _holds(self, campaign: Campaign, occasion: Occasion, order: Order | None, told: Decision) -> bool:
        conditions = [one for one in (campaign.audience, campaign.when) if one is not None]
        if not conditions:
            return True
        event = msgspec.structs.replace(self.paid.event, order=order)
        scope = told_scope(self.paid.program, event, occasion, told, self.people)
        try:
            return all(one.evaluate(scope) for one in conditions)
        except EvaluationError:
            return False


def _less(decision: Decision, recounted: Recount) -> Decision:
    """Let a decision have read metrics that are less by what came back."""
    inputs = dict(decision.inputs)
    for path, kept in decision.inputs.items():
        root, _, name = path.rpartition("/")[2].partition(".")
        if root == "metrics" and name in recounted.since:
            inputs[path] = plain_text(Decimal(str(kept)) - recounted.since[name])
        if root == "metrics" and name in recounted.now:
            left = _left(str(kept), *recounted.now[name])
            inputs.pop(path) if left is None else inputs.update({path: left})
    return msgspec.structs.replace(decision, inputs=inputs)


def _left(kept: str, metric: Metric, now: Value | None) -> str | None:
    """Tell what a metric that is no sum would have come to: what was counted since adds nothing."""
    choose = max if metric.fold == "min" else min
    if isinstance(now, datetime):
        return choose(datetime.fromisoformat(kept), now).isoformat()
    return None if now is None else plain_text(choose(Decimal(kept), now))


def _dropped(draft: Draft, paid: PaidOrder) -> set[tuple[str, str]]:
    """Find the tiers that the order reached and that this return took away."""
    gone = set()
    for ladder, tier in reached(paid.program, paid.decision):
        levels = draft.program.ladders.get(ladder)
        for change in draft.tier_changes:
            if levels is not None and change.ladder == ladder and change.cause == "returned":
                level = levels.level_of(tier)
                if levels.level_of(change.before) >= level > levels.level_of(change.after):
                    gone.add((ladder, tier))
    return gone
