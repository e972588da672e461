"""Backtests from the page: over the program's own events, over a file, side by side, stopped and refused."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response

from guerdon.insight.backtest import trials
from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, PROGRAM, Api, order
from tests.web.console.desk import Person, signed_in

PAGE = "/console/p/club/backtests"
MORE = PROGRAM.replace('amount: "200"', 'amount: "250"')


async def ask(person: Person, text: str, upload: tuple[str, bytes] | None = None, **more: str) -> Response:
    """Fill in the form as a browser would, with its lines ended its way."""
    fields = {"text": text.replace("\n", "\r\n"), "source": "file" if upload else "stored", **more}
    fields.setdefault("once", f"o{id(fields)}{len(text)}")
    files = {"file": (*upload, "application/octet-stream")} if upload else {"file": ("", b"")}
    return await person.ask("POST", PAGE, data={"form_token": person.token, **fields}, files=files)


async def ended(person: Person, answer: Response) -> tuple[str, str]:
    """Wait until a backtest is over; its path and its page."""
    assert answer.status_code == 303, answer.text
    path, page = answer.headers["location"], ""
    for _ in range(240):
        page = (await person.get(f"{path}/state")).text
        if "hx-trigger" not in page:
            return path, html.unescape(page)
        await asyncio.sleep(0.25)
    raise AssertionError(page)


def event_lines(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in events)


def bought(number: int, subject: str, **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=400 - number)
    return {**order(f"old-{number}", time=at.isoformat(), **more), "subject": subject}


async def lively(api: Api) -> None:
    """Let a program live through a bit of everything that it stores."""
    await api.enrol(external_id="ananya", name="Ananya Das")
    await api.enrol(external_id="bob")
    for number in range(3):
        answer = await api.post("/v1/programs/club/events", json=order(f"o{number}"))
        assert answer.status_code == 200, answer.text
    taken = [
        await api.post("/v1/programs/club/redemptions", json={"member": "external:ananya", "reward": "pouch"})
        for _ in range(2)
    ]
    assert [one.status_code for one in taken] == [201, 201], taken[0].text
    back = await api.post(f"/v1/programs/club/redemptions/{taken[0].json()['id']}/cancel")
    assert back.status_code == 200, back.text


async def adjusted(person: Person, api: Api, amount: str) -> None:
    member = (await api.get("/v1/programs/club/members/external:ananya")).json()["id"]
    path = f"/console/p/club/members/{member}"
    await person.get(path)
    answer = await person.send(f"{path}/adjust", wallet="points", amount=amount, reason="late parcel")
    assert answer.status_code == 303, answer.text


async def test_the_live_definition_over_its_own_events_comes_to_what_the_books_say(api: Api) -> None:
    await lively(api)
    person = await signed_in(api, "manager")
    await adjusted(person, api, "33")
    await person.get(f"{PAGE}/new")
    path, page = await ended(person, await ask(person, PROGRAM))
    report = (await person.get(f"{path}/files/report.json")).json()
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        sums = dict(
            tx.execute(
                "select book, sum(amount)::bigint from entries where wallet = 'points' group by book"
            ).fetchall()
        )
        held = tx.execute("select sum(available + pending)::bigint from wallets").fetchone()
    wallet = report["wallets"]["points"]
    assert held is not None
    assert (report["orders"], report["rejected"]) == (3, 0)
    assert wallet["issued"] == str(-sums["issued"])
    assert wallet["spent"] == str(sums["redeemed"]) == "100"
    assert wallet["outstanding"] == str(held[0]) == str(sums["member"])
    assert "Open the report" in page
    shown = await person.get(f"{path}/files/report.html")
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.text.startswith("<!doctype html>")


async def test_an_edited_text_is_shown_beside_what_is_live(api: Api) -> None:
    await lively(api)
    person = await signed_in(api)
    await person.get("/console/p/club/program")
    edited = PROGRAM.replace("amount: order.earning_base", "amount: order.earning_base * 2")
    form = await person.send(f"{PAGE}/new", text=edited, base="1")
    assert form.status_code == 200
    assert "The text differs from version 1" in html.unescape(form.text)
    path, page = await ended(person, await ask(person, edited, beside="live"))
    assert "Version 1" in page
    assert "The edited text" in page
    report = (await person.get(f"{path}/files/report.json")).json()
    assert report["comparison"]["accounts"]["points"]["issued"] == {"more": 1, "less": 0, "same": 1}
    names = re.findall(r'href="[^"]*/files/([^"]+)"', page)
    assert names == ["report.html", "accounts.csv", "report.json"]
    again = await person.get(f"{PAGE}/new?again={path.rsplit('/', 1)[1]}")
    assert "earning_base * 2" in html.unescape(again.text)


async def test_a_file_of_events_is_tried_and_wrong_lines_are_listed(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    events = event_lines([bought(1, "anna"), bought(2, "bob")]) + b"no event\n"
    path, page = await ended(person, await ask(person, PROGRAM, ("../my orders.ndjson", events)))
    assert re.search(r"Accounts</th><td class=\"n\">2<", page)
    assert "rejects.ndjson" in page
    rejects = (await person.get(f"{path}/files/rejects.ndjson")).text
    assert json.loads(rejects.splitlines()[0])["file"] == "my-orders.ndjson"
    assert "my-orders.ndjson" in (await person.get(PAGE)).text


async def test_a_file_of_rows_is_tried_through_its_mapping(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    rows = b"order,customer,when,total\n1,anna,2025-11-01T10:00:00Z,12.50\n2,bob,2025-11-02T10:00:00Z,7.50\n"
    mapping = """
event: order.paid
source: till
id: {column: order, prefix: "o-"}
time: {column: when}
subject: customer
currency: USD
order: {id: order}
line: {subtotal: total}
"""
    _, page = await ended(person, await ask(person, PROGRAM, ("year.csv", rows), mapping=mapping))
    assert re.search(r"Orders</th><td class=\"n\">2<", page), page


@pytest.mark.parametrize(
    ("upload", "more", "code"),
    [
        (None, {"source": "file"}, "file_missing"),
        (("empty.ndjson", b""), {}, "file_missing"),
        (("cat.gif", b"GIF89a"), {}, "file_kind_unknown"),
        (("rows.csv", b"a,b\n1,2\n"), {}, "mapping_missing"),
        (("rows.csv", b"a,b\n1,2\n"), {"mapping": "events: [oops"}, "wrong place"),
    ],
)
async def test_what_cannot_be_tried_is_said_on_the_form_and_nothing_is_begun(
    api: Api, upload: tuple[str, bytes] | None, more: dict[str, str], code: str
) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    answer = await ask(person, MORE, upload, **more)
    assert answer.status_code == 422
    assert code in answer.text
    assert "250" in html.unescape(answer.text), "what was typed is still there"
    assert "Nothing was tried yet" in (await person.get(PAGE)).text


async def test_a_text_with_a_wrong_place_is_shown_with_it_and_not_tried(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    for answer in (
        await ask(person, PROGRAM.replace("order.earning_base", "order.earning_bas")),
        await person.send(f"{PAGE}/new", text="wallets: ["),
    ):
        assert answer.status_code == 422
        assert '<span class="wrong">' in answer.text
    other = await ask(person, PROGRAM.replace("program: club", "program: other"))
    assert other.status_code == 422
    assert "program_mismatch" in other.text


async def test_a_file_that_is_no_file_of_its_kind_ends_with_the_reason(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    _, page = await ended(person, await ask(person, PROGRAM, ("orders.ndjson", b"\x00\xffGIF89a" * 99)))
    assert "The backtest could not be done" in page
    assert "no_events" in page
    _, page = await ended(person, await ask(person, PROGRAM, ("orders.ndjson.gz", b"not packed"), once="b"))
    assert "The backtest could not be done" in page


async def test_a_form_that_is_sent_twice_asks_once(api: Api) -> None:
    await lively(api)
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    first = await ask(person, PROGRAM, once="one-form")
    second = await ask(person, PROGRAM, once="one-form")
    assert first.headers["location"] == second.headers["location"]
    await ended(person, first)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [one.act.action for one in list_acts(tx)]
    assert acts.count("backtest.asked") == 1


async def test_a_backtest_is_stopped_and_deleted(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    events = event_lines(bought(number % 300, f"m{number}", id=f"e{number}") for number in range(20_000))
    asked = await ask(person, MORE, ("many.ndjson", events), beside="live")
    path = asked.headers["location"]
    assert (await person.send(f"{path}/delete")).status_code == 422
    assert (await person.send(f"{path}/stop")).status_code == 303
    _, page = await ended(person, asked)
    assert "It was stopped before it was done." in page
    assert (await person.send(f"{path}/delete")).headers["location"] == PAGE
    assert (await person.get(path)).status_code == 404


async def test_a_backtest_whose_server_is_gone_shows_as_interrupted(api: Api) -> None:
    person = await signed_in(api)
    now = datetime.now(NOW.tzinfo)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        program_id = tx.execute("select program_id from programs").fetchone()
        assert program_id is not None
        began = now - timedelta(minutes=5)
        new = trials.NewTrial(
            api.house.ids.number(), program_id[0], "x", "stored", "", ["live"], [PROGRAM], "test", began
        )
        number, _ = trials.add_trial(tx, new)
        trials.note_progress(tx, number, trials.Progress("running", 1, 2), began)
    page = html.unescape((await person.get(PAGE)).text)
    assert "interrupted" in page
    path = re.findall(rf'href="({PAGE}/bt_[^"]+)"', page)[0]
    shown = (await person.get(path)).text
    assert "The server that ran it was stopped" in shown
    assert "hx-trigger" not in shown
    assert (await person.send(f"{path}/delete")).status_code == 303


async def test_only_the_newest_are_kept(api: Api) -> None:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        row = tx.execute("select program_id from programs").fetchone()
        assert row is not None
        for place in range(trials.KEPT + 5):
            at = NOW + timedelta(seconds=place)
            new = trials.NewTrial(
                api.house.ids.number(), row[0], f"f{place}", "stored", "", ["live"], [""], "test", at
            )
            number, _ = trials.add_trial(tx, new)
            trials.end_trial(tx, number, trials.Ending("done", files={"report.html": b"x"}), at)
        kept = trials.list_trials(tx, row[0], NOW)
        files = tx.execute("select count(*) from backtest_files").fetchone()
    assert len(kept) == trials.KEPT + 1
    assert files == (trials.KEPT + 1,)


@pytest.mark.parametrize("role", ["auditor", "support"])
async def test_who_may_not_apply_reads_and_begins_nothing(api: Api, role: str) -> None:
    person = await signed_in(api, role)
    assert (await person.get(PAGE)).status_code == 200
    assert (await person.get(f"{PAGE}/new")).status_code == 403
    assert (await ask(person, PROGRAM)).status_code == 403
    assert (await person.send(f"{PAGE}/new", text=PROGRAM)).status_code == 403


async def test_an_expired_session_is_led_to_the_door_file_or_not(api: Api) -> None:
    person = await signed_in(api)
    await person.get(f"{PAGE}/new")
    person.cookies.clear()
    answer = await ask(person, PROGRAM, ("orders.ndjson", b"x" * 3_000_000))
    assert answer.status_code == 303
    assert "sign-in" in answer.headers["location"]
