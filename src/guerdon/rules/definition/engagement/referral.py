"""Referral: what an invitation brings to both sides, and what is looked at before."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from guerdon.rules.definition.campaigns import Limits, OnReturn
from guerdon.rules.definition.effects import Effect
from guerdon.rules.definition.engagement.challenges import Prize
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.spans import Length, Span
from guerdon.rules.definition.scalars.values import Count, EventType, Exact
from guerdon.rules.definition.scalars.words import ExpressionText

MAX_RUNGS: Final = 20
Verdict = Literal["allow", "hold", "refuse"]


class Advocate(DescribedPart):
    """What the one who invited gets."""

    first: EventType = "order.paid"
    """The friend's first event of this type brings the prize."""
    when: ExpressionText | None = None
    """Which of these events count; it sees the friend's event and account."""
    then: Prize
    """What the advocate gets."""
    limits: Limits = Limits()
    """How often an advocate gets it."""


class Rung(DescribedPart):
    """What so many friends bring besides."""

    from_: Count = Field(validation_alias="from", serialization_alias="from")
    """How many invited friends have come."""
    then: Prize
    """What the advocate gets then."""


class Review(DescribedPart):
    """What is done with invitations that look like one person's or one circle's."""

    same_person: Verdict = "refuse"
    """Friend and advocate are one member."""
    circle: Verdict = "hold"
    """Friends who invited each other in a circle."""
    same_address: Verdict = "hold"
    """Both have one address."""
    same_card: Verdict = "hold"
    """Both paid with one card."""
    same_device: Verdict = "hold"
    """Both came from one device."""


Friend = Annotated[tuple[Effect, ...], Field(max_length=20)]


class Referral(DescribedPart):
    """A member's invitation, and what comes of it."""

    friend: Friend = ()
    """What the friend gets on enrolling; it sees `event.data.referral`, which names the invitation."""
    advocate: Advocate | None = None
    """What the advocate gets, and when."""
    window: Length = Span(days=30)
    """How long after following a link somebody counts as invited."""
    minimum: Annotated[Exact, Field(gt=0)] | None = None
    """The least `order.net` of the friend's first order, in the program's currency."""
    ladder: Annotated[tuple[Rung, ...], Field(max_length=MAX_RUNGS)] = ()
    """What several friends bring besides, from few to many."""
    review: Review = Review()
    """Which invitations are held for somebody to look at, or refused."""
    on_return: OnReturn | None = None
    """What a return of the friend's order does, where it is not as `returns.on_return` says."""

    @model_validator(mode="after")
    def _rungs_rise(self) -> Referral:
        for below, above in pairwise(self.ladder):
            if above.from_ <= below.from_:
                detail = f"the ladder goes from few to many, and {above.from_} is not above {below.from_}"
                raise refusal("levels_not_increasing", detail, key="ladder")
        return self

    @model_validator(mode="after")
    def _brings_something(self) -> Referral:
        alone = [name for name in ("minimum", "ladder") if name in self.model_fields_set]
        if alone and self.advocate is None and not self.ladder:
            raise refusal(
                "missing_key", "the key 'advocate' is missing here", key=alone[0], expected="advocate"
            )
        return self
