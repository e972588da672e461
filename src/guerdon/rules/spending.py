"""Spending: taking rewards, giving them back, and moving units by hand or between accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text
from guerdon.rules.coupons.standing import granted_money
from guerdon.rules.decision import Book, Effect, Entry, NewRedemption
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import Adjust, CancelRedemption, ReceiveUnits, Redeem, SendUnits
from guerdon.rules.giving import code_of, fix, take_back, valid_until
from guerdon.rules.limits import Draw, money_draw, stock_draw, use_draws
from guerdon.rules.offering import (
    SENTENCES,
    check_balance,
    check_offer,
    check_quantity,
    choice_draw,
    chosen_of,
    price_for,
    why_not_chosen,
)
from guerdon.rules.owing import free, reopen, spendable
from guerdon.rules.program import Campaign, Program, Reward
from guerdon.rules.seating import check_line, is_for_the_line
from guerdon.rules.state import Lot
from guerdon.rules.takings import check_cooling, cooling_draw, note_taking, without

QUANTITY_AT_MOST = 1_000
UNITS_GIVEN_AT_MOST = 1_000_000
"""Donations at once: where one costs one unit, as many units as a member chooses."""

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def redeem(draft: Draft, command: Redeem) -> None:
    """Let a member take a reward for its price.

    Args:
        draft: the decision.
        command: what is taken.

    Raises:
        Problem: `unknown_reward`, `quantity_invalid`, `quantity_too_small`, `quantity_too_large`,
            `reward_not_for_sale`, `choice_missing`, `choice_unknown`, `warranty_only`, or what `issue`
            raises.
    """
    reward = draft.program.rewards.get(command.reward)
    if reward is None:
        raise Problem.at("/reward", "unknown_reward", f"this program has no reward {command.reward!r}")
    most = QUANTITY_AT_MOST if reward.gift is None else UNITS_GIVEN_AT_MOST
    if not 1 <= command.quantity <= most:
        raise Problem.at("/quantity", "quantity_invalid", f"a quantity is 1 to {most}")
    check_quantity(reward, command.quantity)
    if not reward.price and not reward.is_free:
        raise Problem.at("/reward", "reward_not_for_sale", SENTENCES["reward_not_for_sale"])
    refused = why_not_chosen(reward, command.choice)
    if refused:
        listed = ", ".join(reward.choices)
        raise Problem.at("/choice", refused, f"{SENTENCES[refused]}; there are: {listed}")
    given = chosen_of(draft.program, reward, command.choice) or reward
    if command.covers is not None and given.kind != "warranty":
        raise Problem.at("/for", "warranty_only", "only a warranty is for something; leave `for` out")
    issue(draft, reward, command, by=None)


def issue(
    draft: Draft, reward: Reward, command: Redeem, by: Campaign | None, free: bool = False
) -> NewRedemption:
    """Give a reward out, for its price or as a grant.

    Args:
        draft: the decision.
        reward: what is given.
        command: how many, what of it, and the redemption's number; 0 has one drawn.
        by: the campaign that does it, or None where a member does.
        free: True for a grant, which the campaign's budget pays for.

    Returns:
        The redemption.

    Raises:
        Problem: `reward_not_for_tier`, `reward_not_for_member`, `reward_not_yet`, `reward_over`,
            `reward_cooling`, `limit_reached`, `out_of_stock`, `budget_spent`, `balance_too_small` or
            `insufficient_units`, with nothing changed.
    """
    given = chosen_of(draft.program, reward, command.choice) or reward
    for one in {reward.key: reward, given.key: given}.values():
        check_offer(draft, one, granted=free, by_campaign=by is not None and not is_for_the_line(by, one.key))
        check_line(draft, one, Decimal(command.quantity), by)
    if not free:
        check_cooling(draft, reward)
    draws = _draws(draft, reward, command, by if free else None)
    for draw, amount, code in draws:
        if draft.room(draw) < amount:
            raise Problem(code, REFUSALS[code])
    price = {} if free else price_for(draft, reward, command.quantity)
    _check_funds(draft, price)
    if not free:
        check_balance(draft, reward, price)
    redemption = NewRedemption(
        redemption_id=command.redemption_id or _redemption_id(draft),
        reward=given.key,
        kind=given.kind,
        quantity=command.quantity,
        price=price,
        code=code_of(draft, given),
        campaign=by.key if by is not None else "",
        expires_at=valid_until(draft, given.valid),
        choice=command.choice if given is reward else "",
        particulars=fix(draft, given, command, reward),
    )
    for draw, amount, _ in draws:
        draft.draw(draw, amount)
    for wallet, units in price.items():
        taken = draft.take_units(wallet, units)
        entries = moved_entries(taken, -1, "redeemed", reward.key)
        draft.post("redeem", wallet, entries, redemption_id=redemption.redemption_id)
    _note(draft, redemption, reward, free=free)
    return redemption


def _note(draft: Draft, redemption: NewRedemption, asked: Reward, *, free: bool) -> None:
    if not free:
        note_taking(draft, asked, redemption.redemption_id)
    draft.redemptions.append(redemption)
    draft.effects.append(
        Effect(
            redemption.campaign,
            "grant" if free else "redeem",
            reward=redemption.reward,
            redemption_id=redemption.redemption_id,
            code=redemption.code,
            spent=redemption.price,
        )
    )


REFUSALS = {
    "limit_reached": "this reward cannot be taken more often in this period",
    "out_of_stock": "there are not enough of this reward left",
    "budget_spent": "what it costs is more than the budget has left",
    "reward_cooling": "an open checkout has this reward, which makes wait between takings",
}


def _draws(
    draft: Draft, reward: Reward, command: Redeem, payer: Campaign | None
) -> list[tuple[Draw, Decimal, str]]:
    """List what giving a reward draws from, how much, and the code of refusal: uses, stock, budgets."""
    member = draft.before.member
    who_when = (member.member_id if member is not None else None, draft.day)
    draws = taking_draws(draft.program, reward, (command.quantity, command.choice), who_when)
    if payer is not None and reward.cost is not None:
        money = money_draw(payer.limits, f"campaign/{payer.key}", draft.day)
        draws += [(money, reward.cost * command.quantity, "budget_spent")] if money is not None else []
    return draws


def taking_draws(
    program: Program, reward: Reward, what: tuple[int, str], who_when: tuple[int | None, date]
) -> list[tuple[Draw, Decimal, str]]:
    """List what taking a reward draws from, what is chosen of it among that.

    Args:
        program: the version that decides.
        reward: what is taken.
        what: how many, and what is chosen of it, empty for nothing.
        who_when: number of who takes it, or None; and the local day of the taking.

    Returns:
        Each counter, how much is drawn, and the code of the refusal where there is no room.
    """
    (quantity, choice), (member_id, day) = what, who_when
    draws = reward_draws(reward, quantity, member_id, day)
    of_choice = choice_draw(reward, choice)
    if of_choice is not None:
        draws.append((of_choice, Decimal(quantity), "out_of_stock"))
    given = chosen_of(program, reward, choice)
    if given is not None:
        draws += reward_draws(given, quantity, member_id, day)
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


def cart_draws(reward: Reward, member_id: int | None, day: date) -> list[tuple[Draw, Decimal, str]]:
    """List what a cart holds for one of a reward: what its taking draws, and that no other cart has it.

    Args:
        reward: what comes with the cart.
        member_id: who buys, or None.
        day: local day of pricing.

    Returns:
        As `reward_draws`.
    """
    draws = reward_draws(reward, 1, member_id, day)
    if reward.cooling is not None:
        draws.append((cooling_draw(reward.key), Decimal(1), "reward_cooling"))
    return draws


def freed_draws(
    program: Program, made: NewRedemption | CancelRedemption, who_when: tuple[int | None, date]
) -> list[tuple[Draw, Decimal, str]]:
    """List what giving a redemption back frees: all that its taking drew, by what stands of it.

    Args:
        program: the version whose rewards stand.
        made: the redemption.
        who_when: number of who took it, or None; and the local day of the taking.

    Returns:
        As `reward_draws`.
    """
    asked = program.rewards.get(made.particulars.chosen_from or made.reward)
    choice = made.reward if made.particulars.chosen_from else made.choice
    if asked is not None:
        return taking_draws(program, asked, (made.quantity, choice), who_when)
    given = program.rewards.get(made.reward)
    return reward_draws(given, made.quantity, *who_when) if given is not None else []


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


def cancel(draft: Draft, command: CancelRedemption) -> None:
    """Take a redemption back: its units return with their expiry, its stock and limits are freed.

    Args:
        draft: the decision.
        command: what was taken, lot by lot.

    Raises:
        Problem: `unknown_wallet`, `balance_too_large` or `redemption_used`.
    """
    reward = draft.program.rewards.get(command.reward)
    if reward is not None and not take_all_money(draft, reward, command.redemption_id):
        raise Problem("redemption_used", "a part of this coupon is used already")
    lasts = draft.program.zone.after(draft.event.occurred_at, draft.program.given_back_lasts)
    for wallet, spent in sorted(command.spent.items()):
        if wallet in draft.program.retired:
            reopen(draft, wallet)
        else:
            _check_wallet(draft, wallet)
        entries = arrive(draft, wallet, lasting(spent, lasts), "redeemed", command.reward)
        draft.post("cancel", wallet, entries, redemption_id=command.redemption_id)
    # What came back to a wallet that is given up turns into what the rest of it did.
    draft.settle_wallets()
    free_taking(draft, command)
    withdraw(draft, command.redemption_id)


def take_all_money(draft: Draft, reward: Reward, number: int) -> bool:
    """Take the money of a coupon that is given back, so that no cart that lapsed comes back for it.

    Args:
        draft: the decision.
        reward: what the coupon is of.
        number: its redemption.

    Returns:
        False, with nothing taken, where a part of it is used already.
    """
    if reward.money is None:
        return True
    money = granted_money(number, reward.money)
    if draft.counters.get(money.counter, 0) > 0:
        return False
    draft.draw(money, money.bound)
    return True


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


def free_taking(draft: Draft, command: CancelRedemption) -> None:
    """Give back the stock and the uses that a taking drew, and take a donation out of its cause again.

    Args:
        draft: the decision.
        command: what was taken.
    """
    acting = draft.before.member.member_id if draft.before.member is not None else None
    member_id = command.member_id if command.member_id is not None else acting
    day = draft.program.zone.day_of(command.taken_at) if command.taken_at is not None else draft.day
    for draw, amount, _ in freed_draws(draft.program, command, (member_id, day)):
        free(draft, draw, amount)
    take_back(draft, command.particulars)


def withdraw(draft: Draft, redemption_id: int) -> None:
    """Note that a redemption is taken back, so that its account need not wait for it any more.

    Args:
        draft: the decision.
        redemption_id: its number.
    """
    draft.cancelled.append(redemption_id)
    draft.takings = without(draft.takings, redemption_id)


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
        else expires.instant(draft.program.zone, occurred_at),
        remaining=amount,
    )


def send(draft: Draft, command: SendUnits) -> None:
    """Let units leave for another account, lot by lot.

    Args:
        draft: the decision.
        command: wallet, amount and where to.

    Raises:
        Problem: `unknown_wallet`, `amount_invalid`, `same_account`, `wallet_not_spendable` or
            `insufficient_units`.
    """
    _check_wallet(draft, command.wallet)
    if command.amount <= 0:
        raise Problem.at("/amount", "amount_invalid", "a transfer moves more than nothing")
    if command.to_account == draft.before.account.account_id:
        raise Problem.at("/to", "same_account", "units cannot be sent to the account that they come from")
    if not draft.program.wallets[command.wallet].spendable:
        raise Problem.at("/wallet", "wallet_not_spendable", "units of this wallet stay where they are")
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
