"""Limits of earning: what an order had counted against them and did not keep is given back."""

from __future__ import annotations

from guerdon.base.exact import scaled_decimal
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder
from guerdon.rules.limits import Draw, earning_draws
from guerdon.rules.owing import free
from guerdon.rules.undo.lines import Part


def earned_draws(paid: PaidOrder) -> list[tuple[str, Draw]]:
    """List the counters that an order's awards were counted by.

    Args:
        paid: the order; its own version says which.

    Returns:
        Wallet and counter, each once.
    """
    day = paid.program.zone.day_of(paid.event.occurred_at)
    found = []
    for key in sorted({one.wallet for one in paid.decision.effects if one.kind == "award"}):
        caps = paid.program.wallets[key].caps
        found += [(key, draw) for draw in earning_draws(caps, key, day)] if caps is not None else []
    return found


def free_earned(draft: Draft, paid: PaidOrder, part: Part) -> None:
    """Let as much be earned again, in the periods of the order, as is taken back.

    Args:
        draft: the decision about the return.
        paid: the order.
        part: what comes back.
    """
    for key, draw in earned_draws(paid):
        of_wallet = [one for one in paid.decision.effects if one.kind == "award" and one.wallet == key]
        shares = [part.shares(one.amount) for one in of_wallet]
        units = sum(now - was for was, now in shares)
        if units:
            free(draft, draw, scaled_decimal(units, paid.program.wallets[key].scale))
