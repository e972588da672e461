"""Quizzes: tries and passes, and each question with how many were right."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Final

from fastapi import APIRouter, Response

from guerdon.infra.tx import Tx
from guerdon.play.attempts import Figures, load_figures
from guerdon.rules.definition import Question, Quiz
from guerdon.rules.play.asking import LETTERS
from guerdon.rules.play.judging import right_answer
from guerdon.rules.program import Program
from guerdon.web.api.quizzes.figures import show_figures
from guerdon.web.api.quizzes.shapes import QuestionFigures
from guerdon.web.api.quizzes.shown import picture_address
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
KINDS: Final = {
    "single": "One answer is right",
    "multiple": "Several answers are right",
    "true_false": "True or false",
    "number": "A number",
    "text": "A word or two",
    "ordering": "Put in order",
}
"""What a kind of question is called; `say.text` translates it."""
_BAD: Final = Decimal("0.3")
_ENOUGH: Final = 10
"""From so many who were asked a question can be called hard."""
_NOBODY: Final = Figures("", 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """A quiz in the list."""

    key: str
    name: str
    figures: Figures
    share: Decimal | None
    """How many of a hundred finished tries were passed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a manager sees it: with what is right."""

    ask: str
    kind: str
    picture: str
    alt: str
    answers: tuple[tuple[str, bool], ...]
    """What can be chosen, and whether it is right; of an order, in its order."""
    right: str
    """What is right, where nothing is chosen."""
    explain: str
    figures: QuestionFigures
    percent: Decimal | None
    is_hard: bool


@ROUTER.get("/console/p/{program}/quizzes")
def quizzes(visit: Visitor, program: str) -> Response:
    """List the quizzes with what came of them."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        sums = load_figures(tx, opened.live.program_id)
    rows = [
        _row(opened, key, quiz, sums.get(key, _NOBODY))
        for key, quiz in opened.program.definition.quizzes.items()
    ]
    return visit.page("quizzes.html", **framed(opened, "quizzes"), rows=rows)


@ROUTER.get("/console/p/{program}/quizzes/{quiz}")
def one_quiz(visit: Visitor, program: str, quiz: str) -> Response:
    """Show a quiz as it is asked, with what is right and how it was answered."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        live = (opened.live.program_id, opened.program)
        figures = show_figures(tx, live, quiz, partial(_version, tx, visit, program))
    written = opened.program.definition.quizzes[quiz]
    asked = [_asked(opened, written.questions[one.place], one, visit) for one in figures.questions]
    return visit.page(
        "quiz_figures.html",
        **framed(opened, "quizzes"),
        name=opened.voice.called(quiz, written.name),
        about=opened.voice.text(written.description) if written.description is not None else "",
        figures=figures,
        percent=_percent(figures.passed, figures.finished),
        average=None if figures.average is None else _whole(Decimal(figures.average) * 100),
        asked=asked,
        kinds=KINDS,
        pool=written.asks,
    )


def _version(tx: Tx, visit: Visit, program: str, program_id: int, version: int) -> Program:
    return visit.house.version(tx, program, (program_id, version))


def _asked(opened: Opened, question: Question, figures: QuestionFigures, visit: Visit) -> Asked:
    said = opened.voice.text
    answers = getattr(question, "answers", ())
    found = right_answer(question, range(len(answers)), ())
    letters = found if isinstance(found, list) else [found]
    share = None if figures.share is None else Decimal(figures.share)
    spelled = found
    if isinstance(found, bool):
        spelled = visit.saying.text("True") if found else visit.saying.text("False")
    elif question.kind == "number":
        spelled = visit.saying.number(str(found))
    return Asked(
        ask=said(question.ask),
        kind=question.kind,
        picture=picture_address(question.picture) if question.picture else "",
        alt=said(question.alt) if question.alt is not None else "",
        answers=tuple((said(one.text), LETTERS[at] in letters) for at, one in enumerate(answers)),
        right="" if answers else str(spelled),
        explain=said(question.explain) if question.explain is not None else "",
        figures=figures,
        percent=None if share is None else _whole(share * 100),
        is_hard=share is not None and share < _BAD and figures.asked >= _ENOUGH,
    )


def _row(opened: Opened, key: str, quiz: Quiz, figures: Figures) -> Row:
    return Row(key, opened.voice.called(key, quiz.name), figures, _percent(figures.passed, figures.finished))


def _percent(part: int, whole: int) -> Decimal | None:
    return _whole(Decimal(100 * part) / whole) if whole else None


def _whole(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1), ROUND_HALF_UP)
