"""A program's own history, run again as a backtest of the same definition, comes to what live came to."""

from __future__ import annotations

import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from guerdon.engine.commands import (
    AdjustBalance,
    CancelRedemption,
    ConfirmCheckout,
    IssueCards,
    ReturnOrder,
    RunTick,
)
from guerdon.infra.linefiles import LineFile
from guerdon.insight.backtest import Backtest, Request, open_history, run_backtest
from guerdon.insight.backtest.stored import look_once, write_events
from guerdon.rules.report import EXPIRED, ISSUED, OTHER, SPENT
from guerdon.rules.sent import ReturnAsked, ReturnLine
from tests.rooms.audit.conftest import PROGRAM, Life, audited
from tests.rooms.engine.conftest import TENANT

PLACES = {"issued": (ISSUED, -1), "redeemed": (SPENT, 1), "expired": (EXPIRED, 1)}


def live_figures(life: Life) -> dict[str, list[int]]:
    rows = life.world.rows("select wallet, book, sum(amount)::bigint from entries group by 1, 2")
    found: dict[str, list[int]] = {}
    for wallet, book, amount in rows:
        if book != "member":
            place, sign = PLACES.get(book, (OTHER, -1))
            found.setdefault(wallet, [0, 0, 0, 0])[place] += sign * amount
    return found


def run_again(life: Life, definition: str = PROGRAM) -> Backtest:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stored.ndjson")
        with life.world.database.transaction(TENANT) as tx:
            look_once(tx)
            program_id = tx.execute("select program_id from programs").fetchall()[0][0]
            written = write_events(tx, program_id, path, lambda _: None)
        assert written.unreadable == 0
        history = open_history([LineFile("own", path, path.stat().st_size)], Path(folder))
        request = Request(definition.encode(), "club.yaml", life.world.now, people=written.people)
        return run_backtest(request, history)


def figures(done: Backtest) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for wallet, months in done.tally.months.items():
        found[wallet] = [sum(row[place] for row in months.values()) for place in range(4)]
    return {wallet: row for wallet, row in found.items() if any(row)}


def carts_that_orders_overtook(life: Life) -> None:
    """Tell of orders before their checkouts are confirmed, and let some of it come back."""
    for number, name in enumerate(life.accounts):
        life.say(AdjustBalance, account_id=life.accounts[name], wallet="points", amount=300, reason="x")
        checkout = f"overtaken-{number}"
        opened = life.cart(name, checkout, spend={"points": "20"}, rewards=["mug"] if number % 2 else [])
        if opened.problem is not None:
            continue
        assert life.order(name, order=f"o-{checkout}").problem is None
        life.say(ConfirmCheckout, id=checkout)
        if number % 3:
            part = (ReturnLine("1", Decimal("0.5")),) if number % 2 else ()
            life.say(ReturnOrder, asked=ReturnAsked(f"o-{checkout}", f"r-{number}", part, all=not part))
        if life.issued and number % 2:
            life.say(CancelRedemption, redemption_id=life.issued[-1])


def end(life: Life) -> None:
    """Let a cart that was promised nothing lapse, and time be booked for everybody."""
    life.world.later(days=2)
    for account_id in life.accounts.values():
        life.say(RunTick, account_id=account_id)


def discounts(life: Life) -> Counter[str]:
    told: Counter[str] = Counter()
    for (decision,) in life.world.rows("select convert_from(decision, 'utf8')::jsonb from events"):
        for effect in decision.get("effects", ()):
            if effect["kind"] == "discount":
                told[effect.get("campaign", "")] += effect["amount"]
    return told


@pytest.fixture
def punctual(living: Life, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Nothing comes late, for late events take their own place in a backtest; people stay as they are."""
    choose = living.chance.choice
    late = [0, 0, 0, 30, 900]
    monkeypatch.setattr(living.chance, "choice", lambda some: 0 if some == late else choose(some))
    monkeypatch.setattr(living, "patch", lambda: None)
    return living


@pytest.mark.parametrize("seed", [12, 15, 19])
def test_a_random_life_comes_to_the_same_sums(punctual: Life, seed: int) -> None:
    living = punctual
    living.chance.seed(seed)
    living.begin()
    living.live(200)
    carts_that_orders_overtook(living)
    living.live(20)
    end(living)
    done = run_again(living)
    assert figures(done) == live_figures(living)
    told = discounts(living)
    assert told["cart_off"] > 0
    assert done.report["campaigns"]["cart_off"]["discounted"] == f"{told['cart_off'] / 100:.2f}"
    kinds = {row[0] for row in living.world.rows("select distinct type from events")}
    assert kinds >= {"guerdon.take_capture", "guerdon.redeem", "order.returned"}
    captured = living.world.rows(
        "select count(*) from checkouts where status = 'confirmed' and account_id <> 0"
    )
    assert captured[0][0] > 5
    assert {one.code for one in done.rejects} <= {"redemption_not_found"}, done.rejects


def test_another_definition_finds_the_carts_as_they_were_paid(punctual: Life) -> None:
    living = punctual
    living.begin(["anna"])
    for _ in range(4):
        living.order("anna")
        living.world.later(days=4)
    assert living.cart("anna", "c1", spend={"points": "30"}, rewards=["mug"]).problem is None
    confirmed = living.end_cart("c1", ConfirmCheckout)
    assert confirmed is not None
    assert confirmed.problem is None
    end(living)
    same, other = run_again(living), run_again(living, PROGRAM.replace("percent: 10", "percent: 50"))
    assert (same.rejects, other.rejects) == ([], [])
    assert same.report["orders"] == 5
    # What was charged is a fact: other percents would have made other carts, which nobody can know.
    assert figures(same) == figures(other) == live_figures(living)
    assert figures(same)["points"][SPENT] == 60
    dearer = run_again(living, PROGRAM.replace("price: {points: 30}", "price: {points: 31}"))
    assert figures(dearer)["points"][SPENT] == 61


def test_what_gift_cards_paid_counts_and_the_cards_themselves_are_nobodys(punctual: Life) -> None:
    """Orders of a history keep what cards paid of them; the money on cards is the shop's own matter."""
    living = punctual
    living.begin(["anna"])
    (card,) = living.say(IssueCards, amount=2_000).gift_cards
    lines = [{"id": "1", "quantity": 2, "price": "20.00"}]
    plain = {"spend": {}, "rewards": [], "coupons": [], "lines": lines}
    opened = living.cart("anna", "c1", gift_cards=[card["code"]], **plain)
    assert opened.quote["totals"]["due"] == "16.00", "40.00 less a tenth, less the card's 20.00"
    living.say(ConfirmCheckout, id="c1")
    # Half of what another card helped to pay comes back.
    (other,) = living.say(IssueCards, amount=1_000).gift_cards
    living.cart("anna", "c2", gift_cards=[other["code"]], **plain)
    living.say(ConfirmCheckout, id="c2")
    half = ReturnAsked("o-c2", "back-1", (ReturnLine("1", Decimal(1)),))
    assert living.say(ReturnOrder, asked=half).problem is None
    end(living)
    audit, counts = audited(living.world)
    assert (audit, counts.not_replayed) == ([], {})
    paid = "earning: {paid_with: {gift_card: %s}}\n"
    with_cards = run_again(living, PROGRAM + paid % "true")
    without = run_again(living, PROGRAM + paid % "false")
    assert (with_cards.rejects, without.rejects) == ([], [])
    assert with_cards.report["orders"] == without.report["orders"] == 2
    assert with_cards.report["revenue"] == without.report["revenue"]
    same = run_again(living)
    live = {wallet: row for wallet, row in live_figures(living).items() if wallet != "cards"}
    assert figures(same) == live
    # The first order is decided in bronze, at a rate of 1; 72 dollars are short of silver.
    earned = figures(with_cards)["points"][ISSUED], figures(without)["points"][ISSUED]
    # Each order brings 7 more; half of what the second one brought is taken back, rounded up.
    assert earned == (20 + (36 + 7) + (36 + 7 - 22), 20 + (16 + 7) + (26 + 7 - 17))
