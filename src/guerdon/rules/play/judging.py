"""Reading answers, and telling which are right."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text
from guerdon.rules.definition import (
    MultipleQuestion,
    NumberQuestion,
    OrderingQuestion,
    Question,
    Quiz,
    SingleQuestion,
    TextQuestion,
    TrueFalseQuestion,
)
from guerdon.rules.play.asking import LETTERS

TEXT_AT_MOST: Final = 200
DIGITS_AT_MOST: Final = 40
NONE_OF_THEM: Final = -1
"""What is kept of a text that is wrong: whatever a person wrote of their own is kept nowhere."""

Said = bool | int | str | list[int] | None
"""An answer as it is kept: places in the definition, true or false, or a number; None where there is none."""


class Score(NamedTuple):
    """What a try came to."""

    points: int
    of: int
    passed: bool


def read_answer(question: Question, order: Sequence[int], sent: Any) -> Said:
    """Read an answer as it is sent.

    Args:
        question: as written.
        order: in which its answers were shown.
        sent: a letter, letters, true or false, a number or a text; None leaves the question out.

    Returns:
        The answer as it is kept.

    Raises:
        Problem: `answer_invalid`, with a pointer.
    """
    return None if sent is None else _READERS[type(question)](question, order, sent)


def is_right(question: Question, said: Said) -> bool:
    """Tell whether an answer is right.

    Args:
        question: as written.
        said: the answer as it is kept.

    Returns:
        Whether it is; what was left out is not.
    """
    return said is not None and _JUDGES[type(question)](question, said)


def judge(quiz: Quiz, asked: Sequence[int], answers: Sequence[Said]) -> Score:
    """Judge a whole try.

    Args:
        quiz: as written when the try began.
        asked: places of its questions in the definition, as they were asked.
        answers: to the first of them, in their order; the others were not answered.

    Returns:
        Points, of how many, and whether that is enough: all of them, where `pass` does not say less.
    """
    questions = [quiz.questions[place] for place in asked]
    of = sum(one.points for one in questions)
    right = zip(questions, answers, strict=False)
    points = sum(question.points for question, said in right if is_right(question, said))
    return Score(points, of, points >= (of if quiz.pass_ is None else quiz.pass_))


def right_answer(question: Question, order: Sequence[int], said: Sequence[str]) -> Any:
    """Show what is right, in the form in which it is answered.

    Args:
        question: as written.
        order: in which its answers were shown.
        said: the texts of a text question that may be named, the reader's own first; else empty.

    Returns:
        A letter, letters, true or false, a number or a text.
    """
    letters = {place: LETTERS[shown] for shown, place in enumerate(order)}
    if isinstance(question, SingleQuestion):
        return letters[question.right]
    if isinstance(question, MultipleQuestion):
        return sorted(letters[place] for place in question.right)
    if isinstance(question, OrderingQuestion):
        return [letters[place] for place in sorted(letters)]
    if isinstance(question, NumberQuestion):
        return plain_text(question.right)
    if isinstance(question, TextQuestion):
        return (said or question.right)[0]
    assert isinstance(question, TrueFalseQuestion), "there are no other kinds"
    return question.right


def shown_answer(question: Question, order: Sequence[int], said: Said) -> Any:
    """Show an answer as it was given.

    Args:
        question: as written.
        order: in which its answers were shown.
        said: the answer as it is kept.

    Returns:
        In the form in which it was sent; None where there was none, or where a text was wrong.
    """
    letters = {place: LETTERS[shown] for shown, place in enumerate(order)}
    if isinstance(question, TextQuestion):
        return question.right[said] if isinstance(said, int) and said >= 0 else None
    if isinstance(said, list):
        shown = [letters[place] for place in said]
        return shown if isinstance(question, OrderingQuestion) else sorted(shown)
    return letters[said] if isinstance(question, SingleQuestion) and isinstance(said, int) else said


def _refusal(expected: str, pointer: str = "/answer") -> Problem:
    return Problem.at(pointer, "answer_invalid", f"expected {expected}")


def _place(order: Sequence[int], sent: Any, pointer: str) -> int:
    shown = LETTERS.find(sent) if isinstance(sent, str) and len(sent) == 1 else -1
    if not 0 <= shown < len(order):
        raise _refusal(f"one of {', '.join(LETTERS[: len(order)])}", pointer)
    return order[shown]


def _places(order: Sequence[int], sent: Any) -> list[int]:
    if not isinstance(sent, list):
        raise _refusal('a list of letters, such as ["a", "c"]')
    places = [_place(order, one, f"/answer/{at}") for at, one in enumerate(sent)]
    if len(set(places)) != len(places):
        raise _refusal("each letter once")
    return places


def _read_single(_: Question, order: Sequence[int], sent: Any) -> Said:
    return _place(order, sent, "/answer")


def _read_multiple(_: Question, order: Sequence[int], sent: Any) -> Said:
    return sorted(_places(order, sent))


def _read_ordering(_: Question, order: Sequence[int], sent: Any) -> Said:
    places = _places(order, sent)
    if len(places) != len(order):
        raise _refusal(f"all {len(order)} letters, in their order")
    return places


def _read_truth(_: Question, __: Sequence[int], sent: Any) -> Said:
    if not isinstance(sent, bool):
        raise _refusal("true or false")
    return sent


def _read_number(_: Question, __: Sequence[int], sent: Any) -> Said:
    number = Decimal("NaN")
    if isinstance(sent, int | str | Decimal) and not isinstance(sent, bool):
        with suppress(InvalidOperation):
            number = Decimal(sent.strip() if isinstance(sent, str) else sent)
    if not number.is_finite():
        raise _refusal("a number such as 12 or 12.5, without separators of thousands")
    if abs(number.adjusted()) > DIGITS_AT_MOST or len(number.as_tuple().digits) > DIGITS_AT_MOST:
        raise _refusal(f"a number of at most {DIGITS_AT_MOST} digits")
    return plain_text(number)


def _read_text(question: Question, _: Sequence[int], sent: Any) -> Said:
    assert isinstance(question, TextQuestion), "the reader of this kind"
    if not isinstance(sent, str) or not sent.strip():
        raise _refusal("a word or two")
    if len(sent) > TEXT_AT_MOST:
        raise _refusal(f"at most {TEXT_AT_MOST} characters")
    meant = _plain(sent)
    return next((at for at, one in enumerate(question.right) if _plain(one) == meant), NONE_OF_THEM)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _near(question: Question, said: Said) -> bool:
    assert isinstance(question, NumberQuestion), "the judge of this kind"
    return abs(Decimal(str(said)) - question.right) <= question.within


_READERS: Final[Mapping[type[Question], Callable[[Question, Sequence[int], Any], Said]]] = {
    SingleQuestion: _read_single,
    MultipleQuestion: _read_multiple,
    TrueFalseQuestion: _read_truth,
    NumberQuestion: _read_number,
    TextQuestion: _read_text,
    OrderingQuestion: _read_ordering,
}
_JUDGES: Final[Mapping[type[Question], Callable[[Any, Any], bool]]] = {
    SingleQuestion: lambda question, said: said == question.right,
    MultipleQuestion: lambda question, said: sorted(said) == sorted(question.right),
    TrueFalseQuestion: lambda question, said: said is question.right,
    NumberQuestion: _near,
    TextQuestion: lambda question, said: 0 <= said < len(question.right),
    OrderingQuestion: lambda question, said: said == list(range(len(question.answers))),
}
