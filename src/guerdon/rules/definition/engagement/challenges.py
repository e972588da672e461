"""Challenges: goals on metrics, punch cards, and steps that make one goal."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, model_validator

from guerdon.rules.definition.campaigns import Limits, OnReturn
from guerdon.rules.definition.effects import Effect
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.spans import Length
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Count, EventType, Exact, Flag, Line, Name
from guerdon.rules.definition.scalars.words import ExpressionText

MAX_STEPS: Final = 50
Prize = Annotated[tuple[Effect, ...], Field(min_length=1, max_length=20)]
_KINDS_OF_STEP: Final = ("metric", "event", "quiz", "survey")


class PersonalGoal(DescribedPart):
    """A goal for each account, by a formula that everybody may read."""

    personal: ExpressionText
    """The goal, as an amount; it is reckoned once, when the account begins."""
    at_least: Annotated[Exact, Field(gt=0)] | None = None
    """The goal where the formula gives less."""
    at_most: Annotated[Exact, Field(gt=0)] | None = None
    """The goal where the formula gives more."""

    @model_validator(mode="after")
    def _leaves_room(self) -> PersonalGoal:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise refusal("out_of_range", "at_most is less than at_least", key="at_most")
        return self


def _kind_of_goal(value: Any) -> str:
    return "<personal>" if isinstance(value, dict | PersonalGoal) else "<number>"


Goal = Annotated[
    Annotated[Exact, Field(gt=0), Tag("<number>")] | Annotated[PersonalGoal, Tag("<personal>")],
    Discriminator(_kind_of_goal),
]


class ChallengeStep(DescribedPart):
    """One of several things that make a challenge."""

    name: Text | None = None
    """How people call the step."""
    metric: Name | None = None
    """The metric whose growth counts; it needs a goal."""
    goal: Goal | None = None
    """How much of the metric is enough."""
    event: EventType | None = None
    """The event that is enough, as often as `times` says."""
    when: ExpressionText | None = None
    """Which of these events count."""
    quiz: Name | None = None
    """The quiz that is to be passed."""
    survey: Name | None = None
    """The survey that is to be answered."""
    times: Count = 1
    """How many events are enough."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> ChallengeStep:
        chosen = [name for name in _KINDS_OF_STEP if getattr(self, name) is not None]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none of them"
            detail = f"a step has one of {', '.join(_KINDS_OF_STEP)}, not {found}"
            raise refusal("one_of_these", detail, expected=", ".join(_KINDS_OF_STEP))
        if (self.metric is None) != (self.goal is None):
            have, lack = ("metric", "goal") if self.goal is None else ("goal", "metric")
            raise refusal("missing_key", f"the key '{lack}' is missing here", key=have, expected=lack)
        for key in ("when", "times"):
            if self.event is None and key in self.model_fields_set:
                raise refusal(
                    "key_without_event", f"`{key}` says which events count, and needs `event`", key=key
                )
        return self


class Challenge(Dated):
    """A goal with a prize. With dates, what happens between them counts, else the metric as it stands."""

    name: Text | None = None
    """How people call the challenge."""
    description: Text | None = None
    """What is to be done, in a sentence."""
    icon: Line | None = None
    """The name of an icon."""
    metric: Name | None = None
    """The metric that is to reach the goal."""
    goal: Goal | None = None
    """The value to be reached: a number, or a formula for each account."""
    every: Annotated[Exact, Field(gt=0)] | None = None
    """A punch card: the prize comes each time the metric has grown by so much."""
    steps: Annotated[tuple[ChallengeStep, ...], Field(max_length=MAX_STEPS)] = ()
    """Several things that are to be done, instead of one metric."""
    in_order: Flag = False
    """Whether the steps count only one after the other."""
    within: Length | None = None
    """How long an account has after it began."""
    opt_in: Flag = False
    """Whether only those take part who join; what they did before does not count, unless `looks_back`."""
    looks_back: Flag = False
    """Whether what was done before joining counts."""
    repeatable: Flag = False
    """Whether it begins anew after each prize."""
    team: Name | None = None
    """The kind of team whose members reach the goal together."""
    audience: ExpressionText | None = None
    """Who may take part."""
    limits: Limits = Limits()
    """How often the prize may be had."""
    prize: Prize
    """What is given when the goal is reached."""
    on_return: OnReturn | None = None
    """What a return does with the prize, where it is not as `returns.on_return` says."""

    @model_validator(mode="after")
    def _has_one_goal(self) -> Challenge:
        if (self.metric is None) != bool(self.steps):
            raise refusal(
                "one_of_these", "a challenge has either a metric or steps", expected="metric or steps"
            )
        goals = [name for name in ("goal", "every") if getattr(self, name) is not None]
        if self.steps and goals:
            raise refusal("one_of_these", "the steps have goals of their own", key=goals[0])
        if self.metric is not None and len(goals) != 1:
            raise refusal("one_of_these", "a challenge has either goal or every", expected="goal or every")
        if self.in_order and not self.steps:
            raise refusal(
                "key_without_steps", "`in_order` is about steps, and there are none", key="in_order"
            )
        if self.repeatable and self.every is not None:
            raise refusal(
                "one_of_these", "`every` repeats by itself; leave `repeatable` out", key="repeatable"
            )
        if self.looks_back and not self.opt_in:
            raise refusal("key_without_opt_in", "`looks_back` is about those who join, and needs `opt_in`",
                          key="looks_back")  # fmt: skip
        return self
