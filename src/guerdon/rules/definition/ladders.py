"""Ladders and their tiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from guerdon.rules.definition.scalars.part import Listed, Part
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Name

Review = Literal["calendar_year", "calendar_quarter", "calendar_month"]


class Tier(Part):
    """A level: from where it is reached, what it multiplies by and what it brings."""

    from_: Annotated[Exact, Field(ge=0)] = Field(validation_alias="from", serialization_alias="from")
    rate: Annotated[Exact, Field(ge=0)] = Field(default=1, validate_default=True)
    benefits: Annotated[tuple[Name, ...], Listed()] = ()
    name: Text | None = None


class Ladder(Part):
    """Levels on one metric, the lowest first."""

    metric: Name
    review: Review | None = None
    grace: Span = Span()
    soft_landing: Flag = False
    tiers: Annotated[Mapping[Name, Tier], Field(min_length=1)]
