"""Rewards in the console: the catalogue with its figures, and handing out what was taken."""

from __future__ import annotations

import re

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api, order
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_orders import plain

REWARDS = "/console/p/club/rewards"
TAKEN = "/console/p/club/redemptions"


async def took(api: Api, times: int = 1) -> list[str]:
    await api.apply(PROGRAM.replace("stock: 2}", 'stock: 5, cost: "3.10"}'))
    await api.enrol(external_id="ananya", name="Ananya Das")
    big = order("o1", data={"id": "order-o1", "lines": [{"id": "1", "price": "900"}]})
    await api.post("/v1/programs/club/events", json=big)
    body = {"member": "external:ananya", "reward": "pouch"}
    made = [await api.post("/v1/programs/club/redemptions", json=body) for _ in range(times)]
    return [answer.json()["id"] for answer in made]


async def test_the_catalogue_says_what_is_left_and_what_it_cost(api: Api) -> None:
    first, *_ = await took(api, 3)
    await api.post(f"/v1/programs/club/redemptions/{first}/cancel")
    said = plain((await (await signed_in(api, "auditor")).get(REWARDS)).text)
    assert "Pouch Product, 100 points 3 of 5 2 0 1 $6.20" in said
    assert "What waits to be handed out 2" in said
    assert "Voucher Coupon, granted by campaigns only" in said


async def move(person: Person, number: str, **fields: str) -> str:
    answer = await person.send(f"{TAKEN}/{number}", **fields)
    assert answer.status_code == 303, plain(answer.text)
    return plain((await person.get(answer.headers["location"])).text)


async def test_a_pouch_goes_from_issued_to_sent_to_handed_over(api: Api) -> None:
    (number,) = await took(api)
    person = await signed_in(api, "support")
    assert "Ananya Das" in plain((await person.get(TAKEN)).text)
    said = await move(person, number, act="sent", tracking="JJD 0001", status="issued")
    assert "Noted as sent." in said
    assert "Nothing here" in said
    said = plain((await person.get(f"{TAKEN}?status=sent")).text)
    assert "Tracking JJD 0001" in said
    await move(person, number, act="used", status="sent")
    assert number in (await person.get(f"{TAKEN}?status=used")).text
    refused = await person.send(f"{TAKEN}/{number}", act="cancelled", status="used")
    assert refused.status_code == 422
    assert "redemption_used" in refused.text
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action.startswith("redemption.")]
    assert [act.action for act in acts] == ["redemption.used", "redemption.sent"]
    assert {act.object for act in acts} == {number}


async def test_what_is_given_back_is_free_again(api: Api) -> None:
    (number,) = await took(api)
    person = await signed_in(api, "support")
    await person.get(TAKEN)
    assert "It is given back" in await move(person, number, act="cancelled", status="issued")
    assert "5 of 5" in plain((await person.get(REWARDS)).text)
    page = re.search(
        r'href="(/console/p/club/members/mem_\w+)"', (await person.get(f"{TAKEN}?status=cancelled")).text
    )
    assert page is not None
    assert "Rewards and coupons Pouch given back" in plain((await person.get(page[1])).text)


GIVING = PROGRAM.replace(
    "rewards:\n",
    'causes:\n  bags: {target: "10.00", match: 1}\nrewards:\n'
    '  bag: {kind: donation, price: {points: 100}, cause: bags, worth: "2.50"}\n'
    '  card: {kind: gift_card, price: {points: 300}, worth: "15.00"}\n',
).replace("wallets:\n", "wallets:\n  cards: {unit: USD, scale: 2, tender: gift_card}\n")


async def test_what_was_given_and_what_is_left_on_a_card(api: Api) -> None:
    assert (await api.apply(GIVING)).status_code in (200, 201)
    await api.enrol(external_id="ananya", name="Ananya Das")
    big = order("o1", data={"id": "order-o1", "lines": [{"id": "1", "price": "900"}]})
    await api.post("/v1/programs/club/events", json=big)
    for reward in ("bag", "card"):
        body = {"member": "external:ananya", "reward": reward}
        answer = await api.post("/v1/programs/club/redemptions", json=body)
        assert answer.status_code == 201, answer.text
    person = await signed_in(api, "auditor")
    said = plain((await person.get(REWARDS)).text)
    assert "Bags 1 donation, members $2.50, the shop $2.50 $5.00 of $10.00" in said
    page = re.search(
        r'href="(/console/p/club/members/mem_\w+)"', (await person.get("/console/p/club/members")).text
    )
    assert page is not None
    assert re.search(r"Card open .{5,40}…\w+ , \$15.00 left on it", plain((await person.get(page[1])).text))


async def test_odd_addresses_and_roles(api: Api) -> None:
    (number,) = await took(api)
    person = await signed_in(api, "auditor")
    for odd in ("?status=odd", "?kind=odd", "?before=x", "?status=issued&kind=product"):
        assert (await person.get(TAKEN + odd)).status_code == 200, odd
    assert "Handed over" not in (await person.get(TAKEN)).text
    assert (await person.send(f"{TAKEN}/{number}", act="used")).status_code == 403
    owner = await signed_in(api, "owner")
    assert (await owner.send(f"{TAKEN}/{number}", act="lost")).status_code == 404
    assert (await owner.send(f"{TAKEN}/red_0000000000000", act="used")).status_code == 404
