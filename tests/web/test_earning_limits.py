"""Limits of earning over HTTP: quotes, answers, explanations and returns say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import NOW, PROGRAM, Api

LIMITED = PROGRAM.replace(
    "expires: {after: 180d, from: earned}}",
    "expires: {after: 180d, from: earned}, limits: {per_order: 50, per_month: 80}}",
)
BASE = "/v1/programs/club"
CUT = {"wallet": "points", "amount": "50", "not_earned": "10", "limit": "per_event"}


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=LIMITED, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    await api.enrol(external_id="ananya")
    return api


async def pay(shop: Api, number: int, at: str = NOW.isoformat()) -> Any:
    lines = [{"id": "1", "quantity": 3, "price": "20.00"}]
    event = {"id": f"e{number}", "source": "shop", "type": "order.paid", "time": at, "subject": "ananya"}
    said = await shop.post(f"{BASE}/events", json={**event, "data": {"id": f"A-{number}", "lines": lines}})
    assert said.status_code == 200, said.text
    return said.json()


def award(said: Any) -> Any:
    return [one["award"] for one in said["effects"]]


async def test_what_is_above_is_not_earned_and_everything_says_so(shop: Api) -> None:
    cart = {"id": "C-1", "member": "ananya", "lines": [{"id": "1", "quantity": 3, "price": "20.00"}]}
    quote = (await shop.post(f"{BASE}/checkouts/preview", json=cart)).json()
    assert quote["earns"] == {"points": "50"}
    assert award(quote) == award(await pay(shop, 1)) == [CUT]
    assert award(await pay(shop, 2)) == [{**CUT, "amount": "30", "not_earned": "30", "limit": "per_month"}]
    third = await pay(shop, 3)
    detail = "per_month: no more than 80 points"
    assert third["skipped"] == [{"campaign": "base_earn", "reason": "earning_limit", "detail": detail}]
    told = (await shop.get(f"{BASE}/orders/A-2/explanation")).json()
    said = next(one for one in told["campaigns"] if one["campaign"] == "base_earn")
    (sums,) = said["sums"]
    assert sums == (
        "order.earning_base = 60; rounded down with all awards of the event: 60 points; "
        "no more can be earned in one month: 30 points"
    )
    assert said["limits"] == [
        {"of": "wallet/points", "limit": "per_month", "period": "month:2026-11-01", "left": "30"}
    ]
    assert told["same"] is True
    told = (await shop.get(f"{BASE}/orders/A-3/explanation")).json()
    assert told["same"] is True
    assert told["campaigns"][0]["said"] == f"no more could be earned: {detail}"


async def test_a_return_gives_room_back_in_the_month_of_its_order(shop: Api) -> None:
    await pay(shop, 1)
    await pay(shop, 2)
    back = {"id": "R-1", "lines": [{"id": "1", "quantity": 1}]}
    said = (await shop.post(f"{BASE}/orders/A-1/returns", json=back)).json()
    # A third of the 50 that were earned; the month has room for 17 again.
    assert said["units"]["points"]["taken"] == "17"
    assert award(await pay(shop, 3)) == [{**CUT, "amount": "17", "not_earned": "43", "limit": "per_month"}]
    said = (await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-2", "all": True})).json()
    assert said["units"]["points"]["taken"] == "33"
    assert award(await pay(shop, 4)) == [{**CUT, "amount": "33", "not_earned": "27", "limit": "per_month"}]
    assert award(await pay(shop, 5, "2026-10-31T12:00:00Z")) == [CUT], "a late order has its own month"
