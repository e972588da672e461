"""Waiting lists over the API: joined, left, filled in order, never overtaken, exact under 64 callers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from guerdon.engine.audit import Audit
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.seats.conftest import NAMES, PROGRAM, line, members, wait
from tests.web.taking.conftest import CLUB, Shop

SORRY = """  sorry_for_a_seat:
    trigger: seat.called_off
    then: [{award: {wallet: points, amount: 'event.data.waited ? 3 : 7'}}]
"""


async def seats(shop: Shop) -> list[dict[str, object]]:
    listed = await shop.get("redemptions?reward=evening&limit=200")
    return [one for one in listed["data"] if one["status"] == "issued"]


async def test_a_seat_that_comes_free_is_the_first_ones(club: Shop) -> None:
    first = await club.taken("evening")
    await club.taken("evening", "bob")
    assert await club.refused("evening", "cem") == "out_of_stock"
    assert [(await wait(club, name))[0] for name in ("cem", "dia", "cem")] == [201, 201, 200]
    assert [(one["place"], one["state"]) for one in await line(club)] == [(1, "waiting"), (2, "waiting")]
    await club.move(first, "cancel")
    assert len(await line(club)) == 1
    assert await club.points("cem") == "900"
    assert await club.points("dia") == "1000"
    # Nobody comes before dia, not even with units to pay and the seat just given back.
    mine = (await club.get("waiting?member=external:dia"))["data"]
    assert [(one["reward"], one["place"]) for one in mine] == [("evening", 1)]
    assert (await club.get("waiting?member=external:cem"))["data"] == []
    assert len(await seats(club)) == 2


async def test_who_waits_may_leave_and_what_is_wrong_is_said(club: Shop) -> None:
    assert (await wait(club, "ana"))[1]["code"] == "seats_free"
    assert (await wait(club, "ana", "pouch"))[1]["code"] == "no_waiting_list"
    assert (await wait(club, "ana", "nothing"))[1]["code"] == "reward_not_found"
    assert (await wait(club, "nobody"))[1]["code"] == "member_not_found"
    assert (await wait(club, "ana", "walk"))[1]["code"] == "reward_not_for_member"
    await club.taken("evening", "ana", quantity=2)
    assert (await wait(club, "ana"))[1]["code"] == "limit_reached"
    await wait(club, "bob")
    leaving = {"member": "external:bob"}
    left = await club.ask("POST", "rewards/evening/waiting/leave", json=leaving)
    assert (left[0], left[1]["state"], left[1]["place"]) == (200, "left", None)
    again = await club.ask("POST", "rewards/evening/waiting/leave", json=leaving)
    assert (again[0], again[1]["code"]) == (409, "not_waiting")
    assert await line(club) == []


async def test_who_cannot_pay_any_more_is_passed_over(club: Shop) -> None:
    taken = await club.taken("evening", quantity=2)
    for name in ("bob", "cem"):
        await wait(club, name)
    account = (await club.get("members/external:bob"))["account"]
    body = {"wallet": "points", "amount": "-950", "reason": "spent elsewhere"}
    assert (await club.ask("POST", f"accounts/{account}/adjustments", json=body))[0] == 201
    await club.move(taken, "cancel")
    assert await club.points("bob") == "50"
    assert await club.points("cem") == "900"
    assert await line(club) == []
    # The second seat is anybody's again.
    assert (await club.taken("evening", "dia"))["status"] == "issued"


async def test_campaigns_and_carts_wait_as_well(club: Shop) -> None:
    first = await club.taken("evening", "ana")
    await club.taken("evening", "bob")
    await wait(club, "cem")
    cart = {
        "member": "external:dia",
        "rewards": ["evening"],
        "lines": [{"id": "1", "sku": "BP-40", "quantity": 1, "price": "10.00"}],
    }
    held = await club.ask("PUT", "checkouts/one", json=cart)
    assert held[1]["errors"][0]["code"] == "out_of_stock", held
    # Two more seats, and one who waits: one of them is free.
    assert (await club.api.apply(PROGRAM.replace("seats: 2", "seats: 4"))).status_code == 201
    assert (await club.seen("dia"))["evening"]["available"] is True
    held = await club.ask("PUT", "checkouts/one", json=cart)
    assert held[0] in (200, 201), held
    assert await club.refused("evening", "eva") == "out_of_stock"
    assert (await club.seen("eva"))["evening"]["reason"] == "out_of_stock"
    paid = await club.order("big", "1000.00", "eva")
    assert [one["reason"] for one in paid["skipped"] if one["campaign"] == "lucky"] == ["out_of_stock"]
    # The cart keeps what it holds although somebody waits.
    held = await club.ask("PUT", "checkouts/one", json=cart)
    assert held[0] == 200, held
    tenant = tenant_id_of(club.api.tenant)
    run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)
    assert await line(club) == []
    assert await club.points("cem") == "900"
    await club.move(first, "cancel")
    confirmed = await club.ask("POST", "checkouts/one/confirm", json={"payments": []})
    assert confirmed[0] in (200, 201), confirmed


async def test_an_erased_member_waits_no_more(club: Shop) -> None:
    taken = await club.taken("evening", quantity=2)
    await wait(club, "bob")
    await wait(club, "cem")
    said = await club.api.call("DELETE", f"{CLUB}/members/external:bob", headers=club.clock)
    assert said.status_code in (200, 204), said.text
    await club.move(taken, "cancel")
    assert await line(club) == []
    assert await club.points("cem") == "900"


async def test_what_is_called_off_gives_back_and_ends_the_line(club: Shop) -> None:
    used = await club.taken("evening", "ana")
    assert (await club.move(used, "use"))["status"] == "used"
    await club.taken("evening", "bob")
    for name in ("cem", "dia"):
        await wait(club, name)
    off = PROGRAM.replace("seats: 2,", "seats: 2, called_off: {en: The speaker is ill, bn: বাতিল},")
    off = off.replace("rewards:", SORRY + "rewards:", 1)
    assert (await club.api.apply(off)).status_code == 201
    # Nobody gets in any more, whether or not a tick has run.
    assert await club.refused("evening", "eva") == "reward_called_off"
    assert (await wait(club, "eva"))[1]["code"] == "reward_called_off"
    assert (await club.seen("eva"))["evening"]["reason"] == "reward_called_off"
    paid = await club.order("big", "1000.00", "fay")
    reasons = [one["reason"] for one in paid["skipped"] if one["campaign"] == "lucky"]
    assert reasons == ["reward_called_off"]
    tenant = tenant_id_of(club.api.tenant)
    ticks = [
        asyncio.to_thread(run_due_of, club.api.house.database, club.api.house.engine, tenant, club.now)
        for _ in range(8)
    ]
    await asyncio.gather(*ticks)
    had = {name: await club.points(name) for name in NAMES[:5]}
    # Who came in was there; who had a seat has the 100 again; both are told, and this program says sorry.
    assert had == {"ana": "900", "bob": "1007", "cem": "1003", "dia": "1003", "eva": "1000"}
    assert await line(club) == []
    assert await seats(club) == []
    (held,) = [
        one for one in (await club.get("redemptions?reward=evening"))["data"] if one["status"] != "used"
    ]
    assert held["status"] == "cancelled"
    calendar = await club.api.call("GET", f"{CLUB}/redemptions/{used['id']}/calendar", headers=club.clock)
    assert "STATUS:CANCELLED" in calendar.text
    with club.api.house.database.transaction(tenant) as tx:
        told = tx.execute(
            "select count(*) filter (where 'seat.called_off' = any(notices)),"
            " count(*) filter (where 'redemption.cancelled' = any(notices)) from outbox"
        ).fetchone()
    assert told == (3, 1)
    # It takes place after all: what was given back stays so, and the seat is anybody's.
    assert (await club.api.apply(PROGRAM)).status_code == 201
    assert (await club.taken("evening", "eva"))["status"] == "issued"


async def test_a_seat_of_an_open_cart_goes_back_once_the_cart_is_paid(club: Shop) -> None:
    cart = {
        "member": "external:dia",
        "rewards": ["evening"],
        "lines": [{"id": "1", "sku": "BP-40", "quantity": 1, "price": "10.00"}],
    }
    held = await club.ask("PUT", "checkouts/one", json=cart)
    assert held[0] in (200, 201), held
    off = PROGRAM.replace("seats: 2,", "seats: 2, called_off: Rain,")
    assert (await club.api.apply(off)).status_code == 201
    tenant = tenant_id_of(club.api.tenant)
    run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)
    assert (await club.ask("PUT", "checkouts/two", json=cart))[1]["errors"][0]["code"] == "reward_called_off"
    confirmed = await club.ask("POST", "checkouts/one/confirm", json={"payments": []})
    assert confirmed[0] in (200, 201), "what was promised is kept"
    assert await club.points("dia") == "910", "less a seat, and ten for the order"
    for _ in range(2):
        run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)
        assert await club.points("dia") == "1010"
    assert await seats(club) == []


async def test_64_callers_get_two_seats_and_the_line_is_kept(bare: Api) -> None:
    names = tuple(f"m{number}" for number in range(16))
    club = await members(bare, names)
    said = await asyncio.gather(*(club.take("evening", names[turn % 16]) for turn in range(64)))
    assert sum(one.get("status") == "issued" for one in said) == 2
    joined = await asyncio.gather(*(wait(club, names[turn % 16]) for turn in range(64)))
    statuses = [one[0] for one in joined]
    assert statuses.count(201) == len(await line(club))
    assert {one["number"] for one in await line(club)} == set(range(1, statuses.count(201) + 1))
    there = await line(club)
    given = [one for one in said if one.get("status") == "issued"]
    # Two seats come back while everybody tries to take one.
    club.now += timedelta(minutes=1)
    calls = [club.move(one, "cancel") for one in given]
    calls += [club.take("evening", names[turn % 16]) for turn in range(62)]
    results = await asyncio.gather(*calls)
    assert sum(one.get("status") == "issued" for one in results) == 0, "nobody overtakes the line"
    tenant = tenant_id_of(club.api.tenant)
    run_due_of(club.api.house.database, club.api.house.engine, tenant, club.now)
    assert [one["number"] for one in await line(club)] == [one["number"] for one in there[2:]]
    owners = {str(one["member"]) for one in await seats(club)}
    assert owners == {str(one["member"]) for one in there[:2]}
    club.check()


async def test_verify_counts_the_line_again_and_finds_what_was_changed(bare: Api) -> None:
    club = await members(bare, ("ana", "bob", "cem"))
    taken = await club.taken("evening", quantity=2)
    for name in ("bob", "cem"):
        await wait(club, name)
    await club.move(taken, "cancel")
    club.check()
    tenant = tenant_id_of(club.api.tenant)
    found = set()
    for change in (
        "update seat_waits set state = 'waiting', redemption_id = null where number = 1",
        "update seat_waits set redemption_id = redemption_id + 1 where number = 1",
        "update seat_waits set member_id = member_id + 1 where number = 2",
        "update shared_counters set used = used + 1 where counter = 'reward/evening/waiting'",
    ):
        with club.api.house.database.transaction(tenant) as tx:
            tx.execute("set transaction isolation level repeatable read")
            tx.execute(change)
            audit = Audit(tx, club.api.house.vault(tenant), now=club.now)
            codes = {one.code for one in audit.run()}
            assert codes, change
            found |= codes
            tx.execute("rollback")
    assert found >= {"counter_unlike_draws", "seat_unlike_redemption", "wait_missing"}
