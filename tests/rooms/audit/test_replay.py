"""What is stored follows from the events: a world of random ones is decided again to the same last row."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from guerdon.engine.commands import ConfirmCheckout
from tests.rooms.audit.conftest import PROGRAM, Life, audited


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_life_is_decided_again(living: Life, seed: int) -> None:
    living.chance.seed(seed)
    living.begin()
    living.live(260)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}
    assert (counts.programs, counts.accounts) == (1, 6)
    assert counts.events > 150
    kinds = {row[0] for row in living.world.rows("select distinct kind from transactions")}
    every = {"award", "redeem", "cancel", "expire", "adjust", "send", "receive", "return"}
    assert kinds - {"repay"} == every
    stati = {row[0] for row in living.world.rows("select distinct status from redemptions")}
    assert stati == {"issued", "used", "cancelled"}


def test_versions_and_patches_on_the_way(living: Life) -> None:
    living.begin()
    living.live(60)
    living.apply(PROGRAM.replace("'runner'", "'hiker'"))
    living.live(60)
    other_order = PROGRAM.replace("name: Club", "name: Club\nspending: {lots: earned_first}")
    living.apply(other_order.replace("from: 150", "from: 80").replace("total: 15", "total: 9"))
    living.live(100)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}


def test_history_is_decided_again(living: Life) -> None:
    living.begin(["anna", "ben"])
    living.live(30)
    for day in range(40):
        at = living.world.now - timedelta(days=400 - 9 * day)
        answer = living.order("past", time=at.isoformat(), historical=True, enrol=True)
        assert answer.status == "applied", answer
    living.live(20)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.accounts == 3


def test_after_erasure_what_is_left_is_compared(living: Life) -> None:
    living.begin()
    living.live(120)
    heavy = [{"id": "1", "sku": "A", "quantity": 1, "price": "5.00", "attributes": {"weight": 2.5}}]
    living.world.ask(living.world.event("order.paid", "anna", data={"id": "h1", "lines": heavy}))
    living.world.ask(living.world.event("order.paid", "ben", data={"id": "h2", "lines": heavy}))
    anna = living.accounts["anna"]
    living.erase("anna")
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {"after erasure": 1}
    living.ruin("update redemptions set quantity = quantity + 1 where account_id = {}", anna)
    living.ruin("update entries set amount = amount + 1 where account_id = {} and seq = 1", anna)
    found, _ = audited(living.world)
    assert {one.account_id for one in found} == {anna}
    assert {one.table for one in found} >= {"redemptions", "entries"}


def test_what_was_left_of_shared_limits_is_told_as_it_was(living: Life) -> None:
    living.begin()
    living.live(150)
    rows = living.world.rows(
        "select event_id, convert_from(decision, 'utf8')::jsonb -> 'left' from events"
        " where convert_from(decision, 'utf8')::jsonb ? 'left' order by event_id"
    )
    by_month: dict[str, list[int]] = {}
    for _, left in rows:
        for key in left:
            if key.startswith("campaign/scarce/total/"):
                by_month.setdefault(key, []).append(int(left[key]))
    assert min(by_month[max(by_month, key=lambda key: len(by_month[key]))]) < 10
    for totals in by_month.values():
        # One after the other drew from the fifteen of the month, or only looked, or came back.
        assert totals[0] == 15
        assert {before - after for before, after in itertools.pairwise(totals)} <= {-1, 0, 1}
    found, counts = audited(living.world)
    assert (found, counts.not_replayed) == ([], {})


def test_a_guest_who_comes_too_late_takes_what_is_left_to_the_cent(living: Life) -> None:
    living.begin([])

    def cart(checkout: str, price: str) -> None:
        assert living.cart(None, checkout, lines=[{"id": "1", "price": price}]).problem is None

    cart("late", "86.70")
    living.world.later(days=3)
    cart("soon", "519.00")
    assert living.say(ConfirmCheckout, id="soon").problem is None
    late = living.say(ConfirmCheckout, id="late")
    assert [(one["name"], one["amount"]) for one in late.shortfalls] == [
        ("campaign/cart_off/budget/ever", "0.57")
    ]
    # Eight and a tenth, however many noughts stand behind it.
    found, counts = audited(living.world)
    assert (found, counts.not_replayed) == ([], {})
