"""The budget that bounds all work of one evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guerdon.rules.expressions.errors import Failure

STEPS = 160_000
"""How many steps one evaluation may take: each part that a loop computes in each of its turns is one, and an
operation that takes longer several."""
LONGEST_LIST = 20_000
"""Items that a function of whole lists goes through."""
LONGEST_TEXT = 65_536
"""Characters that a text built by an expression may have."""
_TEXT_STEP = 6
"""A step of the budget pays for 2 to the power of this characters."""


def spent() -> Failure:
    """Make the refusal of work that would be too much.

    Returns:
        A failure `iteration_limit`.
    """
    detail = f"an expression may take {STEPS} steps; loops take one for each part of each turn"
    return Failure("iteration_limit", detail)


def pay(budget: list[int], steps: int) -> None:
    """Pay for work.

    Args:
        budget: the steps that are left, as its only item.
        steps: how many the work takes.

    Raises:
        Failure: `iteration_limit`.
    """
    budget[0] -= steps
    if budget[0] < 0:
        raise spent()


def take(budget: list[int], items: Any, weight: int) -> Any:
    """Pay for a loop.

    Args:
        budget: the steps that are left, as its only item.
        items: what the loop goes through; all of it is paid for, however soon the loop ends.
        weight: steps of one turn.

    Returns:
        The items.

    Raises:
        Failure: `iteration_limit`.
    """
    # As `pay`, without a second frame: each loop of each condition comes through here.
    budget[0] -= len(items) * weight
    if budget[0] < 0:
        raise spent()
    return items


def numbered(items: Any) -> Iterable[tuple[Any, Any]]:
    """Give what a loop with two variables goes through.

    Args:
        items: a list or a map.

    Returns:
        Each item of a list after its index, each value of a map after its key.
    """
    return items.items() if isinstance(items, Mapping) else enumerate(items)


def weigh(budget: list[int], value: Any) -> Any:
    """Pay for the size of an operand inside a loop.

    Args:
        budget: the steps that are left, as its only item.
        value: a text, list, map or anything else (which costs nothing).

    Returns:
        The value.

    Raises:
        Failure: `iteration_limit`.
    """
    if isinstance(value, (str, bytes)):
        budget[0] -= len(value) >> _TEXT_STEP
    elif isinstance(value, (list, tuple, set, frozenset, Mapping)):
        budget[0] -= len(value)
    if budget[0] < 0:
        raise spent()
    return value
