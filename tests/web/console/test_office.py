"""Books and office: transactions, quarantine, keys, staff, the audit trail."""

from __future__ import annotations

import re

import pytest

from guerdon.engine.events import Quarantined, put_in_quarantine
from guerdon.programs.programs import get_live
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import NOW, Api, order
from tests.web.console.desk import Person, hire, signed_in

PAGES = (
    "/console/p/club",
    "/console/p/club/members",
    "/console/p/club/program",
    "/console/p/club/transactions",
    "/console/p/club/quarantine",
    "/console/p/club/backtests",
    "/console/webhooks",
    "/console/hooks",
    "/console/jobs",
    "/console/keys",
    "/console/staff",
    "/console/audit",
    "/console/account",
)


def said(text: str) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.mark.parametrize("language", ["en", "bn", "hi"])
async def test_every_page_stands_in_every_language_without_inline_styles_or_scripts(
    api: Api, language: str
) -> None:
    person = await signed_in(api, "auditor")
    person.cookies["guerdon_language"] = language
    for path in PAGES:
        page = await person.get(path)
        assert page.status_code == 200, path
        assert f'<html lang="{language}"' in page.text
        assert re.search(r"<script|\sstyle=|\son[a-z]+=", page.text) is None, path
        assert page.text.count("<h1") == 1, path
        ids = re.findall(r'\sid="([^"]+)"', page.text)
        assert len(ids) == len(set(ids)), path


async def test_a_page_that_is_not_there_is_said_on_a_page(api: Api) -> None:
    person = await signed_in(api)
    for path in ("/console/nothing", "/console/p/other", "/console/p/club/transactions?before=x"):
        answer = await person.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"].startswith("text/html")


async def test_transactions_are_listed_with_who_and_what_they_moved(api: Api) -> None:
    await api.enrol(external_id="ananya", name="Ananya Das")
    await api.post("/v1/programs/club/events", json=order("o1"))
    person = await signed_in(api)
    text = said((await person.get("/console/p/club/transactions")).text)
    assert re.search(r"Ananya Das Order order-o1, shop .*\+159 points", text), text


async def test_commands_are_listed_with_who_stands_for_the_account(api: Api) -> None:
    made = await api.enrol(external_id="ananya", name="Ananya Das")
    account = f"/v1/programs/club/accounts/{made['account']}"
    given = {"wallet": "points", "amount": "250", "reason": "late parcel"}
    assert (await api.post(f"{account}/adjustments", json=given)).status_code == 201
    taken = {"reward": "pouch", "member": made["id"]}
    red = [(await api.post("/v1/programs/club/redemptions", json=taken)).json()["id"] for _ in range(2)]
    assert (await api.post(f"/v1/programs/club/redemptions/{red[0]}/use")).status_code == 200
    assert (await api.post(f"/v1/programs/club/redemptions/{red[1]}/cancel")).status_code == 200
    person = await signed_in(api)
    text = said((await person.get("/console/p/club/transactions")).text)
    assert "Ananya Das Adjusted by staff “late parcel” +250 points" in text
    assert f"Ananya Das Redemption used {red[0]}" in text
    assert "Ananya Das Redemption cancelled: Pouch +100 points" in text
    assert (await api.call("DELETE", f"/v1/programs/club/members/{made['id']}")).status_code < 300
    gone = said((await person.get("/console/p/club/transactions")).text)
    assert "Ananya" not in gone
    assert "erased Adjusted by staff" in gone


async def test_quarantine_is_listed_and_counted_in_the_spine(api: Api) -> None:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        program_id = get_live(tx, "club").program_id
        one = Quarantined(
            api.house.ids.uuid(),
            program_id,
            1,
            "event",
            "shop",
            "e-1",
            None,
            NOW,
            b"",
            None,
            "KeyError",
            "at x",
        )
        put_in_quarantine(tx, one)
    person = await signed_in(api)
    text = said((await person.get("/console/p/club/quarantine")).text)
    assert "shop e-1 KeyError at x" in text
    assert "Quarantine , 1 waiting" in text
    assert "1 command lies in quarantine" in said((await person.get("/console/p/club")).text)


async def test_a_key_is_made_shown_once_works_and_is_ended(api: Api) -> None:
    person = await signed_in(api)
    fields = {"name": "till", "life": "30", "scope:members:read": "1"}
    made = await person.send("/console/keys", **fields)
    found = re.search(r"gk_[0-9A-Za-z]{30,}", made.text)
    assert found is not None
    assert found[0] not in (await person.get("/console/keys")).text
    headers = {"authorization": f"Bearer {found[0]}"}
    answer = await api.client.get("/v1/programs/club/members", headers=headers)
    assert answer.status_code == 200
    assert (await api.client.get("/v1/programs", headers=headers)).status_code == 403
    path = re.findall(r'action="(/console/keys/key_[0-9a-z]+/end)"', made.text)[-1]
    assert (await person.send(path)).headers["location"] == "/console/keys"
    text = said((await person.get("/console/keys")).text)
    assert "till" in text
    assert "ended" in text
    nothing = await person.send("/console/keys", name="none", life="")
    assert nothing.status_code == 422


async def test_an_owner_adds_somebody_who_signs_in_and_is_sent_away(api: Api) -> None:
    owner = await signed_in(api)
    made = await owner.send("/console/staff", email="Rita@Shop.example", name="Rita", role="support")
    password = re.search(r'<code class="secret">([^<]+)</code>', made.text)
    assert password is not None
    rita = Person(api.client, api.tenant)
    assert (await rita.sign_in("rita@shop.example", password[1])).status_code == 303
    assert "Choose a password of your own" in (await rita.get("/console/p/club")).text
    path = re.findall(r'action="(/console/staff/stf_[0-9a-z]+)"', made.text)[-1]
    await owner.send(path, act="role", role="manager")
    assert "Show the plan" in (await rita.get("/console/p/club/program")).text
    await owner.send(path, act="end", role="manager")
    assert (await rita.get("/console/p/club")).status_code == 303
    text = said((await owner.get("/console/audit")).text)
    for action in ("staff.added", "staff.role_changed", "staff.ended"):
        assert action in text
    assert "rita@" not in text.lower()


async def test_the_last_owner_cannot_send_themselves_away(api: Api) -> None:
    owner = await signed_in(api)
    path = re.findall(r'action="(/console/staff/stf_[0-9a-z]+)"', (await owner.get("/console/staff")).text)[0]
    answer = await owner.send(path, act="end")
    assert answer.status_code == 422
    assert "somebody must stay the owner" in answer.text


@pytest.mark.parametrize("role", ["auditor", "support", "manager"])
async def test_only_an_owner_touches_keys_and_staff(api: Api, role: str) -> None:
    owner = hire(api.house, api.tenant, "owner")
    person = await signed_in(api, role)
    for path, fields in (
        ("/console/keys", {"name": "mine", "scope:all": "1"}),
        ("/console/staff", {"email": "x@y.example", "role": "owner"}),
        (f"/console/staff/{owner.shown_id}", {"act": "end"}),
        (f"/console/staff/{owner.shown_id}", {"act": "password"}),
    ):
        answer = await person.send(path, **fields)
        assert answer.status_code == 403, path
    for path in ("/console/keys", "/console/staff"):
        assert "<form" in (await person.get(path)).text  # signing out, and nothing else
        assert f'action="{path}' not in (await person.get(path)).text


async def test_staff_of_another_tenant_are_nobody_here(api: Api) -> None:
    theirs = hire(api.house, f"{api.tenant}z", "owner", "theirs@shop.example")
    owner = await signed_in(api)
    assert "theirs@" not in (await owner.get("/console/staff")).text
    answer = await owner.send(f"/console/staff/{theirs.shown_id}", act="end")
    assert answer.status_code == 422
    assert "there is nobody with this id" in answer.text
    assert (await Person(api.client, f"{api.tenant}z").sign_in("theirs@shop.example")).status_code == 303
