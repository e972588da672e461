"""Jobs, quarantine and a person's data in the console."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest

from guerdon.engine.events import Quarantined, put_in_quarantine
from guerdon.programs.audit import Act, list_acts
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, Api, order
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_office import said

QUARANTINE = "/console/p/club/quarantine"


def acts(api: Api) -> list[Act]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [one.act for one in list_acts(tx)]


def put_away(api: Api, event_id: str) -> UUID:
    number = api.house.ids.uuid()
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        program_id = get_live(tx, "club").program_id
        put_in_quarantine(
            tx,
            Quarantined(
                *(number, program_id, 1, "IngestEvent", "shop", event_id, None, NOW),
                *(b"", None, "KeyError", "at x"),
            ),
        )
    return number


async def test_jobs_tell_of_their_last_round_and_run_when_asked(api: Api) -> None:
    person = await signed_in(api, "manager")
    text = said((await person.get("/console/jobs")).text)
    assert "Telling webhooks" in text
    assert "Sums of the overview" in text
    assert "Clearing deliveries deletes deliveries that were over 30 days ago not yet" in text
    asked = await person.send("/console/jobs/webhook_retention")
    assert asked.headers["location"] == "/console/jobs?asked=webhook_retention"
    found = api.house.rounds.find("webhook_retention")
    assert found is not None
    for _ in range(400):
        if found.known().runs:
            break
        await asyncio.sleep(0.05)
    assert (found.known().runs, found.known().failures) == (1, 0)
    text = said((await person.get("/console/jobs?asked=webhook_retention")).text)
    assert "Clearing deliveries was asked to run now." in text
    assert [one.action for one in acts(api)][:1] == ["job.asked"]
    assert (await person.send("/console/jobs/nothing")).status_code == 404


async def test_a_job_that_fails_says_with_what(api: Api) -> None:
    made = api.house.rounds.add("sums_of_a_test", 60)
    with pytest.raises(ValueError, match="oops"), made.running():
        raise ValueError("oops")
    person = await signed_in(api)
    text = said((await person.get("/console/jobs")).text)
    assert re.search(r"sums_of_a_test .* 1 1 failed ValueError", text), text


async def test_what_lies_in_quarantine_is_put_away_with_a_reason(api: Api) -> None:
    await api.enrol(external_id="ananya")
    await api.post("/v1/programs/club/events", json=order("o1"))
    sent, lost = put_away(api, "o1"), put_away(api, "order-o2")
    person = await signed_in(api, "manager")
    text = said((await person.get(QUARANTINE)).text)
    assert re.search(r"shop order-o2 KeyError at x not sent again yet", text), text
    assert re.search(r"shop o1 KeyError at x taken in", text), text
    refused = await person.send(f"{QUARANTINE}/{lost}", reason=" ")
    assert (refused.status_code, "reason_missing" in refused.text) == (422, True)
    gone = await person.send(f"{QUARANTINE}/{sent}", reason="came again")
    assert gone.headers["location"] == f"{QUARANTINE}?done=yes"
    assert "shop o1 " not in said((await person.get(QUARANTINE)).text)
    assert (await person.send(f"{QUARANTINE}/{sent}", reason="twice")).status_code == 404
    act = acts(api)[0]
    assert (act.action, act.detail["id"], act.detail["reason"]) == (
        "quarantine.discarded",
        "o1",
        "came again",
    )


@pytest.mark.parametrize("role", ["auditor", "support"])
async def test_who_only_reads_runs_and_puts_away_nothing(api: Api, role: str) -> None:
    lost = put_away(api, "order-o2")
    person = await signed_in(api, role)
    assert 'action="/console/jobs' not in (await person.get("/console/jobs")).text
    assert (await person.send("/console/jobs/webhooks")).status_code == 403
    assert "placeholder" not in (await person.get(QUARANTINE)).text.partition("<main")[2]
    assert (await person.send(f"{QUARANTINE}/{lost}", reason="x")).status_code == 403


async def ananya(api: Api) -> tuple[str, dict[str, Any]]:
    member = await api.enrol(external_id="ananya", name="Ananya Das", email="ananya@mail.example")
    await api.post("/v1/programs/club/events", json=order("o1"))
    return f"/console/p/club/members/{member['id']}", member


async def test_a_persons_data_is_given_as_one_file_and_that_is_written_down(api: Api) -> None:
    path, member = await ananya(api)
    person = await signed_in(api, "support")
    assert f'href="{path}/data"' in (await person.get(path)).text
    await person.get(f"{path}/data")
    answer = await person.send(f"{path}/data/export")
    told = answer.json()
    assert "attachment" in answer.headers["content-disposition"]
    assert told["identities"]["email"] == "ananya@mail.example"
    assert {one["type"] for one in told["events"]} == {"member.enrolled", "order.paid"}
    award = next(one for one in told["transactions"] if one["kind"] == "award")
    assert {entry["amount"] for entry in award["entries"]} == {"159", "-159"}
    act = acts(api)[0]
    assert (act.action, act.object) == ("member.exported", member["id"])
    assert (await person.send(f"{path}/data/erase", card=member["card"])).status_code == 403


async def test_a_person_is_forgotten_only_after_their_card_was_typed(api: Api) -> None:
    path, member = await ananya(api)
    person = await signed_in(api, "manager")
    await person.get(f"{path}/data")
    for typed in ("", "4711", member["card"][:-1]):
        wrong = await person.send(f"{path}/data/erase", card=typed)
        assert (wrong.status_code, "card_wrong" in wrong.text) == (422, True)
    assert "Ananya Das" in (await person.get(path)).text
    card = member["card"].lower()
    gone = await person.send(f"{path}/data/erase", card=f" {card[:4]}-{card[4:]} ")
    assert gone.status_code == 200
    assert "This person is forgotten" in gone.text
    assert (await person.get(path)).status_code in (404, 410)
    twice = await person.send(f"{path}/data/erase", card=member["card"])
    assert twice.status_code in (404, 410)
    kept = await api.get(f"/v1/accounts/{member['account']}/balances")
    assert kept.status_code in (200, 404)
    assert acts(api)[0].action == "member.erased"


async def test_an_auditor_sees_the_page_and_may_do_neither(api: Api) -> None:
    path, _ = await ananya(api)
    person: Person = await signed_in(api, "auditor")
    page = (await person.get(f"{path}/data")).text
    assert page.count("Your role does not allow this.") == 2
    assert (await person.send(f"{path}/data/export")).status_code == 403
