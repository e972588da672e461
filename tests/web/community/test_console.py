"""The queue in the console: who may decide, what is seen, and that it brings what it should."""

from __future__ import annotations

from guerdon.programs.tenants import tenant_id_of
from tests.web.community.conftest import Club, photo
from tests.web.console.desk import signed_in
from tests.web.console.test_orders import plain

PAGE = "/console/p/club/community"


async def test_staff_decides_with_a_reason_and_a_row_in_the_trail(club: Club) -> None:
    one = await club.post("ananya", "First <b>line</b>\nspam here", product="BP-40", photo=photo((600, 300)))
    other = await club.post("ben", "Something rude")
    before = int(await club.points("ananya"))
    person = await signed_in(club.api, "support")
    shown = await person.get(PAGE)
    page = plain(shown.text)
    assert "Post · BP-40 bought" in page
    assert "It waits because nobody has looked at it yet, it has a word that is kept back." in page
    assert "&lt;b&gt;line&lt;/b&gt;" in shown.text
    assert f'src="{PAGE}/{one["id"]}/photo" width="280" height="140"' in shown.text
    picture = await person.get(f"{PAGE}/{one['id']}/photo")
    assert (picture.headers["content-type"], picture.headers["cache-control"]) == (
        "image/jpeg",
        "private, no-store",
    )
    done = await person.send(f"{PAGE}/{one['id']}", decision="approve", state="waiting")
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?state=waiting&done=approve")
    # Of a photo and three words: both campaigns.
    assert int(await club.points("ananya")) == before + 25
    silent = await person.send(f"{PAGE}/{other['id']}", decision="refuse", reason=" ", state="waiting")
    assert silent.status_code == 422
    assert "reason_missing" in silent.text
    await person.send(f"{PAGE}/{other['id']}", decision="refuse", reason="It is rude.", state="waiting")
    assert "Nothing stands here" in (await person.get(PAGE)).text
    assert "Reason: It is rude." in plain((await person.get(f"{PAGE}?state=refused")).text)
    wrong = await person.send(f"{PAGE}/{other['id']}", decision="burn", state="waiting")
    assert wrong.status_code == 422
    with club.api.house.database.transaction(tenant_id_of(club.api.tenant)) as tx:
        trail = tx.execute(
            "select actor, action, object, detail from audit where action like 'post.%'"
        ).fetchall()
    assert {(action, about) for _, action, about, _ in trail} == {
        ("post.approved", one["id"]),
        ("post.refused", other["id"]),
    }
    assert all(actor.startswith("staff:") for actor, *_ in trail)
    assert [detail["reason"] for _, action, _, detail in trail if action == "post.refused"] == ["It is rude."]


async def test_an_auditor_reads_and_decides_nothing(club: Club) -> None:
    one = await club.post("ananya", "Something to read")
    person = await signed_in(club.api, "auditor")
    page = await person.get(PAGE)
    assert "Something to read" in page.text
    assert 'value="approve"' not in page.text
    refused = await person.send(f"{PAGE}/{one['id']}", decision="approve", state="waiting")
    assert refused.status_code == 403
    assert await club.shown() == []


async def test_the_queue_is_read_in_three_languages(club: Club) -> None:
    await club.post("ananya", "Something to read")
    person = await signed_in(club.api, "manager")
    for language, word in (("bn", "অনুমোদন করুন"), ("hi", "मंज़ूर करें")):
        person.cookies["guerdon_language"] = language
        assert word in (await person.get(PAGE)).text
