"""Posts over the API: written, looked at, shown, liked, reported, taken back."""

from __future__ import annotations

import asyncio
import json

from tests.web.community.conftest import CLUB, DEFINITION, Club, photo

SKU = "BP-40"


async def test_a_post_waits_is_approved_and_brings_points_once(club: Club) -> None:
    before = int(await club.points("ananya"))
    one = await club.post("ananya", "Carries  well\r\n\r\n\r\n\r\nin rain.", product=SKU)
    assert (one["state"], one["bought"], one["author"], one["effects"]) == ("waiting", True, None, [])
    assert one["text"] == "Carries well\n\nin rain."
    assert await club.shown() == []
    queue = (await club.look("moderation/posts"))["data"]
    assert [(each["id"], each["held_for"], each["reports"]) for each in queue] == [
        (one["id"], ["approve"], {})
    ]
    held = await club.decide(one)
    assert (held["state"], held["told"], held["decided_by"].split(":")[0]) == ("shown", True, "key")
    assert await club.shown() == ["Carries well\n\nin rain."]
    assert await club.shown(product="OTHER") == []
    assert int(await club.points("ananya")) == before + 20
    assert (await club.decide(one))["state"] == "shown", "the same decision again changes nothing"
    for _ in range(2):
        await club.decide(one, "hide", "It shows a face.")
        assert await club.shown() == []
        await club.decide(one)
    assert int(await club.points("ananya")) == before + 20, "what is shown again brings it once again"
    told = (await club.events("post.approved"))[-1]
    assert told["data"] == {
        "post": one["id"], "kind": "post", "product": SKU, "bought": True, "has_photo": False, "words": 4
    }  # fmt: skip
    other = await club.post("ben", "I want one too", product=SKU)
    assert other["bought"] is False, "Ben bought nothing"


async def test_limits_of_campaigns_hold_for_posts(club: Club) -> None:
    for number in range(3):
        await club.decide(await club.post("ben", f"A post of three words {number}"))
    assert await club.points("ben") == "40", "two in a month bring points"
    more = await club.send("posts", {"member": "ben", "text": "One too many today"})
    assert (more.status_code, more.json()["code"]) == (429, "posts_too_many")
    club.now = "2026-11-22T05:00:00Z"
    await club.post("ben", "A new local day")


async def test_64_callers_post_no_more_than_a_day_has(club: Club) -> None:
    calls = [club.send("posts", {"member": "ben", "text": f"Hurry number {turn}"}) for turn in range(64)]
    codes = [said.status_code for said in await asyncio.gather(*calls)]
    assert (codes.count(201), codes.count(429)) == (3, 61)
    assert len((await club.look("moderation/posts"))["data"]) == 3


async def test_words_links_and_copies_wait(club: Club) -> None:
    await club.api.apply(
        DEFINITION.replace("approve: all", "approve: none").replace("max_per_day: 3", "max_per_day: 20")
    )
    shown = await club.post("ananya", "We sell no spammers here, and version 2.5 is fine")
    assert shown["state"] == "shown", "a word is a whole word"
    reasons = {
        "This is S P A M no, but SPAM!": ["words"],
        "ｂｕｙ   now, friends": ["words"],
        "See my shop.example.com for more": ["links"],
        "Write to ben@mail.example please": ["links"],
        "Call me: +880 1711-123456": ["links"],
        "wWw.cheap.xyz and spam": ["words", "links"],
    }
    for text, why in reasons.items():
        one = await club.post("ben", text)
        assert one["state"] == "waiting", text
        queue = (await club.look("moderation/posts?limit=200"))["data"]
        assert next(each["held_for"] for each in queue if each["id"] == one["id"]) == why, text
    copied = await club.post("carla", "we sell NO spammers here and version 2 5 is fine")
    assert copied["state"] == "waiting"
    again = await club.send(
        "posts", {"member": "carla", "text": "We sell no spammers here! And version 2.5 is fine."}
    )
    assert (again.status_code, again.json()["code"]) == (409, "post_repeated")
    await club.api.apply(DEFINITION.replace("approve: all", "approve: none, links: refuse"))
    refused = await club.send("posts", {"member": "carla", "text": "http://a.example"})
    assert (refused.status_code, refused.json()["code"]) == (422, "links_refused")
    assert refused.json()["errors"][0]["pointer"] == "/text"


async def test_the_first_of_each_member_waits(club: Club) -> None:
    await club.api.apply(DEFINITION.replace("approve: all", "approve: first"))
    first = await club.post("ben", "My first words here")
    second = await club.post("ben", "My second words here")
    assert (first["state"], second["state"]) == ("waiting", "waiting")
    await club.decide(first)
    third = await club.post("ben", "My third words here")
    assert third["state"] == "shown"
    assert [each["award"]["amount"] for each in third["effects"]] == ["20"], (
        "its author reads what it brought"
    )


async def test_likes_are_one_each_and_nobody_likes_their_own(club: Club) -> None:
    one = await club.post("ananya", "A post to be liked")
    early = await club.send(f"posts/{one['id']}/likes", {"member": "ben"})
    assert (early.status_code, early.json()["code"]) == (404, "post_not_found")
    await club.decide(one)
    start = int(await club.points("ananya"))
    for _ in range(2):
        said = await club.send(f"posts/{one['id']}/likes", {"member": "ben"})
        assert (said.json()["likes"], said.json()["liked"], said.json()["effects"]) == (1, True, [])
    own = await club.send(f"posts/{one['id']}/likes", {"member": "ananya"})
    assert (own.status_code, own.json()["code"]) == (409, "own_post")
    await club.send(f"posts/{one['id']}/likes", {"member": "carla"})
    assert int(await club.points("ananya")) == start + 2
    gone = await club.send(f"posts/{one['id']}/unlike", {"member": "ben"})
    assert (gone.json()["likes"], gone.json()["liked"]) == (1, False)
    club.now = "2026-11-21T13:00:00Z"
    await club.send(f"posts/{one['id']}/likes", {"member": "ben"})
    assert int(await club.points("ananya")) == start + 2, "liking again is the same like"
    assert (await club.look(f"posts/{one['id']}?member=ben"))["likes"] == 2
    assert len(await club.events("post.liked")) == 2


async def test_64_callers_like_once_and_no_more_than_a_day_has(club: Club) -> None:
    await club.api.apply(
        DEFINITION.replace("approve: all", "approve: none").replace("max_per_day: 3", "max_per_day: 9")
    )
    posts = [await club.post("ananya", f"Something worth a like {turn}") for turn in range(6)]
    calls = [club.send(f"posts/{posts[turn % 6]['id']}/likes", {"member": "ben"}) for turn in range(64)]
    codes = [said.status_code for said in await asyncio.gather(*calls)]
    assert set(codes) == {201 - 1, 429}
    found = (await club.look("posts?member=ben"))["data"]
    assert sum(one["likes"] for one in found) == sum(one["liked"] for one in found) == 4
    assert len(await club.events("post.liked")) == 4


async def test_reports_take_a_post_off_the_page(club: Club) -> None:
    one = await club.post("ananya", "Something that is wrong")
    await club.decide(one)
    first = await club.send(f"posts/{one['id']}/reports", {"member": "ben", "why": "rude"})
    again = await club.send(f"posts/{one['id']}/reports", {"member": "ben", "why": "spam"})
    assert (first.status_code, again.json()["state"]) == (200, "shown"), "one report for each member"
    own = await club.send(f"posts/{one['id']}/reports", {"member": "ananya", "why": "spam"})
    assert own.json()["code"] == "own_post"
    unknown = await club.send(f"posts/{one['id']}/reports", {"member": "carla", "why": "boring"})
    assert unknown.status_code == 422
    await club.send(f"posts/{one['id']}/reports", {"member": "carla", "why": "rude"})
    assert await club.shown() == []
    (held,) = (await club.look("moderation/posts"))["data"]
    assert (held["held_for"], held["reports"]) == (["reports"], {"rude": 2})
    await club.decide(one)
    assert await club.shown() == ["Something that is wrong"]
    assert len(await club.events("post.approved")) == 1


async def test_questions_are_answered(club: Club) -> None:
    question = await club.post("ananya", "Does it hold a laptop?", kind="question", product=SKU)
    early = await club.send(f"posts/{question['id']}/answers", {"member": "ben", "text": "Yes"})
    assert early.json()["code"] == "post_not_found"
    await club.decide(question)
    answer = (
        await club.send(f"posts/{question['id']}/answers", {"member": "ben", "text": "Mine does."})
    ).json()
    assert (answer["kind"], answer["product"], answer["question"]) == ("answer", SKU, question["id"])
    await club.decide(answer)
    assert await club.points("ben") == "7"
    own = (await club.send(f"posts/{question['id']}/answers", {"member": "ananya", "text": "Good."})).json()
    await club.decide(own)
    assert len(await club.events("answer.approved")) == 1, "an answer to one's own question brings nothing"
    found = (await club.look(f"posts/{question['id']}/answers"))["data"]
    assert [one["text"] for one in found] == ["Mine does.", "Good."]
    assert (await club.look(f"posts/{question['id']}"))["answers"] == 2
    await club.decide(answer, "hide", "Wrong.")
    await club.send(f"posts/{own['id']}/withdraw", {"member": "ananya"})
    assert (await club.look(f"posts/{question['id']}"))["answers"] == 0
    nested = await club.send(f"posts/{answer['id']}/answers", {"member": "carla", "text": "Really?"})
    assert nested.json()["code"] == "post_not_found"


async def test_an_author_takes_their_own_back(club: Club) -> None:
    one = await club.post("ananya", "Words to be forgotten", photo=photo())
    await club.decide(one)
    url = (await club.look(f"posts/{one['id']}"))["photo"]["url"]
    other = await club.send(f"posts/{one['id']}/withdraw", {"member": "ben"})
    assert (other.status_code, other.json()["code"]) == (404, "post_not_found")
    for _ in range(2):
        gone = (await club.send(f"posts/{one['id']}/withdraw", {"member": "ananya"})).json()
        assert (gone["state"], gone["text"], gone["photo"]) == ("withdrawn", "", None)
    assert (await club.api.client.get(url)).status_code == 404
    assert await club.shown() == []
    late = await club.send(f"moderation/posts/{one['id']}", {"decision": "approve"})
    assert (late.status_code, late.json()["code"]) == (409, "post_withdrawn")
    again = await club.post("ananya", "Words to be forgotten")
    assert again["state"] == "waiting", "what is gone is no copy of anything"


async def test_names_are_chosen_and_each_is_one_members(club: Club) -> None:
    for member, text, code in (
        ("ananya", "  Hill\u202e  Walker ", ""),
        ("ben", "HILL WALKER", "name_taken"),
        ("ben", "hillwalker", "name_taken"),
        ("ben", "ben@mail.example", "name_invalid"),
        ("ben", "x", "name_invalid"),
        ("ben", "12345", "name_invalid"),
        ("ben", "পাহাড়ি মেয়ে", ""),
        ("ananya", "Hill Walker", ""),
    ):
        said = await club.send("public_names", {"member": member, "name": text})
        assert said.json().get("code", "") == code, text
    one = await club.post("ananya", "Seen by a name")
    await club.decide(one)
    (seen,) = (await club.look("posts"))["data"]
    assert seen["author"] == "Hill Walker"
    assert "Secret" not in json.dumps(seen)
    taken = await club.send("moderation/public_names", {"member": "ananya"})
    assert taken.json()["name"] is None
    assert (await club.look("posts"))["data"][0]["author"] is None
    free = await club.send("public_names", {"member": "ben", "name": "hill walker"})
    assert free.json()["name"] == "hill walker"


async def test_a_member_who_is_forgotten_leaves_no_words(club: Club) -> None:
    question = await club.post("ben", "Who knows this bag?", kind="question")
    await club.decide(question)
    await club.send("public_names", {"member": "ananya", "name": "Ananya"})
    answer = (
        await club.send(f"posts/{question['id']}/answers", {"member": "ananya", "text": "I do."})
    ).json()
    await club.decide(answer)
    one = await club.post("ananya", "Words and a picture", photo=photo())
    await club.decide(one)
    url = (await club.look(f"posts/{one['id']}"))["photo"]["url"]
    assert (await club.api.client.get(url)).status_code == 200
    erased = await club.api.call("DELETE", f"{CLUB}/members/ananya")
    assert erased.status_code == 200, erased.text
    assert await club.shown() == ["Who knows this bag?"]
    assert (await club.look(f"posts/{question['id']}"))["answers"] == 0
    assert (await club.api.client.get(url)).status_code == 404
    free = await club.send("public_names", {"member": "ben", "name": "Ananya"})
    assert free.status_code == 200
    late = await club.send(f"moderation/posts/{one['id']}", {"decision": "approve"})
    assert late.json()["code"] == "post_withdrawn"


async def test_what_is_sent_wrongly_is_said(club: Club) -> None:
    cases = [
        ({"member": "ananya", "text": " \u200b\n "}, 422, "post_empty"),
        ({"member": "ananya", "text": "", "kind": "question", "photo": photo()}, 422, "post_empty"),
        ({"member": "ananya", "text": "x" * 2_001}, 422, "text_too_long"),
        ({"member": "ananya", "text": "a\0b"}, 400, "nul_character"),
        ({"member": "nobody", "text": "hello"}, 404, "member_not_found"),
        ({"member": "ananya", "text": "hi", "photo": "no base64!"}, 422, "photo_unreadable"),
        ({"member": "ananya", "text": "hi", "photo": "aGVsbG8="}, 422, "photo_unreadable"),
        ({"member": "ananya", "text": "hi", "photo": photo((9, 9))}, 422, "photo_too_small"),
    ]
    for body, status, code in cases:
        said = await club.send("posts", body)
        assert (said.status_code, said.json()["code"]) == (status, code), code
    assert (await club.look("moderation/posts"))["data"] == []
    missing = await club.send("moderation/posts/post_01", {"decision": "approve"})
    assert missing.json()["code"] == "post_not_found"
    one = await club.post("ananya", "Wait for it")
    silent = await club.send(f"moderation/posts/{one['id']}", {"decision": "refuse", "reason": "  "})
    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    await club.decide(one, "refuse", "Off topic.")
    wrong = await club.send(f"moderation/posts/{one['id']}", {"decision": "hide", "reason": "no"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "post_decided")
    (own,) = (await club.look("posts/by/ananya"))["data"]
    assert own["state"] == "refused"
    await club.api.apply(DEFINITION.replace("approve: all", "approve: closed"))
    closed = await club.send("posts", {"member": "ananya", "text": "hello again"})
    assert (closed.status_code, closed.json()["code"]) == (409, "community_closed")


async def test_scopes_and_keys(club: Club) -> None:
    reader = Club(club.api.with_key("posts:read"))
    assert await reader.shown() == []
    for path, body in (
        ("posts", {"member": "ananya", "text": "hi"}),
        ("moderation/posts/x", {"decision": "hide"}),
    ):
        assert (await reader.send(path, body)).status_code == 403
    writer = Club(club.api.with_key("posts:write"))
    first = await writer.send(
        "posts", {"member": "ananya", "text": "hi there"}, headers={"idempotency-key": "k1"}
    )
    again = await writer.send(
        "posts", {"member": "ananya", "text": "hi there"}, headers={"idempotency-key": "k1"}
    )
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert len((await club.look("moderation/posts"))["data"]) == 1


async def test_pages_of_posts_go_on(club: Club) -> None:
    await club.api.apply(
        DEFINITION.replace("approve: all", "approve: none").replace("max_per_day: 3", "max_per_day: 9")
    )
    for number in range(5):
        await club.post("ben", f"Post number {number}")
    page = await club.look("posts?limit=2")
    seen = [one["text"] for one in page["data"]]
    while page["next"]:
        page = await club.look(f"posts?limit=2&cursor={page['next']}")
        seen += [one["text"] for one in page["data"]]
    assert seen == [f"Post number {number}" for number in (4, 3, 2, 1, 0)]
