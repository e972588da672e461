"""The whole definition of a program."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal

from babel.core import get_global
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from guerdon.rules.definition.campaigns import Campaign, LaneEntry
from guerdon.rules.definition.engagement.badges import BadgeEntry
from guerdon.rules.definition.engagement.boards import Leaderboard, Team
from guerdon.rules.definition.engagement.causes import Cause, CauseKey
from guerdon.rules.definition.engagement.challenges import Challenge
from guerdon.rules.definition.engagement.community import Community, Sharing
from guerdon.rules.definition.engagement.draws import Draw
from guerdon.rules.definition.engagement.journeys import Journey
from guerdon.rules.definition.engagement.quizzes import Quiz
from guerdon.rules.definition.engagement.referral import Referral
from guerdon.rules.definition.engagement.segments import Exclusive, Segment
from guerdon.rules.definition.engagement.surveys import Survey
from guerdon.rules.definition.ladders import Benefit, Ladder, Review
from guerdon.rules.definition.metrics import Metric
from guerdon.rules.definition.rewards import Reward
from guerdon.rules.definition.scalars.part import LONE_KEY, OF_A_FIELD, Listed, Part, Short
from guerdon.rules.definition.scalars.problems import nearest_to, refusal, shown
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Language, Text
from guerdon.rules.definition.scalars.values import EventType, Flag, Line, Name, ProgramKey
from guerdon.rules.definition.settings import Checkout, Earning, Pricing, Returns, Spending
from guerdon.rules.definition.wallets import Retired, Wallet

DataType = Literal[
    "string",
    "int",
    "decimal",
    "bool",
    "date",
    "timestamp",
    "duration",
    "any",
    "list(string)",
    "list(int)",
    "list(decimal)",
]


_OF_LISTS: Final = {"minLength": "minItems", "maxLength": "maxItems"}


@cache
def time_zones() -> frozenset[str]:
    """List the time zones of the pinned tz database.

    Returns:
        IANA names.
    """
    text = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def currencies() -> frozenset[str]:
    """List the currencies.

    Returns:
        ISO 4217 codes.
    """
    return frozenset(get_global("all_currencies"))


def _read_currency(value: object) -> str:
    if isinstance(value, str) and value in currencies():
        return str(value)
    near = value.upper() if isinstance(value, str) and value.upper() in currencies() else ""
    detail = f"a currency code of ISO 4217 was expected, such as USD, not {shown(value)}"
    raise refusal("unknown_currency", detail, nearest=near)


def _read_zone(value: object) -> str:
    if isinstance(value, str) and value in time_zones():
        return str(value)
    near = nearest_to(str(value), sorted(time_zones())) if isinstance(value, str) else ""
    detail = f"a time zone of the IANA list was expected, such as America/New_York, not {shown(value)}"
    raise refusal("unknown_time_zone", detail, nearest=near)


def _name_units(value: Any) -> Any:
    """A wallet that names no unit counts in its own key."""
    if not isinstance(value, dict):
        return value
    return {key: _with(item, "unit", key) if isinstance(item, dict) else item for key, item in value.items()}


def _with(mapping: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return mapping if mapping.get(key) is not None else {**mapping, key: value}


class Datum(Part):
    """One attribute of a member, or one value in an event's data."""

    name: Text | None = None
    """What people call it."""
    type: DataType
    """What kind of value it is."""
    values: Annotated[tuple[Line, ...], Field(min_length=1)] | None = None
    """The only values that it may have."""
    personal: Flag = False
    """Whether it is encrypted with the member's own key and leaves with the person."""


DatumEntry = Annotated[Datum, Short("type")]


class EventKind(Part):
    """An event type of the program's own."""

    name: Text | None = None
    """What people call it, such as what a member did."""
    description: Text | None = None
    """What members are told of it where they send it themselves."""
    data: Mapping[Name, DatumEntry] = Field(default_factory=dict)
    """What such an event carries."""
    evidence: Literal["none", "required", "staff"] = "none"
    """Who approves it before it counts: nobody, staff by a photo or a receipt, or staff by their word."""


SegmentEntry = Annotated[Segment, Short("when")]


class Definition(Part):
    """The whole configuration of one program."""

    filled_in = frozenset({"name"})

    program: ProgramKey
    """The key of the program, by which everything names it."""
    name: Text
    """How people call the program."""
    currency: Annotated[
        str, BeforeValidator(_read_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
    ]
    """The currency of all its money, as of ISO 4217."""
    timezone: Annotated[str, BeforeValidator(_read_zone), WithJsonSchema({"type": "string"})]
    """The time zone that its days and hours are counted in."""
    languages: Annotated[tuple[Language, ...], Listed(), Field(min_length=1)] = ("en",)
    """The languages of its texts; the first is used where another is missing."""
    wallets: Annotated[Mapping[Name, Wallet], BeforeValidator(_name_units)] = Field(default_factory=dict)
    """The kinds of units that accounts hold."""
    attributes: Mapping[Name, DatumEntry] = Field(default_factory=dict)
    """What a member may carry, beside what every member has."""
    events: Mapping[EventType, EventKind] = Field(default_factory=dict)
    """Event types of the program's own, with their data."""
    metrics: Mapping[Name, Metric] = Field(default_factory=dict)
    """What is counted about an account, and over which time."""
    ladders: Mapping[Name, Ladder] = Field(default_factory=dict)
    """Levels that a metric climbs."""
    benefits: Mapping[Name, Benefit] = Field(default_factory=dict)
    """What tiers bring, with what shops and pages have to know of it; without any, names alone say it."""
    campaigns: Mapping[Name, Campaign] = Field(default_factory=dict)
    """What happens when: trigger, condition, limits, effects."""
    lanes: Mapping[Name, LaneEntry] = Field(default_factory=dict)
    """How one or several are chosen among campaigns of a lane."""
    rewards: Mapping[Name, Reward] = Field(default_factory=dict)
    """What units buy and campaigns grant."""
    badges: Mapping[Name, BadgeEntry] = Field(default_factory=dict)
    """Marks of having done something."""
    pricing: Pricing = Pricing()
    """How carts are priced."""
    earning: Earning = Earning()
    """What of an order earns."""
    spending: Spending = Spending()
    """How units are spent."""
    returns: Returns = Returns()
    """What a return undoes."""
    checkout: Checkout = Checkout()
    """How long a checkout holds what it promises."""
    claim_within: Span = Span(days=30)
    """How long a guest may claim an order."""
    challenges: Mapping[Name, Challenge] = Field(default_factory=dict)
    """Goals on metrics, with prizes; a punch card is one that repeats."""
    quizzes: Mapping[Name, Quiz] = Field(default_factory=dict)
    """Questions that end in a prize."""
    draws: Mapping[Name, Draw] = Field(default_factory=dict)
    """Chances with published odds."""
    leaderboards: Mapping[Name, Leaderboard] = Field(default_factory=dict)
    """Accounts or teams in the order of a metric."""
    teams: Mapping[Name, Team] = Field(default_factory=dict)
    """Kinds of teams that members form."""
    referral: Referral = Referral()
    """What an invitation brings to both sides."""
    community: Community = Community()
    """What members post, ask and answer, and who looks at it."""
    sharing: Sharing = Sharing()
    """What members can show to others, and what visits count."""
    causes: Mapping[CauseKey, Cause] = Field(default_factory=dict)
    """What members give their units to."""
    segments: Mapping[Name, SegmentEntry] = Field(default_factory=dict)
    """The accounts for which a condition holds."""
    content: Mapping[Name, Exclusive] = Field(default_factory=dict)
    """What only some members are shown: stories, films, plans, by what they care for."""
    journeys: Mapping[Name, Journey] = Field(default_factory=dict)
    """Messages and waits after a signal."""
    surveys: Mapping[Name, Survey] = Field(default_factory=dict)
    """Questions to members."""
    retired: Retired = Retired()
    """What is given up, and what becomes of what people hold of it."""

    @model_validator(mode="before")
    @classmethod
    def _name_itself(cls, data: Any) -> Any:
        # A bad key is reported once, as the key it is, and not again as a bad name.
        return _with(data, "name", str(data.get("program") or "-")[:63]) if isinstance(data, dict) else data

    def review_of(self, ladder: str) -> Review | None:
        """Say when a ladder is reviewed.

        Args:
            ladder: the ladder's key.

        Returns:
            The ladder's own period, else the window of its metric, or None where it is never reviewed.
        """
        chosen = self.ladders[ladder]
        if chosen.review is not None:
            return chosen.review
        metric = self.metrics.get(chosen.climbed_by[0])
        window = metric.window if metric is not None else None
        if window in ("calendar_year", "calendar_quarter", "calendar_month"):
            return window
        return None


def json_schema() -> dict[str, Any]:
    """Describe definitions for an editor.

    Returns:
        JSON Schema 2020-12, made from the models.
    """
    raw = Definition.model_json_schema(by_alias=True)
    schema = _finished(raw, raw["$defs"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Guerdon program", **schema}


def _finished(schema: Any, known: dict[str, Any]) -> Any:
    """Close the maps whose keys have a pattern, and give lone values the choices of their key."""
    if isinstance(schema, list):
        return [_finished(item, known) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _finished(item, known) for key, item in schema.items()}
    if made.get("type") == "array":
        # Behind a validator of ours pydantic takes the length of a list for that of a text.
        made = {_OF_LISTS.get(key, key): item for key, item in made.items()}
    options = made.get("anyOf")
    if isinstance(options, list) and LONE_KEY in options[0]:
        made["anyOf"] = [_alone(options[0], options[1], known), *options[1:]]
    return {**made, "additionalProperties": False} if "patternProperties" in made else made


def _alone(lone: dict[str, Any], whole: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    part = known.get(str(whole.get("$ref", "")).rpartition("/")[2], {})
    found = part.get("properties", {}).get(lone[LONE_KEY], {})
    own = {name: word for name, word in found.items() if name not in OF_A_FIELD}
    return own or {"type": lone["type"]}
