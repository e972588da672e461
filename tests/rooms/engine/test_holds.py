"""Holds end: by a kill, by time, by erasure; and whoever asks again gets the first answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from guerdon.base.ids import parse_number
from guerdon.engine.audit import Audit
from guerdon.engine.commands import (
    CancelCheckout,
    CancelRedemption,
    ConfirmCheckout,
    OpenCheckout,
    RedeemReward,
    UseRedemption,
)
from guerdon.engine.ticks import run_due
from guerdon.infra.db import Database
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from guerdon.members.privacy import Erasure, erase_member
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.definition import load_definition
from tests.architecture.source import ROOT
from tests.rooms.engine.cart_flood import ACCOUNTS, CARTS
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids

SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01"}
  later: {unit: later, scale: 2, pending: 14d}
campaigns:
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100"}}]
  forty:
    trigger: checkout
    limits: {total: 40, per_account: 6}
    then: [{discount: {amount: "1.00"}}]
rewards:
  few: {kind: product, price: {points: 10}, stock: 5}
  ticket: {kind: coupon, price: {points: 20}, discount: {amount: "3.00"}, valid: 30d}
"""


@pytest.fixture
def shop(world: World) -> World:
    apply(world, SHOP)
    return world


def apply(world: World, text: str) -> None:
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(text), text, "test", world.now), make_ids())


def audit(world: World) -> None:
    with world.database.transaction(TENANT) as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        found = Audit(tx, Vault(MASTER_KEY, TENANT))
        assert list(found.run()) == []
        assert found.counts.not_replayed == {}


def open_cart(world: World, checkout: str, member: str | None = "anna", **more: Any) -> Any:
    ttl, caller = more.pop("ttl", None), more.pop("caller", "")
    cart = {"id": f"A-{checkout}", "lines": [{"id": "1", "price": "50.00"}], **more}
    command = OpenCheckout(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        cart=json.dumps(cart).encode(),
        member=parse_ref(member) if member is not None else None,
        id=checkout,
        ttl=ttl,
        caller=caller,
    )
    return world.ask(command)[0]


def end_cart(world: World, kind: Any, checkout: str) -> Any:
    return world.ask(kind(tenant_id=TENANT, program="club", received_at=world.now, id=checkout))[0]


def say(world: World, kind: Any, **more: Any) -> Any:
    return world.ask(kind(tenant_id=TENANT, program="club", received_at=world.now, **more))[0]


def ticket(world: World) -> tuple[str, int]:
    made = say(world, RedeemReward, member=parse_ref("anna"), reward="ticket").redemptions[0]
    number = parse_number("red", made["id"])
    assert number is not None
    return made["code"], number


def flood(database: Database, stage: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.rooms.engine.cart_flood", database.conninfo, stage],
        cwd=ROOT,
        env={**os.environ, "GUERDON_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def sums(world: World) -> dict[str, Any]:
    """What is held, by the rows of holds and by the figures that they are in."""
    shared = world.rows(
        "select coalesce(sum(amount), 0) from shared_holds where counter like 'campaign/forty/total%'"
    )
    units = world.rows("select coalesce(sum(amount), 0) from account_holds where kind = 'units'")
    held = world.rows("select sum(held), sum(available) from wallets where wallet = 'points'")
    used = world.rows("select coalesce(sum(used), 0) from shared_counters where counter like '%forty/total%'")
    return {
        "shared": shared[0][0],
        "units": units[0][0],
        "held": held[0][0],
        "available": held[0][1],
        "used": used[0][0],
    }


SHORT = [("before_lock", "open"), ("in_commit", "open"), ("after_write", "end"), ("after_commit", "end")]
LONG = [("before_lock", "end"), ("in_commit", "end"), ("after_write", "open"), ("after_commit", "open")]


@pytest.mark.parametrize(
    ("name", "stage"), [*SHORT, *(pytest.param(*one, marks=pytest.mark.long) for one in LONG)]
)
def test_a_kill_between_hold_and_confirm_loses_nothing(shop: World, stage: str, name: str) -> None:
    for number in range(ACCOUNTS):
        shop.enrol(f"m{number}")
    if stage == "end":
        assert flood(shop.database, "open").returncode == 0
    killed = flood(shop.database, stage, f"{name}:2")
    assert killed.returncode == -signal.SIGKILL
    now = sums(shop)
    assert now["held"] == now["units"]
    opened = flood(shop.database, "open") if stage == "open" else None
    assert opened is None or opened.returncode == 0, opened.stderr
    now = sums(shop)
    assert now["held"] == now["units"]
    assert stage == "end" or (now["used"], now["shared"]) == (40, 40)
    ended = flood(shop.database, "end")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    # A cart that was open was confirmed; one that was refused while opening does not exist.
    assert {one["problem"] for one in told} <= {"", "checkout_confirmed", "checkout_not_found"}
    assert not any(one["shortfalls"] for one in told)
    confirmed = shop.rows("select count(*) from checkouts where status = 'confirmed'")[0][0]
    assert shop.rows("select count(*) from events where type = 'order.paid'") == [(confirmed,)]
    paying = shop.rows("select count(*) from checkouts where status = 'confirmed' and account_id > 0")[0][0]
    now = sums(shop)
    assert (now["held"], now["units"], now["shared"]) == (0, 0, 0)
    assert now["available"] == 100 * ACCOUNTS - 5 * paying
    # Whatever the order was, each discount that was given is counted once.
    given = shop.rows(
        "select count(*) from events where type = 'order.paid'"
        """ and convert_from(decision, 'utf8') like '%"campaign":"forty","kind":"discount"%'"""
    )
    assert now["used"] == given[0][0]
    assert confirmed == CARTS * 4 // 5
    audit(shop)


def test_ticks_let_go_of_what_lapsed(shop: World) -> None:
    shop.enrol("anna")
    assert open_cart(shop, "C-1", spend={"points": "30"}, rewards=["few"]).problem is None
    assert open_cart(shop, "G-1", None).problem is None
    at = shop.rows("select last_booked_at from accounts")
    before = sums(shop)
    assert (before["held"], before["units"], before["shared"], before["used"]) == (40, 40, 2, 2)
    run_due(shop.database, shop.loop, shop.now + timedelta(minutes=14))
    assert sums(shop) == before
    shop.later(minutes=15)
    run_due(shop.database, shop.loop, shop.now)
    after = sums(shop)
    assert (after["held"], after["units"], after["shared"], after["used"]) == (0, 0, 0, 0)
    assert shop.rows("select sum(used) from shared_counters where counter = 'reward/few/stock'") == [(0,)]
    assert shop.rows("select sum(used) from account_counters") == [(0,)]
    assert shop.rows("select last_booked_at from accounts") == at
    assert run_due(shop.database, shop.loop, shop.now) == 0
    audit(shop)


def test_a_coupon_in_an_open_cart_is_neither_used_nor_taken_back_elsewhere(shop: World) -> None:
    shop.enrol("anna")
    code, number = ticket(shop)
    assert open_cart(shop, "C-1", coupons=[code]).quote["totals"]["discount"] == "4.00"
    for kind in (UseRedemption, CancelRedemption):
        assert say(shop, kind, redemption_id=number).problem.code == "redemption_held"
    assert list(end_cart(shop, ConfirmCheckout, "C-1").shortfalls) == []
    assert shop.rows("select status from redemptions") == [("used",)]
    assert say(shop, UseRedemption, redemption_id=number).problem.code == "redemption_used"
    audit(shop)


@pytest.mark.parametrize("lost", ["used", "held", "expired"])
def test_a_late_confirmation_does_not_use_a_coupon_twice(shop: World, lost: str) -> None:
    shop.enrol("anna")
    code, number = ticket(shop)
    assert open_cart(shop, "C-1", coupons=[code]).problem is None
    shop.later(minutes=20)
    if lost == "used":
        assert say(shop, UseRedemption, redemption_id=number).problem is None
    elif lost == "held":
        assert open_cart(shop, "C-2", coupons=[code]).problem is None
    else:
        shop.later(days=31)
    late = end_cart(shop, ConfirmCheckout, "C-1")
    assert late.status == "applied"
    assert [(one["kind"], one["reason"]) for one in late.shortfalls] == [("coupon", f"coupon_{lost}")]
    again = end_cart(shop, ConfirmCheckout, "C-1")
    assert (again.status, again.shortfalls) == ("duplicate", late.shortfalls)
    if lost == "held":
        assert list(end_cart(shop, ConfirmCheckout, "C-2").shortfalls) == []
    assert shop.rows("select status from redemptions") == [
        ("issued" if lost == "expired" else "used",),
    ]
    audit(shop)


def test_a_retry_after_the_webhook_came_first_gets_the_first_answer(shop: World) -> None:
    shop.enrol("anna")
    assert open_cart(shop, "C-1", spend={"points": "30"}).problem is None
    paid = shop.ask(shop.order("50.00", "anna", order="A-C-1"))[0]
    assert paid.status == "applied"
    first = end_cart(shop, ConfirmCheckout, "C-1")
    assert {"pay"} <= {kind for one in first.quote["effects"] for kind in one}
    again = end_cart(shop, ConfirmCheckout, "C-1")
    assert again.quote == first.quote
    assert shop.rows("select available, held from wallets where wallet = 'points'") == [(70, 0)]
    audit(shop)


def test_a_guests_webhook_may_come_first_too(shop: World) -> None:
    assert open_cart(shop, "G-1", None).quote["totals"]["discount"] == "1.00"
    assert shop.ask(shop.order("50.00", None, order="A-G-1"))[0].status == "applied"
    assert end_cart(shop, ConfirmCheckout, "G-1").problem is None
    assert sums(shop)["used"] == Decimal(1)
    assert shop.rows("select count(*) from quarantine") == [(0,)]
    audit(shop)


def test_a_guest_signs_in_on_the_way(shop: World) -> None:
    shop.enrol("anna")
    guest = open_cart(shop, "C-1", None)
    assert guest.problem is None
    mine = open_cart(shop, "C-1", "anna", spend={"points": "10"})
    assert mine.quote["totals"]["paid_with_points"] == "0.10"
    assert sums(shop)["used"] == 1
    assert open_cart(shop, "C-1", None).problem is None
    now = sums(shop)
    assert (now["used"], now["held"]) == (1, 0)
    assert open_cart(shop, "C-1", "anna").problem is None
    assert end_cart(shop, ConfirmCheckout, "C-1").problem is None
    assert sums(shop)["used"] == 1
    audit(shop)


def test_an_open_cart_of_somebody_who_is_erased(shop: World) -> None:
    shop.enrol("anna")
    line = {"id": "1", "price": "50.00", "attributes": {"note": "for me"}}
    assert open_cart(shop, "C-1", lines=[line], spend={"points": "30"}).problem is None
    [(program_id,)] = shop.rows("select program_id from programs")
    with shop.database.transaction(TENANT) as tx:
        vault = Vault(MASTER_KEY, TENANT)
        erase_member(tx, Erasure(vault, program_id, parse_ref("anna"), "test", shop.now), make_ids())
    assert open_cart(shop, "C-2").problem.code == "member_not_found"
    done = end_cart(shop, ConfirmCheckout, "C-1")
    assert (done.problem, done.status) == (None, "applied")
    assert sums(shop)["held"] == 0
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_guests_hold_no_more_than_their_key_may(shop: World) -> None:
    assert open_cart(shop, "G-1", None, caller="key:till").quote["totals"]["discount"] == "1.00"
    assert shop.rows("select opened_by from checkouts") == [("key:till",)]
    with shop.database.transaction(TENANT) as tx:
        tx.execute(
            "insert into checkouts (program_id, source, id, checkout_id, account_id, status, version,"
            " quoted_at, expires_at, changed_at, opened_by, promised)"
            " select program_id, source, 'X-' || n, gen_random_uuid(), 0, status, version,"
            " quoted_at, expires_at, changed_at, opened_by, promised"
            " from checkouts, generate_series(1, 999) as n"
        )
    refused = open_cart(shop, "G-2", None, caller="key:till")
    assert refused.problem.code == "too_many_anonymous_carts"
    assert shop.rows("select count(*) from checkouts where id = 'G-2'") == [(0,)]
    assert sums(shop)["used"] == 1
    # An open one is priced anew, others and members open theirs, and time makes room.
    assert open_cart(shop, "G-1", None, caller="key:till").problem is None
    assert open_cart(shop, "G-3", None, caller="key:web").problem is None
    shop.enrol("anna")
    assert open_cart(shop, "C-1", "anna", caller="key:till").problem is None
    shop.later(minutes=15)
    assert open_cart(shop, "G-2", None, caller="key:till").problem is None


def test_a_version_between_quote_and_payment_changes_nothing(shop: World) -> None:
    shop.enrol("anna")
    quoted = open_cart(shop, "C-1", rewards=["few"]).quote
    dearer = SHOP.replace(
        "price: {points: 10}, stock: 5", "price: {points: 90}, stock: 1, limits: {total: 1}"
    )
    apply(shop, dearer.replace('amount: "1.00"', 'amount: "9.00"'))
    open_cart(shop, "C-2", "anna")
    done = end_cart(shop, ConfirmCheckout, "C-1")
    assert (list(done.shortfalls), done.quote["totals"]) == ([], quoted["totals"])
    assert shop.rows("select available from wallets where wallet = 'points'") == [(90,)]
    end_cart(shop, CancelCheckout, "C-2")
    audit(shop)
