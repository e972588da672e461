"""Steps on a ladder as decisions tell them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from guerdon.rules.decision import TierChange
from guerdon.rules.tiers.ladder import Ladder
from guerdon.rules.tiers.path import Move

Cause = Literal["reached", "definition", "returned", "merged", "given", "ended"]


def change_of(ladder: Ladder, move: Move, cause: Cause) -> TierChange:
    """Tell a step as decisions do.

    Args:
        ladder: the ladder.
        move: the step.
        cause: what else than time moved the account.

    Returns:
        The change.
    """
    if move.is_grace:
        return TierChange(ladder.key, move.before, move.after, move.at, "grace", "kept")
    if not move.by_time:
        return changed(ladder, (move.before, move.after), move.at, cause)
    levels = (move.before, move.after)
    change = changed(ladder, levels, move.at, "ended")
    return change if move.ended else TierChange(*_same(change), "review", change.direction)


def _same(change: TierChange) -> tuple[str, str, str, datetime]:
    return change.ladder, change.before, change.after, change.at


def changed(ladder: Ladder, levels: tuple[str, str], at: datetime, cause: Cause) -> TierChange:
    """Tell that an account moved on a ladder.

    Args:
        ladder: the ladder.
        levels: the tier before and the tier after.
        at: when.
        cause: why.

    Returns:
        The change with its direction.
    """
    before, after = levels
    up = ladder.level_of(after) > ladder.level_of(before)
    return TierChange(ladder.key, before, after, at, cause, "up" if up else "down")
