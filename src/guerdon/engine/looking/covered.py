"""What a warranty is for: an order of the account, and a line of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from guerdon.base.errors import Problem
from guerdon.engine.events import StoredEvent, find_orders
from guerdon.engine.returns.listing import list_returns
from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import list_line
from guerdon.rules.particulars import Covered


class CoverAsked(NamedTuple):
    """What somebody says that a warranty is for."""

    order: str = ""
    source: str | None = None
    line: str = ""
    sku: str = ""
    ends_at: datetime | None = None
    """When the warranty that is there already ends."""


def find_covered(tx: Tx, program_id: int, account_id: int, asked: CoverAsked) -> Covered:
    """Find what a warranty is for.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        account_id: whose order it must be.
        asked: what was said.

    Returns:
        The order, its line and the product, and when the warranty that is there ends: the order's own time
        where nobody says so.

    Raises:
        Problem: `for_incomplete`, `order_not_found`, `order_ambiguous`, `order_of_another_member`,
            `line_not_found` or `line_returned`, with a pointer under `/for`.
    """
    if not asked.order:
        if asked.line or asked.source is not None or not asked.sku:
            detail = "say the order, and perhaps its line; or say the product's sku"
            raise Problem.at("/for", "for_incomplete", detail)
        return Covered(sku=asked.sku, ends_at=asked.ends_at)
    found = find_orders(tx, program_id, asked.order, asked.source)
    if not found:
        raise Problem.at("/for/order", "order_not_found", "there is no such order")
    if len(found) > 1:
        raise Problem.at("/for/source", "order_ambiguous", "several sources have this order; say which")
    (order,) = found
    if account_id not in list_line(tx, [order.account_id]):
        raise Problem.at("/for/order", "order_of_another_member", "this order is not this member's")
    line = _line(order, asked) if asked.line else {}
    _check_there(tx, program_id, order, line)
    sku = line.get("sku") or "" if asked.line else asked.sku
    return Covered(asked.order, asked.line, str(sku), asked.ends_at or order.occurred_at, order.source)


def _check_there(tx: Tx, program_id: int, order: StoredEvent, line: Mapping[str, Any]) -> None:
    """Make sure that the line, or something of the order, has not come back."""
    returns = [one for _, one in list_returns(tx, program_id, order)]
    came = sum(one.quantity for each in returns for one in each.lines if line and one.id == line["id"])
    is_line_back = bool(came) and came >= Decimal(str(line.get("quantity", 1)))
    if is_line_back or any(one.is_last for one in returns):
        pointer = "/for/line" if line else "/for/order"
        raise Problem.at(pointer, "line_returned", "this has come back: there is nothing left to cover")


def _line(order: StoredEvent, asked: CoverAsked) -> Mapping[str, Any]:
    lines = json.loads(order.text).get("data", {}).get("lines", ())
    line = next((one for one in lines if one.get("id") == asked.line), None)
    if line is None:
        raise Problem.at("/for/line", "line_not_found", "this order has no such line")
    if asked.sku and line.get("sku") != asked.sku:
        raise Problem.at("/for/sku", "line_not_found", "this line is of another product")
    return dict(line)
