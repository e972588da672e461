"""The OpenAPI description: complete, true to the answers, and readable as a page."""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from fastapi import FastAPI
from httpx2 import Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from guerdon.web.api.calls.samples import SAMPLES
from guerdon.web.app import _ROUTERS
from guerdon.web.outline import describe
from guerdon.web.pages.reader import read_refusals
from guerdon.web.pages.routes import POLICY
from guerdon.web.problems import codes_of
from tests.web.conftest import Api, order

CLUB = "/v1/programs/club"
EXAMPLES = settings(
    max_examples=8,
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
        ("get", "/v1/programs/{program}/versions/{version}"),
        ("get", "/v1/programs/{program}/versions/{version}/difference"),
        ("post", "/v1/programs/{program}/rollback"),
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
        ("post", "/v1/programs/{program}/accounts/{account}/merge/preview"),
        ("post", "/v1/programs/{program}/accounts/{account}/merge"),
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


def _document() -> dict[str, Any]:
    app = FastAPI()
    for router in _ROUTERS:
        app.include_router(router)
    return describe(app, SAMPLES)


def _calls() -> list[str]:
    return [
        f"{method.upper()} {path}"
        for path, item in _document()["paths"].items()
        for method in item
        if path.startswith("/v1/")
    ]


async def _known(api: Api, path: str) -> dict[str, str]:
    """Things that are there, so that calls about one of them get past its name."""
    member = await api.enrol(external_id="ananya")
    known = {"program": "club", "ref": "ananya", "account": member["account"]}
    for noun, many in (("webhook", "webhooks"), ("key", "keys"), ("hook", "hooks")):
        if f"{{{noun}}}" in path:
            body = {**SAMPLES["post", f"/v1/{many}"]}
            if "program" in body:
                body["program"] = "club"
            known[noun] = (await api.post(f"/v1/{many}", json=body)).json()["id"]
    if "{order}" in path or "{event}" in path:
        await api.post(f"{CLUB}/events", json=order("o1", member="ananya"))
        known |= {"order": "order-o1", "event": "o1"}
    return known


# Threads of the house draw from `random` meanwhile, which is taken for the strategies' own doing.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("name", _calls())
async def test_whatever_is_sent_is_answered_as_described(api: Api, name: str) -> None:
    """Requests drawn from our own description, right and wrong: each answer is one that it lists."""
    method, path = name.split(" ")
    document = api.front.description
    operation = schemathesis.openapi.from_dict(document)[path][method]
    known = await _known(api, path)
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
        answer = await _send(api, case, method)
        _check_described(document, document["paths"][path][method.lower()], answer)


async def _send(api: Api, case: Any, method: str) -> Response:
    sent = case.as_transport_kwargs(base_url="http://guerdon.test")
    headers = {
        key: str(value)
        for key, value in dict(sent.get("headers") or {}).items()
        if key.lower() != "authorization" and _can_be_sent(str(value))
    }
    body = sent.get("data")
    content = {"content": body.encode() if isinstance(body, str) else body} if body is not None else {}
    if sent.get("json") is not None:
        content = {"json": sent["json"]}
    return await api.call(method, sent["url"], params=sent.get("params") or None, headers=headers, **content)


def _check_described(document: dict[str, Any], described: dict[str, Any], answer: Response) -> None:
    status = str(answer.status_code)
    assert answer.status_code < 500, answer.text
    assert status in described["responses"], (status, answer.text)
    said = described["responses"][status]
    if "$ref" in said:
        said = document["components"]["responses"][said["$ref"].rpartition("/")[2]]
    assert answer.headers["content-type"] in said["content"], answer.text
    schema = said["content"][answer.headers["content-type"]]["schema"]
    _validator(document, schema).validate(answer.json())
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert re.fullmatch(r"[a-z][a-z0-9_]*", problem["code"])


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": document["components"]})


def test_each_refusal_is_described_with_its_codes() -> None:
    document = _document()
    for name, described in document["components"]["responses"].items():
        status = int(name.removeprefix("Refused"))
        example = described["content"]["application/problem+json"]["example"]
        assert example["status"] == status
        assert example["code"] in described["description"] or not codes_of(status) or status in (404, 422)
    limited = document["components"]["responses"]["Refused429"]
    assert "rate_limited" in limited["description"]
    assert {"Retry-After", "X-Request-Id"} <= limited["headers"].keys()
    for path, item in document["paths"].items():
        for method, one in item.items():
            if path.startswith("/v1/"):
                assert {"400", "401", "422", "429", "500", "503"} <= one["responses"].keys(), (method, path)


async def test_each_body_has_an_example_that_works(bare: Api) -> None:
    """The examples are sent in the order of the document, to what those before them have made."""
    document = bare.front.description
    known = {"program": "corner-shop", "ref": "external:ananya", "checkout": "C-1", "order": "A-1"}
    known |= {"code": "WELCOME10", "quiz": "know_your_tea", "reward": "tasting", "cause": "wells"}
    known["leaderboard"] = "top_buyers"
    known["ladder"] = "club"
    await bare.apply(msgspec.json.encode(SAMPLES["put", "/v1/programs/{program}"]).decode(), "corner-shop")
    friend = await bare.post("/v1/programs/corner-shop/members", json={"external_id": "ben"})
    for path, item in document["paths"].items():
        for method, described in item.items():
            if "requestBody" not in described:
                continue
            for content in described["requestBody"]["content"].values():
                _validator(document, content["schema"]).validate(content["example"])
            sample = {**content["example"]}
            if path.endswith("/cancel"):
                # The one before has been paid.
                known["checkout"] = "C-2"
                cart = SAMPLES["put", "/v1/programs/{program}/checkouts/{checkout}"]
                await bare.call("PUT", "/v1/programs/corner-shop/checkouts/C-2", json=cart)
            if path.endswith("/returns"):
                await bare.post("/v1/programs/corner-shop/events", json=_paid("A-1"))
            known |= await _given(bare, path)
            sample |= _code_of(path, known) | await _ticket(bare, path, known)
            if "to" in sample and path.endswith("/transfers"):
                sample["to"] = friend.json()["account"]
            here = known | await _twin(bare, path)
            sample |= {"into": friend.json()["account"]} if "/merge" in path else {}
            raw = msgspec.json.encode(sample)
            signed = hmac.digest(b"the secret of our old shop", raw, "sha256").hex()
            headers = {"content-type": "application/json", "x-shop-signature": signed}
            answer = await bare.call(method.upper(), path.format(**here), content=raw, headers=headers)
            assert answer.status_code in (200, 201), (path, answer.text)
            _remember(known, path, answer.json())


async def _twin(api: Api, path: str) -> dict[str, str]:
    """Enrol somebody whose account can go, where one is merged."""
    if "/merge" not in path:
        return {}
    twin = await api.post("/v1/programs/corner-shop/members", json={"external_id": "twin"})
    return {"account": twin.json()["account"]}


async def _ticket(api: Api, path: str, known: dict[str, str]) -> dict[str, str]:
    """Get the ticket of the seat that was taken, where somebody comes in with it."""
    if not path.endswith("/checkins"):
        return {}
    ticket = await api.get(f"/v1/programs/corner-shop/redemptions/{known['seat']}/ticket")
    return {"code": str(ticket.json()["code"])}


def _code_of(path: str, known: dict[str, str]) -> dict[str, str]:
    is_asked = path.endswith(("/gift-cards/lookup", "/gift-cards/claim"))
    return {"code": known["gift_code"]} if is_asked else {}


async def _given(api: Api, path: str) -> dict[str, str]:
    """Let a campaign give a reward with its choice open, or somebody take the only seat, where needed."""
    if path.endswith("/waiting"):
        taken = {"member": "external:ananya", "reward": "tasting"}
        seat = await api.post("/v1/programs/corner-shop/redemptions", json=taken)
        return {"seat": str(seat.json()["id"])}
    if "/services/" in path:
        asked = {"member": "external:ananya", "reward": "fitting"}
        service = await api.post("/v1/programs/corner-shop/redemptions", json=asked)
        return {"redemption": str(service.json()["id"])}
    if path.endswith("/payouts"):
        giver = (await api.post("/v1/programs/corner-shop/members", json={"external_id": "gil"})).json()
        then = {"guerdon-now": "2026-10-15T12:00:00Z"}
        some = {"wallet": "points", "amount": "5", "reason": "a start"}
        path = f"/v1/programs/corner-shop/accounts/{giver['account']}/adjustments"
        await api.post(path, json=some, headers=then)
        gift = {"member": "external:gil", "reward": "well", "quantity": 5}
        await api.post("/v1/programs/corner-shop/redemptions", json=gift, headers=then)
    if not path.endswith("/choose"):
        return {}
    sample = SAMPLES["put", "/v1/programs/{program}"]
    gives = {"trigger": "order.paid", "then": [{"grant": "present"}]}
    rewards = {
        "present": {"kind": "choice", "choices": ["travel_pouch"]},
        "travel_pouch": {"kind": "product", "stock": 5},
    }
    changed = {
        **sample,
        "campaigns": {**sample.get("campaigns", {}), "surprise": gives},
        "rewards": {**sample.get("rewards", {}), **rewards},
    }
    said = await api.apply(msgspec.json.encode(changed).decode(), "corner-shop")
    assert said.status_code == 201, said.text
    said = await api.post("/v1/programs/corner-shop/events", json=_paid("A-9"))
    (given,) = [one["grant"] for one in said.json()["effects"] if "grant" in one]
    return {"redemption": str(given["redemption"])}


def _paid(order: str) -> dict[str, Any]:
    paid = SAMPLES["post", "/v1/programs/{program}/events"]
    data = {**paid["data"], "id": order}
    return {**paid, "id": f"paid-{order}", "subject": "external:ben", "data": data}


_MADE_HERE = {
    "/members": ("account", "account"),
    "/teams": ("team", "id"),
    "/attempts": ("attempt", "id"),
    "{program}/posts": ("post", "id"),
    "/shares": ("share", "code"),
    "/deeds": ("deed", "id"),
    "/redemptions": ("redemption", "id"),
    "/v1/webhooks": ("webhook", "id"),
    "/v1/keys": ("key", "id"),
    "/v1/hooks": ("hook", "id"),
}
"""By the end of a path: what the answer's number is called in other paths, and where it stands."""


def _remember(known: dict[str, str], path: str, said: Any) -> None:
    for end, (name, where) in _MADE_HERE.items():
        if path.endswith(end):
            known[name] = said[where]
    if path.endswith("/gift-cards"):
        known |= {"card": said["data"][0]["id"], "gift_code": said["data"][0]["code"]}


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


async def test_the_pages_of_the_api_say_what_a_call_may_be_refused_with(api: Api) -> None:
    page = (await api.client.get("/docs")).text
    for one in read_refusals(api.front.description):
        assert f'id="refused-{one["status"]}"' in page
        for code in re.findall(r"`(\w+)`", one["what"]):
            assert f"<code>{code}</code>" in page
    assert "<code>insufficient_units</code>" in page


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


def test_bodies_take_numbers_where_answers_give_text() -> None:
    schemas = _document()["components"]["schemas"]
    assert schemas["LineInput"]["properties"]["quantity"]["type"] == ["string", "number"]
    assert schemas["Adjustment"]["properties"]["amount"]["type"] == ["string", "number"]
    assert schemas["WalletShape"]["properties"]["available"]["type"] == "string"


def test_times_are_said_to_be_times() -> None:
    """Whoever makes a client of the description reads an instant as one, in bodies, answers and addresses."""
    document = _document()
    named = re.compile(r"(_at|_until)$|^(at|time|until|since)$")
    # Local times of a program's clock have no offset, and a badge's level is a number.
    others = {"RedemptionShape.at", "RewardShape.at", "TicketShape.at", "LevelShape.at"}
    fields = [
        (f"{name}.{key}", schema)
        for name, one in document["components"]["schemas"].items()
        for key, schema in one.get("properties", {}).items()
        if named.search(key)
    ]
    fields += [
        (f"{path}?{one['name']}", one["schema"])
        for path, item in document["paths"].items()
        for described in item.values()
        for one in described.get("parameters", ())
        if one["in"] == "query" and named.search(one["name"])
    ]
    assert len(fields) > 100
    plain = {name for name, schema in fields if '"date-time"' not in json.dumps(schema)}
    assert plain == others
