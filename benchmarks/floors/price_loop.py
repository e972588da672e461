"""The floor of pricing: a loop over the very promotions of the benchmark, written by hand, in exact cents.

It knows percentages and amounts off all or some lines and a minimum spend, and no lanes, limits, floors,
taxes or reasons. It says for each line what each promotion took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class HandMade:
    """A promotion written by hand."""

    key: str
    holds: Callable[[Any], bool]
    """Of the scope that compiled conditions see too."""
    meant: Callable[[Any], bool] | None
    """Of a line."""
    percent: int = 0
    amount: int = 0
    """In cents."""


def price_by_hand(
    promotions: Sequence[HandMade], scope: Any, lines: Sequence[Any], subtotals: Sequence[int]
) -> tuple[list[int], list[list[tuple[str, int]]]]:
    """Price a cart.

    Args:
        promotions: in the order in which they act.
        scope: what conditions see.
        lines: the lines.
        subtotals: of the lines, in cents.

    Returns:
        What is left of each line, in cents, and what each promotion took off it.
    """
    left = list(subtotals)
    told: list[list[tuple[str, int]]] = [[] for _ in left]
    for one in promotions:
        if not one.holds(scope):
            continue
        places = [place for place, line in enumerate(lines) if one.meant is None or one.meant(line)]
        if one.percent:
            off = [(left[place] * one.percent * 2 + 100) // 200 for place in places]
        else:
            off = _spread(min(one.amount, sum(left[place] for place in places)), [left[p] for p in places])
        for place, cents in zip(places, off, strict=True):
            if cents:
                left[place] -= cents
                told[place].append((one.key, cents))
    return left, told


def _spread(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in order[: total - sum(shares)]:
        shares[place] += 1
    return shares
