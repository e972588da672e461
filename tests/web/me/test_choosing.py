"""A reward that was given with its choice open is chosen on the member's page, or by staff at the console."""

from __future__ import annotations

import asyncio

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain
from tests.web.me.conftest import Reader, hidden
from tests.web.test_choosing_later import BASE, PROGRAM, clean, given

TAKEN = "/console/p/club/redemptions"


async def presented(api: Api) -> tuple[Reader, str, str]:
    """Give Ana's page, a present, and a shirt, both with their choice open."""
    said = await api.apply(PROGRAM.replace("pouch: {kind: product,", "pouch: {kind: product, name: A pouch,"))
    assert said.status_code == 201, said.text
    for name in ("ana", "ben"):
        await api.enrol(external_id=name)
    present, shirt = await given(api, "A-1")
    made = await api.post(f"{BASE}/members/external:ana/page")
    return Reader(api, made.json()["url"]), present, shirt


async def test_a_member_chooses_once_on_the_page(bare: Api) -> None:
    reader, present, shirt = await presented(bare)
    there = f"/taken/{present}"
    assert f'class="btn btn--go" href="{reader.path}{there}?lang=en">Choose' in await reader.open()
    page = await reader.open(there)
    assert '<option value="pouch">A pouch</option>' in page
    assert "You choose once." in page
    missing = await reader.send(f"{there}/choose", {**hidden(page), "choice": ""})
    assert (missing.status_code, 'role="alert"' in missing.text) == (422, True)
    strange = await reader.send(f"{there}/choose", {**hidden(page), "choice": "boat"})
    assert strange.status_code == 422
    form = {**hidden(page), "choice": "pouch"}
    answers = await asyncio.gather(*(reader.send(f"{there}/choose", form) for _ in range(2)))
    assert {one.status_code for one in answers} == {303}
    chosen = await reader.open(there)
    assert "A pouch" in chosen
    assert "You choose once." not in chosen
    shown = (await bare.get(f"{BASE}/redemptions/{present}")).json()
    assert (shown["reward"], shown["chosen_from"]) == ("pouch", "present")
    assert shown["steps"][-1]["by"].startswith("member:")
    late = await reader.send(f"{there}/choose", {"once": "another", "choice": "ten_off"})
    assert (late.status_code, 'role="alert"' in late.text) == (422, True)
    assert (await reader.send(f"/taken/{shirt}/choose", {"once": "s", "choice": "red"})).status_code == 303
    await clean(bare)


async def test_nobody_chooses_of_what_is_another_members(bare: Api) -> None:
    reader, present, _ = await presented(bare)
    made = await bare.post(f"{BASE}/members/external:ben/page")
    other = Reader(bare, made.json()["url"])
    for number in (present, "red_0000000000000", "x"):
        said = await other.send(f"/taken/{number}/choose", {"once": "x", "choice": "pouch"})
        assert said.status_code == 404, number
    assert '<option value="pouch">' in await reader.open(f"/taken/{present}")


async def test_what_ran_out_meanwhile_is_told_and_another_thing_is_chosen(bare: Api) -> None:
    reader, present, _ = await presented(bare)
    other, _ = await given(bare, "A-2", "ben")
    page = await reader.open(f"/taken/{present}")
    await bare.post(f"{BASE}/redemptions/{other}/choose", json={"choice": "pouch"})
    said = await reader.send(f"/taken/{present}/choose", {**hidden(page), "choice": "pouch"})
    assert said.status_code == 422
    assert (
        await reader.send(f"/taken/{present}/choose", {**hidden(page), "choice": "evening"})
    ).status_code == 303
    await clean(bare)


async def test_staff_choose_at_the_console(bare: Api) -> None:
    _, present, shirt = await presented(bare)
    person = await signed_in(bare, "support")
    page = (await person.get(TAKEN)).text
    assert '<option value="pouch">A pouch</option>' in page
    assert 'value="used"' not in page, "what is not chosen yet cannot be handed over"
    empty = await person.send(f"{TAKEN}/{present}", act="chosen", choice="", status="issued")
    assert (empty.status_code, "Say what is chosen." in empty.text) == (422, True)
    done = await person.send(f"{TAKEN}/{present}", act="chosen", choice="pouch", status="issued")
    said = plain((await person.get(done.headers["location"])).text)
    assert "It is chosen." in said
    assert "A pouch" in said
    again = await person.send(f"{TAKEN}/{present}", act="chosen", choice="evening", status="issued")
    assert (again.status_code, "choice_made" in again.text) == (422, True)
    await person.send(f"{TAKEN}/{shirt}", act="chosen", choice="red", status="issued")
    assert "Shirt , red" in plain((await person.get(TAKEN)).text)
    auditor = await signed_in(bare, "auditor")
    assert (await auditor.send(f"{TAKEN}/{shirt}", act="chosen", choice="blue")).status_code == 403
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action == "redemption.chosen"]
    assert [act.object for act in acts] == [shirt, present]
    await clean(bare)
