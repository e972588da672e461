"""Spending: taking rewards, giving them back, and moving units by hand or between accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Span
from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.rules.decision import Effect, Entry, NewRedemption
from guerdon.rules.draft import Draft, expiry_instant, moved_entries
from guerdon.rules.events import Adjust, CancelRedemption, ReceiveUnits, Redeem, SendUnits
from guerdon.rules.limits import stock_draw, use_draws
from guerdon.rules.program import Reward
from guerdon.rules.state import Lot

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
QUANTITY_AT_MOST = 1_000

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_ONE = Decimal(1)


def redeem(draft: Draft, command: Redeem) -> None:
    """Let a member take a reward for its price.

    Args:
        draft: the decision.
        command: what is taken.

    Raises:
        Problem: `unknown_reward`, `quantity_invalid`, `reward_not_for_sale`, `reward_not_for_tier`,
            `limit_reached`, `out_of_stock` or `insufficient_units`.
    """
    reward = draft.program.rewards.get(command.reward)
    if reward is None:
        raise Problem.at("/reward", "unknown_reward", f"this program has no reward {command.reward!r}")
    if not 1 <= command.quantity <= QUANTITY_AT_MOST:
        raise Problem.at("/quantity", "quantity_invalid", f"a quantity is 1 to {QUANTITY_AT_MOST}")
    if not reward.price:
        raise Problem.at("/reward", "reward_not_for_sale", "this reward is granted and has no price")
    issue(draft, reward, command, campaign="")


def issue(draft: Draft, reward: Reward, command: Redeem, campaign: str, free: bool = False) -> NewRedemption:
    """Give a reward out, for its price or as a grant.

    Args:
        draft: the decision.
        reward: what is given.
        command: how many, and the redemption's number; 0 has one drawn.
        campaign: the campaign that does it, or empty.
        free: True for a grant.

    Returns:
        The redemption.

    Raises:
        Problem: `reward_not_for_tier`, `limit_reached`, `out_of_stock` or `insufficient_units`, with nothing
            changed.
    """
    _check_tier(draft, reward)
    quantity = Decimal(command.quantity)
    member_id = draft.before.member.member_id if draft.before.member is not None else None
    draws = use_draws(reward.limits, f"reward/{reward.key}", member_id, draft.day)
    if any(draft.room(draw) < quantity for draw in draws):
        raise Problem("limit_reached", "this reward cannot be taken more often in this period")
    stock = stock_draw(reward.key, reward.stock) if reward.stock is not None else None
    if stock is not None and draft.room(stock) < quantity:
        raise Problem("out_of_stock", "there are not enough of this reward left")
    price = {} if free else {wallet: each * command.quantity for wallet, each in reward.price}
    _check_funds(draft, price)
    redemption = NewRedemption(
        redemption_id=command.redemption_id or _redemption_id(draft),
        reward=reward.key,
        kind=reward.kind,
        quantity=command.quantity,
        price=price,
        code=_code(draft, reward),
        campaign=campaign,
        expires_at=_valid_until(draft, reward.valid),
        choice=command.choice,
    )
    for draw in (*draws, *((stock,) if stock is not None else ())):
        draft.draw(draw, quantity)
    for wallet, amount in price.items():
        taken = draft.take_units(wallet, amount)
        entries = moved_entries(taken, -1, "redeemed", reward.key)
        draft.post("redeem", wallet, entries, redemption_id=redemption.redemption_id)
    draft.redemptions.append(redemption)
    draft.effects.append(
        Effect(
            campaign,
            "grant" if free else "redeem",
            reward=reward.key,
            redemption_id=redemption.redemption_id,
            code=redemption.code,
        )
    )
    return redemption


def _check_tier(draft: Draft, reward: Reward) -> None:
    if reward.tiers and not any(held.level in reward.tiers for held in draft.tiers.values()):
        raise Problem(
            "reward_not_for_tier", "this reward is for the tiers " + ", ".join(sorted(reward.tiers))
        )


def _check_funds(draft: Draft, price: dict[str, int]) -> None:
    for wallet, amount in price.items():
        state = draft.wallet(wallet)
        free = state.available - state.held
        if amount > free:
            scale = draft.program.wallets[wallet].scale
            needed, there = scaled_text(amount, scale), scaled_text(max(free, 0), scale)
            raise Problem("insufficient_units", f"{needed} of {wallet} are needed and {there} are available")


def _redemption_id(draft: Draft) -> int:
    # As IdMaker.number, but drawn from the seed, so that a decision can be repeated.
    milliseconds = (draft.now - _EPOCH) // _MILLISECOND
    return milliseconds << 22 | draft.chance.bits(22)


_MILLISECOND = datetime.resolution * 1000


def _code(draft: Draft, reward: Reward) -> str:
    if reward.code is None:
        return ""
    before, letters, after = reward.code
    return before + draft.chance.letters(letters, CODE_ALPHABET) + after


def _valid_until(draft: Draft, valid: Span | None) -> datetime | None:
    return draft.program.zone.after(draft.event.occurred_at, valid) if valid is not None else None


def cancel(draft: Draft, command: CancelRedemption) -> None:
    """Take a redemption back: its units return with their expiry, its stock and limits are freed.

    Args:
        draft: the decision.
        command: what was taken, lot by lot.
    """
    lasts = draft.program.zone.after(draft.event.occurred_at, draft.program.given_back_lasts)
    for wallet, spent in sorted(command.spent.items()):
        returned = tuple(
            lot
            if lot.expires_at is None
            else msgspec.structs.replace(lot, expires_at=max(lot.expires_at, lasts))
            for lot in spent
        )
        for lot in returned:
            draft.add_lot(wallet, lot)
        draft.touch_activity(wallet)
        entries = moved_entries(returned, 1, "redeemed", command.reward)
        draft.post("cancel", wallet, entries, redemption_id=command.redemption_id)
    reward = draft.program.rewards.get(command.reward)
    if reward is not None and reward.stock is not None:
        draft.draw(stock_draw(reward.key, reward.stock), -Decimal(command.quantity))
    draft.cancelled.append(command.redemption_id)


def adjust(draft: Draft, command: Adjust) -> None:
    """Add or take units by an operator's hand.

    Args:
        draft: the decision.
        command: wallet, amount and reason.

    Raises:
        Problem: `unknown_wallet`, `amount_invalid` or `insufficient_units`.
    """
    _check_wallet(draft, command.wallet)
    if command.amount == 0:
        raise Problem.at("/amount", "amount_invalid", "an adjustment adds or takes something")
    if command.amount < 0:
        _check_funds(draft, {command.wallet: -command.amount})
        moved = draft.take_units(command.wallet, -command.amount)
        draft.post("adjust", command.wallet, moved_entries(moved, -1, "adjusted"), reason=command.reason)
        return
    lot = fresh_lot(draft, command.wallet, command.amount)
    draft.add_lot(command.wallet, lot)
    draft.touch_activity(command.wallet)
    draft.post("adjust", command.wallet, moved_entries((lot,), 1, "adjusted"), reason=command.reason)


def fresh_lot(draft: Draft, wallet: str, amount: int) -> Lot:
    """Make a lot that is available at once and expires by the wallet's rule.

    Args:
        draft: the decision.
        wallet: the wallet's key.
        amount: in its scale.

    Returns:
        The lot.
    """
    expires = draft.program.wallets[wallet].expires
    occurred_at = draft.event.occurred_at
    return Lot(
        available_at=draft.program.zone.start_of(draft.day),
        expires_at=None
        if expires is None or expires.from_activity
        else expiry_instant(draft.program, occurred_at, expires),
        remaining=amount,
    )


def send(draft: Draft, command: SendUnits) -> None:
    """Let units leave for another account, lot by lot.

    Args:
        draft: the decision.
        command: wallet, amount and where to.

    Raises:
        Problem: `unknown_wallet`, `amount_invalid`, `same_account` or `insufficient_units`.
    """
    _check_wallet(draft, command.wallet)
    if command.amount <= 0:
        raise Problem.at("/amount", "amount_invalid", "a transfer moves more than nothing")
    if command.to_account == draft.before.account.account_id:
        raise Problem.at("/to", "same_account", "units cannot be sent to the account that they come from")
    _check_funds(draft, {command.wallet: command.amount})
    moved = draft.take_units(command.wallet, command.amount)
    entries = tuple(Entry("member", -lot.remaining, lot.available_at, lot.expires_at) for lot in moved)
    transit = tuple(Entry("transit", lot.remaining, lot.available_at, lot.expires_at) for lot in moved)
    draft.post("send", command.wallet, entries + transit, other_account=command.to_account)


def receive(draft: Draft, command: ReceiveUnits) -> None:
    """Let units of another account arrive with their dates.

    Args:
        draft: the decision.
        command: the lots as they left.
    """
    for lot in command.lots:
        draft.add_lot(command.wallet, lot)
    draft.touch_activity(command.wallet)
    entries = moved_entries(command.lots, 1, "transit")
    draft.post("receive", command.wallet, entries, other_account=command.from_account)


def _check_wallet(draft: Draft, wallet: str) -> None:
    if wallet not in draft.program.wallets:
        known = ", ".join(sorted(draft.program.wallets)) or "none"
        raise Problem.at(
            "/wallet", "unknown_wallet", f"this program has no wallet {wallet!r}; it has: {known}"
        )
