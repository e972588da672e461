"""Acts of the shop in few words, for lives that are written by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.world.model import Act

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def act(do: str, now: datetime = NOW, **more: Any) -> Act:
    return {"do": do, "program": "store", "now": now, **more}


def cart(number: int, now: datetime = NOW, **more: Any) -> Act:
    bought = {"lines": [["1", "45"]], "shipping": 0, "spend": 0, "rewards": [], "coupons": []}
    bought |= {"credit": 0, "cards": []}
    named = {"who": "s1", "order": f"O{number}", "cart": f"C{number}"}
    return act("open", now, **{**named, **bought, **more})


def back(number: int, order: int, now: datetime = NOW, **more: Any) -> Act:
    whole = {"lines": [], "all": True, "shipping": False, "via": "call"}
    return act("return", now, **{"id": f"R{number}", "order": f"O{order}", **whole, **more})
