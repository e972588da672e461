"""Webhooks through the API: made, changed, replayed and never seen by another tenant."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from guerdon.infra.db import Database
from guerdon.infra.postgres import EmbeddedPostgres
from guerdon.infra.settings import Settings
from guerdon.programs.tenants import tenant_id_of
from guerdon.wiring import House
from tests.rooms.conftest import create_database, drop_database
from tests.rooms.webhooks.receiver import Receiver
from tests.web.conftest import MASTER_KEY, Api, order

HOOKS = "/v1/webhooks"
CLUB = "/v1/programs/club"


@pytest.fixture(scope="module")
def web_house(server: EmbeddedPostgres, template: str) -> Any:
    """A house that may call this machine."""
    create_database(server, "web_webhooks", template)
    dsn = server.dsn(database="web_webhooks")
    settings = Settings(
        master_key=SecretStr(MASTER_KEY),
        log_level="error",
        database_url=SecretStr(dsn),
        allow_loopback=True,
    )
    with House(settings, Database(dsn, pool_size=4)) as house:
        yield house
    drop_database(server, "web_webhooks")


async def make(api: Api, url: str = "https://shop.example/in", **more: Any) -> dict[str, Any]:
    answer = await api.post(HOOKS, json={"url": url, "types": ["*"], **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def wait_for(receiver: Receiver, count: int) -> Any:
    return await anyio.to_thread.run_sync(receiver.wait, count)


async def test_a_subscription_is_told_and_its_deliveries_are_shown(api: Api) -> None:
    with Receiver() as receiver:
        made = await make(api, receiver.url, types=["order.paid"], program="club", description="Shop")
        await api.enrol(external_id="ananya")
        said = (await api.post(f"{CLUB}/events", json=order("o1"))).json()
        came = (await wait_for(receiver, 1))[0]
        event = Webhook(made["secret"]).verify(came.body, came.headers)
        assert event["data"]["balances"] == said["balances"]
        assert event["data"]["effects"] == said["effects"]
        path = f"{HOOKS}/{made['id']}"
        deliveries: dict[str, Any] = {"data": []}
        while not deliveries["data"]:
            deliveries = (await api.get(f"{path}/deliveries?state=delivered")).json()
            await anyio.sleep(0.05)
        (delivery,) = deliveries["data"]
        assert delivery["id"] == came.message
        assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("delivered", 1, 204)
        assert delivery["account"] == event["data"]["account"]
        again = await api.post(f"{path}/deliveries/{delivery['id']}/replay")
        assert (again.status_code, again.json()) == (200, {"deliveries": 1})
        assert (await wait_for(receiver, 2))[1].body == came.body
        missing = await api.post(f"{path}/deliveries/msg_{'0' * 32}/replay")
        assert (missing.status_code, missing.json()["code"]) == (404, "delivery_not_found")


async def test_everything_since_an_instant_is_sent_again(api: Api) -> None:
    with Receiver() as receiver:
        made = await make(api, receiver.url, types=["order.paid"])
        await api.enrol(external_id="ananya")
        await api.post(f"{CLUB}/events", json=[order("o1"), order("o2")])
        await wait_for(receiver, 2)
        path = f"{HOOKS}/{made['id']}/replay"
        for _ in range(600):
            answer = await api.post(path, params={"since": "2020-01-01T00:00:00Z"})
            if answer.json() == {"deliveries": 2}:
                break
            await anyio.sleep(0.05)
        came = await wait_for(receiver, 4)
        assert len({one.message for one in came}) == 2
        later = await api.post(path, params={"since": "2199-01-01T00:00:00Z"})
        assert later.json() == {"deliveries": 0}
        wrong = await api.post(path, params={"since": "yesterday"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "parameter_invalid")


async def test_a_secret_is_shown_once_and_never_stored_bare(api: Api) -> None:
    headers = {"idempotency-key": "first"}
    body = {"url": "https://shop.example/in", "types": ["*"]}
    first = await api.post(HOOKS, json=body, headers=headers)
    again = await api.post(HOOKS, json=body, headers=headers)
    assert first.json() == again.json()
    made = first.json()
    assert made["secret"].startswith("whsec_")
    one = await api.get(f"{HOOKS}/{made['id']}")
    assert "secret" not in one.json()
    listed = (await api.get(HOOKS)).json()
    assert [row["id"] for row in listed["data"]] == [made["id"]]
    assert made["secret"] not in (await api.get(HOOKS)).text
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        kept = b"".join(bytes(row[0]) for row in tx.execute("select answer from idempotency_keys"))
        stored = b"".join(bytes(row[0]) for row in tx.execute("select secret from webhooks"))
    assert kept
    assert made["secret"].encode() not in kept
    assert made["secret"].removeprefix("whsec_").encode() not in stored
    turned = await api.post(f"{HOOKS}/{made['id']}/rotate")
    assert turned.json()["secret"] != made["secret"]
    assert turned.json()["old_secret_until"] is not None


async def test_it_is_changed_stopped_and_deleted(api: Api) -> None:
    made = await make(api)
    path = f"{HOOKS}/{made['id']}"
    stopped = await api.call("PATCH", path, json={"enabled": False, "types": ["units.*"]})
    assert (stopped.json()["enabled"], stopped.json()["disabled_because"]) == (False, "asked")
    assert stopped.json()["types"] == ["units.*"]
    again = await api.call("PATCH", path, json={"enabled": True, "url": "https://shop.example/other"})
    assert (again.json()["enabled"], again.json()["disabled_because"]) == (True, None)
    assert again.json()["url"] == "https://shop.example/other"
    gone = await api.call("DELETE", path)
    assert gone.json() == {"id": made["id"]}
    for answer in (await api.get(path), await api.call("DELETE", path), await api.post(f"{path}/rotate")):
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"url": "http://shop.example/in"}, "url_refused", "/url"),
        ({"url": "https://169.254.169.254/latest"}, "url_refused", "/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url_refused", "/url"),
        ({"url": "nonsense"}, "url_invalid", "/url"),
        ({"types": []}, "wrong_value", "/types"),
        ({"types": ["Order Paid"]}, "types_invalid", "/types/0"),
        ({"types": ["*", "guerdon.redeem"]}, "types_invalid", "/types/1"),
        ({"description": "x" * 501}, "wrong_value", "/description"),
        ({"secret": "mine"}, "unknown_field", "/secret"),
    ],
)
async def test_wrong_wishes_are_refused_precisely(
    bare: Api, change: dict[str, Any], code: str, pointer: str
) -> None:
    body = {"url": "https://shop.example/in", "types": ["*"], **change}
    answer = await bare.post(HOOKS, json=body)
    assert answer.status_code == 422, answer.text
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)
    assert (await bare.get(HOOKS)).json()["data"] == []


async def test_an_unknown_program_is_refused(bare: Api) -> None:
    answer = await bare.post(HOOKS, json={"url": "https://shop.example/", "types": ["*"], "program": "none"})
    assert (answer.status_code, answer.json()["code"]) == (404, "program_not_found")


async def test_scopes_and_tenants_are_walls(api: Api) -> None:
    made = await make(api)
    path = f"{HOOKS}/{made['id']}"
    reader = api.with_key("webhooks:read")
    assert (await reader.get(path)).status_code == 200
    assert (await reader.call("DELETE", path)).json()["code"] == "scope_missing"
    assert (await api.with_key("events:write").get(HOOKS)).json()["code"] == "scope_missing"
    other = api.with_key("all", tenant="stranger")
    assert (await other.get(HOOKS)).json()["data"] == []
    for method, place in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/rotate"),
        ("GET", f"{path}/deliveries"),
        ("POST", f"{path}/replay?since=2020-01-01T00:00:00Z"),
    ):
        answer = await other.call(method, place, **({"json": {}} if method == "PATCH" else {}))
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found"), place
