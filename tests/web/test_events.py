"""Taking events in by HTTP, one and many, and what a caller who sends nonsense is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.conftest import Api, order

EVENTS = "/v1/programs/club/events"


async def test_a_lone_event_answers_one_object(api: Api) -> None:
    await api.enrol(external_id="ananya")
    answer = await api.post(EVENTS, json=order("o1"))
    assert answer.status_code == 200
    row = answer.json()
    assert (row["id"], row["status"]) == ("o1", "applied")
    assert row["effects"] == [{"campaign": "base_earn", "award": {"wallet": "points", "amount": "159"}}]
    assert row["balances"]["points"] == {"available": "159", "pending": "0", "held": "0"}
    assert row["skipped"] == []


async def test_the_same_event_twice_is_one_event(api: Api) -> None:
    await api.enrol(external_id="ananya")
    first = (await api.post(EVENTS, json=order("o1"))).json()
    # Spaced and ordered otherwise, it says the same.
    text = json.dumps(dict(reversed(order("o1").items())), indent=3)
    again = (await api.post(EVENTS, content=text, headers={"content-type": "application/json"})).json()
    assert again["status"] == "duplicate"
    assert again["effects"] == first["effects"]
    assert again["balances"] == first["balances"]


async def test_the_same_id_with_another_body_is_refused(api: Api) -> None:
    await api.enrol(external_id="ananya")
    await api.post(EVENTS, json=order("o1"))
    other = await api.post(EVENTS, json=order("o1", time="2026-11-21T10:00:01Z"))
    assert (other.status_code, other.json()["code"]) == (409, "event_id_reused")
    member = (await api.get("/v1/programs/club/members/ananya")).json()
    assert member["wallets"]["points"]["available"] == "159"


async def test_an_array_answers_each_in_its_row(api: Api) -> None:
    await api.enrol(external_id="ananya")
    sent = [order("o1"), order("o2", member="external:nobody"), {"id": "o3"}, order("o1"), order("o4")]
    answer = await api.post(EVENTS, json=sent)
    assert answer.status_code == 200
    rows = answer.json()
    assert [row["id"] for row in rows] == ["o1", "o2", "o3", "o1", "o4"]
    assert [row["status"] for row in rows] == ["applied", "rejected", "rejected", "duplicate", "applied"]
    assert rows[2]["problem"]["errors"][0]["pointer"] == "/source"
    assert rows[4]["balances"]["points"]["available"] == "318"


async def test_an_empty_array_answers_an_empty_array(api: Api) -> None:
    answer = await api.post(EVENTS, json=[])
    assert (answer.status_code, answer.json()) == (200, [])


async def test_more_events_than_a_batch_keep_their_order(api: Api) -> None:
    await api.enrol(external_id="ananya")
    sent = [
        order(f"o{number}", data={"id": f"o{number}", "lines": [{"id": "1", "price": "1"}]})
        for number in range(600)
    ]
    rows = (await api.post(EVENTS, json=sent)).json()
    assert [row["id"] for row in rows] == [f"o{number}" for number in range(600)]
    assert rows[-1]["balances"]["points"]["available"] == "600"


async def test_10001_events_are_refused_whole(api: Api) -> None:
    await api.enrol(external_id="ananya")
    answer = await api.post(EVENTS, json=[order("o1")] * 10_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_events")
    assert (await api.get(EVENTS + "?type=order.paid")).json()["data"] == []


async def test_a_guest_s_order_is_a_fact_without_an_account(api: Api) -> None:
    answer = await api.post(EVENTS, json=order("g1", member=None))
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["guest"]) == ("applied", True)
    stored = (await api.get("/v1/programs/club/orders/order-g1")).json()
    assert stored["account"] is None


def _line(**changes: Any) -> dict[str, Any]:
    return {"id": "o", "lines": [{"id": "1", "price": "1.00", **changes}]}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("unknown member", {"subject": "external:nobody"}, ""),
    ("unknown currency", {"data": {**_line(), "currency": "XYZ"}}, "/data/currency"),
    ("another currency", {"data": {**_line(), "currency": "EUR"}}, "/data/currency"),
    ("too many digits", {"data": _line(price="1.0000001")}, "/data/lines/0/price"),
    (
        "too many cents",
        {"data": {"id": "o", "lines": [{"id": "1", "subtotal": "1.001"}]}},
        "/data/lines/0/subtotal",
    ),
    ("NaN", {"data": _line(price="NaN")}, "/data/lines/0/price"),
    ("infinity", {"data": _line(price="Infinity")}, "/data/lines/0/price"),
    ("negative quantity", {"data": _line(quantity="-1")}, "/data/lines/0/quantity"),
    ("negative price", {"data": _line(price="-1.00")}, "/data/lines/0/price"),
    ("huge price", {"data": _line(price="1e400")}, "/data/lines/0/price"),
    ("unknown field", {"data": {**_line(), "surprise": 1}}, "/data/surprise"),
    ("unknown envelope field", {"surprise": 1}, "/surprise"),
    ("no lines", {"data": {"id": "o"}}, "/data/lines"),
    ("year 9999", {"time": "9999-12-31T23:59:59-01:00"}, "/time"),
    ("year 1", {"time": "0001-01-01T00:00:00Z"}, "/time"),
    ("no offset", {"time": "2026-11-21T10:00:00"}, "/time"),
    ("no time", {"time": "yesterday"}, "/time"),
    ("the day after tomorrow", {"time": "2199-01-01T00:00:00Z"}, "/time"),
    ("wrong type", {"id": 7}, "/id"),
    ("reserved type", {"type": "guerdon.adjust"}, "/type"),
    ("NUL", {"id": "a\0b"}, ""),
    ("lone surrogate", {"data": {**_line(), "id": "\ud800"}}, ""),
    ("wrong version", {"specversion": "0.3"}, "/specversion"),
    ("long id", {"id": "x" * 201}, "/id"),
]


@pytest.mark.parametrize(("changes", "pointer"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_a_bad_event_is_refused_precisely(api: Api, changes: dict[str, Any], pointer: str) -> None:
    await api.enrol(external_id="ananya")
    body = json.dumps(order("o1", **changes))
    answer = await api.post(EVENTS, content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] == problem["code"].lower()
    if pointer:
        assert [one["pointer"] for one in problem["errors"]] == [pointer], problem
    assert (await api.get(EVENTS + "?type=order.paid")).json()["data"] == []


RAW: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 400, "body_missing"),
    ("no JSON", b"{", 400, "invalid_json"),
    ("a number", b"7", 422, "wrong_type"),
    ("NaN itself", b'{"id": NaN}', 400, "invalid_json"),
    ("invalid UTF-8", b'{"id": "\xff"}', 400, "invalid_utf8"),
    ("invalid UTF-8 in an array", b'[{"id": "\xff"}]', 400, "invalid_utf8"),
    ("5,000 brackets", b"[" * 5_000, 400, "nesting_too_deep"),
    ("5,000 closed brackets", b"[" * 5_000 + b"]" * 5_000, 400, "nesting_too_deep"),
    (
        "5,000 brackets in data",
        b'{"id":"a","data":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        400,
        "nesting_too_deep",
    ),
    ("no array's end", b'[{"id":"a"},', 400, "invalid_json"),
]


@pytest.mark.parametrize(("body", "status", "code"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
async def test_a_body_that_cannot_be_read_is_refused(api: Api, body: bytes, status: int, code: str) -> None:
    answer = await api.post(EVENTS, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_an_unknown_program_is_not_found(api: Api) -> None:
    for body in (order("o1"), [order("o1")], []):
        answer = await api.post("/v1/programs/nothing/events", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "program_not_found"), answer.text


async def test_an_order_of_two_sources_is_ambiguous(api: Api) -> None:
    await api.enrol(external_id="ananya")
    shared = {"id": "A-1", "lines": [{"id": "1", "price": "5"}]}
    await api.post(EVENTS, json=order("o1", data=shared))
    await api.post(EVENTS, json=order("o1", data=shared, source="till"))
    for path in ("orders/A-1", "events/o1"):
        both = await api.get(f"/v1/programs/club/{path}")
        assert both.status_code == 409
        one = await api.get(f"/v1/programs/club/{path}?source=till")
        assert one.json()["source"] == "till"
    assert (await api.get("/v1/programs/club/orders/nothing")).status_code == 404


async def test_lists_are_of_a_member_or_a_type(api: Api) -> None:
    await api.enrol(external_id="ananya")
    await api.enrol(external_id="bela")
    await api.post(EVENTS, json=[order("o1"), order("o2", member="external:bela")])
    await api.post(EVENTS, json=order("r1", type="item.recycled", data={"grams": 300}))
    assert [row["id"] for row in (await api.get(f"{EVENTS}?type=item.recycled")).json()["data"]] == ["r1"]
    of_bela = (await api.get("/v1/programs/club/orders?member=bela")).json()["data"]
    assert [row["id"] for row in of_bela] == ["order-o2"]
    first = (await api.get(f"{EVENTS}?limit=2")).json()
    rest = (await api.get(f"{EVENTS}?limit=200&cursor={first['next']}")).json()
    assert len(first["data"]) == 2
    assert len(rest["data"]) == 3
    assert rest["next"] is None


async def test_an_order_is_explained_from_what_was_stored(api: Api) -> None:
    await api.enrol(external_id="ananya")
    earned = (await api.post(EVENTS, json=order("o1"))).json()
    told = (await api.get("/v1/programs/club/orders/order-o1/explanation")).json()
    assert (told["order"], told["differences"]) == ("order-o1", [])
    outcomes = {one["campaign"]: one for one in told["campaigns"]}
    acted = {one["campaign"] for one in earned["effects"]}
    assert acted
    assert all(outcomes[campaign]["sums"] for campaign in acted)
    missing = await api.get("/v1/programs/club/orders/nothing/explanation")
    assert (missing.status_code, missing.json()["code"]) == (404, "order_not_found")
