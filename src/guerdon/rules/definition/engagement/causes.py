"""Causes: what members give their units to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Line, Picture, matching

CAUSE_PATTERN = r"[a-z][a-z0-9_-]{0,62}"
CauseKey = Annotated[
    str,
    matching(CAUSE_PATTERN, "bad_name", "a name of small letters, digits, - and _ was expected", 63),
    WithJsonSchema({"type": "string", "pattern": f"^{CAUSE_PATTERN}$"}),
]


class Cause(Dated):
    """Something good that donations go to."""

    name: Text | None = None
    """How people call the cause."""
    description: Text | None = None
    """What is done with the money."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""
    charity: Line | None = None
    """Who gets the money."""
    target: Annotated[Exact, Field(gt=0)] | None = None
    """How much is to come together, in the program's currency."""
    match: Annotated[Exact, Field(ge=0)] | None = None
    """What the shop adds to each unit of money."""
    match_at_most: Annotated[Exact, Field(ge=0)] | None = None
    """How much the shop adds in all; without end without it."""
    pays_out: Literal["month", "quarter", "year"] = "month"
    """How often the charity is paid."""
