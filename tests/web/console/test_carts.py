"""Open carts in the console: who, what is held, until when; letting one go."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api, order
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain

CARTS = "/console/p/club/checkouts"
WORTH = PROGRAM.replace("rounding: floor,", 'rounding: floor, worth: "0.01",')


async def open_cart(api: Api, name: str = "C-1", **more: Any) -> None:
    body = {"source": "web", "lines": [{"id": "1", "name": "Bag", "price": "50"}], **more}
    answer = await api.call("PUT", f"/v1/programs/club/checkouts/{quote(name, safe='')}", json=body)
    assert answer.status_code in (200, 201), answer.text


async def rich(api: Api) -> None:
    await api.apply(WORTH)
    await api.enrol(external_id="ananya", name="Ananya Das")
    assert (await api.post("/v1/programs/club/events", json=order("o1"))).json()["status"] == "applied"


async def test_an_open_cart_says_whose_it_is_and_what_it_holds(api: Api) -> None:
    await rich(api)
    await open_cart(api, member="external:ananya", spend={"points": "40"}, rewards=["pouch"])
    person = await signed_in(api, "auditor")
    said = plain((await person.get(CARTS)).text)
    assert "Ananya Das C-1 web" in said
    assert "140 points" in said
    assert "1 of Pouch" in said
    page = (await person.get(f"{CARTS}/one?id=C-1&source=web")).text
    assert "Still to pay in money $49.60" in plain(page)
    assert "Let the cart go" not in page
    member = re.search(r'href="(/console/p/club/members/mem_\w+)"', page)
    assert member is not None
    assert "C-1, $50.00 held until" in plain((await person.get(member[1])).text).replace(" ,", ",")


async def test_a_cart_that_is_let_go_holds_nothing_any_more(api: Api) -> None:
    await rich(api)
    await open_cart(api, member="external:ananya", spend={"points": "40"})
    person = await signed_in(api, "support")
    await person.get(f"{CARTS}/one?id=C-1&source=web")
    answer = await person.send(f"{CARTS}/one/cancel", id="C-1", source="web")
    assert answer.headers["location"] == f"{CARTS}?done=cancelled"
    said = plain((await person.get(answer.headers["location"])).text)
    assert "No cart is open" in said
    wallets = (await api.get("/v1/programs/club/members/external:ananya")).json()
    assert "40" not in str(wallets.get("wallets", ""))
    again = await person.send(f"{CARTS}/one/cancel", id="C-1", source="web")
    assert again.status_code in (303, 422)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action == "checkout.cancelled"]
    assert acts[-1].object == "checkout:C-1"


async def test_an_auditor_lets_nothing_go_and_an_unknown_cart_has_no_page(api: Api) -> None:
    await rich(api)
    await open_cart(api, "odd id & ü", member="external:ananya")
    person = await signed_in(api, "auditor")
    assert (await person.send(f"{CARTS}/one/cancel", id="odd id & ü", source="web")).status_code == 403
    path = re.search(rf'href="({CARTS}/one[^"]+)"', (await person.get(CARTS)).text)
    assert path is not None
    assert "Cart odd id &amp; ü" in (await person.get(path[1].replace("&amp;", "&"))).text
    assert (await person.get(f"{CARTS}/one?id=C-9&source=web")).status_code == 404
    assert (await person.get(f"{CARTS}?after=x")).status_code == 404


async def test_many_carts_have_pages(api: Api) -> None:
    for number in range(45):
        await open_cart(api, f"C-{number:02}", ttl=600 + number)
    person = await signed_in(api)
    text = (await person.get(CARTS)).text
    first = re.findall(r">(C-\d\d)<", text)
    further = re.search(rf'href="({CARTS}\?after=[^"]+)"', text)
    assert further is not None
    second = re.findall(r">(C-\d\d)<", (await person.get(further[1])).text)
    assert first + second == [f"C-{number:02}" for number in range(45)]
