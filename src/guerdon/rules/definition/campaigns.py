"""Campaigns: when a program does what, how often, and for how much at most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, Field, model_validator

from guerdon.rules.definition.effects import Combine, Effect, Multiply
from guerdon.rules.definition.scalars.part import Listed, Part, Short
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.values import (
    EventType,
    Exact,
    Flag,
    Line,
    Moment,
    Name,
    TimeOfDay,
    Whole,
)
from guerdon.rules.definition.scalars.words import ExpressionText

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Channel = Literal["web", "app", "pos", "b2b", "social", "partner", "system"]
Period = Literal["day", "week", "month", "quarter", "year"]
Choice = Literal["all", "best", "best_set", "first"]
OnReturn = Literal["reevaluate", "full_only", "keep"]


class Schedule(Part):
    """When a campaign runs, in the program's local time; dates include both ends, `to` is not included."""

    days: Annotated[frozenset[Weekday], Listed(), Field(min_length=1)] | None = None
    """The days of the week."""
    from_: TimeOfDay | None = Field(default=None, validation_alias="from", serialization_alias="from")
    """The time of day when it begins."""
    to: TimeOfDay | None = None
    """The time of day when it ends, not included."""
    starts: Moment | None = None
    """The first day or local time."""
    ends: Moment | None = None
    """The last day or local time."""

    @model_validator(mode="after")
    def _not_empty(self) -> Schedule:
        if self.starts and self.ends and opening(self.starts) > closing(self.ends):
            raise refusal("ends_before_start", "the schedule ends before it starts", key="ends")
        if self.from_ is not None and self.from_ == self.to:
            raise refusal("ends_before_start", "the schedule's times leave no time between them", key="to")
        return self


def opening(moment: date | datetime) -> datetime:
    """Say when something begins that begins on a day.

    Args:
        moment: a local date or time.

    Returns:
        The first local instant.
    """
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min)


def closing(moment: date | datetime) -> datetime:
    """Say when something ends that ends with a day.

    Args:
        moment: a local date or time.

    Returns:
        The last local instant.
    """
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.max)


class Budget(Part):
    """What a campaign may cost in all, or in each period."""

    money: Annotated[Exact, Field(gt=0)] | None = None
    """Money in the program's currency."""
    units: Mapping[Name, Annotated[Exact, Field(gt=0)]] | None = None
    """Units, by wallet."""
    per: Period | None = None
    """The period that it is for; all time without it."""

    @model_validator(mode="after")
    def _has_a_size(self) -> Budget:
        if self.money is None and not self.units:
            raise refusal("one_of_these", "a budget has money, units or both", expected="money or units")
        return self


class Limits(Part):
    """How often something may happen; counts are over `per`, or over all time without it."""

    per_account: Annotated[Whole, Field(ge=1)] | None = None
    """How often for an account."""
    per_member: Annotated[Whole, Field(ge=1)] | None = None
    """How often for a member."""
    total: Annotated[Whole, Field(ge=1)] | None = None
    """How often in all."""
    per: Period | None = None
    """The period that counts are for; all time without it."""
    budget: Budget | None = None
    """What it may cost."""
    when_short: Literal["none", "part"] = "none"
    """Whether a budget that has room for a part gives that part."""

    @model_validator(mode="after")
    def _limits_something(self) -> Limits:
        counted = any(count is not None for count in (self.per_account, self.per_member, self.total))
        if self.per and not counted:
            raise refusal("limit_without_count", "`per` needs per_account, per_member or total", key="per")
        return self


class Lane(Part):
    """How one winner or several are chosen among the campaigns of a lane."""

    choose: Choice
    """How many win: all, the best for the customer, the best set, or the first."""
    within: Name | None = None
    """The lane around it."""
    priority: Annotated[Whole, Field(ge=-1_000_000, le=1_000_000)] = 0
    """The higher comes first among lanes and campaigns of the lane around it."""


class Campaign(Part):
    """What a program does when."""

    trigger: EventType
    """The event that sets it off, or `checkout` for a cart."""
    when: ExpressionText | None = None
    """The condition."""
    audience: ExpressionText | None = None
    """Whom it is for."""
    channels: Annotated[tuple[Channel, ...], Listed(), Field(min_length=1)] | None = Field(
        default=None, validation_alias=AliasChoices("channels", "channel"), serialization_alias="channels"
    )
    """The channels that it runs in; all without it."""
    stores: Annotated[tuple[Line, ...], Listed(), Field(min_length=1)] | None = Field(
        default=None, validation_alias=AliasChoices("stores", "store"), serialization_alias="stores"
    )
    """The stores that it runs in; all without it."""
    schedule: Schedule | None = None
    """When it runs."""
    priority: Annotated[Whole, Field(ge=-1_000_000, le=1_000_000)] = 0
    """The higher comes first."""
    lane: Name | None = None
    """The lane that it stands in."""
    exclusive: Flag = False
    """Whether it shuts out all others."""
    limits: Limits = Limits()
    """How often, and for how much at most."""
    on_return: OnReturn | None = None
    """What a return does with what does not divide, where it is not as `returns.on_return` says."""
    combine: Combine | None = None
    """Whether its multipliers multiply or add up their bonuses."""
    then: Annotated[tuple[Effect, ...], Field(min_length=1)]
    """What it does, in order."""

    @model_validator(mode="after")
    def _combine_multipliers(self) -> Campaign:
        # Written once for the campaign, `combine` holds for each of its multipliers that says nothing itself.
        if self.combine is not None:
            object.__setattr__(self, "then", tuple(_combined(effect, self.combine) for effect in self.then))
        return self


def _combined(effect: Effect, combine: Combine) -> Effect:
    if isinstance(effect, Multiply) and "combine" not in effect.model_fields_set:
        return effect.model_copy(update={"combine": combine})
    return effect


LaneEntry = Annotated[Lane, Short("choose")]
