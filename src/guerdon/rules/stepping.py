"""What deciding rests on: exact arithmetic, and how far effects set off further ones."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guerdon.rules.expressions import EXACT

FOLLOW_ONS: Final = ("tier.reached", "badge.earned")
"""Triggers that decisions themselves set off."""
TAKING: Final = "guerdon.redeem"
"""What a member sets off who takes a reward: audiences of rewards are read then."""
PLAYING: Final = "guerdon.play"
"""What a member sets off who looks at quizzes: their audiences are read then."""
DEPTH: Final = 4
"""Effects set off further effects at most so deep."""


@contextmanager
def exactly() -> Iterator[None]:
    """Enter the arithmetic in which decisions are made: wide decimals, where rounding is an error.

    Yields:
        Nothing; enter it once for a batch, `step` expects it.
    """
    with decimal.localcontext(EXACT):
        yield
