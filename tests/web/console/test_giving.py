"""Good causes and the door in the console."""

from __future__ import annotations

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.causes.conftest import PROGRAM as CAUSES
from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain
from tests.web.seats.conftest import PROGRAM as SEATS
from tests.web.taking.conftest import CLUB, Shop

GIVING, DOOR = "/console/p/club/giving", "/console/p/club/door"


async def club(bare: Api, text: str) -> Shop:
    said = await bare.apply(text)
    assert said.status_code == 201, said.text
    one = await bare.enrol(external_id="ana", name="Ana Das")
    body = {"wallet": "points", "amount": "1000", "reason": "a start"}
    await bare.post(f"{CLUB}/accounts/{one['account']}/adjustments", json=body)
    return Shop(bare)


async def test_a_deed_is_looked_at_and_a_charity_paid(bare: Api) -> None:
    shop = await club(bare, CAUSES)
    body = {"member": "external:ana", "type": "item.recycled", "data": {"grams": 850}, "receipt": "R-1"}
    deed = (await bare.post(f"{CLUB}/deeds", json=body)).json()["id"]
    then = {"guerdon-now": "2026-10-15T12:00:00Z"}
    gift = {"member": "external:ana", "reward": "well"}
    assert (await bare.post(f"{CLUB}/redemptions", json=gift, headers=then)).status_code == 201
    person = await signed_in(bare, "support")
    page = plain((await person.get(GIVING)).text)
    assert "item.recycled grams 850 Ana Das" in page
    assert "Wells 2026-10 =Wells e.V. 1 donation, together $3.75, paid $0.00" in page
    sent = await person.send(f"{GIVING}/deeds/{deed}", act="approve")
    assert sent.status_code == 303
    assert "Approved. It counts now." in plain((await person.get(sent.headers["location"])).text)
    refused = await person.send(f"{GIVING}/deeds/{deed}", act="refuse")
    assert refused.status_code == 422
    assert "deed_decided" in refused.text
    paid = await person.send(f"{GIVING}/causes/wells", period="2026-10", reference="transfer 4711")
    assert paid.status_code == 303
    page = plain((await person.get(paid.headers["location"])).text)
    assert "paid $3.75 ( transfer 4711 )" in page
    wrong = await person.send(f"{GIVING}/causes/wells", period="2026-Q4")
    assert (wrong.status_code, "period_invalid" in wrong.text) == (422, True)
    table = await person.get(f"{GIVING}/payouts.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        acts = [row.act.action for row in list_acts(tx)]
    assert {"deed.approved", "cause.paid_out"} <= set(acts)
    auditor = await signed_in(bare, "auditor")
    assert "Note as paid" not in (await auditor.get(GIVING)).text
    assert (await auditor.send(f"{GIVING}/causes/wells", period="2026-10")).status_code == 403
    shop.check()


async def test_tickets_let_in_once_at_the_door(bare: Api) -> None:
    shop = await club(bare, SEATS)
    taken = await shop.taken("evening", quantity=2)
    code = (await shop.get(f"redemptions/{taken['id']}/ticket"))["code"]
    person = await signed_in(bare, "support")
    assert "Launch, and tea; bring friends 1 Mar 2027 2 0 0 0" in plain((await person.get(DOOR)).text)
    wrong = await person.send(DOOR, code=code, reward="walk")
    assert (wrong.status_code, "ticket_for_another" in wrong.text) == (422, True)
    inside = await person.send(DOOR, code=f" {code}\n", reward="evening")
    assert inside.status_code == 200, plain(inside.text)
    assert "2 persons come in: Ana Das" in plain(inside.text)
    again = await person.send(DOOR, code=code)
    assert (again.status_code, "ticket_used" in again.text) == (422, True)


async def test_a_seat_given_back_at_the_desk_is_the_next_ones(bare: Api) -> None:
    shop = await club(bare, SEATS)
    taken = await shop.taken("evening", quantity=2)
    other = await bare.enrol(external_id="bob")
    body = {"wallet": "points", "amount": "1000", "reason": "a start"}
    await bare.post(f"{CLUB}/accounts/{other['account']}/adjustments", json=body)
    await shop.ask("POST", "rewards/evening/waiting", json={"member": "external:bob"})
    person = await signed_in(bare, "support")
    await person.get(GIVING)
    await person.get("/console/p/club/redemptions")
    done = await person.send(f"/console/p/club/redemptions/{taken['id']}", act="cancelled", status="issued")
    assert done.status_code == 303
    assert await shop.points("bob") == "900"
