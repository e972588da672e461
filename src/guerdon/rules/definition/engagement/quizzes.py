"""Quizzes: questions of several kinds, and what passing brings."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from guerdon.rules.definition.campaigns import Limits
from guerdon.rules.definition.engagement.challenges import Prize
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.scalars.part import AnyOf, DescribedPart, Listed
from guerdon.rules.definition.scalars.problems import nearest_to, refusal, shown
from guerdon.rules.definition.scalars.spans import Length
from guerdon.rules.definition.scalars.texts import ShortText, Text
from guerdon.rules.definition.scalars.values import Count, Exact, Flag, Line, Picture, Whole, read_decimal
from guerdon.rules.definition.scalars.words import ExpressionText

MAX_QUESTIONS: Final = 500
KINDS: Final = ("single", "multiple", "true_false", "number", "text", "ordering")


class Answer(DescribedPart):
    """One of the answers to choose from."""

    text: Text
    """What it says."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""


Answers = Annotated[
    tuple[Annotated[Answer, ShortText("text")], ...], Listed(), Field(min_length=2, max_length=20)
]
Place = Annotated[Whole, Field(ge=0)]


class Question(DescribedPart):
    """What questions of all kinds say."""

    filled_in = frozenset({"kind"})

    kind: str
    """The kind of question; told from the other keys where it is left out, except `ordering`."""
    ask: Text
    """The question."""
    picture: Picture | None = None
    """A picture beside it, as an address or as the name of a file."""
    alt: Text | None = None
    """What the picture shows, for those who do not see it."""
    explain: Text | None = None
    """What is said after the answer."""
    points: Annotated[Whole, Field(ge=1, le=100)] = 1
    """What a right answer counts towards `pass`."""
    time_limit: Length | None = None
    """How long there is for this question."""


class SingleQuestion(Question):
    """One answer of several is right."""

    kind: Literal["single"]
    """One of the answers is right."""
    answers: Answers
    """The answers to choose from."""
    right: Place
    """Which answer is right, counted from 0."""

    @model_validator(mode="after")
    def _right_is_there(self) -> SingleQuestion:
        _known_answers((self.right,), self.answers)
        return self


class MultipleQuestion(Question):
    """Some answers of several are right, and exactly these are to be chosen."""

    kind: Literal["multiple"]
    """Several of the answers may be right."""
    answers: Answers
    """The answers to choose from."""
    right: Annotated[tuple[Place, ...], Listed(), Field(min_length=1)]
    """Which answers are right, counted from 0."""

    @model_validator(mode="after")
    def _right_are_there(self) -> MultipleQuestion:
        _known_answers(self.right, self.answers)
        if len(set(self.right)) != len(self.right):
            raise refusal("duplicate_answer", "one answer stands here twice", key="right")
        return self


class TrueFalseQuestion(Question):
    """A sentence that is true or false."""

    kind: Literal["true_false"]
    """True or false."""
    right: Flag
    """Whether it is true."""


class NumberQuestion(Question):
    """The answer is a number."""

    kind: Literal["number"]
    """A number."""
    right: Exact
    """The number."""
    within: Annotated[Exact, Field(ge=0)] = Field(default=0, validate_default=True)
    """How far off an answer may be."""


class TextQuestion(Question):
    """The answer is a word or two; capitals and blanks at the ends do not matter."""

    kind: Literal["text"]
    """A word or two."""
    right: Annotated[tuple[Line, ...], Listed(), Field(min_length=1, max_length=50)]
    """The texts that are right, in any language."""


class OrderingQuestion(Question):
    """The answers are to be put into the order in which they stand here."""

    kind: Literal["ordering"]
    """The answers are put in order; it is never told from the other keys."""
    answers: Answers
    """The answers in their right order; members see them in another one."""


def _known_answers(right: tuple[int, ...], answers: tuple[Answer, ...]) -> None:
    for place in right:
        if place >= len(answers):
            most = len(answers) - 1
            detail = f"answers are counted from 0, and the last of these is {most}, not {place}"
            raise refusal("unknown_answer", detail, key="right", expected=f"0 to {most}")


def _with_kind(value: Any) -> Any:
    if isinstance(value, Question):
        return value
    if not isinstance(value, dict):
        raise refusal("expected_map", f"a question was expected, a map with `ask`, not {shown(value)}")
    kind = value.get("kind")
    if kind is None:
        _refuse_words(value)
        return {**value, "kind": _kind_by_answer(value)}
    if kind not in KINDS:
        nearest = nearest_to(str(kind), KINDS)
        hint = f"; did you mean '{nearest}'?" if nearest else ""
        listed = ", ".join(KINDS)
        detail = f"{shown(kind)} is not one of {listed}{hint}"
        raise refusal("unknown_kind", detail, key="kind", expected=listed)
    return value


def _refuse_words(value: dict[str, Any]) -> None:
    """Say to who writes the words of the right answer that answers are named by their place."""
    answers, right = value.get("answers"), value.get("right")
    if isinstance(answers, list | tuple) and isinstance(right, str) and right in answers:
        detail = f"answers are named by their place, counted from 0, not by {shown(right)}"
        raise refusal("expected_whole_number", detail, key="right", nearest=str(list(answers).index(right)))


def _kind_by_answer(value: dict[str, Any]) -> str:
    right = value.get("right")
    if "answers" in value:
        return "multiple" if isinstance(right, list | tuple) else "single"
    if isinstance(right, bool) or right in ("true", "false"):
        return "true_false"
    return "number" if _is_number(right) else "text"


def _is_number(value: Any) -> bool:
    try:
        read_decimal(value)
    except ValueError:
        return False
    return True


def _kind_of_question(value: Any) -> str:
    return f"<{value.kind}>" if isinstance(value, Question) else f"<{value['kind']}>"


AnyQuestion = Annotated[
    Annotated[SingleQuestion, Tag("<single>")]
    | Annotated[MultipleQuestion, Tag("<multiple>")]
    | Annotated[TrueFalseQuestion, Tag("<true_false>")]
    | Annotated[NumberQuestion, Tag("<number>")]
    | Annotated[TextQuestion, Tag("<text>")]
    | Annotated[OrderingQuestion, Tag("<ordering>")],
    Discriminator(_kind_of_question),
    BeforeValidator(_with_kind),
    AnyOf(),
]


class Quiz(Dated):
    """Questions that end in an event, `quiz.finished`, and in a prize where they are passed."""

    name: Text | None = None
    """How people call the quiz."""
    description: Text | None = None
    """What it is about, in a sentence."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""
    questions: Annotated[tuple[AnyQuestion, ...], Field(min_length=1, max_length=MAX_QUESTIONS)]
    """The questions; where `asks` is less, they are a pool."""
    asks: Count | None = None
    """How many of the questions are asked, chosen by chance; all of them without it."""
    shuffle: Flag = False
    """Whether questions and answers come in an order by chance."""
    time_limit: Length | None = None
    """How long there is for the whole quiz."""
    attempts: Count | None = None
    """How often a member may try."""
    again_after: Length | None = None
    """How long a member waits before the next try."""
    pass_: Count | None = Field(default=None, validation_alias="pass", serialization_alias="pass")
    """How many points are enough, each question counting 1 unless it says otherwise; all without it."""
    shows_right: Literal["never", "after_each", "at_the_end"] = "at_the_end"
    """When a member sees which answers were right."""
    audience: ExpressionText | None = None
    """Who may take it."""
    limits: Limits = Limits()
    """How often the prize may be had."""
    prize: Prize
    """What passing brings."""
