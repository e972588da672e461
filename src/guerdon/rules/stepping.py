"""What deciding rests on: exact arithmetic, and how far effects set off further ones."""

from __future__ import annotations

import decimal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from guerdon.rules.expressions import EXACT

COMPLETED: Final = "challenge.completed"
"""What reaching the goal of a challenge sets off."""
FOLLOW_ONS: Final = ("tier.reached", "badge.earned", COMPLETED)
"""Triggers that decisions themselves set off."""
TAKING: Final = "guerdon.redeem"
"""What a member sets off who takes a reward: audiences of rewards are read then."""
PLAYING: Final = "guerdon.play"
"""What a member sets off who looks at quizzes: their audiences are read then."""
DEPTH: Final = 4
"""Effects set off further effects at most so deep."""


def tier_data(ladder: str, tier: str, cause: str = "reached") -> dict[str, str]:
    """Tell what is said of a tier that was reached.

    Args:
        ladder: on which ladder.
        tier: which one.
        cause: `reached` by what was counted, or `given` by an operator.

    Returns:
        All of it.
    """
    return {"ladder": ladder, "tier": tier, "cause": cause}


def badge_data(mark: str) -> dict[str, str | int]:
    """Tell what is said of a badge that was earned.

    Args:
        mark: as accounts keep it: the badge's key, with a colon and a number for a higher level.

    Returns:
        The badge, and which level of it.
    """
    badge, _, level = mark.partition(":")
    return {"badge": badge, "level": int(level or 1)}


def mark_of(data: Mapping[str, Any]) -> str:
    """Name what an account keeps of a badge.

    Args:
        data: as `badge_data` makes it.

    Returns:
        The mark.
    """
    return data["badge"] if data["level"] == 1 else f"{data['badge']}:{data['level']}"


@contextmanager
def exactly() -> Iterator[None]:
    """Enter the arithmetic in which decisions are made: wide decimals, where rounding is an error.

    Yields:
        Nothing; enter it once for a batch, `step` expects it.
    """
    with decimal.localcontext(EXACT):
        yield
