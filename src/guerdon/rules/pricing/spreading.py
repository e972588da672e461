"""Whole minor units out of exact shares: rounded over a scope, spread to the last, never above the room."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from typing import Literal

from guerdon.base.exact import RoundingMode, round_ratio

Leftover = Literal["largest_remainder", "last_line", "first_line"]
Ratio = tuple[int, int]


def share_out(
    total: int, weights: Sequence[int], leftover: Leftover, rooms: Sequence[int] | None = None
) -> list[int]:
    """Spread minor units over lines in proportion.

    Args:
        total: what is spread, not negative.
        weights: by line, not negative.
        leftover: which lines get the units that do not divide.
        rooms: by line, the most that it can take; None where that is its weight.

    Returns:
        By line; they sum to `total`, or to all the room there is where that is less.
    """
    if rooms is not None and rooms is not weights:
        return _within(total, weights, leftover, rooms)
    whole = sum(weights)
    if total >= whole:
        return list(weights)
    shares = [total * weight // whole for weight in weights]
    rest = total - sum(shares)
    if rest == 1 and leftover == "largest_remainder":
        most = [total * weight % whole for weight in weights]
        shares[most.index(max(most))] += 1
    elif rest:
        _give(shares, rest, _takers(total, weights, whole, leftover), weights)
    return shares


def _within(total: int, weights: Sequence[int], leftover: Leftover, rooms: Sequence[int]) -> list[int]:
    """Spread where a line may have less room than its share: what it cannot take goes to the others."""
    shares = [0] * len(weights)
    open_weights = [weight if room > 0 else 0 for weight, room in zip(weights, rooms, strict=True)]
    total = min(total, sum(room for room, weight in zip(rooms, weights, strict=True) if weight and room > 0))
    while total:
        whole = sum(open_weights)
        full = [
            place
            for place, weight in enumerate(open_weights)
            if weight and total * weight > rooms[place] * whole
        ]
        if not full:
            break
        for place in full:
            shares[place], open_weights[place] = rooms[place], 0
        total -= sum(rooms[place] for place in full)
    if total:
        whole = sum(open_weights)
        for place, weight in enumerate(open_weights):
            if weight:
                shares[place] = total * weight // whole
        rest = total - sum(share for share, weight in zip(shares, open_weights, strict=True) if weight)
        _give(shares, rest, _takers(total, open_weights, whole, leftover), rooms)
    return shares


def _takers(total: int, weights: Sequence[int], whole: int, leftover: Leftover) -> list[int]:
    """List the lines with a weight in the order in which they get the units that are left."""
    places = [place for place, weight in enumerate(weights) if weight]
    if leftover == "largest_remainder":
        places.sort(key=lambda place: -(total * weights[place] % whole))
    elif leftover == "last_line":
        places.reverse()
    return places


def _give(shares: list[int], rest: int, takers: Sequence[int], rooms: Sequence[int]) -> None:
    # A unit each by remainder is always less than one unit over the exact share, and so within whole rooms.
    by_one = len(takers) > rest
    for place in takers:
        if not rest:
            return
        more = min(rest, rooms[place] - shares[place], 1 if by_one else rest)
        shares[place] += more
        rest -= more
    if rest and by_one:
        _give(shares, rest, takers, rooms)


def round_over(
    exact: Sequence[Ratio],
    groups: Sequence[Sequence[int]] | None,
    how: tuple[RoundingMode, Leftover],
    rooms: Sequence[int] | None = None,
) -> list[int]:
    """Round exact amounts to minor units, each by itself or in groups.

    Args:
        exact: by line, a quotient that is not negative.
        groups: places that are rounded together; None rounds each line by itself.
        how: how a sum is rounded, and who gets what does not divide.
        rooms: by line, the most that it can come to; None where there is no bound.

    Returns:
        By line, minor units.
    """
    mode, leftover = how
    if groups is None:
        rounded = [round_ratio(top, bottom, mode) if top else 0 for top, bottom in exact]
        if rooms is None:
            return rounded
        return [min(amount, room) for amount, room in zip(rounded, rooms, strict=True)]
    shares = [0] * len(exact)
    for group in groups:
        bottom = lcm(*(exact[place][1] for place in group))
        weights = [exact[place][0] * (bottom // exact[place][1]) for place in group]
        total = round_ratio(sum(weights), bottom, mode)
        # Weights are finer than minor units, so they bound nothing by themselves.
        free = [total] * len(group) if rooms is None else [rooms[place] for place in group]
        for place, share in zip(group, share_out(total, weights, leftover, free), strict=True):
            shares[place] = share
    return shares
