"""Gift cards and store credit over HTTP: made, looked up, spent, held, blocked, claimed; the books agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.limits import Bucket
from tests.web.conftest import NOW, Api

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
  credit: {unit: USD, scale: 2, tender: store_credit}
  cards: {unit: USD, scale: 2, tender: gift_card, expires: {after: 24mo}}
spending: {at_most_percent: 50}
earning: {paid_with: {gift_card: false, store_credit: true, points: false}}
ladders:
  club: {metric: spend, review: calendar_year, tiers: {bronze: {from: 0}, gold: {from: 1000}}}
metrics:
  spend: {event: order.paid, value: order.net, window: calendar_year}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "5000"}}]
  big:
    trigger: order.paid
    when: order.net >= 500
    then: [{grant: ten_card}]
rewards:
  ten_card: {kind: gift_card, worth: "10.00", price: {points: 1000}, valid: 365d}
"""
BASE = "/v1/programs/club"
CARDS = f"{BASE}/gift-cards"


def cart(number: str, amount: str = "60.00", **more: Any) -> dict[str, Any]:
    return {"id": number, "lines": [{"id": "1", "quantity": 1, "price": amount}], **more}


@pytest.fixture
async def shop(bare: Api) -> AsyncIterator[Api]:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    await bare.enrol(external_id="ana")
    yield bare
    found = [(one.code, one.table, one.key, one.expected[:900], one.found[:900]) for one in verified(bare)]
    assert found == []


def verified(api: Api) -> list[Any]:
    tenant = tenant_id_of(api.tenant)
    with api.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        return list(Audit(tx, api.house.vault(tenant)).run())


async def make(api: Api, amount: str, **more: Any) -> dict[str, Any]:
    said = await api.post(CARDS, json={"amount": amount, **more})
    assert said.status_code == 201, said.text
    return dict(said.json()["data"][0])


async def look(api: Api, code: str) -> dict[str, Any]:
    said = await api.post(f"{CARDS}/lookup", json={"code": code})
    assert said.status_code == 200, said.text
    return dict(said.json())


async def put(api: Api, checkout: str, body: dict[str, Any], **headers: str) -> Any:
    return await api.call("PUT", f"{BASE}/checkouts/{checkout}", json=body, headers=headers)


async def opened(api: Api, checkout: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    said = await put(api, checkout, body, **headers)
    assert said.status_code == 200, said.text
    return dict(said.json())


async def confirmed(api: Api, checkout: str, **headers: str) -> dict[str, Any]:
    said = await api.post(f"{BASE}/checkouts/{checkout}/confirm", json={}, headers=headers)
    assert said.status_code == 200, said.text
    return dict(said.json())


def problem(said: Any) -> tuple[int, str, str]:
    body = said.json()
    return said.status_code, body["code"], (body["errors"] or [{"pointer": ""}])[0]["pointer"]


async def test_a_card_is_made_and_looked_up_by_its_code_alone(shop: Api) -> None:
    card = await make(shop, "50.00")
    assert card["code"].startswith("GIFT-")
    assert len(card["code"]) == 24
    seen = await look(shop, card["code"].lower().replace("-", " "))
    assert (seen["id"], seen["balance"], seen["held"]) == (card["id"], "50.00", "0.00")
    assert seen["blocked"] is False
    assert [one["amount"] for one in seen["expiring"]] == ["50.00"]
    assert seen["ending"] == card["code"][-4:]
    assert "code" not in seen
    listed = (await shop.get(CARDS)).json()["data"]
    assert [one["id"] for one in listed] == [card["id"]]
    assert card["code"] not in (await shop.get(f"{CARDS}/{card['id']}")).text


async def test_the_same_key_gives_the_same_cards_and_codes_are_stored_nowhere(shop: Api) -> None:
    asked = {"amount": "5.00", "count": 3}
    key = {"idempotency-key": "batch-1"}
    first = await shop.post(CARDS, json=asked, headers=key)
    again = await shop.post(CARDS, json=asked, headers=key)
    assert first.json() == again.json()
    codes = {one["code"] for one in first.json()["data"]}
    assert len(codes) == 3
    tenant = tenant_id_of(shop.tenant)
    with shop.house.database.transaction(tenant) as tx:
        kept = tx.execute("select convert_from(answer, 'utf8') from idempotency_keys").fetchall()
    assert not any(code in str(kept) for code in codes)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("GIFT-0000-0000-0000-0000", "gift_card_unknown"), ("SPRING-10", "gift_card_unknown")],
)
async def test_a_wrong_code_says_what_is_wrong(shop: Api, typed: str, code: str) -> None:
    said = await shop.post(f"{CARDS}/lookup", json={"code": typed})
    assert problem(said)[1:] in {(code, "/code"), ("gift_card_mistyped", "/code")}
    card = (await make(shop, "5.00"))["code"]
    wrong = card[:-1] + ("A" if card[-1] != "A" else "B")
    said = await shop.post(f"{CARDS}/lookup", json={"code": wrong})
    assert problem(said) == (422, "gift_card_mistyped", "/code")
    said = await put(shop, "C-1", cart("A-1", gift_cards=[card, wrong]))
    assert problem(said) == (422, "gift_card_mistyped", "/gift_cards/1")


async def test_cards_pay_after_points_and_store_credit_and_keep_what_is_left(shop: Api) -> None:
    card = await make(shop, "50.00")
    small = await make(shop, "7.00")
    account = (await shop.get(f"{BASE}/members/external:ana")).json()["account"]
    said = await shop.post(
        f"{BASE}/accounts/{account}/adjustments",
        json={"wallet": "credit", "amount": "12.00", "reason": "a late parcel"},
    )
    assert said.status_code == 201, said.text
    codes = [small["code"], card["code"]]
    body = cart("A-1", member="ana", spend={"points": "1000", "credit": "12"}, gift_cards=codes)
    preview = (await shop.post(f"{BASE}/checkouts/preview", json=body)).json()
    # 60.00 − 10.00 of points − 12.00 of credit − 7.00 of the small card = 31.00 of the other one.
    assert preview["totals"]["paid_with_points"] == "10.00"
    assert preview["totals"]["paid_with_store_credit"] == "12.00"
    assert preview["totals"]["paid_with_gift_card"] == "38.00"
    assert preview["totals"]["due"] == "0.00"
    assert preview["gift_cards"] == [
        {"id": small["id"], "ending": small["ending"], "pays": "7.00", "left": "0.00"},
        {"id": card["id"], "ending": card["ending"], "pays": "31.00", "left": "19.00"},
    ]
    # The card and the points earn nothing, the credit does.
    assert preview["earns"] == {"points": "12"}
    assert (await look(shop, card["code"]))["balance"] == "50.00"
    quote = await opened(shop, "C-1", body)
    for one in (quote, preview):
        one.pop("status"), one.pop("checkout"), one.pop("expires_at", None)
    assert quote == preview
    held = await look(shop, card["code"])
    assert (held["balance"], held["held"]) == ("19.00", "31.00")
    done = await confirmed(shop, "C-1")
    assert done["shortfalls"] == []
    assert {"wallet": "cards", "amount": "31.00", "gift_card": card["id"]} in [
        one.get("pay") for one in done["effects"]
    ]
    seen = await look(shop, card["code"])
    assert (seen["balance"], seen["held"]) == ("19.00", "0.00")
    assert (await look(shop, small["code"]))["balance"] == "0.00"
    again = await confirmed(shop, "C-1")
    assert again["effects"] == done["effects"]
    assert (await look(shop, card["code"]))["balance"] == "19.00"
    order = (await shop.get(f"{BASE}/orders/A-1")).json()
    assert order["order"]["payments"] == [
        {"kind": "points", "amount": "10.00"},
        {"kind": "store_credit", "amount": "12.00"},
        {"kind": "gift_card", "amount": "7.00"},
        {"kind": "gift_card", "amount": "31.00"},
    ]
    assert card["code"] not in str(order)
    told = (await shop.get(f"{BASE}/orders/A-1/explanation")).json()
    assert told["differences"] == []


async def test_an_update_uses_its_own_hold_and_cancelling_lets_go(shop: Api) -> None:
    card = await make(shop, "50.00")
    await opened(shop, "C-1", cart("A-1", "40.00", gift_cards=[card["code"]]))
    quote = await opened(shop, "C-1", cart("A-1", "45.00", gift_cards=[card["code"]]))
    assert quote["totals"]["due"] == "0.00"
    other = await opened(shop, "C-2", cart("A-2", "45.00", gift_cards=[card["code"]]))
    assert other["gift_cards"][0]["pays"] == "5.00"
    said = await put(shop, "C-3", cart("A-3", "1.00", gift_cards=[card["code"]]))
    assert problem(said) == (409, "gift_card_empty", "/gift_cards/0")
    assert said.json()["detail"].startswith("open carts hold all that is left on this gift card")
    # A cart that does not name the card any more lets it go.
    await opened(shop, "C-1", cart("A-1", "45.00"))
    assert (await look(shop, card["code"]))["balance"] == "45.00"
    said = await shop.post(f"{BASE}/checkouts/C-2/cancel", json={})
    assert said.status_code == 200, said.text
    seen = await look(shop, card["code"])
    assert (seen["balance"], seen["held"]) == ("50.00", "0.00")


async def test_the_same_card_twice_however_typed_is_refused(shop: Api) -> None:
    code = (await make(shop, "50.00"))["code"]
    said = await put(shop, "C-1", cart("A-1", gift_cards=[code, code.lower().replace("-", "")]))
    assert problem(said) == (422, "duplicate_gift_card", "/gift_cards/1")
    said = await put(shop, "C-1", cart("A-1", gift_cards=[code] * 11))
    assert problem(said) == (422, "too_many_gift_cards", "/gift_cards")


async def test_a_late_confirmation_has_what_is_left_and_names_the_rest(shop: Api) -> None:
    card = await make(shop, "50.00")
    await opened(shop, "C-1", cart("A-1", "40.00", gift_cards=[card["code"]], ttl=60))
    later = {"guerdon-now": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    await opened(shop, "C-2", cart("A-2", "30.00", gift_cards=[card["code"]], ttl=86400), **later)
    done = await confirmed(shop, "C-1", **later)
    assert done["late"] is True
    assert done["shortfalls"] == [
        {"kind": "gift_card", "name": card["id"], "amount": "20", "reason": "insufficient_units"}
    ]
    assert (await confirmed(shop, "C-2", **later))["shortfalls"] == []
    assert (await look(shop, card["code"]))["balance"] == "0.00"


async def test_a_lost_card_is_blocked_and_open_carts_keep_what_they_were_promised(shop: Api) -> None:
    card = await make(shop, "50.00")
    await opened(shop, "C-1", cart("A-1", "20.00", member="ana", gift_cards=[card["code"]]))
    said = await shop.post(f"{CARDS}/{card['id']}/block", json={"reason": "lost on the tram"})
    assert said.json()["blocked"] is True, said.text
    again = await shop.post(f"{CARDS}/{card['id']}/block", json={})
    assert problem(again) == (409, "gift_card_blocked", "")
    said = await put(shop, "C-2", cart("A-2", gift_cards=[card["code"]]))
    assert problem(said) == (409, "gift_card_blocked", "/gift_cards/0")
    said = await shop.post(f"{CARDS}/claim", json={"code": card["code"], "member": "ana"})
    assert problem(said) == (409, "gift_card_blocked", "/code")
    assert (await confirmed(shop, "C-1"))["shortfalls"] == []
    said = await shop.post(f"{CARDS}/{card['id']}/unblock", json={})
    assert (said.json()["blocked"], said.json()["balance"]) == (False, "30.00")


async def test_a_card_is_topped_up_and_claimed_lot_by_lot(shop: Api) -> None:
    card = await make(shop, "50.00", expires_at="2028-01-01T00:00:00Z")
    said = await shop.post(f"{CARDS}/{card['id']}/top-up", json={"amount": "25.00", "reason": "birthday"})
    assert said.status_code == 200, said.text
    assert [one["amount"] for one in said.json()["expiring"]] == ["50.00", "25.00"]
    said = await shop.post(f"{CARDS}/claim", json={"code": card["code"], "member": "ana"})
    assert said.status_code == 200, said.text
    wallet = (await shop.get(f"{BASE}/members/external:ana")).json()["wallets"]["credit"]
    assert wallet["available"] == "75.00"
    assert [one["amount"] for one in wallet["expiring"]] == ["50.00", "25.00"]
    assert (await look(shop, card["code"]))["balance"] == "0.00"
    said = await shop.post(f"{CARDS}/claim", json={"code": card["code"], "member": "ana"})
    assert problem(said) == (409, "gift_card_empty", "")


async def test_a_reward_is_a_card_with_money_on_it(shop: Api) -> None:
    said = await shop.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "ten_card", "quantity": 2})
    assert said.status_code == 201, said.text
    cards = said.json()["gift_cards"]
    assert len(cards) == 2
    seen = await look(shop, cards[0]["code"])
    assert (seen["balance"], seen["redemption"]) == ("10.00", said.json()["id"])
    again = (await shop.get(f"{BASE}/redemptions/{said.json()['id']}")).json()
    assert again["gift_cards"] == cards
    # Campaigns grant them too.
    await opened(shop, "C-1", cart("A-1", "600.00", member="ana"))
    done = await confirmed(shop, "C-1")
    granted = (await shop.get(f"{BASE}/redemptions/{done['redemptions'][0]['id']}")).json()
    assert (await look(shop, granted["gift_cards"][0]["code"]))["balance"] == "10.00"


async def test_sixty_four_callers_with_one_card_are_paid_exactly_its_balance(shop: Api) -> None:
    card = await make(shop, "55.00")
    body = [cart(f"A-{n}", "10.00", gift_cards=[card["code"]]) for n in range(64)]
    said = await asyncio.gather(*(put(shop, f"C-{n}", one) for n, one in enumerate(body)))
    good = [one.json() for one in said if one.status_code == 200]
    assert sorted(one["gift_cards"][0]["pays"] for one in good) == ["10.00"] * 5 + ["5.00"]
    others = [one for one in said if one.status_code != 200]
    assert {problem(one) for one in others} == {(409, "gift_card_empty", "/gift_cards/0")}
    done = await asyncio.gather(*(confirmed(shop, one["checkout"]) for one in good))
    paid = sum(Decimal(one["totals"]["paid_with_gift_card"]) for one in done)
    assert (paid, (await look(shop, card["code"]))["balance"]) == (Decimal("55.00"), "0.00")


async def test_an_empty_card_is_refused_in_a_cart(shop: Api) -> None:
    """odoo 135393: an empty gift card was accepted."""
    card = await make(shop, "20.00")
    await opened(shop, "C-1", cart("A-1", "20.00", gift_cards=[card["code"]]))
    await confirmed(shop, "C-1")
    said = await put(shop, "C-2", cart("A-2", gift_cards=[card["code"]]))
    assert problem(said) == (409, "gift_card_empty", "/gift_cards/0")
    assert "open carts" not in said.json()["detail"]


async def test_codes_stand_in_no_placed_order(shop: Api) -> None:
    told = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "order.paid",
        "time": NOW.isoformat(),
        "subject": "external:ana",
        "data": cart("A-9", gift_cards=["GIFT-1"]),
    }
    said = await shop.post(f"{BASE}/events", json=told)
    assert problem(said) == (422, "unknown_field", "/data/gift_cards")


async def test_guessing_has_an_end(shop: Api) -> None:
    limits = shop.front.premises.doorkeeper.limits
    guesser = shop.with_key("gift_cards:read")
    guess = {"code": "GIFT-0000-0000-0000-0001"}
    assert (await guesser.post(f"{CARDS}/lookup", json=guess)).status_code == 422
    (name,) = [one for one in limits._addresses if one.startswith("codes of ")]
    limits._addresses[name] = Bucket(1, 2, lambda: 100.0)
    answers = [(await guesser.post(f"{CARDS}/lookup", json=guess)).status_code for _ in range(4)]
    assert answers == [422, 422, 429, 429]


async def returned(api: Api, order: str, **body: Any) -> dict[str, Any]:
    said = await api.post(f"{BASE}/orders/{order}/returns", json=body)
    assert said.status_code == 200, said.text
    return dict(said.json())


async def test_a_return_gives_cards_their_share_of_the_money_and_parts_add_up(shop: Api) -> None:
    card = await make(shop, "50.00")
    body = {
        "id": "A-1",
        "member": "ana",
        "lines": [{"id": "1", "quantity": 3, "price": "20.00"}],
        "shipping": {"amount": "5.00"},
        "spend": {"points": "1000"},
        "gift_cards": [card["code"]],
    }
    # 65.00 − 10.00 of points − 50.00 of the card = 5.00 paid otherwise.
    quote = await opened(shop, "C-1", body)
    assert quote["totals"]["due"] == "5.00"
    await confirmed(shop, "C-1")
    assert (await look(shop, card["code"]))["balance"] == "0.00"
    first = await returned(shop, "A-1", id="R-1", lines=[{"id": "1", "quantity": 1}])
    # A third of the points; 20 of 65 of the card's 50.00 is 15.38; the rest of 20.00 is 1.29.
    assert first["tenders"] == [
        {"kind": "points", "amount": "3.33"},
        {"kind": "gift_card", "amount": "15.38", "wallet": "cards", "gift_card": card["id"]},
        {"kind": "rest", "amount": "1.29"},
    ]
    # An empty card takes its own money back, and no more (odoo 135393).
    assert (await look(shop, card["code"]))["balance"] == "15.38"
    last = await returned(shop, "A-1", id="R-2", all=True)
    assert last["refund"]["total"] == "40.00"
    assert (await look(shop, card["code"]))["balance"] == "46.15"
    shipping = await returned(shop, "A-1", id="R-3", refund_shipping=True)
    assert shipping["tenders"][0]["amount"] == "3.85"
    assert (await look(shop, card["code"]))["balance"] == "50.00"
    again = await returned(shop, "A-1", id="R-3", refund_shipping=True)
    assert again["status"] == "duplicate"
    assert (await look(shop, card["code"]))["balance"] == "50.00"


async def test_a_guests_cart_is_paid_and_given_back(shop: Api) -> None:
    card = await make(shop, "50.00")
    await opened(shop, "C-1", cart("A-1", "20.00", gift_cards=[card["code"]]))
    await confirmed(shop, "C-1")
    back = await returned(shop, "A-1", id="R-1", all=True)
    assert back["tenders"] == [
        {"kind": "gift_card", "amount": "20.00", "wallet": "cards", "gift_card": card["id"]}
    ]
    assert (await look(shop, card["code"]))["balance"] == "50.00"


async def test_what_a_card_paid_may_become_store_credit(bare: Api) -> None:
    text = PROGRAM + "returns: {gift_cards_to: store_credit}\n"
    said = await bare.apply(text)
    assert said.status_code == 201, said.text
    await bare.enrol(external_id="ana")
    card = await make(bare, "50.00")
    await opened(bare, "C-1", cart("A-1", "20.00", member="ana", gift_cards=[card["code"]]))
    await confirmed(bare, "C-1")
    back = await returned(bare, "A-1", id="R-1", all=True)
    assert [one["kind"] for one in back["tenders"]] == ["store_credit"]
    wallet = (await bare.get(f"{BASE}/members/external:ana")).json()["wallets"]["credit"]
    assert wallet["available"] == "20.00"
    assert (await look(bare, card["code"]))["balance"] == "30.00"
    assert verified(bare) == []


async def test_store_credit_that_paid_comes_back_with_the_money(shop: Api) -> None:
    account = (await shop.get(f"{BASE}/members/external:ana")).json()["account"]
    adjusted = {"wallet": "credit", "amount": "30.00", "reason": "a late parcel"}
    await shop.post(f"{BASE}/accounts/{account}/adjustments", json=adjusted)
    body = cart("A-1", "20.00", member="ana", spend={"credit": "25"}, shipping={"amount": "5.00"})
    assert (await opened(shop, "C-1", body))["totals"]["due"] == "0.00"
    await confirmed(shop, "C-1")
    back = await returned(shop, "A-1", id="R-1", all=True)
    assert back["tenders"] == [{"kind": "store_credit", "amount": "20.00"}]
    wallet = (await shop.get(f"{BASE}/members/external:ana")).json()["wallets"]["credit"]
    # Shipping was not refunded: 5.00 of the credit stay spent.
    assert wallet["available"] == "25.00"


async def test_a_reward_that_is_given_back_leaves_no_money_on_its_card(shop: Api) -> None:
    taken = (await shop.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "ten_card"})).json()
    spent = (await shop.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "ten_card"})).json()
    body = cart("A-1", "4.00", gift_cards=[spent["gift_cards"][0]["code"]])
    await opened(shop, "C-1", body)
    said = await shop.post(f"{BASE}/redemptions/{spent['id']}/cancel", json={})
    assert problem(said) == (409, "redemption_used", "")
    await confirmed(shop, "C-1")
    said = await shop.post(f"{BASE}/redemptions/{spent['id']}/cancel", json={})
    assert problem(said) == (409, "redemption_used", "")
    said = await shop.post(f"{BASE}/redemptions/{taken['id']}/cancel", json={})
    assert said.json()["status"] == "cancelled", said.text
    seen = await look(shop, taken["gift_cards"][0]["code"])
    assert (seen["balance"], seen["blocked"]) == ("0.00", True)
    wallet = (await shop.get(f"{BASE}/members/external:ana")).json()["wallets"]["points"]
    assert wallet["available"] == "4000"


@pytest.mark.parametrize("spends", [False, True])
async def test_an_order_that_comes_back_takes_the_card_that_it_brought(shop: Api, spends: bool) -> None:
    await opened(shop, "C-1", cart("A-1", "600.00", member="ana"))
    done = await confirmed(shop, "C-1")
    made = (await shop.get(f"{BASE}/redemptions/{done['redemptions'][0]['id']}")).json()
    code = made["gift_cards"][0]["code"]
    if spends:
        await opened(shop, "C-2", cart("A-2", "4.00", gift_cards=[code]))
        await confirmed(shop, "C-2")
    back = await returned(shop, "A-1", id="R-1", all=True)
    reasons = [one["reason"] for one in back["shortfalls"]]
    assert reasons == (["redemption_used"] if spends else [])
    assert (await look(shop, code))["balance"] == ("6.00" if spends else "0.00")


@pytest.mark.parametrize(
    ("was", "now", "place"),
    [
        ("tender: gift_card", "tender: store_credit", "/wallets/cards/tender"),
        ("  cards: {unit", "  vouchers: {unit", "/retired/wallets/cards/into"),
    ],
)
async def test_money_on_cards_stays_on_cards(shop: Api, was: str, now: str, place: str) -> None:
    text = PROGRAM.replace(was, now)
    if "vouchers" in text:
        text += "retired: {wallets: {cards: {into: credit, rate: 1, scale: 2}}}\n"
    else:
        text = text.replace(
            "rewards:\n  ten_card: {kind: gift_card,", "rewards:\n  ten_card: {kind: product,"
        )
    assert (await shop.apply(PROGRAM + "\n# the same\n")).status_code in (200, 201)
    card = await make(shop, "5.00")
    said = await shop.apply(text)
    assert problem(said) == (409, "tender_changed", place)
    assert (await look(shop, card["code"]))["balance"] == "5.00"


async def test_a_code_in_the_wrong_field_is_told_which_one_is_right(bare: Api) -> None:
    coupon = '  five: {kind: coupon, price: {points: 10}, discount: {amount: "5.00"}, code: "OFF-{8}"}\n'
    said = await bare.apply(PROGRAM + coupon)
    assert said.status_code == 201, said.text
    await bare.enrol(external_id="ana")
    taken = (await bare.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "five"})).json()
    made = await bare.post(f"{BASE}/coupons/batches", json={"reward": "five", "code": "WELCOME5"})
    assert made.status_code in (200, 201), made.text
    card = (await make(bare, "20.00"))["code"]
    for typed in (taken["code"], taken["code"].lower().replace("-", " "), "welcome5"):
        said = await put(bare, "C-1", cart("A-1", gift_cards=[card, typed]))
        assert problem(said) == (422, "gift_card_is_coupon", "/gift_cards/1")
        assert "`coupons`" in said.json()["detail"]
        claimed = await bare.post(f"{CARDS}/claim", json={"code": typed, "member": "ana"})
        assert problem(claimed) == (422, "gift_card_is_coupon", "/code")
    said = await put(bare, "C-1", cart("A-1", gift_cards=["NOT-A-CODE-OF-OURS"]))
    assert problem(said) == (422, "gift_card_unknown", "/gift_cards/0")
    for typed in (card, card.lower(), card[:-1] + ("A" if card[-1] != "A" else "B")):
        said = await put(bare, "C-1", cart("A-1", coupons=[typed, "GIFT-5"]))
        assert said.status_code == 200, said.text
        first, second = said.json()["skipped"]
        assert (first["code"], first["reason"]) == (typed, "coupon_is_gift_card")
        assert "`gift_cards`" in first["detail"]
        assert second["reason"] == "coupon_unknown"
        looked = (await bare.get(f"{BASE}/coupons/{typed}")).json()
        assert (looked["good"], looked["reason"]) == (False, "coupon_is_gift_card")
