"""Calls that the front answers without the framework between: nobody can tell the difference."""

from __future__ import annotations

from typing import Any

import pytest

from guerdon.web.front import Way
from tests.web.conftest import Api
from tests.web.test_checkouts import BASE, CART, shop

__all__ = ["shop"]

GOOD = {**CART, "member": "ana"}
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "preview": ("POST", "/checkouts/preview", {"json": GOOD}),
    "opened": ("PUT", "/checkouts/C-1", {"json": GOOD}),
    "once": ("PUT", "/checkouts/C-2", {"json": GOOD, "headers": {"idempotency-key": "k1"}}),
    "id_encoded": ("PUT", "/checkouts/C%20%3F%C3%A9", {"json": GOOD}),
    "confirmed": ("POST", "/checkouts/C-3/confirm", {}),
    "cancelled": ("POST", "/checkouts/C-3/cancel", {}),
    "unknown_member": ("POST", "/checkouts/preview", {"json": {**CART, "member": "eve"}}),
    "wrong_member": ("POST", "/checkouts/preview", {"json": {**CART, "member": "card:"}}),
    "unknown_field": ("POST", "/checkouts/preview", {"json": {**GOOD, "colour": "red"}}),
    "no_json": ("PUT", "/checkouts/C-1", {"content": b"{", "headers": {"content-type": "application/json"}}),
    "twins": ("PUT", "/checkouts/C-1", {"content": b'{"lines": [], "lines": []}'}),
    "nul": ("PUT", "/checkouts/C-1", {"content": b'{"lines": [], "coupons": ["a\\u0000"]}'}),
    "no_body": ("PUT", "/checkouts/C-1", {}),
    "wrong_media": ("PUT", "/checkouts/C-1", {"content": b"x", "headers": {"content-type": "text/csv"}}),
    "no_id": ("PUT", "/checkouts/", {"json": GOOD}),
    "no_such_verb": ("POST", "/checkouts/C-1/pay", {"json": GOOD}),
    "wrong_method": ("GET", "/checkouts/preview", {}),
    "unknown_parameter": ("POST", "/checkouts/preview?colour=red", {"json": GOOD}),
    "known_parameter": ("POST", "/checkouts/preview?member=ana", {"json": CART}),
    "wrong_clock": ("POST", "/checkouts/preview", {"json": GOOD, "headers": {"guerdon-now": "noon"}}),
    "no_key": ("POST", "/checkouts/preview", {"json": GOOD, "headers": {"authorization": ""}}),
    "wrong_key": ("POST", "/checkouts/preview", {"json": GOOD, "headers": {"authorization": "Bearer gk_no"}}),
}
COUNTS = ("x-request-id", "ratelimit", "content-length")
"""Headers whose values follow from how many calls were made, or from the clock."""


def none(_: Any) -> Way | None:
    return None


async def told(api: Api, name: str) -> tuple[int, dict[str, str], Any]:
    method, path, more = ASKED[name]
    said = await api.call(method, BASE + path, **more)
    headers = {key: "" if key in COUNTS else value for key, value in said.headers.items()}
    body = said.json()
    # A checkout that is opened again lapses anew.
    body.pop("expires_at", None)
    return said.status_code, headers, body


@pytest.mark.parametrize("name", sorted(ASKED))
async def test_the_quick_way_answers_as_the_framework_does(
    shop: Api, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await shop.call("PUT", f"{BASE}/checkouts/C-3", json=GOOD)
    assert opened.status_code == 200, opened.text
    quick = await told(shop, name)
    again = await told(shop, name)
    monkeypatch.setattr(shop.front, "_quick", none)
    framework = await told(shop, name)
    # What ended is told in the words of what ended before, whichever way it is asked.
    assert framework == again
    assert quick[:2] == framework[:2]


async def test_the_quick_way_is_found_and_counted_by_its_template(shop: Api) -> None:
    find = shop.front._quick
    scope = {"method": "PUT", "path": f"{BASE}/checkouts/C-1", "query_string": b""}
    way = find(scope)
    assert way is not None
    assert way.template == "/v1/programs/{program}/checkouts/{checkout}"
    for other in (
        {"query_string": b"source=web"},
        {"path": f"{BASE}/checkouts/"},
        {"path": f"{BASE}/checkouts/a/b"},
        {"path": f"{BASE}/members"},
        {"method": "DELETE"},
    ):
        assert find({**scope, **other}) is None, other
    assert (await shop.call("PUT", f"{BASE}/checkouts/C-1", json=GOOD)).status_code == 200
    figures = shop.front.premises.telemetry.exposition(0).decode()
    wanted = 'guerdon_http_requests_total{method="PUT",route="/v1/programs/{program}/checkouts/{checkout}"'
    assert wanted in figures


async def test_a_key_without_the_scope_is_refused(shop: Api) -> None:
    other = shop.with_key("members:read")
    said = await other.post(f"{BASE}/checkouts/preview", json=GOOD)
    assert (said.status_code, said.json()["code"]) == (403, "scope_missing")


async def test_a_key_answers_the_same_call_once(shop: Api) -> None:
    headers = {"idempotency-key": "k-9"}
    first = await shop.call("PUT", f"{BASE}/checkouts/C-9", json=GOOD, headers=headers)
    again = await shop.call("PUT", f"{BASE}/checkouts/C-9", json=GOOD, headers=headers)
    assert first.json() == again.json()
    other = await shop.call("PUT", f"{BASE}/checkouts/C-9", json={**GOOD, "id": "B-2"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_no_text_of_a_list_holds_a_nul(shop: Api) -> None:
    status, _, body = await told(shop, "nul")
    assert (status, body["code"]) == (400, "nul_character")
