"""Members' pages at the desk: looking, sending an address, ending what was lost."""

from __future__ import annotations

import re
from html import unescape

from tests.web.console.desk import signed_in
from tests.web.me.conftest import CLUB, Reader


async def test_staff_send_an_address_and_end_a_lost_one(reader: Reader) -> None:
    member = (await reader.api.get(f"{CLUB}/members/external:ananya")).json()["id"]
    room = f"/console/p/club/members/{member}/page"
    person = await signed_in(reader.api, "support")
    desk = await person.get(f"/console/p/club/members/{member}")
    assert room in desk.text
    made = await person.send(f"{room}/link")
    address = unescape(re.findall(r'id="address" readonly value="([^"]+)"', made.text)[0])
    assert address.startswith("http://guerdon.test/me/")
    opened = await person.send(f"{room}/open")
    assert opened.status_code == 303
    for url in (address, opened.headers["location"], reader.path):
        assert (await reader.client.get(url)).status_code == 200
    ended = await person.send(f"{room}/end")
    assert ended.headers["location"] == f"{room}?done=ended"
    page = await person.get(f"{room}?done=ended")
    assert "All addresses that were made for them have ended." in page.text
    for url in (address, opened.headers["location"], reader.path):
        assert (await reader.client.get(url)).status_code == 410
    owner = await signed_in(reader.api, "owner")
    trail = (await owner.get("/console/audit")).text
    for action in ("member.page_opened", "member.link_made", "member.links_ended"):
        assert action in trail, action


async def test_who_may_only_read_makes_no_address(reader: Reader) -> None:
    member = (await reader.api.get(f"{CLUB}/members/external:ananya")).json()["id"]
    room = f"/console/p/club/members/{member}/page"
    person = await signed_in(reader.api, "auditor")
    assert "Your role does not allow this." in (await person.get(room)).text
    for act in ("open", "link", "end"):
        assert (await person.send(f"{room}/{act}")).status_code == 403
    await reader.open()
    assert (await person.get("/console/p/club/members/mem_0000000000000/page")).status_code == 404
