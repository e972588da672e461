"""Carts that nobody paid go thirty days after they lapsed; what was paid stays, and verify holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guerdon.engine import ticks
from guerdon.engine.checkouts.forgetting import KEPT_FOR, forget_checkouts
from guerdon.engine.commands import AdjustBalance, CancelCheckout, ConfirmCheckout
from tests.rooms.audit.conftest import Life, audited
from tests.rooms.engine.conftest import TENANT

DAY = timedelta(days=1)


def carts(life: Life) -> set[str]:
    return {row[0] for row in life.world.rows("select id from checkouts")}


def book(life: Life) -> None:
    ticks.run_due(life.world.database, life.world.loop, life.world.now)
    found, counts = audited(life.world)
    assert (found, counts.not_replayed) == ([], {})


def opened(life: Life) -> None:
    life.begin(["anna", "ben"])
    for name in ("anna", "ben"):
        life.say(AdjustBalance, account_id=life.accounts[name], wallet="points", amount=900, reason="x")
    life.world.later(days=4)
    for number, who in enumerate(("anna", "ben", "anna", None)):
        answer = life.cart(who, f"c{number}", rewards=["mug"] if who else [])
        assert answer.problem is None, answer
    life.say(ConfirmCheckout, id="c0")
    life.say(CancelCheckout, id="c1")


def test_a_late_confirm_has_thirty_days_and_no_more(living: Life) -> None:
    opened(living)
    living.world.now += KEPT_FOR
    book(living)
    assert carts(living) == {"c0", "c1", "c2", "c3"}
    late = living.say(ConfirmCheckout, id="c2")
    assert (late.status, late.quote["late"]) == ("applied", True)
    living.world.now += DAY
    book(living)
    assert carts(living) == {"c0", "c2"}
    for name in ("c1", "c3", "never"):
        refused = living.say(ConfirmCheckout, id=name).problem
        assert refused is not None
        assert refused.code == "checkout_not_found"
    # What was paid is known for ever, and who repeats a confirmation still hears the same.
    assert living.say(ConfirmCheckout, id="c0").status == "duplicate"
    again = living.cart("ben", "c3")
    assert (again.problem, again.created) == (None, True)
    book(living)


def test_what_still_holds_something_stays(living: Life) -> None:
    opened(living)
    living.world.now += KEPT_FOR + DAY
    with living.world.database.transaction(TENANT) as tx:
        gone = forget_checkouts(tx, living.program_id(), living.world.now, 100)
    # Nobody has let go of what the others held.
    assert (gone, carts(living)) == (1, {"c0", "c2", "c3"})
    book(living)
    assert carts(living) == {"c0"}


def test_many_go_page_by_page(living: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "PAGE", 3)
    living.begin(["anna"])
    for number in range(10):
        living.cart("anna", f"c{number}", spend={}, rewards=[], coupons=[])
    assert len(carts(living)) == 10
    living.world.now += KEPT_FOR + DAY
    book(living)
    assert carts(living) == set()
