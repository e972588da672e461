"""Badges: marks of having done something."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field, model_validator

from guerdon.rules.definition.scalars.part import DescribedPart, Short
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Line, Name
from guerdon.rules.definition.scalars.words import number_text

MAX_LEVELS: Final = 20


class BadgeLevel(DescribedPart):
    """A level of a badge, reached at a value of the badge's metric."""

    from_: Annotated[Exact, Field(gt=0)] = Field(validation_alias="from", serialization_alias="from")
    """The value of the metric from which the level is reached."""
    name: Text | None = None
    """How people call the level."""
    icon: Line | None = None
    """The icon, where it is another one than the badge's."""


LevelEntry = Annotated[BadgeLevel, Short("from", is_number=True)]


class BadgeEntry(DescribedPart):
    """A mark of having done something."""

    name: Text | None = None
    """How people call the badge."""
    description: Text | None = None
    """What it is given for, in a sentence."""
    icon: Line | None = None
    """The name of an icon, such as `mountain`."""
    hidden: Flag = False
    """Whether it is shown only to those who have it."""
    series: Name | None = None
    """Badges of one series are shown together."""
    metric: Name | None = None
    """The metric that decides the level."""
    levels: Annotated[tuple[LevelEntry, ...], Field(max_length=MAX_LEVELS)] = ()
    """The levels from low to high; a lone number is the value from which one is reached."""

    @model_validator(mode="after")
    def _levels_rise(self) -> BadgeEntry:
        if bool(self.levels) != (self.metric is not None):
            missing, given = ("metric", "levels") if self.levels else ("levels", "metric")
            detail = f"the key '{missing}' is missing here: levels are reached by a metric"
            raise refusal("missing_key", detail, key=given, expected=missing)
        for below, above in pairwise(level.from_ for level in self.levels):
            if above <= below:
                shown = f"{number_text(above)} is not above {number_text(below)}"
                detail = f"levels stand from low to high, and {shown}"
                raise refusal("levels_not_increasing", detail, key="levels")
        return self
