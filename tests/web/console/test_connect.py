"""Webhooks and order hooks in the console: added, shown once, paused, sent again, tried, deleted."""

from __future__ import annotations

import hmac
import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from guerdon.base.ids import parse_number
from guerdon.connect.webhooks.deliveries import list_deliveries
from guerdon.programs.audit import list_acts
from guerdon.programs.tenants import tenant_id_of
from tests.web.conftest import Api
from tests.web.console.desk import Person, signed_in
from tests.web.console.test_office import said

WEBHOOKS = "/console/webhooks"
HOOKS = "/console/hooks"
SECRET = re.compile(r'<code class="secret">(whsec_[^<]+)</code>')
BODY = {
    "topic": "order/paid",
    "number": 17,
    "paid_at": "2026-11-20T10:00:00Z",
    "customer": "ananya",
    "items": [{"row": 1, "sku": "TEA", "amount": "12.50"}],
}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


async def added(person: Person, **more: str) -> tuple[str, str]:
    """Add a webhook; its page's path and its secret."""
    once = hidden((await person.get(WEBHOOKS)).text, "once")
    fields = {"url": "https://shop.example/guerdon", "types": "tier.changed, units.*", "program": "club"}
    made = await person.send(WEBHOOKS, **{**fields, "once": once, **more})
    secret = SECRET.search(made.text)
    assert secret is not None, said(made.text)
    return f"{WEBHOOKS}/{once}", secret[1]


def put_delivery(api: Api, path: str, state: str = "dead") -> None:
    """Leave a delivery as the relay would, after its last attempt."""
    number = parse_number("whk", path.rsplit("/", 1)[1])
    now = datetime.now(UTC)
    with api.house.database.transaction_as("relay") as tx:
        tx.execute(
            "insert into webhook_deliveries (tenant_id, webhook_id, message_id, account_id, type, state,"
            " attempts, made_at, next_at, give_up_at, last_status, last_problem, settled_at)"
            " values (%s, %s, %s, 7, 'tier.changed', %s, 14, %s, null, %s, 503, 'refused_by_status', %s)",
            (tenant_id_of(api.tenant), number, api.house.ids.uuid(), state, now, now, now),
        )


def states(api: Api, path: str) -> list[str]:
    number = parse_number("whk", path.rsplit("/", 1)[1])
    assert number is not None
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [one.state for one in list_deliveries(tx, number, 100)]


def acts(api: Api) -> list[str]:
    with api.house.database.transaction(tenant_id_of(api.tenant)) as tx:
        return [one.act.action for one in list_acts(tx)]


async def test_a_webhook_is_added_its_secret_shown_once_and_the_form_adds_one(api: Api) -> None:
    person = await signed_in(api, "manager")
    path, secret = await added(person)
    page = (await person.get(path)).text
    assert secret not in page
    assert "tier.changed units.*" in html.unescape(page)
    twice = await person.send(
        WEBHOOKS, url="https://shop.example/guerdon", types="*", once=path.rsplit("/", 1)[1]
    )
    assert twice.headers["location"] == f"{path}?said=twice"
    listed = (await person.get(WEBHOOKS)).text
    assert listed.count('href="/console/webhooks/whk_') == 1
    assert acts(api).count("webhook.made") == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"url": "http://shop.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"types": "TIER!"}, "types_invalid"),
        ({"types": ""}, "types_invalid"),
        ({"once": "whk_nonsense"}, "form_stale"),
    ],
)
async def test_what_cannot_be_told_is_refused_and_what_was_typed_stays(
    api: Api, fields: dict[str, str], code: str
) -> None:
    person = await signed_in(api)
    once = hidden((await person.get(WEBHOOKS)).text, "once")
    given = {"url": "https://shop.example/g", "types": "*", "description": "the shop", "once": once}
    answer = await person.send(WEBHOOKS, **{**given, **fields})
    assert answer.status_code == 422
    assert code in answer.text
    assert 'value="the shop"' in answer.text
    assert "Nobody is told yet" in answer.text


async def test_a_webhook_is_paused_taken_up_changed_and_deleted(api: Api) -> None:
    person = await signed_in(api)
    path, _ = await added(person)
    assert (await person.send(path, act="pause")).headers["location"] == f"{path}?said=paused"
    page = (await person.get(path)).text
    assert "paused" in said(page)
    assert "Take it up again" in page
    await person.send(path, act="resume")
    page = (await person.get(path)).text
    changed = await person.send(
        path, act="change", seen=hidden(page, "seen"), url="https://shop.example/new", types="*"
    )
    assert changed.headers["location"] == f"{path}?said=changed"
    assert "https://shop.example/new" in (await person.get(path)).text
    assert (await person.send(path, act="delete")).headers["location"] == WEBHOOKS
    assert (await person.get(path)).status_code == 404
    assert {"webhook.made", "webhook.changed", "webhook.deleted"} <= set(acts(api))


async def test_two_tabs_do_not_undo_each_other(api: Api) -> None:
    person = await signed_in(api)
    path, first = await added(person)
    seen = hidden((await person.get(path)).text, "seen")
    rotated = await person.send(path, act="rotate", seen=seen)
    second = SECRET.search(rotated.text)
    assert second is not None
    assert second[1] != first
    assert "signs as well until" in rotated.text
    for act in ("rotate", "change"):
        late = await person.send(path, act=act, seen=seen, url="https://x.example/", types="*")
        assert late.status_code == 422
        assert "It was changed in the meantime." in late.text
        assert "secret, shown only now" not in late.text


async def test_what_was_given_up_is_seen_and_sent_again_one_or_all(api: Api) -> None:
    person = await signed_in(api)
    path, _ = await added(person, url="https://shop.invalid/guerdon")
    await person.send(path, act="pause")
    for _ in range(3):
        put_delivery(api, path)
    put_delivery(api, path, "delivered")
    page = (await person.get(f"{path}?state=dead")).text
    assert re.search(r"given up 14 attempts, last answer 503 refused by status", said(page)), said(page)
    again = re.findall(rf'action="({path}/deliveries/msg_[^"]+)"', page)
    assert len(again) == 3
    assert (await person.send(again[0])).headers["location"] == f"{path}?said=again"
    assert sorted(states(api, path)) == ["dead", "dead", "delivered", "waiting"]
    await person.send(path, act="replay")
    assert sorted(states(api, path)) == ["delivered", "waiting", "waiting", "waiting"]
    assert (await person.send(f"{path}/deliveries/msg_none")).status_code == 404


@pytest.mark.parametrize("role", ["auditor", "support"])
async def test_who_only_reads_sees_webhooks_and_changes_none(api: Api, role: str) -> None:
    owner = await signed_in(api)
    path, _ = await added(owner)
    person = await signed_in(api, role)
    page = (await person.get(path)).text
    assert f'action="{path}' not in page
    for act in ("rotate", "delete", "pause", "replay"):
        assert (await person.send(path, act=act)).status_code == 403
    assert (await person.send(WEBHOOKS, url="https://a.example/", types="*")).status_code == 403
    assert (await person.send(HOOKS, program="club")).status_code == 403


async def test_webhooks_of_another_tenant_are_not_there(api: Api) -> None:
    theirs, _ = await added(await signed_in(api))
    other = api.with_key("all", tenant=f"{api.tenant}z")
    person = await signed_in(other)
    assert (await person.get(theirs)).status_code == 404
    assert "Nobody is told yet" in (await person.get(WEBHOOKS)).text


async def opened(person: Person, **more: str) -> tuple[str, str, str]:
    """Open a door with the form's own mapping; its path, address and secret."""
    page = (await person.get(HOOKS)).text
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    once = hidden(page, "once")
    fields = {"program": "club", "description": "the old shop", "mapping": html.unescape(found[1])}
    sent = {**fields, "header": "X-Signature", "encoding": "hex", "enrol": "1", "once": once, **more}
    made = await person.send(HOOKS, **sent)
    secret = SECRET.search(made.text)
    assert secret is not None, said(made.text)
    return f"{HOOKS}/{once}", f"/v1/hooks/{once}", secret[1]


async def test_a_door_is_opened_posts_are_seen_with_their_outcome_and_it_is_closed(api: Api) -> None:
    person = await signed_in(api, "manager")
    path, address, secret = await opened(person)
    body = json.dumps(BODY).encode()
    signed = {"x-signature": hmac.digest(secret.encode(), body, "sha256").hex()}
    assert (await api.client.post(address, content=body, headers=signed)).json()["status"] == "applied"
    assert (await api.client.post(address, content=body, headers=signed)).json()["status"] == "duplicate"
    assert (
        await api.client.post(address, content=body, headers={"x-signature": "0" * 64})
    ).status_code == 401
    text = said((await person.get(path)).text)
    assert "refused signature_wrong" in text
    assert "taken 1 event , 1 known before" in text or "taken 1 event, 1 known before" in text
    assert text.index("signature_wrong") < text.index("known before")
    assert secret not in (await person.get(path)).text
    assert "refused" in said((await person.get(HOOKS)).text)
    await person.send(f"{path}/delete")
    assert (await person.get(path)).status_code == 404
    assert "hook.deleted" in acts(api)


async def test_a_body_is_tried_against_a_mapping_and_nothing_is_stored(api: Api) -> None:
    person = await signed_in(api)
    path, _, _ = await opened(person)
    page = (await person.get(path)).text
    mapping = html.unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1])
    good = await person.send(path, body=json.dumps(BODY), mapping=mapping)
    assert "It becomes 1 event" in good.text
    assert "This event can be taken in." in good.text
    bad = await person.send(path, body=json.dumps({**BODY, "paid_at": "soon"}), mapping=mapping)
    assert "time_invalid" in bad.text
    none = await person.send(path, body='{"topic": "other"}', mapping=mapping)
    assert "No rule of the mapping fits this body." in none.text
    for fields, code in (
        ({"body": "{", "mapping": mapping}, "invalid_json"),
        ({"body": "{}", "mapping": '{"events": []}'}, "mapping_invalid"),
        ({"body": "{}", "mapping": "nonsense"}, "invalid_json"),
    ):
        answer = await person.send(path, **fields)
        assert (answer.status_code, code in answer.text) == (422, True), code
    assert (await api.get("/v1/programs/club/members")).json()["data"] == []


async def test_a_door_with_a_wrong_mapping_is_not_opened(api: Api) -> None:
    person = await signed_in(api)
    page = (await person.get(HOOKS)).text
    for fields, code in (
        ({"mapping": '{"events": [{"event": {"id": "1"}}]}'}, "mapping_invalid"),
        ({"mapping": '{"event": []}'}, "unknown_field"),
        ({"header": "no good"}, "wrong_value"),
        ({"program": "other"}, "program_not_found"),
        ({"secret": "short"}, "text_length"),
    ):
        given = {"program": "club", "header": "X-S", "encoding": "hex", "once": hidden(page, "once")}
        given["mapping"] = '{"events": [{"event": {"id": "$.a", "source": "s", "type": "t", "time": "$.t"}}]}'
        answer = await person.send(HOOKS, **{**given, **fields})
        assert (answer.status_code, code in answer.text) == (422, True), code
    assert "No door is open" in (await person.get(HOOKS)).text


async def test_times_ahead_are_said_where_a_receiver_asked_for_peace(api: Api) -> None:
    person = await signed_in(api)
    path, _ = await added(person)
    number = parse_number("whk", path.rsplit("/", 1)[1])
    with api.house.database.transaction_as("relay") as tx:
        until = datetime.now(UTC) + timedelta(hours=2)
        tx.execute("update webhooks set not_before = %s where webhook_id = %s", (until, number))
    assert "It asked to be left alone until" in (await person.get(path)).text
