"""Signing in: who gets in, what the cookies are, and what every page of the console carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.sessions import IDLE
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import PASSWORD, Person, hire, signed_in


async def test_nobody_sees_a_page_before_signing_in(api: Api) -> None:
    stranger = Person(api.client, api.tenant)
    for path in ("/console", "/console/p/club", "/console/keys", "/console/account"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in"), path


async def test_somebody_signs_in_sees_the_overview_and_signs_out(api: Api) -> None:
    person = await signed_in(api)
    assert (await person.get("/console")).headers["location"] == "/console/p/club"
    page = await person.get("/console/p/club")
    assert page.status_code == 200
    assert "0 members bought." in page.text
    before = dict(person.cookies)
    assert (await person.send("/console/sign-out")).status_code == 303
    person.cookies = before
    assert (await person.get("/console/p/club")).headers["location"] == "/console/sign-in"
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        actions = [row.act.action for row in list_acts(tx)]
    assert actions[:3] == ["staff.signed_out", "staff.signed_in", "staff.added"]


async def test_cookies_are_closed_to_scripts_and_to_other_sites(api: Api) -> None:
    staff = hire(api.house, api.tenant, "owner")
    person = Person(api.client, api.tenant)
    answer = await person.sign_in(staff.email)
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("guerdon_session="))
    words = {word.strip().lower() for word in cookie.split(";")}
    assert {"httponly", "samesite=lax", "path=/console"} <= words
    headers = {"x-forwarded-proto": "https"}
    again = await api.client.get("/console/sign-in", headers=headers)
    assert "Secure" in again.headers["set-cookie"]


async def test_pages_allow_no_script_no_frame_and_no_foreign_form(api: Api) -> None:
    person = await signed_in(api)
    for path in ("/console/sign-in", "/console/p/club", "/console/p/nothing"):
        headers = (await person.get(path)).headers
        policy = headers.get("content-security-policy", "")
        if path != "/console/sign-in":
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
            assert "form-action 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("email", "password", "organisation"),
    [
        ("owner@shop.example", "another password", None),
        ("nobody@shop.example", PASSWORD, None),
        ("owner@shop.example", PASSWORD, "nowhere"),
        ("owner@shop.example", PASSWORD, "Not a key!"),
        ("", "", None),
    ],
)
async def test_what_is_wrong_about_a_sign_in_is_not_told(
    api: Api, email: str, password: str, organisation: str | None
) -> None:
    hire(api.house, api.tenant, "owner")
    person = Person(api.client, organisation or api.tenant)
    answer = await person.sign_in(email, password)
    assert answer.status_code == 403
    assert "This e-mail and password do not belong together." in answer.text
    assert "guerdon_session" not in person.cookies


async def test_right_passwords_are_not_held_against_the_address_of_an_office(api: Api) -> None:
    staff = hire(api.house, api.tenant, "owner")
    for _ in range(32):
        assert (await Person(api.client, api.tenant).sign_in(staff.email)).status_code == 303
    for wrong in range(30):
        guess = await Person(api.client, api.tenant).sign_in(f"nobody{wrong}@shop.example", "guess")
        assert guess.status_code == 403
    assert (await Person(api.client, api.tenant).sign_in(staff.email)).status_code == 429


async def test_the_sixth_attempt_in_a_quarter_of_an_hour_waits_even_when_it_is_right(api: Api) -> None:
    staff = hire(api.house, api.tenant, "owner")
    person = Person(api.client, api.tenant)
    for _ in range(5):
        assert (await person.sign_in(staff.email, "wrong password")).status_code == 403
    answer = await person.sign_in(staff.email)
    assert answer.status_code == 429
    assert "Try again in 15 minutes." in answer.text
    assert "guerdon_session" not in person.cookies


async def test_a_form_without_this_sessions_token_changes_nothing(api: Api) -> None:
    person, other = await signed_in(api), Person(api.client, api.tenant)
    hire(api.house, api.tenant, "owner", "rita@shop.example")
    await other.sign_in("rita@shop.example")
    for token in ("", "0" * 64, other.token):
        answer = await person.send("/console/sign-out", form_token=token)
        assert answer.status_code == 403
        assert "form_stale" in answer.text
    assert (await person.get("/console/p/club")).status_code == 200
    bare = Person(api.client, api.tenant)
    answer = await bare.send("/console/sign-in", email="owner@shop.example", password=PASSWORD)
    assert answer.status_code == 403


async def test_a_session_that_nobody_uses_ends(api: Api) -> None:
    person = await signed_in(api)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        tx.execute(
            "update staff_sessions set seen_at = %s", (datetime.now(UTC) - IDLE - timedelta(minutes=1),)
        )
    assert (await person.get("/console/p/club")).headers["location"] == "/console/sign-in"


async def test_a_chosen_password_ends_other_sessions(api: Api) -> None:
    person = await signed_in(api)
    elsewhere = Person(api.client, api.tenant)
    await elsewhere.sign_in("owner@shop.example")
    chosen = "a better one of four"
    wrong = await person.send("/console/account", old="not this", new=chosen, again=chosen)
    assert "The old password is another one." in wrong.text
    differs = await person.send("/console/account", old=PASSWORD, new=chosen, again="other")
    assert "The two new passwords differ." in differs.text
    weak = await person.send("/console/account", old=PASSWORD, new="short", again="short")
    assert "a password has 10 to 200 characters" in weak.text
    done = await person.send("/console/account", old=PASSWORD, new=chosen, again=chosen)
    assert done.status_code == 303
    assert (await person.get("/console/p/club")).status_code == 200
    assert (await elsewhere.get("/console/p/club")).status_code == 303
    assert (await Person(api.client, api.tenant).sign_in("owner@shop.example")).status_code == 403


async def test_theme_and_language_are_kept_and_lead_nowhere_else(api: Api) -> None:
    person = await signed_in(api)
    answer = await person.send("/console/look", theme="dark", language="bn", back="/console/p/club")
    assert answer.headers["location"] == "/console/p/club"
    page = await person.get("/console/p/club")
    assert '<html lang="bn" data-theme="dark">' in page.text
    assert "সারসংক্ষেপ" in page.text
    for away in ("//elsewhere.example", "https://elsewhere.example", "/console/\\elsewhere", "/consoles"):
        answer = await person.send("/console/look", theme="neon", language="xx", back=away)
        assert answer.headers["location"] == "/console", away
    assert person.cookies["guerdon_theme"] == "dark"
