"""Whoever hands rewards out hears of each that was taken, sent, used and given back, by name."""

from __future__ import annotations

from typing import Any

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import CancelRedemption, RedeemReward, SendRedemption, UseRedemption
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import TENANT, World
from tests.rooms.webhooks.conftest import Post
from tests.rooms.webhooks.receiver import Receiver


def take(world: World, reward: str) -> tuple[Answer, int]:
    ref = parse_ref("external:anna")
    (said,) = world.ask(
        RedeemReward(
            tenant_id=TENANT,
            program="club",
            received_at=world.now,
            member=ref,
            reward=reward,
            choice="for the office",
            by="key:test",
        )
    )
    assert said.problem is None, said.problem
    number = parse_number("red", str(said.redemptions[0]["id"]))
    assert number is not None
    return said, number


@pytest.mark.parametrize("ends", ["used", "cancelled"])
def test_each_step_of_a_redemption_is_told_with_what_it_is(world: World, post: Post, ends: str) -> None:
    anna = world.enrol("anna")
    world.ask(world.order("500"))
    last = UseRedemption if ends == "used" else CancelRedemption
    with Receiver() as receiver, post.relaying():
        post.subscribe(receiver.url, "redemption.*")
        said, number = take(world, "mug")
        about: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "redemption_id": number}
        world.later(hours=1)
        (sent,) = world.ask(SendRedemption(received_at=world.now, tracking="parcel 4711", **about))
        world.later(hours=1)
        (done,) = world.ask(last(received_at=world.now, **about))
        came = [one.event for one in receiver.wait(3)]
    assert [said.status, sent.status, done.status] == ["applied"] * 3
    assert [one["type"] for one in came] == ["redemption.issued", "redemption.sent", f"redemption.{ends}"]
    told = [one["data"]["redemptions"] for one in came]
    for (one,), status in zip(told, ("issued", "sent", ends), strict=True):
        assert one["id"] == said.redemptions[0]["id"]
        assert (one["reward"], one["kind"], one["quantity"]) == ("mug", "product", 1)
        assert (one["choice"], one["status"]) == ("for the office", status)
        assert (one["account"], one["member"]) == (anna.account, anna.member)
    assert [one[0]["tracking"] for one in told] == [None, "parcel 4711", None]


def test_all_that_one_order_takes_is_in_one_notice(world: World, post: Post) -> None:
    world.enrol("anna")
    world.ask(world.order("500"))
    with Receiver() as receiver, post.relaying():
        post.subscribe(receiver.url, "redemption.issued")
        _, mug = take(world, "mug")
        _, voucher = take(world, "voucher")
        came = [one.event["data"]["redemptions"] for one in receiver.wait(2)]
    assert [[one["kind"] for one in some] for some in came] == [["product"], ["coupon"]]
    assert came[1][0]["code"], "who sends codes out has to know them"
    assert mug < voucher
