"""What an order set off is undone with it: in parts, in proportion, and in the end wholly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.decision import Decision, Returned
from guerdon.rules.events import Adjust, Event, PaidOrder, Redeem, ReturnOrder, Tick
from guerdon.rules.lives import LifeKey, LotLife, live_on
from guerdon.rules.orders import AmountInput, LineInput, OrderInput, ShippingInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnAsked, ReturnLine
from guerdon.rules.state import State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, LIVES, MEMBER, Act, Life, chance, compiled, documents

DAY = timedelta(days=1)


def on(day: int, month: int = 1, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


class Shop:
    """One member's orders under one program, as the engine would go through them."""

    def __init__(self, program: Program, state: State = FRESH, now: datetime | None = None) -> None:
        self.program = program
        self.state = state
        self.now = now or on(1)
        self.orders: dict[str, PaidOrder] = {}
        self.lives: dict[LifeKey, LotLife] = {}
        self.count = 0

    def does(self, event: Event, number: int = 0) -> Decision:
        with exactly():
            self.state, decision = step(self.program, self.state, event, chance(number))
        live_on(self.lives, decision.transactions)
        return decision

    def buys(self, order: str, *lines: LineInput, **more: Any) -> Decision:
        self.count += 1
        sent = OrderInput(id=order, lines=lines, **more)
        read = read_order(sent, self.program.order_settings, "web", "")
        event = Event("order.paid", self.now, self.now, "shop", order, "web", "", read)
        decision = self.does(event, self.count)
        self.orders[order] = PaidOrder(order, self.program, event, decision, MEMBER.member_id)
        return decision

    def returns(self, order: str, *lines: ReturnLine, **more: Any) -> Decision:
        self.count += 1
        asked = ReturnAsked(order, f"R-{self.count}", lines, more.pop("all", not lines), **more)
        paid = msgspec.structs.replace(self.orders[order], lives=self.lives)
        event = Event(
            "order.returned", self.now, self.now, "shop", asked.id, command=ReturnOrder(asked, paid)
        )
        decision = self.does(event, self.count)
        if decision.returned is not None:
            gone = dict.fromkeys(decision.cancelled, "cancelled")
            self.orders[order] = msgspec.structs.replace(
                paid, earlier=(*paid.earlier, decision.returned), redemptions={**paid.redemptions, **gone}
            )
        return decision

    def units(self, wallet: str = "points") -> int:
        state = self.state.account.wallets.get(wallet)
        return 0 if state is None else state.free + state.pending


def line(name: str, price: str, quantity: int | str = 1, **more: Any) -> LineInput:
    return LineInput(name, price=Decimal(price), quantity=Decimal(quantity), **more)


def back(name: str, quantity: int | str | None = None) -> ReturnLine:
    return ReturnLine(name, None if quantity is None else Decimal(quantity))


def club(**sections: Any) -> Program:
    base = {
        "trigger": "order.paid",
        "then": [{"award": {"wallet": "points", "amount": "order.earning_base"}}],
    }
    return compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": sections.pop("wallets", {"points": {}}),
            "campaigns": {"base": base, **sections.pop("campaigns", {})},
            **sections,
        }
    )


def told(decision: Decision) -> Returned:
    assert not decision.problem_code, decision.problem_detail
    assert decision.returned is not None
    return decision.returned


_sold = st.lists(
    st.tuples(st.sampled_from([0, 1, 99, 250, 1999, 12345]), st.integers(0, 4)), min_size=1, max_size=4
)
_parts = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=6)


def stands(state: State) -> dict[str, Any]:
    """What an order may change of an account, apart from the dates of lots."""
    account = state.account
    return {
        "units": {
            key: units for key, one in account.wallets.items() if (units := one.free + one.pending + one.held)
        },
        "metrics": {
            key: (bucket.total, bucket.count)
            for key, bucket in account.buckets.items()
            if bucket.total or bucket.count
        },
        "counters": {key: used for key, used in account.counters.items() if used},
        "shared": {key: used for key, used in state.shared.counters.items() if used},
        "badges": dict(account.badges),
        "tiers": {key: one.level for key, one in account.tiers.items()},
    }


@given(documents(), LIVES, _sold, _parts)
def test_a_full_return_in_any_parts_leaves_what_was_there_before(
    document: Any, acts: list[Act], sold: Any, parts: Any
) -> None:
    program = compiled(document)
    life = Life(program)
    with exactly():
        for act in acts:
            event = life.event(act)
            life.state, decision = step(program, life.state, event, chance(life.count))
    shop = Shop(program, life.state, life.now)
    shop.does(Event("guerdon.tick", shop.now, shop.now, command=Tick()))
    before = stands(shop.state)
    lines = [
        LineInput(str(at), subtotal=Decimal(cents) / 100, quantity=Decimal(quantity))
        for at, (cents, quantity) in enumerate(sold)
    ]
    decision = shop.buys("A", *lines)
    assert not decision.problem_code
    for at, quantity in parts:
        if at < len(lines):
            shop.returns("A", back(str(at), quantity))
    last = shop.returns("A")
    assert last.problem_code in ("", "nothing_to_return")
    assert shop.orders["A"].earlier[-1].is_last
    assert stands(shop.state) == before


@given(documents(), _sold, _parts)
def test_parts_add_up_to_the_whole(document: Any, sold: Any, parts: Any) -> None:
    program = compiled(document)
    shop = Shop(program)
    lines = [
        LineInput(
            str(at), subtotal=Decimal(cents) / 100, quantity=Decimal(quantity), tax=Decimal(cents) / 300
        )
        if cents % 3 == 0
        else LineInput(str(at), subtotal=Decimal(cents) / 100, quantity=Decimal(quantity))
        for at, (cents, quantity) in enumerate(sold)
    ]
    brought = shop.buys("A", *lines)
    for at, quantity in parts:
        if at < len(lines):
            shop.returns("A", back(str(at), quantity))
    shop.returns("A")
    order = shop.orders["A"].event.order
    assert order is not None
    earlier = shop.orders["A"].earlier
    for sold_line, figures in zip(order.sold, order.figures, strict=True):
        of_line = [one for each in earlier for one in each.lines if one.id == sold_line.id]
        assert sum(one.quantity for one in of_line) == sold_line.quantity
        assert sum(one.net for one in of_line) == figures.net
        assert sum(one.tax for one in of_line) == figures.tax
        assert sum(one.total for one in of_line) == figures.total
        assert all(min(one.net, one.tax, one.total) >= 0 for one in of_line)
    awarded: dict[str, int] = {}
    for effect in brought.effects:
        if effect.kind == "award":
            awarded[effect.wallet] = awarded.get(effect.wallet, 0) + effect.amount
    taken: dict[str, int] = {}
    for one in (units for each in earlier for units in each.units):
        taken[one.wallet] = taken.get(one.wallet, 0) + one.taken
    assert {key: units for key, units in taken.items() if units} == awarded


def test_units_go_back_in_proportion_and_in_the_end_wholly() -> None:
    shop = Shop(club())
    # 10 points for three equal lines: 3, then 7 in all, then 10.
    shop.buys("A", line("1", "3.34"), line("2", "3.33"), line("3", "3.33"))
    taken = [told(shop.returns("A", back(name))).units[0].taken for name in ("2", "3", "1")]
    assert taken == [3, 4, 3]
    assert shop.units() == 0


def test_what_a_campaign_gave_falls_with_its_condition() -> None:
    thanks = {
        "trigger": "order.paid",
        "when": "order.net >= 100",
        "limits": {"per_account": 1},
        "then": [{"grant": "voucher"}, {"badge": "big"}],
    }
    rewards = {"voucher": {"kind": "coupon", "discount": {"amount": 5}, "stock": 10}}
    program = club(campaigns={"thanks": thanks}, rewards=rewards, badges={"big": {}})
    shop = Shop(program)
    shop.buys("A", line("1", "80.00"), line("2", "30.00"), line("3", "10.00"))
    assert list(shop.state.account.badges) == ["big"]
    assert told(shop.returns("A", back("3"))).undone == ()
    undone = told(shop.returns("A", back("2"))).undone
    assert [(one.kind, one.campaign, one.kept) for one in undone] == [
        ("reward", "thanks", ""),
        ("badge", "thanks", ""),
        ("limit", "thanks", ""),
    ]
    assert shop.state.account.badges == {}
    assert shop.state.shared.counters["reward/voucher/stock"] == 0
    # What was undone once stays so, and the next order may have it again.
    assert told(shop.returns("A")).undone == ()
    assert [one.kind for one in shop.buys("B", line("1", "100.00")).effects] == ["award", "grant", "badge"]


@pytest.mark.parametrize(
    ("policy", "after"), [("reevaluate", [1, 0]), ("full_only", [0, 1]), ("keep", [0, 0])]
)
def test_a_program_says_what_becomes_of_what_does_not_divide(policy: str, after: list[int]) -> None:
    thanks = {"trigger": "order.paid", "when": "order.net >= 100", "then": [{"grant": "pen"}]}
    program = club(
        campaigns={"thanks": thanks}, rewards={"pen": {"kind": "product"}}, returns={"on_return": policy}
    )
    shop = Shop(program)
    shop.buys("A", line("1", "80.00"), line("2", "30.00"))
    undone = [told(shop.returns("A", back(name))).undone for name in ("2", "1")]
    assert [len(one) for one in undone] == after


def test_a_reward_that_was_used_is_a_shortfall_and_told_once() -> None:
    thanks = {"trigger": "order.paid", "then": [{"grant": "pen"}]}
    shop = Shop(club(campaigns={"thanks": thanks}, rewards={"pen": {"kind": "product"}}))
    bought = shop.buys("A", line("1", "80.00"), line("2", "0.00", 0))
    number = bought.redemptions[0].redemption_id
    shop.orders["A"] = msgspec.structs.replace(shop.orders["A"], redemptions={number: "used"})
    decision = shop.returns("A")
    assert [(one.kind, one.name, one.reason) for one in decision.shortfalls] == [
        ("reward", "pen", "redemption_used")
    ]
    assert decision.cancelled == ()
    assert told(decision).undone[0].kept == "redemption_used"


@pytest.mark.parametrize("status", ["sent", "used"])
def test_a_reward_that_is_out_of_the_house_is_a_shortfall(status: str) -> None:
    thanks = {"trigger": "order.paid", "then": [{"grant": "pen"}]}
    shop = Shop(club(campaigns={"thanks": thanks}, rewards={"pen": {"kind": "product", "stock": 3}}))
    number = shop.buys("A", line("1", "80.00")).redemptions[0].redemption_id
    shop.orders["A"] = msgspec.structs.replace(shop.orders["A"], redemptions={number: status})
    decision = shop.returns("A")
    assert (decision.cancelled, told(decision).undone[0].kept) == ((), f"redemption_{status}")
    assert [one.reason for one in decision.shortfalls] == [f"redemption_{status}"]
    assert shop.state.shared.counters["reward/pen/stock"] == 1, "the piece is gone"


@pytest.mark.parametrize(
    ("program", "campaign", "reward", "after"),
    [
        ("reevaluate", None, None, ["pen badge limit", ""]),
        ("keep", "reevaluate", None, ["pen badge limit", ""]),
        ("reevaluate", "full_only", None, ["", "pen badge limit"]),
        ("reevaluate", "keep", None, ["", ""]),
        ("reevaluate", None, "keep", ["badge limit", ""]),
        ("reevaluate", None, "full_only", ["badge limit", "pen"]),
        ("keep", "keep", "reevaluate", ["pen", ""]),
        ("keep", None, "full_only", ["", "pen"]),
    ],
)
def test_campaigns_and_rewards_say_for_themselves_what_a_return_does(
    program: str, campaign: str | None, reward: str | None, after: list[str]
) -> None:
    said = [{"on_return": one} if one else {} for one in (campaign, reward)]
    thanks = {
        "trigger": "order.paid",
        "when": "order.net >= 100",
        "limits": {"per_account": 1},
        "then": [{"grant": "pen"}, {"badge": "big"}],
        **said[0],
    }
    shop = Shop(
        club(
            campaigns={"thanks": thanks},
            rewards={"pen": {"kind": "product", **said[1]}},
            badges={"big": {}},
            returns={"on_return": program},
        )
    )
    shop.buys("A", line("1", "80.00"), line("2", "30.00"))
    undone = [told(shop.returns("A", back(name))).undone for name in ("2", "1")]
    kinds = [" ".join("pen" if one.kind == "reward" else one.kind for one in each) for each in undone]
    assert kinds == after


def test_a_return_counts_and_sets_off_like_any_event() -> None:
    program = club(
        metrics={
            "sent_back": {"event": "order.returned", "value": "order.net", "window": "all_time"},
            "spend": {"event": "order.paid", "value": "order.net", "window": "all_time"},
        },
        campaigns={
            "sorry": {
                "trigger": "order.returned",
                "when": "order.net >= 20 && metrics.sent_back < 100",
                "limits": {"per_account": 2},
                "then": [{"award": {"wallet": "points", "amount": "order.quantity * 7"}}, {"grant": "pen"}],
            },
            "cancelled": {"trigger": "order.cancelled", "then": [{"badge": "undecided"}]},
        },
        rewards={"pen": {"kind": "product"}},
        badges={"undecided": {}},
    )
    shop = Shop(program)
    shop.buys("A", line("1", "30.00", 3), line("2", "10.00"))
    first = shop.returns("A", back("1", 2))
    assert [(one.campaign, one.kind, one.amount) for one in first.effects] == [
        ("sorry", "award", 14),
        ("sorry", "grant", 0),
    ]
    assert shop.units() == 100 - 60 + 14
    second = shop.returns("A", back("2"))
    assert [(one.campaign, one.reason) for one in second.skipped] == [("sorry", "condition_false")]
    counted = {key.split("@")[0]: one for (key, _), one in shop.state.account.buckets.items()}
    assert (counted["sent_back"].total, counted["sent_back"].count) == (Decimal(70), 2)
    assert counted["spend"].total == Decimal(30)
    # 30 more make 100 that came back: no more is said for it.
    assert shop.returns("A").effects == ()
    assert shop.units() == 14, "what a return brought is not the order's"


def test_metrics_and_tiers_follow_what_remains() -> None:
    program = club(
        metrics={
            "spend": {"event": "order.paid", "value": "order.net", "window": "calendar_year"},
            "orders": {"event": "order.paid", "window": "all_time"},
            "big": {"event": "order.paid", "when": "order.net >= 50", "window": "all_time"},
        },
        ladders={
            "club": {
                "metric": "spend",
                "review": "calendar_year",
                "tiers": {"low": {"from": 0}, "high": {"from": 100}},
            }
        },
    )
    shop = Shop(program)
    shop.buys("A", line("1", "60.00"), line("2", "45.00"))
    assert shop.state.account.tiers["club"].level == "high"
    shop.now += 40 * DAY
    decision = shop.returns("A", back("2"))
    counted = {key.split("@")[0]: one for (key, _), one in shop.state.account.buckets.items()}
    assert (counted["spend"].total, counted["spend"].count) == (Decimal(60), 1)
    assert (counted["orders"].total, counted["big"].total) == (Decimal(1), Decimal(1))
    assert [(one.before, one.after, one.cause) for one in decision.tier_changes] == [
        ("high", "low", "returned")
    ]
    shop.returns("A", back("1"))
    assert all((one.total, one.count) == (Decimal(0), 0) for one in shop.state.account.buckets.values()), (
        "in the bucket of the order's own day"
    )


def test_what_a_tier_gave_falls_when_the_return_takes_the_tier() -> None:
    risen = {"trigger": "tier.reached", "when": "event.data.tier == 'high'", "then": [{"grant": "pen"}]}
    program = club(
        metrics={"spend": {"event": "order.paid", "value": "order.net", "window": "calendar_year"}},
        ladders={
            "club": {
                "metric": "spend",
                "review": "calendar_year",
                "tiers": {"low": {"from": 0}, "high": {"from": 100}},
            }
        },
        campaigns={"risen": risen},
        rewards={"pen": {"kind": "product"}},
    )
    shop = Shop(program)
    shop.buys("A", line("1", "90.00"), line("2", "30.00"), line("3", "5.00"))
    assert told(shop.returns("A", back("3"))).undone == ()
    assert [one.reward for one in told(shop.returns("A", back("2"))).undone] == ["pen"]


def test_what_read_a_metric_is_judged_by_the_metric_as_it_is_without_what_came_back() -> None:
    second = {"trigger": "order.paid", "when": "metrics.spend >= 150", "then": [{"grant": "pen"}]}
    program = club(
        metrics={"spend": {"event": "order.paid", "value": "order.net", "window": "all_time"}},
        campaigns={"second": second},
        rewards={"pen": {"kind": "product"}},
    )
    shop = Shop(program)
    shop.buys("A", line("1", "100.00"))
    shop.buys("B", line("1", "50.00"), line("2", "10.00"))
    assert told(shop.returns("B", back("2"))).undone == ()
    assert [one.reward for one in told(shop.returns("B", back("1", "1"))).undone] == ["pen"]


def test_budgets_get_back_what_their_units_had_taken() -> None:
    bonus = {
        "trigger": "order.paid",
        "limits": {"budget": {"units": {"points": 30}}},
        "then": [{"award": {"wallet": "points", "amount": "20"}}],
    }
    shop = Shop(club(campaigns={"bonus": bonus}))
    shop.buys("A", line("1", "10.00", 2))
    assert shop.state.shared.counters == {"campaign/bonus/budget.points/ever": 20}
    shop.returns("A", back("1", 1))
    assert shop.state.shared.counters == {"campaign/bonus/budget.points/ever": 10}
    shop.returns("A")
    assert shop.state.shared.counters == {"campaign/bonus/budget.points/ever": 0}


@pytest.mark.parametrize("debt", ["allowed", "stop_at_zero"])
def test_what_is_not_there_is_owed_or_let_go(debt: str) -> None:
    program = club(
        wallets={"points": {"debt": debt}}, rewards={"pen": {"kind": "product", "price": {"points": 60}}}
    )
    shop = Shop(program)
    shop.buys("A", line("1", "100.00"))
    shop.does(Event("guerdon.redeem", shop.now, shop.now, command=Redeem(1, "pen")))
    decision = shop.returns("A")
    units = told(decision).units[0]
    shop.buys("B", line("1", "80.00"))
    if debt == "allowed":
        assert (units.taken, units.debt, decision.shortfalls) == (100, 60, ())
        assert (shop.units(), shop.state.account.wallets["points"].debt) == (20, 0)
    else:
        assert (units.taken, units.debt) == (40, 0)
        assert [(one.name, one.amount, one.reason) for one in decision.shortfalls] == [
            ("points", Decimal(60), "stopped_at_zero")
        ]
        assert shop.units() == 80


def test_debt_keeps_units_from_being_spent_and_any_arrival_repays_it() -> None:
    program = club(wallets={"points": {"pending": "1d"}})
    shop = Shop(program)
    shop.buys("A", line("1", "30.00"))
    shop.now += 2 * DAY
    shop.does(Event("guerdon.adjust", shop.now, shop.now, command=Adjust("points", -30, "spent")))
    told(shop.returns("A"))
    assert shop.units() == -30
    shop.buys("B", line("1", "10.00"))
    assert (shop.units(), shop.state.account.wallets["points"].debt) == (-20, 20)
    given = shop.does(Event("guerdon.adjust", shop.now, shop.now, command=Adjust("points", 25, "gift")))
    assert [one.kind for one in given.transactions] == ["adjust", "repay"]
    assert (shop.units(), shop.state.account.wallets["points"].debt) == (5, 0)


def test_a_later_version_does_not_change_what_is_undone() -> None:
    thanks = {"trigger": "order.paid", "when": "order.net >= 100", "then": [{"grant": "pen"}]}
    pen = {"pen": {"kind": "product", "stock": 5}}
    shop = Shop(club(campaigns={"thanks": thanks}, rewards=pen))
    shop.buys("A", line("1", "80.00"), line("2", "30.00"))
    shop.program = club(campaigns={"thanks": {**thanks, "when": "order.net >= 10"}}, rewards=pen)
    assert [one.reward for one in told(shop.returns("A", back("2"))).undone] == ["pen"]


def test_a_line_of_a_discounted_order_gives_back_its_own_share() -> None:
    shop = Shop(club())
    shop.buys(
        "A",
        line("1", "30.00", 3, tax_rate=Decimal("0.10")),
        line("2", "10.00"),
        discounts=(AmountInput(Decimal("10.00")),),
        shipping=ShippingInput(amount=Decimal("5.00")),
    )
    # 90 and 10 bear 9 and 1 of the discount: 81 for three, 8.10 tax.
    first = told(shop.returns("A", back("1", 1))).lines[0]
    assert (first.net, first.tax, first.total) == (2700, 270, 2970)
    rest = told(shop.returns("A", refund_shipping=True))
    assert [(one.id, one.net, one.tax) for one in rest.lines] == [("1", 5400, 540), ("2", 900, 0)]
    assert (rest.shipping, rest.shipping_tax) == (500, 0)


def test_quantities_may_be_weights() -> None:
    shop = Shop(club())
    shop.buys("A", line("1", "4.00", "2.5"))
    assert told(shop.returns("A", back("1", "0.75"))).lines[0].net == 300
    refused = shop.returns("A", back("1", "1.76"))
    assert (refused.problem_code, refused.problem_pointer) == (
        "return_exceeds_order",
        "/data/lines/0/quantity",
    )
    assert told(shop.returns("A", back("1", "1.75"))).is_last
