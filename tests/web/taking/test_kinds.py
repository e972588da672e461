"""Every kind of reward: taken, sent, used, given back, and refused in every way it can be."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.web.conftest import NOW
from tests.web.taking.conftest import Shop, part

KINDS: dict[str, tuple[dict[str, Any], int]] = {
    "pouch": ({}, 100),
    "ten_off": ({}, 50),
    "post": ({}, 30),
    "lesson": ({}, 5),
    "well": ({}, 250),
    "year": ({}, 40),
    "miles": ({}, 20),
    "repair": ({"quantity": 2}, 30),
    "climb": ({}, 60),
    "gift": ({"choice": "card"}, 70),
    "cap": ({"choice": "blue"}, 10),
    "deal": ({}, 10),
    "treat": ({}, 10),
}


@pytest.mark.parametrize("reward", KINDS)
async def test_each_kind_is_taken_sent_and_used_and_then_stays(shop: Shop, reward: str) -> None:
    more, price = KINDS[reward]
    taken = await shop.taken(reward, **more)
    assert await shop.points() == str(1000 - price)
    sent = await shop.move(taken, "send", json={"tracking": "parcel 1"})
    assert (sent["status"], sent["tracking"]) == ("sent", "parcel 1")
    again = await shop.move(taken, "send", json={"tracking": "parcel 1"})
    assert again["code"] == "redemption_sent"
    other = await shop.move(taken, "send", json={"tracking": "parcel 2"})
    assert other["tracking"] == "parcel 2", "a wrong number is put right"
    used = await shop.move(taken, "use")
    assert used["status"] == "used"
    # What a charity has is given back by nobody.
    kept = "donation_paid_out" if reward == "well" else "redemption_used"
    assert (await shop.move(taken, "cancel"))["code"] == kept
    assert (await shop.move(taken, "send"))["code"] == kept
    steps = used["steps"]
    assert [one["status"] for one in steps] == ["issued", "sent", "sent", "used"]
    assert {one["by"] for one in steps} == {steps[0]["by"]}
    assert steps[0]["by"].startswith("key"), steps
    assert [one["tracking"] for one in steps] == [None, "parcel 1", "parcel 2", None]
    assert (await shop.get(f"redemptions/{taken['id']}"))["steps"] == steps


@pytest.mark.parametrize("reward", KINDS)
async def test_each_kind_given_back_leaves_what_was_there(shop: Shop, reward: str) -> None:
    more, _ = KINDS[reward]
    before, cause = await shop.seen(), await shop.cause()
    taken = await shop.taken(reward, **more)
    await shop.move(taken, "send")
    gone = await shop.move(taken, "cancel")
    assert gone["status"] == "cancelled"
    assert (gone["access"], gone["content"]) == (None, None)
    assert await shop.points() == "1000"
    assert (await shop.seen(), await shop.cause()) == (before, cause)
    for verb in ("send", "use", "cancel"):
        assert (await shop.move(taken, verb))["code"] == "redemption_cancelled"
    assert (await shop.taken(reward, **more))["status"] == "issued"


async def test_a_price_follows_the_tier_and_those_above_it(shop: Shop) -> None:
    assert (await shop.seen())["pouch"]["price"] == {"points": "100"}
    await shop.order("A-1", "100.00")
    seen = (await shop.seen())["pouch"]
    assert seen["price"] == {"points": "80"}
    assert seen["price_by_tier"] == {"gold": {"points": "80"}}
    assert (await shop.taken("pouch"))["price"] == {"points": "80"}
    await shop.order("A-2", "1000.00")
    taken = await shop.taken("pouch", quantity=2)
    assert taken["price"] == {"points": "160"}, "platinum has no price of its own, and so gold's"
    assert (await shop.seen("bob"))["pouch"]["price"] == {"points": "100"}


async def test_a_cart_takes_a_reward_for_the_price_that_it_was_quoted(shop: Shop) -> None:
    cart = {"member": "external:ana", "lines": [{"id": "1", "price": "100.00"}], "rewards": ["pouch"]}
    status, quote = await shop.ask("PUT", "checkouts/C-1", json=cart)
    assert (status, quote["spends"]) == (200, {"points": "100"}), quote
    # Gold by another order meanwhile: what was quoted is what is paid.
    await shop.order("A-1", "200.00")
    status, said = await shop.ask("POST", "checkouts/C-1/confirm", json={})
    assert status == 200, said
    (taken,) = (await shop.get("redemptions?member=external:ana&reward=pouch"))["data"]
    assert taken["price"] == {"points": "100"}
    status, quote = await shop.ask("PUT", "checkouts/C-2", json=cart)
    assert quote["spends"] == {"points": "80"}, quote
    await shop.ask("POST", "checkouts/C-2/confirm", json={})
    prices = [one["price"] for one in (await shop.get("redemptions?reward=pouch"))["data"]]
    assert prices == [{"points": "80"}, {"points": "100"}]


async def test_who_may_not_see_a_reward_cannot_have_it(shop: Shop) -> None:
    assert "deal" in await shop.seen("ana")
    assert "deal" not in await shop.seen("bob")
    assert await shop.refused("deal", "bob") == "reward_not_for_member"
    cart = {"member": "external:bob", "lines": [{"id": "1", "price": "5.00"}], "rewards": ["deal"]}
    _, said = await shop.ask("PUT", "checkouts/C-1", json=cart)
    assert said["errors"][0]["code"] == "reward_not_for_member"
    assert said["errors"][0]["pointer"] == "/rewards/0"
    status, _ = await shop.ask("PATCH", "members/external:bob", json={"attributes": {"persona": "student"}})
    assert status == 200
    await shop.taken("deal", "bob")
    # Whoever is another today is judged by what was read then.
    await shop.ask("PATCH", "members/external:bob", json={"attributes": {"persona": "commuter"}})
    everybody = {one["key"] for one in (await shop.get("rewards"))["data"]}
    assert "deal" in everybody


async def test_a_donation_is_matched_to_the_cent_and_as_far_as_the_shop_gives(shop: Shop) -> None:
    one = (await shop.taken("well"))["donation"]
    assert one == {"cause": "wells", "given": "2.50", "matched": "1.25", "receipt": "wells-000001"}
    two = await shop.taken("well", "bob", quantity=2)
    assert (two["donation"]["given"], two["donation"]["matched"]) == ("5.00", "1.75"), "3.00 in all"
    assert two["donation"]["receipt"] == "wells-000002"
    (cause,) = (await shop.get("causes"))["data"]
    assert (cause["given"], cause["matched"], cause["total"]) == ("7.50", "3.00", "10.50")
    assert (cause["target"], cause["match_left"], cause["charity"]) == ("1000.00", "0.00", "Wells e.V.")
    await shop.move(two, "cancel")
    assert await shop.cause() == ("2.50", "1.25", 1)
    three = await shop.taken("well", "bob")
    assert three["donation"]["receipt"] == "wells-000003", "no number comes twice"
    assert await shop.cause() == ("5.00", "2.50", 2)


async def test_a_donation_that_an_order_brought_comes_back_with_the_order(shop: Shop) -> None:
    await shop.order("A-1", "600.00")
    assert await shop.cause() == ("2.50", "1.25", 1)
    status, said = await shop.ask("POST", "orders/A-1/returns", json={"id": "R-1", "all": True})
    assert status == 200, said
    assert await shop.cause() == ("0.00", "0.00", 0)
    (gone,) = (await shop.get("redemptions?reward=well"))["data"]
    assert [one["status"] for one in gone["steps"]] == ["issued", "cancelled"]


async def test_an_access_is_checked_by_the_shop_itself_and_names_nobody(shop: Shop) -> None:
    assert await shop.refused("drop") == "reward_not_for_tier"
    await shop.order("A-1", "100.00")
    taken = await shop.taken("drop")
    assert taken["price"] == {}
    assert taken["access"] == {"starts_at": "2026-11-01T04:00:00Z", "ends_at": "2027-02-08T05:00:00Z"}
    (entry,) = (await shop.ask("POST", "members/external:ana/access", json={}))[1]["data"]
    token = entry["token"]
    (key,) = (await shop.get("access/keys"))["keys"]
    signed, _, signature = token.rpartition(".")
    public = Ed25519PublicKey.from_public_bytes(part(key["x"]))
    public.verify(part(signature), signed.encode())
    with pytest.raises(InvalidSignature):
        public.verify(part(signature), signed.encode() + b"x")
    head, claims = (json.loads(part(one)) for one in signed.split("."))
    assert (head["alg"], head["kid"]) == ("EdDSA", key["kid"])
    assert claims == {
        "iss": "guerdon/club",
        "aud": "shop",
        "sub": taken["account"],
        "member": taken["member"],
        "reward": "drop",
        "redemption": taken["id"],
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
    }
    _, good = await shop.ask("POST", "access/check", json={"token": token})
    assert (good["good"], good["reason"], good["account"]) == (True, None, taken["account"])
    _, forged = await shop.ask("POST", "access/check", json={"token": token[:-4] + "AAAA"})
    assert (forged["good"], forged["reason"]) == (False, "access_token_invalid")
    assert forged["account"] is None
    shop.now = NOW + timedelta(days=100)
    _, late = await shop.ask("POST", "access/check", json={"token": token})
    assert (late["good"], late["reason"]) == (False, "access_over")
    shop.now = NOW
    await shop.move(taken, "cancel")
    _, gone = await shop.ask("POST", "access/check", json={"token": token})
    assert (gone["good"], gone["reason"]) == (False, "redemption_cancelled")


async def test_content_is_for_who_took_it_alone(shop: Shop) -> None:
    assert "https://club.example/lesson" not in json.dumps(await shop.seen())
    taken = await shop.taken("lesson")
    assert taken["content"] == {"url": "https://club.example/lesson", "text": "Look"}
    assert (await shop.move(taken, "cancel"))["content"] is None


async def test_a_warranty_is_for_a_line_of_an_order_of_ones_own(shop: Shop) -> None:
    await shop.order("A-1", "50.00")
    await shop.order("B-1", "50.00", "bob")
    taken = await shop.taken("year", covers={"order": "A-1", "line": "1"})
    warranty = taken["warranty"]
    assert (warranty["order"], warranty["line"], warranty["sku"]) == ("A-1", "1", "BP-40")
    assert warranty["ends_at"].startswith("2027-11-21")
    later = {"sku": "BP-40", "ends_at": "2028-01-31T12:00:00Z"}
    assert (await shop.taken("year", covers=later))["warranty"]["ends_at"].startswith("2029-01-31")
    for wrong, code in (
        ({"order": "B-1"}, "order_of_another_member"),
        ({"order": "A-9"}, "order_not_found"),
        ({"order": "A-1", "line": "7"}, "line_not_found"),
        ({"order": "A-1", "line": "1", "sku": "X"}, "line_not_found"),
        ({"line": "1"}, "for_incomplete"),
    ):
        assert await shop.refused("year", covers=wrong) == code
    assert await shop.refused("pouch", covers={"sku": "BP-40"}) == "warranty_only"


async def test_points_of_a_partner_have_its_reference_when_they_are_sent(shop: Shop) -> None:
    taken = await shop.taken("miles", quantity=3)
    assert taken["partner"] == {"partner": "fly", "points": "1500", "reference": None}
    sent = await shop.move(taken, "send", json={"tracking": "FLY-881"})
    assert sent["partner"]["reference"] == "FLY-881"


async def test_a_choice_is_a_reward_itself_or_a_word(shop: Shop) -> None:
    coupon = await shop.taken("gift", choice="ten_off")
    assert (coupon["reward"], coupon["kind"], coupon["chosen_from"]) == ("ten_off", "coupon", "gift")
    assert coupon["price"] == {"points": "70"}
    assert coupon["code"].startswith("TEN-")
    pouch = await shop.taken("gift", choice="pouch")
    assert (await shop.seen())["pouch"]["stock_left"] == 4
    await shop.move(pouch, "cancel")
    assert (await shop.seen())["pouch"]["stock_left"] == 5
    card = await shop.taken("gift", choice="card")
    assert (card["reward"], card["choice"], card["chosen_from"]) == ("gift", "card", None)
    assert (await shop.seen())["gift"]["choices_left"] == {"card": 0}
    assert await shop.refused("gift", "bob", choice="card") == "out_of_stock"
    assert await shop.refused("gift") == "choice_missing"
    assert await shop.refused("gift", choice="nothing") == "choice_unknown"
    await shop.taken("cap", choice="red")
    assert await shop.refused("cap", choice="red") == "out_of_stock"
    await shop.taken("cap", choice="blue", quantity=5)


async def test_how_many_can_be_taken_at_once(shop: Shop) -> None:
    assert await shop.refused("repair") == "quantity_too_small"
    assert await shop.refused("repair", quantity=4) == "quantity_too_large"
    assert (await shop.taken("repair", quantity=3))["price"] == {"points": "45"}
    seen = (await shop.seen())["repair"]
    assert (seen["at_least"], seen["at_most"]) == (2, 3)


async def test_between_two_takings_time_must_pass(shop: Shop) -> None:
    first = await shop.taken("treat")
    shop.now = NOW + timedelta(days=6)
    assert await shop.refused("treat") == "reward_cooling"
    seen = (await shop.seen())["treat"]
    assert (seen["available"], seen["reason"]) == (False, "reward_cooling")
    assert seen["ready_at"].startswith("2026-11-28")
    await shop.taken("treat", "bob")
    cart = {"member": "external:ana", "lines": [{"id": "1", "price": "5.00"}], "rewards": ["treat"]}
    _, said = await shop.ask("PUT", "checkouts/C-1", json=cart)
    assert said["errors"][0]["code"] == "reward_cooling"
    await shop.move(first, "cancel")
    _, said = await shop.ask("PUT", "checkouts/C-1", json=cart)
    assert said["spends"] == {"points": "10"}, said
    assert await shop.refused("treat") == "reward_cooling", "the cart has it"
    _, said = await shop.ask("PUT", "checkouts/C-2", json=cart)
    assert said["errors"][0]["code"] == "reward_cooling"
    status, said = await shop.ask("POST", "checkouts/C-1/confirm", json={})
    assert (status, said.get("shortfalls") or []) == (200, []), said
    assert await shop.refused("treat") == "reward_cooling"
    shop.now += timedelta(days=8)
    await shop.taken("treat")


async def test_a_balance_to_begin_with_and_one_that_is_kept(shop: Shop) -> None:
    assert await shop.refused("rich") == "balance_too_small"
    assert (await shop.seen())["rich"]["missing"] == {"points": "4000"}
    assert await shop.refused("saved") == "balance_too_small"
    assert (await shop.seen())["saved"]["missing"] == {"points": "4010"}
    await shop.order("A-1", "4000.00")
    await shop.taken("rich")
    assert await shop.refused("saved") == "balance_too_small"
    await shop.order("A-2", "20.00")
    await shop.taken("saved")
    assert await shop.points() == "5000"


async def test_a_price_in_two_wallets_is_paid_in_both_or_in_none(shop: Shop) -> None:
    await shop.order("A-1", "100.00")
    taken = await shop.taken("evening")
    assert taken["price"] == {"points": "10", "stars": "0.5"}
    assert taken["at"] == "2027-03-01T19:00:00"
    assert await shop.refused("evening") == "out_of_stock"
    assert (await shop.seen("bob"))["evening"]["reason"] == "reward_not_for_tier"


async def test_the_warehouse_lists_what_it_has_to_send(shop: Shop) -> None:
    pouch, cap = await shop.taken("pouch"), await shop.taken("cap", choice="blue")
    await shop.taken("ten_off")
    listed = (await shop.get("redemptions?state=issued&kind=product"))["data"]
    assert [one["id"] for one in listed] == [cap["id"], pouch["id"]]
    await shop.move(pouch, "send")
    listed = (await shop.get("redemptions?status=issued&kind=product"))["data"]
    assert [one["id"] for one in listed] == [cap["id"]]
    status, said = await shop.ask("GET", "redemptions?status=issued&state=used")
    assert (status, said["code"]) == (400, "unknown_parameter")
    status, _ = await shop.ask("GET", "redemptions?kind=parcel")
    assert status == 422


async def test_the_same_call_twice_is_one(shop: Shop) -> None:
    key = {"idempotency-key": "k-1"}
    one = await shop.ask(
        "POST", "redemptions", json={"member": "external:ana", "reward": "well"}, headers=key
    )
    two = await shop.ask(
        "POST", "redemptions", json={"member": "external:ana", "reward": "well"}, headers=key
    )
    assert one == two
    assert await shop.cause() == ("2.50", "1.25", 1)
    taken = one[1]
    sent = [await shop.move(taken, "send", headers={"idempotency-key": "k-2"}) for _ in range(2)]
    assert sent[0] == sent[1]
    assert len(sent[1]["steps"]) == 2
