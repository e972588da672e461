"""Keys over HTTP: made once, rotated with an overlap, ended, and never more than their maker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.programs.audit import list_acts
from guerdon.programs.keys import NewKey, ensure_key
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api

CLUB = "/v1/programs/club"
WANTED = {"name": "web shop", "scopes": ["events:write", "programs:read"]}


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guerdon.web.callers._REMEMBERED_SECONDS", 0.0)


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/v1/keys", json={**WANTED, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def status_of(api: Api, key: str) -> tuple[int, str]:
    answer = await api.client.get(CLUB, headers={"authorization": f"Bearer {key}"})
    return answer.status_code, answer.json().get("code", "")


async def test_a_key_is_made_and_opens_what_it_says(api: Api) -> None:
    key = await made(api, rate_limit=50)
    assert key["key"].startswith(key["prefix"])
    answer = await api.client.get(CLUB, headers={"authorization": f"Bearer {key['key']}"})
    assert answer.headers["ratelimit-policy"] == '"calls";q=100;w=2'
    assert (await api.client.get(f"{CLUB}/members", headers=answer.request.headers)).status_code == 403
    shown = (await api.get(f"/v1/keys/{key['id']}")).json()
    assert "key" not in shown
    assert datetime.fromisoformat(shown["last_used_at"]) > datetime.now(UTC) - timedelta(minutes=2)
    listed = (await api.get("/v1/keys?limit=1")).json()
    rest = (await api.get("/v1/keys", params={"cursor": listed["next"]})).json()["data"]
    assert [one["id"] for one in rest] == [key["id"]]
    assert key["key"] not in str(listed) + str(rest)


async def test_the_same_call_again_gives_the_same_key_and_it_is_not_stored_in_the_clear(api: Api) -> None:
    headers = {"idempotency-key": "once"}
    first = await api.post("/v1/keys", json=WANTED, headers=headers)
    again = await api.post("/v1/keys", json=WANTED, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["key"] == again.json()["key"]
    assert len((await api.get("/v1/keys")).json()["data"]) == 2
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        kept = tx.execute("select answer from idempotency_keys").fetchall()
    assert kept
    assert all(first.json()["key"].encode() not in bytes(row[0]) for row in kept)


async def test_a_rotated_key_opens_beside_its_heir_and_then_no_more(api: Api) -> None:
    old = await made(api)
    rotated = await api.post(f"/v1/keys/{old['id']}/rotate", json={"overlap_hours": 1})
    assert rotated.status_code == 200, rotated.text
    heir = rotated.json()
    assert (heir["name"], heir["scopes"]) == (old["name"], old["scopes"])
    assert await status_of(api, old["key"]) == (200, "")
    assert await status_of(api, heir["key"]) == (200, "")
    shown = (await api.get(f"/v1/keys/{old['id']}")).json()
    assert shown["replaced_by"] == heir["id"]
    left = datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < left <= timedelta(hours=1)
    again = await api.post(f"/v1/keys/{old['id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "key_ended")
    at_once = (await api.post(f"/v1/keys/{heir['id']}/rotate", json={"overlap_hours": 0})).json()
    assert await status_of(api, heir["key"]) == (401, "key_expired")
    assert await status_of(api, at_once["key"]) == (200, "")


async def test_an_expired_key_says_so_at_its_very_end(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    # Also while it is still remembered as good.
    monkeypatch.setattr("guerdon.web.callers._REMEMBERED_SECONDS", 60.0)
    now = datetime.now(UTC)
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        new = NewKey("old", ("all",), "test", now - timedelta(days=2), now + timedelta(hours=1))
        ensure_key(tx, f"gk_{api.tenant}-aging", new, api.house.ids)
    assert await status_of(api, f"gk_{api.tenant}-aging") == (200, "")

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # a clock that stands still
            return now + timedelta(hours=1)

    monkeypatch.setattr("guerdon.web.callers.datetime", Later)
    assert await status_of(api, f"gk_{api.tenant}-aging") == (401, "key_expired")
    answer = await api.client.get(CLUB, headers={"authorization": f"Bearer gk_{api.tenant}-aging"})
    assert answer.headers["www-authenticate"] == 'Bearer realm="guerdon", error="invalid_token"'


async def test_a_key_is_ended(api: Api) -> None:
    key = await made(api)
    ended = await api.call("DELETE", f"/v1/keys/{key['id']}")
    assert ended.json()["revoked_at"] is not None
    assert await status_of(api, key["key"]) == (401, "key_unknown")
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        acts = [row.act.action for row in list_acts(tx, about=key["id"])]
    assert acts == ["key.revoked", "key.made"]


async def test_no_key_gives_more_than_it_may_do(api: Api) -> None:
    clerk = api.with_key("keys:write", "events:write")
    beyond = await clerk.post("/v1/keys", json=WANTED)
    assert (beyond.status_code, beyond.json()["code"]) == (403, "scope_missing")
    assert "programs:read" in beyond.json()["detail"]
    assert (await clerk.post("/v1/keys", json={"name": "x", "scopes": ["all"]})).status_code == 403
    assert (await clerk.post("/v1/keys", json={"name": "x", "scopes": ["events:write"]})).status_code == 201
    mighty = await made(api, scopes=["all"])
    assert (await clerk.post(f"/v1/keys/{mighty['id']}/rotate")).status_code == 403
    assert (await clerk.get("/v1/keys")).status_code == 403


async def test_keys_of_others_are_not_there(api: Api) -> None:
    key = await made(api)
    other = api.with_key("all", tenant=api.tenant + "x")
    for method, path in (("GET", ""), ("POST", "/rotate"), ("DELETE", "")):
        answer = await other.call(method, f"/v1/keys/{key['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
    assert (await other.get("/v1/keys/nothing")).status_code == 404
    assert await status_of(api, key["key"]) == (200, "")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"scopes": ["events:wrote"]}, "scope_unknown", "/scopes"),
        ({"name": "a\nb"}, "key_name_invalid", "/name"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "key_expiry_invalid", "/expires_at"),
        ({"expires_at": "2035-01-01T00:00:00"}, "wrong_value", "/expires_at"),
        ({"rate_limit": -1}, "wrong_value", "/rate_limit"),
        ({"surprise": 1}, "unknown_field", "/surprise"),
    ],
)
async def test_a_wrong_wish_is_refused(api: Api, changes: dict[str, Any], code: str, pointer: str) -> None:
    answer = await api.post("/v1/keys", json={**WANTED, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
