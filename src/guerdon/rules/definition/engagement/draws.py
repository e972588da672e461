"""Draws: chances with published odds, and a seed that is committed to beforehand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from guerdon.rules.definition.campaigns import Limits
from guerdon.rules.definition.engagement.challenges import Prize
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.scalars.meant import odds_meant
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Count, EventType, Moment, Picture
from guerdon.rules.definition.scalars.words import ExpressionText

_ODDS: Final = re.compile(r"([1-9][0-9]{0,8}) *(?:in|/|:) *([1-9][0-9]{0,8})")
_SEED: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Odds:
    """A chance as people say it: so many in so many."""

    chance: Fraction
    """More than 0, at most 1."""

    def __str__(self) -> str:
        """Write it in the one way.

        Returns:
            Text such as `1 in 50`.
        """
        return f"{self.chance.numerator} in {self.chance.denominator}"

    @classmethod
    def read(cls, value: object) -> Odds:
        """Read odds.

        Args:
            value: text such as `1 in 50` or `1/50`, or odds.

        Returns:
            The odds in lowest terms.

        Raises:
            PydanticCustomError: `bad_odds`.
        """
        if isinstance(value, Odds):
            return value
        found = _ODDS.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None or int(found[1]) > int(found[2]):
            detail = f"odds such as '1 in 50' were expected, not {shown(value)}"
            raise refusal("bad_odds", detail, expected="1 in 50", nearest=odds_meant(value))
        return cls(Fraction(int(found[1]), int(found[2])))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_ODDS.pattern}$", "examples": ["1 in 50"]}


def _read_seed(value: object) -> str:
    if isinstance(value, str) and _SEED.fullmatch(value):
        return str(value)
    detail = f"the SHA-256 of a seed was expected, 64 hex digits in small letters, not {shown(value)}"
    raise refusal("bad_seed", detail)


class DrawPrize(DescribedPart):
    """One of the things that can be won."""

    name: Text | None = None
    """How people call it."""
    odds: Odds | None = None
    """The chance of each entry in an instant win, such as `1 in 50`."""
    winners: Count | None = None
    """How many win it, at most; in a raffle exactly so many, where there are entries enough."""
    prize: Prize
    """What each winner gets."""


class Draw(Dated):
    """A chance to win, with odds that are published and a seed that can be checked afterwards."""

    name: Text | None = None
    """How people call the draw."""
    description: Text | None = None
    """What can be won, in a sentence."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""
    kind: Literal["instant", "raffle"] = "instant"
    """Whether each entry wins or loses at once, or winners are drawn at one time."""
    trigger: EventType
    """The event that is an entry."""
    when: ExpressionText | None = None
    """Which of these events are entries."""
    audience: ExpressionText | None = None
    """Who takes part."""
    limits: Limits = Limits()
    """How often an account may enter."""
    drawn_at: Moment | None = None
    """When the winners of a raffle are drawn."""
    seed: (
        Annotated[
            str,
            BeforeValidator(_read_seed),
            WithJsonSchema({"type": "string", "pattern": f"^{_SEED.pattern}$"}),
        ]
        | None
    ) = None
    """The SHA-256 of the seed; without it the engine makes a seed and publishes its hash when it begins."""
    prizes: Annotated[tuple[DrawPrize, ...], Field(min_length=1, max_length=50)]
    """What can be won."""

    @model_validator(mode="after")
    def _says_its_chances(self) -> Draw:
        instant = self.kind == "instant"
        need, other = ("odds", "winners") if instant else ("winners", "odds")
        for at, one in enumerate(self.prizes):
            if getattr(one, need) is None:
                raise refusal(
                    "missing_key", f"prize {at + 1} of this {self.kind} needs `{need}`", key="prizes"
                )
            if not instant and one.odds is not None:
                raise refusal(
                    "one_of_these", f"prize {at + 1}: a raffle has winners, not {other}", key="prizes"
                )
        chances = sum((one.odds.chance for one in self.prizes if one.odds is not None), Fraction(0))
        if chances > 1:
            detail = f"the odds of the prizes together are {chances}, more than 1"
            raise refusal("odds_above_one", detail, key="prizes")
        return self

    @model_validator(mode="after")
    def _knows_its_day(self) -> Draw:
        if (self.kind == "raffle") != (self.drawn_at is not None):
            if self.kind == "raffle":
                raise refusal("missing_key", "a raffle needs `drawn_at`", key="kind", expected="drawn_at")
            raise refusal("one_of_these", "an instant win has no `drawn_at`", key="drawn_at")
        return self
