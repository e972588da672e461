"""What a member does with others from their page: boards, teams, posts, invitations, seats and lines."""

from __future__ import annotations

import re

from tests.web.me.conftest import CLUB, Reader


async def of(reader: Reader, member: str) -> Reader:
    """The page of somebody else."""
    made = await reader.api.post(f"{CLUB}/members/external:{member}/page")
    return Reader(reader.api, made.json()["url"])


async def test_a_board_is_joined_under_a_name_that_nobody_else_has(reader: Reader) -> None:
    assert "Nobody is in it yet. Be the first." in await reader.open("/club")
    joined = await reader.send("/do/join-board/top", {"once": "b1", "name": "Trail Fox"})
    assert joined.headers["location"] == f"{reader.path}/club?lang=en&done=join-board#boards", joined.text
    page = await reader.open("/club")
    assert 'value="Trail Fox"' in page
    rita = await of(reader, "rita")
    taken = await rita.send("/do/join-board/top", {"once": "b2", "name": "trail fox"})
    assert taken.status_code == 422
    assert "Somebody else has this name." in taken.text
    assert 'value="trail fox"' in taken.text, "what was typed stays"
    assert re.search(r'id="join-board-top"[^>]*aria-invalid="true"', taken.text)
    short = await rita.send("/do/join-board/top", {"once": "b3", "name": "x"})
    assert "A name has 2 to 30 letters" in short.text
    assert (await reader.send("/do/leave-board/top", {"once": "b4"})).status_code == 303
    assert 'value="Trail Fox"' not in await reader.open("/club")


async def test_a_team_is_founded_and_joined(reader: Reader) -> None:
    founded = await reader.send("/do/found-team/crew", {"once": "t1", "name": "North Face"})
    assert founded.status_code == 303, founded.text
    page = await reader.open("/club")
    assert "You are in North Face: 1 of 3. You lead it." in page
    rita = await of(reader, "rita")
    page = await rita.open("/club")
    assert "North Face" in page
    team = re.findall(r"/do/join-team/(team_\w+)", page)[0]
    assert (await rita.send(f"/do/join-team/{team}", {"once": "t2"})).status_code == 303
    assert "You are in North Face: 2 of 3." in await rita.open("/club")
    assert (await rita.send(f"/do/leave-team/{team}", {"once": "t3"})).status_code == 303
    assert (await rita.send("/do/join-team/team_x", {"once": "t4"})).status_code == 422


async def test_posts_are_written_liked_and_taken_back(reader: Reader) -> None:
    assert "Nobody has said anything yet." in await reader.open("/club")
    said = {"once": "p1", "text": "It kept dry <b>all</b> day."}
    assert (await reader.send("/do/write-post/new", said)).status_code == 303
    raw = (await reader.client.get(f"{reader.path}/club?lang=en")).text
    assert "It kept dry &lt;b&gt;all&lt;/b&gt; day." in raw
    assert (await reader.send("/do/write-post/new", said)).status_code == 303, "an impatient finger"
    again = await reader.send("/do/write-post/new", {**said, "once": "p1b"})
    assert again.status_code == 422
    assert "You wrote the very same before." in again.text
    rita = await of(reader, "rita")
    post = re.findall(r"/do/like-post/(post_\w+)", await rita.open("/club"))[0]
    assert (await rita.send(f"/do/like-post/{post}", {"once": "p2"})).status_code == 303
    assert "Likes: 1" in await reader.open("/club")
    assert (await rita.send(f"/do/report-post/{post}", {"once": "p3"})).status_code == 303
    assert (await rita.send(f"/do/withdraw-post/{post}", {"once": "p4"})).status_code == 422
    assert (await reader.send(f"/do/withdraw-post/{post}", {"once": "p5"})).status_code == 303
    assert "It kept dry" not in await rita.open("/club")


async def test_a_friend_is_invited_by_words_that_the_member_copies(reader: Reader) -> None:
    page = await reader.open("/club")
    assert "Nobody has come by your link yet." in page
    code = re.findall(r'Your code: <b class="card__number">([0-9A-Z-]+)</b>', page)[0]
    assert code.replace("-", "") in re.findall(r'(?s)<textarea[^>]*id="share"[^>]*>(.*?)</textarea>', page)[0]


async def test_who_finds_no_seat_waits_and_gets_the_one_that_comes_free(reader: Reader) -> None:
    rita = await of(reader, "rita")
    taken = await reader.send("/take/hall", {"once": "h1", "quantity": "1"})
    behind = taken.headers["location"].removeprefix(reader.path).partition("?")[0]
    ticket = await reader.open(behind)
    assert "Show this at the door." in ticket
    assert ticket.count("<svg") == 2, "the page's own signs, and the code"
    calendar = await reader.client.get(f"{reader.path}{behind}/calendar")
    assert calendar.headers["content-type"].startswith("text/calendar")
    assert "DTSTART:20270302T000000Z" in calendar.text
    assert (await rita.client.get(f"{rita.path}{behind}/calendar")).status_code == 404
    await reader.api.post(f"{CLUB}/events", json=_points("rita"))
    assert "None is left." in await rita.open("/rewards")
    assert (await rita.send("/do/wait-for-seat/hall", {"once": "h2"})).status_code == 303
    assert "Place in line: 1" in await rita.open("/rewards")
    assert (await rita.send("/do/stop-waiting/hall", {"once": "h3"})).status_code == 303
    assert "Place in line" not in await rita.open("/rewards")


def _points(member: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"bag-{member}",
        "source": "shop",
        "type": "item.recycled",
        "time": "2026-11-21T10:00:00Z",
        "subject": f"external:{member}",
        "data": {"grams": 100},
    }
