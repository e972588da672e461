"""Gift cards whose code leaked: a new one takes the place of each, exactly once, and the books agree."""

from __future__ import annotations

from tests.web import test_gift_cards
from tests.web.conftest import Api
from tests.web.test_gift_cards import BASE, CARDS, cart, confirmed, look, make, opened, problem

shop = test_gift_cards.shop
"""The same shop, verified after each test."""


async def test_a_card_whose_code_leaked_is_replaced_exactly_once(shop: Api) -> None:
    card = await make(shop, "50.00")
    await shop.post(
        f"{CARDS}/{card['id']}/top-up", json={"amount": "5.00", "expires_at": "2026-12-31T00:00:00Z"}
    )
    await opened(shop, "C-1", cart("A-1", "20.00", gift_cards=[card["code"]]))
    once = {"Idempotency-Key": "leak-1"}
    path = f"{CARDS}/{card['id']}/replace"
    said = await shop.post(path, json={"reason": "on a photo"}, headers=once)
    assert said.status_code == 201, said.text
    new = said.json()
    assert (new["amount"], new["replaces"], new["expires_at"]) == (
        "35.00",
        card["id"],
        "2026-12-31T00:00:00Z",
    )
    assert new["code"] not in (card["code"], "")
    assert (await shop.post(path, json={"reason": "on a photo"}, headers=once)).json() == new
    assert problem(await shop.post(path, json={})) == (409, "gift_card_empty", "")
    old = await look(shop, card["code"])
    assert (old["balance"], old["held"], old["blocked"], old["replaced_by"]) == (
        "0.00",
        "20.00",
        True,
        new["id"],
    )
    seen = await look(shop, new["code"])
    assert (seen["balance"], seen["blocked"], seen["replaced_by"]) == ("35.00", False, None)
    assert [one["amount"] for one in seen["expiring"]] == ["5.00", "30.00"]
    assert problem(await shop.post(f"{CARDS}/{card['id']}/unblock")) == (409, "gift_card_replaced", "")
    asked = {"amount": "1.00"}
    assert problem(await shop.post(f"{CARDS}/{card['id']}/top-up", json=asked)) == (
        409,
        "gift_card_replaced",
        "",
    )
    # The cart that was open before is honoured; what it paid comes back onto the card that is in use.
    await confirmed(shop, "C-1")
    back = await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    tender = {"kind": "gift_card", "amount": "20.00", "wallet": "cards", "gift_card": card["id"]}
    assert back.json()["tenders"] == [{**tender, "onto": new["id"]}]
    await shop.post(f"{CARDS}/{new['id']}/block")
    (listed,) = (await shop.get(f"{BASE}/orders/A-1/returns")).json()["data"]
    assert listed["tenders"] == [{**tender, "onto": new["id"], "blocked": True}]
    assert (await look(shop, new["code"]))["balance"] == "55.00"
    assert (await look(shop, card["code"]))["balance"] == "0.00"


async def test_what_a_cart_let_go_goes_with_the_next_replacement_and_refunds_follow(shop: Api) -> None:
    card = await make(shop, "50.00")
    await opened(shop, "C-1", cart("A-1", "20.00", gift_cards=[card["code"]]))
    await opened(shop, "C-2", cart("A-2", "10.00", gift_cards=[card["code"]]))
    first = (await shop.post(f"{CARDS}/{card['id']}/replace")).json()
    await confirmed(shop, "C-1")
    await shop.post(f"{BASE}/checkouts/C-2/cancel")
    assert (await look(shop, card["code"]))["balance"] == "10.00"
    again = (await shop.post(f"{CARDS}/{card['id']}/replace")).json()
    assert again["amount"] == "10.00"
    second = (await shop.post(f"{CARDS}/{again['id']}/replace")).json()
    await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    balances = [(await look(shop, one["code"]))["balance"] for one in (card, first, again, second)]
    assert balances == ["0.00", "20.00", "0.00", "30.00"]


async def test_the_card_of_a_reward_is_replaced_for_its_member_too(shop: Api) -> None:
    taken = (await shop.post(f"{BASE}/redemptions", json={"member": "ana", "reward": "ten_card"})).json()
    (card,) = taken["gift_cards"]
    new = (await shop.post(f"{CARDS}/{card['id']}/replace")).json()
    shown = (await shop.get(f"{BASE}/redemptions/{taken['id']}")).json()
    assert shown["gift_cards"] == [{"id": new["id"], "code": new["code"]}]
    assert (await look(shop, new["code"]))["redemption"] == taken["id"]
    said = await shop.post(f"{BASE}/redemptions/{taken['id']}/cancel")
    assert problem(said)[:2] == (409, "redemption_used")


async def test_cards_that_cannot_be_replaced(shop: Api) -> None:
    account = (await shop.get(f"{BASE}/members/external:ana")).json()["account"]
    for name in ("gft_00000000000zz", account.replace("acc", "gft"), account, "x"):
        assert problem(await shop.post(f"{CARDS}/{name}/replace"))[:2] == (404, "gift_card_not_found"), name
    card = await make(shop, "5.00")
    assert (await shop.post(f"{CARDS}/{card['id']}/block")).status_code == 200
    # A card that support blocked at once is replaced afterwards by who may make cards.
    new = (await shop.post(f"{CARDS}/{card['id']}/replace")).json()
    assert problem(await shop.post(f"{CARDS}/{new['id']}/replace", json={"why": "x"})) == (
        422,
        "unknown_field",
        "/why",
    )
    assert (await look(shop, new["code"]))["balance"] == "5.00"


async def test_money_that_comes_back_onto_a_blocked_card_says_so(shop: Api) -> None:
    card = await make(shop, "20.00")
    await opened(shop, "C-1", cart("A-1", "30.00", gift_cards=[card["code"]]))
    await confirmed(shop, "C-1")
    await shop.post(f"{CARDS}/{card['id']}/block")
    said = (await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})).json()
    first = {"kind": "gift_card", "amount": "20.00", "wallet": "cards", "gift_card": card["id"]}
    assert {**first, "blocked": True} in said["tenders"]
    new = (await shop.post(f"{CARDS}/{card['id']}/replace")).json()
    assert new["amount"] == "20.00"
    (listed,) = (await shop.get(f"{BASE}/orders/A-1/returns")).json()["data"]
    assert {**first, "onto": new["id"]} in listed["tenders"]
