"""What a quiz asks and what is right, without a database: chosen by a seed, judged by what was said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guerdon.base.calendar import Span, Zone
from guerdon.base.errors import Problem
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import Quiz, load_definition
from guerdon.rules.play import quiz as compiled
from guerdon.rules.play.asking import asked_of, order_of, show
from guerdon.rules.play.judging import is_right, judge, read_answer, right_answer, shown_answer
from guerdon.rules.play.quiz import Tried, standing_of

TEXT = """
program: club
currency: USD
timezone: Asia/Dhaka
wallets: {points: {unit: points}}
quizzes:
  pool:
    asks: 3
    shuffle: true
    pass: 4
    prize: [{award: {wallet: points, amount: event.data.points * 10}}]
    questions:
      - {ask: Which?, answers: [a, b, c, d], right: 2}
      - {ask: Which ones?, answers: [a, b, c], right: [0, 2], points: 3}
      - {ask: So?, right: true}
      - {ask: How many?, right: 12.5, within: 0.5}
      - {ask: What?, right: [side release, বাকল]}
      - {kind: ordering, ask: In order, answers: [one, two]}
"""
PROGRAM = compile_program(load_definition(TEXT.encode()), 1)
POOL: Quiz = PROGRAM.definition.quizzes["pool"]
SEEDS = st.binary(min_size=16, max_size=16)


def test_a_prize_is_a_campaign_that_no_document_can_write() -> None:
    (prize,) = PROGRAM.campaigns
    assert (prize.key, prize.trigger, prize.is_prize) == ("quiz:pool", "quiz.finished", True)
    assert prize.when is not None
    assert prize.when.reads == {"event.data.quiz", "event.data.passed"}
    assert PROGRAM.by_trigger["quiz.finished"] == (prize,)


@given(SEEDS)
def test_a_seed_asks_the_same_for_ever(seed: bytes) -> None:
    asked = asked_of(POOL, seed)
    assert asked == asked_of(POOL, seed)
    assert len(set(asked)) == 3
    assert set(asked) <= set(range(6))
    for place, question in enumerate(POOL.questions):
        order = order_of(POOL, place, seed)
        assert sorted(order) == list(range(len(getattr(question, "answers", ()))))


def test_each_question_of_a_pool_comes_about_as_often() -> None:
    counts = dict.fromkeys(range(6), 0)
    for number in range(600):
        for place in asked_of(POOL, number.to_bytes(16, "big")):
            counts[place] += 1
    assert min(counts.values()) > 230, "of 300 each, by chance"
    assert max(counts.values()) < 370


@given(SEEDS)
def test_what_is_put_in_order_is_never_shown_in_its_order(seed: bytes) -> None:
    assert order_of(POOL, 5, seed) == (1, 0)


@given(SEEDS)
def test_the_right_answers_are_right_and_bring_all_points(seed: bytes) -> None:
    asked = asked_of(POOL, seed)
    said = []
    for place in asked:
        question, order = POOL.questions[place], order_of(POOL, place, seed)
        meant = read_answer(question, order, right_answer(question, order, ()))
        assert is_right(question, meant)
        assert read_answer(question, order, shown_answer(question, order, meant)) == meant
        said.append(meant)
    of = sum(POOL.questions[place].points for place in asked)
    assert judge(POOL, asked, said) == (of, of, of >= 4)
    assert judge(POOL, asked, []) == (0, of, False)


@pytest.mark.parametrize(
    ("place", "sent", "right"),
    [
        (0, "c", True),
        (0, "a", False),
        (1, ["c", "a"], True),
        (1, ["a"], False),
        (1, [], False),
        (1, ["a", "b", "c"], False),
        (2, True, True),
        (2, False, False),
        (3, "13", True),
        (3, " 12.0 ", True),
        (3, "১২", True),
        (3, 12, True),
        (3, "13.01", False),
        (4, " SIDE   release ", True),
        (4, "বাকল", True),
        (4, "hook", False),
        (5, ["a", "b"], True),
        (5, ["b", "a"], False),
        (0, None, False),
    ],
)
def test_answers_are_judged(place: int, sent: Any, right: bool) -> None:
    question = POOL.questions[place]
    order = tuple(range(len(getattr(question, "answers", ()))))
    assert is_right(question, read_answer(question, order, sent)) is right


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        *((0, sent) for sent in ("e", "ab", "", ["a"], True, 0, "C")),
        *((1, sent) for sent in ("a", ["a", "a"], ["a", "z"], [1], True)),
        *((2, sent) for sent in ("true", 1, ["a"])),
        *((3, sent) for sent in ("many", "1,000", "NaN", "1e99", True, ["1"], "")),
        *((4, sent) for sent in ("  ", 7, "x" * 201, ["a"])),
        *((5, sent) for sent in (["a"], ["a", "a"], "ab", ["a", "b", "c"])),
    ],
)
def test_what_is_no_answer_is_refused(place: int, sent: Any) -> None:
    question = POOL.questions[place]
    order = tuple(range(len(getattr(question, "answers", ()))))
    with pytest.raises(Problem) as refused:
        read_answer(question, order, sent)
    assert refused.value.code == "answer_invalid"
    assert refused.value.faults[0].pointer.startswith("/answer")


def test_a_wrong_text_is_kept_nowhere() -> None:
    assert read_answer(POOL.questions[4], (), "my name is Ananya") == -1


def test_what_is_shown_tells_nothing() -> None:
    shown = show(POOL.questions[1], (2, 0, 1), "en", ("en",))
    assert [(one.id, one.text) for one in shown.choices] == [("a", "c"), ("b", "a"), ("c", "b")]
    assert not {"right", "within", "explain"} & set(type(shown).__struct_fields__)


def test_how_a_quiz_stands() -> None:
    zone = Zone("Asia/Dhaka")
    quiz = compiled.Quiz(
        "q",
        None,
        datetime.fromisoformat("2026-05-01"),
        datetime.fromisoformat("2026-05-31T23:59"),
        None,
        2,
        Span(days=1),
    )
    noon = datetime(2026, 5, 10, 12, tzinfo=UTC)
    failed, passed, going = Tried(noon, False), Tried(noon, True), Tried(None, None)
    later, next_day = datetime(2026, 5, 10, 17, 59, tzinfo=UTC), datetime(2026, 5, 10, 18, tzinfo=UTC)
    states = {
        "open": ([], noon),
        "not_yet": ([], datetime(2026, 4, 30, 17, 59, tzinfo=UTC)),
        "over": ([], datetime(2026, 5, 31, 18, 1, tzinfo=UTC)),
        "waits": ([failed], later),
        "spent": ([failed, failed], next_day),
        "passed": ([failed, passed], next_day),
        "begun": ([failed, going], later),
    }
    for state, (tried, now) in states.items():
        assert standing_of(quiz, zone, tried, now).state == state
    assert standing_of(quiz, zone, [failed], later).ready_at == next_day
    assert standing_of(quiz, zone, [failed], next_day).state == "open"
    assert standing_of(quiz, zone, [failed], next_day).left == 1
