"""Surveys: questions to members after something happened."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from guerdon.rules.definition.campaigns import Limits
from guerdon.rules.definition.engagement.challenges import Prize
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.engagement.quizzes import Answers
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import ShortText, Text
from guerdon.rules.definition.scalars.values import EventType, Flag, Whole
from guerdon.rules.definition.scalars.words import ExpressionText

MAX_QUESTIONS: Final = 50
SurveyKind = Literal["nps", "csat", "text", "choice"]


class SurveyQuestion(DescribedPart):
    """One question of a survey."""

    ask: Text
    """The question."""
    kind: SurveyKind | None = None
    """0 to 10 (`nps`), 1 to `scale` (`csat`), free text or a choice; the survey's own kind without it."""
    answers: Answers | None = None
    """The answers of a choice."""
    several: Flag = False
    """Whether several answers may be chosen."""
    scale: Annotated[Whole, Field(ge=2, le=10)] | None = None
    """The best mark of a `csat`; 5 without it."""
    low: Text | None = None
    """What stands at the low end of a scale."""
    high: Text | None = None
    """What stands at the high end of a scale."""
    optional: Flag = False
    """Whether it may be left out."""


class Survey(Dated):
    """Questions to members, whose answers become an event, `survey.answered`."""

    name: Text | None = None
    """How people call the survey."""
    description: Text | None = None
    """What is said before the first question."""
    kind: SurveyKind | None = None
    """The kind of all questions that name none."""
    questions: Annotated[
        tuple[Annotated[SurveyQuestion, ShortText("ask")], ...],
        Field(min_length=1, max_length=MAX_QUESTIONS),
    ]
    """The questions; a lone text is one of the survey's own kind."""
    trigger: EventType | None = None
    """The event after which it is sent; without one it is only shown on the member's page."""
    when: ExpressionText | None = None
    """Which of these events count."""
    wait: Span = Span()
    """How long after the event it is sent."""
    audience: ExpressionText | None = None
    """Who is asked."""
    limits: Limits = Limits()
    """How often somebody is asked."""
    prize: Prize | None = None
    """What an answer brings."""

    @model_validator(mode="after")
    def _knows_each_kind(self) -> Survey:
        for at, question in enumerate(self.questions):
            kind = question.kind or self.kind
            if kind is None:
                detail = f"question {at + 1} has no `kind`, and the survey has none either"
                raise refusal("missing_key", detail, key="questions", expected="nps, csat, text or choice")
            if (kind == "choice") != (question.answers is not None):
                detail = f"question {at + 1} is a {kind}: " + (
                    "it needs `answers`" if kind == "choice" else "`answers` belong to a choice"
                )
                raise refusal("missing_key" if kind == "choice" else "answers_without_choice", detail,
                              key="questions")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _knows_its_event(self) -> Survey:
        if self.trigger is None and (self.when is not None or not self.wait.is_zero):
            key = "when" if self.when is not None else "wait"
            raise refusal("key_without_event", f"`{key}` is about the event, and needs `trigger`", key=key)
        return self
