"""Orders in the console: found by day, number and buyer; one with its sums; taking something back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import PROGRAM, Api, order
from tests.web.console.desk import Person, signed_in

ORDERS = "/console/p/club/orders"
OFF = """
  ten_off:
    trigger: checkout
    when: cart.subtotal >= 100
    then: [{discount: {percent: 10}}]
rewards:"""


def plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def bought(api: Api, name: str = "o1", **changes: Any) -> str:
    """Let Ananya buy two for 79.90, and give the path of the order's page."""
    await api.enrol(external_id="ananya", name="Ananya Das", email="ananya.das@mail.example")
    told = order(name, time=datetime.now(UTC).isoformat(), **changes)
    assert (await api.post("/v1/programs/club/events", json=told)).json()["status"] == "applied"
    person = await signed_in(api, "manager")
    return str((await person.send(ORDERS, q=told["data"]["id"])).headers["location"])


def form_of(text: str) -> dict[str, str]:
    found = re.search(r'name="once" value="(console-[0-9a-f]+)"', text)
    assert found is not None
    return {"once": found[1]}


async def test_an_order_is_found_by_its_number_its_buyer_and_its_day(api: Api) -> None:
    page = await bought(api)
    person = await signed_in(api, "support")
    assert (await person.send(ORDERS, q="order-o1")).headers["location"] == page
    of_her = (await person.send(ORDERS, q="ananya.das@mail.example")).headers["location"]
    assert "ananya" not in of_her
    assert "order-o1" in (await person.get(of_her)).text
    today = datetime.now(UTC)
    days = [(today + timedelta(days=off)).date().isoformat() for off in (-1, 0)]
    shown = ["order-o1" in (await person.get(f"{ORDERS}?day={day}")).text for day in days]
    assert any(shown)
    later = (today + timedelta(days=3)).date().isoformat()
    assert "No order here" in (await person.get(f"{ORDERS}?day={later}")).text
    assert "No order has this number" in (await person.send(ORDERS, q="order-o2")).text


@pytest.mark.parametrize(
    "odd",
    ["?day=tomorrow", "?day=9999-12-31", "?account=acc_x", "?which=nothing", "?account=acc_0000000000000"],
)
async def test_an_odd_address_is_an_empty_or_whole_list(api: Api, odd: str) -> None:
    person = await signed_in(api)
    assert (await person.get(ORDERS + odd)).status_code == 200


@pytest.mark.parametrize(
    "wrong", ["?before=x", "?before=1.2", f"?before={'9' * 60}.{'0' * 32}", "/nothing", f"/{'0' * 32}"]
)
async def test_what_is_no_page_says_so(api: Api, wrong: str) -> None:
    assert (await (await signed_in(api)).get(ORDERS + wrong)).status_code == 404


async def test_a_long_list_has_pages_without_gaps(api: Api) -> None:
    await api.enrol(external_id="ananya", name="Ananya Das")
    begun = datetime.now(UTC) - timedelta(hours=5)
    events = [order(f"o{n}", time=(begun + timedelta(minutes=n // 2)).isoformat()) for n in range(90)]
    assert (await api.post("/v1/programs/club/events", json=events)).status_code == 200
    person, path, seen = await signed_in(api), ORDERS, []
    while path:
        text = (await person.get(path)).text
        seen += re.findall(r'<a href="/console/p/club/orders/[0-9a-f-]{36}">(order-o\d+)<', text)
        older = re.search(rf'href="({ORDERS}\?before=[^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older is not None else ""
    assert len(seen) == 90
    assert len(set(seen)) == 90


async def test_an_orders_page_has_its_sums_and_its_explanation(api: Api) -> None:
    page = await bought(api)
    person = await signed_in(api, "auditor")
    said = plain((await person.get(page)).text)
    assert "Order order-o1" in said
    assert "Total $159.80" in said
    assert "Points +159" in said
    assert "Base earn 159 points" in said
    assert "Record the return" not in said
    told = plain((await person.get(f"{page}/explanation")).text)
    assert "The same came out." in told
    assert "order.earning_base = 159.8; rounded down" in told


async def test_a_confirmed_cart_names_each_discount_on_its_line(api: Api) -> None:
    await api.apply(PROGRAM.replace("\nrewards:", OFF))
    await api.enrol(external_id="ananya", name="Ananya Das")
    cart = {
        "member": "external:ananya",
        "source": "web",
        "lines": [{"id": "1", "name": "Bag", "price": "120"}],
    }
    base = "/v1/programs/club/checkouts/C-1"
    assert (await api.call("PUT", base, json=cart)).status_code in (200, 201)
    assert (await api.post(f"{base}/confirm", json={"source": "web"})).status_code == 200
    person = await signed_in(api, "auditor")
    said = plain((await person.get((await person.send(ORDERS, q="C-1")).headers["location"])).text)
    assert "Bag Ten off −$12.00" in said
    assert "Goods $120.00 Ten off −$12.00 Total $108.00" in said


async def test_support_takes_a_part_back_once_and_the_trail_tells_who(api: Api) -> None:
    page = await bought(api)
    person = await signed_in(api, "support")
    once = form_of((await person.get(page)).text)
    told = f"{page}?done=returned"
    for _ in range(2):
        answer = await person.send(f"{page}/returns", **once, **{"line:1": "1"})
        assert answer.headers["location"] == told
    said = plain((await person.get(told)).text)
    assert "The return is recorded." in said
    assert "partly returned" in said
    assert "1 × 1 $79.90 Refund $79.90 Taken back −80 points" in said
    assert said.count("Came back on") == 1
    answer = await person.send(f"{page}/returns", **form_of((await person.get(page)).text), all="1")
    said = plain((await person.get(answer.headers["location"])).text)
    assert "Take something back" not in said
    assert said.count("Came back on") == 2
    undone = plain((await person.get(f"{ORDERS}?which=undone")).text)
    assert undone.count("order-o1") == 2
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action == "order.returned"]
    assert [act.detail["all"] for act in acts] == [True, False]
    assert {act.object for act in acts} == {"order:order-o1"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Say what came back"),
        ({"line:1": "many"}, "A quantity is a number"),
        ({"line:1": "0,5"}, "A quantity is a number"),
        ({"line:1": "NaN"}, "A quantity is a number"),
        ({"line:1": "3"}, "return_exceeds_order"),
        ({"line:1": "-1"}, "quantity_invalid"),
        ({"line:9": "1"}, "unknown_line"),
    ],
)
async def test_a_wrong_return_is_refused_in_words_and_keeps_what_was_typed(
    api: Api, typed: dict[str, str], said: str
) -> None:
    page = await bought(api)
    person = await signed_in(api)
    once = form_of((await person.get(page)).text)
    answer = await person.send(f"{page}/returns", **once, **typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Nothing was taken back" in answer.text
    if "line:1" in typed:
        assert f'value="{typed["line:1"]}"' in answer.text
    assert "Came back on" not in (await person.get(page)).text


async def test_an_auditor_takes_nothing_back_and_strangers_see_nothing(api: Api) -> None:
    page = await bought(api)
    person = await signed_in(api, "auditor")
    answer = await person.send(f"{page}/returns", once="console-1", all="1")
    assert answer.status_code == 403
    other = api.with_key(tenant=f"{api.tenant}y")
    await other.apply()
    stranger = await signed_in(other)
    assert (await stranger.get(page)).status_code == 404
    assert (await stranger.send(f"{page}/returns", once="console-1", all="1")).status_code == 404
    assert (await Person(api.client, other.tenant).get(page)).status_code == 303


async def test_a_guests_order_has_a_page_too(api: Api) -> None:
    page = await bought(api, member=None)
    said = plain((await (await signed_in(api)).get(page)).text)
    assert "Guests earn nothing." in said
    assert "Bought by guest" in said


async def test_what_came_back_stands_beside_what_was_sold_and_what_is_owed_in_the_book(api: Api) -> None:
    page = await bought(api)
    member = await api.get("/v1/programs/club/members/external:ananya")
    account = member.json()["account"]
    spent = {"wallet": "points", "amount": "-150", "reason": "spent elsewhere"}
    assert (await api.post(f"/v1/programs/club/accounts/{account}/adjustments", json=spent)).status_code < 300
    person = await signed_in(api, "support")
    await person.send(f"{page}/returns", **form_of((await person.get(page)).text), all="1")
    api.house.rollups.wait(datetime.now(UTC), 10)
    said = plain((await person.get("/console/p/club")).text)
    assert "Sold $0" in said
    assert "$160 came back" in said
    assert "Owed after returns +150" in said
    assert "Adjusted by staff −150" in said
    assert "Outstanding now 0" in said


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (False, "Goods $200.00 Ten off −$20.00 Shipping $5.00 Tax $18.00 Total $203.00"),
        (True, "Goods $200.00 Ten off −$20.00 Shipping $5.00 Tax, in the prices $16.36 Total $185.00"),
    ],
)
async def test_sums_add_up_whether_tax_is_in_the_prices_or_not(api: Api, inside: bool, said: str) -> None:
    """180.00 at 10 %: 18.00 come on top; or 180 / 11 = 16.36 are in it."""
    await api.apply(PROGRAM.replace("\nrewards:", OFF))
    body = {
        "id": "T-1",
        "prices_include_tax": inside,
        "lines": [{"id": "1", "price": "200.00", "tax_rate": "0.10"}],
        "shipping": {"amount": "5.00"},
    }
    assert (await api.call("PUT", "/v1/programs/club/checkouts/T-1", json=body)).status_code == 200
    assert (await api.post("/v1/programs/club/checkouts/T-1/confirm")).status_code == 200
    person = await signed_in(api, "auditor")
    path = re.search(rf'href="({ORDERS}/[0-9a-f-]+)"', (await person.get(ORDERS)).text)
    assert path is not None
    page = plain((await person.get(path[1])).text)
    assert said in page
    assert "Told by" not in page
