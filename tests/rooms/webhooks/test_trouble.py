"""Endpoints that fail, hang, redirect, are gone or busy; and a relay that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from guerdon.connect.webhooks.deliveries import replay_one, replay_since
from guerdon.connect.webhooks.endpoints import get_endpoint
from guerdon.connect.webhooks.postman import Tempo, wished_pause
from guerdon.infra.http import Reach
from tests.rooms.engine.conftest import TENANT, World
from tests.rooms.webhooks.conftest import Post
from tests.rooms.webhooks.receiver import Receiver, Says

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_failure_is_tried_again_under_the_same_id(world: World, post: Post) -> None:
    world.enrol("anna")
    with Receiver(lambda number, _: Says(500 if number < 3 else 200)) as receiver, post.relaying():
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        (delivery,) = post.settled(webhook_id, 1)
    assert len(receiver.came) == 4
    assert len({one.message for one in receiver.came}) == 1
    assert len({one.body for one in receiver.came}) == 1
    assert (delivery.attempts, delivery.last_status, delivery.last_problem) == (4, 200, "")


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        (Says(302, {"location": "http://127.0.0.1:1/elsewhere"}), "redirected"),
        (Says(404), "refused"),
        (Says(500, body=b"x" * 300_000), "refused"),
    ],
)
def test_what_is_no_success_is_tried_again(world: World, post: Post, says: Says, problem: str) -> None:
    world.enrol("anna")
    slow = Tempo(first=timedelta(hours=1), factor=1)
    with Receiver(lambda _number, _came: says) as receiver, post.relaying(slow):
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        delivery = post.until(
            lambda: next((one for one in post.deliveries(webhook_id) if one.last_problem), None), "a failure"
        )
    assert (delivery.state, delivery.last_problem, delivery.last_status) == ("waiting", problem, says.status)
    assert len(receiver.came) == 1


def test_who_is_gone_is_disabled(world: World, post: Post) -> None:
    world.enrol("anna")
    with Receiver(lambda _number, _came: Says(410)) as receiver, post.relaying():
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        (delivery,) = post.settled(webhook_id, 1, "dead")
    assert (delivery.last_status, delivery.last_problem) == (410, "gone")
    with world.database.transaction(TENANT) as tx:
        endpoint = get_endpoint(tx, webhook_id)
    assert (endpoint.enabled, endpoint.disabled_because) == (False, "gone")


def test_who_is_busy_is_left_alone(world: World, post: Post) -> None:
    world.enrol("anna")
    world.enrol("boris")
    busy = Says(429, {"retry-after": "3600"})
    with Receiver(lambda _number, _came: busy) as receiver, post.relaying():
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        before = datetime.now(UTC)
        world.ask(world.order("1"))
        post.until(lambda: [one for one in post.deliveries(webhook_id) if one.last_status], "an answer")
        world.ask(world.order("1", "boris"))
        post.until(lambda: len(post.deliveries(webhook_id)) == 2, "a second delivery")
        with world.database.transaction(TENANT) as tx:
            endpoint = get_endpoint(tx, webhook_id)
    assert endpoint.not_before is not None
    assert endpoint.not_before - before >= timedelta(hours=1)
    assert len(receiver.came) == 1


def test_a_slow_endpoint_holds_nobody_else(world: World, post: Post) -> None:
    for number in range(12):
        world.enrol(f"m{number}")
    release = threading.Event()
    with (
        Receiver(lambda _number, _came: Says(hold=release)) as slow,
        Receiver() as quick,
        post.relaying(),
    ):
        slow_id, _ = post.subscribe(slow.url, "order.paid")
        quick_id, _ = post.subscribe(quick.url, "order.paid")
        world.ask(*[world.order("1", f"m{number}") for number in range(12)])
        post.settled(quick_id, 12)
        assert len(slow.came) <= Tempo().at_once
        assert all(one.state == "waiting" for one in post.deliveries(slow_id))
        release.set()
        post.settled(slow_id, 12)


def test_a_hanging_endpoint_times_out(world: World, post: Post) -> None:
    world.enrol("anna")
    release = threading.Event()
    impatient = Reach(seconds=0.2, allow_loopback=True)
    hang = Receiver(lambda number, _: Says(hold=release if number == 0 else None))
    with hang as receiver, post.relaying(reach=impatient):
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        (delivery,) = post.settled(webhook_id, 1)
        release.set()
    assert delivery.attempts >= 2
    assert len({one.message for one in receiver.came}) == 1


def test_after_three_days_it_is_dead_and_can_be_replayed(world: World, post: Post) -> None:
    world.enrol("anna")
    days = Tempo(first=timedelta(days=4), factor=1, longest=timedelta(days=4))
    with Receiver(lambda number, _: Says(500 if number == 0 else 200)) as receiver, post.relaying(days):
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        (dead,) = post.settled(webhook_id, 1, "dead")
        with world.database.transaction(TENANT) as tx:
            replay_one(tx, webhook_id, dead.message_id, datetime.now(UTC))
        (delivered,) = post.settled(webhook_id, 1)
        with world.database.transaction(TENANT) as tx:
            assert replay_since(tx, webhook_id, delivered.made_at, datetime.now(UTC)) == 1
            assert replay_since(tx, webhook_id, datetime.now(UTC), datetime.now(UTC)) == 0
        came = receiver.wait(3)
    assert dead.next_at is None
    assert len({one.message for one in came}) == 1


def test_an_address_inside_is_not_called(world: World, post: Post) -> None:
    world.enrol("anna")
    with Receiver() as receiver, post.relaying(reach=Reach(allow_loopback=False)):
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        world.ask(world.order("1"))
        delivery = post.until(
            lambda: next((one for one in post.deliveries(webhook_id) if one.last_problem), None), "a refusal"
        )
    assert delivery.last_problem == "url_refused"
    assert receiver.came == []


def test_a_relay_that_is_killed_loses_nothing(world: World, post: Post) -> None:
    world.enrol("anna")
    world.enrol("boris")
    stuck = threading.Event()
    # The first process dies with deliveries in its hands, which nobody had answered.
    with Receiver(lambda number, _: Says(hold=stuck if 5 <= number < 8 else None)) as receiver:
        webhook_id, _ = post.subscribe(receiver.url, "order.paid")
        answers = world.ask(*[world.order("1", name) for _ in range(15) for name in ("anna", "boris")])
        arguments = [sys.executable, "-m", "tests.rooms.webhooks.relaying", world.database.conninfo]
        with subprocess.Popen(arguments) as doomed:
            receiver.wait(7)
            os.kill(doomed.pid, signal.SIGKILL)
        stuck.set()
        leased = [one for one in post.deliveries(webhook_id) if one.attempts and one.state == "waiting"]
        assert leased, "something was under way when it was killed"
        # A minute goes by.
        with world.database.transaction_as("relay") as tx:
            tx.execute(
                "update webhook_deliveries set leased_until = now(), next_at = now() where state = 'waiting'"
            )
        with post.relaying():
            post.settled(webhook_id, 30)
    heard = {one.event["data"]["event"]["id"]: one.message for one in receiver.came}
    assert set(heard) == {one.id for one in answers}
    assert len({one.message for one in receiver.came}) == 30, "a notice keeps its id"


def test_pauses_grow_and_differ() -> None:
    tempo, chance = Tempo(), random.Random(1)
    pauses = [tempo.pause(attempts, chance) for attempts in range(12)]
    for attempts, pause in enumerate(pauses):
        middle = min(timedelta(seconds=5 * 4**attempts), timedelta(hours=12))
        assert middle * 0.75 <= pause <= middle * 1.25
    assert pauses == [tempo.pause(n, again) for again in [random.Random(1)] for n in range(12)]
    assert timedelta(days=2) < sum(pauses, timedelta()) < timedelta(days=4)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("120", 120),
        (" 5 ", 5),
        ("99999999999", 86_400),
        ("-5", 0),
        ("soon", 0),
        ("Sat, 21 Nov 2026 12:01:00 GMT", 60),
        ("Sat, 21 Nov 2020 12:01:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: int) -> None:
    assert wished_pause(header, NOW) == timedelta(seconds=seconds)
