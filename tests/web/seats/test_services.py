"""Services: requested, scheduled, moved, done or declined; the units come back with a no."""

from __future__ import annotations

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
