"""What a member has beside units: open carts, coupons and rewards with how they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from guerdon.base.exact import scaled_decimal
from guerdon.engine.looking.carts import carts_of
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.rewards.cards import ask_cards, ask_of_redemptions
from guerdon.rewards.redemptions import Page, list_redemptions
from guerdon.rules.state import WalletState
from guerdon.web.console.opened import Opened
from guerdon.web.console.shop.checkouts import Cart, show_carts
from guerdon.web.console.shop.rewards import Taken, show_taken
from guerdon.web.console.visits import Visit

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is shown of it."""

    carts: list[Cart]
    taken: list[Taken]
    """The latest takings of rewards, whatever became of them."""
    more: bool
    """Whether there are older ones."""
    cards: dict[int, Card]
    """By redemption, gift cards among them."""


@dataclass(frozen=True, slots=True)
class Card:
    """A gift card that a member took; it pays for whoever knows its code."""

    ending: str
    left: Decimal
    blocked: bool


def load_holdings(tx: Tx, visit: Visit, opened: Opened, account_id: int) -> Holdings:
    """Load what an account has beside units.

    Args:
        tx: bound to the tenant.
        visit: for the instant and the language.
        opened: the program.
        account_id: whose.

    Returns:
        Carts and takings.
    """
    program_id = opened.live.program_id
    carts = carts_of(tx, program_id, account_id, visit.now)
    taken = list_redemptions(tx, program_id, Page(_SHOWN + 1, account_id=account_id))
    numbers = [one.redemption_id for one in taken if one.kind == "gift_card"]
    return Holdings(
        carts=show_carts(tx, opened, carts, visit.saying),
        taken=show_taken(tx, opened, taken[:_SHOWN]),
        more=len(taken) > _SHOWN,
        cards=_cards(tx, visit, opened, numbers),
    )


def _cards(tx: Tx, visit: Visit, opened: Opened, numbers: Sequence[int]) -> dict[int, Card]:
    wallet = opened.program.card_wallet
    accounts = ask_of_redemptions(tx, opened.live.program_id, numbers)()
    every = sorted({one for some in accounts.values() for one in some})
    if wallet is None or not every:
        return {}
    rows, held = ask_cards(tx, every)(), load_wallets(tx, every, visit.now, opened.program)
    return {
        number: Card(
            ", ".join(f"…{rows[one].ending}" for one in some if one in rows),
            sum((_left(held, one, wallet, opened) for one in some), Decimal(0)),
            any(rows[one].blocked_at is not None for one in some if one in rows),
        )
        for number, some in accounts.items()
    }


def _left(
    held: Mapping[int, Mapping[str, WalletState]], account: int, wallet: str, opened: Opened
) -> Decimal:
    state = held.get(account, {}).get(wallet, WalletState())
    return scaled_decimal(state.free, opened.program.scales[wallet])
