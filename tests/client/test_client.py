"""The Python client against a server that misbehaves: what is tried again, and what counts once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

import guerdon_client
from guerdon_client import Guerdon, GuerdonError, Retries, SignatureError, verify

Said = httpx2.Response | Exception
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Wire:
    """Answers that were written down before, and what was asked."""

    def __init__(self, *said: Said) -> None:
        self.said: Iterator[Said] = iter(said)
        self.asked: list[httpx2.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        one = next(self.said)
        if isinstance(one, Exception):
            raise one
        return one

    def client(self, **more: Any) -> Guerdon:
        patience = Retries(sleep=self.slept.append, chance=random.Random(1), **more)
        made = Guerdon("club", "http://engine.test", "gk_test", patience)
        made.api.client = httpx2.Client(
            base_url="http://engine.test",
            transport=httpx2.MockTransport(self),
            headers=made.api.client.headers,
        )
        return made


def answer(status: int, body: Any, **headers: str) -> httpx2.Response:
    kind = "application/json" if status < 400 else "application/problem+json"
    return httpx2.Response(status, content=json.dumps(body), headers={"content-type": kind, **headers})


def problem(status: int, code: str, **headers: str) -> httpx2.Response:
    return answer(status, {"code": code, "detail": "so it is", "errors": [{"pointer": "/a"}]}, **headers)


def test_a_lost_connection_is_tried_again_under_the_same_key() -> None:
    wire = Wire(
        httpx2.ConnectError("no"), httpx2.ReadError("cut"), problem(503, "overloaded"), answer(200, {})
    )
    wire.client().redeem("card:1", "pouch")
    keys = {request.headers["idempotency-key"] for request in wire.asked}
    assert (len(wire.asked), len(keys)) == (4, 1)
    assert {request.content for request in wire.asked} == {wire.asked[0].content}
    assert all(0.5 <= slept / pause <= 1 for slept, pause in zip(wire.slept, (0.25, 0.5, 1.0), strict=True))


def test_a_server_that_names_a_pause_gets_it() -> None:
    wire = Wire(problem(429, "rate_limited", **{"retry-after": "7"}), answer(200, {"data": []}))
    assert wire.client().rewards() == []
    assert wire.slept == [7.0]


def test_patience_ends() -> None:
    wire = Wire(*(httpx2.ConnectError("no") for _ in range(3)))
    with pytest.raises(GuerdonError, match="unreachable"):
        wire.client(attempts=3).rewards()
    assert len(wire.slept) == 2
    busy = Wire(*(problem(503, "not_ready") for _ in range(2)))
    with pytest.raises(GuerdonError) as caught:
        busy.client(attempts=2).rewards()
    assert (caught.value.code, caught.value.status) == ("not_ready", 503)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    wire = Wire(problem(status, "such_a_code", **{"x-request-id": "r-1"}))
    with pytest.raises(GuerdonError) as caught:
        wire.client().enrol(external_id="a")
    error = caught.value
    assert (error.code, error.status, error.request_id) == ("such_a_code", status, "r-1")
    assert error.errors == [{"pointer": "/a"}]
    assert (len(wire.asked), wire.slept) == (1, [])


def test_another_server_is_seen() -> None:
    wire = Wire(httpx2.Response(404, content=b"<html>", headers={"content-type": "text/html"}))
    with pytest.raises(GuerdonError, match="no_api"):
        wire.client().member("card:1")


def test_nobody_is_found_and_other_refusals_stay() -> None:
    assert Wire(problem(404, "member_not_found")).client().find(email="a@mail.example") is None
    with pytest.raises(GuerdonError, match="program_not_found"):
        Wire(problem(404, "program_not_found")).client().find(email="a@mail.example")


def test_events_go_in_batches_and_answers_stay_in_order() -> None:
    def echo(request: httpx2.Request) -> httpx2.Response:
        assert "idempotency-key" not in request.headers, "events have names of their own"
        return answer(200, [{"id": one["id"]} for one in json.loads(request.content)])

    sizes: list[int] = []

    def counted(request: httpx2.Request) -> httpx2.Response:
        sizes.append(len(json.loads(request.content)))
        return echo(request)

    client = Wire().client()
    client.api.client = httpx2.Client(base_url="http://engine.test", transport=httpx2.MockTransport(counted))
    events = ({"id": str(number), "at": datetime(2026, 1, 1, tzinfo=UTC)} for number in range(25))
    assert [one["id"] for one in client.send_many(events, size=10)] == [str(number) for number in range(25)]
    assert sizes == [10, 10, 5]
    long = [{"id": str(number), "text": "x" * 3_000_000} for number in range(5)]
    sizes.clear()
    assert len(list(client.send_many(long))) == 5
    assert sizes == [2, 2, 1]
    assert list(client.send_many([])) == []


def test_lists_are_gone_through_page_by_page() -> None:
    wire = Wire(
        answer(200, {"data": [{"id": 1}, {"id": 2}], "next": "c"}),
        answer(200, {"data": [{"id": 3}], "next": None}),
    )
    rows = wire.client().each("orders", member="card:1", account=None)
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert [str(request.url.query, "ascii") for request in wire.asked] == [
        "limit=200&member=card%3A1",
        "limit=200&member=card%3A1&cursor=c",
    ]


def test_amounts_and_times_are_written_exactly() -> None:
    wire = Wire(answer(200, {}))
    wire.client().send({"id": "a", "price": Decimal("0.0000010"), "time": datetime(2026, 1, 1, tzinfo=UTC)})
    sent = json.loads(wire.asked[0].content)
    assert sent == {"id": "a", "price": "0.0000010", "time": "2026-01-01T00:00:00+00:00"}
    with pytest.raises(TypeError):
        wire.client().send({"id": object()})


def test_a_definition_is_sent_as_yaml_and_references_are_quoted() -> None:
    wire = Wire(answer(200, {}), answer(200, {}))
    wire.client().apply("program: club", dry_run=True)
    assert wire.asked[0].headers["content-type"] == "application/yaml"
    assert wire.asked[0].url.params["dry_run"] == "true"
    wire.client().member("external:a/b c")
    assert wire.asked[1].url.raw_path == b"/v1/programs/club/members/external:a%2Fb%20c"


def signed(body: bytes, at: datetime) -> dict[str, str]:
    text = Webhook(SECRET).sign("msg_1", at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": stamp, "Webhook-Signature": f"v1,AAAA {text}"}


def test_a_notice_is_believed_as_the_standard_s_own_library_signs_it() -> None:
    at, body = datetime(2026, 11, 21, tzinfo=UTC), b'{"id": "msg_1"}'
    assert verify(SECRET, signed(body, at), body, at.timestamp() + 299) == {"id": "msg_1"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers | {"Webhook-Id": "msg_2"},
        lambda headers: headers | {"Webhook-Signature": "v1,AAAA"},
        lambda headers: headers | {"Webhook-Timestamp": "soon"},
        lambda headers: headers | {"Webhook-Timestamp": "1"},
        lambda headers: {},
    ],
)
def test_a_spoilt_notice_is_not(spoil: Callable[[dict[str, str]], dict[str, str]]) -> None:
    at, body = datetime(2026, 11, 21, tzinfo=UTC), b'{"id": "msg_1"}'
    with pytest.raises(SignatureError):
        verify(SECRET, spoil(signed(body, at)), body, at.timestamp())
    with pytest.raises(SignatureError):
        verify(SECRET, signed(body, at), body + b" ", at.timestamp())


def test_the_client_is_small_and_stands_alone() -> None:
    files = sorted(Path(guerdon_client.__file__).parent.glob("*.py"))
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 300
    assert all(
        "import guerdon." not in (text := path.read_text()) and "from guerdon." not in text for path in files
    )
