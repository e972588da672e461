"""Gift cards that pay: what is on them, what a checkout sets aside, and what its order takes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.rules import holds
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.events import CardPaid, Event, PayWithCard
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Hold, Shared, State, WalletState

KIND: Final = "card"
"""The kind of an account that is a gift card's."""
CARDS_AT_MOST: Final = 10
"""Gift cards of one cart: each is an account to lock."""
REFUSALS: Final = {
    "gift_card_unknown": "no gift card has this code",
    "gift_card_is_coupon": "this is the code of a coupon: name it in `coupons`, not in `gift_cards`",
    "gift_card_mistyped": "a letter of this gift card's code is wrong: type it again",
    "gift_card_blocked": "this gift card is blocked and pays nothing",
    "gift_card_empty": "nothing is left on this gift card that can be spent now",
}
"""Why a card does not pay, in a sentence for people."""
_IN_CARTS: Final = "open carts hold all that is left on this gift card: pay them, or let them go"


class Card(msgspec.Struct, frozen=True):
    """A gift card that a cart names, as it stands when it is priced."""

    account: int
    ending: str
    """Its last letters, to show which one is meant."""
    free: int = 0
    """Minor units that this cart can have of it."""
    problem: str = ""
    """One of `REFUSALS`, empty where it can pay."""
    in_carts: bool = False
    """Whether other open carts hold something of it."""


class CardShare(msgspec.Struct, frozen=True):
    """What one card pays of a cart."""

    account: int
    ending: str
    minor: int
    left: int
    """What can be spent of it after that, minor units."""


def pay_with_cards(cards: Sequence[Card], due: int) -> tuple[CardShare, ...]:
    """Let gift cards pay, in the order in which they are named.

    Args:
        cards: as the cart names them.
        due: what is to be paid, minor units.

    Returns:
        What each pays; nothing where nothing was left to be paid.

    Raises:
        Problem: one of `REFUSALS`, with the place of the card.
    """
    shares = []
    for place, card in enumerate(cards):
        problem = card.problem or ("gift_card_empty" if not card.free else "")
        if problem:
            told = _IN_CARTS if problem == "gift_card_empty" and card.in_carts else REFUSALS[problem]
            raise Problem.at(f"/gift_cards/{place}", problem, told)
        minor = min(card.free, due)
        due -= minor
        shares.append(CardShare(card.account, card.ending, minor, card.free - minor))
    return tuple(shares)


def free_of(program: Program, account: AccountState, event: Event, checkout: str) -> int:
    """Tell how much a checkout can have of a card: what it holds of it already is its own.

    Args:
        program: the live version.
        account: the card's, its lots gathered.
        event: gives the instant.
        checkout: its id, a UUID as text.

    Returns:
        Minor units; 0 where the program has no gift cards any more.
    """
    key = program.card_wallet
    if key is None:
        return 0
    draft = _draft(program, account, event)
    draft.let_go_of(checkout)
    draft.settle()
    return max(draft.wallet(key).free, 0)


def set_aside(
    program: Program, account: AccountState, event: Event, wanted: tuple[str, tuple[Hold, ...]]
) -> AccountState:
    """Let a checkout hold something of a card, in the place of what it held before.

    Args:
        program: any version.
        account: the card's.
        event: gives the instant.
        wanted: the checkout's id, and what it is to hold; nothing lets go.

    Returns:
        The account with that held, and with nothing held that has lapsed; time is booked by the next event.
    """
    checkout, made = wanted
    draft = _draft(program, account, event)
    # One after the other: the checkout's own may have lapsed too, and must not be let go twice.
    draft.let_go(holds.lapsed(draft.holds, draft.now))
    draft.let_go_of(checkout)
    wallets: Mapping[str, WalletState] = draft.wallets
    for hold in made:
        state = wallets.get(hold.name, WalletState())
        wallets = {**wallets, hold.name: msgspec.structs.replace(state, held=state.held + int(hold.amount))}
    held = {**draft.holds, **{hold.key: hold for hold in made}} if made else draft.holds
    return msgspec.structs.replace(account, wallets=wallets, holds=held)


def card_holds(
    cards: Sequence[CardPaid], checkout: str, expires_at: datetime
) -> Mapping[int, tuple[Hold, ...]]:
    """Tell what must be held of cards for a promise to be kept.

    Args:
        cards: what they are to pay.
        checkout: the checkout's id, a UUID as text.
        expires_at: when it is held no longer.

    Returns:
        Holds by the card's account.
    """
    return {
        one.account: (Hold(checkout, "units", one.wallet, Decimal(one.units), expires_at),) for one in cards
    }


def pay_with_card(draft: Draft, command: PayWithCard) -> None:
    """Take of a card what an order takes of it: all that was promised, or what is left where it came late.

    Args:
        draft: the decision about the card's account.
        command: what was promised.
    """
    if command.wallet not in draft.program.wallets:
        return
    had = min(command.units, max(draft.wallet(command.wallet).free, 0))
    if had:
        taken = draft.take_units(command.wallet, had)
        more = {"other_account": command.account} if command.account else {}
        draft.post("redeem", command.wallet, moved_entries(taken, -1, "redeemed", "checkout"), **more)


def _draft(program: Program, account: AccountState, event: Event) -> Draft:
    return Draft(program, State(account, None, Shared()), event, Chance(bytes(8)))
