"""What runs between two days."""

from __future__ import annotations

from pydantic import model_validator

from guerdon.rules.definition.campaigns import closing, opening
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.values import Moment


class Dated(DescribedPart):
    """Something that may begin and end; dates are local and include both ends."""

    starts: Moment | None = None
    """The first day or local time."""
    ends: Moment | None = None
    """The last day or local time."""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Dated:
        if self.starts and self.ends and opening(self.starts) > closing(self.ends):
            raise refusal("ends_before_start", "this ends before it starts", key="ends")
        return self
