"""Challenges, quizzes, boards, referral, segments, journeys and surveys arrive as they are written."""

from __future__ import annotations

import json
from datetime import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import (
    Badge,
    BranchStep,
    Definition,
    DefinitionError,
    ExitStep,
    ExpressionText,
    Grant,
    Message,
    NumberQuestion,
    Odds,
    OrderingQuestion,
    PersonalGoal,
    Signal,
    SingleQuestion,
    Span,
    TextQuestion,
    Wait,
    WaitStep,
    canonical_bytes,
    definition_text,
    format_document,
    inactive_parts,
    json_schema,
    load_definition,
    load_definition_with_positions,
    rank_bounds,
)
from guerdon.rules.lint import lint

EXAMPLES = Path(__file__).parents[3] / "examples"
HEAD = "program: p\ncurrency: USD\ntimezone: UTC\nwallets: {points: {}}\nbadges: {star: {}}\n"
PRIZE = "prize: [{badge: star}]"


@pytest.fixture(scope="module")
def trail() -> Definition:
    return load_definition((EXAMPLES / "trail-club.yaml").read_bytes(), "trail-club.yaml")


@pytest.fixture(scope="module")
def club() -> Definition:
    return load_definition((EXAMPLES / "backpack-club.yaml").read_bytes(), "backpack-club.yaml")


def test_the_short_forms_of_the_full_example(club: Definition) -> None:
    assert club.challenges["fifth_backpack"].every == 5
    assert club.challenges["fifth_backpack"].prize == (Grant(reward="travel_pouch"),)
    assert club.challenges["eight_weeks"].goal == 8
    quiz = club.quizzes["know_your_bag"]
    assert (quiz.pass_, len(quiz.questions), quiz.limits.per_account) == (3, 5, 1)
    first = quiz.questions[0]
    assert isinstance(first, SingleQuestion)
    assert first.answers[first.right].text.in_language("en", club.languages) == "About four fifths"
    assert first.ask.in_language("hi", club.languages).startswith("बैग")
    assert (club.leaderboards["top_recyclers"].window, club.leaderboards["top_recyclers"].shows) == (
        "calendar_month",
        50,
    )
    assert club.referral.friend == (Grant(reward="ten_percent_off"),)
    assert club.referral.advocate is not None
    assert (club.referral.advocate.first, club.referral.window) == ("order.paid", Span(days=30))
    assert club.segments["students"].when == "account.owner.attributes.persona == 'student'"
    journey = club.journeys["win_back"]
    assert journey.enter == Signal(segment="slipping_away")
    assert journey.steps[0] == Message(message="we_miss_you")
    assert journey.steps[1] == WaitStep(wait=Wait(for_=Span(days=7)))
    assert journey.steps[2] == BranchStep(
        unless=Signal(event="order.paid"), then=(Grant(reward="ten_percent_off"),)
    )


def test_goals_steps_and_levels(trail: Definition) -> None:
    goal = trail.challenges["beat_yourself"].goal
    assert isinstance(goal, PersonalGoal)
    assert goal.personal == "metrics.yearly_spend * 1.1"
    assert (goal.at_least, goal.at_most) == (Decimal(50), Decimal(1000))
    hike = trail.challenges["spring_hike"]
    assert [(step.metric, step.event, step.quiz, step.times) for step in hike.steps] == [
        ("categories", None, None, 1),
        (None, "review.posted", None, 2),
        (None, None, "know_your_bag", 1),
    ]
    assert trail.challenges["clean_crew"].team == "crew"
    assert [level.from_ for level in trail.badges["trailblazer"].levels] == [2, 10]
    assert trail.badges["night_owl"].hidden is True


def test_questions_are_told_apart_by_their_answers(trail: Definition) -> None:
    questions = trail.quizzes["know_your_bag"].questions
    assert [question.kind for question in questions] == [
        "single",
        "multiple",
        "true_false",
        "number",
        "text",
        "ordering",
    ]
    number, text, ordering = questions[3:]
    assert isinstance(number, NumberQuestion)
    assert (number.right, number.within) == (Decimal(22), Decimal(2))
    assert isinstance(text, TextQuestion)
    assert text.right == ("side release", "বাকল")
    assert isinstance(ordering, OrderingQuestion)
    assert (ordering.points, len(ordering.answers)) == (2, 3)


def test_draws_boards_and_journeys(trail: Definition) -> None:
    first, second = trail.draws["golden_ticket"].prizes
    assert (first.odds, second.odds) == (Odds(Fraction(1, 50)), Odds(Fraction(1, 5)))
    assert [rank_bounds(one.rank) for one in trail.leaderboards["top_recyclers"].prizes] == [(1, 1), (2, 10)]
    steps = trail.journeys["win_back"].steps
    assert steps[1] == WaitStep(wait=Wait(for_=Span(days=7), until=Signal(event="order.paid"), at=time(9)))
    branch = steps[2]
    assert isinstance(branch, BranchStep)
    assert branch.then == (Message(message="good_to_see_you"), ExitStep(exit=True))
    last = steps[4]
    assert isinstance(last, BranchStep)
    assert last.unless is not None
    assert last.unless.when == "wallets.points.available >= 100"
    assert last.unless.when.pointer == "/journeys/win_back/steps/4/unless"


@pytest.mark.parametrize(
    ("written", "signal"),
    [
        ("order.paid", Signal(event="order.paid")),
        ("checkout", Signal(event="checkout")),
        ("member.enrolled", Signal(event="member.enrolled")),
        ("segment.quiet", Signal(segment="quiet")),
        ("member.consents.email", Signal(when=ExpressionText("member.consents.email"))),
        ("wallets.points.available > 3", Signal(when=ExpressionText("wallets.points.available > 3"))),
        (
            "{event: order.paid, when: order.net > 3}",
            Signal(event="order.paid", when=ExpressionText("order.net > 3")),
        ),
    ],
)
def test_signals_are_told_apart(written: str, signal: Signal) -> None:
    text = f"{HEAD}segments: {{quiet: 'true'}}\n"
    text += f"journeys: {{j: {{enter: order.paid, steps: [{{if: {written}, then: [{{badge: star}}]}}]}}}}\n"
    definition, positions = load_definition_with_positions(text)
    step = definition.journeys["j"].steps[0]
    assert isinstance(step, BranchStep)
    assert step.if_ == signal
    assert compile_program(definition, 1, positions).key == "p"


SAME = [
    ("quizzes: {q: {questions: [{ask: A?, answers: [x, y], right: 1}], P}}",
     ("quizzes: {q: {questions: [{kind: single, ask: A?, answers: [{text: x}, {text: y}], right: 1, "
     "points: 1}], P}}")),
    ("quizzes: {q: {questions: [{ask: A?, right: true}], P}}",
     "quizzes: {q: {questions: [{ask: A?, right: true, kind: true_false}], attempts: ~, P}}"),
    ("quizzes: {q: {questions: [{ask: A?, right: 5.0}], P}}",
     "quizzes: {q: {questions: [{ask: A?, right: 5, kind: number, within: 0}], P}}"),
    ("segments: {s: wallets.points.held > 1}", "segments: {s: {when: wallets.points.held > 1}}"),
    ("surveys: {s: {kind: nps, questions: [Well?]}}", "surveys: {s: {kind: nps, questions: [{ask: Well?}]}}"),
    ("surveys: {s: {kind: nps, questions: [{en: Well?}]}}",
     "surveys: {s: {kind: nps, questions: [{ask: {en: Well?}}]}}"),
    ("draws: {d: {trigger: x, prizes: [{odds: 2/100, P}]}}",
     "draws: {d: {trigger: x, kind: instant, prizes: [{odds: 1 in 50, P}]}}"),
    ("journeys: {j: {enter: order.paid, exit: x.y, steps: [{wait: 1w}]}}",
     "journeys: {j: {enter: {event: order.paid}, exit: [{event: x.y}], steps: [{wait: {for: 7d}}]}}"),
    ("metrics: {m: {event: x}}\nleaderboards: {b: {metric: m, window: month, prizes: [{rank: 1 - 3, P}]}}",
     ("metrics: {m: {event: x}}\nleaderboards: {b: {metric: m, window: calendar_month, shows: 10, "
     "prizes: [{rank: 1-3, P}]}}")),
    ("metrics: {m: {event: x}}\nbadges: {star: {metric: m, levels: [1, 5]}}",
     "metrics: {m: {event: x}}\nbadges: {star: {metric: m, levels: [{from: 1}, {from: 5.0}]}}"),
    ("referral: {friend: [{badge: star}]}", "referral: {friend: [{badge: {badge: star}}], window: 30d}"),
]  # fmt: skip


@pytest.mark.parametrize(("short", "long"), SAME, ids=lambda text: text[:24])
def test_short_and_long_forms_are_the_same_bytes(short: str, long: str) -> None:
    head = HEAD.replace("badges: {star: {}}\n", "") if "badges:" in short else HEAD
    one, other = (load_definition(head + text.replace("P}", f"{PRIZE}}}")) for text in (short, long))
    assert one == other
    assert canonical_bytes(one) == canonical_bytes(other)
    assert canonical_bytes(load_definition(canonical_bytes(one))) == canonical_bytes(one)
    assert canonical_bytes(load_definition(definition_text(one))) == canonical_bytes(one)


@pytest.mark.parametrize("name", ["trail-club", "backpack-club"])
def test_export_equals_import(name: str) -> None:
    definition = load_definition((EXAMPLES / f"{name}.yaml").read_bytes())
    exported = definition_text(definition)
    assert load_definition(exported) == definition
    assert format_document(exported) == exported


def test_the_layout_keeps_the_comments_of_the_sections() -> None:
    text = (EXAMPLES / "trail-club.yaml").read_text(encoding="utf-8")
    laid_out = format_document(text)
    for comment in ("# a punch card", "# of these six, by chance", "# an instant win"):
        assert laid_out.count(comment) == 1
    assert format_document(laid_out) == laid_out
    assert load_definition(laid_out) == load_definition(text)


def test_each_section_is_listed_as_not_active_with_its_own_reason(trail: Definition) -> None:
    said = {part.pointer: part.why for part in inactive_parts(trail)}
    for section in (
        "journeys",
        "surveys",
    ):
        for key in getattr(trail, section):
            assert said[f"/{section}/{key}"]
    assert not [pointer for pointer in said if pointer.startswith("/badges")], "badges have all of it"
    assert not [one for one in said if one.startswith("/challenges") and not one.endswith("/survey")]
    reasons = {why for pointer, why in said.items() if pointer.count("/") < 3}
    sections = {pointer.split("/")[1] for pointer in said if pointer.count("/") == 2}
    assert len(reasons) >= len(sections), "each section has a sentence of its own"
    assert not [pointer for pointer in said if pointer.startswith("/quizzes")], "quizzes are held"


def test_the_example_has_nothing_that_lint_would_change(trail: Definition) -> None:
    found = lint(trail, compile_program(trail, 1))
    # It shows metrics of each kind, whether or not anything reads them.
    assert {one.code for one in found} == {"not_active_yet", "metric_unread"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return json_schema()


def test_the_schema_describes_each_field_of_the_sections_to_editors(schema: Any) -> None:
    sections = ("Definition", "Campaign", "Limits", "Metric", "Ladder", "Tier", "Wallet", "Challenge", "Quiz",
                "Draw", "Leaderboard", "Team", "Referral", "Cause", "Segment", "Journey", "Survey",
                "BadgeEntry", "SingleQuestion", "ChallengeStep", "Wait", "BranchStep")  # fmt: skip
    for name in sections:
        model = schema if name == "Definition" else schema["$defs"][name]
        assert model["description"]
        for key, field in model["properties"].items():
            assert field.get("description") or "$ref" in field, f"{name}.{key}"


@pytest.mark.parametrize(
    "change",
    [
        {"challenges": {"a": {"metric": "m", "goal": 3}}},
        {"challenges": {"a": {"metric": "m", "goal": {"persnal": "3"}, "prize": [{"badge": "b"}]}}},
        {"quizzes": {"a": {"questions": [], "prize": [{"badge": "b"}]}}},
        {"quizzes": {"a": {"questions": [{"ask": "A?", "kind": "essay"}], "prize": [{"badge": "b"}]}}},
        {"leaderboards": {"a": {"metric": "m", "shows": "many"}}},
        {"referral": {"freind": []}},
        {"segments": {"a": {"whne": "true"}}},
        {"journeys": {"a": {"enter": "order.paid", "steps": [{"wiat": "7d"}]}}},
        {"journeys": {"a": {"enter": "order.paid", "steps": [{"wait": {"for": "a week"}}]}}},
        {"surveys": {"a": {"kind": "smiley", "questions": ["A?"]}}},
        {"draws": {"a": {"trigger": "x", "prizes": [{"odds": "often", "prize": [{"badge": "b"}]}]}}},
        {"teams": {"a": {"join": "nobody"}}},
    ],
)
def test_editors_underline_what_does_not_fit(schema: Any, change: dict[str, Any]) -> None:
    base: dict[str, Any] = {"program": "p", "currency": "USD", "timezone": "UTC"}
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(base)
    assert not validator.is_valid({**base, **change})


def test_lists_are_bounded() -> None:
    many = ", ".join(["{wait: 1d}"] * 101)
    with pytest.raises(DefinitionError) as caught:
        load_definition(f"{HEAD}journeys: {{j: {{enter: order.paid, steps: [{many}]}}}}")
    (fault,) = caught.value.errors
    assert (fault.code, fault.pointer) == ("too_many", "/journeys/j/steps")
    assert fault.detail == "at most 100 of these are possible, not 101"


def test_deep_branches_end_in_a_clear_error() -> None:
    steps = "{badge: star}"
    for _ in range(40):
        steps = f"{{if: order.paid, then: [{steps}]}}"
    with pytest.raises(DefinitionError) as caught:
        load_definition(f"{HEAD}journeys: {{j: {{enter: order.paid, steps: [{steps}]}}}}")
    assert caught.value.errors[0].code == "too_deep"


def test_json_and_yaml_are_the_same_bytes_with_types_of_json() -> None:
    body = {
        "program": "p", "currency": "USD", "timezone": "UTC", "badges": {"star": {}},
        "quizzes": {"q": {"pass": 1, "questions": [{"ask": "A?", "right": True}, {"ask": "B?", "right": 0.5}],
                          "prize": [{"badge": "star"}]}},
        "leaderboards": {"b": {"metric": "m", "window": "month",
                               "prizes": [{"rank": 1, "prize": [{"badge": "star"}]}]}},
        "metrics": {"m": {"event": "x"}},
    }  # fmt: skip
    yaml = """
program: p
currency: USD
timezone: UTC
badges: {star: {}}
metrics: {m: {event: x}}
quizzes:
  q: {pass: "1", prize: [{badge: star}], questions: [{ask: A?, right: true}, {ask: B?, right: 0.50}]}
leaderboards: {b: {metric: m, window: calendar_month, prizes: [{rank: "1", prize: [{badge: star}]}]}}
"""
    assert canonical_bytes(load_definition(json.dumps(body))) == canonical_bytes(load_definition(yaml))


def test_a_badge_may_be_any_prize() -> None:
    definition = load_definition(
        HEAD + f"metrics: {{m: {{event: x}}}}\nchallenges: {{c: {{metric: m, goal: 1, {PRIZE}}}}}"
    )
    assert definition.challenges["c"].prize == (Badge(badge="star"),)
