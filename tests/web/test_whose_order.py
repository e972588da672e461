"""A checkout is whose it was opened for: an order that is told as another member's ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
  cards: {unit: USD, scale: 2, tender: gift_card}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "500"}}]
  first_ever:
    trigger: checkout
    limits: {total: 1}
    then: [{discount: {amount: "5.00"}}]
rewards:
  pouch: {kind: product, price: {points: 100}, stock: 1}
"""
BASE = "/v1/programs/club"
LINES = [{"id": "1", "price": "60.00"}]
ENDED = {"kind": "checkout", "name": "C-1", "amount": "1", "reason": "order_of_another_member"}


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Api]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    for name in ("ana", "ben"):
        await bare.enrol(external_id=name)
    yield bare
    tenant = tenant_id_of(bare.tenant)
    with bare.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        found = list(Audit(tx, bare.house.vault(tenant)).run())
    assert [(one.code, one.table, one.key, one.expected, one.found) for one in found] == []


async def opens(api: Api, checkout: str = "C-1", member: str | None = "ana", **more: Any) -> dict[str, Any]:
    cart = {"id": "A-1", "lines": LINES, "source": "shop", "member": member, **more}
    body = {name: value for name, value in cart.items() if value is not None}
    said = await api.call("PUT", f"{BASE}/checkouts/{checkout}", json=body)
    assert said.status_code in (200, 201), said.text
    return dict(said.json())


async def confirms(api: Api, checkout: str = "C-1", **more: Any) -> tuple[int, dict[str, Any]]:
    said = await api.post(f"{BASE}/checkouts/{checkout}/confirm", json={"source": "shop", **more})
    return said.status_code, said.json()


async def tells(
    api: Api, who: str | None, number: str = "e-1", order: str = "A-1"
) -> tuple[int, dict[str, Any]]:
    event = {
        "specversion": "1.0",
        "id": number,
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "data": {"id": order, "lines": LINES},
        **({"subject": f"external:{who}"} if who else {}),
    }
    said = await api.post(f"{BASE}/events", json=event)
    return said.status_code, said.json()


async def points(api: Api, who: str) -> tuple[str, str]:
    wallet = (await api.get(f"{BASE}/members/external:{who}")).json()["wallets"]["points"]
    return wallet["available"], wallet["held"]


async def test_an_order_of_another_ends_the_checkout_and_frees_all_that_it_held(shop: Api) -> None:
    made = (await shop.post(f"{BASE}/gift-cards", json={"amount": "20.00"})).json()["data"][0]
    quoted = await opens(shop, spend={"points": "300"}, rewards=["pouch"], gift_cards=[made["code"]])
    assert quoted["totals"]["discount"] == "5.00"
    assert await points(shop, "ana") == ("100", "400")
    status, said = await tells(shop, "ben")
    assert status == 200, said
    assert said["shortfalls"] == [ENDED]
    assert await points(shop, "ana") == ("500", "0")
    assert await points(shop, "ben") == ("560", "0"), "by ben's own rules"
    card = (await shop.post(f"{BASE}/gift-cards/lookup", json={"code": made["code"]})).json()
    assert (card["balance"], card["held"]) == ("20.00", "0.00")
    again = await opens(shop, "C-2", "ben", id="A-2", rewards=["pouch"])
    assert again["totals"]["discount"] == "5.00", "the one use of the discount is free, and so is the pouch"
    status, said = await confirms(shop)
    assert (status, said["code"]) == (409, "checkout_cancelled")
    assert await points(shop, "ana") == ("500", "0")
    status, said = await tells(shop, "ben")
    assert (said["status"], said["shortfalls"]) == ("duplicate", [ENDED])


async def test_the_explanation_of_the_order_names_the_checkout(shop: Api) -> None:
    await opens(shop)
    await tells(shop, "ben")
    told = (await shop.get(f"{BASE}/orders/A-1/explanation")).json()
    assert (told["same"], told["differences"]) == (True, [])
    [short] = told["short"]
    assert short.startswith("the checkout C-1: it was opened for another member, so the order ended it")


async def test_of_several_checkouts_for_one_order_the_confirmed_one_ends_the_others(shop: Api) -> None:
    await opens(shop, spend={"points": "300"})
    await opens(shop, "C-2", "ben", spend={"points": "100"})
    status, said = await confirms(shop, "C-2")
    assert status == 200, said
    assert said["shortfalls"] == [ENDED]
    assert await points(shop, "ana") == ("500", "0")
    status, said = await confirms(shop, "C-2")
    assert (status, said["shortfalls"]) == (200, [ENDED])
    back = await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    assert back.status_code == 200, back.text
    assert await points(shop, "ben") == ("500", "0")


async def test_a_checkout_for_an_order_that_is_anothers_already_is_not_confirmed(shop: Api) -> None:
    await tells(shop, "ben")
    await opens(shop, spend={"points": "300"})
    status, said = await confirms(shop)
    assert (status, said["code"]) == (409, "order_of_another_member")
    assert await points(shop, "ana") == ("200", "300"), "what it holds goes with it, as in any refusal"
    cancelled = await shop.post(f"{BASE}/checkouts/C-1/cancel", json={"source": "shop"})
    assert cancelled.status_code == 200
    assert await points(shop, "ana") == ("500", "0")


async def test_a_confirmation_may_say_whose_order_it_is(shop: Api) -> None:
    await opens(shop, spend={"points": "300"})
    status, said = await confirms(shop, member="ben")
    assert (status, said["code"], said["errors"][0]["pointer"]) == (409, "order_of_another_member", "/member")
    status, said = await confirms(shop, member="nobody")
    assert (status, said["code"]) == (404, "member_not_found")
    assert await points(shop, "ana") == ("200", "300")
    status, said = await confirms(shop, member="ana")
    assert (status, said["status"]) == (200, "confirmed")


async def test_a_guests_cart_is_nobodys_to_confirm_for_by_name(shop: Api) -> None:
    await opens(shop, member=None)
    status, said = await confirms(shop, member="ana")
    assert (status, said["code"]) == (409, "order_of_another_member")
    await opens(shop, member="ana")
    status, said = await confirms(shop, member="ana")
    assert status == 200, said


async def test_an_order_that_a_checkout_became_is_not_told_as_anothers(shop: Api) -> None:
    await opens(shop, spend={"points": "300"})
    await confirms(shop)
    status, said = await tells(shop, "ben")
    assert (status, said["code"]) == (409, "order_already_paid")
    assert await points(shop, "ana") == ("252", "0")
    assert await points(shop, "ben") == ("500", "0")


async def test_an_order_of_the_same_member_or_of_a_guest_or_with_another_number_ends_nothing(
    shop: Api,
) -> None:
    await opens(shop)
    for who, number, order in (("ben", "e-1", "A-7"), (None, "e-2", "A-1")):
        status, said = await tells(shop, who, number, order)
        assert (status, said.get("shortfalls", [])) == (200, [])
    status, said = await confirms(shop)
    assert status == 200, said
    await opens(shop, "C-3", id="A-3")
    status, said = await tells(shop, "ana", "e-3", "A-3")
    assert (status, said.get("shortfalls", [])) == (200, [])
    status, said = await confirms(shop, "C-3")
    assert status == 200, said


async def test_a_refused_order_of_another_ends_nothing(shop: Api) -> None:
    await opens(shop, spend={"points": "300"})
    await tells(shop, "ben", "e-1", "A-9")
    status, said = await tells(shop, "ben", "e-1", "A-1")
    assert (status, said["code"]) == (409, "event_id_reused")
    assert await points(shop, "ana") == ("200", "300")


async def test_opened_told_and_confirmed_in_one_batch(shop: Api) -> None:
    event = {"source": "shop", "type": "order.paid", "time": NOW.isoformat()}
    data = {"id": "A-1", "lines": LINES}
    await opens(shop, spend={"points": "300"})
    said = await shop.post(
        f"{BASE}/events",
        json=[
            {**event, "id": "e-1", "subject": "external:ben", "data": data},
            {**event, "id": "e-2", "subject": "external:ana", "data": data},
            {**event, "id": "e-3", "subject": "external:ana", "data": {"id": "A-2", "lines": LINES}},
        ],
    )
    rows = said.json()
    assert [one["status"] for one in rows] == ["applied", "rejected", "applied"]
    assert rows[0]["shortfalls"] == [ENDED]
    assert await points(shop, "ana") == ("560", "0")


async def test_verify_finds_an_order_that_says_it_ended_a_checkout_which_it_did_not(shop: Api) -> None:
    await opens(shop)
    await tells(shop, "ben")
    tenant = tenant_id_of(shop.tenant)
    with shop.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        vault = shop.house.vault(tenant)
        before = tx.execute("select * from checkouts").fetchall()
        tx.execute("update checkouts set order_id = 'A-2'")
        found = {(one.table, one.key.split()[-1]) for one in Audit(tx, vault).run()}
        assert found == {("checkouts", "stamp"), ("checkouts", "ended")}
        tx.execute("update checkouts set order_id = 'A-1'")
        assert tx.execute("select * from checkouts").fetchall() == before
