"""What a definition gives up, and what becomes of the units that people hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from guerdon.rules.definition.scalars.part import Part
from guerdon.rules.definition.scalars.values import Exact, Name


class Conversion(Part):
    """Which wallet takes over the units of one that is given up, and how many each unit becomes."""

    into: Name
    rate: Annotated[Exact, Field(gt=0)]


class Retired(Part):
    """What is given up."""

    wallets: Mapping[Name, Conversion] = Field(default_factory=dict)
