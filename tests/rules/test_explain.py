"""Explaining a stored decision: run again from what was stored it is the same, all of it with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings

from guerdon.rules.decision import Decision, Effect
from guerdon.rules.events import Event
from guerdon.rules.explain import Known, People, as_data, explain, in_words
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
        # What a campaign or a reward was limited by is told as it was: no limit that stopped one had room.
        for one in in_words(found):
            if one.outcome == "limit_reached":
                assert any(Decimal(limit.left) < 1 for limit in one.limits)
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
CLUB: dict[str, Any] = {
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


BIRTHDAYS = {
    "trigger": "order.paid",
    "when": "member.birthday == '02-03' || account.owner.birthday == '01-01'",
    "then": [_STAR],
}


def test_personal_values_stay_with_the_person() -> None:
    program = compiled({**CLUB, "campaigns": {**CLUB["campaigns"], "birthdays": BIRTHDAYS}})
    event, decision = decided(program)
    assert decision.personal == ("account.owner.birthday", "member.birthday")
    assert "02-03" not in msgspec.json.encode(decision).decode()
    found = explain(program, event, decision, Known(People(MEMBER, MEMBER)))
    assert found.differences == ()
    said = {one.campaign: one for one in in_words(found)}["birthdays"]
    assert (said.outcome, said.reads["member.birthday"]) == ("acted", "(personal)")
    assert "02-03" not in str(
        {**as_data(found), "campaigns": [one["reads"] for one in as_data(found)["campaigns"]]}
    )


def test_what_was_erased_is_said_and_not_guessed() -> None:
    program = compiled({**CLUB, "campaigns": {**CLUB["campaigns"], "birthdays": BIRTHDAYS}})
    event, decision = decided(program)
    found = explain(program, event, decision, Known(People()))
    assert found.differences == ()
    assert {one.campaign: one.outcome for one in found.outcomes}["birthdays"] == "acted"
    fewer = tuple(one for one in decision.effects if one.campaign != "birthdays")
    quiet = explain(program, event, msgspec.structs.replace(decision, effects=fewer))
    assert {one.campaign: (one.outcome, one.scope) for one in quiet.outcomes}["birthdays"] == ("erased", None)
    assert quiet.differences == ()


def test_a_birthday_that_was_mended_since_is_no_difference() -> None:
    program = compiled({**CLUB, "campaigns": {**CLUB["campaigns"], "birthdays": BIRTHDAYS}})
    event, decision = decided(program)
    now = msgspec.structs.replace(MEMBER, birthday="12-24")
    assert explain(program, event, decision, Known(People(now, now))).differences == ()
    fewer = tuple(one for one in decision.effects if one.campaign != "base")
    changed = msgspec.structs.replace(decision, effects=fewer)
    assert explain(program, event, changed, Known(People(now, now))).differences


def test_personal_attributes_that_nobody_has_are_run_again() -> None:
    program = compiled(CLUB)
    event, decision = decided(program)
    assert decision.personal == ()
    outcome = {one.campaign: one for one in explain(program, event, decision).outcomes}["secret"]
    assert outcome.outcome == "expression_error"
    star = Effect("secret", "award", wallet="stars", amount=10)
    more = msgspec.structs.replace(decision, effects=(*decision.effects, star))
    assert explain(program, event, more).differences


def test_lists_and_maps_are_kept_as_such() -> None:
    campaigns = {
        "listed": {
            "trigger": "order.paid",
            "when": "size(member.attributes.likes) == 2 && 'a, b' in member.attributes.likes",
            "then": [_STAR],
        },
        "mapped": {"trigger": "order.paid", "when": "size(member.consents) == 1", "then": [_STAR]},
    }
    program = compiled({**CLUB, "campaigns": campaigns})
    member = msgspec.structs.replace(MEMBER, attributes={"likes": ["a, b", "c"]})
    event, _ = decided(program)
    with exactly():
        _, decision = step(program, State(AccountState(5, owner=member), member, Shared()), event, chance(1))
    assert decision.inputs == {"member.attributes.likes": ["a, b", "c"], "member.consents": {"mail": "true"}}
    found = explain(program, event, stored(decision))
    assert found.differences == ()
    assert {one.outcome for one in found.outcomes} == {"acted"}


def test_what_limits_had_left_is_told() -> None:
    limited = {
        "few": {
            "trigger": "order.paid",
            "limits": {"per_account": 3, "per_member": 2, "total": 9, "per": "month"},
            "then": [_STAR],
        },
        "costly": {
            "trigger": "order.paid",
            "limits": {"budget": {"units": {"points": 50}, "per": "year"}, "when_short": "part"},
            "then": [{"award": {"wallet": "points", "amount": "order.net"}}],
        },
        "cold": {
            "trigger": "order.paid",
            "when": "order.net > 1000",
            "limits": {"total": 1},
            "then": [_STAR],
        },
        "given": {"trigger": "order.paid", "then": [{"grant": "pen"}]},
    }
    rewards = {"pen": {"kind": "product", "stock": 5}}
    program = compiled({**CLUB, "campaigns": limited, "rewards": rewards})
    event, _ = decided(program)
    used = {
        "campaign/few/total/month:2026-03-01": Decimal("7.00"),
        "campaign/costly/budget.points/year:2026-01-01": Decimal(20),
        "reward/pen/stock": Decimal(4),
    }
    own = {"campaign/few/account/month:2026-03-01": Decimal(1)}
    state = State(AccountState(5, owner=MEMBER, counters=own), MEMBER, Shared(used))
    with exactly():
        _, decision = step(program, state, event, chance(1))
    found = explain(program, event, stored(decision))
    assert found.differences == ()
    said = {
        one.campaign: [(left.limit, left.period, left.left) for left in one.limits] for one in in_words(found)
    }
    assert said == {
        "few": [
            ("per_account", "month:2026-03-01", "2"),
            ("per_member", "month:2026-03-01", "2"),
            ("total", "month:2026-03-01", "2"),
        ],
        "costly": [("budget.points", "year:2026-01-01", "30")],
        "cold": [],
        "given": [("stock", "ever", "1")],
    }
    assert {one.wallet: one.amount for one in decision.effects if one.campaign == "costly"} == {"points": 30}


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
