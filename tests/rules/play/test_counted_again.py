"""Tickets, matches, steps of ladders and goals of one's own, against a plain count of what happened."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guerdon.base.ids import Chance, number_text
from guerdon.rules.decision import Decision
from guerdon.rules.events import CancelRedemption, Event, JoinChallenge, Redeem
from guerdon.rules.orders import LineInput
from guerdon.rules.play.draws import Ticket, lot_of, prize_of
from guerdon.rules.program import Program
from guerdon.rules.sent import ReturnLine
from guerdon.rules.step import exactly, step
from tests.rules.test_returns import Shop
from tests.rules.worlds import MEMBER, compiled, taken_lots

SEED = bytes(range(32))
ODDS = (Fraction(1, 5), Fraction(1, 3))


def award(amount: str) -> list[dict[str, Any]]:
    return [{"award": {"wallet": "points", "amount": amount}}]


def club(**sections: Any) -> Program:
    head = {"program": "club", "currency": "USD", "timezone": "UTC", "wallets": {"points": {}}}
    return compiled({**head, **sections})


class Lucky(Shop):
    """A shop whose draws have a seed that is known here."""

    def does(self, event: Event, number: int = 0) -> Decision:
        lots = Chance(b"lucky-%d" % number, lambda _, ticket: lot_of(SEED, ticket))
        with exactly():
            self.state, decision = step(self.program, self.state, event, lots)
        return decision


_DRAWS = club(
    draws={
        "wheel": {
            "trigger": "order.paid",
            "when": "order.net >= 20",
            "prizes": [{"odds": "1 in 5", "prize": award("7")}, {"odds": "1 in 3", "prize": award("3")}],
        },
        "raffle": {
            "kind": "raffle",
            "trigger": "order.paid",
            "when": "order.net >= 20",
            "drawn_at": "2027-01-01T12:00",
            "prizes": [{"winners": 1, "prize": award("99")}],
        },
    }
)
_sold = st.lists(st.sampled_from([1, 9, 10, 20, 35]), min_size=1, max_size=3)
_acts = st.lists(
    st.one_of(_sold.map(lambda one: ("buy", one)), st.tuples(st.integers(0, 9), st.integers(0, 2))),
    max_size=14,
)


@settings(max_examples=100)
@given(_acts)
def test_tickets_are_those_of_a_recount_and_come_to_what_their_lots_say(acts: list[Any]) -> None:
    shop = Lucky(_DRAWS)
    left: dict[str, list[int]] = {}
    numbers: list[int] = []
    for act in acts:
        if act[0] == "buy":
            name = f"o{len(left)}"
            left[name] = list(act[1])
            lines = (LineInput(str(at), price=Decimal(one)) for at, one in enumerate(act[1]))
            decision = shop.buys(name, *lines)
            numbers += check_tickets(shop, decision, sum(act[1]) >= 20)
        elif left:
            name = list(left)[act[0] % len(left)]
            place = act[1] % len(left[name])
            if left[name][place]:
                left[name][place] = 0
                assert not shop.returns(name, ReturnLine(str(place))).problem_code
    # Of a raffle those tickets stand whose orders would bring them on what remains.
    counters = shop.state.account.counters
    standing = sum(sum(lines) >= 20 for lines in left.values())
    assert counters.get(_DRAWS.draws["raffle"].counter, 0) == standing
    # Of an instant win each number is drawn once, whatever came back.
    assert numbers == list(range(1, len(numbers) + 1))
    assert counters.get(_DRAWS.draws["wheel"].counter, 0) == len(numbers)


def check_tickets(shop: Shop, decision: Decision, expected: bool) -> list[int]:
    drawn = {one.draw: one for one in decision.effects if one.kind == "ticket"}
    wheel, raffle = (_DRAWS.draws[key].identity for key in ("wheel", "raffle"))
    assert drawn.keys() == ({wheel, raffle} if expected else set())
    if not expected:
        return []
    account = number_text("acc", shop.state.account.account_id)
    lot = lot_of(SEED, Ticket(wheel, account, drawn[wheel].amount).text)
    prize = prize_of(ODDS, lot)
    assert drawn[wheel].prize == prize
    won = [(one.campaign, one.amount) for one in decision.effects if one.kind == "award"]
    assert won == ([(f"draw:wheel:{prize}", {1: 7, 2: 3}[prize])] if prize else [])
    return [drawn[wheel].amount]


_RUNGS = {1: 10, 3: 100, 5: 1000}
_LADDER = club(
    referral={
        "advocate": {"then": award("1")},
        "ladder": [{"from": friends, "then": award(str(units))} for friends, units in _RUNGS.items()],
    }
)


@given(st.lists(st.integers(1, 7), max_size=12))
def test_each_step_of_a_referral_ladder_comes_once_and_more_friends_never_bring_less(
    counts: list[int],
) -> None:
    shop = Shop(_LADDER)
    for number, friends in enumerate(counts):
        before = shop.units()
        data = {"referral": f"r{number}", "friends": friends, "net": Decimal(30)}
        event = Event("referral.completed", shop.now, shop.now, "guerdon:referrals", f"r{number}", data=data)
        assert not shop.does(event, number).problem_code
        assert shop.units() > before
    best = max(counts, default=0)
    assert shop.units() == len(counts) + sum(units for rung, units in _RUNGS.items() if best >= rung)


_GIVING = club(
    causes={"wells": {"match": "0.5", "match_at_most": "3.33"}},
    rewards={"well": {"kind": "donation", "price": {"points": 1}, "cause": "wells", "worth": "0.37"}},
    campaigns={"rich": {"trigger": "order.paid", "then": award("100000")}},
)


@settings(max_examples=100)
@given(st.lists(st.one_of(st.integers(1, 9), st.tuples(st.integers(0, 20))), max_size=14))
def test_what_a_cause_is_given_and_matched_is_the_sum_of_what_stands(acts: list[Any]) -> None:
    shop = Shop(_GIVING)
    shop.buys("rich", LineInput("1", price=Decimal(1)))
    standing: dict[int, CancelRedemption] = {}
    receipts: list[str] = []
    for number, act in enumerate(acts, 1):
        if isinstance(act, int):
            event = Event("guerdon.redeem", shop.now, shop.now, command=Redeem(number, "well", act))
            decision = shop.does(event, number)
            (made,) = decision.redemptions
            # Money in whole cents: half of 0.37 is 0.19, as far as the match reaches.
            room = Decimal("3.33") - sum(one.particulars.matched for one in standing.values())
            half = Fraction(37 * act, 2)
            cents = half.numerator // half.denominator + (half.denominator == 2)
            assert made.particulars.given == Decimal(37 * act) / 100
            assert made.particulars.matched == min(Decimal(cents) / 100, room)
            receipts.append(made.particulars.receipt)
            spent = {"points": taken_lots(decision.transactions[-1].entries)}
            standing[number] = CancelRedemption(
                number, "well", act, spent, shop.now, MEMBER.member_id, particulars=made.particulars
            )
        elif standing:
            key = list(standing)[act[0] % len(standing)]
            command = standing.pop(key)
            event = Event("guerdon.cancel", shop.now, shop.now, command=command)
            assert not shop.does(event, number).problem_code
    totals = shop.state.shared.counters
    assert totals.get("cause/wells/given", 0) == sum(one.particulars.given for one in standing.values())
    assert totals.get("cause/wells/matched", 0) == sum(one.particulars.matched for one in standing.values())
    assert totals.get("cause/wells/donations", 0) == len(standing)
    assert receipts == [f"wells-{number:06d}" for number in range(1, len(receipts) + 1)]


_amounts = st.integers(1, 50_000).map(lambda cents: Decimal(cents) / 100)


@given(st.lists(_amounts, max_size=4), st.sampled_from(["1.5", "0.333", "2"]), st.integers(1, 300))
def test_a_goal_of_ones_own_is_the_stated_formula_within_its_bounds(
    spent: list[Decimal], by: str, least: int
) -> None:
    most = least + 200
    goal = {"personal": f"metrics.spend * {by}", "at_least": str(least), "at_most": str(most)}
    program = club(
        metrics={"spend": {"event": "order.paid", "value": "order.net"}},
        challenges={"own": {"metric": "spend", "goal": goal, "opt_in": "true", "prize": award("1")}},
    )
    shop = Shop(program)
    for number, amount in enumerate(spent):
        shop.buys(f"o{number}", LineInput("1", price=amount))
    shop.does(Event("guerdon.join", shop.now, shop.now, command=JoinChallenge("own")))
    exact = Fraction(sum(spent, Decimal(0))) * Fraction(by)
    wanted = min(max(exact, Fraction(least)), Fraction(most))
    (begun,) = shop.state.account.challenges["own"].steps
    assert begun.goal is not None
    assert Fraction(begun.goal) == wanted
    # A cent less does not reach it, and the cent does; what is reckoned may lie between two cents.
    enough = -(-(wanted * 100).numerator // (wanted * 100).denominator)
    reached: list[int] = []
    for cents in (enough - 1, 1):
        decision = shop.buys(f"last-{cents}-{len(reached)}", LineInput("1", price=Decimal(cents) / 100))
        reached.append(Counter(one.challenge for one in decision.reached)["own"])
    assert reached == [0, 1]


_CARDS = {
    limit: club(
        metrics={"spend": {"event": "order.paid", "value": "order.net"}},
        rewards={"pen": {"kind": "product", "stock": 1000}},
        challenges={
            "card": {
                "metric": "spend",
                "every": "10",
                "limits": {"per_account": str(limit)},
                "prize": [*award("7"), *award("2"), {"grant": "pen"}],
            }
        },
    )
    for limit in (1, 2, 4, 50)
}


@settings(max_examples=100)
@given(
    st.sampled_from(sorted(_CARDS)),
    st.lists(st.sampled_from([3, 10, 12, 25]), min_size=1, max_size=5),
    st.permutations(range(5)),
)
def test_of_stamps_that_a_limit_left_without_a_prize_those_fall_first(
    limit: int, sold: list[int], order: list[int]
) -> None:
    shop = Shop(_CARDS[limit])
    shop.buys("A", *(LineInput(str(at), price=Decimal(one)) for at, one in enumerate(sold)))
    left = list(sold)
    for place in [None, *(one for one in order if one < len(sold))]:
        if place is not None:
            left[place] = 0
            shop.returns("A", ReturnLine(str(place)))
        stands = min(limit, sum(left) // 10)
        assert shop.units() == 9 * stands
        counters = {**shop.state.account.counters, **shop.state.shared.counters}
        assert counters.get("reward/pen/stock", 0) == stands
        assert counters.get("campaign/challenge:card/account/ever", 0) == stands
