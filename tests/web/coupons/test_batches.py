"""Coupon batches over HTTP: made, streamed, used once each, mistyped, revoked, assigned."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from guerdon.base.calendar import period_end
from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.limits import Addresses, Bucket
from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor}
rewards:
  spring: {kind: coupon, discount: {percent: 20}}
  purse: {kind: coupon, discount: {percent: 100}}
  mug: {kind: product, price: {points: 10}}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  thanks:
    trigger: order.paid
    then: [{grant: thank_you}]
"""
PROGRAM = PROGRAM.replace(
    "  mug:", '  thank_you: {kind: coupon, discount: {percent: 5}, code: "TY-{8}"}\n  mug:'
)
BASE = "/v1/programs/club"
CART: dict[str, Any] = {"lines": [{"id": "1", "quantity": 1, "price": "50.00"}]}


@pytest.fixture
async def shop(api: Api) -> Api:
    said = await api.call("PUT", BASE, content=PROGRAM, headers={"content-type": "application/yaml"})
    assert said.status_code == 201, said.text
    for name in ("ana", "ben"):
        said = await api.post(f"{BASE}/members", json={"external_id": name})
        assert said.status_code == 201, said.text
    return api


async def codes_of(shop: Api, **asked: Any) -> list[str]:
    said = await shop.post(f"{BASE}/coupons/batches", json={"reward": "spring", **asked})
    assert said.status_code == 201, said.text
    lines = said.text.splitlines()
    assert lines[0] == "code"
    assert said.headers["guerdon-batch"].startswith("cpb_")
    return lines[1:]


async def share(shop: Api, code: str, **asked: Any) -> dict[str, Any]:
    said = await shop.post(f"{BASE}/coupons/batches", json={"reward": "spring", "code": code, **asked})
    assert said.status_code == 201, said.text
    return dict(said.json())


async def open_cart(shop: Api, checkout: str, codes: list[str], **more: Any) -> Any:
    body = {**CART, "coupons": codes, **more}
    said = await shop.call("PUT", f"{BASE}/checkouts/{checkout}", json=body)
    assert said.status_code == 200, said.text
    return said.json()


def reasons(quote: Any) -> list[str]:
    return [one["reason"] for one in quote["skipped"]]


async def good(shop: Api, code: str, **asked: str) -> Any:
    said = await shop.get(f"{BASE}/coupons/{code}", params=asked)
    assert said.status_code == 200, said.text
    return said.json()


async def test_each_code_of_a_batch_is_used_once(shop: Api) -> None:
    codes = await codes_of(shop, size=500, prefix="SPRING-")
    assert len(set(codes)) == 500
    assert all(code.startswith("SPRING-") for code in codes)
    before = await good(shop, codes[7])
    assert before["good"] is True
    assert before["discount"] == {"percent": "20"}
    assert before["uses_left"] == 1
    quote = await open_cart(shop, "C-1", [codes[7].lower().replace("-", " ")])
    assert quote["totals"]["discount"] == "10.00"
    assert (await good(shop, codes[7]))["reason"] == "coupon_held"
    assert reasons(await open_cart(shop, "C-2", [codes[7]])) == ["coupon_used"]
    await shop.post(f"{BASE}/checkouts/C-1/cancel")
    assert (await open_cart(shop, "C-2", [codes[7]]))["totals"]["discount"] == "10.00"
    said = await shop.post(f"{BASE}/checkouts/C-2/confirm")
    assert said.status_code == 200, said.text
    used = await good(shop, codes[7])
    assert (used["good"], used["reason"], used["uses_left"]) == (False, "coupon_used", 0)
    assert used["detail"]
    assert (await good(shop, codes[8]))["good"] is True


async def test_a_slip_is_told_from_a_code_that_nobody_has(shop: Api) -> None:
    codes = await codes_of(shop, size=100, prefix="SPRING-")
    right = codes[0]
    slip = right[:-1] + ("A" if right[-1] != "A" else "B")
    assert (await good(shop, slip))["reason"] == "coupon_mistyped"
    assert (await good(shop, right[:-1]))["reason"] == "coupon_mistyped"
    assert (await good(shop, "NOBODY"))["reason"] == "coupon_unknown"
    quote = await open_cart(shop, "C-1", [slip, "NOBODY"])
    assert reasons(quote) == ["coupon_mistyped", "coupon_unknown"]
    assert quote["totals"]["discount"] == "0.00"


async def test_the_same_call_gives_the_same_codes_again(shop: Api) -> None:
    asked = {"reward": "spring", "size": 20, "prefix": "AGAIN-"}
    key = {"idempotency-key": "batch-1"}
    first = await shop.post(f"{BASE}/coupons/batches", json=asked, headers=key)
    again = await shop.post(f"{BASE}/coupons/batches", json=asked, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.text == again.text
    batch = first.headers["guerdon-batch"]
    later = await shop.get(f"{BASE}/coupons/batches/{batch}/codes?format=ndjson&first=5&count=2")
    assert [json.loads(line)["code"] for line in later.text.splitlines()] == first.text.splitlines()[6:8]
    listed = (await shop.get(f"{BASE}/coupons/batches")).json()["data"]
    assert [(one["id"], one["size"], one["prefix"]) for one in listed] == [(batch, 20, "AGAIN-")]
    taken = await shop.post(f"{BASE}/coupons/batches", json={**asked, "prefix": "AGA-IN"})
    assert taken.json()["code"] == "coupon_prefix_taken"


async def test_a_shared_code_counts_by_member_and_in_all(shop: Api) -> None:
    await share(shop, "WELCOME10", per_member=1, total=2)
    assert (await good(shop, "welcome-10"))["good"] is True
    assert reasons(await open_cart(shop, "C-0", ["WELCOME10"])) == ["coupon_needs_member"]
    assert (await open_cart(shop, "C-1", ["WELCOME10"], member="external:ana"))["totals"][
        "discount"
    ] == "10.00"
    twice = await open_cart(shop, "C-2", ["WELCOME10"], member="external:ana")
    assert reasons(twice) == ["limit_reached"]
    assert (await good(shop, "WELCOME10", member="external:ana"))["reason"] == "limit_reached"
    assert (await good(shop, "WELCOME10", member="external:ben"))["good"] is True
    assert (await open_cart(shop, "C-3", ["WELCOME10"], member="external:ben"))["totals"][
        "discount"
    ] == "10.00"
    assert (await good(shop, "WELCOME10"))["reason"] == "limit_reached"
    both = await open_cart(shop, "C-1", ["WELCOME10", "welcome10"], member="external:ana")
    assert both["totals"]["discount"] == "10.00"
    assert reasons(both) == ["limit_reached"]


async def test_the_codes_of_a_shared_code_are_that_code(shop: Api) -> None:
    await share(shop, "SUNNY")
    (batch,) = (await shop.get(f"{BASE}/coupons/batches")).json()["data"]
    for query, said in (
        ("", "code\nSUNNY\n"),
        ("?first=1", "code\n"),
        ("?format=ndjson", '{"code":"SUNNY"}\n'),
    ):
        answer = await shop.get(f"{BASE}/coupons/batches/{batch['id']}/codes{query}")
        assert (answer.status_code, answer.text) == (200, said)


async def test_a_shared_code_without_limits_acts_once_in_a_cart(shop: Api) -> None:
    await share(shop, "SUNNY")
    quote = await open_cart(shop, "C-1", ["SUNNY", "sunny"])
    assert quote["totals"]["discount"] == "10.00"
    assert reasons(quote) == ["coupon_given_twice"]


async def test_a_code_has_its_time_channel_and_store(shop: Api) -> None:
    await share(shop, "TILL", channels=["pos"], stores=["s-1"])
    assert reasons(await open_cart(shop, "C-1", ["TILL"], channel="web")) == ["other_channel"]
    assert reasons(await open_cart(shop, "C-1", ["TILL"], channel="pos", store="s-2")) == ["other_store"]
    there = await open_cart(shop, "C-1", ["TILL"], channel="pos", store="s-1")
    assert there["totals"]["discount"] == "10.00"
    year = NOW.year
    await share(shop, "OLD", until=f"{year - 1}-12-31T00:00:00Z")
    await share(shop, "SOON", **{"from": f"{year + 1}-12-31T00:00:00Z"})
    assert reasons(await open_cart(shop, "C-2", ["OLD", "SOON"])) == ["coupon_expired", "coupon_not_yet"]
    assert (await good(shop, "OLD"))["reason"] == "coupon_expired"


async def test_a_code_has_limits_of_several_periods_and_says_when_it_is_free_again(shop: Api) -> None:
    made = await share(
        shop,
        "DAILY",
        limits=[
            {"total": 3, "per": "day"},
            {"per_member": 1, "per": "month"},
            {"per_store": 2, "per": "day"},
        ],
    )
    assert made["limits"] == [
        {"total": 3, "per": "day"},
        {"per_member": 1, "per": "month"},
        {"per_store": 2, "per": "day"},
    ]
    here: dict[str, Any] = {"member": "external:ana", "store": "s/1", "channel": "pos"}
    assert reasons(await open_cart(shop, "C-0", ["DAILY"], member="external:ana")) == ["coupon_needs_store"]
    assert (await open_cart(shop, "C-1", ["DAILY"], **here))["totals"]["discount"] == "10.00"
    quote = await open_cart(shop, "C-2", ["DAILY"], **here)
    assert quote["skipped"] == [
        {
            "reward": "spring",
            "code": "DAILY",
            "reason": "limit_reached",
            "detail": f"this code can be used once by a member in one month: again from {_next_month()} on",
        }
    ]
    said = await good(shop, "DAILY", member="external:ana", store="s/1")
    assert said["reason"] == "limit_reached"
    assert said["limit"] == {"per_member": 1, "per": "month"}
    assert said["free_at"].startswith(_next_month())
    assert said["detail"] == quote["skipped"][0]["detail"]
    there = {**here, "member": "external:ben"}
    assert (await open_cart(shop, "C-3", ["DAILY"], **there))["totals"]["discount"] == "10.00"
    await shop.enrol(external_id="cat")
    said = await good(shop, "DAILY", member="external:cat", store="s/1")
    assert said["limit"] == {"per_store": 2, "per": "day"}
    assert (await good(shop, "DAILY", member="external:cat", store="s-2"))["good"] is True
    assert (await good(shop, "DAILY", member="external:cat"))["good"] is True
    await shop.post(f"{BASE}/checkouts/C-3/cancel")
    assert (await good(shop, "DAILY", member="external:cat", store="s/1"))["good"] is True
    for name in ("C-1", "C-2"):
        await shop.post(f"{BASE}/checkouts/{name}/confirm")
    with shop.house.database.transaction(tenant_id_of(shop.tenant)) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        audit = Audit(tx, shop.house.vault(tenant_id_of(shop.tenant)), now=datetime.now(UTC))
        assert list(audit.run()) == []


def _next_month() -> str:
    return period_end("month", datetime.now(ZoneInfo("America/New_York")).date()).isoformat()


async def test_money_on_a_code_is_used_little_by_little(shop: Api) -> None:
    (code,) = await codes_of(shop, reward="purse", size=1, money="70.00")
    assert (await open_cart(shop, "C-1", [code]))["totals"]["discount"] == "50.00"
    assert (await good(shop, code))["money_left"] == "20.00"
    assert (await shop.post(f"{BASE}/checkouts/C-1/confirm")).status_code == 200
    assert (await open_cart(shop, "C-2", [code]))["totals"]["discount"] == "20.00"
    assert (await shop.post(f"{BASE}/checkouts/C-2/confirm")).status_code == 200
    assert (await good(shop, code))["reason"] == "coupon_used"
    assert reasons(await open_cart(shop, "C-3", [code])) == ["coupon_used"]


async def test_codes_and_batches_are_revoked(shop: Api) -> None:
    codes = await codes_of(shop, size=10, prefix="GONE-")
    held = await open_cart(shop, "C-1", [codes[0]])
    assert held["totals"]["discount"] == "10.00"
    said = await shop.post(f"{BASE}/coupons/{codes[0]}/revoke")
    assert (said.json()["good"], said.json()["reason"]) == (False, "coupon_revoked")
    confirmed = (await shop.post(f"{BASE}/checkouts/C-1/confirm")).json()
    assert confirmed["shortfalls"] == []
    assert (await good(shop, codes[1]))["good"] is True
    batch = (await shop.get(f"{BASE}/coupons/batches")).json()["data"][0]["id"]
    said = await shop.post(f"{BASE}/coupons/batches/{batch}/revoke")
    assert said.json()["revoked_at"] is not None
    assert reasons(await open_cart(shop, "C-2", [codes[1]])) == ["coupon_revoked"]
    assert (await shop.post(f"{BASE}/coupons/NOBODY/revoke")).status_code == 404


async def test_an_assigned_code_is_one_member_s(shop: Api) -> None:
    codes = await codes_of(shop, size=10, prefix="MINE-")
    said = await shop.post(f"{BASE}/coupons/{codes[0]}/assign", json={"member": "external:ana"})
    assert said.status_code == 200, said.text
    assert said.json()["account"].startswith("acc_")
    said = await shop.post(f"{BASE}/coupons/{codes[0]}/assign", json={"member": "external:ben"})
    assert said.json()["code"] == "coupon_of_another_member"
    assert reasons(await open_cart(shop, "C-1", [codes[0]], member="external:ben")) == [
        "coupon_of_another_member"
    ]
    assert reasons(await open_cart(shop, "C-1", [codes[0]])) == ["coupon_needs_member"]
    mine = await open_cart(shop, "C-1", [codes[0]], member="external:ana")
    assert mine["totals"]["discount"] == "10.00"


async def test_a_granted_code_is_found_however_it_is_typed(shop: Api) -> None:
    order = {"id": "A-1", "lines": [{"id": "1", "quantity": 1, "price": "10.00"}]}
    event = {
        "specversion": "1.0", "id": "e-1", "source": "shop", "type": "order.paid", "time": NOW.isoformat(),
        "subject": "external:ana", "data": order,
    }  # fmt: skip
    effects = (await shop.post(f"{BASE}/events", json=event)).json()["effects"]
    code = next(one["grant"]["code"] for one in effects if "grant" in one)
    typed = code.lower().replace("-", " ")
    said = await good(shop, typed)
    assert (said["good"], said["kind"], said["discount"]) == (True, "granted", {"percent": "5"})
    assert (await good(shop, code, member="external:ben"))["reason"] == "coupon_of_another_member"
    quote = await open_cart(shop, "C-1", [typed], member="external:ana")
    assert quote["totals"]["discount"] == "2.50"
    assert (await good(shop, code))["reason"] == "coupon_held"
    await shop.post(f"{BASE}/checkouts/C-1/confirm")
    assert (await good(shop, code))["reason"] == "coupon_used"


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"reward": "spring"}, "batch_size_missing", "/size"),
        ({"reward": "spring", "size": 5, "code": "BOTH"}, "batch_size_refused", "/size"),
        ({"reward": "none", "size": 5}, "unknown_reward", "/reward"),
        ({"reward": "mug", "size": 5}, "nothing_to_discount", "/reward"),
        ({"reward": "spring", "code": "AB"}, "coupon_code_short", "/code"),
        ({"reward": "spring", "code": "ABC", "prefix": "X-"}, "coupon_prefix_refused", "/prefix"),
        ({"reward": "spring", "size": 5, "money": "0"}, "amount_invalid", "/money"),
        ({"reward": "spring", "size": 5, "until": "2026-01-01T00:00:00"}, "time_without_offset", "/until"),
        ({"reward": "spring", "size": 5, "limits": [{"per": "day"}]}, "limit_without_count", "/limits/0"),
        (
            {"reward": "spring", "size": 5, "total": 4, "limits": [{"total": 5}]},
            "limit_twice",
            "/limits/0",
        ),
        (
            {"reward": "spring", "size": 5, "limits": [{"total": 5, "per": "hour"}]},
            "wrong_value",
            "/limits/0/per",
        ),
        ({"reward": "spring", "size": 0}, "wrong_value", "/size"),
        ({"reward": "spring", "size": 5, "prefix": "käse"}, "wrong_value", "/prefix"),
        ({"reward": "spring", "size": 5, "colour": "red"}, "unknown_field", "/colour"),
    ],
)
async def test_what_is_wrong_is_said_where_it_is(shop: Api, asked: Any, code: str, pointer: str) -> None:
    said = await shop.post(f"{BASE}/coupons/batches", json=asked)
    assert said.status_code == 422, said.text
    fault = said.json()["errors"][0]
    assert (fault["code"], fault["pointer"]) == (code, pointer)
    assert (await shop.get(f"{BASE}/coupons/batches")).json()["data"] == []


async def test_guessing_has_an_end(shop: Api) -> None:
    limits = shop.front.premises.doorkeeper.limits
    guesser = shop.with_key("coupons:read")
    assert (await guesser.get(f"{BASE}/coupons/GUESS1")).status_code == 200
    (name,) = [one for one in limits._addresses if one.startswith("codes of ")]
    limits._addresses[name] = Bucket(1, 2, lambda: 100.0)
    answers = [(await guesser.get(f"{BASE}/coupons/GUESS{number}")).status_code for number in range(4)]
    assert answers == [200, 200, 429, 429]
    assert (await shop.get(f"{BASE}/coupons/GUESS9")).status_code == 200


async def test_guessing_with_many_keys_from_one_address_has_an_end_too(shop: Api) -> None:
    """What a proxy says of an address counts only where the proxy is trusted: nobody else is shut out."""
    doorkeeper = shop.front.premises.doorkeeper
    first, second = shop.with_key("coupons:read"), shop.with_key("coupons:read")
    assert (await first.get(f"{BASE}/coupons/GUESS1")).status_code == 200
    (name,) = [one for one in doorkeeper.limits._addresses if one.startswith("codes from ")]
    assert name == "codes from 127.0.0.1"
    doorkeeper.limits._addresses[name] = Bucket(1, 2, lambda: 100.0)
    ours = [await one.get(f"{BASE}/coupons/GUESS{place}") for place, one in enumerate((first, second) * 2)]
    assert [one.status_code for one in ours] == [200, 200, 429, 429]
    assert ours[-1].headers["retry-after"] == "1"
    far = {"headers": {"x-forwarded-for": "203.0.113.9"}}
    assert (await first.get(f"{BASE}/coupons/GUESS9", **far)).status_code == 429, "nobody trusts this header"
    doorkeeper._addresses = Addresses("127.0.0.1")
    assert (await first.get(f"{BASE}/coupons/GUESS9", **far)).status_code == 200
    carts = await first.call("POST", f"{BASE}/checkouts/preview", json={**CART, "coupons": ["GUESS9"]})
    assert carts.status_code == 403
    quote = {**CART, "coupons": ["GUESS9", "GUESS8"]}
    assert (await shop.post(f"{BASE}/checkouts/preview", json=quote, **far)).status_code == 200
    assert "codes from 203.0.113.9" in doorkeeper.limits._addresses


async def test_ten_million_codes_are_one_row_and_the_last_one_works(shop: Api) -> None:
    asked = {"reward": "spring", "size": 10_000_000, "prefix": "MANY-"}
    said = await shop.post(f"{BASE}/coupons/batches?format=none", json=asked)
    assert said.status_code == 201, said.text
    batch = said.json()["id"]
    last = await shop.get(f"{BASE}/coupons/batches/{batch}/codes?first=9999998&count=50")
    codes = last.text.splitlines()[1:]
    assert len(codes) == 2
    assert (await open_cart(shop, "C-1", [codes[1]]))["totals"]["discount"] == "10.00"
    assert (await good(shop, codes[0]))["good"] is True
    with shop.house.database.transaction(tenant_id_of(shop.tenant)) as tx:
        assert tx.execute("select count(*) from coupon_batches").fetchone() == (1,)
        assert tx.execute("select count(*) from coupon_marks").fetchone() == (0,)
        query = "select count(*) from shared_counters where counter like 'coupon/%'"
        assert tx.execute(query).fetchone() == (1,)


async def test_an_order_that_comes_back_whole_gives_its_code_back(shop: Api) -> None:
    (code,) = await codes_of(shop, size=1)
    await open_cart(shop, "C-1", [code], id="A-9", member="external:ana")
    assert (await shop.post(f"{BASE}/checkouts/C-1/confirm")).json()["status"] == "confirmed"
    assert (await good(shop, code))["reason"] == "coupon_used"
    said = await shop.post(f"{BASE}/orders/A-9/returns", json={"id": "R-1", "all": True})
    assert said.status_code == 200, said.text
    assert ((await good(shop, code))["good"], (await good(shop, code))["uses_left"]) == (True, 1)
