"""Carts that fight over what is scarce: exactly as many succeed as may, with one engine and with two."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.commands import CancelCheckout, ConfirmCheckout
from guerdon.engine.loop import EngineLoop
from tests.rooms.engine.conftest import World
from tests.rooms.engine.crowds import CLIENTS, crowd, ending, live, opening

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
  ten_uses:
    trigger: checkout
    limits: {total: 10}
    then: [{discount: {amount: "1.00"}}]
  small_budget:
    trigger: checkout
    limits: {budget: {money: "7.00"}, when_short: part}
    then: [{discount: {amount: "2.00"}}]
rewards:
  few: {kind: product, price: {points: 10}, stock: 5}
  dear: {kind: product, price: {points: 100}}
"""


@pytest.fixture
def shop(world: World) -> World:
    live(world, SHOP)
    return world


def discounts(answers: list[Answer], campaign: str) -> list[Decimal]:
    return [
        Decimal(one["amount"])
        for answer in answers
        if answer.problem is None
        for one in answer.quote["lines"][0]["discounts"]
        if one["campaign"] == campaign
    ]


def test_a_limited_discount_is_given_as_often_as_it_may(shop: World, engines: list[EngineLoop]) -> None:
    opened = crowd(engines, [opening(shop.now, number, None) for number in range(CLIENTS)])
    assert discounts(opened, "ten_uses") == [Decimal("1.00")] * 10
    without = [one for one in opened if not discounts([one], "ten_uses")]
    told = {"campaign": "ten_uses", "reason": "limit_reached"}
    assert all(told in one.quote["skipped"] for one in without)
    winners = [place for place, one in enumerate(opened) if discounts([one], "ten_uses")]
    crowd(engines, [ending(CancelCheckout, shop.now, number) for number in winners[:4]])
    crowd(engines, [ending(ConfirmCheckout, shop.now, number) for number in winners[4:]])
    again = crowd(engines, [opening(shop.now, CLIENTS + number, None) for number in range(CLIENTS)])
    assert len(discounts(again, "ten_uses")) == 4
    assert shop.rows("select used from shared_counters where counter like '%ten_uses%'") == [(10,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_a_budget_with_room_for_three_and_a_half_gives_just_that(
    shop: World, engines: list[EngineLoop]
) -> None:
    opened = crowd(engines, [opening(shop.now, number, None) for number in range(CLIENTS)])
    given = discounts(opened, "small_budget")
    assert sorted(given) == [Decimal("1.00"), Decimal("2.00"), Decimal("2.00"), Decimal("2.00")]
    shop.later(minutes=16)
    later = crowd(engines, [opening(shop.now, 1000 + number, None) for number in range(3)])
    assert discounts(later, "small_budget") == [Decimal("2.00")] * 3
    assert shop.rows("select used from shared_counters where counter like '%small_budget%'") == [(6,)]


def test_a_reward_in_stock_is_promised_as_often_as_it_is_there(
    shop: World, engines: list[EngineLoop]
) -> None:
    for number in range(CLIENTS):
        shop.enrol(f"m{number}")
    opened = crowd(
        engines, [opening(shop.now, number, f"m{number}", rewards=["few"]) for number in range(CLIENTS)]
    )
    won = [place for place, one in enumerate(opened) if one.problem is None]
    assert len(won) == 5
    assert {one.problem.code for one in opened if one.problem is not None} == {"out_of_stock"}
    confirmed = crowd(engines, [ending(ConfirmCheckout, shop.now, number) for number in won])
    assert all(one.shortfalls == () or list(one.shortfalls) == [] for one in confirmed)
    assert shop.rows("select count(*) from redemptions where reward = 'few'") == [(5,)]
    assert shop.rows("select sum(held), sum(available) from wallets where wallet = 'points'") == [
        (0, CLIENTS * 100 - 50)
    ]
    shop.verify()


def test_units_of_one_account_are_promised_once(shop: World, engines: list[EngineLoop]) -> None:
    shop.enrol("anna")
    opened = crowd(
        engines, [opening(shop.now, number, "anna", rewards=["dear"]) for number in range(CLIENTS)]
    )
    won = [place for place, one in enumerate(opened) if one.problem is None]
    assert len(won) == 1
    assert {one.problem.code for one in opened if one.problem is not None} == {"insufficient_units"}
    crowd(engines, [ending(CancelCheckout, shop.now, won[0])] * CLIENTS)
    assert shop.rows("select held, available from wallets where wallet = 'points'") == [(0, 100)]
    again = crowd(engines, [opening(shop.now, 500, "anna", rewards=["dear"])])[0]
    assert again.problem is None
    done = crowd(engines, [ending(ConfirmCheckout, shop.now, 500)] * CLIENTS)
    assert sum(one.status == "applied" for one in done) == 1
    assert shop.rows("select held, available from wallets where wallet = 'points'") == [(0, 0)]
    assert shop.rows("select count(*) from account_holds") == [(0,)]
    shop.verify()


def test_what_lapsed_is_let_go_by_whoever_comes_next(shop: World, engines: list[EngineLoop]) -> None:
    shop.enrol("anna")
    first = crowd(engines, [opening(shop.now, 1, "anna", spend={"points": "100"})])[0]
    assert first.problem is None
    assert shop.rows("select held from wallets where wallet = 'points'") == [(100,)]
    shop.now += timedelta(minutes=15)
    second = crowd(engines, [opening(shop.now, 2, "anna", spend={"points": "100"})])[0]
    assert second.problem is None
    assert shop.rows("select held from wallets where wallet = 'points'") == [(100,)]
    late = crowd(engines, [ending(ConfirmCheckout, shop.now, 1)])[0]
    assert [one["reason"] for one in late.shortfalls] == ["insufficient_units"]
