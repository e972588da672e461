"""What members do together on their pages: answers, photos, shares, captains; and hostile hands."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

from tests.web.conftest import order
from tests.web.me.conftest import CLUB, DEFINITION, Reader
from tests.web.me.test_circles import of
from tests.web.me.test_deeds import picture, send


async def press(reader: Reader, behind: str, once: str, **fields: str) -> str:
    """Press something that works, and give the page to which it leads."""
    sent = await reader.send(behind, {"once": once, **fields})
    assert sent.status_code == 303, sent.text
    where = sent.headers["location"].removeprefix(reader.path)
    answer = await reader.client.get(f"{reader.path}{where.partition('#')[0]}")
    assert answer.status_code == 200
    assert 'class="note note--good told" role="status"' in answer.text, where
    return answer.text


async def test_a_photo_comes_with_a_post_and_a_question_is_answered(reader: Reader) -> None:
    said = {"once": "p1", "text": "On the pass.", "product": "", "kind": ""}
    sent = await send(reader, "/do/write-post/new", said, picture(2000, 1000))
    assert sent.headers["location"] == f"{reader.path}/club?lang=en&done=write-post#posts", sent.text
    rita = await of(reader, "rita")
    page = await rita.open("/club")
    photo = re.findall(r'<img src="(/photos/[^"]+)"', page)[0]
    assert (await rita.client.get(photo)).headers["content-type"] == "image/jpeg"
    await press(rita, "/do/write-post/new", "q1", text="How do you wash it?", kind="question")
    question = re.findall(r"/do/answer-question/(post_\w+)", await reader.open("/club"))[0]
    page = await press(reader, f"/do/answer-question/{question}", "a1", text="By hand,\r\nin cold water.")
    assert "Answers: 1" in page
    assert "By hand,\nin cold water." in page
    reply = re.findall(r"/do/like-post/(post_\w+)", (await rita.open("/club")).partition("By hand")[2])[0]
    assert "Likes: 1" in await press(rita, f"/do/like-post/{reply}", "l1")
    empty = await reader.send(f"/do/answer-question/{question}", {"once": "a2", "text": "  "})
    assert empty.status_code == 422
    assert "Write a few words." in empty.text
    named = await press(reader, "/do/be-called/name", "n1", name="Trail Fox")
    assert "You are seen as Trail Fox" in named
    assert "Trail Fox" in await rita.open("/club")
    await press(rita, f"/do/report-post/{reply}", "r1", why="rude")
    await press(reader, f"/do/withdraw-post/{reply}", "w1")
    assert "By hand" not in await rita.open("/club")


async def test_an_act_of_the_member_makes_an_address_to_show(reader: Reader) -> None:
    bought = order("o2", time=datetime.now(UTC).isoformat())
    bought["data"]["lines"][0] |= {"sku": "RC/7 ?", "name": "Rain cover"}
    await reader.api.post(f"{CLUB}/events", json=bought)
    before = await reader.open("/club")
    assert "/s/" not in before, "nothing is shown without an act"
    page = await press(reader, "/do/share/purchase", "s1", thing="RC/7 ?")
    link = re.findall(r'readonly value="(http://[^"]+/s/\w+)"', page)[0]
    for place in ("https://wa.me/?text=", "https://t.me/share/url?url=", "mailto:?subject=Rain%20cover"):
        assert place in page, place
    assert (await reader.client.get(link)).status_code == 200
    assert page.count("/s/") == (await press(reader, "/do/share/purchase", "s2", thing="RC/7 ?")).count("/s/")
    code = link.rpartition("/")[2]
    rita = await of(reader, "rita")
    theirs = await rita.send(f"/do/end-share/{code}", {"once": "e1"})
    assert theirs.status_code == 422
    for kind, thing in (("purchase", "RC/7 ?"), ("badge", "regular"), ("reward", "pouch")):
        wrong = await rita.send(f"/do/share/{kind}", {"once": f"x{kind}", "thing": thing})
        assert "Only what is yours can be shown." in wrong.text, kind
    assert (await rita.send("/do/share/everything", {"once": "x"})).status_code == 404
    await press(reader, f"/do/end-share/{code}", "e2")
    assert (await reader.client.get(link)).status_code == 404


async def test_a_captain_lets_in_hands_over_and_ends_a_team(reader: Reader) -> None:
    await reader.api.apply(DEFINITION.replace("size: 3, join: open", "size: 3, join: asked"))
    await reader.api.enrol(external_id="tariq", email="tariq@mail.example")
    rita, tariq = await of(reader, "rita"), await of(reader, "tariq")
    page = await press(reader, "/do/found-team/crew", "t1", name="North Face")
    team = re.findall(r"/do/leave-team/(team_\w+)", page)[0]
    await press(rita, "/do/be-called/name", "n1", name="Rita the Quick")
    assert "Asked" in await press(rita, f"/do/join-team/{team}", "t2")
    page = await reader.open("/club")
    assert "Who wants to join" in page
    assert "Rita the Quick" in page, "by the name that they chose"
    account = re.findall(r'name="thing" value="(acc_\w+)"', page)[0]
    for act in ("accept-mate", "send-away", "hand-over", "refuse-mate"):
        stranger = await tariq.send(f"/do/{act}/{team}", {"once": f"x{act}", "thing": account})
        assert "Only the captain can do this." in stranger.text, act
    page = await press(reader, f"/do/accept-mate/{team}", "t3", thing=account)
    assert "2 of 3" in page
    assert "Who wants to join" not in page
    for person in ("tariq@mail.example", "nobody@mail.example"):
        page = await press(reader, f"/do/invite-mate/{team}", f"i{person}", name=person)
        assert "If they are a member, they find it on their page." in page
    assert "They invite you." in await tariq.open("/club")
    assert "They invite you." not in await press(tariq, f"/do/stay-out/{team}", "t4")
    wrong = await reader.send(f"/do/invite-mate/{team}", {"once": "i3", "name": "what?"})
    assert "This is no e-mail address and no card number." in wrong.text
    assert 'value="what?"' in wrong.text
    await press(reader, f"/do/rename-team/{team}", "t5", name="South Face")
    await press(reader, f"/do/hand-over/{team}", "t6", thing=account)
    assert "You lead it." in await rita.open("/club")
    assert "You lead it." not in await reader.open("/club")
    unsure = await rita.send(f"/do/dissolve-team/{team}", {"once": "t7"})
    assert "Tick the box if you are sure." in unsure.text
    await press(rita, f"/do/dissolve-team/{team}", "t8", sure="yes")
    for one in (reader, rita):
        assert "South Face" not in await one.open("/club")


async def test_one_press_that_comes_64_times_is_one_act(reader: Reader) -> None:
    presses = {
        "/do/found-team/crew": {"name": "North Face"},
        "/do/write-post/new": {"text": "It kept dry all day."},
        "/do/join-challenge/autumn": {},
        "/do/join-board/top": {"name": "Trail Fox"},
    }
    for behind, fields in presses.items():
        form = {"once": "same", **fields}
        sent = await asyncio.gather(*(reader.send(behind, form) for _ in range(64 // len(presses))))
        assert {one.status_code for one in sent} == {303}, behind
    posts = (await reader.api.get(f"{CLUB}/posts")).json()["data"]
    assert len(posts) == 1


async def test_hostile_hands_change_nothing_and_see_a_sentence(reader: Reader) -> None:
    rita = await of(reader, "rita")
    await press(rita, "/do/write-post/new", "p1", text="Mine.")
    post = re.findall(r"/do/withdraw-post/(post_\w+)", await rita.open("/club"))[0]
    wrong = {
        f"/do/withdraw-post/{post}": {},
        "/do/like-post/post_0000000000000": {},
        "/do/leave-team/team_x": {},
        "/do/accept-mate/team_x": {"thing": "acc_x"},
        "/do/join-board/nothing": {"name": "Trail Fox"},
        "/do/join-board/top": {"name": "\u202eevil\u0007"},
        "/do/write-post/new": {"text": "x" * 10_000},
        "/do/answer-question/post_x": {"text": "x"},
        "/do/wait-for-seat/nothing": {},
        "/do/end-share/x": {},
        "/do/be-called/name": {"name": "<b>" * 20},
    }
    for behind, fields in wrong.items():
        sent = await reader.send(behind, {"once": f"w{behind}"[:60], **fields})
        assert sent.status_code == 422, (behind, sent.status_code)
        assert sent.text.count('id="wrong"') == 1, behind
    assert (await reader.send("/do/like-post/post_%00", {"once": "n"})).status_code == 404
    long = await reader.send("/do/write-post/new", {"once": "l", "text": "x" * 5_000_000})
    assert long.status_code == 422
    assert "That was too long." in long.text
    kind = {"content-type": "multipart/form-data"}
    odd = await reader.client.post(f"{reader.path}/do/write-post/new?lang=en", content=b"x", headers=kind)
    assert odd.status_code == 422
    assert "Mine." in await rita.open("/club")
    token = reader.path.rpartition("/")[2]
    for broken in (token[:-2], token + "x", "A" * 4_000):
        sent = await reader.client.post(f"/me/{broken}/do/like-post/{post}", content=b"")
        assert sent.status_code == 404
    await reader.api.post(f"{CLUB}/members/external:ananya/page/end")
    ended = await reader.send(f"/do/like-post/{post}", {"once": "z"})
    assert ended.status_code == 410
    assert "Likes: 0" in await rita.open("/club")


async def test_names_that_turn_letters_around_stay_in_their_place(reader: Reader) -> None:
    rita = await of(reader, "rita")
    await press(rita, "/do/write-post/new", "p1", text="<script>alert(1)</script> שלום \u202e 😀")
    raw = (await reader.client.get(f"{reader.path}/club?lang=en")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in raw
    assert '<p class="said" dir="auto">' in raw
