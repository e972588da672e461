"""Metrics: what is counted about an account, and over which time."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from guerdon.rules.definition.scalars.part import Part
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.values import Day, EventType, Flag, Whole
from guerdon.rules.definition.scalars.words import ExpressionText

CalendarWindow = Literal[
    "all_time", "calendar_year", "calendar_quarter", "calendar_month", "calendar_week", "membership_year"
]
Forgiven = Annotated[Whole, Field(ge=0, le=12)]
MAX_ROLLING_DAYS: Final = 400
MAX_ROLLING_MONTHS: Final = 13

_SYNONYMS: Final = {unit: f"calendar_{unit}" for unit in ("year", "quarter", "month", "week")}
_WINDOW_SCHEMA: Final = {"enum": [*get_args(CalendarWindow), *_SYNONYMS]}
_OF_DATES: Final = frozenset({"starts", "ends"})
_FOLDS: Final = ("value", "streak", "distinct", "min", "max", "last")


class Rolling(Part):
    """A window of so many days or months before now."""

    rolling: Span
    """How many days or months before now."""

    @model_validator(mode="after")
    def _fits_buckets(self) -> Rolling:
        span = self.rolling
        whole_days = bool(span.days or span.months)
        if not whole_days or span.days > MAX_ROLLING_DAYS or span.months > MAX_ROLLING_MONTHS:
            detail = (
                f"a rolling window is 1 to {MAX_ROLLING_DAYS} days or 1 to {MAX_ROLLING_MONTHS} months long"
            )
            raise refusal("bad_rolling_window", detail, key="rolling")
        return self


class Dates(Part):
    """A window between two dates, both of them included."""

    starts: Day
    """The first day of which events count."""
    ends: Day
    """The last day of which events count."""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Dates:
        if self.starts > self.ends:
            raise refusal("ends_before_start", "this ends before it starts", key="ends")
        return self


def _spell_out(value: Any) -> Any:
    return _SYNONYMS.get(value, value) if isinstance(value, str) else value


def _kind_of_window(value: Any) -> str:
    if isinstance(value, Dates) or (isinstance(value, dict) and not value.keys().isdisjoint(_OF_DATES)):
        return "<dates>"
    return "<rolling>" if isinstance(value, dict | Rolling) else "<calendar>"


Window = Annotated[
    Annotated[CalendarWindow, BeforeValidator(_spell_out), WithJsonSchema(_WINDOW_SCHEMA), Tag("<calendar>")]
    | Annotated[Rolling, Tag("<rolling>")]
    | Annotated[Dates, Tag("<dates>")],
    Discriminator(_kind_of_window),
]


class Streak(Part):
    """Periods in a row with at least one event that counts."""

    of: Literal["day", "week", "month"]
    """Which periods: days, weeks from Monday, or calendar months."""
    forgives: Forgiven = 0
    """So many periods in a row may pass without an event: they do not count, and they do not end it."""
    longest: Flag = False
    """Whether the longest one counts, and not the one that goes on."""


def _kind_of_streak(value: Any) -> str:
    return "<streak>" if isinstance(value, dict | Streak) else "<periods>"


StreakText = Annotated[
    Annotated[Literal["day", "week", "month"], Tag("<periods>")] | Annotated[Streak, Tag("<streak>")],
    Discriminator(_kind_of_streak),
]


class Metric(Part):
    """A named aggregate over an account's events; without a value it counts them."""

    event: EventType
    """The event type that it looks at."""
    value: ExpressionText | None = None
    """What it adds up; how many events there were without it."""
    when: ExpressionText | None = None
    """Which events count."""
    window: Window = "all_time"
    """The time that counts."""
    streak: StreakText | None = None
    """How many days, weeks or months in a row."""
    distinct: ExpressionText | None = None
    """How many different values; a list counts each of its own."""
    min: ExpressionText | None = None
    """The least value."""
    max: ExpressionText | None = None
    """The greatest value."""
    last: ExpressionText | None = None
    """The latest value, a number or an instant; `event.time` keeps the last time."""

    @model_validator(mode="after")
    def _one_way_of_folding(self) -> Metric:
        chosen = [name for name in _FOLDS if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise refusal(
                "one_of_these", f"a metric has one of {', '.join(_FOLDS)}, not {' and '.join(chosen)}"
            )
        return self

    @property
    def in_a_row(self) -> Streak | None:
        """The streak with all that is said of it, where the metric is one."""
        return Streak(of=self.streak) if isinstance(self.streak, str) else self.streak
