"""What came of a quiz: tries, and how each question was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from guerdon.base.exact import plain_text
from guerdon.engine.play.quizzes import NO_QUIZ
from guerdon.infra.tx import Tx
from guerdon.play.attempts import Figures, load_figures, sample_answers
from guerdon.rules.play.asking import asked_of
from guerdon.rules.play.judging import is_right
from guerdon.rules.program import Program
from guerdon.web.api.quizzes.shapes import QuestionFigures, QuizFigures
from guerdon.web.api.quizzes.shown import said

SAMPLE: Final = 5_000
"""Of so many tries at most the answers are counted: the latest."""
_PLACES: Final = Decimal("0.001")


def show_figures(
    tx: Tx, live: tuple[int, Program], key: str, recorded: Callable[[int, int], Program]
) -> QuizFigures:
    """Tell what came of a quiz.

    Args:
        tx: bound to the tenant.
        live: the program's number and its live version.
        key: the quiz.
        recorded: program and version → that version.

    Returns:
        Its figures, the questions as they stand in the definition.

    Raises:
        Problem: `quiz_not_found`.
    """
    program_id, program = live
    if key not in program.quizzes:
        raise NO_QUIZ
    quiz = program.definition.quizzes[key]
    sums = load_figures(tx, program_id).get(key, Figures(key, 0, 0, 0, 0, 0, 0))
    asked, right, left_out = _counted(tx, live, key, recorded)
    return QuizFigures(
        key=key,
        name=said(program, quiz.name, "") or key,
        members=sums.members,
        attempts=sums.attempts,
        finished=sums.finished,
        passed=sums.passed,
        average=_share(sums.points, sums.of),
        questions=[
            QuestionFigures(
                place=place,
                ask=said(program, question.ask, "") or "",
                asked=asked[place],
                right=right[place],
                left_out=left_out[place],
                share=_share(right[place], asked[place]),
            )
            for place, question in enumerate(quiz.questions)
        ],
    )


def _counted(
    tx: Tx, live: tuple[int, Program], key: str, recorded: Callable[[int, int], Program]
) -> tuple[Counter[int], Counter[int], Counter[int]]:
    program_id, program = live
    questions = program.definition.quizzes[key].questions
    asked: Counter[int] = Counter()
    right: Counter[int] = Counter()
    left_out: Counter[int] = Counter()
    for one in sample_answers(tx, program_id, key, SAMPLE):
        quiz = recorded(program_id, one.version).definition.quizzes[key]
        if quiz.questions != questions:
            # They answered other questions: these say nothing about those that are asked now.
            continue
        places = asked_of(quiz, one.seed)
        for number, place in enumerate(places):
            meant = one.said[number] if number < len(one.said) else None
            asked[place] += 1
            left_out[place] += meant is None
            right[place] += is_right(questions[place], meant)
    return asked, right, left_out


def _share(part: int, whole: int) -> str | None:
    if not whole:
        return None
    return plain_text((Decimal(part) / Decimal(whole)).quantize(_PLACES, ROUND_HALF_UP))
