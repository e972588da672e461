"""Carts that fight over codes: each is used as often as it may be, with one engine and with two."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from guerdon.engine.answers import Answer
from guerdon.engine.audit import Audit
from guerdon.engine.commands import CancelCheckout, Command, ConfirmCheckout
from guerdon.engine.loop import EngineLoop
from guerdon.members.crypto import Vault
from guerdon.members.identities import parse_ref
from guerdon.rules.coupons.standing import Terms, UseLimit
from tests.rooms.engine.conftest import MASTER_KEY, TENANT, World
from tests.rooms.engine.crowds import CLIENTS, DIGEST, batch_of, crowd, ending, live, opening

SHOP = """
program: club
currency: USD
timezone: America/New_York
rewards:
  spring: {kind: coupon, discount: {amount: "1.00"}}
  purse: {kind: coupon, discount: {amount: "2.00"}}
  found: {kind: coupon, discount: {amount: "7.00"}, remaining: kept}
campaigns:
  finds: {trigger: item.found, then: [{grant: found}]}
"""


@pytest.fixture
def shop(world: World) -> World:
    live(world, SHOP)
    return world


def given(answers: list[Answer]) -> list[Decimal]:
    return [Decimal(one.quote["totals"]["discount"]) for one in answers if one.quote["lines"][0]["discounts"]]


def test_a_coupon_with_ten_uses_is_used_ten_times(shop: World, engines: list[EngineLoop]) -> None:
    batch_of(shop, "TENTIMES", Terms(uses=10))
    opened = crowd(
        engines, [opening(shop.now, number, None, coupons=["TENTIMES"]) for number in range(CLIENTS)]
    )
    assert given(opened) == [Decimal("1.00")] * 10
    refused = [one.quote["skipped"] for one in opened if not one.quote["lines"][0]["discounts"]]
    assert len(refused) == CLIENTS - 10
    assert {one[0]["reason"] for one in refused} == {"coupon_used"}
    won = [place for place, one in enumerate(opened) if one.quote["lines"][0]["discounts"]]
    crowd(engines, [ending(CancelCheckout, shop.now, number) for number in won[:4]])
    confirmed = crowd(engines, [ending(ConfirmCheckout, shop.now, number) for number in won[4:]])
    assert all(not one.shortfalls for one in confirmed)
    again = crowd(
        engines, [opening(shop.now, 100 + number, None, coupons=["TENTIMES"]) for number in range(CLIENTS)]
    )
    assert len(given(again)) == 4
    shop.later(minutes=16)
    lapsed = crowd(
        engines, [opening(shop.now, 200 + number, None, coupons=["TENTIMES"]) for number in range(CLIENTS)]
    )
    assert len(given(lapsed)) == 4
    assert shop.rows("select used from shared_counters where counter like 'coupon/%'") == [(10,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_a_single_code_is_one_cart_s_and_money_ends_with_the_last_cent(
    shop: World, engines: list[EngineLoop]
) -> None:
    batch = batch_of(shop, "ONE-", Terms(), size=1_000)
    purse = batch_of(shop, "PURSE-", Terms(uses=None, money=Decimal("7.00")), size=10, reward="purse")
    code, money = (next(one.codes(DIGEST).written(5, 1)) for one in (batch, purse))
    opened = crowd(engines, [opening(shop.now, number, None, coupons=[code]) for number in range(CLIENTS)])
    assert given(opened) == [Decimal("1.00")]
    opened = crowd(
        engines, [opening(shop.now, 100 + number, None, coupons=[money]) for number in range(CLIENTS)]
    )
    assert sorted(given(opened)) == [Decimal("1.00"), *[Decimal("2.00")] * 3]
    assert shop.rows("select sum(used) from shared_counters where counter like 'coupon/%/money/%'") == [(7,)]
    assert shop.rows("select count(*) from shared_counters where counter like 'coupon/%'") == [(2,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_a_granted_coupon_s_money_is_split_over_as_many_carts_as_it_suffices_for(
    shop: World, engines: list[EngineLoop]
) -> None:
    """7.00 in carts of 2.00: three get all of it, one the last dollar, 60 nothing."""
    shop.enrol("ana")
    shop.ask(shop.event("item.found", "ana"))
    ((code,),) = shop.rows("select code from redemptions")
    lines = [{"id": "1", "price": "2.00"}]
    opened = crowd(
        engines,
        [opening(shop.now, number, "ana", coupons=[code], lines=lines) for number in range(CLIENTS)],
    )
    assert sorted(given(opened)) == [Decimal("1.00"), *[Decimal("2.00")] * 3]
    assert shop.rows("select used from account_counters where counter like 'redemption/%/money'") == [(7,)]
    crowd(engines, [ending(CancelCheckout, shop.now, number) for number in range(CLIENTS)])
    used = shop.rows("select coalesce(sum(used), 0) from account_counters where counter like 'redemption/%'")
    assert used == [(0,)]
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_each_store_has_its_own_uses_under_a_limit_of_the_day(shop: World, engines: list[EngineLoop]) -> None:
    """Five a store and twelve a day: 64 carts in four stores get twelve, none of them more than five."""
    limits = (UseLimit("per_store", 5, "day"), UseLimit("total", 12, "day"))
    batch_of(shop, "DAILY", Terms(uses=None, limits=limits))
    stores = [f"store/{number % 4}" for number in range(CLIENTS)]
    opened = crowd(
        engines,
        [
            opening(shop.now, number, None, coupons=["DAILY"], store=store)
            for number, store in enumerate(stores)
        ],
    )
    assert len(given(opened)) == 12
    rows = shop.rows("select counter, used from shared_counters where counter like 'coupon/%/store:%'")
    assert sum(used for _, used in rows) == 12
    assert all(used <= 5 for _, used in rows)
    assert {counter.split("/")[2] for counter, _ in rows} == {f"store:store%2F{one}" for one in range(4)}


def test_two_codes_of_a_batch_do_not_take_the_same_last_use(shop: World, engines: list[EngineLoop]) -> None:
    batch = batch_of(shop, "PAIR-", Terms(total=1), size=10)
    codes = list(batch.codes(DIGEST).written(0, 2))
    (opened,) = crowd(engines, [opening(shop.now, 1, None, coupons=codes)])
    assert given([opened]) == [Decimal("1.00")]
    assert [one["reason"] for one in opened.quote["skipped"]] == ["limit_reached"]
    assert shop.rows("select count(*) from quarantine") == [(0,)]


def test_verify_finds_uses_of_codes_as_they_were_promised(shop: World) -> None:
    batch = batch_of(shop, "ONE-", Terms(per_account=5, total=9), size=1_000)
    purse = batch_of(shop, "PURSE-", Terms(uses=None, money=Decimal("7.00")), size=10, reward="purse")
    one, other = batch.codes(DIGEST).written(5, 2)
    (money,) = purse.codes(DIGEST).written(1, 1)
    shop.enrol("ana")
    ana = parse_ref("external:ana")
    commands: list[Command] = [
        msgspec.structs.replace(opening(shop.now, 1, None, coupons=[one, money]), member=ana),
        opening(shop.now, 2, None, coupons=[money]),
        msgspec.structs.replace(opening(shop.now, 3, None, coupons=[other]), member=ana),
        ending(ConfirmCheckout, shop.now, 1),
        ending(ConfirmCheckout, shop.now, 2),
    ]
    answers = [shop.loop.submit_many([command])[0].result(60) for command in commands]
    assert [given([answer]) for answer in answers[:3]] == [[3], [2], [1]]
    with shop.database.transaction(TENANT) as tx:
        assert list(Audit(tx, Vault(MASTER_KEY, TENANT)).run()) == []
        tx.execute("update shared_counters set bound = 99 where counter like 'coupon/%/code/6'")
        assert [found.code for found in Audit(tx, Vault(MASTER_KEY, TENANT)).run()] == ["counter_bound"]
