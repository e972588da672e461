"""Rewards: what units buy and campaigns grant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from guerdon.rules.definition.campaigns import Limits, OnReturn
from guerdon.rules.definition.effects import Discount
from guerdon.rules.definition.scalars.part import Listed, Part
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Line, Moment, Name, Whole
from guerdon.rules.definition.scalars.words import ExpressionText

RewardKind = Literal[
    "product",
    "coupon",
    "discount",
    "shipping",
    "event",
    "access",
    "content",
    "donation",
    "warranty",
    "gift_card",
    "partner",
    "service",
    "experience",
    "choice",
]
MIN_RANDOM: Final = 6
MAX_RANDOM: Final = 32
_CODE = re.compile(r"([A-Z0-9-]{0,24})\{([0-9]{1,2})\}([A-Z0-9-]{0,24})")


def code_parts(template: str) -> tuple[str, int, str]:
    """Take a coupon code's template apart.

    Args:
        template: text such as `TEN-{8}`.

    Returns:
        What comes before, how many random characters, what comes after.

    Raises:
        PydanticCustomError: `bad_code_template`.
    """
    found = _CODE.fullmatch(template)
    if found is None or not MIN_RANDOM <= int(found[2]) <= MAX_RANDOM:
        detail = (
            f"a code such as TEN-{{8}} was expected, not {shown(template)}: capitals, digits, - and once "
            f"{{n}}, n random characters, {MIN_RANDOM} to {MAX_RANDOM}"
        )
        raise refusal("bad_code_template", detail, expected="TEN-{8}")
    return found[1], int(found[2]), found[3]


def _read_code(value: object) -> str:
    text = value if isinstance(value, str) else ""
    code_parts(text)
    return str(text)


Price = Annotated[Exact, Field(gt=0)]
Amount = Annotated[Exact, Field(ge=0)]
Count = Annotated[Whole, Field(ge=1, le=1_000)]


class Content(Part):
    """What only those see who took the reward."""

    url: Line | None = None
    """Where it is."""
    text: Text | None = None
    """What it says."""


class Reward(Part):
    """What can be had for units, or as a grant."""

    kind: RewardKind
    """What kind of thing it is."""
    name: Text | None = None
    """How people call it."""
    description: Text | None = None
    """What it is, in a sentence or two."""
    price: Mapping[Name, Price] = Field(default_factory=dict)
    """What it costs, by wallet; campaigns alone give it without one."""
    price_by_tier: Mapping[Line, Annotated[Mapping[Name, Price], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """What it costs for a tier and those above it, up to the next that is named."""
    audience: ExpressionText | None = None
    """Who may see it and take it."""
    stock: Annotated[Whole, Field(ge=0)] | None = None
    """How many there are; no end of them without it."""
    seats: Annotated[Whole, Field(ge=0)] | None = None
    """How many seats there are."""
    discount: Discount | None = None
    """What its coupon takes off a cart."""
    remaining: Literal["lost", "kept"] = "lost"
    """What becomes of the money of its coupon that a cart does not use: the next one may."""
    when: ExpressionText | None = None
    """What a cart must be for its coupon to be taken."""
    lane: Name | None = None
    """The lane that its coupon stands in."""
    priority: Annotated[Whole, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """The higher comes first."""
    exclusive: Flag | None = None
    """Whether its coupon shuts out all other discounts."""
    valid: Span | None = None
    """How long it can be used; without end without it."""
    code: Annotated[str, BeforeValidator(_read_code), WithJsonSchema({"type": "string"})] | None = None
    """How its codes look, such as TEN-{8}: eight random characters after TEN-."""
    worth: Annotated[Exact, Field(ge=0)] | None = None
    """Money that it is worth to who gets it."""
    cost: Annotated[Exact, Field(ge=0)] | None = None
    """Money that it costs the shop."""
    sku: Line | None = None
    """The product."""
    collection: Line | None = None
    """The products that an access opens, as the shop calls them together."""
    tiers: Annotated[tuple[Line, ...], Listed()] = ()
    """The tiers that may have it; all without it."""
    at: Moment | None = None
    """When it takes place, in the program's local time."""
    called_off: Text | None = None
    """Why it does not take place; whoever has a seat gets back what was paid."""
    lasts: Span | None = None
    """How long it takes, such as 2h; days where `at` is a day."""
    opens: Moment | None = None
    """When it can be had by its tiers first."""
    public_at: Moment | None = None
    """When it can be had by everybody."""
    until: Moment | None = None
    """The last day or moment on which it can be had."""
    choices: Annotated[tuple[Line, ...], Listed()] = ()
    """What can be chosen of it, words or, of a `choice`, rewards as well; any words without it."""
    stock_by_choice: Mapping[Line, Annotated[Whole, Field(ge=0)]] = Field(default_factory=dict)
    """How many there are of each choice; no end of those that are not named."""
    cause: Line | None = None
    """What a donation is for."""
    match: Annotated[Exact, Field(ge=0)] | None = None
    """What the shop gives for each unit of money that is donated."""
    adds: Span | None = None
    """By how long a warranty becomes longer."""
    content: Content | None = None
    """What only those see who took it."""
    place: Text | None = None
    """Where it takes place or is given out."""
    partner: Line | None = None
    """Whose points or service it is."""
    gives: Amount | None = None
    """How many of the partner's points it is."""
    on_return: OnReturn | None = None
    """What a return does with one that its order gave or used, whatever else is said of returns."""
    at_least: Count | None = None
    """How many must be taken at once."""
    at_most: Count | None = None
    """How many can be taken at once."""
    cooling: Span | None = None
    """How long an account waits before it takes it again."""
    needs: Mapping[Name, Price] = Field(default_factory=dict)
    """What an account must have to begin with, by wallet."""
    leaves: Mapping[Name, Price] = Field(default_factory=dict)
    """What must be left to it afterwards, by wallet."""
    limits: Limits = Limits()

    """How often it can be had."""
