"""Who has no business here: other tenants, keys for other things, touched tokens, made up cursors."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import Any

import pytest

from tests.web.conftest import Api, make_key
from tests.web.hostile.conftest import Besieged
from tests.web.hostile.test_doors import CALLS, PATHS, WITH_BODY
from tests.web.hostile.town import SHOP, build, newcomer

_OWN = re.compile(r"[a-z]{2,4}_[0-9a-z]{13}")
_ODD: dict[type, tuple[Any, ...]] = {
    int: (2**63, -(2**63) - 1, 10**40, -1, 1.5, None, "x"),
    str: ("\0", "a\0b", "x" * 300, "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "\u202e", 1, None),
    bool: (0, "true", None),
}


def _request(besieged: Besieged, name: str, **other: str) -> tuple[str, str, dict[str, Any]]:
    method, template = name.split()
    more: dict[str, Any] = {}
    if name in WITH_BODY:
        more = {
            "content": json.dumps(besieged.town.body(method, template)).encode(),
            "headers": {"content-type": "application/json"},
        }
    return method, besieged.town.path(template, **other), more


async def test_another_tenant_finds_nothing(besieged: Besieged) -> None:
    """Neither behind the program's name, nor by an id that it learned, with a program of the same name."""
    besieged.api = besieged.api.with_key("all", tenant=f"{besieged.api.tenant}-next-door")
    besieged.watch.look()
    for name in CALLS:
        if "{program}" in name and not name.startswith("PUT"):
            method, path, more = _request(besieged, name)
            answer = await besieged.send(method, path, "another tenant", **more)
            if answer.status_code not in (404, 422):
                besieged.wrong.append(f"{name} → {answer.status_code} {answer.text[:200]}")
    own = await build(besieged.api)
    besieged.watch.look()
    ids = {noun: number for noun, number in besieged.town.known.items() if _OWN.fullmatch(number)}
    for noun, name in ((noun, name) for noun in ids for name in CALLS if f"{{{noun}}}" in name):
        method, template = name.split()
        body = {"json": own.body(method, template)} if name in WITH_BODY else {}
        path = own.path(template, **{noun: ids[noun]})
        answer = await besieged.send(method, path, f"{noun} of another tenant", **body)
        if answer.status_code < 400 and not _says_nothing(answer.json()):
            besieged.wrong.append(f"{name} → {answer.status_code} {answer.text[:200]}")
    besieged.check()


def _says_nothing(body: dict[str, Any]) -> bool:
    return body.get("data") == [] or body.get("taken") is False


async def test_a_key_opens_what_it_says_alone(besieged: Besieged) -> None:
    keys = [besieged.api.with_key(scope) for scope in ("webhooks:read", "draws:read")]
    besieged.watch.look()
    for name in CALLS:
        method, path, more = _request(besieged, name)
        said = []
        for besieged.api in keys:
            if name.split()[1] not in ("/v1/witness/add-checkpoint", "/v1/hooks/{hook}"):
                answer = await besieged.send(method, path, "a key for other things", **more)
                said.append((answer.status_code, answer.json().get("code")))
        if said and (403, "scope_missing") not in said:
            besieged.wrong.append(f"{name} → {said}")
    besieged.check()


async def test_a_key_that_was_touched_opens_nothing(besieged: Besieged) -> None:
    good = besieged.api.key
    ended = make_key(besieged.api.house, besieged.api.tenant, ("events:read",))
    keys = [good[:-1], good + "a", good.upper(), good.replace("gk_", "gk-"), "", " ", "gk_", "x" * 5000, "💥"]
    keys += [good[:at] + ("a" if good[at] != "a" else "b") + good[at + 1 :] for at in range(3, len(good), 5)]
    for key in keys:
        for scheme in ("Bearer ", "Basic ", "bearer", ""):
            sent = {b"authorization": f"{scheme}{key}".encode()}
            answer = await besieged.api.client.get(SHOP, headers=sent)
            assert answer.status_code in (401, 429), (key, answer.text)
            assert good not in answer.text
    both = [("authorization", f"Bearer {ended}"), ("authorization", f"Bearer {good}")]
    assert (await besieged.api.client.get(SHOP, headers=both)).status_code == 403, "the first one counts"


async def test_no_cursor_breaks_a_list(besieged: Besieged) -> None:
    """Each list's own cursor with other values in it, and those of the other lists."""
    lists = [name for name in CALLS if _parameter(name, "cursor")]
    real: dict[str, str] = {}
    for name in lists:
        _, path, _ = _request(besieged, name)
        few = "?limit=1" if _parameter(name, "limit") else ""
        own = "&member=external:ananya" if _parameter(name, "member") else ""
        answer = await besieged.send("GET", path + (few + own or "").replace("?&", "?"), "a first page")
        if answer.status_code == 200 and answer.json().get("next"):
            real[name] = answer.json()["next"]
    assert len(real) >= 6, sorted(real)
    for name in lists:
        _, path, _ = _request(besieged, name)
        for cursor in {*real.values(), *(made for one in real.values() for made in _altered(one))}:
            await besieged.send("GET", f"{path}?cursor={cursor}", f"cursor {cursor}")
    besieged.check()


def _parameter(name: str, wanted: str) -> bool:
    method, path = name.split()
    return any(one["name"] == wanted for one in PATHS[path][method.lower()].get("parameters", ()))


def _opened(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _closed(place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).rstrip(b"=").decode()


def _altered(cursor: str) -> list[str]:
    """Put another value into each place of a cursor."""
    try:
        place = json.loads(_opened(cursor))
    except ValueError:
        # A number or a name as it stands.
        return [cursor[:-1], cursor + "0", "%00", "x" * 400, "9" * 19, "9" * 40, "-1"]
    if not isinstance(place, list | dict):
        return [_closed(value) for value in _ODD.get(type(place), ())]
    made = [_closed([]), _closed({}), _closed([place, place])]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    for key in keys:
        for value in _ODD.get(type(place[key]), (None,)):
            changed = json.loads(json.dumps(place))
            changed[key] = value
            made.append(_closed(changed))
    return made


async def _signed(api: Api) -> dict[str, str]:
    """Addresses and codes that are signed, by what they open."""
    one = await newcomer(api, f"nia-{secrets.token_hex(4)}")
    page = (await api.post(f"{SHOP}/members/{one}/page", json={"hours": 1})).json()
    quiz = (await api.post(f"{SHOP}/quizzes/know_your_tea/link", json={"member": one})).json()
    return {"page": page["url"], "quiz": quiz["url"]}


@pytest.mark.parametrize("which", ["page", "quiz"])
async def test_an_address_that_was_touched_opens_nothing(besieged: Besieged, which: str) -> None:
    good = (await _signed(besieged.api))[which]
    front, _, token = good.rpartition("/")
    touched = [token[:-1], token + "a", token.upper(), token[::-1], "", "a", ".", token * 50]
    touched += [token[:at] + ("x" if token[at] != "x" else "y") + token[at + 1 :] for at in range(len(token))]
    touched += [token[:at] for at in range(0, len(token), 7)]
    assert (await besieged.api.client.get(good)).status_code == 200
    for one in touched:
        answer = await besieged.api.client.get(f"{front}/{one}")
        assert answer.status_code in (404, 410), (one, answer.status_code)
        assert "Nia" not in answer.text


async def test_a_ticket_that_was_touched_lets_nobody_in(besieged: Besieged) -> None:
    ticket = besieged.town.known["ticket"]
    touched = [
        ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]
        for at in range(0, len(ticket), 9)
    ]
    for code in [*touched, ticket[:-5], ticket + ".", "", ".", "..", "a.b.c", "é" * 10, "x" * 50_000]:
        answer = await besieged.send("POST", f"{SHOP}/checkins", code, json={"code": code})
        if answer.status_code < 400:
            besieged.wrong.append(f"{code[:80]} came in")
        said = await besieged.send("POST", f"{SHOP}/access/check", code, json={"token": code})
        if said.status_code < 400 and said.json().get("good") is not False:
            besieged.wrong.append(f"{code[:80]} has access: {said.text[:200]}")
    besieged.check()


async def test_a_clock_at_the_edge_of_the_calendar_breaks_no_call(besieged: Besieged) -> None:
    edges = ("1970-01-01T00:00:00Z", "2200-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    odd = (*edges, "", "now", "1e400", "2026-11-21T10:00:00+99:00", "２０２６-11-21T10:00:00Z")
    for name in CALLS[:: max(1, len(CALLS) // 40)]:
        for clock in odd:
            method, path, more = _request(besieged, name)
            headers = {**more.pop("headers", {}), "guerdon-now": clock.encode()}
            await besieged.send(method, path, f"at {clock}", headers=headers, **more)
    besieged.check()
