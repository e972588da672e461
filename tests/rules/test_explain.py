"""Explaining a stored decision: run again from what was stored it is the same, all of it with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings

from guerdon.rules.decision import Decision, Effect
from guerdon.rules.events import Event
from guerdon.rules.explain import explain, in_words
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from tests.rules.worlds import LIVES, Act, chance, compiled, documents, live

AT = datetime(2026, 3, 6, 23, tzinfo=UTC)
_STAR = {"award": {"wallet": "stars", "amount": "1"}}
_MULTIPLY = [{"multiply": {"wallet": "points", "by": "2"}}]
_STORED = msgspec.json.Decoder(Decision)


def stored(decision: Decision) -> Decision:
    """The decision as it comes back from storage."""
    return _STORED.decode(msgspec.json.encode(decision))


@settings(max_examples=150, deadline=None)
@given(document=documents(), acts=LIVES)
def test_what_was_stored_explains_what_was_done(document: dict[str, Any], acts: list[Act]) -> None:
    program = compiled(document)
    for _, event, _, decision in live(program, acts):
        if decision.problem_code:
            continue
        found = explain(program, event, stored(decision))
        assert found.differences == ()
        assert [one.campaign for one in found.outcomes] == [one.key for one in program.campaigns]
        acted = {one.campaign for one in found.outcomes if one.outcome == "acted"}
        assert (
            acted == {one.campaign for one in decision.effects if one.campaign} or event.command is not None
        )
        skipped = {one.campaign: one.reason for one in decision.skipped}
        told = {one.campaign: one.outcome for one in found.outcomes if one.outcome != "acted"}
        assert all(told[key] == reason for key, reason in skipped.items() if not key.startswith("metric:"))
        assert len(in_words(found)) == len(program.campaigns)


MEMBER = MemberState(
    7,
    language="bn",
    birthday="02-03",
    joined_at=datetime(2020, 1, 1, tzinfo=UTC),
    attributes={"age": 41, "vip": True, "likes": ["tea", "tents"], "height": Decimal("1.7")},
    consents={"mail": True},
)
CLUB = {
    "program": "club",
    "currency": "USD",
    "timezone": "America/New_York",
    "attributes": {
        "age": "int",
        "vip": "bool",
        "likes": "list(string)",
        "height": "decimal",
        "nick": "string",
        "secret": {"type": "string", "personal": True},
    },
    "wallets": {"points": {"rounding": "floor"}, "stars": {"scale": 1}},
    "metrics": {"spend": {"event": "order.paid", "value": "order.net"}},
    "ladders": {
        "tiers": {"metric": "spend", "tiers": {"low": {"from": 0}, "high": {"from": 100, "rate": 2}}}
    },
    "campaigns": {
        "base": {
            "trigger": "order.paid",
            "then": [{"award": {"wallet": "points", "amount": "order.net / 3"}}],
        },
        "double": {"trigger": "order.paid", "when": "order.net > 50", "then": _MULTIPLY},
        "grown": {
            "trigger": "order.paid",
            "when": "member.attributes.age > 40 && member.attributes.vip && 'tea' in member.attributes.likes",
            "then": [{"award": {"wallet": "stars", "amount": "member.attributes.height"}}],
        },
        "asked": {
            "trigger": "order.paid",
            "when": "member.consents['mail'] && !has(member.attributes.nick)",
            "then": [{"award": {"wallet": "stars", "amount": "1"}}],
        },
        "loyal": {
            "trigger": "order.paid",
            "when": "now - member.joined_at > duration('24h')",
            "then": [{"award": {"wallet": "stars", "amount": "metrics.spend / 10"}}],
        },
        "tills": {"trigger": "order.paid", "channels": ["pos"], "then": [_STAR]},
        "mondays": {"trigger": "order.paid", "schedule": {"days": ["mon"]}, "then": [_STAR]},
        "secret": {"trigger": "order.paid", "when": "member.attributes.secret == 'x'", "then": [_STAR]},
        "visit": {"trigger": "visit.made", "then": [_STAR]},
        "risen": {"trigger": "tier.reached", "when": "event.data.tier == 'high'", "then": [_STAR]},
    },
}


def decided(program: Program, cents: int = 9000) -> tuple[Event, Decision]:
    line = LineInput("1", subtotal=Decimal(cents) / 100)
    order = read_order(OrderInput(id="A-1", lines=(line,)), program.order_settings, "web", "")
    event = Event("order.paid", AT, AT, "shop", "e-1", "web", "", order)
    state = State(AccountState(5, owner=MEMBER), MEMBER, Shared())
    with exactly():
        _, decision = step(program, state, event, chance(1))
    assert not decision.problem_code
    return event, stored(decision)


def test_each_campaign_has_its_reason_and_each_award_its_arithmetic() -> None:
    program = compiled(CLUB)
    event, decision = decided(program, 12_550)
    found = explain(program, event, decision)
    assert found.differences == ()
    said = {one.campaign: one for one in in_words(found)}
    assert {key: one.outcome for key, one in said.items()} == {
        "base": "acted",
        "double": "acted",
        "grown": "acted",
        "asked": "acted",
        "loyal": "acted",
        "tills": "other_channel",
        "mondays": "out_of_schedule",
        "secret": "expression_error",
        "visit": "other_trigger",
        "risen": "acted",
    }
    assert said["base"].sums == (
        "order.net / 3 = 251/6, × 2 by double = 251/3; rounded down with all awards of the event: 83 points",
    )
    assert said["double"].said == "its condition holds: order.net > 50"
    assert said["double"].sums == ("multiplies points by 2",)
    assert said["double"].reads == {"order.net": "125.5"}
    assert said["loyal"].reads["metrics.spend"] == "125.5"
    assert said["grown"].reads["member.attributes.likes"] == "tea, tents"
    assert said["visit"].said == "it is about something else: it waits for visit.made"


def test_what_was_changed_afterwards_is_noticed() -> None:
    program = compiled(CLUB)
    event, decision = decided(program)
    effects = [
        msgspec.structs.replace(one, amount=one.amount + 1) if one.campaign == "base" else one
        for one in decision.effects
    ]
    more = msgspec.structs.replace(decision, effects=tuple(effects))
    assert (
        "award 61 points by base is stored, and running it again does not give it"
        in explain(program, event, more).differences
    )
    fewer = msgspec.structs.replace(decision, effects=decision.effects[1:])
    assert explain(program, event, fewer).differences
    other = msgspec.structs.replace(decision, inputs={**decision.inputs, "member.attributes.age": "30"})
    assert [one for one in explain(program, event, other).differences if "grown" in one]


def test_what_is_not_kept_is_said_and_not_guessed() -> None:
    program = compiled(CLUB)
    event, decision = decided(program)
    quiet = msgspec.structs.replace(
        decision, skipped=tuple(one for one in decision.skipped if one.campaign != "secret")
    )
    outcome = {one.campaign: one for one in explain(program, event, quiet).outcomes}["secret"]
    assert (outcome.outcome, outcome.scope) == ("values_not_kept", None)
    star = Effect("secret", "award", wallet="stars", amount=10)
    acted = msgspec.structs.replace(quiet, effects=(*decision.effects, star))
    found = explain(program, event, acted)
    assert found.differences == ()
    assert {one.campaign: one.outcome for one in found.outcomes}["secret"] == "acted"


def test_a_follow_on_may_have_seen_something_else() -> None:
    campaigns = {
        "first": {
            "trigger": "order.paid",
            "when": "wallets.points.available == 0",
            "then": [{"award": {"wallet": "points", "amount": "10"}}],
        },
        "then": {"trigger": "tier.reached", "when": "wallets.points.available >= 10", "then": [_STAR]},
    }
    program = compiled({**CLUB, "campaigns": campaigns})
    event, decision = decided(program, 20_000)
    assert {one.campaign for one in decision.effects} == {"first", "then"}
    told = {"wallets.points.available": "0", "tier.reached/wallets.points.available": "10"}
    found = explain(program, event, msgspec.structs.replace(decision, inputs=told))
    assert found.differences == ()
