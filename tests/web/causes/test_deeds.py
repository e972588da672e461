"""Deeds: what shows them, the queue, and that each is an event once; a footprint that nobody spends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.engine.ticks import run_due_of
from guerdon.programs.audit import list_acts_of
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.api.deeds.judging import judge as decide_deed
from tests.web.causes.conftest import PROGRAM
from tests.web.taking.conftest import CLUB, Shop

PHOTO = "https://photos.club.example/1.jpg"


async def send(club: Shop, member: str = "ana", **more: Any) -> tuple[int, dict[str, Any]]:
    body = {"member": f"external:{member}", "type": "item.recycled", "data": {"grams": 850}, **more}
    return await club.ask("POST", "deeds", json=body)


async def judge(club: Shop, deed: dict[str, Any], verb: str = "approve") -> tuple[int, dict[str, Any]]:
    body = {"json": {"reason": "It shows a bag."}} if verb == "refuse" else {}
    return await club.ask("POST", f"deeds/{deed['id']}/{verb}", **body)


async def test_a_deed_counts_once_it_is_approved_and_once(club: Shop) -> None:
    status, deed = await send(club, photo=PHOTO, time="2026-11-20T10:00:00Z")
    assert (status, deed["state"], deed["photo"]) == (201, "waiting", PHOTO)
    assert await club.points() == "100000"
    said = await asyncio.gather(*(judge(club, deed) for _ in range(8)))
    assert {one[0] for one in said} == {200}
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        assert [one.object for one in list_acts_of(tx, "deed.approved")] == [deed["id"]], "one act, one row"
    assert await club.points() == "100020"
    wallets = (await club.get("members/external:ana"))["wallets"]
    assert wallets["footprint"]["available"] == "1.785"
    assert (await judge(club, deed, "refuse"))[1]["code"] == "deed_decided"
    listed = (await club.get("deeds?state=approved&member=external:ana"))["data"]
    assert [(one["id"], one["decided_by"] is not None) for one in listed] == [(deed["id"], True)]


async def test_what_shows_it_is_asked_for_and_shown_once(club: Shop) -> None:
    assert (await send(club))[1]["errors"][0]["code"] == "evidence_missing"
    status, first = await send(club, receipt="R-1")
    assert status == 201
    assert (await send(club, "bob", receipt="R-1"))[1]["errors"][0]["code"] == "receipt_used"
    assert (await judge(club, first, "refuse"))[1]["state"] == "refused"
    assert (await send(club, "bob", receipt="R-1"))[0] == 201
    assert (await send(club, receipt="R-2", data={"grams": "many"}))[0] == 422
    assert (await send(club, receipt="R-2", type="nothing"))[1]["errors"][0]["code"] == "unknown_event_type"
    wrong = await send(club, receipt="R-2", type="delivery.waited", data={})
    assert wrong[1]["errors"][0]["code"] == "evidence_not_asked"
    assert (await send(club, photo="javascript:alert(1)"))[0] == 422
    assert (await send(club, type="item.repaired", data={}))[0] == 201
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "shop",
        "type": "item.recycled",
        "time": club.now.isoformat(),
        "subject": "external:ana",
        "data": {"grams": 1},
    }
    status, said = await club.ask("POST", "events", json=event)
    assert said["errors"][0]["code"] == "evidence_needed", said


async def test_64_callers_show_one_receipt_and_a_queue_is_bounded(club: Shop) -> None:
    said = await asyncio.gather(*(send(club, receipt="R-9") for _ in range(64)))
    assert sorted(one[0] for one in said) == [201] + [409] * 63
    for number in range(19):
        assert (await send(club, receipt=f"S-{number}"))[0] == 201
    assert (await send(club, receipt="S-20"))[1]["code"] == "deeds_too_many"


async def test_caps_hold_and_erased_members_get_nothing(club: Shop) -> None:
    deeds = [(await send(club, receipt=f"R-{number}"))[1] for number in range(3)]
    for deed in deeds:
        assert (await judge(club, deed))[0] == 200
    assert await club.points() == "100040"
    _, late = await send(club, "bob", photo=PHOTO)
    await club.api.call("DELETE", f"{CLUB}/members/external:bob", headers=club.clock)
    status, said = await judge(club, late)
    assert (status, said["state"], said["photo"]) == (200, "approved", None)
    tenant = tenant_id_of(club.api.tenant)
    run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)


async def test_what_was_approved_is_told_by_the_next_tick(club: Shop) -> None:
    _, deed = await send(club, receipt="R-1")
    tenant = tenant_id_of(club.api.tenant)
    with club.api.house.database.transaction(tenant) as tx:
        # As the call does it, up to the commit; then its process is gone.
        row = tx.execute("select program_id, deed_id from deeds").fetchall()[0]
        decide_deed(tx, club.api.house, (*row, "approved"), ("staff:x", "", club.now))
    for _ in range(2):
        run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)
    assert await club.points() == "100020"
    assert (await judge(club, deed))[0] == 200
    assert await club.points() == "100020"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("update deeds set state = 'refused', told = false", ["deed_missing", "deed_unlike_trail"]),
        ("update deeds set type = 'item.repaired'", ["deed_unlike_event"]),
        ("update deeds set data = '{\"grams\": 8500}'", ["deed_unlike_event"]),
        ("update deeds set decided_by = 'staff:x'", ["deed_unlike_trail"]),
    ],
)
async def test_verify_finds_a_deed_that_was_changed(club: Shop, change: str, found: list[str]) -> None:
    _, deed = await send(club, receipt="R-1")
    await judge(club, deed)
    tenant = tenant_id_of(club.api.tenant)
    with club.api.house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        tx.execute(change)
        codes = [one.code for one in Audit(tx, club.api.house.vault(tenant), now=club.now).run()]
        tx.execute("rollback")
    assert codes == found


async def test_a_footprint_is_not_spent(club: Shop) -> None:
    account = (await club.get("members/external:ana"))["account"]
    other = (await club.get("members/external:bob"))["account"]
    body = {"to": other, "wallet": "footprint", "amount": "1"}
    said = await club.ask("POST", f"accounts/{account}/transfers", json=body)
    assert said[1]["errors"][0]["code"] == "wallet_not_spendable"
    for text, pointer in (
        (PROGRAM.replace("price: {points: 10}", "price: {footprint: 1}"), "/rewards/pouch/price/footprint"),
        (PROGRAM.replace("spendable: false", 'spendable: false, worth: "0.1"'), "/wallets/footprint/worth"),
    ):
        refused = (await club.api.apply(text)).json()
        assert [one["pointer"] for one in refused["errors"]] == [pointer]
