"""Journeys: messages and waits that an account goes through after a signal."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from guerdon.rules.definition.campaigns import Limits
from guerdon.rules.definition.effects import EFFECTS, Effect, EffectPart
from guerdon.rules.definition.engagement.segments import Sign, Signal
from guerdon.rules.definition.scalars.part import AnyOf, DescribedPart, Listed, Part, Short, unknown_keys
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.spans import Length
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Flag, TimeOfDay

MAX_STEPS: Final = 100
_STEP_KEYS: Final = ("wait", "if", "unless", "then", "else", "exit")


class Wait(DescribedPart):
    """How long a journey rests."""

    for_: Length | None = Field(default=None, validation_alias="for", serialization_alias="for")
    """For so long, or at most so long where `until` is given."""
    until: Annotated[Signal, Sign()] | None = None
    """Until this happens."""
    at: TimeOfDay | None = None
    """And then on to this time of the local day."""

    @model_validator(mode="after")
    def _waits(self) -> Wait:
        if self.for_ is None and self.until is None and self.at is None:
            raise refusal("one_of_these", "a wait has for, until or at", expected="for, until or at")
        return self


class WaitStep(DescribedPart):
    """Wait before going on."""

    wait: Annotated[Wait, Short("for")]
    """How long; a lone text is a length of time."""


class BranchStep(DescribedPart):
    """Go on in one way or another, by what happened since the account entered."""

    if_: Annotated[Signal, Sign()] | None = Field(
        default=None, validation_alias="if", serialization_alias="if"
    )
    """What must have happened, or must hold."""
    unless: Annotated[Signal, Sign()] | None = None
    """What must not have happened, or must not hold."""
    then: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]
    """What comes then."""
    else_: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = Field(
        default=(), validation_alias="else", serialization_alias="else"
    )
    """What comes otherwise."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> BranchStep:
        if (self.if_ is None) == (self.unless is None):
            raise refusal("one_of_these", "a branch has either if or unless", expected="if or unless")
        return self


class ThenStep(DescribedPart):
    """Do several things at once."""

    then: Annotated[tuple[Effect, ...], Field(min_length=1, max_length=20)]
    """The effects."""


class ExitStep(DescribedPart):
    """Leave the journey here."""

    exit: Flag
    """Always true."""

    @model_validator(mode="after")
    def _leaves(self) -> ExitStep:
        if not self.exit:
            raise refusal(
                "out_of_range", "a step that does not leave is left out", key="exit", expected="true"
            )
        return self


def _one_known_step(value: Any) -> Any:
    if isinstance(value, Part):
        return value
    known = [*_STEP_KEYS, *EFFECTS]
    if not isinstance(value, dict):
        raise refusal(
            "expected_step", f"a step was expected, a map with one of {', '.join(known)}, not {shown(value)}"
        )
    wrong = [key for key in value if key not in known]
    if wrong:
        raise unknown_keys(wrong, known)
    several = [key for key in value if key not in ("if", "unless", "then", "else")]
    if not value or (several and len(value) > 1):
        raise refusal("one_step_each", "a step is a map with one key; write several steps as several items")
    return value


def _kind_of_step(value: Any) -> str:
    if isinstance(value, EffectPart):
        return "<effect>"
    if isinstance(value, Part):
        return _TAGS[type(value)]
    if "if" in value or "unless" in value or "else" in value:
        return "<branch>"
    key = str(next(iter(value)))
    return f"<{key}>" if key in ("wait", "then", "exit") else "<effect>"


_TAGS: Final[dict[type[Part], str]] = {
    WaitStep: "<wait>",
    BranchStep: "<branch>",
    ThenStep: "<then>",
    ExitStep: "<exit>",
}

Step = Annotated[
    Annotated[WaitStep, Tag("<wait>")]
    | Annotated[BranchStep, Tag("<branch>")]
    | Annotated[ThenStep, Tag("<then>")]
    | Annotated[ExitStep, Tag("<exit>")]
    | Annotated[Effect, Tag("<effect>")],
    Discriminator(_kind_of_step),
    BeforeValidator(_one_known_step),
    AnyOf(),
]


class Journey(DescribedPart):
    """What an account goes through after a signal."""

    name: Text | None = None
    """How people call the journey."""
    description: Text | None = None
    """What it is for, in a sentence."""
    enter: Annotated[Signal, Sign()]
    """What sets it off: an event such as `order.paid`, or `segment.x` for becoming part of a segment."""
    exit: Annotated[tuple[Annotated[Signal, Sign()], ...], Listed(), Field(max_length=20)] = ()
    """What ends it at once, wherever the account stands."""
    limits: Limits = Limits()
    """How often an account may enter."""
    again_after: Length | None = None
    """How long after entering an account may enter again."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]
    """The steps in order: effects, waits and branches."""

    @model_validator(mode="after")
    def _begins_with_a_moment(self) -> Journey:
        if self.enter.segment is None and self.enter.event is None:
            detail = "a journey begins with an event or with segment.x; put the condition into a segment"
            raise refusal("one_of_these", detail, key="enter", expected="an event or segment.x")
        return self


BranchStep.model_rebuild()
