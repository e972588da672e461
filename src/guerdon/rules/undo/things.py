"""What does not divide: redemptions, badges, uses of limits and of coupons."""

from __future__ import annotations

from decimal import Decimal

from guerdon.rules.decision import NewRedemption, Shortfall, Undone
from guerdon.rules.draft import Draft
from guerdon.rules.events import CancelRedemption, PaidOrder
from guerdon.rules.giving import take_back
from guerdon.rules.limits import money_draw, use_draws
from guerdon.rules.owing import free
from guerdon.rules.program import Campaign
from guerdon.rules.spending import free_taking, freed_draws, take_all_money, withdraw
from guerdon.rules.tickets import TICKET, take_back_tickets
from guerdon.rules.undo.conditions import Fallen
from guerdon.rules.undo.discounts import undo_discounts
from guerdon.rules.undo.lines import Part
from guerdon.rules.undo.policies import policy_of
from guerdon.rules.undo.prizes import Prizes, is_prize_of_challenge
from guerdon.rules.undo.units import Sums, decisions_of, give_lots, lots_taken

_ONE = Decimal(1)


class _Handled:
    """What earlier returns have undone, or could not undo."""

    def __init__(self, paid: PaidOrder) -> None:
        undone = [one for earlier in paid.earlier for one in earlier.undone]
        self.redemptions = {one.redemption_id for one in undone if one.redemption_id is not None}
        self.badges = {one.badge for one in undone if one.kind == "badge"}
        self.tickets = {one.campaign for one in undone if one.kind == TICKET}
        self.limits = {one.campaign for one in undone if one.kind == "limit"}


def undo_things(draft: Draft, paid: PaidOrder, part: Part, gone: tuple[Fallen, Sums]) -> tuple[Undone, ...]:
    """Undo what does not divide and does not stand any more.

    Args:
        draft: the decision about the return.
        paid: the order.
        part: what comes back.
        gone: the campaigns that do not stand any more, and what is told of units.

    Returns:
        What was undone, and what could not be because it was used; that is a shortfall as well.
    """
    down, sums = gone
    handled = _Handled(paid)
    undone: list[Undone] = []
    kept = _Kept(paid, down.prizes)
    for decision in decisions_of(paid):
        for made in decision.redemptions:
            is_prize = is_prize_of_challenge(made.campaign)
            falls = kept.falls(made) if is_prize else _falls(paid, part, down, made)
            if made.redemption_id not in handled.redemptions and falls:
                undone += _cancel(draft, paid, paid.chosen.get(made.redemption_id, made), sums)
    for taken in paid.warranties:
        if taken.redemption_id not in handled.redemptions and _is_void(paid, part, taken):
            undone += _end_warranty(draft, paid, taken, sums)
    undone += _badges(draft, paid, down.badges - handled.badges)
    undone += _uses(draft, paid, down.campaigns - handled.limits)
    _uses_of_prizes(draft, paid, down.prizes)
    undone += take_back_tickets(draft, paid, down.campaigns - handled.tickets)
    undone += undo_discounts(draft, paid, part)
    return tuple(undone)


class _Kept:
    """Tells which rewards go with prizes of challenges that do not stand any more: the last ones first."""

    def __init__(self, paid: PaidOrder, prizes: Prizes) -> None:
        self.paid = paid
        self.prizes = prizes
        self.seen: dict[str, int] = {}
        made = [one.campaign for decision in decisions_of(paid) for one in decision.redemptions]
        self.all = {key: made.count(key) for key in set(made)}

    def falls(self, made: NewRedemption) -> bool:
        """Tell it of the next redemption."""
        key = made.campaign
        place = self.seen[key] = self.seen.get(key, 0) + 1
        of = max(self.prizes.given.get(key, 1), 1)
        stands = (of - self.prizes.taken(key)[1]) * self.all[key] // of
        return place > stands and policy_of(self.paid, key, made.reward) != "keep"


def _falls(paid: PaidOrder, part: Part, down: Fallen, made: NewRedemption) -> bool:
    policy = policy_of(paid, made.campaign, made.reward)
    if policy == "keep":
        return False
    # What came with the cart has no condition: it stands as long as anything of the order does.
    return part.is_last or (bool(made.campaign) and policy == "reevaluate" and made.campaign in down.unmet)


def _cancel(draft: Draft, paid: PaidOrder, made: NewRedemption, sums: Sums) -> list[Undone]:
    number = made.redemption_id
    status = paid.redemptions.get(number, "issued")
    if status == "cancelled":
        return []
    reward = paid.program.rewards.get(made.reward)
    is_begun = status == "issued" and reward is not None and not take_all_money(draft, reward, number)
    if status in ("used", "sent") or is_begun:
        reason = "redemption_used" if is_begun else f"redemption_{status}"
        draft.shortfalls.append(Shortfall("reward", made.reward, Decimal(made.quantity), reason))
        return [Undone("reward", made.campaign, made.reward, redemption_id=number, kept=reason)]
    for decision in decisions_of(paid):
        for transaction in decision.transactions:
            if transaction.redemption_id == number:
                given = (transaction.wallet, tuple(lots_taken(transaction)))
                give_lots(draft, paid, given, sums, number)
    _free_reward(draft, paid, made)
    withdraw(draft, number)
    return [Undone("reward", made.campaign, made.reward, redemption_id=number)]


def _is_void(paid: PaidOrder, part: Part, taken: CancelRedemption) -> bool:
    """Tell whether what a warranty is for has come back: its line, or the order where it names none."""
    policy = policy_of(paid, "", taken.reward)
    covers = taken.particulars.covers
    if policy == "keep" or covers is None:
        return False
    is_back = bool(covers.line) and part.standing[1].of(covers.line) == 1
    return part.is_last or (policy == "reevaluate" and is_back)


def _end_warranty(draft: Draft, paid: PaidOrder, taken: CancelRedemption, sums: Sums) -> list[Undone]:
    number = taken.redemption_id
    status = paid.redemptions.get(number, "issued")
    if status == "cancelled":
        return []
    ends_at = taken.particulars.ends_at
    is_over = ends_at is not None and ends_at <= draft.now
    if status != "issued" or is_over:
        reason = "redemption_expired" if status == "issued" else f"redemption_{status}"
        draft.shortfalls.append(Shortfall("reward", taken.reward, Decimal(taken.quantity), reason))
        return [Undone("reward", "", taken.reward, redemption_id=number, kept=reason)]
    for wallet, spent in sorted(taken.spent.items()):
        give_lots(draft, paid, (wallet, spent), sums, number)
    free_taking(draft, taken)
    withdraw(draft, number)
    return [Undone("reward", "", taken.reward, redemption_id=number)]


def _free_reward(draft: Draft, paid: PaidOrder, made: NewRedemption) -> None:
    """Give back a reward's stock and uses, and what a grant drew of its campaign's budget."""
    day = paid.program.zone.day_of(paid.event.occurred_at)
    for draw, amount, _ in freed_draws(paid.program, made, (paid.member_id, day)):
        free(draft, draw, amount)
    take_back(draft, made.particulars)
    reward = paid.program.rewards.get(made.reward)
    if reward is None:
        return
    payers = [one for one in paid.program.campaigns if one.key == made.campaign and not made.price]
    for payer in payers:
        money = money_draw(payer.limits, f"campaign/{payer.key}", day)
        if money is not None and reward.cost is not None:
            free(draft, money, reward.cost * made.quantity)


def _badges(draft: Draft, paid: PaidOrder, badges: frozenset[str]) -> list[Undone]:
    undone = []
    for effect in paid.decision.effects:
        # One that was earned anew, or by another order, is not this order's to lose.
        if effect.badge in badges and draft.badges.get(effect.badge) == paid.event.occurred_at:
            draft.badges = {key: at for key, at in draft.badges.items() if key != effect.badge}
            undone.append(Undone("badge", effect.campaign, badge=effect.badge))
    return undone


def _uses(draft: Draft, paid: PaidOrder, campaigns: frozenset[str]) -> list[Undone]:
    day = paid.program.zone.day_of(paid.event.occurred_at)
    undone = []
    for campaign in paid.program.campaigns:
        if campaign.key in campaigns:
            draws = use_draws(campaign.limits, f"campaign/{campaign.key}", paid.member_id, day)
            for draw in draws:
                free(draft, draw, _ONE)
            undone += [Undone("limit", campaign.key)] if draws else []
    return undone


def _uses_of_prizes(draft: Draft, paid: PaidOrder, prizes: Prizes) -> None:
    day = paid.program.zone.day_of(paid.event.occurred_at)
    for campaign in paid.program.campaigns:
        was, now = prizes.taken(campaign.key)
        if now > was:
            for draw in use_draws(campaign.limits, f"campaign/{campaign.key}", paid.member_id, day):
                free(draft, draw, Decimal(now - was))


def owners_of(paid: PaidOrder) -> list[Campaign]:
    """List the campaigns that an order set off.

    Args:
        paid: the order.

    Returns:
        Those of which any effect is recorded.
    """
    acted = {one.campaign for one in paid.decision.effects}
    return [one for one in paid.program.campaigns if one.key in acted]
