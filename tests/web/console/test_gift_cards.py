"""Gift cards in the console: made once, found by a code kept nowhere, followed, topped up, blocked."""

from __future__ import annotations

import csv
import io
import logging
import re
from typing import Any

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.limits import Bucket
from tests.web.conftest import Api
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_orders import plain
from tests.web.test_gift_cards import BASE, PROGRAM, cart, confirmed, opened
from tests.web.test_gift_cards import make as sold

CARDS = "/console/p/club/gift-cards"
CODE = re.compile(r"GIFT(?:-[0-9A-Z]{4}){4}")


@pytest.fixture
async def shop(bare: Api) -> Api:
    said = await bare.apply(PROGRAM)
    assert said.status_code == 201, said.text
    await bare.enrol(external_id="ana", name="Ana Sen")
    return bare


def acts(api: Api) -> list[Any]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [row.act for row in list_acts(tx) if row.act.action.startswith("gift_card")]


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def filled(person: Person, **fields: str) -> dict[str, str]:
    """Open the room and fill its form in."""
    once = hidden((await person.get(CARDS)).text, "once")
    return {"amount": "25.00", "count": "1", "reason": "for the fair", "once": once, **fields}


async def test_cards_are_made_once_and_their_codes_are_a_file_for_an_hour(shop: Api) -> None:
    person = await signed_in(shop, "manager")
    form = await filled(person, count="3", until="2031-03-31")
    answers = [await person.send(CARDS, **form) for _ in range(2)]
    made = [CODE.findall(answer.text) for answer in answers]
    assert made[0] == made[1]
    assert len(set(made[0])) == 3
    assert "3 gift cards are made" in plain(answers[0].text)
    assert "$25.00 on each. Good until 31 March 2031." in plain(answers[0].text)
    file = await person.send(f"{CARDS}/codes", made=hidden(answers[1].text, "made"))
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["code"] for row in rows] == made[0]
    assert file.headers["content-disposition"].startswith("attachment; filename=")
    for row in rows:
        looked = (await shop.post(f"{BASE}/gift-cards/lookup", json={"code": row["code"]})).json()
        assert (looked["id"], looked["balance"]) == (row["id"], "25.00")
        assert [one["at"] for one in looked["expiring"]] == ["2031-04-01T04:00:00Z"]
    listed = (await shop.get(f"{BASE}/gift-cards")).json()["data"]
    assert len(listed) == 3
    done = acts(shop)
    assert [one.action for one in done] == [
        "gift_cards.downloaded",
        "gift_cards.shown_again",
        "gift_cards.made",
    ]
    assert done[-1].detail == {"amount": "25.00", "count": 3, "last": rows[-1]["id"]}
    assert done[-1].object == rows[0]["id"]


async def test_the_file_is_for_who_made_them_and_not_for_ever(shop: Api) -> None:
    manager, owner = await signed_in(shop, "manager"), await signed_in(shop, "owner")
    made = hidden((await manager.send(CARDS, **await filled(manager))).text, "made")
    await owner.get(CARDS)
    for sealed in (made, "", "nonsense", made[:-6] + "AAAAAA"):
        refused = await owner.send(f"{CARDS}/codes", made=sealed)
        assert refused.status_code == 422, sealed
        assert "These codes are not shown again" in refused.text
    assert (await manager.send(f"{CARDS}/codes", made=made)).status_code == 200


async def test_a_code_leads_to_its_card_and_stands_nowhere(
    shop: Api, caplog: pytest.LogCaptureFixture
) -> None:
    code = (await sold(shop, "40.00"))["code"]
    person = await signed_in(shop, "support")
    await person.get(CARDS)
    with caplog.at_level(logging.DEBUG):
        answer = await person.send(f"{CARDS}/look", code_asked=code.lower().replace("-", " "))
    assert answer.status_code == 303
    assert code not in answer.headers["location"]
    page = await person.get(answer.headers["location"])
    assert f"Gift card …{code[-4:]} can pay" in plain(page.text)
    assert "Can be spent now $40.00" in plain(page.text)
    for text in (page.text, caplog.text, (await person.get(CARDS)).text):
        assert code not in text
        assert code.replace("-", "") not in text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("GIFT-1111-1111-1111-1110", "A letter of this code is wrong or missing."),
        ("GIFT-1111", "A letter of this code is wrong or missing."),
        (
            "SPRING-7K2M",
            "No gift card has this code. Codes of gift cards begin with GIFT; others are coupons.",
        ),
    ],
)
async def test_a_wrong_code_is_told_in_words_and_not_shown(shop: Api, code: str, said: str) -> None:
    person = await signed_in(shop, "support")
    await person.get(CARDS)
    answer = await person.send(f"{CARDS}/look", code_asked=code)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert code not in answer.text


async def test_a_card_that_is_taken_for_a_coupon_is_shown_the_way(shop: Api) -> None:
    code = (await sold(shop, "40.00"))["code"]
    person = await signed_in(shop, "support")
    await person.get("/console/p/club/coupons")
    answer = await person.send("/console/p/club/coupons/look", code_asked=code)
    assert "It is the code of a gift card: look it up under Gift cards." in answer.text


async def test_who_guesses_codes_has_to_wait(shop: Api) -> None:
    person = await signed_in(shop, "support")
    await person.get(CARDS)
    limits = shop.front.premises.doorkeeper.limits
    guess = "GIFT-1111-1111-1111-1110"
    assert (await person.send(f"{CARDS}/look", code_asked=guess)).status_code == 422
    (name,) = [one for one in limits._addresses if one.startswith("codes of ")]
    limits._addresses[name] = Bucket(1, 2, lambda: 100.0)
    answers = [(await person.send(f"{CARDS}/look", code_asked=guess)).status_code for _ in range(4)]
    assert answers == [422, 422, 429, 429]


async def test_a_card_tells_what_came_and_went_and_who_bought(shop: Api) -> None:
    code = (await sold(shop, "50.00", reason="sold at the till"))["code"]
    await opened(shop, "C-1", cart("A-1", "30.00", member="external:ana", gift_cards=[code]))
    person = await signed_in(shop, "auditor")
    await person.get(CARDS)
    page = (await person.send(f"{CARDS}/look", code_asked=code)).headers["location"]
    said = plain((await person.get(page)).text)
    assert "Put on it in all $50.00 In open carts $30.00 Can be spent now $20.00" in said
    assert "Open carts hold $30.00 of it, until" in said
    assert "Last used never" in said
    carts = plain((await person.get("/console/p/club/checkouts")).text)
    assert f"$30.00 of the gift card …{code[-4:]}" in carts
    assert "It holds nothing" not in carts
    await confirmed(shop, "C-1")
    await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    said = plain((await person.get(page)).text)
    assert "Paid with the card −30.00 USD A-1 , Ana Sen" in said
    assert "Came back onto the card +30.00 USD A-1 , Ana Sen" in said
    assert "Card made +50.00 USD “sold at the till”" in said
    assert "Can be spent now $50.00" in said
    assert "Last used never" not in said
    order = re.search(r'href="(/console/p/club/orders/[0-9a-f-]{36})">A-1<', (await person.get(page)).text)
    assert order is not None
    assert "Gift card $30.00" in plain((await person.get(order[1])).text)
    books = plain((await person.get("/console/p/club/transactions")).text)
    assert f"GIFT-…{code[-4:]} Paid with the card" in books
    assert "erased" not in books


async def test_cards_are_listed_by_how_they_stand(shop: Api) -> None:
    names = ("live", "held", "empty", "blocked")
    made = {name: await sold(shop, "10.00") for name in names}
    for name in ("held", "empty"):
        await opened(shop, f"C-{name}", cart(f"A-{name}", "10.00", gift_cards=[made[name]["code"]]))
    await confirmed(shop, "C-empty")
    await shop.post(f"{BASE}/gift-cards/{made['blocked']['id']}/block", json={"reason": "lost"})
    person = await signed_in(shop, "auditor")

    async def found(query: str) -> list[str]:
        text = (await person.get(f"{CARDS}{query}")).text
        return re.findall(r'<a href="[^"]+/(gft_\w+)"><span class="hash">', text)

    assert await found("") == [made[name]["id"] for name in reversed(names)]
    for name in names:
        assert await found(f"?state={name}") == [made[name]["id"]], name
    assert await found("?state=nonsense") == await found("")
    said = plain((await person.get(f"{CARDS}?state=held")).text)
    assert "all of it in open carts $10.00 put on it, $10.00 in open carts, never used $0.00" in said


async def test_many_cards_have_pages(shop: Api) -> None:
    answer = await shop.post(f"{BASE}/gift-cards", json={"amount": "1.00", "count": 85})
    wanted = [one["id"] for one in reversed(answer.json()["data"])]
    person = await signed_in(shop, "auditor")
    for state in ("", "live"):
        path, found = f"{CARDS}?state={state}", []
        while path:
            text = (await person.get(path.replace("&amp;", "&"))).text
            found += re.findall(r'<a href="[^"]+/(gft_\w+)"><span class="hash">', text)
            further = re.search(r'href="([^"]+before=gft_[^"]+)"', text)
            path = further[1] if further is not None else ""
        assert found == wanted


async def test_a_lost_card_is_blocked_and_a_found_one_pays_again(shop: Api) -> None:
    card = await sold(shop, "40.00")
    person = await signed_in(shop, "support")
    page = f"{CARDS}/{card['id']}"
    assert "Put money on it" not in (await person.get(page)).text
    without = await person.send(f"{page}/block", reason=" ")
    assert without.status_code == 422
    assert "A reason is needed. Nothing was changed." in without.text
    blocked = await person.send(f"{page}/block", reason="lost on the tram")
    said = plain((await person.get(blocked.headers["location"])).text)
    assert "It pays nothing any more." in said
    assert "Blocked “lost on the tram”" in said
    again = await person.send(f"{page}/block", reason="lost on the tram")
    assert again.status_code == 422
    assert "The card was not blocked" in again.text
    await person.send(f"{page}/unblock", reason="found again")
    assert "can pay" in plain((await person.get(page)).text)
    assert [one.action for one in acts(shop)] == ["gift_card.unblocked", "gift_card.blocked"]
    assert {one.object for one in acts(shop)} == {card["id"]}


async def test_money_comes_onto_a_card_once(shop: Api) -> None:
    card = await sold(shop, "40.00")
    person = await signed_in(shop, "manager")
    page = f"{CARDS}/{card['id']}"
    form = {"amount": "1,005.50", "reason": "birthday", "once": hidden((await person.get(page)).text, "once")}
    for _ in range(2):
        assert (await person.send(f"{page}/top-up", **form)).status_code == 303
    said = plain((await person.get(page)).text)
    assert "Put on it in all $1,045.50 Can be spent now $1,045.50" in said
    assert "Money came onto the card +1,005.50 USD “birthday”" in said
    form |= {
        "amount": "−45.50",
        "reason": "onto a new card",
        "once": hidden((await person.get(page)).text, "once"),
    }
    for _ in range(2):
        assert (await person.send(f"{page}/top-up", **form)).status_code == 303
    said = plain((await person.get(page)).text)
    assert "Can be spent now $1,000.00" in said
    assert "Adjusted by staff −45.50 USD “onto a new card”" in said
    form |= {"amount": "-2000", "once": hidden((await person.get(page)).text, "once")}
    refused = await person.send(f"{page}/top-up", **form)
    assert refused.status_code == 422
    assert "insufficient_units" in refused.text
    assert "Nothing was booked" in refused.text
    assert [one.detail["amount"] for one in acts(shop)] == ["-45.50", "-45.50", "1005.50", "1005.50"]
    old = {**form, "once": "1700000000.aa"}
    refused = await person.send(f"{page}/top-up", **old)
    assert refused.status_code == 422
    assert "This form was opened long ago." in refused.text
    assert 'value="onto a new card"' in refused.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": ""}, "The amount is a number above zero"),
        ({"amount": "ten"}, "The amount is a number above zero"),
        ({"amount": "-5"}, "The amount is a number above zero"),
        ({"amount": "NaN"}, "The amount is a number above zero"),
        ({"amount": "20,50"}, "The amount is a number above zero"),
        ({"amount": "1.005"}, "/amount"),
        ({"amount": "99999999999999999999"}, "/amount"),
        ({"count": "0"}, "1 to 1,000 gift cards are made at once"),
        ({"count": "1001"}, "1 to 1,000 gift cards are made at once"),
        ({"count": "two"}, "A count is a whole number."),
        ({"until": "next year"}, "A day is written"),
        ({"until": "2020-01-01"}, "a gift card expires in the future"),
        ({"reason": ""}, "A reason is needed."),
        ({"once": ""}, "This form was opened long ago."),
    ],
)
async def test_a_wrong_form_makes_no_card_and_keeps_what_was_typed(
    shop: Api, fields: dict[str, str], said: str
) -> None:
    person = await signed_in(shop, "manager")
    answer = await person.send(CARDS, **{**await filled(person), **fields})
    assert answer.status_code == 422, plain(answer.text)
    assert said in answer.text
    assert "No cards were made" in answer.text
    if "reason" not in fields:
        assert 'value="for the fair"' in answer.text
    assert (await shop.get(f"{BASE}/gift-cards")).json()["data"] == []
    assert acts(shop) == []


async def test_roles_and_tenants_keep_apart(shop: Api) -> None:
    card = await sold(shop, "40.00")
    page = f"{CARDS}/{card['id']}"
    support, auditor = await signed_in(shop, "support"), await signed_in(shop, "auditor")
    for person, paths in (
        (support, (CARDS, f"{CARDS}/codes", f"{page}/top-up")),
        (auditor, (CARDS, f"{CARDS}/codes", f"{page}/top-up", f"{page}/block", f"{page}/unblock")),
    ):
        assert "Make them" not in (await person.get(CARDS)).text
        for path in paths:
            assert (await person.send(path, amount="5", reason="x", once="x")).status_code == 403, path
    assert "Block the card" not in (await auditor.get(page)).text
    other = shop.with_key(tenant=f"{shop.tenant}y")
    await other.apply(PROGRAM)
    stranger = await signed_in(other)
    await stranger.get(CARDS)
    for path in (f"{page}/block", f"{page}/top-up"):
        answer = await stranger.send(
            path, reason="x", amount="5", once=hidden((await stranger.get(CARDS)).text, "once")
        )
        assert answer.status_code == 404, path
    assert (await stranger.get(page)).status_code == 404
    assert (await stranger.send(f"{CARDS}/look", code_asked=card["code"])).status_code == 422
    assert (await shop.get(f"{BASE}/gift-cards/{card['id']}")).json()["balance"] == "40.00"


async def test_a_program_without_gift_cards_says_so(api: Api) -> None:
    person = await signed_in(api, "owner")
    text = (await person.get(CARDS)).text
    assert "This program has no gift cards" in text
    assert "Make them" not in text
    assert f'href="{CARDS}"' not in (await person.get("/console/p/club")).text


async def test_the_overview_tells_money_on_cards_from_credit_and_from_points(shop: Api) -> None:
    first, second = await sold(shop, "40.00"), await sold(shop, "25.00")
    await opened(shop, "C-1", cart("A-1", "30.00", member="external:ana", gift_cards=[first["code"]]))
    await confirmed(shop, "C-1")
    await shop.post(f"{BASE}/gift-cards/claim", json={"code": second["code"], "member": "external:ana"})
    person = await signed_in(shop, "auditor")
    said = plain((await person.get("/console/p/club")).text)
    assert "The club gave 5,000 points ; nobody has spent any yet." in said
    points, credit, cards = (
        said.index(f"The book of {one}") for one in ("points", "store credit", "gift cards")
    )
    assert points < credit < cards
    assert (
        "From and to other wallets +25.00 Adjusted by staff 0.00 Outstanding now 25.00" in said[credit:cards]
    )
    for line in (
        "Issued +65.00",
        "Spent −30.00",
        "From and to other wallets −25.00",
        "Outstanding now 10.00",
    ):
        assert line in said[cards:], line
    assert "Gift card" not in said[said.index("What each campaign gave") : points]
    assert "Order A-1 " in plain((await person.get("/console/p/club/transactions")).text)


async def test_a_member_has_store_credit_and_no_wallet_of_cards(shop: Api) -> None:
    card = await sold(shop, "25.00")
    ana = (await shop.get(f"{BASE}/members/external:ana")).json()
    await shop.post(f"{BASE}/gift-cards/claim", json={"code": card["code"], "member": "external:ana"})
    person = await signed_in(shop, "support")
    page = f"/console/p/club/members/{ana['id']}"
    text = (await person.get(page)).text
    said = plain(text)
    assert "Store credit to spend 25.00" in said
    assert "Store credit from a gift card" in said
    assert "Gift cards to spend" not in said
    assert re.findall(r'<option value="(\w+)">', text[text.index('id="wallet"') :])[:2] == [
        "points",
        "credit",
    ]
    refused = await person.send(f"{page}/adjust", wallet="cards", amount="5", reason="x", once="x")
    assert refused.status_code == 422
    assert "Choose one of the program" in refused.text


async def test_a_leaked_card_is_replaced_by_managers_and_its_orders_say_where_the_money_is(shop: Api) -> None:
    card = await sold(shop, "40.00")
    await opened(shop, "C-1", cart("A-1", "15.00", gift_cards=[card["code"]]))
    await confirmed(shop, "C-1")
    person, page = await signed_in(shop, "manager"), f"{CARDS}/{card['id']}"
    once = hidden((await person.get(page)).text, "once")
    refused = await person.send(f"{page}/replace", once=once, reason="")
    assert "A reason is needed. Nothing was changed." in plain(refused.text)
    said = [await person.send(f"{page}/replace", once=once, reason="on a photo") for _ in range(2)]
    codes = [CODE.findall(answer.text) for answer in said]
    assert codes[0] == codes[1]
    (code,) = codes[0]
    assert f"It has $25.00 of the card …{card['ending']}, which pays nothing any more." in plain(said[0].text)
    file = await person.send(f"{CARDS}/codes", made=hidden(said[1].text, "made"))
    assert code in file.text
    old = (await person.get(page)).text
    assert f"Another card took the place of this one, and has what comes back for it: …{code[-4:]}" in plain(
        old
    )
    assert "Replaced by a new card" in plain(old)
    assert not [one for one in ("replace", "unblock", "top-up") if f'action="{page}/{one}"' in old]
    new = re.search(rf'href="({CARDS}/gft_\w+)">…{code[-4:]}', old)
    assert new is not None
    story = (await person.get(new[1])).text
    assert f'<a href="{page}">…{card["ending"]}</a>' in story
    assert "Put on it in all $25.00" in plain(story)
    done = acts(shop)
    assert [one.action for one in done] == [
        "gift_cards.downloaded",
        "gift_cards.shown_again",
        "gift_card.replaced",
    ]
    assert done[-1].object == card["id"]
    assert done[-1].detail == {"amount": "25.00", "new": new[1].rpartition("/")[2]}
    await shop.post(f"{BASE}/orders/A-1/returns", json={"id": "R-1", "all": True})
    order = await shop.get(f"{BASE}/events?type=order.paid")
    listed = (await person.get("/console/p/club/orders")).text
    path = re.search(r'href="(/console/p/club/orders/[0-9a-f-]{36})"', listed)
    assert path is not None, order.text
    told = f"It came onto the gift card …{code[-4:]}, which took the place of …{card['ending']}."
    assert told in plain((await person.get(path[1])).text)


async def test_support_cannot_replace_a_card_and_an_empty_one_is_left_alone(shop: Api) -> None:
    card = await sold(shop, "40.00")
    page = f"{CARDS}/{card['id']}"
    support, manager = await signed_in(shop, "support"), await signed_in(shop, "manager")
    assert f'action="{page}/replace"' not in (await support.get(page)).text
    assert (await support.send(f"{page}/replace", once="1.1", reason="x")).status_code == 403
    once = hidden((await manager.get(page)).text, "once")
    await shop.post(f"{BASE}/gift-cards/claim", json={"code": card["code"], "member": "ana"})
    answer = await manager.send(f"{page}/replace", once=once, reason="on a photo")
    assert answer.status_code == 422
    assert "The card was not replaced" in plain(answer.text)
    assert 'value="on a photo"' not in answer.text, "there is nothing to replace any more"
    assert acts(shop) == []
