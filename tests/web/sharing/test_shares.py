"""What members show to others: addresses, pages with a picture, visits that count, and who joined."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime

import pytest
from httpx2 import Response
from PIL import Image

from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.community.conftest import CLUB, DEFINITION, Club
from tests.web.conftest import Api, order

SHARING = """sharing:
  of: [purchase, badge]
  to: "https://shop.example/club?from=share"
  text: {en: Points for each walk., bn: প্রতিটি হাঁটার জন্য পয়েন্ট।}
  max_per_day: 2
  visits_per_day: 3
"""
CAMPAIGNS = """campaigns:
  visited: {trigger: share.visited, limits: {per_account: 10}, then: [{award: {wallet: points, amount: "1"}}]}
  told: {trigger: share.approved, limits: {per_account: 1}, then: [{award: {wallet: points, amount: "30"}}]}
  brought: {trigger: share.joined, then: [{award: {wallet: points, amount: "100"}}]}
"""
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}
PAID = {
    "id": "A-1",
    "lines": [
        {"id": "1", "sku": "BP-40", "name": "Trail <40>", "price": "79.90", "quantity": 1},
        {"id": "2", "sku": "HAT", "price": "10.00", "quantity": 1},
        {"id": "3", "sku": "MUG", "price": "5.00", "quantity": 1},
    ],
}


@pytest.fixture
async def club(bare: Api) -> Club:
    text = DEFINITION.replace("timezone:", "languages: [en, bn]\ntimezone:").replace(
        "campaigns:\n", SHARING + CAMPAIGNS
    )
    applied = await bare.apply(text)
    assert applied.status_code == 201, applied.text
    for member in ("ananya", "ben"):
        await bare.enrol(external_id=member, name=f"{member.title()} Secret")
    paid = await bare.post(f"{CLUB}/events", json=order("A-1", data=PAID))
    assert paid.status_code == 200, paid.text
    return Club(bare)


async def share(club: Club, what: str = "BP-40", **more: str) -> dict[str, str]:
    said = await club.send("shares", {"member": "ananya", "of": "purchase", "what": what, **more})
    assert said.status_code in (200, 201), said.text
    return dict(said.json())


async def follow(club: Club, path: str, **headers: str) -> Response:
    return await club.api.client.get(path, headers={**BROWSER, **headers})


def tick(club: Club) -> None:
    house = club.api.house
    run_due_of(house.database, house.engine, tenant_id_of(club.api.tenant), datetime.now(UTC))


async def visits(club: Club) -> list[int]:
    return [one["visits"] for one in (await club.look("shares?member=ananya"))["data"]]


async def test_a_share_shows_what_is_theirs_and_names_nobody(club: Club) -> None:
    made = await share(club)
    assert re.fullmatch(r"/s/[2-9a-hjkmnp-z]{11}", made["url"])
    assert (await share(club))["code"] == made["code"], "the same thing has one address"
    page = await follow(club, made["url"])
    assert page.status_code == 200
    for wanted in (
        '<meta property="og:title" content="Trail &lt;40&gt;">',
        '<meta property="og:description" content="A member bought this. Points for each walk.">',
        f'<meta property="og:url" content="http://guerdon.test{made["url"]}">',
        f'<meta property="og:image" content="http://guerdon.test{made["url"]}/card.png?lang=en">',
        f'href="https://shop.example/club?from=share&amp;share={made["code"]}"',
        '<meta name="robots" content="noindex">',
    ):
        assert wanted in page.text, wanted
    assert "Secret" not in page.text
    assert "<script" not in page.text
    await club.send("public_names", {"member": "ananya", "name": "Ananya"})
    bengali = await follow(club, f"{made['url']}?lang=bn")
    assert "Ananya এটি কিনেছেন" in bengali.text
    assert "প্রতিটি হাঁটার জন্য পয়েন্ট।" in bengali.text


async def test_its_picture_is_drawn_or_the_products_own(club: Club) -> None:
    made = await share(club)
    for language in ("en", "bn", "hi"):
        card = await follow(club, f"{made['url']}/card.png?lang={language}")
        assert card.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(card.content)) as image:
            assert image.size == (1200, 630)
            assert len(image.getcolors(100_000) or ()) > 10, "something is written on it"
    own = await share(club, "HAT", picture="https://shop.example/hat.jpg")
    page = await follow(club, own["url"])
    assert '<meta property="og:image" content="https://shop.example/hat.jpg">' in page.text
    assert "HAT" in page.text


async def test_nobody_shows_what_is_not_theirs(club: Club) -> None:
    cases = [
        ({"of": "purchase", "what": "BP-99"}, 422, "not_theirs"),
        ({"of": "badge", "what": "explorer"}, 422, "not_theirs"),
        ({"of": "reward", "what": "pouch"}, 409, "sharing_closed"),
        ({"of": "purchase", "what": "BP-40", "picture": "javascript:alert(1)"}, 422, "address_invalid"),
    ]
    for body, status, code in cases:
        said = await club.send("shares", {"member": "ananya", **body})
        assert (said.status_code, said.json()["code"]) == (status, code), body
    await share(club)
    await share(club, "HAT")
    more = await club.send("shares", {"member": "ananya", "of": "purchase", "what": "MUG"})
    assert (more.status_code, more.json()["code"]) == (429, "shares_too_many")


async def test_people_count_once_a_day_and_machines_do_not(club: Club) -> None:
    made = await share(club)
    before = int(await club.points("ananya"))
    for agent in (
        "Twitterbot/1.0",
        "facebookexternalhit/1.1 Mozilla/5.0",
        "curl/8",
        "",
        "Mozilla/5.0 Googlebot/2.1",
    ):
        assert (await follow(club, made["url"], **{"user-agent": agent})).status_code == 200
    await follow(club, made["url"], **{"sec-purpose": "prefetch;prerender"})
    await follow(club, made["url"], **{"sec-fetch-dest": "image"})
    assert await visits(club) == [0]
    for _ in range(3):
        await follow(club, made["url"])
    assert await visits(club) == [1]
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        ((visitor,),) = tx.execute("select visitor from share_visits").fetchall()
        assert len(visitor) == 32
        assert b"127.0.0.1" not in bytes(visitor)
    tick(club)
    tick(club)
    (told,) = await club.events("share.visited")
    assert told["data"] == {"share": made["code"], "kind": "purchase", "what": "BP-40", "number": 1}
    assert int(await club.points("ananya")) == before + 1


async def test_visits_of_a_day_have_an_end(club: Club) -> None:
    made = await share(club)
    code = made["code"]
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    from guerdon.engine.sharing.making import visit

    for place in range(6):
        with house.database.transaction(tenant) as tx:
            program = house.program(tx, "club")
            at = datetime(2026, 11, 21, 15, tzinfo=UTC)
            visit(tx, house.vault(tenant), (program, code), (f"203.0.113.{place}", at))
    assert await visits(club) == [3]


async def test_who_joins_is_traced_back(club: Club) -> None:
    made = await share(club)
    before = int(await club.points("ananya"))
    body = {"external_id": "dana", "share": made["code"]}
    headers = {"guerdon-now": "2026-11-21T13:00:00Z"}
    for status in (201, 200):
        said = await club.api.post(f"{CLUB}/members", json=body, headers=headers)
        assert (said.status_code, said.json()["warnings"]) == (status, []), (
            "the same call again is no mistake"
        )
    gone = await club.api.post(
        f"{CLUB}/members", json={"external_id": "eve", "share": "nonsense"}, headers=headers
    )
    assert gone.status_code == 201, "a wrong code keeps nobody out"
    (warned,) = gone.json()["warnings"]
    assert (warned["code"], warned["pointer"]) == ("share_unknown", "/share")
    for member, code in (("ananya", "share_own"), ("ben", "share_late")):
        later = {**body, "external_id": member}
        known = await club.api.post(
            f"{CLUB}/members", json=later, headers={"guerdon-now": "2026-11-24T12:00:00Z"}
        )
        assert (known.status_code, [one["code"] for one in known.json()["warnings"]]) == (200, [code])
    club.now = "2026-11-24T12:00:00Z"
    long_ago = await club.send(f"shares/{made['code']}/joins", {"member": "ben"})
    own = await club.send(f"shares/{made['code']}/joins", {"member": "ananya"})
    assert (long_ago.json()["noted"], own.json()["noted"]) == (False, False)
    tick(club)
    assert int(await club.points("ananya")) == before + 100
    (one,) = (await club.look("shares?member=ananya"))["data"]
    assert one["joined"] == 1
    assert len(await club.events("share.joined")) == 1


async def test_staff_approves_that_it_was_shared(club: Club) -> None:
    made = await share(club)
    before = int(await club.points("ananya"))
    path = f"shares/{made['code']}/claims"
    said = await club.send(path, {"member": "ananya", "url": "https://social.example/a/1"})
    assert (said.status_code, said.json()["state"], said.json()["kind"]) == (201, "waiting", "share")
    again = await club.send(path, {"member": "ananya", "url": "https://social.example/a/1"})
    assert again.json()["code"] == "post_repeated"
    other = await club.send(path, {"member": "ben", "url": "https://social.example/b/1"})
    assert other.json()["code"] == "share_not_found"
    wrong = await club.send(path, {"member": "ananya", "url": "http://social.example/a/2"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "address_invalid")
    await club.decide(said.json())
    (told,) = await club.events("share.approved")
    assert told["data"] == {
        "share": made["code"], "kind": "purchase", "what": "BP-40", "post": said.json()["id"]
    }  # fmt: skip
    assert int(await club.points("ananya")) == before + 30
    assert await club.shown() == [], "it is word to staff, and no post"


async def test_a_share_ends(club: Club) -> None:
    made, other = await share(club), await share(club, "HAT")
    theirs = await club.send(f"shares/{made['code']}/end", {"member": "ben"})
    assert theirs.json()["code"] == "share_not_found"
    ended = await club.send(f"shares/{made['code']}/end", {"member": "ananya"})
    assert ended.json()["ended_at"] is not None
    gone = await follow(club, made["url"])
    assert (gone.status_code, "Nothing here" in gone.text) == (404, True)
    assert (await follow(club, "/s/aaaaaaaaaaa")).status_code == 404
    assert (await follow(club, "/s/%27or1=1--")).status_code == 404
    erased = await club.api.call("DELETE", f"{CLUB}/members/ananya")
    assert erased.status_code == 200, erased.text
    assert (await follow(club, other["url"])).status_code == 404
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        rows = tx.execute("select shown from shares").fetchall()
    assert json.dumps([row[0] for row in rows]) == "[{}, {}]"
