"""Services: requested, scheduled, moved, done or declined; the units come back with a no."""

from __future__ import annotations

import asyncio

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.taking.conftest import Shop

TIME = "2026-12-01T15:00:00Z"


async def test_a_service_goes_its_way(club: Shop) -> None:
    taken = await club.taken("adviser")
    path = f"services/{taken['id']}"
    assert [one["state"] for one in (await club.get("services?state=requested"))["data"]] == ["requested"]
    status, said = await club.ask("POST", f"{path}/schedule", json={"at": TIME, "note": "with Mira"})
    assert (status, said["state"], said["at"]) == (200, "scheduled", TIME)
    again = await club.ask("POST", f"{path}/schedule", json={"at": TIME, "note": "with Mira"})
    assert (again[0], again[1]["code"]) == (409, "redemption_sent")
    moved = await club.ask("POST", f"{path}/schedule", json={"at": "2026-12-02T15:00:00Z"})
    assert moved[1]["at"] == "2026-12-02T15:00:00Z"
    shown = await club.get(f"redemptions/{taken['id']}")
    assert (shown["status"], shown["tracking"]) == ("sent", "2026-12-02 10:00")
    finished = await club.ask("POST", f"{path}/done")
    assert [one["state"] for one in finished[1]["steps"]] == ["scheduled", "scheduled", "done"]
    assert (await club.ask("POST", f"{path}/decline", json={}))[1]["code"] == "redemption_used"
    assert (await club.get(path))["state"] == "done"


async def test_a_no_gives_the_units_back_and_what_is_wrong_is_said(club: Shop) -> None:
    taken = await club.taken("adviser")
    assert await club.points() == "960"
    path = f"services/{taken['id']}"
    early = await club.ask("POST", f"{path}/schedule", json={"at": "2020-01-01T00:00:00Z"})
    assert early[1]["errors"][0]["code"] == "time_over"
    naive = await club.ask("POST", f"{path}/schedule", json={"at": "2026-12-01T15:00:00"})
    assert naive[1]["errors"][0]["code"] == "time_without_offset"
    said = await club.ask("POST", f"{path}/decline", json={"reason": "The workshop is closed."})
    assert (said[1]["state"], said[1]["steps"][-1]["note"]) == ("declined", "The workshop is closed.")
    assert await club.points() == "1000"
    other = await club.taken("adviser")
    await club.move(other, "cancel")
    assert (await club.get(f"services/{other['id']}"))["state"] == "given_back"
    seat = await club.taken("evening")
    assert (await club.ask("GET", f"services/{seat['id']}"))[1]["code"] == "not_a_service"


async def test_a_call_that_is_sent_again_is_noted_once_whatever_was_noted_since(club: Shop) -> None:
    taken = await club.taken("adviser")
    path = f"services/{taken['id']}"
    first = {"json": {"at": TIME, "note": "with Mira"}, "headers": {"Idempotency-Key": "first"}}
    await club.ask("POST", f"{path}/schedule", **first)
    await club.ask("POST", f"{path}/schedule", json={"at": "2026-12-02T15:00:00Z"})
    status, said = await club.ask("POST", f"{path}/schedule", **first)
    assert (status, [one["at"] for one in said["steps"]]) == (200, [TIME, "2026-12-02T15:00:00Z"])
    other = await club.taken("adviser")
    asked = {"json": {"at": TIME}, "headers": {"Idempotency-Key": "second"}}
    answers = await asyncio.gather(
        *(club.ask("POST", f"services/{other['id']}/schedule", **asked) for _ in range(6))
    )
    assert {status for status, _ in answers} == {200}
    assert [one["at"] for one in (await club.get(f"services/{other['id']}"))["steps"]] == [TIME]
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        acts = [row.act.object for row in list_acts(tx) if row.act.action == "service.scheduled"]
    assert acts == [other["id"], taken["id"], taken["id"]]


async def test_steps_that_come_at_once_have_a_number_each(club: Shop) -> None:
    taken = await club.taken("adviser")
    path = f"services/{taken['id']}"
    times = [f"2026-12-{day:02}T15:00:00Z" for day in range(1, 7)]
    answers = await asyncio.gather(
        *(club.ask("POST", f"{path}/schedule", json={"at": time}) for time in times)
    )
    assert {status for status, _ in answers} == {200}
    assert sorted(one["at"] for one in (await club.get(path))["steps"]) == times
