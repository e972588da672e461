"""The OpenAPI description: complete, true to the answers, and readable as a page."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from guerdon.web.pages.routes import POLICY
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


async def test_the_description_names_every_call(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    calls = {(method, path) for path, item in document["paths"].items() for method in item}
    assert {
        ("put", "/v1/programs/{program}"),
        ("get", "/v1/programs/{program}"),
        ("get", "/v1/programs/{program}/versions"),
        ("post", "/v1/programs/{program}/members"),
        ("post", "/v1/programs/{program}/members/lookup"),
        ("get", "/v1/programs/{program}/members"),
        ("get", "/v1/programs/{program}/members/{ref}"),
        ("patch", "/v1/programs/{program}/members/{ref}"),
        ("delete", "/v1/programs/{program}/members/{ref}"),
        ("post", "/v1/programs/{program}/events"),
        ("get", "/v1/programs/{program}/events"),
        ("get", "/v1/programs/{program}/orders"),
        ("get", "/v1/programs/{program}/accounts/{account}"),
        ("get", "/v1/programs/{program}/accounts/{account}/ledger"),
        ("post", "/v1/programs/{program}/accounts/{account}/adjustments"),
        ("post", "/v1/programs/{program}/accounts/{account}/transfers"),
        ("get", "/v1/programs/{program}/rewards"),
        ("post", "/v1/programs/{program}/redemptions"),
        ("post", "/v1/programs/{program}/redemptions/{redemption}/cancel"),
        ("post", "/v1/programs/{program}/redemptions/{redemption}/use"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    } <= calls
    for path, item in document["paths"].items():
        for method, described in item.items():
            assert described["summary"], (method, path)
            assert "default" in described["responses"], (method, path)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(document).decode()))
    assert references <= document["components"]["schemas"].keys()


async def test_answers_are_as_described(api: Api) -> None:
    document: dict[str, Any] = api.front.description
    member = await api.enrol(external_id="ananya", email="a@mail.example", attributes={"size": "m"})
    given_units = {"wallet": "points", "amount": "500", "reason": "welcome"}
    await api.post(f"{CLUB}/accounts/{member['account']}/adjustments", json=given_units)
    taken = (await api.post(f"{CLUB}/redemptions", json={"member": "ananya", "reward": "pouch"})).json()
    event = order("o1")
    calls: list[tuple[str, str, str, Any]] = [
        ("post", "/v1/programs/{program}/events", f"{CLUB}/events", event),
        ("post", "/v1/programs/{program}/events", f"{CLUB}/events", [event, {"id": "x"}]),
        ("get", "/v1/programs/{program}", CLUB, None),
        ("get", "/v1/programs/{program}/versions", f"{CLUB}/versions", None),
        ("get", "/v1/programs/{program}/members", f"{CLUB}/members", None),
        ("get", "/v1/programs/{program}/members/{ref}", f"{CLUB}/members/ananya", None),
        ("get", "/v1/programs/{program}/events", f"{CLUB}/events", None),
        ("get", "/v1/programs/{program}/orders", f"{CLUB}/orders", None),
        ("get", "/v1/programs/{program}/accounts", f"{CLUB}/accounts", None),
        ("get", "/v1/programs/{program}/accounts/{account}", f"{CLUB}/accounts/{member['account']}", None),
        (
            "get",
            "/v1/programs/{program}/accounts/{account}/ledger",
            f"{CLUB}/accounts/{member['account']}/ledger",
            None,
        ),
        ("get", "/v1/programs/{program}/rewards", f"{CLUB}/rewards?member=ananya", None),
        ("get", "/v1/programs/{program}/redemptions", f"{CLUB}/redemptions", None),
        ("get", "/v1/programs/{program}/redemptions/{redemption}", f"{CLUB}/redemptions/{taken['id']}", None),
    ]
    for method, template, path, body in calls:
        answer = await api.call(method.upper(), path, **({"json": body} if body is not None else {}))
        assert answer.status_code == 200, (path, answer.text)
        described = document["paths"][template][method]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        schema = {**described, "components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(answer.json())


def _calls() -> list[str]:
    return [
        "PUT /v1/programs/{program}",
        "POST /v1/programs/{program}/members",
        "POST /v1/programs/{program}/members/lookup",
        "GET /v1/programs/{program}/members",
        "GET /v1/programs/{program}/members/{ref}",
        "PATCH /v1/programs/{program}/members/{ref}",
        "DELETE /v1/programs/{program}/members/{ref}",
        "POST /v1/programs/{program}/events",
        "GET /v1/programs/{program}/events",
        "GET /v1/programs/{program}/events/{event}",
        "GET /v1/programs/{program}/orders",
        "GET /v1/programs/{program}/orders/{order}",
        "GET /v1/programs/{program}/accounts",
        "GET /v1/programs/{program}/accounts/{account}",
        "GET /v1/programs/{program}/accounts/{account}/ledger",
        "POST /v1/programs/{program}/accounts/{account}/adjustments",
        "POST /v1/programs/{program}/accounts/{account}/transfers",
        "GET /v1/programs/{program}/rewards",
        "POST /v1/programs/{program}/redemptions",
        "GET /v1/programs/{program}/redemptions",
        "POST /v1/programs/{program}/redemptions/{redemption}/cancel",
        "POST /v1/webhooks",
        "GET /v1/webhooks",
        "PATCH /v1/webhooks/{webhook}",
        "POST /v1/webhooks/{webhook}/replay",
        "GET /v1/webhooks/{webhook}/deliveries",
        "POST /v1/hooks",
        "POST /v1/hooks/{hook}",
        "POST /v1/hooks/{hook}/preview",
    ]


@pytest.mark.parametrize("name", _calls())
async def test_whatever_is_sent_is_answered_in_form(api: Api, name: str) -> None:
    """Requests drawn from our own description, right and wrong: never a 5xx, always a problem or JSON."""
    method, path = name.split(" ")
    schema = schemathesis.openapi.from_dict(api.front.description)
    operation = schema[path][method]
    member = await api.enrol(external_id="ananya")
    known = {"program": "club", "ref": "ananya", "account": member["account"]}
    made: list[Any] = []

    @EXAMPLES
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                made.append(data.draw(operation.as_strategy(generation_mode=mode)))
            except schemathesis.errors.SchemathesisError:
                continue

    draw()
    assert made
    for case in made:
        parts = {**dict(case.path_parameters or {}), **known}
        case.path_parameters = {
            name: value for name, value in parts.items() if name in (case.path_parameters or {})
        }
        sent = case.as_transport_kwargs(base_url="http://guerdon.test")
        headers = {
            key: value
            for key, value in dict(sent.get("headers") or {}).items()
            if key.lower() != "authorization"
        }
        body = sent.get("data")
        content = {"content": body.encode() if isinstance(body, str) else body} if body is not None else {}
        if sent.get("json") is not None:
            content = {"json": sent["json"]}
        sendable = {key: str(value) for key, value in headers.items() if _can_be_sent(str(value))}
        answer = await api.call(
            method, sent["url"], params=sent.get("params") or None, headers=sendable, **content
        )
        assert answer.status_code < 500, (case, answer.text)
        expected = "application/json" if answer.status_code < 400 else "application/problem+json"
        assert answer.headers["content-type"] == expected
        if answer.status_code >= 400:
            problem = answer.json()
            assert problem["status"] == answer.status_code
            assert re.fullmatch(r"[a-z][a-z0-9_]*", problem["code"])


def _can_be_sent(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


async def test_pages_carry_a_policy_and_no_inline_parts(api: Api) -> None:
    for path in ("/", "/docs"):
        answer = await api.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == POLICY
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        for asset in re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text):
            assert (await api.client.get(asset)).status_code == 200


async def test_the_front_page_shows_figures_of_sandboxes_alone(api: Api) -> None:
    await api.apply(key="open-club")
    live = api.with_key("all", tenant="secretive", sandbox=False)
    await live.apply(key="secret-club")
    page = (await api.client.get("/")).text
    assert "open-club" in page
    assert "secret-club" not in page


async def test_upkeep_needs_no_key(api: Api) -> None:
    assert (await api.client.get("/healthz")).json() == {"status": "alive"}
    assert (await api.client.get("/readyz")).json() == {"status": "ready"}
    await api.enrol(external_id="ananya")
    await api.post(f"{CLUB}/events", json=[order("o1"), {"id": "x"}])
    await api.get(f"{CLUB}/members/email:a@mail.example")
    metrics = (await api.client.get("/metrics")).text
    assert 'guerdon_events_total{status="applied"} 1.0' in metrics
    assert 'route="/v1/programs/{program}/members/{ref}"' in metrics
    assert "mail.example" not in metrics


async def test_a_server_that_is_being_stopped_is_not_ready(api: Api) -> None:
    api.front.stop()
    answer = await api.client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


async def test_a_head_is_answered_as_its_get(api: Api) -> None:
    for path in ("/", "/healthz", "/readyz"):
        assert (await api.client.head(path)).status_code == 200
    assert (await api.call("HEAD", CLUB)).status_code == 200
    assert (await api.client.head(CLUB)).status_code == 401
