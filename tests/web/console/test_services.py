"""The room of services at the console: due ones first, a time for each, done, or declined with a reason."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_giving import club
from tests.web.console.test_orders import plain
from tests.web.seats.conftest import PROGRAM
from tests.web.taking.conftest import CLUB

ROOM = "/console/p/club/services"
NEW_YORK = ZoneInfo("America/New_York")


def local(days: float) -> str:
    """A time on the program's clock, as a browser's field writes it."""
    return (datetime.now(NEW_YORK) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def numbers(page: str) -> list[str]:
    return re.findall(r'<code class="fine" id="c\d+">(red_\w+)</code>', page)


async def take(bare: Api) -> str:
    """Take a service now, by the clock on the wall, as the console does."""
    body = {"member": "external:ana", "reward": "adviser"}
    said = await bare.post(f"{CLUB}/redemptions", json=body)
    assert said.status_code == 201, said.text
    return str(said.json()["id"])


async def test_what_is_due_comes_first_and_is_done_or_declined_with_a_reason(bare: Api) -> None:
    shop = await club(bare, PROGRAM)
    person = await signed_in(bare, "support")
    assert "Nothing here" in plain((await person.get(ROOM)).text)
    first, second, third, fourth = [await take(bare) for _ in range(4)]
    later = await person.send(f"{ROOM}/{third}", act="scheduled", at=local(2), note="with Mira")
    assert later.headers["location"] == f"{ROOM}?done=scheduled"
    sooner = await person.send(f"{ROOM}/{second}", act="scheduled", at=local(1))
    assert sooner.status_code == 303
    # One whose time has come meanwhile.
    assert (await person.send(f"{ROOM}/{fourth}", act="scheduled", at=local(3))).status_code == 303
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        tx.execute(
            "insert into service_steps (program_id, redemption_id, number, state, at, note, actor, noted_at)"
            " select program_id, redemption_id, number + 1, state, %s, '', actor, noted_at"
            " from service_steps where at > %s",
            (datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=2.5)),
        )
    page = await person.get(f"{ROOM}?done=scheduled")
    assert numbers(page.text) == [fourth, first, second, third]
    said = plain(page.text)
    assert "1 service is due: its time has come." in said
    assert "It has a time now; the member is told." in said
    assert "with Mira" in said
    assert "Ana Das" in said
    moved = await person.send(f"{ROOM}/{third}", act="scheduled", at=local(0.5))
    assert moved.status_code == 303
    assert numbers((await person.get(ROOM)).text) == [fourth, first, third, second]
    assert (await person.send(f"{ROOM}/{fourth}", act="done")).headers["location"] == f"{ROOM}?done=done"
    before = int(await shop.points())
    assert (await person.send(f"{ROOM}/{first}", act="declined", reason="We are closed")).status_code == 303
    assert int(await shop.points()) == before + 40
    assert numbers((await person.get(f"{ROOM}?view=done")).text) == [fourth]
    declined = (await person.get(f"{ROOM}?view=declined")).text
    assert numbers(declined) == [first]
    assert "Declined" in plain(declined)
    assert "We are closed" in plain(declined)
    told = (await bare.get(f"{CLUB}/services/{first}")).json()
    assert (told["state"], told["steps"][-1]["note"]) == ("declined", "We are closed")
    with bare.house.database.transaction(tenant_id_of(bare.tenant)) as tx:
        acts = [(row.act.action, row.act.object) for row in list_acts(tx)]
        assert acts.count(("service.scheduled", third)) == 2
        assert {("service.done", fourth), ("service.declined", first)} <= set(acts)


async def test_what_is_wrong_is_said_and_changes_nothing(bare: Api) -> None:
    shop = await club(bare, PROGRAM)
    person = await signed_in(bare, "support")
    one = await take(bare)
    await person.get(ROOM)
    for fields, code in (
        ({"act": "scheduled", "at": "tomorrow"}, "time_invalid"),
        ({"act": "scheduled", "at": ""}, "time_invalid"),
        ({"act": "scheduled", "at": "2020-01-01T10:00", "note": "with Mira"}, "time_over"),
        ({"act": "scheduled", "at": local(1), "note": "x" * 151}, "field_too_long"),
        ({"act": "declined", "reason": " "}, "reason_missing"),
    ):
        refused = await person.send(f"{ROOM}/{one}", **fields)
        assert (refused.status_code, code in refused.text) == (422, True), (fields, plain(refused.text))
        assert "Nothing was changed" in refused.text
    kept = await person.send(f"{ROOM}/{one}", act="scheduled", at="2020-01-01T10:00", note="with Mira")
    assert 'value="with Mira"' in kept.text
    assert (await person.send(f"{ROOM}/{one}", act="dance")).status_code == 404
    assert (await person.send(f"{ROOM}/red_0000000000000", act="done")).status_code == 404
    seat = await shop.taken("evening")
    assert "not_a_service" in (await person.send(f"{ROOM}/{seat['id']}", act="done")).text
    assert (await bare.get(f"{CLUB}/services/{one}")).json()["steps"] == []
    assert (await person.send(f"{ROOM}/{one}", act="done")).status_code == 303
    again = await person.send(f"{ROOM}/{one}", act="declined", reason="no")
    assert (again.status_code, "redemption_used" in again.text) == (422, True)
    auditor = await signed_in(bare, "auditor")
    assert "It was done" not in (await auditor.get(ROOM)).text
    assert (await auditor.send(f"{ROOM}/{one}", act="done")).status_code == 403
    shop.check()


async def test_it_speaks_three_languages(bare: Api) -> None:
    await club(bare, PROGRAM)
    person = await signed_in(bare, "support")
    await take(bare)
    for language, words in (("bn", "সেবা"), ("hi", "सेवाएँ")):
        person.cookies["guerdon_language"] = language
        page = (await person.get(ROOM)).text
        assert f'<html lang="{language}"' in page
        assert f"<h1>{words}</h1>" in page
