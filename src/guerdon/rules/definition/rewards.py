"""Rewards: what units buy and campaigns grant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from guerdon.rules.definition.campaigns import Limits
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


class Reward(Part):
    """What can be had for units, or as a grant."""

    kind: RewardKind
    name: Text | None = None
    price: Mapping[Name, Price] = Field(default_factory=dict)
    stock: Annotated[Whole, Field(ge=0)] | None = None
    seats: Annotated[Whole, Field(ge=0)] | None = None
    discount: Discount | None = None
    when: ExpressionText | None = None
    """What a cart must be for its coupon to be taken."""
    lane: Name | None = None
    priority: Annotated[Whole, Field(ge=-1_000_000, le=1_000_000)] | None = None
    exclusive: Flag | None = None
    valid: Span | None = None
    code: Annotated[str, BeforeValidator(_read_code), WithJsonSchema({"type": "string"})] | None = None
    worth: Annotated[Exact, Field(ge=0)] | None = None
    cost: Annotated[Exact, Field(ge=0)] | None = None
    sku: Line | None = None
    tiers: Annotated[tuple[Line, ...], Listed()] = ()
    at: Moment | None = None
    opens: Moment | None = None
    public_at: Moment | None = None
    cause: Line | None = None
    match: Annotated[Exact, Field(ge=0)] | None = None
    adds: Span | None = None
    limits: Limits = Limits()
