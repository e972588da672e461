"""How an account stands, as it is shown: wallets, tiers, badges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from guerdon.base.exact import scaled_text
from guerdon.infra.tx import Tx
from guerdon.ledger.wallets import load_wallets
from guerdon.members.standing import Standing, Wanted, load_standing
from guerdon.rules.lots import expiring
from guerdon.rules.program import Program
from guerdon.rules.state import WalletState
from guerdon.web.api.ladders.shown import show_tier
from guerdon.web.api.shapes import Expiring
from guerdon.web.api.shapes.members import BadgeShape, TierShape, WalletShape

_EMPTY = WalletState()


@dataclass(frozen=True, slots=True)
class Shown:
    """An account's standing at an instant."""

    wallets: Mapping[str, WalletShape]
    tiers: Mapping[str, TierShape]
    badges: tuple[BadgeShape, ...]
    spendable: Mapping[str, int]
    """Units that can be spent now by wallet, in its scale."""


def show_standing(tx: Tx, program: Program, account_id: int, now: datetime) -> Shown:
    """Work out how an account stands; what time has done since the last booking is reckoned in.

    Args:
        tx: bound to the tenant.
        program: the live program.
        account_id: whose.
        now: the instant.

    Returns:
        Wallets of the program, tiers of its ladders, and badges.
    """
    held = load_wallets(tx, [account_id], now, program).get(account_id, {})
    metrics = {one.identity for ladder in program.ladders.values() for one in ladder.metrics}
    standing = load_standing(tx, Wanted([account_id], metrics))[account_id]
    badges = tuple(BadgeShape(badge=key, earned_at=at) for key, at in sorted(standing.badges.items()))
    return Shown(
        {
            key: show_wallet(held.get(key, _EMPTY), wallet.scale, now)
            for key, wallet in program.wallets.items()
        },
        _tiers(program, standing, now),
        badges,
        {key: state.free for key, state in held.items()},
    )


def show_wallet(state: WalletState, scale: int, now: datetime) -> WalletShape:
    """Show a wallet.

    Args:
        state: settled at `now`, with its lots.
        scale: its decimal places.
        now: the instant.

    Returns:
        Its figures, and what is going to expire, soonest first.
    """
    return WalletShape(
        available=scaled_text(state.free, scale),
        pending=scaled_text(state.pending, scale),
        held=scaled_text(state.held, scale),
        debt=scaled_text(state.debt, scale) if state.debt else "0",
        expiring=[Expiring(amount=scaled_text(units, scale), at=at) for at, units in expiring(state, now)],
    )


def _tiers(program: Program, standing: Standing, now: datetime) -> dict[str, TierShape]:
    counts = standing.counts(program.zone)
    return {key: show_tier(program, key, standing.tiers.get(key), counts, now) for key in program.ladders}
