"""Content for some: shown by interest, segment, tier and day, and to nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.web.taking.conftest import Shop

PROGRAM = """
program: club
currency: USD
timezone: America/New_York
languages: [en, bn, hi]
wallets: {stars: {unit: stars, scale: 1}, points: {unit: points, rounding: floor}}
attributes: {persona: {type: string, values: [student, traveller]}, loves: {type: list(string)}}
metrics: {spend: {event: order.paid, value: order.net, window: calendar_year}}
ladders:
  club: {metric: spend, review: calendar_year, tiers: {bronze: {from: 0}, gold: {from: 100}}}
segments: {students: account.owner.attributes.persona == 'student'}
content:
  study:
    name: {en: Study bags, bn: পড়ার ব্যাগ, hi: पढ़ाई के बैग}
    text: {en: Five bags for a term, bn: এক টার্মের জন্য পাঁচটি ব্যাগ, hi: एक सत्र के लिए पाँच बैग}
    url: https://club.example/study
    picture: bags/study
    alt: A bag full of books
    for: "'students' in account.segments"
  trails: {text: Ten trails, audience: "'hiking' in account.owner.attributes.loves"}
  gold_film:
    url: "https://club.example/film"
    for: "account.tiers.club.key == 'gold'"
    from: 2026-11-21
    until: 2026-11-30
  all: {text: For everybody, starts: 2026-12-24, ends: 2026-12-24}
"""


@pytest.fixture
async def club(shop: Shop) -> Shop:
    said = await shop.api.apply(PROGRAM)
    assert said.status_code == 201, said.text[:500]
    return shop


async def seen(club: Shop, member: str = "ana", language: str = "") -> dict[str, dict[str, str | None]]:
    rest = f"?language={language}" if language else ""
    return {one["key"]: one for one in (await club.get(f"members/external:{member}/content{rest}"))["data"]}


async def change(club: Shop, member: str, **profile: object) -> None:
    status, said = await club.ask("PATCH", f"members/external:{member}", json=profile)
    assert status == 200, said


async def test_each_sees_what_is_for_them_in_their_language(club: Shop) -> None:
    (study,) = (await seen(club)).values()
    assert study == {
        "key": "study",
        "name": "Study bags",
        "text": "Five bags for a term",
        "url": "https://club.example/study",
        "picture": "bags/study",
        "alt": "A bag full of books",
        "ends_at": None,
    }
    assert await seen(club, "bob") == {}
    await change(club, "ana", language="bn")
    assert (await seen(club))["study"]["name"] == "পড়ার ব্যাগ"
    assert (await seen(club, language="hi"))["study"]["name"] == "पढ़ाई के बैग"
    assert (await seen(club, language="fr"))["study"]["name"] == "Study bags"
    await change(club, "bob", attributes={"loves": ["food", "hiking"]})
    assert (await seen(club, "bob"))["trails"]["name"] == "trails"
    await change(club, "ana", attributes={"persona": "traveller"})
    assert await seen(club) == {}


async def test_tiers_and_days_open_it_and_close_it(club: Shop) -> None:
    await club.order("A-1", "100.00")
    film = (await seen(club))["gold_film"]
    assert (film["url"], film["text"]) == ("https://club.example/film", None)
    assert film["ends_at"] == "2026-11-30T23:59:59.999999-05:00"
    status, said = await club.ask("POST", "orders/A-1/returns", json={"id": "R-1", "all": True})
    assert status == 200, said
    assert "gold_film" not in await seen(club)
    await club.order("A-2", "100.00")
    club.now = datetime.fromisoformat("2026-12-01T04:59:00+00:00")
    assert "gold_film" in await seen(club)
    club.now += timedelta(minutes=1)
    assert "gold_film" not in await seen(club)
    club.now = datetime.fromisoformat("2026-12-24T05:00:00+00:00")
    assert "all" in await seen(club, "bob")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{name: Nothing}", "one_of_these"),
        ("{text: Look, url: 'javascript:alert(1)'}", "bad_address"),
        ("{text: Look, for: 'order.net > 3'}", "unknown_name"),
        ("{text: Look, for: '3'}", "type_mismatch"),
        ("{text: Look, from: 2026-12-02, until: 2026-12-01}", "ends_before_start"),
        ("{text: Look, fro: 2026-12-02}", "unknown_key"),
    ],
)
async def test_what_cannot_be_shown_is_refused(shop: Shop, entry: str, code: str) -> None:
    said = await shop.api.apply(PROGRAM + f"  wrong: {entry}\n")
    assert said.status_code == 422
    assert code in {one["code"] for one in said.json()["errors"]}, said.text
    assert all(one["pointer"].startswith("/content/wrong") for one in said.json()["errors"])


async def test_the_plan_says_what_is_new_and_what_nobody_sees(club: Shop) -> None:
    never = "  never: {text: Look, for: \"account.tiers.club.key == 'platinum'\"}\n"
    path = "/v1/programs/club?dry_run=true"
    body = (
        PROGRAM.replace("until: 2026-11-30", "until: 2026-11-20").replace("    from: 2026-11-21\n", "")
        + never
    )
    said = await club.api.call(
        "PUT", path, content=body.encode(), headers={"content-type": "application/yaml", **club.clock}
    )
    plan = said.json()
    lines = " ".join(str(one) for one in plan["changes"])
    assert "New content `never` for those for whom" in lines, lines
    assert "The content `gold_film` ends with 20 November 2026 instead of 30." in lines, lines
    warned = {(one["code"], one["pointer"]) for one in plan["warnings"]}
    assert ("condition_never_true", "/content/never/for") in warned, warned
    assert any(pointer.startswith("/content/gold_film") for _, pointer in warned), warned


async def test_nobody_unknown_is_shown_anything(club: Shop) -> None:
    status, said = await club.ask("GET", "members/external:nobody/content")
    assert (status, said["code"]) == (404, "member_not_found")
    refused = await club.api.with_key("rewards:read").get("/v1/programs/club/members/external:ana/content")
    assert refused.status_code == 403
