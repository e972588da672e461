"""Spending, giving back, moving: units are neither lost nor doubled, whoever asks at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guerdon.base.ids import parse_number
from guerdon.engine.answers import Answer
from guerdon.engine.commands import (
    AdjustBalance,
    CancelRedemption,
    RedeemReward,
    RunTick,
    TransferUnits,
    UseRedemption,
)
from guerdon.members.identities import parse_ref
from tests.rooms.engine.conftest import TENANT, World


def code_of(answer: Answer) -> str:
    return answer.problem.code if answer.problem is not None else ""


def account_of(answer: Answer) -> int:
    number = parse_number("acc", answer.account)
    assert number is not None
    return number


class Asker:
    """Commands in short."""

    def __init__(self, world: World) -> None:
        self.world = world

    def say(self, kind: Any, **more: Any) -> Answer:
        return self.world.ask(kind(tenant_id=TENANT, program="club", received_at=self.world.now, **more))[0]

    def redeem(self, reward: str = "mug", quantity: int = 1) -> Answer:
        return self.say(RedeemReward, member=parse_ref("anna"), reward=reward, quantity=quantity)


def test_a_redemption_and_its_cancelling(world: World) -> None:
    ask = Asker(world)
    world.enrol("anna")
    taken = ask.redeem()
    assert taken.status == "applied"
    assert taken.balances["points"].available == "0"
    number = parse_number("red", taken.redemptions[0]["id"])
    assert world.rows("select status, price, array_length(seqs, 1) from redemptions") == [
        ("issued", {"points": 100}, 1)
    ]
    assert world.rows("select used from shared_counters") == [(1,)]
    back = ask.say(CancelRedemption, redemption_id=number)
    assert back.balances["points"].available == "100"
    assert world.rows("select status from redemptions") == [("cancelled",)]
    assert world.rows("select used from shared_counters") == [(0,)]
    assert code_of(ask.say(CancelRedemption, redemption_id=number)) == "redemption_cancelled"
    assert code_of(ask.say(UseRedemption, redemption_id=number)) == "redemption_cancelled"
    world.verify()


def test_a_redemption_cancelled_and_used_at_once_is_one_of_both(world: World) -> None:
    ask = Asker(world)
    world.enrol("anna")
    number = parse_number("red", ask.redeem("voucher").redemptions[0]["id"]) or 0
    common: dict[str, Any] = {"tenant_id": TENANT, "program": "club", "received_at": world.now}
    both = [kind(redemption_id=number, **common) for kind in (CancelRedemption, UseRedemption)]
    answers = world.ask(*both * 20)
    assert sorted(one.status for one in answers) == ["applied"] + ["rejected"] * 39
    assert world.rows("select available from wallets where wallet = 'points'") == [(100,)]
    world.verify()


def test_a_voucher_has_a_code_and_expires(world: World) -> None:
    ask = Asker(world)
    world.enrol("anna")
    number = parse_number("red", ask.redeem("voucher").redemptions[0]["id"])
    code = world.rows("select code from redemptions")[0][0]
    assert len(code) == 10
    assert world.rows("select code, redemption_id from coupon_codes") == [(code, number)]
    world.later(days=31)
    assert code_of(ask.say(UseRedemption, redemption_id=number)) == "redemption_expired"


def test_refusals_leave_nothing(world: World) -> None:
    ask = Asker(world)
    world.enrol("anna")
    assert code_of(ask.redeem(quantity=2)) == "insufficient_units"
    assert code_of(ask.redeem("none")) == "unknown_reward"
    assert code_of(ask.say(CancelRedemption, redemption_id=1)) == "redemption_not_found"
    assert code_of(ask.say(AdjustBalance, account_id=1, wallet="points", amount=1, reason="x")) == (
        "account_not_found"
    )
    assert world.rows("select count(*) from transactions") == [(1,)]


def test_sixty_four_callers_never_overspend(world: World) -> None:
    ask = Asker(world)
    account = account_of(world.enrol("anna"))
    ask.say(AdjustBalance, account_id=account, wallet="points", amount=900, reason="gift")
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: ask.redeem(), range(64)))
    assert sum(one.status == "applied" for one in answers) == 10
    assert {code_of(one) for one in answers if one.status == "rejected"} == {"insufficient_units"}
    assert world.rows("select available from wallets where wallet = 'points'") == [(0,)]
    assert world.rows("select used from shared_counters") == [(10,)]
    assert world.rows("select count(*) from lots where wallet = 'points'") == [(0,)]
    world.verify()


def test_adjustments(world: World) -> None:
    ask = Asker(world)
    account = account_of(world.enrol("anna"))
    given = ask.say(AdjustBalance, account_id=account, wallet="later", amount=1234, reason="sorry")
    assert given.balances["later"].available == "12.34"
    taken = ask.say(AdjustBalance, account_id=account, wallet="points", amount=-40, reason="mistake")
    assert taken.balances["points"].available == "60"
    assert code_of(ask.say(AdjustBalance, account_id=account, wallet="points", amount=-61, reason="m")) == (
        "insufficient_units"
    )
    assert code_of(ask.say(AdjustBalance, account_id=account, wallet="points", amount=1, reason=" ")) == (
        "reason_missing"
    )
    world.verify()


def test_transfers_move_lots_or_nothing(world: World) -> None:
    ask = Asker(world)
    anna, bert = account_of(world.enrol("anna")), account_of(world.enrol("bert"))
    moved = ask.say(TransferUnits, account_id=anna, to_account=bert, wallet="points", amount=30)
    assert moved.balances["points"].available == "70"
    assert world.rows("select remaining, count(distinct expires_at) from lots group by 1 order by 1") == [
        (70, 1),
        (130, 1),
    ]
    for amount, to, code in (
        (71, bert, "insufficient_units"),
        (1, anna, "same_account"),
        (1, 5, "account_not_found"),
    ):
        answer = ask.say(TransferUnits, account_id=anna, to_account=to, wallet="points", amount=amount)
        assert code_of(answer) == code
    sums = world.rows("select book, sum(amount) from entries group by book order by book")
    assert sums == [("issued", -200), ("member", 200), ("transit", 0)]
    world.verify()


def test_transfers_in_both_directions_at_once(world: World) -> None:
    ask = Asker(world)
    anna, bert = account_of(world.enrol("anna")), account_of(world.enrol("bert"))

    def send(number: int) -> str:
        one, other = (anna, bert) if number % 2 else (bert, anna)
        return ask.say(TransferUnits, account_id=one, to_account=other, wallet="points", amount=10).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, range(64))) == {"applied"}
    assert world.rows("select sum(available) from wallets where wallet = 'points'") == [(200,)]
    world.verify()


def test_a_tick_books_what_time_has_done(world: World) -> None:
    ask = Asker(world)
    account = account_of(world.enrol("anna"))
    assert ask.say(RunTick, account_id=account).status == "applied"
    events = world.rows("select count(*) from events")
    world.later(days=370)
    answer = ask.say(RunTick, account_id=account)
    assert answer.balances["points"].available == "0"
    assert world.rows("select kind, count(*) from transactions group by 1 order by 1") == [
        ("award", 1),
        ("expire", 1),
    ]
    assert world.rows("select count(*) from lots where wallet = 'points'") == [(0,)]
    assert world.rows("select count(*) from events") == [(events[0][0] + 1,)]
    world.verify()
