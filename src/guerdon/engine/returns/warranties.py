"""Warranties that members took for lines of orders: they end when these come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from guerdon.engine.intake import Item
from guerdon.infra.tx import Tx
from guerdon.ledger.statements import load_spent
from guerdon.rewards.redemptions import Issued, Redemption, load_warranties
from guerdon.rules.events import CancelRedemption, PaidOrder, ReturnOrder
from guerdon.rules.particulars import Particulars
from guerdon.rules.state import Lot

Warranties = Sequence[tuple[int, CancelRedemption]]
"""Account, and what would take the warranty back; oldest first."""


def find_warranties(tx: Tx, items: Iterable[Item]) -> Warranties:
    """Find the warranties for lines of the orders that something came back of.

    Args:
        tx: bound to the tenant.
        items: returns, their orders found.

    Returns:
        All that accounts have of these orders' ids, whatever their source.
    """
    accounts: set[int] = set()
    orders: set[str] = set()
    for item in items:
        command = item.event.command if item.event is not None else None
        if item.account_id and isinstance(command, ReturnOrder):
            accounts.add(item.account_id)
            orders.add(command.asked.order)
    found = load_warranties(tx, accounts, orders)
    return [
        (
            account_id,
            _taken(number, issued, load_spent(tx, issued.made_for, issued.seqs) if issued.seqs else {}),
        )
        for number, account_id, _, issued in found
    ]


def warranties_of(found: Warranties, account_id: int, paid: PaidOrder) -> tuple[CancelRedemption, ...]:
    """Choose the warranties of one order.

    Args:
        found: as `find_warranties` found them.
        account_id: whose order it is.
        paid: the order.

    Returns:
        Those of its source; one that names no source counts for any.
    """
    order = paid.event.order
    return tuple(
        one
        for whose, one in found
        if whose == account_id
        and order is not None
        and (covers := one.particulars.covers) is not None
        and covers.order == order.id
        and covers.source in ("", paid.event.source)
    )


def warranties_among(
    tx: Tx, redemptions: Mapping[int, Redemption], account_id: int, paid: PaidOrder
) -> tuple[CancelRedemption, ...]:
    """Choose the warranties of one order among redemptions as an account's history has made them.

    Args:
        tx: bound to the tenant.
        redemptions: as they stood at some time, by number.
        account_id: whose.
        paid: the order.

    Returns:
        Those that were not given back, oldest first.
    """
    order = paid.event.order
    found = [
        (
            account_id,
            _taken(
                number,
                Issued(
                    account_id,
                    one.reward,
                    one.quantity,
                    one.seqs,
                    one.issued_at,
                    one.member_id,
                    one.choice,
                    one.particulars,
                ),
                load_spent(tx, one.made_for, one.seqs) if one.seqs else {},
            ),
        )
        for number, one in sorted(redemptions.items())
        if one.kind == "warranty"
        and one.status != "cancelled"
        and order is not None
        and (covers := one.fixed.covers) is not None
        and covers.order == order.id
    ]
    return warranties_of(found, account_id, paid)


def _taken(number: int, issued: Issued, spent: Mapping[str, tuple[Lot, ...]]) -> CancelRedemption:
    return CancelRedemption(
        number,
        issued.reward,
        issued.quantity,
        spent,
        issued.issued_at,
        issued.member_id,
        choice=issued.choice,
        particulars=msgspec.convert(issued.particulars, Particulars, strict=False),
    )
