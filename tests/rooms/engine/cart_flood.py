"""Opens, confirms, cancels carts that fight: `python -m tests.rooms.engine.cart_flood DSN STAGE [CODE]`."""

from __future__ import annotations

import json
import sys
from typing import Any

from guerdon.engine.commands import CancelCheckout, Command, ConfirmCheckout, OpenCheckout
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.infra.db import Database
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import MASTER_KEY, NOW, TENANT, make_ids

ACCOUNTS = 8
CARTS = 120


def opening(number: int, code: str = "") -> OpenCheckout:
    """Every third is a guest's, the others pay with points; with a code, a gift card pays all of them."""
    member = None if number % 3 == 0 else f"m{number % ACCOUNTS}"
    cart: dict[str, Any] = {"id": f"A-{number}", "lines": [{"id": "1", "price": "50.00"}]}
    if member is not None:
        cart["spend"] = {"points": "5"}
    if code:
        cart["gift_cards"] = [code]
    return OpenCheckout(
        tenant_id=TENANT,
        program="club",
        received_at=NOW,
        cart=json.dumps(cart).encode(),
        member=parse_ref(member) if member is not None else None,
        id=f"C-{number}",
    )


def ending(number: int) -> Command:
    """Every fifth is cancelled."""
    kind = CancelCheckout if number % 5 == 0 else ConfirmCheckout
    return kind(tenant_id=TENANT, program="club", received_at=NOW, id=f"C-{number}")


def main() -> None:
    with Database(sys.argv[1], pool_size=2) as database:
        settings = LoopSettings(queue_limit=10_000, batch_limit=30)
        loop = EngineLoop(database, MASTER_KEY, make_ids(), settings)
        loop.start()
        code = sys.argv[3] if len(sys.argv) > 3 else ""
        carts = range(CARTS)
        opens = sys.argv[2] == "open"
        futures = loop.submit_many([opening(one, code) if opens else ending(one) for one in carts])
        answers = [future.result(60) for future in futures]
        loop.stop()
    told = [
        {"problem": one.problem.code if one.problem else "", "shortfalls": list(one.shortfalls)}
        for one in answers
    ]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
