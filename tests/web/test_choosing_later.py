"""A reward that a campaign gave with its choice open is chosen later, once; then it is what was chosen."""

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
  points: {unit: points, rounding: floor}
campaigns:
  surprise:
    trigger: order.paid
    when: order.net >= 50
    then: [{grant: present}, {grant: shirt}]
rewards:
  present: {kind: choice, choices: [pouch, ten_off, evening]}
  pouch: {kind: product, stock: 1}
  ten_off: {kind: coupon, discount: {amount: "10.00"}, code: "TEN-{8}", valid: 30d}
  evening: {kind: event, seats: 2, limits: {per_account: 1, per: month}}
  shirt: {kind: product, choices: [red, blue], stock_by_choice: {red: 1}}
"""
BASE = "/v1/programs/club"


async def clean(api: Api) -> None:
    tenant = tenant_id_of(api.tenant)
    with api.house.database.transaction(tenant) as tx:
        found = list(Audit(tx, api.house.vault(tenant)).run())
    assert [(one.code, one.table, one.key, one.expected[:700], one.found[:700]) for one in found] == []


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Api]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    for name in ("ana", "ben"):
        await bare.enrol(external_id=name)
    yield bare
    await clean(bare)


async def given(api: Api, order: str, who: str = "ana") -> tuple[str, str]:
    """Let somebody buy, and give the present and the shirt that he gets."""
    event = {"id": f"e-{order}", "source": "shop", "type": "order.paid", "time": NOW.isoformat()}
    data = {"id": order, "lines": [{"id": "1", "price": "60.00"}]}
    said = await api.post(f"{BASE}/events", json={**event, "subject": f"external:{who}", "data": data})
    assert said.status_code == 200, said.text
    present, shirt = (one["grant"]["redemption"] for one in said.json()["effects"])
    return present, shirt


async def choose(api: Api, redemption: str, choice: str, **headers: str) -> tuple[int, dict[str, Any]]:
    said = await api.call(
        "POST", f"{BASE}/redemptions/{redemption}/choose", json={"choice": choice}, headers=headers
    )
    return said.status_code, said.json()


async def left(api: Api, reward: str) -> Any:
    rewards = (await api.get(f"{BASE}/rewards")).json()["data"]
    return next(one for one in rewards if one["key"] == reward)["stock_left"]


async def test_what_was_given_becomes_what_is_chosen(shop: Api) -> None:
    present, shirt = await given(shop, "A-1")
    waiting = (await shop.get(f"{BASE}/redemptions/{present}")).json()
    assert (waiting["reward"], waiting["kind"], waiting["status"]) == ("present", "choice", "issued")
    assert await left(shop, "pouch") == 1
    status, said = await choose(shop, present, "pouch")
    assert status == 200, said
    assert (said["id"], said["reward"], said["kind"]) == (present, "pouch", "product")
    assert (said["chosen_from"], said["status"], said["campaign"]) == ("present", "issued", "surprise")
    assert [one["status"] for one in said["steps"]] == ["issued", "chosen"]
    assert await left(shop, "pouch") == 0
    status, said = await choose(shop, shirt, "red")
    assert (status, said["reward"], said["choice"]) == (200, "shirt", "red")
    status, said = await choose(shop, shirt, "blue")
    assert (status, said["code"]) == (409, "choice_made")
    status, said = await choose(shop, present, "ten_off")
    assert (status, said["code"]) == (409, "choice_made")


async def test_a_coupon_that_is_chosen_has_its_code_and_takes_something_off(shop: Api) -> None:
    present, _ = await given(shop, "A-1")
    _, said = await choose(shop, present, "ten_off")
    assert said["code"].startswith("TEN-")
    assert said["expires_at"] is not None
    cart = {"id": "A-2", "member": "ana", "coupons": [said["code"]], "lines": [{"id": "1", "price": "40.00"}]}
    quoted = (await shop.call("PUT", f"{BASE}/checkouts/C-1", json=cart)).json()
    assert quoted["totals"]["discount"] == "10.00"
    assert (await shop.post(f"{BASE}/checkouts/C-1/confirm")).status_code == 200
    assert (await shop.get(f"{BASE}/redemptions/{present}")).json()["status"] == "used"


async def test_what_is_wrong_is_told_and_takes_nothing(shop: Api) -> None:
    present, shirt = await given(shop, "A-1")
    other, second = await given(shop, "A-2", "ben")
    for what, code in (("", "value_length"), ("boat", "choice_unknown"), ("present", "choice_unknown")):
        status, said = await choose(shop, present, what)
        assert status == 422, said
        assert said["errors"][0]["pointer"] == "/choice"
        assert not what or said["code"] == code
    assert (await choose(shop, other, "pouch"))[0] == 200
    assert (await choose(shop, second, "red"))[0] == 200
    for redemption, what in ((present, "pouch"), (shirt, "red")):
        status, said = await choose(shop, redemption, what)
        assert (status, said["code"]) == (409, "out_of_stock")
    status, said = await choose(shop, "red_0000000000000", "pouch")
    assert (status, said["code"]) == (404, "redemption_not_found")
    assert (await choose(shop, present, "evening"))[0] == 200
    more, _ = await given(shop, "A-3")
    status, said = await choose(shop, more, "evening")
    assert (status, said["code"]) == (409, "limit_reached")
    await shop.post(f"{BASE}/redemptions/{more}/cancel")
    status, said = await choose(shop, more, "ten_off")
    assert (status, said["code"]) == (409, "redemption_cancelled")
    _, coupon = await choose(shop, (await given(shop, "A-4"))[0], "ten_off")
    status, said = await choose(shop, coupon["id"], "ten_off")
    assert (status, said["code"]) == (409, "choice_made")


async def test_a_retry_is_one_choice(shop: Api) -> None:
    present, _ = await given(shop, "A-1")
    first = await choose(shop, present, "evening", **{"idempotency-key": "k-1"})
    again = await choose(shop, present, "evening", **{"idempotency-key": "k-1"})
    assert (first[0], again) == (200, first)
    status, said = await choose(shop, present, "pouch", **{"idempotency-key": "k-1"})
    assert (status, said["code"]) == (409, "idempotency_key_reused")
    assert await left(shop, "evening") == 1


async def test_giving_it_back_frees_what_the_choice_took(shop: Api) -> None:
    present, shirt = await given(shop, "A-1")
    await choose(shop, present, "evening")
    await choose(shop, shirt, "red")
    for one in (present, shirt):
        assert (await shop.post(f"{BASE}/redemptions/{one}/cancel")).json()["status"] == "cancelled"
    assert await left(shop, "evening") == 2
    present, shirt = await given(shop, "A-2")
    assert (await choose(shop, present, "evening"))[0] == 200
    assert (await choose(shop, shirt, "red"))[0] == 200


async def test_a_return_of_its_order_takes_it_back_as_it_is_now(shop: Api) -> None:
    present, shirt = await given(shop, "A-1")
    await choose(shop, present, "pouch")
    await choose(shop, shirt, "red")
    said = (await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})).json()
    assert [(one["reward"], one["redemption"]) for one in said["undone"]] == [
        ("pouch", present),
        ("shirt", shirt),
    ]
    assert await left(shop, "pouch") == 1
    present, shirt = await given(shop, "A-2", "ben")
    assert (await choose(shop, present, "pouch"))[0] == 200
    assert (await choose(shop, shirt, "red"))[0] == 200
    await shop.post(f"{BASE}/redemptions/{present}/use")
    said = (await shop.post(f"{BASE}/orders/A-2/returns", json={"id": "R-2", "all": True})).json()
    assert said["undone"][0]["kept"] == "redemption_used"
