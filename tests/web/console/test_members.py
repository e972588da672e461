"""Members in the console: search, the page of one of them with its explanations, and adjusting."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api, order
from tests.web.console.desk import Person, gone_on, signed_in

MEMBERS = "/console/p/club/members"


async def ananya(api: Api) -> str:
    """Enrol Ananya, who has bought for 159.80, and give the path of her page."""
    made = await api.enrol(external_id="ananya", name="Ananya Das", email="ananya.das@mail.example")
    now = datetime.now(UTC).isoformat()
    answer = await api.post("/v1/programs/club/events", json=order("o1", time=now))
    assert answer.json()["status"] == "applied"
    return f"{MEMBERS}/{made['id']}"


@pytest.mark.parametrize(
    "typed", ["ananya.das@mail.example", " ANANYA.DAS@mail.example ", "ananya", "Anan Das"]
)
async def test_one_who_is_meant_is_found_at_once(api: Api, typed: str) -> None:
    page = await ananya(api)
    person = await signed_in(api, "auditor")
    answer = await person.send(MEMBERS, q=typed)
    assert answer.headers["location"] == page


async def test_a_card_finds_its_member(api: Api) -> None:
    page = await ananya(api)
    person = await signed_in(api)
    card = re.search(r'Card <b class="num">([^<]+)<', (await person.get(page)).text)
    assert card is not None
    answer = await person.send(MEMBERS, q=card[1].lower())
    assert answer.headers["location"] == page


async def test_what_was_searched_for_stands_in_no_address(api: Api) -> None:
    for name in ("Rita Paul", "Ritu Pal"):
        await api.enrol(external_id=name, name=name)
    person = await signed_in(api)
    location = (await person.send(MEMBERS, q="ritzy")).headers["location"]
    assert "ritzy" not in location
    assert "Nobody was found" in (await person.get(location)).text
    found = await person.get((await person.send(MEMBERS, q="rit")).headers["location"])
    assert ("Rita Paul" in found.text, "Ritu Pal" in found.text) == (True, True)
    assert (await person.get(f"{MEMBERS}?s=forged")).status_code == 404


async def test_a_search_of_another_tenant_is_not_opened(api: Api, bare: Api) -> None:
    person = await signed_in(api)
    await api.enrol(external_id="a", name="Rita Paul")
    await api.enrol(external_id="b", name="Rita Pal")
    location = (await person.send(MEMBERS, q="rita")).headers["location"]
    assert "?s=" in location
    other = api.with_key(tenant=f"{api.tenant}x")
    assert (await other.apply()).status_code == 201
    stranger = await signed_in(other)
    assert (await stranger.get(location)).status_code == 404


async def test_a_members_page_says_who_what_and_why(api: Api) -> None:
    bought_at, person, page = datetime.now(UTC), await signed_in(api, "support"), await ananya(api)
    text = (await person.get(page)).text
    assert "<h1>Ananya Das</h1>" in text
    assert "ananya.das@mail.example" in text
    assert "Order order-o1" in text
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "Why +159 points" in plain
    assert "Base earn 159 points Awarded, version 1 159 points" in plain
    assert f"gone on {gone_on(bought_at)}." in plain
    assert "Way to Gold Spend 159.80 of 1,000" in plain
    assert "840.20 more." in plain


async def test_what_came_back_is_named_with_its_order(api: Api) -> None:
    page = await ananya(api)
    answer = await api.post("/v1/programs/club/orders/order-o1/returns", json={"id": "r1", "all": True})
    assert answer.status_code == 200, answer.text
    shown = (await (await signed_in(api)).get(page)).text
    assert "Came back: order order-o1" in shown


async def test_an_adjustment_is_booked_once_explained_and_audited(api: Api) -> None:
    person, page = await signed_in(api, "support"), await ananya(api)
    once = re.search(r'name="once" value="([0-9a-f]+)"', (await person.get(page)).text)
    assert once is not None
    # What is wrong with a form is said beside it, so that is where the answer begins.
    assert f'action="{page}/adjust#adjust"' in (await person.get(page)).text
    fields = {"wallet": "points", "amount": "−59", "reason": "counted twice at the till", "once": once[1]}
    answer = await person.send(f"{page}/adjust", **fields)
    for _ in range(2):
        answer = await person.send(f"{page}/adjust", **fields)
        assert answer.headers["location"] == f"{page}?done=adjusted"
    text = (await person.get(answer.headers["location"])).text
    assert "The adjustment is booked." in text
    assert text.count("Adjusted by staff") == 1
    assert "“counted twice at the till”" in text
    assert "<dd>100</dd>" in text
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action == "balance.adjusted"]
    assert {act.actor.partition(":")[0] for act in acts} == {"staff"}
    assert acts[0].detail["wallet"] == "points"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "many"}, "The amount is a number"),
        ({"amount": "0.5"}, "at most 0 decimal places"),
        ({"amount": "0"}, "an adjustment adds or takes something"),
        ({"amount": "NaN"}, "expected a decimal number"),
        ({"reason": " "}, "An adjustment needs a reason."),
        ({"wallet": "gold"}, "Choose one of the program"),
    ],
)
async def test_a_wrong_adjustment_says_what_is_wrong_and_keeps_what_was_typed(
    api: Api, change: dict[str, str], said: str
) -> None:
    person, page = await signed_in(api), await ananya(api)
    fields = {"wallet": "points", "amount": "10", "reason": "goodwill", **change}
    answer = await person.send(f"{page}/adjust", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Adjusted by staff" not in answer.text
    if "reason" not in change:
        assert 'value="goodwill"' in answer.text


async def test_an_auditor_reads_and_adjusts_nothing(api: Api) -> None:
    person, page = await signed_in(api, "auditor"), await ananya(api)
    assert "Book it" not in (await person.get(page)).text
    fields = {"wallet": "points", "amount": "10", "reason": "goodwill"}
    answer = await person.send(f"{page}/adjust", **fields)
    assert answer.status_code == 403
    assert "role_forbids" in answer.text
    assert "Adjusted by staff" not in (await person.get(page)).text


async def test_a_member_of_another_tenant_is_nobody_here(api: Api) -> None:
    page = await ananya(api)
    other = api.with_key(tenant=f"{api.tenant}y")
    await other.apply()
    stranger = await signed_in(other)
    for path in (page, f"{MEMBERS}/mem_0000000000000", f"{MEMBERS}/nobody"):
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert "Ananya" not in answer.text
    bare = Person(api.client, other.tenant)
    assert (await bare.get(page)).status_code == 303
