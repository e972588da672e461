"""Spending: taking rewards, giving them back, and moving units by hand or between accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.calendar import Span
from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.rules.decision import Book, Effect, Entry, NewRedemption
from guerdon.rules.draft import Draft, expiry_instant
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import Adjust, CancelRedemption, ReceiveUnits, Redeem, SendUnits
from guerdon.rules.limits import Draw, money_draw, stock_draw, use_draws
from guerdon.rules.offering import SENTENCES, why_not_chosen, why_not_offered
from guerdon.rules.owing import free, spendable
from guerdon.rules.program import Campaign, Reward
from guerdon.rules.state import Lot

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
QUANTITY_AT_MOST = 1_000

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def redeem(draft: Draft, command: Redeem) -> None:
    """Let a member take a reward for its price.

    Args:
        draft: the decision.
        command: what is taken.

    Raises:
        Problem: `unknown_reward`, `quantity_invalid`, `reward_not_for_sale`, `reward_not_for_tier`,
            `reward_not_yet`, `reward_over`, `choice_missing`, `choice_unknown`, `limit_reached`,
            `out_of_stock` or `insufficient_units`.
    """
    reward = draft.program.rewards.get(command.reward)
    if reward is None:
        raise Problem.at("/reward", "unknown_reward", f"this program has no reward {command.reward!r}")
    if not 1 <= command.quantity <= QUANTITY_AT_MOST:
        raise Problem.at("/quantity", "quantity_invalid", f"a quantity is 1 to {QUANTITY_AT_MOST}")
    if not reward.price:
        raise Problem.at("/reward", "reward_not_for_sale", "this reward is granted and has no price")
    refused = why_not_chosen(reward, command.choice)
    if refused:
        listed = ", ".join(reward.choices)
        raise Problem.at("/choice", refused, f"{SENTENCES[refused]}; there are: {listed}")
    issue(draft, reward, command, by=None)


def issue(
    draft: Draft, reward: Reward, command: Redeem, by: Campaign | None, free: bool = False
) -> NewRedemption:
    """Give a reward out, for its price or as a grant.

    Args:
        draft: the decision.
        reward: what is given.
        command: how many, and the redemption's number; 0 has one drawn.
        by: the campaign that does it, or None where a member does.
        free: True for a grant, which the campaign's budget pays for.

    Returns:
        The redemption.

    Raises:
        Problem: `reward_not_for_tier`, `reward_not_yet`, `reward_over`, `limit_reached`, `out_of_stock`,
            `budget_spent` or `insufficient_units`, with nothing changed.
    """
    check_offer(draft, reward, granted=free)
    draws = _draws(draft, reward, command.quantity, by if free else None)
    for draw, amount, code in draws:
        if draft.room(draw) < amount:
            raise Problem(code, REFUSALS[code])
    price = {} if free else {wallet: each * command.quantity for wallet, each in reward.price}
    _check_funds(draft, price)
    redemption = NewRedemption(
        redemption_id=command.redemption_id or _redemption_id(draft),
        reward=reward.key,
        kind=reward.kind,
        quantity=command.quantity,
        price=price,
        code=_code(draft, reward),
        campaign=by.key if by is not None else "",
        expires_at=_valid_until(draft, reward.valid),
        choice=command.choice,
    )
    for draw, amount, _ in draws:
        draft.draw(draw, amount)
    for wallet, units in price.items():
        taken = draft.take_units(wallet, units)
        entries = moved_entries(taken, -1, "redeemed", reward.key)
        draft.post("redeem", wallet, entries, redemption_id=redemption.redemption_id)
    draft.redemptions.append(redemption)
    draft.effects.append(
        Effect(
            redemption.campaign,
            "grant" if free else "redeem",
            reward=reward.key,
            redemption_id=redemption.redemption_id,
            code=redemption.code,
            spent=price,
        )
    )
    return redemption


REFUSALS = {
    "limit_reached": "this reward cannot be taken more often in this period",
    "out_of_stock": "there are not enough of this reward left",
    "budget_spent": "what it costs is more than the budget has left",
}


def _draws(
    draft: Draft, reward: Reward, quantity: int, payer: Campaign | None
) -> list[tuple[Draw, Decimal, str]]:
    """List what giving a reward draws from, how much, and the code of refusal: uses, stock, budgets."""
    member = draft.before.member
    draws = reward_draws(reward, quantity, member.member_id if member is not None else None, draft.day)
    if payer is not None and reward.cost is not None:
        money = money_draw(payer.limits, f"campaign/{payer.key}", draft.day)
        draws += [(money, reward.cost * quantity, "budget_spent")] if money is not None else []
    return draws


def reward_draws(
    reward: Reward, quantity: int, member_id: int | None, day: date
) -> list[tuple[Draw, Decimal, str]]:
    """List what taking a reward draws from of the reward's own.

    Args:
        reward: what is taken.
        quantity: how many.
        member_id: who takes it, or None.
        day: local day of the taking.

    Returns:
        Each counter, how much is drawn, and the code of the refusal where there is no room.
    """
    owner = f"reward/{reward.key}"
    draws = [
        (draw, Decimal(quantity), "limit_reached") for draw in use_draws(reward.limits, owner, member_id, day)
    ]
    if reward.stock is not None:
        draws.append((stock_draw(reward.key, reward.stock), Decimal(quantity), "out_of_stock"))
    money = money_draw(reward.limits, owner, day)
    if money is not None and reward.cost is not None:
        draws.append((money, reward.cost * quantity, "budget_spent"))
    return draws


def check_offer(draft: Draft, reward: Reward, *, granted: bool = False) -> None:
    """Make sure that a reward can be had now, and that the account's tiers may have it.

    Args:
        draft: the decision.
        reward: what is wanted.
        granted: whether a campaign gives it, on whatever day.

    Raises:
        Problem: `reward_not_for_tier`, `reward_not_yet` or `reward_over`.
    """
    held = {name for key, one in draft.tiers.items() for name in (one.level, f"{key}.{one.level}")}
    if granted:
        reward = msgspec.structs.replace(reward, opens=None, until=None)
    refused = why_not_offered(reward, held, draft.program.zone.local(draft.now).replace(tzinfo=None))
    if refused == "reward_not_for_tier":
        raise Problem(refused, "this reward is for the tiers " + ", ".join(sorted(reward.tiers)))
    if refused and not granted:
        raise Problem(refused, SENTENCES[refused])


def _check_funds(draft: Draft, price: dict[str, int]) -> None:
    for wallet, amount in price.items():
        free = spendable(draft, wallet)
        if amount > free:
            scale = draft.program.wallets[wallet].scale
            needed, there = scaled_text(amount, scale), scaled_text(max(free, 0), scale)
            raise Problem("insufficient_units", f"{needed} of {wallet} are needed and {there} are available")


def _redemption_id(draft: Draft) -> int:
    # As IdMaker.number, but drawn from the seed, so that a decision can be repeated.
    milliseconds = (draft.now - _EPOCH) // _MILLISECOND
    # Instants before 2020 wrap around, so that history has positive numbers, apart from those of today.
    number = (milliseconds & _STAMPS) << 22 | draft.chance.bits(22)
    return max(number, draft.redemptions[-1].redemption_id + 1) if draft.redemptions else number


_MILLISECOND = datetime.resolution * 1000
_STAMPS = 2**41 - 1


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

    Raises:
        Problem: `unknown_wallet` or `balance_too_large`.
    """
    lasts = draft.program.zone.after(draft.event.occurred_at, draft.program.given_back_lasts)
    for wallet, spent in sorted(command.spent.items()):
        if wallet in draft.program.retired:
            draft.reopen(wallet)
        else:
            _check_wallet(draft, wallet)
        entries = arrive(draft, wallet, lasting(spent, lasts), "redeemed", command.reward)
        draft.post("cancel", wallet, entries, redemption_id=command.redemption_id)
    # What came back to a wallet that is given up turns into what the rest of it did.
    draft.settle_wallets()
    _free(draft, command)
    draft.cancelled.append(command.redemption_id)


def lasting(spent: Iterable[Lot], lasts: datetime) -> tuple[Lot, ...]:
    """Let units that are given back last for a while.

    Args:
        spent: lots as they were taken.
        lasts: none of them expires before.

    Returns:
        The lots to be given back; their own expiry holds where it is later.
    """
    return tuple(
        lot if lot.expires_at is None else msgspec.structs.replace(lot, expires_at=max(lot.expires_at, lasts))
        for lot in spent
    )


def _free(draft: Draft, command: CancelRedemption) -> None:
    reward = draft.program.rewards.get(command.reward)
    if reward is None:
        return
    acting = draft.before.member.member_id if draft.before.member is not None else None
    member_id = command.member_id if command.member_id is not None else acting
    day = draft.program.zone.day_of(command.taken_at) if command.taken_at is not None else draft.day
    for draw, amount, _ in reward_draws(reward, command.quantity, member_id, day):
        free(draft, draw, amount)


def arrive(
    draft: Draft, wallet: str, arrived: Iterable[Lot], book: Book, source: str = ""
) -> tuple[Entry, ...]:
    """Put lots into a wallet, against a book; one whose time is over already expires at once.

    Args:
        draft: the decision.
        wallet: the wallet's key.
        arrived: what comes, `remaining` being how many units of each lot.
        book: the other side.
        source: what caused it.

    Returns:
        The entries of one transaction.

    Raises:
        Problem: `balance_too_large`.
    """
    came, went = [], []
    for lot in arrived:
        first, *expired = draft.add_units(wallet, lot, source)
        came.append(first)
        went += expired
    against = Entry(book, -sum(entry.amount for entry in came), source=source)
    return (*came, against, *went)


def adjust(draft: Draft, command: Adjust) -> None:
    """Add or take units by an operator's hand.

    Args:
        draft: the decision.
        command: wallet, amount and reason.

    Raises:
        Problem: `unknown_wallet`, `amount_invalid`, `insufficient_units` or `balance_too_large`.
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
    entries = arrive(draft, command.wallet, (lot,), "adjusted")
    draft.post("adjust", command.wallet, entries, reason=command.reason)


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

    Raises:
        Problem: `unknown_wallet` or `balance_too_large`.
    """
    _check_wallet(draft, command.wallet)
    entries = arrive(draft, command.wallet, command.lots, "transit")
    draft.post("receive", command.wallet, entries, other_account=command.from_account)


def _check_wallet(draft: Draft, wallet: str) -> None:
    if wallet not in draft.program.wallets:
        known = ", ".join(sorted(draft.program.wallets)) or "none"
        raise Problem.at(
            "/wallet", "unknown_wallet", f"this program has no wallet {wallet!r}; it has: {known}"
        )
