"""Lone events over real connections: the short way and the long way say the same."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn

from guerdon.infra.db import Database
from guerdon.programs.keys import NewKey, create_key
from guerdon.programs.tenants import tenant_id_of
from guerdon.web.app import build_app
from guerdon.web.desk import DeskProtocol
from guerdon.web.serving import configured
from guerdon.wiring import House
from tests.web.conftest import Api, order

EVENTS = "/v1/programs/club/events"
LONG_WAY = "cookie: a=b"


class Wire:
    """One connection to a served house."""

    def __init__(self, api: Api, port: int) -> None:
        self.api = api
        self.port = port
        self.taken_in = asyncio.Event()
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def request(self, body: bytes, *lines: str, path: str = EVENTS, key: str = "") -> bytes:
        head = [
            f"POST {path} HTTP/1.1",
            "host: x",
            f"authorization: Bearer {key or self.api.key}",
            "content-type: application/json",
            *lines,
        ]
        if not any(line.startswith("transfer-encoding") for line in lines):
            head.append(f"content-length: {len(body)}")
        return "\r\n".join([*head, "", ""]).encode() + body

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, json.loads(body)

    async def ask(self, body: bytes | dict[str, Any], *lines: str, **more: str) -> tuple[int, Any, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.writer.write(self.request(raw, *lines, **more))
        return await self.answer()


class Server(uvicorn.Server):
    """A server in the test's own loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def wired(api: Api, house: House) -> AsyncIterator[Wire]:
    """Serve a house over a real socket."""
    config = configured(build_app(house))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        made = Wire(api, listening.getsockname()[1])
        await server.ready.wait()
        await made.connect()
        # The first call with a key takes the long way, which finds out whose it is.
        assert (await made.ask(b"{}"))[2]["code"] == "missing_field"
        yield made
        made.writer.close()
        server.should_exit = True
        await serving


@pytest.fixture
async def wire(api: Api) -> AsyncIterator[Wire]:
    await api.enrol(external_id="ananya")
    async with wired(api, api.house) as made:
        yield made


@pytest.fixture
def short(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What went the short way."""
    went: list[bytes] = []
    take_in = DeskProtocol._take_in

    def noted(self: DeskProtocol, raw: bytes) -> None:
        went.append(raw)
        take_in(self, raw)
        wire.taken_in.set()

    monkeypatch.setattr(DeskProtocol, "_take_in", noted)
    return went


async def test_an_event_goes_the_short_way_and_its_repeat_by_the_long_way_says_the_same(
    wire: Wire, short: list[bytes]
) -> None:
    status, headers, said = await wire.ask(order("a"), "x-request-id: mine")
    assert (status, said["status"], said["balances"]["points"]["available"]) == (200, "applied", "159")
    assert headers["x-request-id"] == "mine"
    assert len(short) == 1
    long_status, long_headers, again = await wire.ask(order("a"), LONG_WAY)
    assert len(short) == 1
    assert long_status == 200
    assert again == {**said, "status": "duplicate"}
    assert headers.keys() == long_headers.keys()
    plain = {name for name in headers if name not in ("content-length", "x-request-id")}
    assert {name: headers[name] for name in plain} == {name: long_headers[name] for name in plain}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "missing_field"),
        (b'{"id": ', "invalid_json"),
        (json.dumps(order("b", member="external:nobody")).encode(), "member_not_found"),
        (json.dumps(order("c", more=1)).encode(), "unknown_field"),
    ],
)
async def test_refusals_are_the_same_both_ways(
    wire: Wire, short: list[bytes], body: bytes, code: str
) -> None:
    status, headers, said = await wire.ask(body)
    assert said["code"] == code
    assert len(short) == 1
    long_status, long_headers, long_said = await wire.ask(body, LONG_WAY)
    assert (status, said) == (long_status, long_said)
    assert headers["content-type"] == long_headers["content-type"] == "application/problem+json"
    assert len(short) == 1


async def test_what_is_unusual_takes_the_long_way(wire: Wire, short: list[bytes]) -> None:
    rows = json.dumps([order("d1"), order("d2")]).encode()
    assert [row["status"] for row in (await wire.ask(rows))[2]] == ["applied", "applied"]
    assert (await wire.ask(b"  " + json.dumps(order("d3")).encode()))[2]["status"] == "applied"
    assert (await wire.ask(b""))[2]["code"] == "body_missing"
    assert (await wire.ask(order("d4"), "guerdon-now: 2026-12-01T00:00:00Z"))[2]["status"] == "applied"
    assert (await wire.ask(order("d5"), path=f"{EVENTS}?a=1"))[2]["code"] == "unknown_parameter"
    assert (await wire.ask(order("d6"), key="gk_" + "z" * 40))[0] == 401
    assert (await wire.ask(order("d7"), "content-type: text/plain"))[0] in (200, 415)
    chunked = json.dumps(order("d8")).encode()
    wire.writer.write(
        wire.request(b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunked), chunked), "transfer-encoding: chunked")
    )
    assert (await wire.answer())[2]["status"] == "applied"
    assert (await wire.ask(order("d9"), path="/v1/programs/cl%75b/events"))[2]["status"] == "applied"
    big = order("d10")
    big["data"]["lines"][0]["name"] = "x" * 70_000
    assert (await wire.ask(big))[0] in (200, 400)
    assert short == []


async def test_scopes_count_on_the_short_way(wire: Wire, short: list[bytes]) -> None:
    other = wire.api.with_key("audit:read").key
    for _ in range(2):
        status, _, said = await wire.ask(order("e"), key=other)
        assert (status, said["code"]) == (403, "scope_missing")
    assert short == []


async def test_requests_that_follow_at_once_are_answered_in_order(wire: Wire, short: list[bytes]) -> None:
    names = [f"f{number}" for number in range(6)]
    sent = b"".join(wire.request(json.dumps(order(name)).encode()) for name in names)
    wire.writer.write(sent)
    assert [(await wire.answer())[2]["id"] for _ in names] == names
    assert 1 <= len(short) <= len(names)


async def test_a_body_may_come_in_pieces(wire: Wire, short: list[bytes]) -> None:
    whole = wire.request(json.dumps(order("g")).encode())
    for place in range(0, len(whole), 50):
        wire.writer.write(whole[place : place + 50])
        await wire.writer.drain()
        await asyncio.sleep(0)
    assert (await wire.answer())[2]["status"] == "applied"
    assert len(short) == 1


async def test_one_who_hangs_up_changes_nothing(wire: Wire, short: list[bytes]) -> None:
    wire.writer.write(wire.request(json.dumps(order("h")).encode()))
    await wire.writer.drain()
    await wire.taken_in.wait()
    wire.writer.close()
    await wire.connect()
    status, _, said = await wire.ask(order("h"))
    assert (status, said["status"], said["balances"]["points"]["available"]) == (200, "duplicate", "159")


async def test_a_stopping_engine_says_so(wire: Wire, short: list[bytes]) -> None:
    settings = wire.api.house.settings
    assert settings.database_url is not None
    with House(settings, Database(settings.database_url.get_secret_value(), pool_size=2)) as house:
        async with wired(wire.api, house) as other:
            house.engine.stop()
            status, headers, said = await other.ask(order("i"))
    assert (status, said["code"], headers["retry-after"]) == (503, "shutting_down", headers["retry-after"])
    assert len(short) == 1


async def test_a_fault_while_answering_is_a_plain_500(
    wire: Wire, short: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("guerdon.web.desk.shown_row", broken)
    status, _, said = await wire.ask(order("j"))
    assert (status, said["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(said)
    monkeypatch.undo()
    assert (await wire.ask(order("j")))[2]["status"] == "duplicate"


async def limited(wire: Wire, rate: int) -> str:
    """A key that may ask so much, known to the server."""
    with wire.api.house.database.transaction(tenant_id_of(wire.api.tenant)) as tx:
        new = NewKey("slow", ("all",), "test", datetime.now(UTC), rate_limit=rate)
        key = create_key(tx, new, wire.api.house.ids, secrets.randbits)[0]
    assert (await wire.ask(b"{}", key=key))[2]["code"] == "missing_field"
    return key


async def test_limits_count_on_the_short_way_too(wire: Wire, short: list[bytes]) -> None:
    key = await limited(wire, 1)
    asked = [await wire.ask(order(f"r{number}"), key=key) for number in range(10)]
    assert [status for status, _, _ in asked] == [200] * 9 + [429]
    assert asked[0][1]["ratelimit-policy"] == '"calls";q=10;w=10'
    assert asked[0][1]["ratelimit"].startswith('"calls";r=8;')
    _, headers, said = asked[-1]
    assert said["code"] == "rate_limited"
    assert int(headers["retry-after"]) >= 1
    assert len(short) == 10
    _, long_headers, long_said = await wire.ask(order("r99"), LONG_WAY, key=key)
    assert long_headers.keys() == headers.keys()
    assert long_said.keys() == said.keys()
    assert (await wire.ask(order("r0")))[2]["status"] == "duplicate", "other keys go on"
    assert (await wire.ask(order("r9")))[2]["status"] == "applied", "what was turned away was not done"


async def test_a_key_that_expires_is_seen_on_the_short_way(
    wire: Wire, short: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire.api.house.database.transaction(tenant_id_of(wire.api.tenant)) as tx:
        now = datetime.now(UTC)
        new = NewKey("aging", ("all",), "test", now, now + timedelta(hours=1))
        key = create_key(tx, new, wire.api.house.ids, secrets.randbits)[0]
    assert (await wire.ask(b"{}", key=key))[0] == 422
    assert (await wire.ask(order("e1"), key=key))[0] == 200

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # a clock that stands still
            return now + timedelta(hours=1)

    monkeypatch.setattr("guerdon.web.callers.datetime", Later)
    status, _, said = await wire.ask(order("e2"), key=key)
    assert (status, said["code"], len(short)) == (401, "key_expired", 1)
