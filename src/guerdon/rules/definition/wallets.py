"""Wallets: kinds of units, how they are rounded, when they can be spent and when they are gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Discriminator, Field, Tag, model_validator

from guerdon.rules.definition.scalars.part import Part, Short
from guerdon.rules.definition.scalars.problems import listing, refusal
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Name, Whole

RoundingMode = Literal["floor", "half_up", "half_even", "ceil", "exact"]
ConversionRounding = Literal["floor", "half_up", "half_even", "ceil"]
RoundingScope = Literal["order", "line", "campaign"]
Never = Literal["never"]
Tender = Literal["points", "store_credit", "gift_card"]


class Rounding(Part):
    """How a wallet's units are rounded, and over what."""

    mode: RoundingMode = "floor"
    """Which way it rounds."""
    per: RoundingScope = "order"
    """What is rounded as one."""


class Expiry(Part):
    """When units are gone."""

    after: Span
    """How long units last."""
    from_: Literal["earned", "last_activity"] = Field(
        default="earned", validation_alias="from", serialization_alias="from"
    )
    """Since when."""
    end_of: Literal["month", "quarter", "year"] | None = None
    """They last to the end of this period."""


def _kind_of_expiry(value: Any) -> str:
    return "<never>" if value == "never" else "<rule>"


Expires = Annotated[
    Annotated[Never, Tag("<never>")] | Annotated[Expiry, Short("after"), Tag("<rule>")],
    Discriminator(_kind_of_expiry),
]


Most = Annotated[Exact, Field(gt=0)]


class EarningLimits(Part):
    """How many units an account earns at most; what would be more is not earned."""

    per_event: Most | None = Field(
        default=None,
        validation_alias=AliasChoices("per_event", "per_order"),
        serialization_alias="per_event",
    )
    """By one event, such as an order."""
    per_day: Most | None = None
    """On one day."""
    per_week: Most | None = None
    """In one week."""
    per_month: Most | None = None
    """In one month."""
    per_quarter: Most | None = None
    """In one quarter."""
    per_year: Most | None = None
    """In one year."""
    balance: Most | None = None
    """Nothing is earned above so many units, pending ones among them."""

    @model_validator(mode="after")
    def _limits_something(self) -> EarningLimits:
        known = listing(type(self).model_fields)
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise refusal("one_of_these", f"limits of earning have one of: {known}", expected=known)
        return self


class Wallet(Part):
    """A kind of unit that an account holds."""

    filled_in = frozenset({"unit"})

    unit: Text
    """How people call a unit."""
    scale: Annotated[Whole, Field(ge=0, le=6)] = 0
    """Decimal places that are kept."""
    rounding: Annotated[Rounding, Short("mode")] = Rounding()
    """How awards are rounded."""
    pending: Span = Span()
    """How long before units can be spent."""
    expires: Expires = "never"
    """When units are gone."""
    debt: Literal["allowed", "stop_at_zero"] = "allowed"
    """What a return does that takes more than there is."""
    worth: Annotated[Exact, Field(ge=0)] | None = None
    """Money that one unit pays at checkout."""
    tender: Tender = "points"
    """As what its units pay an order: points, or money that the shop owes, a unit being worth 1."""
    cost: Annotated[Exact, Field(ge=0)] | None = None
    """Money that one unit is booked at."""
    limits: EarningLimits | None = None
    """How many units an account earns at most."""
    spendable: Flag = True
    """Whether units buy, pay or go to others; a footprint is only shown and read."""


NOTHING = "nothing"
"""As `into`: the units are given up with their wallet."""


class Conversion(Part):
    """Which wallet takes over the units of one that is given up, and how many each unit becomes."""

    into: Name
    """The wallet that takes the units over, or `nothing`."""
    rate: Annotated[Exact, Field(gt=0, le=1_000_000)] | None = None
    """How many units each unit becomes."""
    scale: Annotated[Whole, Field(ge=0, le=6)] = 0
    """The decimal places that the wallet had."""
    rounding: ConversionRounding = "floor"
    """Which way each account is rounded."""


class Retired(Part):
    """What a definition gives up, and what becomes of what people hold of it."""

    wallets: Mapping[Name, Conversion] = Field(default_factory=dict)
    """Wallets that are given up, and what their units become."""
    rewards: Mapping[Name, Literal["honour"]] = Field(default_factory=dict)

    """Rewards that are given up; what people hold of them is honoured."""
