"""What one engine has read is changed by another one before it locks it: the first looks again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from guerdon.engine.audit import Audit
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from tests.faults.holding import Pair, running_pair
from tests.faults.quarrel import NOW
from tests.world.driver import MASTER_KEY, TENANT
from tests.world.model import Act
from tests.world.places import Ground

GUEST: Act = {"who": None}


@pytest.fixture
def pair(ground: Ground) -> Iterator[Pair]:
    with ground.fresh() as database, running_pair(database) as both:
        yield both


def open_(who: str | None, **more: Any) -> Act:
    cart: Act = {"order": "O1", "lines": [["2", "45"]], "shipping": 490, "spend": 0, "credit": 0}
    cart |= {"rewards": [], "coupons": [], "cards": []}
    return about("open", who=who, **{**cart, **more})


def about(do: str, **more: Any) -> Act:
    return {"do": do, "program": "store", "now": NOW, "cart": "C1", **more}


def told(who: str | None) -> Act:
    return about("told", who=who, order="O1", id="E1", time=NOW, lines=[["2", "45"]])


def back(number: int = 1) -> Act:
    lines = {"lines": [["0", "1"]], "all": False, "shipping": False}
    return about("return", order="O1", id=f"R{number}", via="call", **lines)


def read(pair: Pair, statement: str) -> list[tuple[Any, ...]]:
    with pair.first.database.transaction(TENANT) as tx:
        return tx.execute(statement).fetchall()


def holds_together(pair: Pair) -> None:
    """Nothing is in quarantine, and the audit finds nothing."""
    with pair.first.database.transaction(TENANT) as tx:
        assert tx.execute("select count(*) from quarantine").fetchall() == [(0,)]
        assert found(tx) == []


def found(tx: Tx) -> list[str]:
    return [str(one) for one in Audit(tx, Vault(MASTER_KEY, TENANT)).run()]


def test_a_checkout_that_is_priced_anew_before_it_is_locked_is_looked_at_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.say(about("enrol", who="m1"))
    assert pair.say(open_("m1")).problem is None
    answer = pair.overtake(
        monkeypatch,
        "before_lock",
        about("confirm"),
        # Now it takes a code and a cup, whose counters nobody has read for the first engine.
        lambda: pair.say(open_("m1", coupons=["one=1"], rewards=["cup"], spend=20)),
    )
    assert (answer.status, answer.problem) == ("applied", None)
    assert {kind for effect in answer.effects for kind in effect} >= {"discount", "redeem", "pay"}
    holds_together(pair)


def test_a_checkout_that_goes_to_another_before_it_is_locked_is_looked_at_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in ("m1", "m2"):
        pair.say(about("enrol", who=who))
    assert pair.say(open_("m1", spend=20)).problem is None
    answer = pair.overtake(
        monkeypatch, "before_lock", about("confirm"), lambda: pair.say(open_("m2", spend=20))
    )
    assert (answer.status, answer.problem) == ("applied", None)
    assert read(pair, "select count(distinct account_id) from checkouts") == [(1,)]
    holds_together(pair)


@pytest.mark.parametrize("who", [None, "m1"])
def test_a_return_beside_what_a_checkout_takes_of_a_guests_order(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, who: str | None
) -> None:
    """Nobody's account is locked for a guest's order: a return was decided as if nothing had been taken."""
    if who is not None:
        pair.say(about("enrol", who=who))
    assert pair.say(open_(who, coupons=["one=1"])).problem is None
    assert pair.say(told(None)).guest
    answer = pair.overtake(monkeypatch, "after_write", about("confirm"), lambda: pair.begin(back()))
    assert answer.problem is None
    assert pair.begun.result(60).problem is None
    holds_together(pair)


def test_two_returns_of_a_guests_order_at_once_are_one_after_the_other(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.say(open_(None, coupons=["one=1"]))
    assert pair.say(about("confirm")).problem is None
    answer = pair.overtake(monkeypatch, "after_write", back(1), lambda: pair.begin(back(2)))
    second = pair.begun.result(60)
    assert [answer.problem, second.problem] == [None, None]
    assert [answer.returned["complete"], second.returned["complete"]] == [False, True]
    assert read(pair, "select number from order_returns order by 1") == [(1,), (2,)]
    holds_together(pair)


@pytest.mark.parametrize("who", [None, "m1"])
def test_an_order_that_two_shops_systems_tell_of_at_once_is_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, who: str | None
) -> None:
    if who is not None:
        pair.say(about("enrol", who=who))
    answer = pair.overtake(monkeypatch, "after_write", told(who), lambda: pair.begin(told(who)))
    assert [answer.status, pair.begun.result(60).status] == ["applied", "duplicate"]
    assert read(pair, "select count(*) from events where type = 'order.paid'") == [(1,)]
    holds_together(pair)


@pytest.mark.parametrize("who", [None, "m1"])
def test_an_order_that_is_told_of_while_its_checkout_is_confirmed_is_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, who: str | None
) -> None:
    if who is not None:
        pair.say(about("enrol", who=who))
    assert pair.say(open_(who, coupons=["one=1"])).problem is None
    answer = pair.overtake(monkeypatch, "after_write", told(who), lambda: pair.begin(about("confirm")))
    assert [answer.problem, pair.begun.result(60).problem] == [None, None]
    assert read(pair, "select status from checkouts") == [("confirmed",)]
    kinds = read(pair, "select type from events where type like 'order.%' or type = 'guerdon.take_capture'")
    assert sorted(kinds) == [("guerdon.take_capture",), ("order.paid",)]
    assert read(pair, "select used from shared_counters where counter like 'coupon/%code%'") == [(1,)]
    holds_together(pair)


def test_a_code_of_one_use_goes_to_one_of_two_carts(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    other = open_(None, cart="C2", order="O2", coupons=["one=1"])
    answer = pair.overtake(
        monkeypatch, "after_write", open_(None, coupons=["one=1"]), lambda: pair.begin(other)
    )
    second = pair.begun.result(60)
    assert [answer.problem, second.problem] == [None, None]
    due = [Decimal(one.quote["totals"]["due"]) for one in (answer, second)]
    assert due[0] < due[1]
    assert read(pair, "select sum(amount) from shared_holds where counter like 'coupon/%code%'") == [(1,)]
    holds_together(pair)


def test_two_who_enrol_at_once_under_one_name_are_one(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol = about("enrol", who="m1")
    answer = pair.overtake(monkeypatch, "after_write", enrol, lambda: pair.begin(enrol))
    second = pair.begun.result(60)
    assert [answer.created, second.created, answer.account] == [True, False, second.account]
    assert read(pair, "select count(*) from accounts") == [(1,)]
    holds_together(pair)
