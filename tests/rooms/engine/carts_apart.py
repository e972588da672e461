"""One of two processes whose callers want the same: `python -m … DSN ROUND HALF`."""

from __future__ import annotations

import json
import sys
from typing import Any

from guerdon.engine.commands import OpenCheckout
from guerdon.infra.db import Database
from tests.rooms.engine.conftest import NOW
from tests.rooms.engine.crowds import CLIENTS, crowd, opening, running

KINDS = ("coupon", "stock", "part", "none", "units")


def cart(kind: str, round_: int, number: int) -> OpenCheckout:
    """What one caller wants; no two carts have the same number."""
    unique = (round_ * len(KINDS) + KINDS.index(kind)) * CLIENTS + number
    more: dict[str, Any] = {}
    member = None
    if kind == "coupon":
        more["coupons"] = ["TENTIMES"]
    elif kind == "stock":
        member, more["rewards"] = f"m{number}", ["few"]
    elif kind == "units":
        member, more["rewards"] = "anna", ["dear"]
    else:
        more["lines"] = [{"id": "1", "price": "50.00", "categories": [kind]}]
    return opening(NOW, unique, member, **more)


def main() -> None:
    """Open half of the carts at once when told to begin, and print what each got."""
    round_, half = int(sys.argv[2]), int(sys.argv[3])
    wanted = [(kind, number) for number in range(half, CLIENTS, 2) for kind in KINDS]
    with Database(sys.argv[1], pool_size=2) as database, running(database, 1) as engines:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        answers = crowd(engines, [cart(kind, round_, number) for kind, number in wanted])
    told = []
    for (kind, number), answer in zip(wanted, answers, strict=True):
        refused = answer.problem.code if answer.problem is not None else ""
        lines = answer.quote["lines"] if not refused else []
        off = [one["amount"] for line in lines for one in line["discounts"]]
        why = [one["reason"] for one in answer.quote["skipped"]] if not refused else [refused]
        told.append({"kind": kind, "number": number, "off": off, "why": why, "refused": refused})
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
