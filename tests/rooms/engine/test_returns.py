"""Returns on a real database: what an order set off is undone once, whatever comes at the same time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.commands import AdjustBalance, ConfirmCheckout, IngestEvent, OpenCheckout, ReturnOrder
from guerdon.engine.events import find_orders
from guerdon.engine.loop import EngineLoop, LoopSettings
from guerdon.engine.returns.listing import list_returns
from guerdon.members.identities import parse_ref
from guerdon.programs.programs import NewDefinition, apply_definition
from guerdon.rules.definition import load_definition
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World, make_ids


def buys(world: World, order: str, *amounts: str, **more: Any) -> IngestEvent:
    lines = [
        {"id": str(place), "price": amount, "quantity": 1} for place, amount in enumerate(amounts, start=1)
    ]
    return world.event("order.paid", more.pop("subject", "anna"), data={"id": order, "lines": lines}, **more)


def sends_back(world: World, order: str, number: str, *lines: str, **more: Any) -> ReturnOrder:
    asked = ReturnAsked(order, number, tuple(ReturnLine(line) for line in lines), all=not lines)
    return ReturnOrder(tenant_id=TENANT, program="club", received_at=world.now, asked=asked, **more)


def points(answer: Answer) -> str:
    return answer.balances["points"].available


@pytest.fixture
def anna(world: World) -> World:
    world.enrol("anna")
    return world


def test_a_part_comes_back_and_then_the_rest(anna: World) -> None:
    anna.ask(buys(anna, "A-1", "60.00", "40.00"))
    part, rest = anna.ask(sends_back(anna, "A-1", "R-1", "2"), sends_back(anna, "A-1", "R-2"))
    assert part.problem is None
    assert part.returned["units"]["points"] == {"taken": "40", "given_back": "0", "debt": "0"}
    assert part.returned["refund"] == {"net": "40.00", "tax": "0.00", "total": "40.00"}
    assert points(part) == "160"
    assert rest.returned["complete"] is True
    assert points(rest) == "100"
    anna.verify()
    assert anna.rows("select distinct total from metric_buckets") == [(0,)]


SHOP = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, worth: "0.01", expires: 12mo, pending: 0d}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "1000"}}, {grant: voucher}]
  ten_off:
    trigger: checkout
    limits: {total: 10, budget: {money: "100"}}
    then: [{discount: {amount: "10.00"}}]
rewards:
  voucher: {kind: coupon, discount: {percent: 50}, valid: 90d}
  mug: {kind: product, price: {points: 100}, stock: 5}
"""


@pytest.fixture
def shop(world: World) -> World:
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(SHOP), SHOP, "test", world.now), make_ids())
    world.enrol("anna")
    return world


JUDGED = """
program: club
currency: USD
timezone: America/New_York
wallets:
  points: {unit: points, rounding: floor, pending: 0d}
campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
  welcome:
    trigger: member.enrolled
    then: [{grant: big_cart}, {grant: kept}]
  tea_week:
    trigger: checkout
    limits: {per_account: 1}
    then: [{discount: {percent: 10, of: lines, where: "'tea' in line.tags"}}]
  stays:
    trigger: checkout
    limits: {per_account: 1}
    on_return: full_only
    then: [{discount: {percent: 10, of: lines, where: "'tea' in line.tags"}}]
rewards:
  big_cart: {kind: coupon, discount: {amount: "10.00"}, when: cart.subtotal >= 80, code: "BIG-{8}"}
  kept:
    {kind: coupon, discount: {amount: "5.00"}, when: cart.subtotal >= 80, code: "KEPT-{8}", on_return: keep}
"""


def test_uses_of_discounts_are_judged_again_on_what_remains(world: World) -> None:
    with world.database.transaction(TENANT) as tx:
        apply_definition(tx, NewDefinition(load_definition(JUDGED), JUDGED, "test", world.now), make_ids())
    world.enrol("anna")
    codes = dict(world.rows("select reward, code from redemptions"))
    own = "select counter, used from account_counters where used <> 0 order by counter"
    lines = [
        {"id": "1", "price": "50.00"},
        {"id": "2", "price": "20.00"},
        {"id": "3", "price": "20.00", "tags": ["tea"]},
    ]
    cart = opens(world, "C-1", lines=lines, coupons=[codes["big_cart"], codes["kept"]])
    assert world.ask(cart)[0].problem is None
    confirmed = world.ask(confirms(world, "C-1"))[0]
    assert confirmed.problem is None
    drawn = world.rows(own)
    assert {counter.split("/")[1] for counter, _ in drawn} == {"tea_week", "stays"}
    # 90 less 20 of tea are 70: the tea is gone, and the coupon's minimum is not met any more.
    tea = world.ask(sends_back(world, "O-C-1", "R-1", "3"))[0]
    paid = confirmed.quote["lines"][2]
    assert tea.returned["refund"]["net"] == paid["net"], "what was paid for the line"
    undone = {(one["kind"], one.get("campaign") or one["reward"]) for one in tea.returned["undone"]}
    assert undone == {("limit", "tea_week"), ("coupon", "big_cart")}
    assert world.rows(own) == [one for one in drawn if "stays" in one[0]]
    assert dict(world.rows("select reward, status from redemptions")) == {
        "big_cart": "issued",
        "kept": "used",
    }
    # What the coupon took off the lines that stay is named, for the shop to charge.
    named = [(one["kind"], one["name"], one["reason"]) for one in tea.shortfalls]
    assert named == [("discount", "big_cart", "discount_not_met")]
    assert 0 < Decimal(tea.shortfalls[0]["amount"]) < 10, "without what lay on the tea"
    rest = world.ask(sends_back(world, "O-C-1", "R-2"))[0]
    assert [(one["kind"], one.get("campaign")) for one in rest.returned["undone"]] == [("limit", "stays")]
    assert world.rows(own) == []
    assert dict(world.rows("select reward, status from redemptions")) == {
        "big_cart": "issued",
        "kept": "used",
    }
    world.verify()


def opens(world: World, checkout: str, **more: Any) -> OpenCheckout:
    lines = more.pop("lines", [{"id": "1", "price": "60.00"}, {"id": "2", "price": "40.00"}])
    cart = {"id": f"O-{checkout}", "lines": lines, **more}
    return OpenCheckout(
        tenant_id=TENANT,
        program="club",
        received_at=world.now,
        cart=json.dumps(cart).encode(),
        member=parse_ref("anna"),
        id=checkout,
    )


def confirms(world: World, checkout: str) -> ConfirmCheckout:
    return ConfirmCheckout(tenant_id=TENANT, program="club", received_at=world.now, id=checkout)


def counters(world: World) -> dict[str, Any]:
    return dict(world.rows("select counter, used from shared_counters where used <> 0"))


def figures(world: World) -> list[tuple[Any, ...]]:
    return world.rows("select wallet, available, pending, held, debt from wallets order by wallet")


def test_what_a_checkout_took_is_given_back_with_its_order(shop: World) -> None:
    before, drawn = figures(shop), counters(shop)
    code = shop.rows("select code from redemptions")[0][0]
    opened = shop.ask(opens(shop, "C-1", spend={"points": "300"}, rewards=["mug"], coupons=[code]))[0]
    assert opened.problem is None, opened
    confirmed = shop.ask(confirms(shop, "C-1"))[0]
    assert confirmed.problem is None
    assert shop.rows("select status from redemptions order by reward") == [("issued",), ("used",)]
    half = shop.ask(sends_back(shop, "O-C-1", "R-1", "1"))[0]
    assert half.problem is None, half
    # 60 of 100 comes back: 180 of the 300 points that paid, and the coupon stays used.
    assert half.returned["units"]["points"]["given_back"] == "180"
    assert shop.rows("select status from redemptions order by reward") == [("issued",), ("used",)]
    assert counters(shop)["campaign/ten_off/total/ever"] == 1
    rest = shop.ask(sends_back(shop, "O-C-1", "R-2"))[0]
    assert [one["kind"] for one in rest.returned["undone"]] == ["reward", "limit", "coupon"]
    assert shop.rows("select status from redemptions order by reward") == [("cancelled",), ("issued",)]
    assert counters(shop) == drawn
    assert figures(shop) == before
    shop.verify()
    # The coupon can be used again.
    again = shop.ask(opens(shop, "C-2", coupons=[code]))[0]
    assert again.quote["lines"][0]["discounts"]


def test_what_a_checkout_took_after_its_order_was_known_is_given_back_too(shop: World) -> None:
    before = figures(shop)
    assert shop.ask(opens(shop, "C-1", spend={"points": "300"}))[0].problem is None
    told = {"id": "O-C-1", "lines": [{"id": "1", "price": "60.00"}, {"id": "2", "price": "40.00"}]}
    shop.ask(shop.event("order.paid", "anna", data=told))
    assert shop.ask(confirms(shop, "C-1"))[0].status == "duplicate"
    assert figures(shop)[0][1] == 1000 + 100 - 300
    returned = shop.ask(sends_back(shop, "O-C-1", "R-1"))[0]
    assert returned.returned["units"]["points"] == {"taken": "100", "given_back": "300", "debt": "0"}
    assert figures(shop) == before
    assert counters(shop) == {}
    shop.verify()


@pytest.mark.parametrize("subject", ["anna", None], ids=["a member's checkout", "a guest's checkout"])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "a batch each"])
def test_what_a_checkout_took_for_a_guests_order_that_was_known_is_given_back(
    shop: World, subject: str | None, *, together: bool
) -> None:
    before, drawn = figures(shop), counters(shop)
    more: dict[str, Any] = {"spend": {"points": "300"}, "rewards": ["mug"]} if subject else {}
    opening = opens(shop, "C-1", **more)
    whose = opening.member if subject else None
    opening = msgspec.structs.replace(opening, member=whose, caller="key", source="shop")
    assert shop.ask(opening)[0].problem is None
    told = {"id": "O-C-1", "lines": [{"id": "1", "price": "60.00"}, {"id": "2", "price": "40.00"}]}
    assert shop.ask(shop.event("order.paid", None, data=told))[0].guest
    first = shop.ask(sends_back(shop, "O-C-1", "R-0", "2"))[0]
    assert first.returned["refund"]["net"] == "40.00"
    confirming = msgspec.structs.replace(confirms(shop, "C-1"), source="shop")
    commands = [confirming, sends_back(shop, "O-C-1", "R-1")]
    answers = shop.ask(*commands) if together else [shop.ask(one)[0] for one in commands]
    assert answers[0].status == "duplicate"
    assert answers[1].problem is None
    assert answers[1].returned["complete"] is True
    # 300 that paid and 100 for the mug, although a part came back before the confirmation took anything.
    given = answers[1].returned["units"]
    assert given == ({"points": {"taken": "0", "given_back": "400", "debt": "0"}} if subject else {})
    assert (figures(shop), counters(shop)) == (before, drawn)
    shop.verify()
    with shop.database.transaction(TENANT) as tx:
        program = tx.execute("select program_id from programs").fetchall()[0][0]
        order = find_orders(tx, program, "O-C-1")[0]
        assert [one.id for _, one in list_returns(tx, program, order)] == ["R-0", "R-1"]


def test_a_return_leaves_what_an_open_checkout_holds(shop: World) -> None:
    shop.ask(buys(shop, "A-1", "500.00"))
    opened = shop.ask(opens(shop, "C-1", spend={"points": "5000"}))[0]
    assert opened.problem is not None
    assert shop.ask(opens(shop, "C-1", spend={"points": "1500"}))[0].problem is None
    held = int(figures(shop)[0][3])
    assert held > 1000
    returned = shop.ask(sends_back(shop, "A-1", "R-1"))[0]
    free = 1500 - held
    assert returned.returned["units"]["points"] == {
        "taken": "500",
        "given_back": "0",
        "debt": str(500 - free),
    }
    confirmed = shop.ask(confirms(shop, "C-1"))[0]
    assert confirmed.shortfalls == []
    shop.verify()
    # The order earned, and that repaid a part of what is owed.
    assert points(confirmed) == str(1000 - held + int(confirmed.effects[-1]["award"]["amount"]))


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_what_expired_of_an_order_is_not_taken_from_another(shop: World, *, together: bool) -> None:
    shop.ask(buys(shop, "A-1", "60.00", "40.00"))
    assert figures(shop)[0][1] == 1100
    spends = AdjustBalance(
        tenant_id=TENANT,
        program="club",
        received_at=shop.now,
        account_id=shop.rows("select account_id from accounts")[0][0],
        wallet="points",
        amount=-100,
        reason="spent",
    )
    assert shop.ask(spends)[0].problem is None
    shop.now += timedelta(days=400)
    new = buys(shop, "A-2", "70.00")
    part, rest = sends_back(shop, "A-1", "R-1", "2"), sends_back(shop, "A-1", "R-2")
    if together:
        _, one, two = shop.ask(new, part, rest)
    else:
        one, two = [answers[-1] for answers in (shop.ask(new), shop.ask(part), shop.ask(rest))][1:]
    # The lot held 1,100; 1,000 of it expired and 100 were spent: a part in 11 of each unit is to be had.
    assert one.returned["units"]["points"] == {"taken": "4", "given_back": "0", "debt": "0", "expired": "36"}
    assert two.returned["units"]["points"] == {"taken": "6", "given_back": "0", "debt": "0", "expired": "54"}
    assert points(two) == "60"
    shop.verify()


@pytest.fixture(params=[1, 2], ids=["one engine", "two engines"])
def engines(anna: World, request: pytest.FixtureRequest) -> Iterator[list[EngineLoop]]:
    made = [
        EngineLoop(anna.database, MASTER_KEY, make_ids(), LoopSettings(batch_limit=4))
        for _ in range(request.param)
    ]
    for loop in made:
        loop.start()
    yield made
    for loop in made:
        loop.stop()


@pytest.mark.parametrize("subject", ["anna", None], ids=["member", "guest"])
def test_one_piece_comes_back_once_whoever_asks_at_once(
    anna: World, engines: list[EngineLoop], subject: str | None
) -> None:
    anna.ask(buys(anna, "A-1", "60.00", "40.00", subject=subject))
    commands = [sends_back(anna, "A-1", f"R-{number}", "1") for number in range(16)]
    spread = itertools.cycle(engines)
    futures = [next(spread).submit_many([command])[0] for command in commands]
    answers = [future.result(60) for future in futures]
    codes = [one.problem.code if one.problem is not None else "" for one in answers]
    assert sorted(codes) == ["", *["return_exceeds_order"] * 15]
    assert anna.rows("select number from order_returns") == [(1,)]
    anna.verify()


def test_history_is_imported_with_its_returns(anna: World) -> None:
    old: dict[str, Any] = {
        "time": "2026-01-05T10:00:00Z",
        "historical": True,
        "enrol": True,
        "subject": "zoe",
    }
    later = {**old, "time": "2026-02-05T10:00:00Z", "subject": None}
    told = {"order": "H-1", "lines": [{"id": "2"}]}
    paid, returned = anna.ask(
        buys(anna, "H-1", "60.00", "40.00", **old), anna.event("order.returned", data=told, **later)
    )
    assert (paid.status, returned.status) == ("applied", "applied")
    assert points(returned) == "60"


def test_a_return_reads_what_was_sealed_of_its_order(world: World) -> None:
    world.enrol("anna")
    data = {"id": "A-1", "lines": [{"id": "1", "price": "60.00"}], "attributes": {"wishes": ["tea"]}}
    world.ask(world.event("order.paid", "anna", data=data))
    returned = world.ask(sends_back(world, "A-1", "R-1"))[0]
    assert (returned.problem, points(returned)) == (None, "100")
