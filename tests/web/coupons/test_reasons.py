"""Every reason why a code cannot be used, as whoever looks it up and as a cart is told."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

from guerdon.rules.coupons.standing import REASONS
from guerdon.web.api.coupons.shapes import CouponShape
from tests.web.conftest import NOW, Api
from tests.web.coupons.test_batches import BASE, PROGRAM, codes_of, good, open_cart, reasons, share


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=PROGRAM, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    for name in ("ana", "ben"):
        await api.enrol(external_id=name)
    return api


async def granted(shop: Api, number: int) -> tuple[str, str]:
    lines = [{"id": "1", "quantity": 1, "price": "10.00"}]
    event = {"id": f"e{number}", "source": "shop", "type": "order.paid", "time": NOW.isoformat()}
    data = {"id": f"A-{number}", "lines": lines}
    said = await shop.post(f"{BASE}/events", json={**event, "subject": "ana", "data": data})
    (grant,) = [one["grant"] for one in said.json()["effects"] if "grant" in one]
    return grant["code"], grant["redemption"]


async def why(shop: Api, code: str, **asked: str) -> str:
    said = await good(shop, code, **asked)
    assert said["good"] is False
    assert said["detail"]
    return str(said["reason"])


async def test_every_reason_has_a_case(shop: Api) -> None:
    found = {
        "coupon_unknown": await why(shop, "NOBODY"),
        "coupon_is_gift_card": await why(shop, "GIFT-7K2M-9QXA-0PZR-4TBC"),
    }
    codes = await codes_of(shop, size=40, prefix="SPRING-")
    found["coupon_mistyped"] = await why(shop, codes[0][:-1] + ("A" if codes[0][-1] != "A" else "B"))
    await open_cart(shop, "C-1", [codes[1]])
    found["coupon_held"] = await why(shop, codes[1])
    await shop.post(f"{BASE}/checkouts/C-1/confirm")
    found["coupon_used"] = await why(shop, codes[1])
    await shop.post(f"{BASE}/coupons/{codes[2]}/revoke")
    found["coupon_revoked"] = await why(shop, codes[2])
    await shop.post(f"{BASE}/coupons/{codes[3]}/assign", json={"member": "external:ana"})
    found["coupon_of_another_member"] = await why(shop, codes[3], member="external:ben")
    (found["coupon_needs_member"],) = reasons(await open_cart(shop, "C-2", [codes[3]]))
    code, number = await granted(shop, 1)
    assert (await shop.post(f"{BASE}/redemptions/{number}/cancel")).status_code == 200
    found["coupon_cancelled"] = await why(shop, code)
    await share(shop, "OVER", until=(NOW - timedelta(days=400)).isoformat())
    found["coupon_expired"] = await why(shop, "OVER")
    await share(shop, "SOON", **{"from": (NOW + timedelta(days=4000)).isoformat()})
    found["coupon_not_yet"] = await why(shop, "SOON")
    await share(shop, "TILL", channels=["pos"], stores=["s-1"], per_member=1)
    found["other_channel"] = await why(shop, "TILL", channel="web")
    found["other_store"] = await why(shop, "TILL", channel="pos", store="s-9")
    await share(shop, "ONCE", total=1)
    await open_cart(shop, "C-3", ["ONCE"])
    found["limit_reached"] = await why(shop, "ONCE")
    await share(shop, "SHOPS", limits=[{"per_store": 5}])
    (found["coupon_needs_store"],) = reasons(await open_cart(shop, "C-4", ["SHOPS"]))
    (found["coupon_given_twice"],) = reasons(await open_cart(shop, "C-4", ["SHOPS", "shops"], store="s"))
    await share(shop, "PURSE", reward="purse")
    without = PROGRAM.replace("purse: {kind: coupon, discount: {percent: 100}}", "purse: {kind: coupon}")
    said = await shop.call("PUT", BASE, content=without, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    found["nothing_to_discount"] = await why(shop, "PURSE")
    assert {reason: reason for reason in found} == found
    assert found.keys() == REASONS.keys()
    told = inspect.getsource(CouponShape)
    assert [one for one in found if f"`{one}`" not in told] == ["coupon_given_twice"]


@pytest.mark.parametrize("typed", ["lower", "spaces", "letters"])
async def test_a_code_is_understood_as_people_type_it(shop: Api, typed: str) -> None:
    """Case, dashes and spaces do not matter; O is 0, I and L are 1, U is V."""
    codes = await codes_of(shop, size=3_000, prefix="SPRING-")
    code = next(one for one in codes if {"0", "1", "V"} <= set(one[7:]))
    ways: dict[str, Any] = {
        "lower": code.lower(),
        "spaces": " ".join((code[:6], code[7:11], code[11:])),
        "letters": "SPRING-" + code[7:].replace("0", "O").replace("1", "l").replace("V", "u"),
    }
    assert (await good(shop, ways[typed]))["good"] is True
    quote = await open_cart(shop, "C-1", [ways[typed]])
    assert quote["totals"]["discount"] == "10.00"
    assert (await good(shop, code))["reason"] == "coupon_held"
