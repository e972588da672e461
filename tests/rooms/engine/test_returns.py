"""Returns on a real database: what an order set off is undone once, whatever comes at the same time."""

from __future__ import annotations

from typing import Any

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.commands import IngestEvent, ReturnOrder
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.engine.conftest import TENANT, World


def buys(world: World, order: str, *amounts: str, **more: Any) -> IngestEvent:
    lines = [
        {"id": str(place), "price": amount, "quantity": 1} for place, amount in enumerate(amounts, start=1)
    ]
    return world.event("order.paid", more.pop("subject", "anna"), data={"id": order, "lines": lines}, **more)


def sends_back(world: World, order: str, number: str, *lines: str, **more: Any) -> ReturnOrder:
    asked = ReturnAsked(order, number, tuple(ReturnLine(line) for line in lines), all=not lines)
    return ReturnOrder(tenant_id=TENANT, program="club", received_at=world.now, asked=asked, **more)


def points(answer: Answer) -> str:
    return answer.balances["points"].available


@pytest.fixture
def anna(world: World) -> World:
    world.enrol("anna")
    return world


def test_a_part_comes_back_and_then_the_rest(anna: World) -> None:
    anna.ask(buys(anna, "A-1", "60.00", "40.00"))
    part, rest = anna.ask(sends_back(anna, "A-1", "R-1", "2"), sends_back(anna, "A-1", "R-2"))
    assert part.problem is None
    assert part.returned["units"]["points"] == {"taken": "40", "given_back": "0", "debt": "0"}
    assert part.returned["refund"] == {"net": "40.00", "tax": "0.00", "total": "40.00"}
    assert points(part) == "160"
    assert rest.returned["complete"] is True
    assert points(rest) == "100"
    anna.verify()
    assert anna.rows("select distinct total from metric_buckets") == [(0,)]
