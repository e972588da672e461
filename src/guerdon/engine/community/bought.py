"""Whether an account bought a product."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

from guerdon.infra.tx import Tx
from guerdon.members.merging.moving import list_merged

_ORDERS_AT_MOST: Final = 500
_ORDERS: Final = """
select body from events
where account_id = any(%s::bigint[]) and type = 'order.paid' order by event_id desc limit %s
"""


def find_line(tx: Tx, account_id: int, sku: str) -> dict[str, Any] | None:
    """Find a product among what an account paid for.

    Args:
        tx: bound to the tenant.
        account_id: whose orders, with those of accounts that were merged into it.
        sku: the product.

    Returns:
        The line of the latest of its 500 latest orders that has it; what came back was bought as well.
    """
    accounts = [account_id, *list_merged(tx, [account_id])]
    for (body,) in tx.execute(_ORDERS, (accounts, _ORDERS_AT_MOST)):
        data = json.loads(zlib.decompress(body)).get("data")
        for line in data.get("lines", ()) if isinstance(data, dict) else ():
            if line.get("sku") == sku:
                return dict(line)
    return None


def list_bought(tx: Tx, account_id: int, most: int) -> dict[str, dict[str, Any]]:
    """List what an account bought lately.

    Args:
        tx: bound to the tenant.
        account_id: whose orders, with those of accounts that were merged into it.
        most: how many products at most.

    Returns:
        By SKU the latest line that has it, the latest order first; lines without one are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    accounts = [account_id, *list_merged(tx, [account_id])]
    for (body,) in tx.execute(_ORDERS, (accounts, most)):
        data = json.loads(zlib.decompress(body)).get("data")
        for line in data.get("lines", ()) if isinstance(data, dict) else ():
            if line.get("sku"):
                found.setdefault(str(line["sku"]), dict(line))
    return dict(list(found.items())[:most])


def has_bought(tx: Tx, account_id: int, sku: str) -> bool:
    """Tell whether a product is among what an account paid for.

    Args:
        tx: bound to the tenant.
        account_id: whose orders.
        sku: the product.

    Returns:
        Whether one of its latest 500 orders has it.
    """
    return find_line(tx, account_id, sku) is not None
