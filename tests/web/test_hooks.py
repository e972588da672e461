"""Order hooks: another system's signed bodies become events, exactly."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from httpx2 import Response

from tests.web.conftest import Api

CLUB = "/v1/programs/club"
SECRET = "a secret of the shop's own"
MAPPING = {
    "events": [
        {
            "when": {"$.topic": ["order/paid", "order/settled"]},
            "event": {
                "id": {"$path": "$.order.number", "prefix": "paid-"},
                "source": "old-shop",
                "type": "order.paid",
                "time": {"$path": "$.order.paid_at", "as": "unix"},
                "subject": {"$path": "$.order.customer.mail", "prefix": "email:"},
                "channel": {"$path": "$.order.via", "values": {"1": "web", "2": "pos"}, "default": "web"},
                "data": {
                    "id": {"$path": "$.order.number", "as": "text"},
                    "currency": "USD",
                    "lines": {
                        "$each": "$.order.items",
                        "to": {
                            "id": {"$path": "@.row", "as": "text"},
                            "sku": "@.article",
                            "quantity": "@.count",
                            "price": {"$path": "@.cents", "as": "minor", "digits": 2},
                            "tags": ["$$imported", "@.flags[0]"],
                        },
                    },
                },
            },
        },
        {
            "when": {"$.recycled": True},
            "event": {
                "id": {"$path": "$.order.number", "prefix": "recycled-"},
                "source": "old-shop",
                "type": "item.recycled",
                "time": {"$path": "$.order.paid_at", "as": "unix"},
                "subject": {"$path": "$.order.customer.mail", "prefix": "email:"},
                "data": {"grams": "$['weight in grams']"},
            },
        },
    ]
}
BODY = {
    "topic": "order/paid",
    "order": {
        "number": 1001,
        "paid_at": 1_790_000_000,
        "via": 2,
        "customer": {"mail": "ann@mail.example"},
        "items": [
            {"row": 1, "article": "BP-40", "count": 2, "cents": 7990, "flags": ["sale"]},
            {"row": 2, "article": "TEA", "count": 0.35, "cents": 1, "flags": []},
        ],
    },
}


async def make(api: Api, **more: Any) -> dict[str, Any]:
    wish = {
        "program": "club",
        "secret": SECRET,
        "mapping": MAPPING,
        "signature": {"header": "X-Shop-Signature"},
        "enrol": True,
        **more,
    }
    answer = await api.post("/v1/hooks", json=wish)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def post(api: Api, path: str, body: bytes, **headers: str) -> Response:
    return await api.client.post(path, content=body, headers=headers)


def digest(signed: bytes, secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), signed, "sha256")


async def test_a_signed_order_is_taken_in_once(api: Api) -> None:
    door = await make(api)
    body = json.dumps(BODY).encode()
    first = await post(api, door["path"], body, **{"X-Shop-Signature": digest(body).hex()})
    again = await post(api, door["path"], body, **{"X-Shop-Signature": digest(body).hex()})
    assert first.status_code == 200, first.text
    assert (first.json()["id"], first.json()["status"]) == ("paid-1001", "applied")
    assert again.json()["status"] == "duplicate"
    assert again.json()["effects"] == first.json()["effects"]
    stored = (await api.get(f"{CLUB}/events/paid-1001")).json()
    assert (stored["channel"], stored["order"], stored["source"]) == ("pos", "1001", "old-shop")
    lines = stored["data"]["lines"]
    assert [str(line["price"]) for line in lines] == ["79.90", "0.01"]
    assert [str(line["quantity"]) for line in lines] == ["2", "0.35"]
    assert [line["tags"] for line in lines] == [["$imported", "sale"], ["$imported"]]
    assert (await api.get(f"{CLUB}/members/email:ann@mail.example")).status_code == 200


async def test_several_events_answer_as_an_array_and_none_as_an_empty_one(api: Api) -> None:
    door = await make(api)
    body = json.dumps({**BODY, "recycled": True, "weight in grams": 120}).encode()
    both = await post(api, door["path"], body, **{"X-Shop-Signature": digest(body).hex()})
    assert [(row["id"], row["status"]) for row in both.json()] == [
        ("paid-1001", "applied"),
        ("recycled-1001", "applied"),
    ]
    other = b'{"topic": "customer/changed"}'
    none = await post(api, door["path"], other, **{"X-Shop-Signature": digest(other).hex()})
    assert (none.status_code, none.json()) == (200, [])


async def test_a_wrong_signature_is_refused(api: Api) -> None:
    door = await make(api)
    body = json.dumps(BODY).encode()
    for headers, code in (
        ({}, "signature_missing"),
        ({"X-Shop-Signature": digest(body, "another secret").hex()}, "signature_wrong"),
        ({"X-Shop-Signature": digest(body + b" ").hex()}, "signature_wrong"),
        ({"X-Shop-Signature": "zz"}, "signature_wrong"),
        ({"X-Shop-Signature": ""}, "signature_wrong"),
    ):
        answer = await post(api, door["path"], body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert (await api.get(f"{CLUB}/events")).json()["data"] == []
    missing = await post(api, "/v1/hooks/hook_0000000000000", body)
    assert (missing.status_code, missing.json()["code"]) == (404, "hook_not_found")


async def test_where_the_time_is_signed_an_old_body_is_refused(api: Api) -> None:
    how = {
        "header": "X-Sig",
        "encoding": "base64",
        "prefix": "sha256=",
        "timestamp_header": "X-Time",
        "tolerance_seconds": 300,
    }
    door = await make(api, signature=how)
    body = json.dumps(BODY).encode()

    def headers(stamp: str) -> dict[str, str]:
        signed = base64.b64encode(digest(stamp.encode() + b"." + body)).decode()
        return {"X-Sig": f"sha256={signed}", "X-Time": stamp}

    now = int(time.time())
    for stamp in (str(now - 4000), str(now + 4000), "soon", "9" * 12):
        answer = await post(api, door["path"], body, **headers(stamp))
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_too_old"), stamp
    moved = {**headers(str(now)), "X-Time": str(now - 10)}
    assert (await post(api, door["path"], body, **moved)).json()["code"] == "signature_wrong"
    bare = {**headers(str(now)), "X-Sig": headers(str(now))["X-Sig"].removeprefix("sha256=")}
    assert (await post(api, door["path"], body, **bare)).json()["code"] == "signature_wrong"
    assert (await post(api, door["path"], body, **headers(str(now)))).json()["status"] == "applied"


async def test_a_preview_shows_events_and_their_faults_and_stores_nothing(api: Api) -> None:
    door = await make(api)
    good = (await api.post(f"{door['path']}/preview", json=BODY)).json()["events"]
    assert [one["problem"] for one in good] == [None]
    assert good[0]["event"]["time"] == "2026-09-21T14:13:20Z"
    assert good[0]["event"]["subject"] == "email:ann@mail.example"
    late = {**BODY, "order": {"number": 7, "items": [], "paid_at": 1_790_000_000}}
    (bad,) = (await api.post(f"{door['path']}/preview", json=late)).json()["events"]
    assert "subject" not in bad["event"]
    unusable = {**BODY, "order": {**BODY["order"], "paid_at": "soon"}}  # type: ignore[dict-item]  # wrong on purpose
    answer = await api.post(f"{door['path']}/preview", json=unusable)
    assert (answer.status_code, answer.json()["code"]) == (422, "mapping_failed")
    assert answer.json()["errors"][0]["pointer"] == "/events/0/event/time"
    assert (await api.get(f"{CLUB}/events")).json()["data"] == []


def changed(**event: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"id": "$.id", "source": "s", "type": "item.recycled", "time": "$.time"}
    return {"events": [{"event": {**base, **event}}]}


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        ({"events": []}, "/mapping/events"),
        ({"events": [{"event": {"id": "1"}}]}, "/mapping/events/0/event"),
        (changed(id="$.a..b"), "/mapping/events/0/event/id"),
        (changed(id="$.a[x]"), "/mapping/events/0/event/id"),
        (changed(id="@.a"), "/mapping/events/0/event/id"),
        (changed(data={"x": 0.1}), "/mapping/events/0/event/data/x"),
        (changed(data={"x": {"$path": "$.a", "as": "code"}}), "/mapping/events/0/event/data/x/as"),
        (changed(data={"x": {"$path": "$.a", "run": "1"}}), "/mapping/events/0/event/data/x/run"),
        (changed(data={"x": {"$path": "$.a", "digits": 99}}), "/mapping/events/0/event/data/x/digits"),
        (changed(data={"x": {"$each": "$.a"}}), "/mapping/events/0/event/data/x"),
        ({"events": [{"when": {"topic": 1}, **changed()["events"][0]}]}, "/mapping/events/0/when"),
    ],
)
async def test_wrong_mappings_are_refused_with_their_place(
    api: Api, mapping: dict[str, Any], pointer: str
) -> None:
    wish = {"program": "club", "mapping": mapping, "signature": {"header": "X-Sig"}}
    answer = await api.post("/v1/hooks", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "mapping_invalid"), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_door_is_shown_without_its_secret_and_only_to_its_tenant(api: Api) -> None:
    door = await make(api, secret=None)
    assert door["secret"].startswith("whsec_")
    shown = (await api.get(door["path"])).json()
    assert shown == {name: value for name, value in door.items() if name != "secret"}
    assert [one["id"] for one in (await api.get("/v1/hooks")).json()["data"]] == [door["id"]]
    other = api.with_key("all", tenant="stranger")
    assert (await other.get("/v1/hooks")).json()["data"] == []
    assert (await other.get(door["path"])).json()["code"] == "hook_not_found"
    assert (await other.post(f"{door['path']}/preview", json=BODY)).json()["code"] == "hook_not_found"
    assert (await other.call("DELETE", door["path"])).json()["code"] == "hook_not_found"
    assert (await api.call("DELETE", door["path"])).json() == {"id": door["id"]}
    assert (await api.get(door["path"])).json()["code"] == "hook_not_found"
