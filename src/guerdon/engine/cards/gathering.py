"""Which gift cards a batch touches: those that carts name, that checkouts hold, that returns give back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from guerdon.base.errors import Problem
from guerdon.engine.checkouts.gathering import Pricing
from guerdon.engine.checkouts.promise import read_promise
from guerdon.engine.checkouts.rows import CheckoutRow
from guerdon.engine.commands import CancelRedemption, ClaimGiftCard
from guerdon.engine.intake import Item
from guerdon.engine.keys import Pair
from guerdon.engine.returns.gathering import return_of, returned_redemptions
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.rewards.cards import ask_found, ask_of_redemptions, digest_of, load_heirs
from guerdon.rewards.coupons import ask_batches, find_codes
from guerdon.rewards.redemptions import ask_codes as rewards_of_codes
from guerdon.rules.cards.paying import REFUSALS
from guerdon.rules.program import Program

Found = Mapping[str, int]
"""By the letters of a code: its card's account."""


def ask_codes(tx: Tx, program_id: int, vault: Vault, items: Sequence[Item]) -> Callable[[], Found]:
    """Ask which accounts the codes of carts lead to, before any lock.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        vault: the tenant's keys.
        items: the commands, read.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    codes = {folded for item in items for folded, problem in item.card_codes if not problem}
    digests = {folded: digest_of(vault, folded) for folded in codes}
    found = ask_found(tx, program_id, digests.values())

    def read() -> Found:
        accounts = found()
        return {folded: accounts[digest] for folded, digest in digests.items() if digest in accounts}

    return read


def tell_coupons(tx: Tx, place: Pricing, items: Sequence[Item]) -> None:
    """Tell codes that are no card's and yet some coupon's: they were typed into the wrong field.

    Args:
        tx: bound to the tenant.
        place: where the batch runs.
        items: all commands of the batch, changed in place.
    """
    strange = {
        folded
        for item in items
        for folded, problem in item.card_codes
        if folded and problem == "gift_card_unknown"
    }
    if not strange:
        return
    granted = rewards_of_codes(tx, place.program_id, strange)()
    batches = ask_batches(tx, place.program_id, strange)()
    known = {*granted, *find_codes(tx, place.program_id, (strange, batches), place.vault.digest)}
    for item in items:
        item.card_codes = tuple(
            (folded, "gift_card_is_coupon" if folded in known else problem)
            for folded, problem in item.card_codes
        )


def set_cards(tx: Tx, where: tuple[int, Program], items: Sequence[Item], known: tuple[Found, Rows]) -> None:
    """Tell commands which accounts of gift cards they may touch.

    Args:
        tx: bound to the tenant.
        where: the program's number, and the program.
        items: all commands of the batch, changed in place.
        known: what the codes lead to, and the checkouts as found.
    """
    program_id, program = where
    found, rows = known
    about = [item for item in items if item.problem is None]
    for item in about:
        item.cards = tuple(found.get(folded, 0) for folded, _ in item.card_codes)
        item.card_accounts |= set(item.cards) - {0}
        if isinstance(item.job.command, ClaimGiftCard):
            _set_claim(item)
        for pair in (item.checkout, *item.ends):
            row = rows.get(pair) if pair is not None else None
            if row is not None:
                item.card_accounts |= promised_cards(row)
        returned = return_of(item)
        if returned is not None and returned.paid is not None:
            paid = {card.account for capture, _ in returned.paid.captures for card in capture.cards}
            # What comes back goes onto the card that is in use.
            item.card_accounts |= paid | (set(load_heirs(tx, paid).values()) if paid else set())
    if program.card_wallet is not None:
        _add_redeemed(tx, program_id, about)


Rows = Mapping[Pair, CheckoutRow]


def promised_cards(row: CheckoutRow) -> set[int]:
    """List the gift cards that pay in a checkout.

    Args:
        row: the checkout.

    Returns:
        Their accounts.
    """
    return {card.account for card in read_promise(row).capture.cards}


def check_locked(before: Rows, locked: Rows) -> None:
    """Make sure that what was read and locked for each checkout is what it needs now.

    Args:
        before: the checkouts as they were found.
        locked: as they were locked.

    Raises:
        AssertionError: where another process changed one in between; the batch is gathered again.
    """
    for pair, found in before.items():
        row = locked[pair]
        if row.account_id != found.account_id:
            raise AssertionError("a checkout went to another account before it was locked")
        if row.promised != found.promised:
            # It may take other units, cards or counters than those that were read and locked for it.
            raise AssertionError("a checkout was priced anew before it was locked")


def _set_claim(item: Item) -> None:
    problem = item.card_codes[0][1] or ("gift_card_unknown" if not item.cards[0] else "")
    if problem:
        item.problem = Problem.at("/code", problem, REFUSALS[problem])
    item.other_account = item.cards[0]


def _add_redeemed(tx: Tx, program_id: int, items: Sequence[Item]) -> None:
    """Add the cards that redemptions are, where these may be taken back."""
    wanted: dict[int, list[Item]] = {}
    for item in items:
        numbers = returned_redemptions([item])
        if isinstance(item.job.command, CancelRedemption):
            numbers.add(item.redemption_id)
        for number in numbers:
            wanted.setdefault(number, []).append(item)
    for number, accounts in ask_of_redemptions(tx, program_id, wanted, with_replaced=True)().items():
        for item in wanted[number]:
            item.card_accounts.update(accounts)
