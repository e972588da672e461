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
    """The value of the metric from which it is reached."""
    rate: Annotated[Exact, Field(ge=0)] = Field(default=1, validate_default=True)
    """What expressions read as `account.tiers.<ladder>.rate`."""
    benefits: Annotated[tuple[Name, ...], Listed()] = ()
    """What it brings."""
    name: Text | None = None
    """How people call it."""


class Ladder(Part):
    """Levels on one metric, the lowest first."""

    metric: Name
    """The metric that climbs it."""
    review: Review | None = None
    """When members may fall; the window of its metric without it."""
    grace: Span = Span()
    """How long a member may still reach a tier after a review."""
    soft_landing: Flag = False
    """Whether a review takes one level at most."""
    tiers: Annotated[Mapping[Name, Tier], Field(min_length=1)]
    """The levels from low to high."""
