"""Units that returns take and that were spent before: what is owed, and how later units repay it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from guerdon.rules import lots
from guerdon.rules.draft import Draft
from guerdon.rules.entries import moved_entries
from guerdon.rules.limits import Draw
from guerdon.rules.state import Lot


def reopen(draft: Draft, key: str) -> None:
    """Let units come back to a wallet that is given up, for `settle_wallets` to convert them.

    Args:
        draft: the decision.
        key: the wallet.
    """
    wallet = draft.wallet(key)
    if wallet.lots is None and not (wallet.available or wallet.pending):
        # What holds nothing has no lots, whether or not they were read.
        draft.wallets[key] = msgspec.structs.replace(wallet, lots=())


def take_back(draft: Draft, wallet_key: str, amount: int, of: Sequence[Lot] = ()) -> tuple[Lot, ...]:
    """Take units back that a wallet has, pending ones as well; what is on hold stays.

    Args:
        draft: the decision.
        wallet_key: the wallet.
        amount: in its scale.
        of: lots that are taken from first.

    Returns:
        What was taken of each lot, perhaps less than asked for.
    """
    draft.wallets[wallet_key], taken = lots.take_back(draft.wallet(wallet_key), amount, of, draft.now)
    return taken


def owe(draft: Draft, wallet_key: str, amount: int) -> None:
    """Note units that are owed.

    Args:
        draft: the decision.
        wallet_key: the wallet.
        amount: in its scale; less than nothing where it is repaid.
    """
    wallet = draft.wallet(wallet_key)
    draft.wallets[wallet_key] = msgspec.structs.replace(wallet, debt=wallet.debt + amount)


def repay(draft: Draft) -> None:
    """Let units that are there repay what is owed in their wallet.

    Args:
        draft: the decision, all else of it done.
    """
    owing = [(key, wallet) for key, wallet in draft.wallets.items() if wallet.debt]
    for key, wallet in owing:
        if wallet.available > wallet.held or wallet.pending:
            taken = take_back(draft, key, wallet.debt)
            owe(draft, key, -sum(lot.remaining for lot in taken))
            draft.post("repay", key, moved_entries(taken, -1, "owed"), effective_at=draft.now)


def spendable(draft: Draft, wallet_key: str) -> int:
    """Tell how many units can be spent.

    Args:
        draft: the decision.
        wallet_key: the wallet.

    Returns:
        Units in its scale; less than nothing where more is owed than is there.
    """
    wallet = draft.wallet(wallet_key)
    return wallet.free + wallet.debt if draft.is_promised else wallet.free


def free(draft: Draft, draw: Draw, amount: Decimal) -> None:
    """Give back what was drawn before, as far as it was counted: a limit may be younger.

    Args:
        draft: the decision.
        draw: the counter.
        amount: how much was drawn.
    """
    used = draw.bound - draft.room(draw)
    if used > 0:
        draft.draw(draw, -min(amount, used))
