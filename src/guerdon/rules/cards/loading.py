"""Money that comes onto gift cards, and that leaves them for store credit or for another card."""

from __future__ import annotations

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.exact import BIGINT_MAX
from guerdon.rules.decision import Entry
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import ClaimCard, EmptyCard, LoadCard, RefundCard, ReplaceCard, TakePlace
from guerdon.rules.owing import reopen
from guerdon.rules.spending import arrive, fresh_lot


def load_card(draft: Draft, command: LoadCard) -> None:
    """Put money on a card.

    Args:
        draft: the decision about the card's account.
        command: how much, and until when.

    Raises:
        Problem: `unknown_wallet`, `amount_invalid`, `expiry_invalid` or `balance_too_large`.
    """
    _check(draft, command.wallet)
    if not 0 < command.amount <= BIGINT_MAX:
        raise Problem.at("/amount", "amount_invalid", "more than nothing comes onto a gift card")
    if command.expires_at is not None and command.expires_at <= draft.now:
        raise Problem.at("/expires_at", "expiry_invalid", "a gift card expires in the future")
    lot = fresh_lot(draft, command.wallet, command.amount)
    if command.expires_at is not None:
        lot = msgspec.structs.replace(lot, expires_at=command.expires_at)
    entries = arrive(draft, command.wallet, (lot,), "issued", "gift_card")
    more = {"other_account": command.account} if command.account is not None else {}
    # The redemption's number stays with the account whose redemption it is.
    draft.post("award", command.wallet, entries, reason=command.reason, **more)


def refund_card(draft: Draft, command: RefundCard) -> None:
    """Put what a card paid on it again.

    Args:
        draft: the decision about the card's account.
        command: how much of which lots.

    Raises:
        Problem: `unknown_wallet` or `balance_too_large`.
    """
    if command.wallet in draft.program.retired:
        reopen(draft, command.wallet)
    else:
        _check(draft, command.wallet)
    entries = arrive(draft, command.wallet, command.lots, "redeemed", "checkout")
    more = {"other_account": command.account} if command.account else {}
    draft.post("cancel", command.wallet, entries, **more)
    draft.settle_wallets()


def empty_card(draft: Draft, command: EmptyCard) -> None:
    """Take all from a card whose redemption was taken back.

    Args:
        draft: the decision about the card's account.
        command: which redemption.
    """
    left = draft.wallet(command.wallet).free
    if left > 0:
        taken = draft.take_units(command.wallet, left)
        draft.post("return", command.wallet, moved_entries(taken, -1, "issued", "gift_card"))


def claim_card(draft: Draft, command: ClaimCard) -> None:
    """Let all that a card has become store credit on its way to somebody's account.

    The money leaves the wallet of gift cards against the book of conversions, and comes out of that book in
    the wallet of store credit, so that each wallet balances by itself.

    Args:
        draft: the decision about the card's account.
        command: whose credit it becomes, in which wallet.

    Raises:
        Problem: `gift_card_empty`.
    """
    left = draft.wallet(command.wallet).free
    if left <= 0:
        raise Problem("gift_card_empty", "nothing is left on this gift card that can be claimed now")
    taken = draft.take_units(command.wallet, left)
    draft.post("convert", command.wallet, moved_entries(taken, -1, "converted", command.into))
    left_for = tuple(Entry("transit", lot.remaining, lot.available_at, lot.expires_at) for lot in taken)
    against = Entry("converted", -left, source=command.wallet)
    draft.post("send", command.into, (*left_for, against), other_account=command.to_account)


def replace_card(draft: Draft, command: ReplaceCard) -> None:
    """Let all that can be spent of a card leave for the one that takes its place.

    Args:
        draft: the decision about the card's account.
        command: the new card's account.

    Raises:
        Problem: `gift_cards_not_offered` or `gift_card_empty`.
    """
    _check(draft, command.wallet)
    left = draft.wallet(command.wallet).free
    if left <= 0:
        raise Problem("gift_card_empty", "nothing is left on this gift card that could go onto a new one")
    taken = draft.take_units(command.wallet, left)
    leaving = tuple(Entry("member", -lot.remaining, lot.available_at, lot.expires_at) for lot in taken)
    transit = tuple(Entry("transit", lot.remaining, lot.available_at, lot.expires_at) for lot in taken)
    more = {"reason": command.reason, "other_account": command.to_account}
    draft.post("send", command.wallet, leaving + transit, **more)


def take_place(draft: Draft, command: TakePlace) -> None:
    """Put what another card had onto the new one.

    Args:
        draft: the decision about the new card's account.
        command: the lots as they left.

    Raises:
        Problem: `gift_cards_not_offered` or `balance_too_large`.
    """
    _check(draft, command.wallet)
    entries = arrive(draft, command.wallet, command.lots, "transit")
    draft.post("receive", command.wallet, entries, other_account=command.from_account)


def _check(draft: Draft, wallet: str) -> None:
    if wallet not in draft.program.wallets:
        raise Problem("gift_cards_not_offered", "this program has no wallet for gift cards")
