"""Undoing: a return takes back what the order set off, as far as it goes with what came back."""

from __future__ import annotations

from guerdon.base.errors import Problem
from guerdon.rules.decision import Returned
from guerdon.rules.draft import Draft
from guerdon.rules.events import PaidOrder, ReturnOrder
from guerdon.rules.undo.conditions import fallen
from guerdon.rules.undo.counts import recount
from guerdon.rules.undo.earned import free_earned
from guerdon.rules.undo.lines import Part, part_of
from guerdon.rules.undo.prizes import undo_challenges
from guerdon.rules.undo.tenders import by_money, refund_tenders
from guerdon.rules.undo.things import undo_things
from guerdon.rules.undo.units import Sums, give_payments, take_awards


def undo(draft: Draft, command: ReturnOrder) -> Part:
    """Let a part of an order come back, or all of it.

    Nothing is read of the live definition but its wallets: what is undone is what was recorded, by the
    version that decided. Later decisions stay.

    Args:
        draft: the decision about the return.
        command: what comes back, with the order as gathered.

    Returns:
        What came back.

    Raises:
        Problem: `return_id_reused`, and what `part_of` raises.
    """
    paid, asked = command.paid, command.asked
    assert paid is not None, "gather finds the order"
    if any(one.id == asked.id for one in paid.earlier):
        detail = "another return of this order had this id"
        raise Problem.at("/data/id", "return_id_reused", detail)
    part = part_of(paid, asked)
    recounted = recount(draft, paid, part)
    for key, ladder in draft.program.ladders.items():
        if any(metric.identity in recounted.changed for metric in ladder.metrics):
            draft.retier(key, "returned")
    sums = Sums()
    shipping, shipping_tax = _shipping(paid, part)
    money = by_money(paid, part, shipping + shipping_tax)
    # What is given back comes first, so that no more becomes owed than has to.
    give_payments(draft, paid, (part, money), sums)
    prizes = undo_challenges(draft, paid, part)
    down = fallen(draft, paid, part, (recounted, prizes))
    undone = undo_things(draft, paid, part, (down, sums))
    draft.settle_wallets()
    take_awards(draft, paid, (part, prizes), sums)
    free_earned(draft, paid, part)
    draft.returned = Returned(
        id=asked.id,
        order=asked.order,
        order_event=paid.event_id,
        lines=part.lines,
        shipping=shipping,
        shipping_tax=shipping_tax,
        with_shipping=part.with_shipping,
        is_last=part.is_last,
        units=sums.told(),
        undone=(*prizes.undone, *undone),
        tenders=refund_tenders(draft, paid, part, money),
    )
    return part


def _shipping(paid: PaidOrder, part: Part) -> tuple[int, int]:
    order = paid.event.order
    if order is None or not part.with_shipping:
        return 0, 0
    return order.shipping_minor, order.tax_minor - sum(one.tax for one in order.figures)
