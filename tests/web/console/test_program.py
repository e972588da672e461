"""The program as text in the console: plan, apply, history, and an earlier text taken up again."""

from __future__ import annotations

import html
import re

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.architecture.source import ROOT
from tests.web.conftest import PROGRAM, Api
from tests.web.console.desk import Person, signed_in

TEXT = "/console/p/club/program"


async def live_text(person: Person, path: str = TEXT) -> str:
    """Read what the text field holds, as a browser would."""
    found = re.search(r"<textarea[^>]*>\n(.*)</textarea>", (await person.get(path)).text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


async def test_the_live_text_is_the_document_as_it_was_sent(api: Api) -> None:
    person = await signed_in(api, "auditor")
    assert await live_text(person) == PROGRAM


async def test_a_plan_says_what_would_change_and_changes_nothing(api: Api) -> None:
    person = await signed_in(api, "manager")
    text = (await live_text(person)).replace("from: 1000", "from: 900")
    answer = await person.send(TEXT, text=text, base="1", act="plan")
    assert answer.status_code == 200
    assert "Tier Gold begins at 900 instead of 1000." in html.unescape(answer.text)
    assert "Apply as version 2" in answer.text
    assert await live_text(person) == PROGRAM


async def test_what_needs_a_look_is_counted_apart_from_what_rests(api: Api) -> None:
    person = await signed_in(api, "manager")
    await person.get("/console/new")
    example = (ROOT / "examples" / "backpack-club.yaml").read_text(encoding="utf-8")
    page = (await person.send("/console/new", text=example, base="0", act="plan")).text
    first = re.search(
        r'<h2 id="warn">Look at this first</h2><span[^>]*>(\d+)</span>(.*?)</section>', page, re.DOTALL
    )
    assert first is not None
    assert int(first[1]) == first[2].count("<li") > 0
    resting = re.search(r"<summary>(\d+) parts? (?:is|are) kept.*?</details>", page, re.DOTALL)
    assert resting is None or int(resting[1]) == resting[0].count("<li")
    assert "does nothing yet" not in first[2]


async def test_what_was_planned_is_applied_and_an_earlier_text_is_taken_up_again(api: Api) -> None:
    person = await signed_in(api, "manager")
    changed = PROGRAM.replace('amount: "200"', 'amount: "250"')
    answer = await person.send(TEXT, text=changed.replace("\n", "\r\n"), base="1", act="apply")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{TEXT}?applied=yes")
    page = (await person.get(answer.headers["location"])).text
    assert "Version 2 is live." in page
    assert page.count('aria-current="step"') == 1
    assert await live_text(person) == changed
    assert await live_text(person, f"{TEXT}?version=1") == PROGRAM
    again = await person.send(TEXT, text=PROGRAM, base="2", act="apply")
    assert again.status_code == 303
    assert await live_text(person) == PROGRAM
    assert "Version 3, live" in (await person.get(TEXT)).text
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx, about="program:club")]
    assert [(act.detail["version"], act.actor.partition(":")[0]) for act in acts[:2]] == [
        (3, "staff"),
        (2, "staff"),
    ]


async def test_what_was_planned_against_an_older_version_is_not_applied(api: Api) -> None:
    person = await signed_in(api)
    assert (await api.apply(PROGRAM.replace('amount: "200"', 'amount: "250"'))).status_code == 201
    answer = await person.send(TEXT, text=PROGRAM, base="1", act="apply")
    assert answer.status_code == 422
    assert "Version 2 went live in the meantime." in answer.text
    assert '"250"' in await live_text(person)


async def test_each_wrong_place_is_shown_with_its_line_and_a_caret(api: Api) -> None:
    person = await signed_in(api)
    wrong = PROGRAM.replace("amount: order.earning_base", "amount: order.earning_bas")
    answer = await person.send(TEXT, text=wrong, base="1", act="apply")
    assert answer.status_code == 422
    line = next(number for number, one in enumerate(wrong.split("\n"), 1) if "earning_bas}" in one)
    assert f"Line {line}, column" in answer.text
    assert '<span class="wrong">' in answer.text
    assert "Nothing was changed." in answer.text
    assert await live_text(person) == PROGRAM
    assert "earning_bas}" in html.unescape(answer.text)


async def test_text_is_shown_as_text(api: Api) -> None:
    person = await signed_in(api)
    answer = await person.send(TEXT, text="</textarea><script>alert(1)</script>: x", base="1", act="plan")
    assert answer.status_code == 422
    assert "<script>" not in answer.text


async def test_support_reads_and_applies_nothing(api: Api) -> None:
    person = await signed_in(api, "support")
    assert "Show the plan" not in (await person.get(TEXT)).text
    for act in ("plan", "apply"):
        answer = await person.send(TEXT, text=PROGRAM.replace("180d", "90d"), base="1", act=act)
        assert answer.status_code == 403
    assert await live_text(person) == PROGRAM


async def test_a_text_of_another_program_is_refused_here(api: Api) -> None:
    person = await signed_in(api)
    answer = await person.send(
        TEXT, text=PROGRAM.replace("program: club", "program: other"), base="1", act="apply"
    )
    assert answer.status_code == 422
    assert "program_mismatch" in answer.text


async def test_the_first_program_is_written_in_the_console(bare: Api) -> None:
    person = await signed_in(bare)
    assert "There is no program yet." in (await person.get("/console")).text
    text = await live_text(person, "/console/new")
    plan = await person.send("/console/new", text=text, base="0", act="plan")
    assert "What the new program says" in plan.text
    done = await person.send("/console/new", text=text, base="0", act="apply")
    assert done.headers["location"] == "/console/p/my-club/program?applied=yes"
    assert "Version 1 is live." in (await person.get(done.headers["location"])).text
    assert (await person.get("/console")).headers["location"] == "/console/p/my-club"
