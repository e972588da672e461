"""What calls about quizzes answer; no right answer is in anything before it may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from guerdon.web.api.shapes import Answered


class ChoiceShape(Answered, frozen=True):
    """An answer to choose from."""

    id: str
    """A letter: what is sent as the answer."""
    text: str
    picture: str | None


class QuestionShape(Answered, frozen=True):
    """The question that is open."""

    number: int
    """From 1, in the order asked."""
    kind: str
    """`single`, `multiple`, `true_false`, `number`, `text` or `ordering`."""
    ask: str
    picture: str | None
    alt: str | None
    """What the picture shows."""
    choices: Sequence[ChoiceShape]
    """Empty where the answer is no choice. What is to be put in order comes in another one."""
    points: int
    """What a right answer counts."""
    until: datetime | None
    """From this instant on the answer is not taken."""


class AnswerShape(Answered, frozen=True):
    """A question that was answered, as far as the quiz shows what was right."""

    number: int
    ask: str
    answer: Any
    """As given; null where nothing was. Of texts only right ones are kept, and shown once that may be."""
    right: bool | None
    """Whether it was right; null as long as that is not shown."""
    right_answer: Any
    """What is right; null as long as that is not shown."""
    explain: str | None
    choices: Sequence[ChoiceShape]


class ResultShape(Answered, frozen=True):
    """What a try came to."""

    points: int
    of: int
    passed: bool
    effects: Sequence[Mapping[str, Any]]
    """What passing brought, as for any event; empty as well where its limits were reached."""
    skipped: Sequence[Mapping[str, str]]


class AttemptShape(Answered, frozen=True):
    """A try at a quiz."""

    id: str
    quiz: str
    name: str
    member: str
    attempt: int
    state: Literal["going", "finished"]
    version: int
    """The program's version with which it began and by which it is judged."""
    started_at: datetime
    due_at: datetime | None
    """From this instant on nothing is taken, and it is judged on what is there."""
    finished_at: datetime | None
    questions: int
    answered: int
    pass_points: int
    """How many points are enough."""
    of: int
    question: QuestionShape | None
    """The one that is open; where there is none and the try goes on, `next` opens it."""
    next_seconds: int | None
    """How long there will be for the question that `next` opens."""
    answers: Sequence[AnswerShape]
    """Those answered, oldest first."""
    result: ResultShape | None


class QuizShape(Answered, frozen=True):
    """A quiz as a member sees it."""

    key: str
    name: str
    description: str | None
    picture: str | None
    state: str
    """`open`, `begun`, `passed`, `waits`, `spent` (no tries left), `not_yet` or `over`."""
    tries: int
    tries_left: int | None
    """Null without a limit."""
    ready_at: datetime | None
    """From when on it can be begun, where it waits."""
    ends_at: datetime | None
    questions: int
    """How many are asked."""
    seconds: int | None
    """How long there is for all of it."""
    attempt: str | None
    """The latest try."""


class Quizzes(Answered, frozen=True):
    """Quizzes of a member."""

    data: Sequence[QuizShape]
    next: str | None


class QuestionFigures(Answered, frozen=True):
    """How a question was answered."""

    place: int
    """In the definition, from 0."""
    ask: str
    asked: int
    right: int
    left_out: int
    share: str | None
    """Of 1, how many of those asked were right; null where it was never asked."""


class QuizFigures(Answered, frozen=True):
    """What came of a quiz."""

    key: str
    name: str
    members: int
    attempts: int
    finished: int
    passed: int
    average: str | None
    """Points of 1, on the average of what is finished; null where nothing is."""
    questions: Sequence[QuestionFigures]
    """Of the live version, by the latest tries that were made with the same questions."""


class LinkShape(Answered, frozen=True):
    """An address at which one member takes one quiz, without signing in."""

    url: str
    """A path; the shop puts its own host before it, if it has one."""
    expires_at: datetime
