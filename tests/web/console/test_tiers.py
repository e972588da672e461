"""Tiers in the console: where a member stands, giving a tier to a day, and taking it back."""

from __future__ import annotations

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import signed_in
from tests.web.console.test_members import ananya

GOLD = {"choice": "club.gold", "until": "2099-12-31", "reason": "gold elsewhere"}


async def test_a_tier_is_given_once_told_in_the_story_and_taken_back(api: Api) -> None:
    page, person = await ananya(api), await signed_in(api, "support")
    shown = await person.get(f"{page}/tiers")
    assert "840.20 more." in shown.text
    fields = {**GOLD, "once": "a" * 32}
    for _ in range(2):
        said = await person.send(f"{page}/tiers", **fields)
        assert said.headers["location"] == f"{page}/tiers?done=given"
    given = (await person.get(f"{page}/tiers?done=given")).text
    assert "The tier is given." in given
    # The day that was typed is the last one.
    assert "An operator gave Gold until 31 December 2099" in given
    story = (await person.get(page)).text
    assert story.count("Gold given by staff") == 1
    assert story.count("A tier given by staff") == 1
    said = await person.send(f"{page}/tiers", end="club", reason="it ended there")
    assert said.headers["location"] == f"{page}/tiers?done=ended"
    assert "what was given has ended" in (await person.get(page)).text
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act for row in list_acts(tx) if row.act.action.startswith("tier.")]
    assert {(one.action, one.detail["reason"]) for one in acts} == {
        ("tier.given", "gold elsewhere"),
        ("tier.ended", "it ended there"),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"until": ""}, "without end only tiers by invitation"),
        ({"until": "31.12.2099"}, "The day is written like"),
        ({"until": "2001-01-01"}, "an instant that is still to come"),
        ({"choice": "club.platinum"}, "there is no tier"),
        ({"choice": ""}, "Choose a tier."),
        ({"reason": ""}, "Say why."),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    api: Api, change: dict[str, str], said: str
) -> None:
    page, person = await ananya(api), await signed_in(api)
    await person.get(f"{page}/tiers")
    answer = await person.send(f"{page}/tiers", **{**GOLD, **change})
    assert answer.status_code == 422
    assert said in answer.text
    if "reason" not in change:
        assert 'value="gold elsewhere"' in answer.text
    assert "Gold given by staff" not in (await person.get(page)).text


async def test_an_auditor_reads_and_gives_nothing(api: Api) -> None:
    page, person = await ananya(api), await signed_in(api, "auditor")
    assert "Give it" not in (await person.get(f"{page}/tiers")).text
    answer = await person.send(f"{page}/tiers", **GOLD)
    assert answer.status_code == 403
