"""Merging at the console: the other account is found, what would move is shown, and it is done once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_orders import plain
from tests.web.test_merging import CLUB, points

MEMBERS = "/console/p/club/members"


async def funded(api: Api, external_id: str, amount: str, **more: str) -> dict[str, Any]:
    """Enrol somebody with points, and give member and account."""
    made = await api.enrol(external_id=external_id, **more)
    given = {"wallet": "points", "amount": amount, "reason": "a good start"}
    answer = await api.post(f"{CLUB}/accounts/{made['account']}/adjustments", json=given)
    assert answer.status_code == 201, answer.text
    return dict(made)


def acts(api: Api) -> list[Any]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [row.act for row in list_acts(tx) if row.act.action == "account.merged"]


def confirm(text: str) -> dict[str, str]:
    """Read what the form that merges says."""
    found = {name: re.search(rf'name="{name}" value="([^"]+)"', text) for name in ("once", "goes", "into")}
    return {name: one[1] for name, one in found.items() if one is not None}


async def looked(person: Person, page: str, other: str, **more: str) -> str:
    await person.get(page)
    answer = await person.send(f"{page}/look", other=other, **more)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_accounts_are_looked_at_and_merged_once_with_a_reason(api: Api) -> None:
    ana = await funded(api, "ana-till", "300", name="Ananya Das")
    web = await funded(api, "ana-web", "120", name="Ananya D.", email="ana@mail.example")
    person, page = await signed_in(api, "manager"), f"{MEMBERS}/{ana['id']}/merge"
    assert f'href="{page}"' in (await person.get(f"{MEMBERS}/{ana['id']}")).text
    text = await looked(person, page, " ANA@mail.example ")
    assert "Goes Ananya D. " + web["account"] in plain(text)
    assert "Stays Ananya Das " + ana["account"] in plain(text)
    assert re.search(r"Points 120 0 0 420", plain(text))
    assert "1 member moves" in plain(text)
    assert points(await api.get(f"{CLUB}/accounts/{web['account']}")) == "120", "it was only looked at"
    turned = await looked(person, page, web["account"], stays="other")
    assert confirm(turned)["goes"] == ana["account"]
    form = confirm(text)
    refused = await person.send(page, **form, reason="")
    assert (refused.status_code, "A reason is needed" in refused.text) == (422, True)
    assert "1 member moves" in plain(refused.text), "what would move still stands there"
    there = f"{MEMBERS}/{ana['id']}?done=merged"
    for _ in range(2):
        done = await person.send(page, **form, reason="one person, two cards")
        assert done.headers["location"] == there
    shown = plain((await person.get(there)).text)
    assert "The accounts are one now." in shown
    assert "Another account was merged into this one" in shown
    assert points(await api.get(f"{CLUB}/accounts/{ana['account']}")) == "420"
    (act,) = acts(api)
    assert (act.object, act.actor.partition(":")[0]) == (web["account"], "staff")
    assert act.detail == {"into": ana["account"], "reason": "one person, two cards"}
    again = await person.send(f"{page}/look", other="ana@mail.example")
    assert "This is the same account already." in plain(again.text)


async def test_of_several_people_one_is_chosen(api: Api) -> None:
    ana = await funded(api, "ana-till", "300", name="Ananya Das")
    others = [await funded(api, f"r{number}", "10", name=f"Rita Paul {number}") for number in range(2)]
    person, page = await signed_in(api, "owner"), f"{MEMBERS}/{ana['id']}/merge"
    text = await looked(person, page, "rita paul", stays="other")
    assert "Several people are meant" in text
    assert sorted(re.findall(r'name="other" value="(mem_\w+)"', text)) == sorted(one["id"] for one in others)
    chosen = await looked(person, page, others[0]["id"], stays="other")
    assert confirm(chosen) | {"once": ""} == {
        "once": "",
        "goes": ana["account"],
        "into": others[0]["account"],
    }


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("nobody at all", "Nobody was found. Nothing was changed."),
        ("", "Say who has the other account. Nothing was changed."),
        ("acc_0000000000000", "there is no such account"),
        ("ana-till", "This is the same account already."),
    ],
)
async def test_who_is_not_there_is_told(api: Api, other: str, said: str) -> None:
    ana = await funded(api, "ana-till", "300", name="Ananya Das")
    person, page = await signed_in(api), f"{MEMBERS}/{ana['id']}/merge"
    await person.get(page)
    answer = await person.send(f"{page}/look", other=other)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert "Which other account is theirs?" in plain(answer.text)


async def test_who_may_not_merge_and_forged_forms_are_refused(api: Api) -> None:
    ana, web = await funded(api, "ana-till", "300"), await funded(api, "ana-web", "120")
    page = f"{MEMBERS}/{ana['id']}/merge"
    for role in ("support", "auditor"):
        person = await signed_in(api, role)
        assert f'href="{page}"' not in (await person.get(f"{MEMBERS}/{ana['id']}")).text
        assert "Your role does not allow this." in plain((await person.get(page)).text)
        for path in (page, f"{page}/look"):
            assert (await person.send(path, other="ana-web")).status_code == 403
    person = await signed_in(api, "manager")
    form = confirm(await looked(person, page, "ana-web"))
    token, person.token = person.token, "0" * 64
    assert (await person.send(page, **form, reason="x")).status_code == 403
    person.token = token
    # A form about two other accounts than this page's is no form of this page.
    strange = await funded(api, "bela", "5")
    forged = {**form, "goes": strange["account"], "into": web["account"], "reason": "x"}
    answer = await person.send(page, **forged)
    assert answer.status_code == 422
    assert acts(api) == []
    assert points(await api.get(f"{CLUB}/accounts/{strange['account']}")) == "5"
    assert web["account"] == form["goes"]
