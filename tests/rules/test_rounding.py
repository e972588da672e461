"""Awards, multipliers and rounding against fractions: summed exactly, rounded last, split to the unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guerdon.rules.decision import Decision
from guerdon.rules.events import Event
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.step import exactly, step
from tests.rules.worlds import FRESH, chance, compiled

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
MODES = st.sampled_from(["floor", "half_up", "half_even", "ceil"])
SCOPES = st.sampled_from(["order", "line", "campaign"])
AMOUNTS: dict[str, Callable[[Fraction], Fraction]] = {
    "order.net": lambda net: net,
    "order.net / 3": lambda net: net / 3,
    "order.net * 0.07": lambda net: net * 7 / 100,
    "order.net * order.net / 1000": lambda net: net * net / 1000,
    "3": lambda _: Fraction(3),
    "0.5": lambda _: Fraction(1, 2),
    "0": lambda _: Fraction(0),
}


def rounded(value: Fraction, mode: str) -> int:
    """Round as the school book does; amounts here are never negative."""
    below, rest = floor(value), value - floor(value)
    if mode in ("floor", "ceil"):
        return below if mode == "floor" else ceil(value)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (mode == "half_up" or below % 2 == 1))
    return below + up


def largest_remainder(total: int, weights: dict[str, Fraction]) -> dict[str, int]:
    """Split a total over keys; what does not divide goes to the greatest remainders, ties by key."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    exact = {key: total * weight / whole for key, weight in weights.items()}
    shares = {key: floor(share) for key, share in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], key))
    for key in by_remainder[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def expected(case: dict[str, Any], nets: list[Fraction]) -> dict[str, int]:
    """Work out by campaign what the order brings."""
    net, scale = sum(nets, Fraction(0)), case["scale"]
    exact = {key: AMOUNTS[text](net) for key, text in case["amounts"].items()}
    bonus = 1 + sum((one - 1 for one in case["adds"]), Fraction(0))
    factor = max(bonus, Fraction(0))
    for one in case["factors"]:
        factor *= one
    of_order = {key for key, text in case["amounts"].items() if "order" in text}
    exact = {key: value * (factor if key in of_order else 1) * 10**scale for key, value in exact.items()}
    if case["scope"] == "campaign":
        return {key: rounded(value, case["mode"]) for key, value in exact.items()}
    if case["scope"] == "line" and net and of_order:
        brought = {key: exact[key] for key in of_order}
        rest = {key: value for key, value in exact.items() if key not in of_order}
        total = sum(rounded(sum(brought.values()) * one / net, case["mode"]) for one in nets)
        return largest_remainder(total, brought) | largest_remainder(
            rounded(sum(rest.values(), Fraction(0)), case["mode"]), rest
        )
    return largest_remainder(rounded(sum(exact.values(), Fraction(0)), case["mode"]), exact)


cases = st.fixed_dictionaries(
    {
        "scale": st.integers(0, 3),
        "mode": MODES,
        "scope": SCOPES,
        "amounts": st.dictionaries(
            st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(sorted(AMOUNTS)), min_size=1
        ),
        "factors": st.lists(
            st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(0), Fraction(1, 3)]), max_size=2
        ),
        "adds": st.lists(st.sampled_from([Fraction(2), Fraction(6, 5), Fraction(1, 5)]), max_size=3),
    }
)


@given(cases, st.lists(st.sampled_from([0, 1, 33, 50, 99, 149, 150, 1250, 99999]), min_size=1, max_size=4))
def test_awards_are_those_of_fractions(case: dict[str, Any], cents: list[int]) -> None:
    decision = decided(case, cents)
    got = {effect.campaign: effect.amount for effect in decision.effects if effect.kind == "award"}
    wanted = expected(case, [Fraction(one, 100) for one in cents])
    assert got == {key: units for key, units in wanted.items() if units}


def decided(case: dict[str, Any], cents: list[int]) -> Decision:
    campaigns: dict[str, Any] = {
        key: {"trigger": "order.paid", "then": [{"award": {"wallet": "points", "amount": text}}]}
        for key, text in case["amounts"].items()
    }
    for combine, factors in (("multiply", case["factors"]), ("add", case["adds"])):
        for place, one in enumerate(factors):
            by = f"{one.numerator} / {one.denominator}"
            effect = {"multiply": {"wallet": "points", "by": by, "combine": combine}}
            campaigns[f"m{combine[0]}{place}"] = {"trigger": "order.paid", "then": [effect]}
    program = compiled(
        {
            "program": "rounding",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {
                "points": {
                    "scale": case["scale"],
                    "rounding": {"mode": case["mode"], "per": case["scope"]},
                }
            },
            "campaigns": campaigns,
        }
    )
    lines = tuple(LineInput(str(at), subtotal=Decimal(one) / 100) for at, one in enumerate(cents))
    order = read_order(OrderInput("1", lines), program.order_settings, "web", "")
    with exactly():
        _, decision = step(program, FRESH, Event("order.paid", AT, AT, "s", "1", order=order), chance(1))
    return decision


def test_a_hundred_times_a_nickel_and_four_is_twenty_nine() -> None:
    program = compiled(
        {
            "program": "p",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {"rounding": "exact"}},
            "campaigns": {
                "c": {
                    "trigger": "order.paid",
                    "then": [{"award": {"wallet": "points", "amount": "0.29 * 100"}}],
                }
            },
        }
    )
    order = read_order(OrderInput("1", ()), program.order_settings, "web", "")
    with exactly():
        after, _ = step(program, FRESH, Event("order.paid", AT, AT, order=order), chance(1))
    assert after.account.wallets["points"].available == 29


def test_an_award_beyond_what_can_be_stored_is_refused_and_the_event_stands() -> None:
    program = compiled(
        {
            "program": "p",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {}, "stars": {}},
            "campaigns": {
                "huge": {
                    "trigger": "big.bang",
                    "then": [{"award": {"wallet": "points", "amount": "9223372036854775807"}}],
                },
                "small": {
                    "trigger": "big.bang",
                    "then": [{"award": {"wallet": "stars", "amount": "1"}}],
                },
            },
        }
    )
    bang, state = Event("big.bang", AT, AT), FRESH
    with exactly():
        state, first = step(program, state, bang, chance(1))
        state, second = step(program, state, bang, chance(2))
    assert [one.campaign for one in first.skipped] == []
    assert [(one.campaign, one.reason) for one in second.skipped] == [("huge", "amount_too_large")]
    assert state.account.wallets["points"].available == 2**63 - 1
    assert state.account.wallets["stars"].available == 2


def test_a_product_of_more_digits_than_decimals_keep_is_still_exact() -> None:
    long = "0." + "1" * 40
    program = compiled(
        {
            "program": "p",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {"scale": 6}},
            "campaigns": {
                "a": {
                    "trigger": "order.paid",
                    "then": [{"award": {"wallet": "points", "amount": f"order.net * {long}"}}],
                },
                "m": {
                    "trigger": "order.paid",
                    "then": [{"multiply": {"wallet": "points", "by": long}}],
                },
            },
        }
    )
    order = read_order(
        OrderInput("1", (LineInput("1", subtotal=Decimal(81)),)), program.order_settings, "web", ""
    )
    with exactly():
        after, decision = step(program, FRESH, Event("order.paid", AT, AT, order=order), chance(1))
    assert decision.skipped == ()
    assert after.account.wallets["points"].available == floor(81 * Fraction(long) ** 2 * 10**6)
