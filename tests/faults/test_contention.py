"""64 callers at once: nothing is overspent, oversold or taken beyond its limit."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from guerdon.engine.commands import Command
from tests.faults.door import NOW, THREADS, Door, code_of


def test_64_threads_on_one_account_with_points_for_exactly_five(door: Door) -> None:
    door.enrol(1, points=599)
    answers = door.ask_at_once([door.redeem("m0", "mug") for _ in range(THREADS)])
    assert Counter(code_of(one) for one in answers) == {"": 5, "insufficient_units": 59}
    assert door.rows("select available from wallets") == [(99,)]
    assert door.one("select count(*) from redemptions") == 5
    door.verify()


def test_a_stock_of_five_with_64_takers_from_different_accounts(door: Door) -> None:
    door.enrol(THREADS, points=100)
    answers = door.ask_at_once([door.redeem(f"m{place}", "rare") for place in range(THREADS)])
    assert Counter(code_of(one) for one in answers) == {"": 5, "out_of_stock": 59}
    assert door.rows("select used, bound from shared_counters where counter like '%stock'") == [(5, 5)]
    assert door.one("select sum(available)::bigint from wallets") == 59 * 100
    assert door.one("select count(*) from redemptions") == 5
    door.verify()


def test_a_limit_of_ten_in_all(door: Door) -> None:
    door.enrol(THREADS)
    commands: list[Command] = [door.event("promo.joined", f"m{place}") for place in range(THREADS)]
    answers = door.ask_at_once(commands)
    assert Counter(len(one.effects) for one in answers) == {1: 10, 0: 54}
    skips = {(skip["campaign"], skip["reason"]) for one in answers for skip in one.skipped}
    assert skips == {("promo", "limit_reached")}
    assert door.one("select used from shared_counters") == 10
    assert door.one("select sum(available)::bigint from wallets") == 10
    door.verify()


def test_a_budget_with_room_for_three_and_a_half_gives_the_half(door: Door) -> None:
    door.enrol(THREADS)
    answers = door.ask_at_once([door.event("gift.claimed", f"m{place}") for place in range(THREADS)])
    given = Counter(effect["award"]["amount"] for one in answers for effect in one.effects)
    assert given == {"1.00": 3, "0.50": 1}
    assert {skip["reason"] for one in answers for skip in one.skipped} == {"budget_spent"}
    assert door.one("select sum(available)::bigint from wallets where wallet = 'cash'") == 350
    door.verify()


def test_a_budget_with_room_for_three_and_a_half_gives_whole_ones_only(door: Door) -> None:
    door.enrol(THREADS)
    answers = door.ask_at_once([door.event("treat.claimed", f"m{place}") for place in range(THREADS)])
    given = Counter(effect["award"]["amount"] for one in answers for effect in one.effects)
    assert given == {"1.00": 3}
    assert door.one("select used from shared_counters") == 3
    assert door.one("select sum(available)::bigint from wallets where wallet = 'cash'") == 300
    door.verify()


def test_64_callers_on_one_account_earn_what_the_day_has_room_for(door: Door) -> None:
    """33 times 3 are 99: one caller gets the last unit, and 30 get nothing."""
    door.enrol(1)
    answers = door.ask_at_once([door.event("stamp.claimed") for _ in range(THREADS)])
    given = Counter(effect["award"]["amount"] for one in answers for effect in one.effects)
    assert given == {"3": 33, "1": 1}
    cut = [effect["award"] for one in answers for effect in one.effects if "not_earned" in effect["award"]]
    assert cut == [{"wallet": "stamps", "amount": "1", "not_earned": "2", "limit": "per_day"}]
    skips = Counter((skip["campaign"], skip["reason"]) for one in answers for skip in one.skipped)
    assert skips == {("stamp", "earning_limit"): 30}
    assert door.rows("select used from account_counters where counter like 'wallet/%'") == [(100,)]
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    answers = door.ask_at_once([door.event("stamp.claimed", time=tomorrow) for _ in range(THREADS)])
    given = Counter(effect["award"]["amount"] for one in answers for effect in one.effects)
    assert given == {"3": 10}, "the balance takes 130"
    assert door.rows("select available + pending from wallets where wallet = 'stamps'") == [(130,)]
    door.verify()
