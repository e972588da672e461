"""What operators see: figures that say whether it is well, traces, and logs that name nobody."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from httpx2 import ASGITransport, AsyncClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guerdon import cli
from guerdon.base.errors import Problem
from guerdon.infra.db import Database
from guerdon.web.app import build_app
from guerdon.web.watch.traces import Tracing, open_tracing
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def figures(api: Api) -> dict[str, float]:
    text = (await api.client.get("/metrics")).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_the_figures_say_whether_it_is_well(api: Api) -> None:
    # Other tests of this file may have put something there.
    before = (await figures(api))["guerdon_quarantined_commands"]
    await api.enrol(external_id="ananya")
    await api.post(f"{CLUB}/events", json=[order("o1"), order("o2"), {"id": "x"}])
    found = await figures(api)
    assert found["guerdon_database_up"] == 1
    assert found['guerdon_events_total{status="applied"}'] == 2
    assert found['guerdon_events_total{status="rejected"}'] == 1
    assert found["guerdon_queue_length"] == 0
    assert found["guerdon_batch_commands_count"] >= 1
    assert found["guerdon_batch_commands_sum"] >= 3
    assert found["guerdon_commit_seconds_count"] >= 1
    assert 0 < found["guerdon_commit_seconds_sum"] < found["guerdon_batch_seconds_sum"]
    assert found["guerdon_quarantined_commands"] == before
    assert found["guerdon_commands_failed_total"] == 0
    assert found['guerdon_batches_again_total{reason="deadlock"}'] == 0
    assert found["guerdon_ticks_due_accounts"] == 0
    assert found['guerdon_deliveries{state="dead"}'] == 0
    assert found['guerdon_delivery_attempts_total{outcome="delivered"}'] == 0
    assert found["guerdon_outbox_lag_seconds"] >= 0
    assert any(name.startswith('guerdon_info{version="') for name in found)


async def test_without_a_database_the_figures_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Problem("database_unavailable", "it is away")

    monkeypatch.setattr(Database, "transaction_as", away)
    found = await figures(api)
    assert found["guerdon_database_up"] == 0
    assert found["guerdon_quarantined_commands"] != found["guerdon_quarantined_commands"], "unknown is not 0"


class Traced:
    """A traced server, and what was collected."""

    def __init__(self, api: Api, collected: InMemorySpanExporter) -> None:
        self.api = api
        self.collected = collected

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.collected.get_finished_spans() if span.name == name]


@pytest.fixture
async def traced(api: Api) -> AsyncIterator[Traced]:
    collected = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(collected))
    tracing = Tracing(provider)
    front = build_app(api.house, tracing)
    async with AsyncClient(transport=ASGITransport(front), base_url="http://guerdon.test") as client:
        yield Traced(Api(client, front, api.house, api.tenant, api.key), collected)
    tracing.close()
    build_app(api.house)


async def test_a_request_leads_to_its_batch_and_transaction(traced: Traced) -> None:
    await traced.api.enrol(external_id="ananya", email="marked@mail.example")
    traced.collected.clear()
    await traced.api.post(f"{CLUB}/events", json=order("o1"), headers={"traceparent": PARENT})
    (request,) = traced.spans("POST /v1/programs/{program}/events")
    (batch,), (transaction,) = traced.spans("batch"), traced.spans("transaction")
    assert request.context is not None
    assert batch.context is not None
    assert format(request.context.trace_id, "032x") == PARENT.split("-")[1]
    assert request.parent is not None
    assert format(request.parent.span_id, "016x") == PARENT.split("-")[2]
    assert [link.context.span_id for link in batch.links] == [request.context.span_id]
    assert batch.parent is not None
    assert batch.parent.span_id == request.context.span_id
    assert transaction.parent is not None
    assert transaction.parent.span_id == batch.context.span_id
    assert [event.name for event in transaction.events] == ["commit"]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["guerdon.request_id"] == PARENT[3:-3]
    times = [
        request.start_time,
        batch.start_time,
        transaction.start_time,
        transaction.end_time,
        batch.end_time,
    ]
    assert times == sorted(times, key=lambda at: at or 0)


async def test_spans_of_all_doors_name_nobody(traced: Traced) -> None:
    api = traced.api
    member = await api.enrol(external_id="marked-external", email="marked@mail.example", name="Marked Name")
    await api.get(f"{CLUB}/members/email:marked@mail.example")
    await api.get(f"{CLUB}/members?q=Marked")
    await api.get(f"{CLUB}/nothing/marked")
    await api.post(f"{CLUB}/members/lookup", json={"email": "marked@mail.example"})
    await api.call("PATCH", f"{CLUB}/members/{member['id']}", json={"attributes": {"size": "marked"}})
    spans = traced.collected.get_finished_spans()
    assert len(spans) >= 6
    assert "marked" not in "".join(span.to_json() for span in spans).lower()


def test_tracing_is_off_unless_somebody_collects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    assert open_tracing() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Problem, match="tracing_unavailable"):
        open_tracing()


async def test_the_trace_of_a_caller_names_the_request(api: Api) -> None:
    answer = await api.get(CLUB, headers={"traceparent": PARENT})
    assert answer.headers["x-request-id"] == PARENT[3:-3]
    own = await api.get(CLUB, headers={"traceparent": PARENT, "x-request-id": "mine"})
    assert own.headers["x-request-id"] == "mine"
    odd = await api.get(CLUB, headers={"traceparent": "00-zz"})
    assert odd.headers["x-request-id"] not in {"00-zz", PARENT[3:-3]}


MARKED = {
    "external_id": "zqx-external",
    "email": "zqx@mail.example",
    "phone": "+12025550188",
    "name": "Zqxname Zqxfamily",
}
TELLTALES = re.compile(r"zqx|2025550188|mail\.example|1990-02-03", re.IGNORECASE)


async def through_all_doors(api: Api) -> None:
    member = await api.enrol(**MARKED, birthday="1990-02-03", attributes={"size": "m"})
    path = f"{CLUB}/members"
    for ref in ("email:zqx@mail.example", "phone:+12025550188", "external:zqx-external", member["id"], "zqx"):
        await api.get(f"{path}/{ref}")
        await api.call("PATCH", f"{path}/{ref}", json={"name": "Zqxother", "surprise": "zqx"})
        await api.call("PATCH", f"{path}/{ref}", json={"name": "Zqxother"})
        await api.get(f"{CLUB}/rewards", params={"member": ref})
        await api.post(f"{CLUB}/events", json=order(f"o-{ref}", member=ref, zqx="zqx"))
        await api.post(
            f"{CLUB}/events", json=[order(f"p-{ref}", member=ref), order("q", member="email:zqx@")]
        )
        await api.post(f"{CLUB}/redemptions", json={"member": ref, "reward": "zqx"})
    await api.get(path, params={"q": "Zqxname"})
    await api.get(path, params={"zqx": "zqx@mail.example"})
    await api.post(path, content=b'{"email": "zqx@mail.example", "phone": "+1202')
    await api.post(path, json={**MARKED, "email": "not-an-address zqx"})
    await api.post(f"{path}/lookup", json={"email": "zqx@mail.example"})
    await api.post(f"{path}/lookup", json={"phone": "zqx"})
    await api.post(f"{CLUB}/orders/zqx@mail.example/returns", json={})
    await api.client.get("/console/sign-in", params={"next": "zqx@mail.example"})
    await api.client.post("/console/sign-in", data={"email": "zqx@mail.example", "password": "zqx"})
    await api.client.post("/v1/hooks/hook_zqx", json=MARKED, headers={"x-shop-signature": "zqx"})
    await api.post("/v1/webhooks", json={"url": "https://zqx.mail.example/", "types": ["*"], "zqx": 1})
    await api.client.get(CLUB, headers={"authorization": "Bearer gk_zqx", "x-request-id": "zqx mail.example"})
    await api.call("DELETE", f"{path}/email:zqx@mail.example")


@pytest.fixture
def served_log() -> Iterator[None]:
    """The log as the command line sets it up for a server."""
    assert cli.run(["keys", "--help"]) == 0
    yield
    structlog.reset_defaults()


async def test_the_log_of_all_doors_names_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], served_log: None
) -> None:
    monkeypatch.setattr(api.front.premises.telemetry, "_logs_requests", True)
    await through_all_doors(api)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("zqx@mail.example")

    monkeypatch.setattr("guerdon.web.api.members.parse_ref", broken)
    monkeypatch.setattr("guerdon.engine.batch.fold", broken)
    await api.get(f"{CLUB}/members/email:zqx@mail.example")
    failed = await api.post(f"{CLUB}/events", json=order("z", member="email:zqx@mail.example"))
    assert failed.status_code == 500
    logged = "".join(capfd.readouterr())
    monkeypatch.undo()
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    kinds: set[Any] = {line["event"] for line in lines}
    assert {"request", "fault", "quarantined"} <= kinds
    assert "RuntimeError" in logged
    assert sum(line["event"] == "request" for line in lines) > 40
    assert [line for line in logged.splitlines() if TELLTALES.search(line)] == []
    found = (await api.client.get("/metrics")).text
    assert TELLTALES.search(found) is None
    assert await figures(api)
