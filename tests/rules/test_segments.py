"""Segments in decisions and carts: who is asked for, what they read, and that nothing else hangs on them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from guerdon.base.ids import Chance
from guerdon.rules.checkout import Opening, Quoted, quote
from guerdon.rules.compiling import compile_program
from guerdon.rules.decision import Decision
from guerdon.rules.definition import DefinitionError, load_definition
from guerdon.rules.events import Event, PriceCart
from guerdon.rules.explain import explain, in_words
from guerdon.rules.lint import lint
from guerdon.rules.needs import needs_of
from guerdon.rules.orders import LineInput, OrderInput, read_order
from guerdon.rules.pricing import read_cart
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, MemberState, Shared, State
from guerdon.rules.step import exactly, step
from guerdon.rules.trial import Somebody, segments_at, try_expression
from tests.rules.worlds import FRESH, LIVES, Act, compiled, documents, live

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
_STAR = [{"award": {"wallet": "points", "amount": "1"}}]
STUDENT = MemberState(7, attributes={"persona": "student"})
SEGMENTS = {
    "students": "account.owner.attributes.persona == 'student'",
    "slipping_away": "account.scores.churn > 0.7 && metrics.spend > 0",
    "spenders": "metrics.spend > 50",
    "visitors": "metrics.visits > 2",
}


def club(campaigns: dict[str, Any], **more: Any) -> Program:
    return compiled(
        {
            "program": "club",
            "currency": "USD",
            "timezone": "UTC",
            "wallets": {"points": {}},
            "attributes": {
                "persona": {"type": "string", "values": ["student", "commuter"]},
                "allergy": {"type": "string", "personal": "true"},
            },
            "events": {"store.visited": {}},
            "metrics": {
                "spend": {"event": "order.paid", "value": "order.net", "window": "calendar_month"},
                "visits": {"event": "store.visited", "window": {"rolling": "30d"}},
            },
            "segments": SEGMENTS,
            "campaigns": campaigns,
            **more,
        }
    )


def meant(audience: str, trigger: str = "order.paid", **more: Any) -> dict[str, Any]:
    return {"trigger": trigger, "audience": audience, "then": _STAR, **more}


def state_of(owner: MemberState | None, number: int = 5) -> State:
    return State(AccountState(number, owner=owner), owner, Shared())


def paid(program: Program, net: str = "60.00") -> Event:
    order = read_order(sent(net), program.order_settings, "web", "")
    return Event("order.paid", AT, AT, source="shop", id="1", channel="web", order=order)


def sent(net: str = "60.00") -> OrderInput:
    line = LineInput(id="1", quantity=Decimal(1), price=Decimal(net), categories=("backpack",))
    return OrderInput(id="1", lines=(line,))


def decided(program: Program, state: State) -> Decision:
    with exactly():
        return step(program, state, paid(program), Chance(b"12345678"))[1]


@pytest.mark.parametrize(
    ("asks", "asked"),
    [
        ("'students' in account.segments", ["students"]),
        ("!('students' in account.segments) || 'spenders' in account.segments", ["spenders", "students"]),
        ("'slipping_away' in account.segments", []),
        ("'nobody' in account.segments", []),
        ("order.net > 3", []),
        ("account.segments.size() > 1", ["spenders", "students", "visitors"]),
        ("account.segments.exists(one, one == 'students')", ["spenders", "students", "visitors"]),
        (
            "'students' in account.segments && size(account.segments) < 2",
            ["spenders", "students", "visitors"],
        ),
    ],
)
def test_only_what_campaigns_can_ask_for_is_worked_out(asks: str, asked: list[str]) -> None:
    program = club({"one": meant(asks), "other": meant("'students' in account.segments", "store.visited")})
    assert [one.key for one in program.segments_of["order.paid"]] == asked
    assert [one.key for one in program.segments_of["store.visited"]] == ["students"]
    by_when = club({"one": {"trigger": "order.paid", "when": asks, "then": _STAR}})
    assert [one.key for one in by_when.segments_of["order.paid"]] == asked


def test_an_audience_is_one_more_condition() -> None:
    program = club(
        {"one": meant("'students' in account.segments"), "all": {"trigger": "order.paid", "then": _STAR}}
    )
    decision = decided(program, state_of(STUDENT))
    assert {one.campaign for one in decision.effects} == {"one", "all"}
    assert decision.inputs["account.segments"] == ["students"]
    other = decided(program, state_of(MemberState(7, attributes={"persona": "commuter"})))
    assert [(one.campaign, one.reason) for one in other.skipped] == [("one", "not_in_audience")]
    assert other.inputs == {"account.segments": [], "account.owner.attributes.persona": "commuter"}
    nobody = decided(program, state_of(MemberState(7)))
    assert [(one.campaign, one.reason) for one in nobody.skipped] == [("one", "not_in_audience")]


def test_what_a_segment_reads_is_gathered_and_told() -> None:
    program = club({"one": meant("'visitors' in account.segments")})
    needs = needs_of(program, paid(program), 7)
    assert program.metrics["visits"].identity in needs.metrics
    assert (AT.date() - needs.oldest_bucket_on).days == 29
    assert decided(program, state_of(STUDENT)).inputs == {"account.segments": [], "metrics.visits": "0"}
    plain = club({"one": meant("order.net > 3")})
    assert program.metrics["visits"].identity not in needs_of(plain, paid(plain), 7).metrics


@settings(max_examples=60, deadline=None)
@given(document=documents(), acts=LIVES)
def test_a_segment_that_nobody_asks_for_changes_nothing(document: dict[str, Any], acts: list[Act]) -> None:
    named = {
        key: {**one, "audience": f"'{key}' in account.segments"} if "audience" in one else one
        for key, one in document["campaigns"].items()
    }
    few = {**document, "campaigns": named}
    many = {**few, "segments": {**document["segments"], "more": "metrics.visits > 0", "most": "true"}}
    for one, other in zip(live(compiled(few), acts), live(compiled(many), acts), strict=True):
        assert one == other


@settings(max_examples=40, deadline=None)
@given(document=documents(), acts=LIVES)
def test_an_audience_is_as_good_as_a_condition(document: dict[str, Any], acts: list[Act]) -> None:
    asked = {
        key: {name: part for name, part in one.items() if name != "audience"} | {"when": one["audience"]}
        if "audience" in one
        else one
        for key, one in document["campaigns"].items()
    }
    by_when = compiled({**document, "campaigns": asked})
    for one, other in zip(live(compiled(document), acts), live(by_when, acts), strict=True):
        skipped = [
            msgspec.structs.replace(skip, reason="condition_false")
            if skip.reason == "not_in_audience"
            else skip
            for skip in one[3].skipped
        ]
        assert msgspec.structs.replace(one[3], skipped=tuple(skipped)) == other[3]


def test_an_explanation_says_for_whom_it_is_even_after_the_person_changed() -> None:
    program = club(
        {"one": meant("'students' in account.segments"), "two": meant("'spenders' in account.segments")}
    )
    decision = decided(program, state_of(STUDENT))
    stored = msgspec.json.decode(msgspec.json.encode(decision), type=Decision)
    found = explain(program, paid(program), stored)
    assert found.differences == ()
    said = {one.campaign: (one.outcome, one.said) for one in in_words(found)}
    asks = "'students' in account.segments"
    assert said["one"] == ("acted", f"it is for this account: {asks}; it has no condition")
    other = decided(program, state_of(MemberState(7)))
    found = explain(program, paid(program), other)
    words = next(one for one in in_words(found) if one.campaign == "one")
    assert (words.outcome, words.said) == ("not_in_audience", f"it is for others: {asks}")
    assert words.reads == {"account.segments": "spenders"}
    assert found.differences == ()


def test_personal_values_that_a_segment_reads_stay_with_the_person() -> None:
    nuts = {"careful": "account.owner.attributes.allergy == 'nuts'"}
    program = club({"one": meant("'careful' in account.segments")}, segments=nuts)
    decision = decided(program, state_of(MemberState(7, attributes={"allergy": "nuts"})))
    assert [one.campaign for one in decision.effects] == ["one"]
    assert decision.personal == ("account.owner.attributes.allergy",)
    assert "nuts" not in str(decision.inputs)
    assert explain(program, paid(program), decision).differences == ()


def test_a_segment_that_reads_scores_rests_and_is_named() -> None:
    program = club({"one": meant("'slipping_away' in account.segments")})
    warned = [one for one in lint(program.definition, program) if one.code == "not_active_yet"]
    assert [one.pointer for one in warned] == ["/segments/slipping_away"]
    assert "account.scores.churn is not kept yet, so nobody belongs to this segment" in warned[0].sentence
    assert decided(program, state_of(STUDENT)).skipped[0].reason == "not_in_audience"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"segments": {"s": "order.net > 3"}}, "/segments/s"),
        ({"campaigns": {"c": meant("account.segmints.size() > 0")}}, "/campaigns/c/audience"),
        ({"campaigns": {"c": meant("account.segmints.size() > 0", "checkout")}}, "/campaigns/c/audience"),
    ],
)
def test_a_mistake_is_named_once(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        club({}, **change) if "campaigns" not in change else club(change["campaigns"])
    assert [fault.pointer.removesuffix("/when") for fault in caught.value.errors] == [pointer]


# Carts


def quoted(program: Program, state: State, net: str = "60.00") -> Quoted:
    event = Event("checkout", AT, AT, source="shop", channel="web", command=PriceCart())
    opening = Opening("c", read_cart(sent(net), program.order_settings), AT, ())
    with exactly():
        return quote(program, state, event, opening, Chance(b"12345678"))[1]


PENS = {
    "trigger": "checkout",
    "audience": "'students' in account.segments",
    "limits": {"per_account": 1},
    "then": [{"discount": {"percent": 10, "of": "lines", "where": "'backpack' in line.categories"}}],
}


@pytest.mark.parametrize("others", [0, 20])
def test_a_cart_has_an_audience_with_and_without_an_index(others: int) -> None:
    more = {
        f"c{number:02}": {**PENS, "audience": "'visitors' in account.segments"} for number in range(others)
    }
    program = club({"bag_of_pens": PENS, **more})
    assert (program.promotions.index is not None) is bool(others)
    student = quoted(program, state_of(STUDENT))
    assert student.priced.discount == 600
    assert [one.source.key for one in student.priced.taken] == ["bag_of_pens"]
    other = quoted(program, state_of(MemberState(7)))
    assert other.priced.discount == 0
    told = [(one.source.key, one.reason) for one in other.priced.skipped]
    # The index leaves out what nobody would ask about.
    assert told == ([("bag_of_pens", "not_in_audience")] if not others else [])


@pytest.mark.parametrize(("persona", "taken"), [("student", ["bag_of_pens"]), ("commuter", [])])
def test_the_students_of_the_example_get_their_bag_of_pens(persona: str, taken: list[str]) -> None:
    example = Path(__file__).parents[2] / "examples" / "backpack-club.yaml"
    program = compile_program(load_definition(example.read_text("utf-8")), 1)
    found = quoted(program, state_of(MemberState(7, attributes={"persona": persona})), "300.00").priced
    assert [one.source.key for one in found.taken] == taken
    assert found.discount == (2500 if taken else 0), "ten percent of 300.00 are more than 25.00 at most"


def test_a_guest_is_in_no_segment() -> None:
    program = club(
        {"pens": {**PENS, "audience": "'new' in account.segments"}}, segments={"new": "metrics.spend < 1"}
    )
    assert quoted(program, state_of(STUDENT)).priced.discount == 600
    assert quoted(program, State(AccountState(0), None, Shared())).priced.discount == 0


def test_lines_and_coupons_may_ask_for_segments_too() -> None:
    where = "line.net > 0 && 'students' in account.segments"
    half = {"trigger": "checkout", "then": [{"discount": {"percent": 50, "of": "lines", "where": where}}]}
    program = club({"half": half})
    assert quoted(program, state_of(STUDENT)).priced.discount == 3000
    assert quoted(program, state_of(MemberState(7))).priced.discount == 0
    doubled = {"multiply": {"wallet": "points", "by": "2", "where": where}}
    award = {"award": {"wallet": "points", "amount": "order.net"}}
    earning = club({"base": {"trigger": "order.paid", "then": [award, doubled]}})
    given = [one.amount for one in decided(earning, state_of(STUDENT)).effects if one.kind == "award"]
    assert given == [120]
    assert decided(earning, state_of(MemberState(7))).inputs["account.segments"] == []


def test_an_audience_sees_the_cart_as_it_was_sent() -> None:
    first = {"trigger": "checkout", "priority": 9, "then": [{"discount": {"percent": 50}}]}
    second = {"trigger": "checkout", "audience": "cart.net >= 60", "then": [{"discount": {"amount": "1.00"}}]}
    program = club({"first": first, "second": second})
    assert quoted(program, state_of(STUDENT)).priced.discount == 3100


# Asked outside of decisions


def test_the_segments_of_an_account_at_an_instant() -> None:
    program = club({})
    state = FRESH
    with exactly():
        state, _ = step(program, state_of(STUDENT), paid(program), Chance(b"12345678"))
    assert segments_at(program, state.account, AT) == ("spenders", "students")
    assert segments_at(program, AccountState(5), AT) == ()


def test_trying_an_expression_works_segments_out() -> None:
    program = club({})
    somebody = Somebody(member=STUDENT, metrics={"visits": Decimal(3)})
    value, _ = try_expression(program, "account.segments", paid(program), somebody)
    assert value == ("students", "visitors")
    value, _ = try_expression(program, "'visitors' in account.segments", paid(program), Somebody())
    assert value is False
