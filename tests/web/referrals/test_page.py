"""The page that receives a friend: it works without scripts, and tells nobody who is a member."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from httpx2 import Response

from guerdon.programs.tenants import tenant_id_of
from guerdon.web.api.referrals.address import Followed, kept_sign, read_sign
from guerdon.web.pages.invite.routes import TEXTS
from guerdon.web.pages.visits import POLICY
from tests.web.conftest import Api
from tests.web.referrals.conftest import CLUB


@pytest.fixture
async def link(club: Api) -> str:
    await club.enrol(external_id="anna")
    return str((await club.get(f"{CLUB}/invitations", params={"member": "external:anna"})).json()["link"])


async def send(club: Api, page: str, **form: str) -> Response:
    action = re.findall(r'<form method="post" action="([^"]+)"', page)[0].replace("&amp;", "&")
    kept = re.findall(r'name="kept" value="([^"]+)"', page)[0]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await club.client.post(action, content=urlencode({"kept": kept, **form}), headers=headers)


async def test_a_friend_follows_a_link_and_joins(club: Api, link: str) -> None:
    shown = await club.client.get(link)
    assert shown.status_code == 200
    assert shown.headers["content-security-policy"] == POLICY
    assert "50 points" in shown.text
    assert "anna" not in shown.text
    cookie = shown.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=8" in cookie, "ten days, to the beginning of a day"
    done = await send(club, shown.text, email="ben@example.com", birthday="1990-02-29")
    assert done.status_code == 422
    assert TEXTS["en"]["wrong_birthday"] in done.text
    assert 'value="ben@example.com"' in done.text
    done = await send(club, shown.text, email="ben@example.com", name="Ben")
    assert done.status_code == 200
    assert TEXTS["en"]["done"] in done.text
    ben = (await club.get(f"{CLUB}/members/email:ben@example.com")).json()
    assert ben["wallets"]["points"]["available"] == "50"
    again = await send(club, shown.text, email="ben@example.com")
    assert again.text == done.text, "whoever is known is told the same"
    assert len((await club.get(f"{CLUB}/referrals")).json()["data"]) == 1


@pytest.mark.parametrize("language", ["bn", "hi"])
async def test_the_page_speaks_three_languages(club: Api, link: str, language: str) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    shown = await club.client.get(f"{link}&lang={language}")
    assert f'<html lang="{language}"' in shown.text
    assert TEXTS[language]["join"] in shown.text


async def test_the_code_is_kept_as_long_as_it_counts(club: Api, link: str) -> None:
    vault, code = club.house.vault(tenant_id_of(club.tenant)), re.findall(r"/r/club/(\w+)", link)[0]
    now = datetime.now(UTC).replace(microsecond=0)
    back = f"/r/club?t={club.tenant}"
    for days, expected in ((3, "join"), (12, "over")):
        sign = kept_sign(vault, "club", Followed(code, now - timedelta(days=days)))
        page = await club.client.get(back, headers={"cookie": f"guerdon_invited_club={sign}"})
        assert TEXTS["en"][expected] in page.text
    sign = kept_sign(vault, "club", Followed(code, now))
    assert read_sign(vault, "club", sign) == Followed(code, now)
    for wrong in (sign[:-1], sign + "x", f"x{sign}", "", "..", "a.b.c", f"{code}.9.é"):
        assert read_sign(vault, "club", wrong) is None
    assert read_sign(vault, "other", sign) is None


async def test_what_is_no_invitation_is_none(club: Api, link: str) -> None:
    code = re.findall(r"/r/club/(\w+)", link)[0]
    for path, status in (
        (f"/r/club/{code[:-1]}?t={club.tenant}", 404),
        (f"/r/club/{code}", 404),
        (f"/r/nothing/{code}?t={club.tenant}", 404),
        (f"/r/club/%00?t={club.tenant}", 404),
    ):
        answer = await club.client.get(path)
        assert answer.status_code == status, path
        assert "text/html" in answer.headers["content-type"]
    over = await club.client.get(f"/r/club?t={club.tenant}")
    assert TEXTS["en"]["over"] in over.text
    shown = await club.client.get(link)
    headers = {"sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded"}
    sent = await club.client.post(f"/r/club?t={club.tenant}", content="email=a@b.c", headers=headers)
    assert sent.status_code == 403, shown.status_code
