"""Capturing: an order takes what its checkout promised, as far as it can still be had."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import number_text
from guerdon.rules.decision import Effect, Shortfall
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import Capture, Event, Promised, Redeem, TakeCapture
from guerdon.rules.offering import as_promised
from guerdon.rules.owing import spendable
from guerdon.rules.spending import issue


def capture(draft: Draft, taken: Capture) -> None:
    """Take what was promised: limits, coupons, units that pay, rewards.

    What the checkout holds was let go just before and is taken at once, so that an unexpired checkout gets
    all of it. A late one gets what is left, and the rest is noted as a shortfall.

    Args:
        draft: the decision about the order.
        taken: what was promised.
    """
    draft.effects += [
        Effect(one.campaign, "discount", amount=one.amount, reward=one.reward, code=one.code)
        for one in taken.discounts
    ]
    draft.shortfalls += [Shortfall("coupon", str(number), Decimal(1), code) for number, code in taken.gone]
    if taken.only_reports:
        _report(draft, taken)
        return
    for draw, amount in taken.draws:
        had = min(amount, max(draft.room(draw), Decimal(0)))
        if had:
            draft.draw(draw, had)
            draft.drawn.append((draw.counter, had))
        if had < amount:
            draft.shortfalls.append(Shortfall("limit", draw.counter, amount - had, "limit_reached"))
    draft.is_promised = True
    # In the order in which what is stored has them, so that it comes out alike when it is decided again.
    for wallet, units in sorted(taken.units.items()):
        _pay(draft, wallet, units)
    for reward in taken.rewards:
        _take_reward(draft, reward)
    draft.is_promised = False
    draft.used += taken.coupons
    _take_cards(draft, taken)


def _report(draft: Draft, taken: Capture) -> None:
    """Note all that was promised and came too late."""
    reason = "checkout_expired"
    draft.shortfalls += [
        *(Shortfall("limit", draw.counter, amount, reason) for draw, amount in taken.draws),
        *(
            Shortfall("units", key, scaled_decimal(units, draft.program.scales.get(key, 0)), reason)
            for key, units in taken.units.items()
        ),
        *(Shortfall("coupon", str(number), Decimal(1), reason) for number in taken.coupons),
        *(Shortfall("reward", one.reward, Decimal(1), reason) for one in taken.rewards),
        *(
            Shortfall(
                "gift_card",
                number_text("gft", one.account),
                scaled_decimal(one.units, draft.program.digits),
                reason,
            )
            for one in taken.cards
        ),
    ]


def _take_cards(draft: Draft, taken: Capture) -> None:
    """Note what gift cards paid: it was taken from their own accounts just before."""
    for card in taken.cards:
        if card.had:
            draft.effects.append(Effect("", "pay", wallet=card.wallet, amount=card.had, card=card.account))
        if card.had < card.units:
            missing = scaled_decimal(card.units - card.had, draft.program.digits)
            reason = card.reason or "insufficient_units"
            draft.shortfalls.append(Shortfall("gift_card", number_text("gft", card.account), missing, reason))


def for_guest(event: Event) -> Event:
    """Leave of a guest's order what a checkout promised: nobody earns.

    Args:
        event: an order that confirms a checkout, or what follows one that is known.

    Returns:
        The event to decide upon.
    """
    if event.capture is None:
        return event
    return msgspec.structs.replace(event, capture=None, command=TakeCapture(event.capture))


def take_capture(draft: Draft, command: TakeCapture) -> None:
    """Let an order that is known already have what its checkout promised.

    Args:
        draft: the decision.
        command: what was promised.
    """
    capture(draft, command.capture)


def _pay(draft: Draft, wallet: str, units: int) -> None:
    if wallet not in draft.program.wallets:
        scale = draft.program.scales.get(wallet, 0)
        missing = scaled_decimal(units, scale)
        draft.shortfalls.append(Shortfall("units", wallet, missing, "unknown_wallet"))
        return
    had = min(units, max(spendable(draft, wallet), 0))
    if had:
        taken = draft.take_units(wallet, had)
        draft.post("redeem", wallet, moved_entries(taken, -1, "redeemed", "checkout"))
        draft.effects.append(Effect("", "pay", wallet=wallet, amount=had))
    if had < units:
        missing = scaled_decimal(units - had, draft.program.wallets[wallet].scale)
        draft.shortfalls.append(Shortfall("units", wallet, missing, "insufficient_units"))


def _take_reward(draft: Draft, promised: Promised) -> None:
    reward = draft.program.rewards.get(promised.reward)
    if reward is None:
        draft.shortfalls.append(Shortfall("reward", promised.reward, Decimal(1), "unknown_reward"))
        return
    # Whom it is for, and what it costs him, was asked when it was promised.
    reward = as_promised(reward, promised.price)
    lost = next((key for key, _ in reward.price if key not in draft.program.wallets), None)
    if lost is not None:
        draft.shortfalls.append(Shortfall("reward", promised.reward, Decimal(1), "unknown_wallet"))
        return
    try:
        issue(draft, reward, Redeem(promised.redemption_id, promised.reward), by=None)
    except Problem as problem:
        draft.shortfalls.append(Shortfall("reward", promised.reward, Decimal(1), problem.code))
