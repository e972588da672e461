"""Segments, what is shown to some members alone, and the signals that journeys wait for."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import AliasChoices, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.engagement.community import WebAddress
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import EVENT_PATTERN, EventType, Moment, Name, Picture
from guerdon.rules.definition.scalars.words import ExpressionText

_EVENT: Final = re.compile(EVENT_PATTERN)
_ROOTS: Final = frozenset({"account", "member", "wallets", "metrics", "program"})


class Segment(DescribedPart):
    """The accounts for which a condition holds."""

    when: ExpressionText
    """The condition; it sees the account, its wallets and its metrics, and no event."""
    name: Text | None = None
    """How people call the segment."""
    description: Text | None = None
    """Who is meant, in a sentence."""


class Exclusive(Dated):
    """Something to read, see or open that only some members are shown."""

    name: Text | None = None
    """What stands above it."""
    text: Text | None = None
    """What it says."""
    url: WebAddress | None = None
    """Where there is more of it."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""
    alt: Text | None = None
    """What the picture shows, for those who do not see it."""
    audience: ExpressionText | None = Field(
        default=None, validation_alias=AliasChoices("audience", "for"), serialization_alias="audience"
    )
    """For whom it is: the account, its segments, tiers and attributes, and who acts."""
    starts: Moment | None = Field(
        default=None, validation_alias=AliasChoices("starts", "from"), serialization_alias="starts"
    )
    """The first day or local time on which it is shown."""
    ends: Moment | None = Field(
        default=None, validation_alias=AliasChoices("ends", "until"), serialization_alias="ends"
    )
    """The last day or local time on which it is."""

    @model_validator(mode="after")
    def _shows_something(self) -> Exclusive:
        if self.text is None and self.url is None:
            raise refusal("one_of_these", "text or url was expected", expected="text or url")
        return self


class Signal(DescribedPart):
    """Something that happens to an account: an event, a segment that it joins, or a condition that holds."""

    segment: Name | None = None
    """The segment that the account becomes part of."""
    event: EventType | None = None
    """The event."""
    when: ExpressionText | None = None
    """Which of these events are meant, or what holds at that moment."""

    @model_validator(mode="after")
    def _is_something(self) -> Signal:
        if self.segment is not None and self.event is not None:
            raise refusal("one_of_these", "one of segment and event is meant", key="event")
        if self.segment is None and self.event is None and self.when is None:
            expected = "segment, event or when"
            raise refusal("one_of_these", f"one of {expected} was expected", expected=expected)
        return self


class Sign:
    """Takes a lone text as a signal: `segment.x` a segment, `order.paid` an event, all else a condition."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_widen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        examples = ["segment.slipping_away", "order.paid", "wallets.points.available >= 100"]
        return {"anyOf": [{"type": "string", "examples": examples}, handler(schema)]}


def _widen(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    first, _, rest = value.partition(".")
    if first == "segment" and rest:
        return {"segment": rest}
    if first == "segments" and rest:
        detail = "a segment is written as segment.name here"
        raise refusal("bad_signal", detail, nearest=f"segment.{rest}")
    is_path = first in _ROOTS and value.count(".") > 1
    if _EVENT.fullmatch(value) and not is_path and value not in ("true", "false"):
        return {"event": value}
    return {"when": value}
