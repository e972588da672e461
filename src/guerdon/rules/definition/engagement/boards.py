"""Leaderboards, and the teams that stand on them."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from guerdon.rules.definition.engagement.challenges import Prize
from guerdon.rules.definition.engagement.dated import Dated
from guerdon.rules.definition.metrics import Window
from guerdon.rules.definition.scalars.meant import ranks_meant
from guerdon.rules.definition.scalars.part import DescribedPart
from guerdon.rules.definition.scalars.problems import refusal, shown
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.values import Exact, Flag, Name, Picture, Whole
from guerdon.rules.definition.scalars.words import ExpressionText

MAX_SHOWN: Final = 1000
_RANKS: Final = re.compile(r"([1-9][0-9]{0,5})(?: *- *([1-9][0-9]{0,5}))?")


def _read_ranks(value: object) -> str:
    found = _RANKS.fullmatch(str(value)) if isinstance(value, str | int) else None
    if found is None or (found[2] and int(found[2]) < int(found[1])):
        detail = f"a rank such as 1, or ranks such as 2-10, were expected, not {shown(value)}"
        raise refusal("bad_ranks", detail, expected="1 or 2-10", nearest=ranks_meant(value))
    return f"{found[1]}-{found[2]}" if found[2] and found[2] != found[1] else found[1]


Ranks = Annotated[
    str,
    BeforeValidator(_read_ranks),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["1", "2-10"]}),
]


def rank_bounds(ranks: str) -> tuple[int, int]:
    """Say which ranks are meant.

    Args:
        ranks: as definitions write them, such as `1` or `2-10`.

    Returns:
        The first and the last rank, both inside.
    """
    first, _, last = ranks.partition("-")
    return int(first), int(last or first)


class RankPrize(DescribedPart):
    """What some ranks bring when the board's time is over."""

    rank: Ranks
    """One rank such as `1`, or ranks such as `2-10`."""
    prize: Prize
    """What each of them gets."""


class Leaderboard(Dated):
    """Accounts or teams in the order of a metric."""

    name: Text | None = None
    """How people call the board."""
    description: Text | None = None
    """What it is about, in a sentence."""
    metric: Name
    """The metric; the highest value stands first."""
    window: Window | None = None
    """The time that counts; the metric's own without it."""
    shows: Annotated[Whole, Field(ge=1, le=MAX_SHOWN)] = 10
    """How many ranks everybody sees."""
    opt_in: Flag = False
    """Whether only those stand on it who join, under a name that they choose."""
    team: Name | None = None
    """The kind of team that is ranked instead of accounts."""
    least: Annotated[Exact, Field(gt=0)] | None = None
    """The least value with which one stands on it."""
    audience: ExpressionText | None = None
    """Who may stand on it."""
    grace: Span = Span(hours=1)
    """How long after the end what is told late still counts; then ranks stand, and prizes are given."""
    prizes: Annotated[tuple[RankPrize, ...], Field(max_length=100)] = ()
    """What ranks bring at the end of each window."""

    @model_validator(mode="after")
    def _one_prize_a_rank(self) -> Leaderboard:
        last = 0
        for one in self.prizes:
            first, until = rank_bounds(one.rank)
            if first <= last:
                detail = f"ranks stand from high to low and each once, and {one.rank} comes after rank {last}"
                raise refusal("ranks_overlap", detail, key="prizes")
            last = until
        return self


class Team(DescribedPart):
    """A kind of team that members form among themselves."""

    name: Text | None = None
    """How people call such a team."""
    description: Text | None = None
    """What it is for, in a sentence."""
    picture: Picture | None = None
    """A picture, as an address or as the name of a file."""
    size: Annotated[Whole, Field(ge=2, le=10_000)] = 10
    """How many accounts a team has at most."""
    join: Literal["open", "asked", "invited"] = "open"
    """Whether anybody joins, the captain agrees, or the captain invites."""
    invites: Annotated[Whole, Field(ge=1, le=10_000)] = 20
    """How many invitations of a team may wait for an answer at once."""
    audience: ExpressionText | None = None
    """Who may be in one."""
