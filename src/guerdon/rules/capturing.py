"""Capturing: an order takes what its checkout promised, as far as it can still be had."""

from __future__ import annotations

from decimal import Decimal

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal
from guerdon.rules import holds
from guerdon.rules.decision import Effect, Shortfall
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import Capture, Promised, Redeem, TakeCapture
from guerdon.rules.spending import issue


def capture(draft: Draft, taken: Capture) -> None:
    """Take what was promised: limits, coupons, units that pay, rewards.

    What the checkout holds is let go first and taken at once, so that an unexpired checkout gets all of it. A
    late one gets what is left, and the rest is noted as a shortfall.

    Args:
        draft: the decision about the order.
        taken: what was promised.
    """
    draft.let_go(holds.of_checkout(draft.holds, taken.checkout))
    draft.let_go(holds.of_checkout(draft.shared_holds, taken.checkout))
    draft.effects += [
        Effect(one.campaign, "discount", amount=one.amount, reward=one.reward, code=one.code)
        for one in taken.discounts
    ]
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
    for wallet, units in taken.units.items():
        _pay(draft, wallet, units)
    for reward in taken.rewards:
        _take_reward(draft, reward)
    draft.used += taken.coupons


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
    ]


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
    state = draft.wallet(wallet)
    had = min(units, max(state.available - state.held, 0))
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
    try:
        issue(draft, reward, Redeem(promised.redemption_id, promised.reward), by=None)
    except Problem as problem:
        draft.shortfalls.append(Shortfall("reward", promised.reward, Decimal(1), problem.code))
