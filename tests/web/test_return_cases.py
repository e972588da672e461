"""Returns as they come in life: each case over HTTP, with what it gives back to the last unit and cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, pending: 0d, worth: "0.01"}
  miles: {unit: miles, rounding: floor, pending: 0d, worth: "0.01"}
metrics:
  spend: {event: order.paid, value: order.net, window: all_time}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: miles, amount: "1000"}}]
  thanks:
    trigger: order.paid
    when: order.net >= 50
    then: [{grant: pen}]
rewards:
  pen: {kind: product, stock: 10}
"""
BASE = "/v1/programs/club"
YAML = {"content-type": "application/yaml"}


def event(kind: str, number: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "source": "shop", "type": kind, "time": NOW.isoformat(), "data": data, **more}


def lines(*prices: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": str(at), "price": price, **more} for at, price in enumerate(prices, start=1)]


class Shop:
    """A shop at the API."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def sends(self, kind: str, number: str, data: Any, **more: Any) -> tuple[int, Any]:
        said = await self.api.post(f"{BASE}/events", json=event(kind, number, data, **more))
        return said.status_code, said.json()

    async def sells(self, order: str, sold: list[dict[str, Any]], **more: Any) -> Any:
        subject = more.pop("subject", "ana")
        told = {"subject": subject} if subject is not None else {}
        status, said = await self.sends(
            "order.paid", f"paid-{order}", {"id": order, "lines": sold, **more}, **told
        )
        assert status == 200, said
        return said

    async def back(self, order: str, number: str, *named: dict[str, Any], **more: Any) -> tuple[int, Any]:
        body = {"id": number, **({"lines": list(named)} if named else {}), **more}
        said = await self.api.post(f"{BASE}/orders/{order}/returns", json=body)
        return said.status_code, said.json()

    async def applies(self, text: str) -> None:
        said = await self.api.call("PUT", BASE, content=text, headers=YAML)
        assert said.status_code in (200, 201), said.text

    async def points(self, wallet: str = "points") -> str:
        member = (await self.api.get(f"{BASE}/members/external:ana")).json()
        return str(member["wallets"][wallet]["available"])


@pytest.fixture
async def shop(api: Api) -> Shop:
    shop = Shop(api)
    await shop.applies(PROGRAM)
    await api.post(f"{BASE}/members", json={"external_id": "ana"})
    return shop


async def test_lines_that_are_less_after_an_edit_have_come_back_and_nothing_else(shop: Shop) -> None:
    await shop.sells("A", [{"id": "1", "price": "20.00", "quantity": 3}, {"id": "2", "price": "15.00"}])
    less = [{"id": "1", "price": "20.00", "quantity": 2}, {"id": "2", "price": "15.00"}]
    status, said = await shop.sends("order.edited", "edit-1", {"id": "A", "lines": less})
    assert (status, said["returned"]["refund"]["net"], await shop.points()) == (200, "20.00", "55")
    # The same stand told once more by another event takes nothing.
    status, said = await shop.sends("order.edited", "edit-2", {"id": "A", "lines": less})
    assert (status, said["returned"]["lines"], await shop.points()) == (200, [], "55")
    # A line that is not named is gone.
    status, said = await shop.sends("order.edited", "edit-3", {"id": "A", "lines": less[:1]})
    assert [(one["id"], one["quantity"]) for one in said["returned"]["lines"]] == [("2", "1")]
    assert await shop.points() == "40"


@pytest.mark.parametrize(
    ("left", "code", "pointer"),
    [
        ([*lines("20.00", "15.00"), {"id": "3", "price": "5.00"}], "order_has_grown", "/data/lines/2"),
        (
            [{"id": "1", "price": "20.00", "quantity": 2}, *lines("20.00", "15.00")[1:]],
            "order_has_grown",
            "/data/lines/0",
        ),
        (lines("18.00", "15.00"), "order_repriced", "/data/lines/0/price"),
        (lines("20.00", "16.00"), "order_repriced", "/data/lines/1/price"),
        ([{"id": "1", "subtotal": "19.00"}], "order_repriced", "/data/lines/0/subtotal"),
        ([{"id": "1", "quantity": -1}], "quantity_invalid", "/data/lines/0/quantity"),
        ([{"id": "1", "quantity": "0.0000001"}], "too_many_digits", "/data/lines/0/quantity"),
        ([{"id": "1"}, {"id": "1"}], "duplicate_line", "/data/lines/1/id"),
        ([{"id": "1", "price": "1e999"}], "amount_too_large", "/data/lines/0/price"),
    ],
)
async def test_an_edit_that_no_return_can_tell_is_refused_where_it_is(
    shop: Shop, left: Any, code: str, pointer: str
) -> None:
    await shop.sells("A", lines("20.00", "15.00"))
    status, said = await shop.sends("order.edited", "edit", {"id": "A", "lines": left})
    assert (said["code"], said["errors"][0]["pointer"]) == (code, pointer)
    assert status == (409 if code.startswith("order_") else 422)
    assert await shop.points() == "35"


async def test_an_order_is_cancelled_after_a_part_and_nothing_comes_back_after_that(shop: Shop) -> None:
    await shop.sells("A", lines("20.00", "15.00"), shipping={"amount": "4.00"})
    await shop.back("A", "R-1", {"id": "2"})
    status, said = await shop.sends("order.cancelled", "c-1", {"order": "A"})
    assert (status, said["returned"]["refund"]["net"], said["returned"]["complete"]) == (200, "24.00", True)
    assert await shop.points() == "0"
    for body in ({"all": True}, {"lines": [{"id": "1"}]}, {"refund_shipping": True}):
        status, said = await shop.back("A", "R-2", **body)
        assert status == 409, said
    status, said = await shop.sends("order.cancelled", "c-2", {"order": "A"})
    assert (status, said["code"]) == (409, "nothing_to_return")
    # The first cancellation sent again is known.
    status, said = await shop.sends("order.cancelled", "c-1", {"order": "A"})
    assert (status, said["status"]) == (200, "duplicate")


async def test_events_of_fulfilment_undo_nothing(shop: Shop) -> None:
    await shop.sells("A", lines("60.00"))
    for kind in ("order.fulfilled", "order.shipped"):
        status, said = await shop.sends(kind, kind, {"id": "A", "lines": lines("60.00")}, subject="ana")
        assert (status, said["status"]) == (200, "applied")
    assert await shop.points() == "60"


async def test_shipping_alone_is_refunded_once(shop: Shop) -> None:
    await shop.sells("A", lines("60.00"), shipping={"amount": "4.00", "tax": "0.40"})
    status, said = await shop.back("A", "R-1", refund_shipping=True)
    assert (status, said["refund"]) == (200, {"net": "4.00", "tax": "0.40", "total": "4.40"})
    assert (said["lines"], said["units"], said["undone"], said["complete"]) == ([], {}, [], False)
    status, said = await shop.back("A", "R-2", refund_shipping=True)
    assert (status, said["code"], said["errors"][0]["pointer"]) == (
        409,
        "shipping_refunded_before",
        "/refund_shipping",
    )
    # All of it: the shipping is not refunded a second time.
    status, said = await shop.back("A", "R-3", all=True, refund_shipping=True)
    assert (said["refund"]["total"], said["shipping"], said["complete"]) == ("60.00", None, True)


async def test_weighed_quantities_come_back_in_parts_that_add_up(shop: Shop) -> None:
    await shop.sells("A", [{"id": "1", "price": "29.99", "quantity": "0.999", "tax": "1.99"}])
    refunds: list[dict[str, str]] = []
    taken = 0
    for number in range(3):
        status, said = await shop.back("A", f"R-{number}", {"id": "1", "quantity": "0.333"})
        assert status == 200, said
        refunds.append(said["refund"])
        taken += int(said["units"].get("points", {"taken": "0"})["taken"])
        assert said["complete"] is (number == 2)
    # 29.99 × 0.999 = 29.96
    assert sum(Decimal(one["net"]) for one in refunds) == Decimal("29.96")
    assert sum(Decimal(one["tax"]) for one in refunds) == Decimal("1.99")
    assert (taken, await shop.points()) == (29, "0")
    status, said = await shop.back("A", "R-4", {"id": "1", "quantity": "0.001"})
    assert (status, said["code"], said["errors"][0]["pointer"]) == (
        409,
        "return_exceeds_order",
        "/lines/0/quantity",
    )


async def test_a_gift_comes_back_for_no_money(shop: Shop) -> None:
    await shop.sells("A", [*lines("60.00"), {"id": "gift", "price": "10.00", "discount": "10.00"}])
    status, said = await shop.back("A", "R-1", {"id": "gift"})
    assert (status, said["refund"]["total"], said["units"]) == (200, "0.00", {})
    status, said = await shop.back("A", "R-2", {"id": "1"})
    assert (said["refund"]["total"], said["complete"], await shop.points()) == ("60.00", True, "0")


async def test_a_return_by_another_id_finds_what_is_left_of_the_line(shop: Shop) -> None:
    await shop.sells("A", [{"id": "1", "price": "10.00", "quantity": 3}])
    await shop.back("A", "R-1", {"id": "1", "quantity": 2})
    status, said = await shop.back("A", "R-2", {"id": "1", "quantity": 2})
    assert (status, said["detail"], said["errors"][0]["pointer"]) == (
        409,
        "2 come back, and 1 are left of this line",
        "/lines/0/quantity",
    )
    status, said = await shop.back("A", "R-2", {"id": "1"})
    assert (status, said["lines"][0]["quantity"]) == (200, "1")


async def test_what_paid_comes_back_though_its_wallet_was_given_up_since(shop: Shop) -> None:
    cart = {"member": "ana", "lines": lines("30.00", "20.00"), "spend": {"miles": "1000"}}
    opened = await shop.api.call("PUT", f"{BASE}/checkouts/A", json=cart)
    assert opened.status_code == 200, opened.text
    confirmed = await shop.api.post(f"{BASE}/checkouts/A/confirm", json={})
    assert confirmed.status_code == 200, confirmed.text
    assert await shop.points("miles") == "0"
    given_up = PROGRAM.replace(
        '  miles: {unit: miles, rounding: floor, pending: 0d, worth: "0.01"}\n', ""
    ).replace(
        """  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: miles, amount: "1000"}}]
""",
        "",
    )
    await shop.applies(given_up + 'retired: {wallets: {miles: {into: points, rate: "0.5"}}}\n')
    had = int(await shop.points())
    status, said = await shop.back("A", "R-1", {"id": "1"})
    assert status == 200, said
    assert said["units"]["miles"]["given_back"] == "600"
    # 600 miles turn into 300 points; the order's own points for 30.00 of 50.00 go.
    assert int(await shop.points()) == had + 300 - int(said["units"]["points"]["taken"])


async def test_a_return_goes_by_the_version_that_decided_the_order(shop: Shop) -> None:
    await shop.sells("A", lines("40.00", "30.00"))
    await shop.applies(
        PROGRAM.replace("order.net >= 50", "order.net >= 5").replace(
            "amount: order.earning_base", 'amount: "1"'
        )
    )
    _, said = await shop.back("A", "R-1", {"id": "2"})
    assert (said["units"]["points"]["taken"], [one["kind"] for one in said["undone"]]) == ("30", ["reward"])


async def test_an_order_of_a_member_who_was_erased_comes_back(shop: Shop) -> None:
    await shop.sells("A", lines("40.00", "30.00"), attributes={"wish": "blue"})
    gone = await shop.api.call("DELETE", f"{BASE}/members/external:ana")
    assert gone.status_code in (200, 204), gone.text
    status, said = await shop.back("A", "R-1", all=True)
    assert (status, said["refund"]["total"], said["complete"]) == (200, "70.00", True)
    assert said["units"]["points"] == {"taken": "70", "given_back": "0", "debt": "0"}


@pytest.mark.parametrize("kind", ["order.returned", "order.cancelled", "order.edited"])
async def test_a_return_before_its_order_is_refused_and_taken_in_after_it(shop: Shop, kind: str) -> None:
    data: Any = {"order": "A", "all": True} if kind == "order.returned" else {"order": "A"}
    data = {"id": "A", "lines": []} if kind == "order.edited" else data
    status, said = await shop.sends(kind, "early", data)
    assert (status, said["code"], said["errors"][0]["pointer"]) == (404, "order_not_found", "/data/order")
    await shop.sells("A", lines("40.00"))
    status, said = await shop.sends(kind, "early", data)
    assert (status, said["returned"]["complete"]) == (200, True)


async def test_another_members_order_and_another_source_are_told_apart(shop: Shop) -> None:
    await shop.api.post(f"{BASE}/members", json={"external_id": "bo"})
    await shop.sells("A", lines("40.00"))
    status, said = await shop.sends("order.returned", "r", {"order": "A", "all": True}, subject="bo")
    assert (status, said["code"], said["errors"][0]["pointer"]) == (
        409,
        "order_of_another_member",
        "/subject",
    )
    other = event("order.returned", "r", {"order": "A", "all": True}) | {"source": "till"}
    said = await shop.api.post(f"{BASE}/events", json=other)
    assert (said.status_code, said.json()["code"]) == (404, "order_not_found")
