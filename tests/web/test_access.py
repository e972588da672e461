"""Who may do what: keys, scopes, tenants, test clocks, and the limits of a body."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from guerdon.programs.keys import revoke_key
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"
READS = [
    ("programs:read", CLUB),
    ("programs:read", f"{CLUB}/versions"),
    ("programs:read", f"{CLUB}/versions/1"),
    ("programs:read", f"{CLUB}/versions/1/difference"),
    ("members:read", f"{CLUB}/members"),
    ("events:read", f"{CLUB}/events"),
    ("events:read", f"{CLUB}/orders"),
    ("accounts:read", f"{CLUB}/accounts"),
    ("rewards:read", f"{CLUB}/rewards"),
    ("redemptions:read", f"{CLUB}/redemptions"),
]
WRITES = [
    ("programs:write", "PUT", CLUB),
    ("programs:write", "POST", f"{CLUB}/rollback"),
    ("members:write", "POST", f"{CLUB}/members"),
    ("members:write", "PATCH", f"{CLUB}/members/ananya"),
    ("members:write", "DELETE", f"{CLUB}/members/ananya"),
    ("events:write", "POST", f"{CLUB}/events"),
    ("accounts:write", "POST", f"{CLUB}/accounts/acc_0000000000000/adjustments"),
    ("accounts:write", "POST", f"{CLUB}/accounts/acc_0000000000000/transfers"),
    ("accounts:write", "POST", f"{CLUB}/accounts/acc_0000000000000/merge/preview"),
    ("accounts:write", "POST", f"{CLUB}/accounts/acc_0000000000000/merge"),
    ("redemptions:write", "POST", f"{CLUB}/redemptions"),
    ("redemptions:write", "POST", f"{CLUB}/redemptions/red_0000000000000/cancel"),
    ("redemptions:write", "POST", f"{CLUB}/redemptions/red_0000000000000/use"),
]


@pytest.mark.parametrize(
    "header", [None, "", "Basic abc", "Bearer", "Bearer gk_" + "x" * 40, "Bearer other", "gk_" + "x" * 40]
)
async def test_without_a_good_key_nothing_is_told(api: Api, header: str | None) -> None:
    headers = {"authorization": header} if header is not None else {}
    for method, path in (("GET", CLUB), ("POST", f"{CLUB}/events"), ("GET", "/v1/programs/nothing")):
        answer = await api.client.request(
            method, path, headers=headers, content=b"{}" if method == "POST" else None
        )
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in {"key_missing", "key_unknown"}


@pytest.mark.parametrize(("scope", "path"), READS)
async def test_a_read_needs_its_scope(api: Api, scope: str, path: str) -> None:
    other = api.with_key("audit:read")
    refused = await other.get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert scope in refused.json()["detail"]
    assert (await api.with_key(scope).get(path)).status_code == 200


@pytest.mark.parametrize(("scope", "method", "path"), WRITES)
async def test_a_write_needs_its_scope(api: Api, scope: str, method: str, path: str) -> None:
    read_only = api.with_key(
        "members:read", "events:read", "accounts:read", "programs:read", "redemptions:read"
    )
    refused = await read_only.call(method, path, content=b"{}")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    let_in = await api.with_key(scope).call(method, path, content=b"{}")
    assert let_in.status_code not in (401, 403)


async def test_a_revoked_key_is_refused_once_it_is_forgotten(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guerdon.web.callers._REMEMBERED_SECONDS", 0.0)
    other = api.with_key("programs:read")
    assert (await other.get(CLUB)).status_code == 200
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        key_id = tx.execute("select key_id from api_keys where prefix = %s", (other.key[:9],)).fetchone()
        assert key_id is not None
        revoke_key(tx, key_id[0], datetime.now(UTC))
    assert (await other.get(CLUB)).status_code == 401


async def test_one_tenant_sees_nothing_of_another(api: Api) -> None:
    made = await api.enrol(external_id="ananya", email="a@mail.example")
    await api.post(f"{CLUB}/events", json=order("o1"))
    stranger = api.with_key("all", tenant=api.tenant + "x")
    for path in ("", "/versions", "/members", "/events", "/orders", "/accounts", "/rewards", "/redemptions"):
        answer = await stranger.get(CLUB + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "program_not_found")
    assert (await stranger.apply()).status_code == 201
    paths = (
        f"/members/{made['id']}",
        "/members/email:a@mail.example",
        f"/accounts/{made['account']}",
        f"/accounts/{made['account']}/ledger",
        "/orders/order-o1",
        "/events/o1",
    )
    for path in paths:
        answer = await stranger.get(CLUB + path)
        assert answer.status_code == 404, path
        assert "mail.example" not in answer.text
    for path in ("/members", "/events", "/orders", "/accounts", "/redemptions"):
        assert (await stranger.get(CLUB + path)).json()["data"] == []
    adjust = {"wallet": "points", "amount": "5", "reason": "mine"}
    taken = await stranger.post(f"{CLUB}/accounts/{made['account']}/adjustments", json=adjust)
    assert taken.status_code == 404
    lent = await stranger.post(f"{CLUB}/events", json=order("o2", member=made["id"]))
    assert lent.status_code >= 400


async def test_a_test_clock_is_a_sandbox_s_own(api: Api) -> None:
    member = await api.enrol(external_id="ananya")
    await api.post(f"{CLUB}/events", json=order("o1"))
    late = {"guerdon-now": "2027-06-01T00:00:00Z"}
    then = await api.get(f"{CLUB}/members/{member['id']}", headers=late)
    assert then.json()["wallets"]["points"]["available"] == "0"
    now = await api.get(f"{CLUB}/members/{member['id']}")
    assert now.json()["wallets"]["points"]["available"] == "159"
    for wrong in ("tomorrow", "2027-06-01T00:00:00", "9999-12-31T23:59:59-14:00"):
        answer = await api.get(CLUB, headers={"guerdon-now": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "test_clock_invalid")


async def test_a_test_clock_is_refused_elsewhere(bare: Api) -> None:
    live = bare.with_key("all", tenant="live", sandbox=False)
    assert (await live.apply()).status_code in (200, 201)
    for method, path in (("GET", CLUB), ("POST", f"{CLUB}/events")):
        answer = await live.call(method, path, headers={"guerdon-now": "2027-06-01T00:00:00Z"}, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (400, "test_clock_refused")


async def test_a_body_over_the_limit_is_refused_while_it_streams(api: Api) -> None:
    sent = 0

    async def endless(total: int) -> AsyncIterator[bytes]:
        nonlocal sent
        piece = b" " * 65_536
        for _ in range(total // len(piece)):
            sent += len(piece)
            yield piece

    for path, size in ((f"{CLUB}/members", 3 << 20), (f"{CLUB}/events", 100 << 20)):
        # No length is declared: what counts is what comes.
        answer = await api.post(path, content=endless(size))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


BAD_BODIES: list[tuple[bytes, int, str]] = [
    (b"", 400, "body_missing"),
    (b"{", 400, "invalid_json"),
    (b'{"name": "\xff"}', 400, "invalid_utf8"),
    (b"[" * 5_000, 422, "wrong_type"),
    (b'{"attributes":{"size":' + b"[" * 5_000 + b"]" * 5_000 + b"}}", 400, "nesting_too_deep"),
    (b'{"name": NaN}', 400, "invalid_json"),
    (b'{"name": "a", "name": "b"}', 400, "duplicate_key"),
    (b'{"name": "a\\u0000"}', 400, "nul_character"),
    (b'{"surname": "a"}', 422, "unknown_field"),
    (b'{"name": 7}', 422, "wrong_type"),
    (b"[]", 422, "wrong_type"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES)
async def test_a_bad_body_is_refused_precisely(api: Api, body: bytes, status: int, code: str) -> None:
    answer = await api.post(f"{CLUB}/members", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{CLUB}/members?limit=0", 422, "parameter_invalid"),
        (f"{CLUB}/members?limit=many", 422, "parameter_invalid"),
        (f"{CLUB}/members?cursor=nonsense", 400, "cursor_invalid"),
        (f"{CLUB}/events?cursor=bm9uc2Vuc2U", 400, "cursor_invalid"),
        (f"{CLUB}/accounts?cursor=%00", 400, "nul_character"),
        (f"{CLUB}/members?surprise=1", 400, "unknown_parameter"),
        (f"{CLUB}/accounts/nobody", 404, "account_not_found"),
        (f"{CLUB}/redemptions/nothing", 404, "redemption_not_found"),
        (f"{CLUB}/members/shoe:44", 422, "reference_invalid"),
        ("/v1/nothing", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/static/nothing.css", 404, "not_found"),
        ("/static/../app.py", 404, "not_found"),
    ],
)
async def test_a_bad_address_is_refused_precisely(api: Api, path: str, status: int, code: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_says_which_are_right(api: Api) -> None:
    answer = await api.call("DELETE", CLUB)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, PUT"


async def test_a_wrong_media_type_is_refused(api: Api) -> None:
    for method, path in (("POST", f"{CLUB}/members"), ("POST", f"{CLUB}/events"), ("PUT", CLUB)):
        answer = await api.call(method, path, content=b"<a/>", headers={"content-type": "text/xml"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_request_ids_are_echoed_and_made(api: Api) -> None:
    answer = await api.get(CLUB, headers={"x-request-id": "till-7.42"})
    assert answer.headers["x-request-id"] == "till-7.42"
    made = {
        (await api.get(CLUB, headers={"x-request-id": wrong})).headers["x-request-id"]
        for wrong in ("a b", "x" * 101)
    }
    assert len(made) == 2


async def test_a_fault_of_ours_shows_no_trace(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a@mail.example")

    monkeypatch.setattr("guerdon.web.api.programs.get_live", broken)
    monkeypatch.setattr("guerdon.web.api.events.instant_of_call", broken)
    for method, path in (("GET", CLUB), ("POST", f"{CLUB}/events")):
        answer = await api.call(method, path, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "Traceback" not in answer.text
        assert "mail.example" not in answer.text
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "mail.example" not in logged
