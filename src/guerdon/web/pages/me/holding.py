"""What a member has: wallets with what comes and what ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from guerdon.base.exact import scaled_decimal
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.rules.lots import expiring
from guerdon.rules.state import WalletState
from guerdon.web.pages.me.reader import Reader

_ENDS_AT_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Part:
    """Units that come or end on a day."""

    at: datetime
    amount: Decimal
    shown: str
    """With their name."""


@dataclass(frozen=True, slots=True)
class WalletView:
    """A wallet."""

    key: str
    unit: str
    available: Decimal
    shown: str
    """What can be spent, with its name."""
    worth: Decimal | None
    """Money that it pays at the checkout; None where it pays nothing, or is money itself."""
    coming: tuple[Part, ...]
    """What is there and cannot be spent yet, soonest first."""
    ending: tuple[Part, ...]
    """What ends, soonest first."""
    held: str
    """Set aside for open carts; empty where nothing is."""
    debt: str
    """Owed after returns; empty where nothing is."""
    is_money: bool
    is_spent: bool
    """Whether it pays for anything; what does not is counted and shown."""


def load_wallet_views(tx: Tx, reader: Reader) -> list[WalletView]:
    """Load what a member has.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Points first, then money, then what is only shown; cards are nobody's and left out.
    """
    account_id = reader.taker.account_id
    held = load_wallets(tx, [account_id], reader.now, reader.program).get(account_id, {})
    return [_wallet(reader, key, held.get(key, WalletState())) for key in reader.opened.own_wallets]


def _wallet(reader: Reader, key: str, state: WalletState) -> WalletView:
    wallet = reader.program.wallets[key]

    def part(at: datetime, units: int) -> Part:
        return Part(at, scaled_decimal(units, wallet.scale), reader.units(key, units))

    waiting: dict[datetime, int] = {}
    for lot in state.lots or ():
        if lot.available_at > reader.now:
            waiting[lot.available_at] = waiting.get(lot.available_at, 0) + lot.remaining
    ends = expiring(state, reader.now)[:_ENDS_AT_MOST]
    available = scaled_decimal(state.free, wallet.scale)
    pays = wallet.tender == "points" and wallet.worth is not None and available > 0
    return WalletView(
        key=key,
        unit=reader.opened.named(key, reader.say),
        available=available,
        shown=reader.units(key, state.free),
        worth=_in_minor(available * wallet.worth, reader.program.digits) if pays and wallet.worth else None,
        coming=tuple(part(at, units) for at, units in sorted(waiting.items())),
        ending=tuple(part(at, units) for at, units in ends),
        held=reader.units(key, state.held) if state.held else "",
        debt=reader.units(key, state.debt) if state.debt else "",
        is_money=wallet.tender != "points",
        is_spent=wallet.spendable,
    )


def _in_minor(amount: Decimal, digits: int) -> Decimal:
    """Cut money to what can be paid: the checkout rounds nothing up."""
    return amount.quantize(Decimal(1).scaleb(-digits), "ROUND_DOWN")
