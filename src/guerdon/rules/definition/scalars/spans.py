"""Spans: lengths of time in one unit of the calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.scalars.problems import refusal, shown

MAX_SPAN_YEARS: Final = 100
_LOOSE: Final = re.compile(r"([0-9]{1,7}) *([a-z]*?)s?")
_UNITS: Final = {
    "": "d", "d": "d", "day": "d", "h": "h", "hr": "h", "hour": "h", "w": "w", "wk": "w", "week": "w",
    "m": "mo", "mo": "mo", "mon": "mo", "month": "mo", "y": "y", "yr": "y", "year": "y", "min": "min",
    "minute": "min",
}  # fmt: skip
"""How people write units, and how definitions do."""
_SPAN: Final = re.compile(r"([0-9]{1,7})(min|mo|h|d|w|y)")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in one unit of the calendar; `Span()` is no time at all."""

    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0

    @property
    def is_zero(self) -> bool:
        """Say whether the span is no time at all.

        Returns:
            True for `0d`, `0h` and so on.
        """
        return not (self.months or self.days or self.hours or self.minutes)

    @property
    def text(self) -> str:
        """Write the span as definitions do.

        Returns:
            Text such as `14d`; years come out as months, weeks as days.
        """
        parts = ((self.months, "mo"), (self.hours, "h"), (self.minutes, "min"))
        return next((f"{count}{unit}" for count, unit in parts if count), f"{self.days}d")

    @classmethod
    def read(cls, value: object) -> Span:
        """Read a span.

        Args:
            value: text such as `14d`, `12mo`, `2y`, `6h`, `2w`, `30min`, or a span.

        Returns:
            The span.

        Raises:
            PydanticCustomError: `bad_span`, `span_too_long`.
        """
        if isinstance(value, Span):
            return value
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            detail = (
                f"a length of time was expected, such as 14d, 12mo, 2y, 6h, 2w or 30min, not {shown(value)}"
            )
            expected = "a number and one of min h d w mo y"
            raise refusal("bad_span", detail, expected=expected, nearest=_meant(value))
        count = int(found[1])
        span = _span(count, found[2])
        if span.months > 12 * MAX_SPAN_YEARS or _minutes(span) > MAX_SPAN_YEARS * 366 * 1440:
            raise refusal("span_too_long", f"{shown(value)} is longer than {MAX_SPAN_YEARS} years")
        return span

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_SPAN.pattern}$", "examples": ["14d", "12mo"]}


def _meant(value: object) -> str:
    found = _LOOSE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    unit = _UNITS.get(found[2]) if found is not None else None
    return f"{found[1]}{unit}" if found is not None and unit is not None else ""


def _span(count: int, unit: str) -> Span:
    made = {
        "min": Span(minutes=count),
        "h": Span(hours=count),
        "d": Span(days=count),
        "w": Span(days=7 * count),
        "mo": Span(months=count),
        "y": Span(months=12 * count),
    }
    return made[unit]


def _minutes(span: Span) -> int:
    return (span.days * 24 + span.hours) * 60 + span.minutes


def _lasts(span: Span) -> Span:
    if span.is_zero:
        raise refusal("out_of_range", "a length of time longer than nothing was expected")
    return span


Length = Annotated[Span, AfterValidator(_lasts)]
"""A span that is longer than nothing."""
