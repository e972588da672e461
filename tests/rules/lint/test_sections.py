"""Warnings about quizzes, challenges, journeys and their like, each with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.lint import Figures, LintWarning, Spread, lint

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
BASE = """\
program: shop
currency: USD
timezone: America/New_York
languages: [en, bn]
wallets:
  points: {}
attributes:
  persona: {type: string, values: [student, traveller]}
metrics:
  bags: {event: order.paid, value: order.quantity}
  weeks: {event: order.paid, streak: week}
  weeks_of_quarter: {event: order.paid, streak: week, window: calendar_quarter}
  none: {event: order.paid, when: order.net < 0}
badges:
  star: {}
segments:
  quiet: metrics.bags < 1
"""


def warned(more: str, figures: Figures | None = None) -> list[LintWarning]:
    definition = load_definition(BASE + more)
    found = lint(definition, compile_program(definition, 1), figures)
    beside = ("not_active_yet", "metric_unread")
    return [one for one in found if one.code not in beside and one.pointer != "/metrics/none/when"]


def the_one(more: str, figures: Figures | None = None) -> LintWarning:
    (found,) = warned(more, figures)
    assert found.sentence.endswith(".")
    assert found.advice.endswith((".", "?"))
    return found


def quiz(rest: str) -> str:
    questions = "[{ask: One?, right: true}, {ask: Two?, right: false, points: 3}, {ask: Three?, right: 7}]"
    return f"quizzes:\n  q: {{{rest}, questions: {questions}, prize: [{{badge: star}}]}}\n"


def challenge(rest: str) -> str:
    return f"challenges:\n  c: {{{rest}, prize: [{{badge: star}}]}}\n"


def journey(rest: str, steps: str) -> str:
    return f"journeys:\n  j: {{enter: order.paid, {rest}steps: [{steps}]}}\n"


def test_a_quiz_whose_mark_is_out_of_reach() -> None:
    found = the_one(quiz("pass: 6"))
    assert (found.code, found.pointer, found.place) == ("quiz_never_passed", "/quizzes/q/pass", "quiz `q`")
    assert found.sentence == "The quiz `q` is passed with 6 points, and its questions give 5 at most."
    assert warned(quiz("pass: 5")) == []
    found = the_one(quiz("pass: 5, asks: 2"))
    assert found.sentence == "The quiz `q` is passed with 5 points, and the 2 that it asks give 4 at most."
    assert warned(quiz("pass: 4, asks: 2")) == []


def test_a_quiz_that_asks_more_than_it_has() -> None:
    found = the_one(quiz("asks: 4"))
    assert (found.code, found.pointer) == ("quiz_asks_too_many", "/quizzes/q/asks")


@pytest.mark.parametrize(
    ("rest", "pointer", "reason"),
    [
        (
            "metric: none, goal: 1",
            "/challenges/c/goal",
            "the metric `none` counts nothing, as order.net cannot be at least 0 and less than 0 at once",
        ),
        (
            "metric: weeks_of_quarter, goal: 16",
            "/challenges/c/goal",
            "a calendar quarter has 15 weeks at most, and the goal is 16",
        ),
        (
            "metric: weeks, every: 8, starts: 2027-02-01, ends: 2027-02-28",
            "/challenges/c/every",
            "8 weeks in a row do not fit into its 28 days",
        ),
        (
            "steps: [{metric: weeks, goal: 9}, {event: order.paid}], within: 30d",
            "/challenges/c/steps/0/goal",
            "9 weeks in a row do not fit into its 30 days",
        ),
        (
            "metric: weeks, goal: {personal: '2', at_least: 7}, within: 2w",
            "/challenges/c/goal",
            "7 weeks in a row do not fit into its 14 days",
        ),
    ],
)
def test_challenges_that_can_never_be_completed(rest: str, pointer: str, reason: str) -> None:
    found = the_one(challenge(rest))
    assert (found.code, found.pointer) == ("challenge_never_reached", pointer)
    assert found.sentence == f"The challenge `c` can never be completed: {reason}."


def test_challenges_that_can_be_completed_are_left_alone() -> None:
    for rest in (
        "metric: weeks_of_quarter, goal: 15",
        "metric: weeks, goal: 5, starts: 2027-02-01, ends: 2027-02-28",
        "metric: weeks, goal: {personal: '9'}, within: 2w",
        "metric: bags, goal: 1000000, within: 1d",
    ):
        assert warned(challenge(rest)) == [], rest


def test_a_challenge_on_a_quiz_that_cannot_be_passed() -> None:
    codes = [one.code for one in warned(quiz("pass: 6") + challenge("steps: [{quiz: q}]"))]
    assert codes == ["challenge_never_reached", "quiz_never_passed"]


def test_a_goal_that_nobody_ever_reached() -> None:
    spread = {"bags": Spread(12, Decimal(3), Decimal(7), Decimal(40))}
    figures = Figures(AT, 12, 12, metrics=spread)
    found = the_one(challenge("metric: bags, goal: 41"), figures)
    assert found.sentence == (
        "Nobody has ever reached 41, the goal of the challenge `c`: "
        "the greatest `bags` of 12 accounts was 40."
    )
    assert warned(challenge("metric: bags, goal: 40"), figures) == []


@pytest.mark.parametrize(
    ("rest", "steps", "pointer"),
    [
        ("", "{exit: true}, {badge: star}", "/journeys/j/steps/1"),
        (
            "",
            "{if: order.returned, then: [{exit: true}], else: [{exit: true}]}, {badge: star}",
            "/journeys/j/steps/1",
        ),
        (
            "",
            "{if: order.returned, then: [{exit: true}, {wait: 1d}]}, {badge: star}",
            "/journeys/j/steps/0/then/1",
        ),
        (
            "exit: order.returned, ",
            "{wait: 3d}, {if: order.returned, then: [{badge: star}]}",
            "/journeys/j/steps/1/then/0",
        ),
        (
            "exit: [segment.quiet], ",
            "{unless: segment.quiet, then: [{wait: 1d}], else: [{badge: star}]}",
            "/journeys/j/steps/0/else/0",
        ),
        ("exit: order.returned, ", "{wait: {until: order.returned}}, {badge: star}", "/journeys/j/steps/1"),
    ],
)
def test_steps_that_nobody_comes_to(rest: str, steps: str, pointer: str) -> None:
    found = the_one(journey(rest, steps))
    assert (found.code, found.pointer, found.place) == ("step_never_reached", pointer, "journey `j`")


def test_steps_that_somebody_comes_to() -> None:
    for rest, steps in (
        ("", "{wait: 1d}, {badge: star}, {exit: true}"),
        ("", "{if: order.returned, then: [{exit: true}]}, {badge: star}"),
        ("exit: order.returned, ", "{wait: {for: 9d, until: order.returned}}, {badge: star}"),
        ("exit: order.returned, ", "{unless: order.returned, then: [{badge: star}]}"),
    ):
        assert warned(journey(rest, steps)) == [], steps


@pytest.mark.parametrize(
    ("more", "pointer", "nearest"),
    [
        ("journeys: {j: {enter: order.piad, steps: [{badge: star}]}}\n", "/journeys/j/enter", "order.paid"),
        (
            journey("", "{if: order.retuned, then: [{badge: star}]}"),
            "/journeys/j/steps/0/if",
            "order.returned",
        ),
        (
            "surveys: {s: {kind: nps, questions: [Well?], trigger: order.shiped}}\n",
            "/surveys/s/trigger",
            "order.shipped",
        ),
        (
            "referral: {advocate: {first: order.paide, then: [{badge: star}]}}\n",
            "/referral/advocate/first",
            "order.paid",
        ),
        (
            challenge("steps: [{event: member.enroled}]"),
            "/challenges/c/steps/0/event",
            "member.enrolled",
        ),
        (
            (
                "draws: {d: {trigger: oder.paid, ends: 2099-01-01, "
                "prizes: [{odds: 1 in 9, prize: [{badge: star}]}]}}\n"
            ),
            "/draws/d/trigger",
            "order.paid",
        ),
    ],
)
def test_events_that_nobody_knows(more: str, pointer: str, nearest: str) -> None:
    found = the_one(more)
    assert (found.code, found.pointer) == ("trigger_unknown", pointer)
    assert found.advice == f"Did you mean `{nearest}`?"


def test_conditions_that_never_hold() -> None:
    found = the_one("  s: account.owner.attributes.persona == 'studnet'\n")
    assert (found.code, found.pointer, found.place) == ("condition_never_true", "/segments/s", "segment `s`")
    assert "did you mean 'student'?" in found.sentence
    in_quiet = "audience: \"'queit' in account.segments\", "
    found = the_one(challenge(f"{in_quiet}metric: bags, goal: 3"))
    assert found.pointer == "/challenges/c/audience"
    assert "account.segments is never 'queit'; did you mean 'quiet'?" in found.sentence
    campaign = f"campaigns: {{a: {{trigger: order.paid, {in_quiet}then: [{{badge: star}}]}}}}\n"
    assert the_one(campaign).pointer == "/campaigns/a/audience"


def test_what_has_ended_is_told_on_the_programs_own_clock() -> None:
    text = challenge("metric: bags, goal: 3, ends: 2027-02-28")
    found = the_one(text, Figures(AT))
    assert (found.code, found.pointer) == ("schedule_over", "/challenges/c/ends")
    assert found.sentence == "The challenge `c` ended on 2027-02-28."
    assert warned(text, Figures(datetime(2027, 3, 1, 4, 59, tzinfo=UTC))) == [], "midnight is at 05:00 UTC"


def test_texts_that_are_missing_in_a_language() -> None:
    text = quiz("pass: 1").replace("ask: Two?", "ask: {en: Two?}")
    found = the_one(text)
    assert (found.code, found.pointer) == ("text_missing", "/quizzes/q/questions/1/ask")
    assert "“Two?” is missing in bn" in found.sentence
    survey = "surveys: {s: {kind: choice, questions: [{ask: Why?, answers: [{en: So}, No]}]}}\n"
    assert the_one(survey).pointer == "/surveys/s/questions/0/answers/0/text"
