"""What is told, to whom, and under which signature."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from guerdon.connect.sealing import SecretBox
from guerdon.connect.webhooks.endpoints import get_endpoint, owner_of, rotate_secret
from guerdon.connect.webhooks.signing import secret_text
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.rules.definition import load_definition
from tests.rooms.engine.conftest import MASTER_KEY, PROGRAM, TENANT, World, make_ids
from tests.rooms.webhooks.conftest import Post
from tests.rooms.webhooks.receiver import Receiver


def test_an_order_is_told_with_effects_and_balances(world: World, post: Post) -> None:
    anna = world.enrol("anna", email="anna@example.org", name="Anna Secret")
    with Receiver() as receiver, post.relaying():
        webhook_id, secret = post.subscribe(receiver.url, "order.paid")
        first = world.ask(world.order("12.50"))[0]
        second = world.ask(world.order("600"))[0]
        came = receiver.wait(2)
        post.settled(webhook_id, 2)
    one, two = (each.event for each in came)
    assert Webhook(secret_text(secret)).verify(came[0].body, came[0].headers) == one
    assert one["specversion"] == "1.0"
    assert one["id"] == came[0].message
    assert (one["type"], one["source"], one["subject"]) == ("order.paid", "/v1/programs/club", anna.account)
    assert (one["data"]["account"], one["data"]["member"]) == (anna.account, anna.member)
    assert one["data"]["event"]["id"] == first.id
    # What the engine answered is what is told, of each event its own balances.
    said = [json.loads(json.dumps(list(answer.effects))) for answer in (first, second)]
    assert [one["data"]["effects"], two["data"]["effects"]] == said
    for told, answer in ((one, first), (two, second)):
        assert told["data"]["balances"] == {
            wallet: {"available": held.available, "pending": held.pending, "held": held.held}
            for wallet, held in answer.balances.items()
        }
    assert two["data"]["tiers"] == [
        {
            "ladder": "club",
            "before": "bronze",
            "after": "silver",
            "direction": "up",
            "cause": "reached",
            "at": "2026-11-21T12:00:00Z",
        }
    ]
    assert b"Secret" not in came[0].body
    assert b"example.org" not in came[0].body


def test_types_choose_and_our_own_commands_are_not_told(world: World, post: Post) -> None:
    world.enrol("anna")
    with Receiver() as some, Receiver() as everything, post.relaying():
        post.subscribe(some.url, "units.*", "tier.changed")
        post.subscribe(everything.url)
        world.ask(world.order("600"))
        told = {came.event["type"] for came in everything.wait(3)}
        chosen = {came.event["type"] for came in some.wait(2)}
    assert chosen == {"units.awarded", "tier.changed"}
    assert told == {"order.paid", "units.awarded", "tier.changed"}


def test_who_comes_later_hears_nothing_of_before(world: World, post: Post) -> None:
    world.enrol("anna")
    with Receiver() as receiver:
        world.ask(world.order("1"))
        post.subscribe(receiver.url, "order.paid")
        after = world.ask(world.order("2"))[0]
        with post.relaying():
            came = receiver.wait(1)
    assert [one.event["data"]["event"]["id"] for one in came] == [after.id]


def test_an_account_hears_in_its_order(world: World, post: Post) -> None:
    world.enrol("anna")
    world.enrol("boris")
    with Receiver() as receiver, post.relaying():
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        answers = world.ask(*[world.order("1", name) for _ in range(20) for name in ("anna", "boris")])
        came = receiver.wait(40)
        post.settled(webhook_id, 40)
    for name in range(2):
        sent = [one.id for one in answers[name::2]]
        account = answers[name].account
        heard = [one.event["data"]["event"]["id"] for one in came if one.event["subject"] == account]
        assert heard == sent


def test_for_a_day_both_secrets_sign(world: World, post: Post) -> None:
    world.enrol("anna")
    now = datetime.now(UTC)
    with Receiver() as receiver, post.relaying():
        webhook_id, old = post.subscribe(receiver.url, "order.paid")
        new = b"n" * 32
        sealed = SecretBox(MASTER_KEY, TENANT).seal(owner_of(webhook_id), new)
        with world.database.transaction(TENANT) as tx:
            changed = rotate_secret(tx, webhook_id, sealed, now)
        world.ask(world.order("1"))
        first = receiver.wait(1)[0]
        with world.database.transaction(TENANT) as tx:
            rotate_secret(tx, webhook_id, sealed, now - timedelta(hours=25))
        world.ask(world.order("2"))
        second = receiver.wait(2)[1]
    assert changed.old_secret_until == now + timedelta(hours=24)
    for secret in (old, new):
        Webhook(secret_text(secret)).verify(first.body, first.headers)
    Webhook(secret_text(new)).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(old)).verify(second.body, second.headers)


def test_nobody_hears_of_another_tenant(world: World, post: Post) -> None:
    other = tenant_id_of("other")
    with world.database.transaction(other) as tx:
        ensure_tenant(tx, "other", "Other", sandbox=False, now=world.now)
        new = NewDefinition(load_definition(PROGRAM.encode()), PROGRAM, "test", world.now)
        apply_definition(tx, new, make_ids())
    world.enrol("anna")
    with Receiver() as ours, Receiver() as theirs, post.relaying():
        ours_id, _ = post.subscribe(ours.url, "order.paid")
        theirs_id, _ = post.subscribe(theirs.url, tenant=other)
        world.ask(world.order("1"))
        ours.wait(1)
        post.settled(ours_id, 1)
    assert theirs.came == []
    assert post.deliveries(theirs_id, other) == []
    with world.database.transaction(other) as tx:
        assert post.deliveries(ours_id, other) == []
        assert tx.execute("select count(*) from webhook_messages").fetchone() == (0,)
        with pytest.raises(Exception, match="webhook_not_found"):
            get_endpoint(tx, ours_id)


def test_the_outbox_is_emptied_with_and_without_listeners(world: World, post: Post) -> None:
    world.enrol("anna")
    world.ask(*[world.order("1") for _ in range(300)])
    assert world.rows("select count(*) from outbox") != [(0,)]
    with Receiver() as receiver, post.relaying():
        post.until(lambda: world.rows("select count(*) from outbox") == [(0,)], "an empty outbox")
        post.subscribe(receiver.url, "nobody.ever")
        world.ask(*[world.order("1") for _ in range(250)])
        post.until(lambda: world.rows("select count(*) from outbox") == [(0,)], "an empty outbox")
    assert receiver.came == []
    assert world.rows("select count(*) from webhook_messages") == [(0,)]
