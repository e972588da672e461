"""Tries and quizzes as they are shown, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from guerdon.base.ids import number_text
from guerdon.engine.answers import Answer
from guerdon.engine.play.quizzes import Listed, answer_until
from guerdon.play.attempts import Attempt
from guerdon.rules.compiling import span_of
from guerdon.rules.definition import Question, Quiz, Span, Text, TextQuestion
from guerdon.rules.play.asking import asked_of, order_of, show
from guerdon.rules.play.judging import is_right, right_answer, shown_answer
from guerdon.rules.program import Program
from guerdon.web.api.quizzes.shapes import (
    AnswerShape,
    AttemptShape,
    ChoiceShape,
    QuestionShape,
    QuizShape,
    ResultShape,
)
from guerdon.web.api.quizzes.taking import Seen, attempt_id


def said(program: Program, text: Text | None, language: str) -> str | None:
    """Choose a text for a reader.

    Args:
        program: for its languages.
        text: as written, or None.
        language: the reader's; empty for the program's first.

    Returns:
        The text, None where there is none.
    """
    return None if text is None else text.in_language(language, program.definition.languages)


def picture_address(picture: str) -> str:
    """Tell where a picture is.

    Args:
        picture: as definitions write it, `https://…` or the name of a file.

    Returns:
        The address; files lie under `/static/pictures`.
    """
    return picture if picture.startswith("https://") else f"/static/pictures/{picture}"


def show_quiz(program: Program, one: Listed, language: str, now: datetime) -> QuizShape:
    """Show a quiz in a member's list.

    Args:
        program: the live version.
        one: how it stands.
        language: the reader's.
        now: the instant.

    Returns:
        What the API answers.
    """
    quiz = program.definition.quizzes[one.quiz.key]
    standing = one.standing
    return QuizShape(
        key=one.quiz.key,
        name=said(program, quiz.name, language) or one.quiz.key,
        description=said(program, quiz.description, language),
        picture=quiz.picture,
        state=standing.state,
        tries=standing.tries,
        tries_left=standing.left,
        ready_at=standing.ready_at,
        ends_at=standing.ends_at,
        questions=asks(quiz),
        seconds=_seconds(program, quiz.time_limit, now),
        attempt=None if one.latest is None else attempt_id(one.latest),
    )


def asks(quiz: Quiz) -> int:
    """Tell how many questions a try has.

    Args:
        quiz: as written.

    Returns:
        A number from 1.
    """
    return len(quiz.questions) if quiz.asks is None else min(int(quiz.asks), len(quiz.questions))


def show_attempt(seen: Seen, told: Answer | None, language: str) -> AttemptShape:
    """Show a try.

    Args:
        seen: the try with its version.
        told: what the engine said of it, None while it goes on.
        language: the reader's.

    Returns:
        What the API answers; no right answer is in it before the quiz shows it.
    """
    one, program = seen
    quiz = program.definition.quizzes[one.quiz]
    asked = asked_of(quiz, one.seed)
    of = sum(quiz.questions[place].points for place in asked)
    is_over = one.finished_at is not None
    return AttemptShape(
        id=attempt_id(one),
        quiz=one.quiz,
        name=said(program, quiz.name, language) or one.quiz,
        member=number_text("mem", one.member_id),
        attempt=one.attempt,
        state="finished" if is_over else "going",
        version=one.version,
        started_at=one.started_at,
        due_at=one.due_at,
        finished_at=one.finished_at,
        questions=len(asked),
        answered=len(one.answers),
        pass_points=of if quiz.pass_ is None else int(quiz.pass_),
        of=of,
        question=None if is_over or one.opened_at is None else _question(seen, asked, language),
        next_seconds=None if is_over or one.opened_at is not None else _next_seconds(seen, asked),
        answers=[_answer(seen, asked, number, language) for number in range(1, len(one.answers) + 1)],
        result=_result(one, told),
    )


def _question(seen: Seen, asked: tuple[int, ...], language: str) -> QuestionShape:
    one, program = seen
    number = len(one.answers) + 1
    shown, choices = _shown(seen, asked, number, language)
    return QuestionShape(
        number=number,
        kind=shown.kind,
        ask=shown.ask,
        picture=shown.picture,
        alt=shown.alt or None,
        choices=choices,
        points=shown.points,
        until=answer_until(program, one),
    )


def _shown(seen: Seen, asked: tuple[int, ...], number: int, language: str) -> tuple[Any, list[ChoiceShape]]:
    one, program = seen
    quiz = program.definition.quizzes[one.quiz]
    place = asked[number - 1]
    order = order_of(quiz, place, one.seed)
    shown = show(quiz.questions[place], order, language, program.definition.languages)
    return shown, [ChoiceShape(id=each.id, text=each.text, picture=each.picture) for each in shown.choices]


def _answer(seen: Seen, asked: tuple[int, ...], number: int, language: str) -> AnswerShape:
    one, program = seen
    quiz = program.definition.quizzes[one.quiz]
    question: Question = quiz.questions[asked[number - 1]]
    order = order_of(quiz, asked[number - 1], one.seed)
    meant = one.said[number - 1]
    is_shown = quiz.shows_right == "after_each" or (
        quiz.shows_right == "at_the_end" and one.finished_at is not None
    )
    shown, choices = _shown(seen, asked, number, language)
    given = shown_answer(question, order, meant)
    own = [given] if isinstance(given, str) else []
    if isinstance(question, TextQuestion) and not is_shown:
        # Of texts only the right ones are kept: to show one would tell that it is right.
        given = None
    return AnswerShape(
        number=number,
        ask=shown.ask,
        answer=given,
        right=is_right(question, meant) if is_shown else None,
        right_answer=right_answer(question, order, own) if is_shown else None,
        explain=said(program, question.explain, language) if is_shown else None,
        choices=choices,
    )


def _result(one: Attempt, told: Answer | None) -> ResultShape | None:
    if one.points is None or one.of is None or one.passed is None:
        return None
    effects = told.effects if told is not None else ()
    skipped = told.skipped if told is not None else ()
    return ResultShape(points=one.points, of=one.of, passed=one.passed, effects=effects, skipped=skipped)


def _next_seconds(seen: Seen, asked: tuple[int, ...]) -> int | None:
    one, program = seen
    question = program.definition.quizzes[one.quiz].questions[asked[len(one.answers)]]
    return _seconds(program, question.time_limit, one.started_at)


def _seconds(program: Program, span: Span | None, now: datetime) -> int | None:
    if span is None:
        return None
    return int((program.zone.after(now, span_of(span)) - now).total_seconds())
