"""Which pieces of which lines a discount is about, counted and never laid out one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from guerdon.rules.pricing.cart import Cart
from guerdon.rules.promotions import Discount


class Chosen(NamedTuple):
    """What a discount is about."""

    places: Sequence[int]
    """Lines, in the order of the cart."""
    shares: Sequence[tuple[int, int]] | None = None
    """Of each: how many of how many pieces; None for whole lines."""
    times: int = 1
    """How often the discount is given."""
    group: int = 0
    """Pieces that one price is for together, 0 where it is for one."""


NOTHING = Chosen((), None, 0)


def choose_pieces(
    cart: Cart, one: Discount, got: Sequence[int], bought: Sequence[int], dearest: bool
) -> Chosen:
    """Choose the pieces of a discount.

    Args:
        cart: the cart.
        one: a discount of pieces.
        got: lines that it can be about.
        bought: lines that count as bought, where something must be.
        dearest: whether the dearest are free where the discount does not say it.

    Returns:
        The pieces; nothing where there are too few.
    """
    if one.buy:
        return _got_for_bought(cart, one, got, (bought, dearest))
    have = sum(cart.pieces[place] for place in got)
    if not one.every:
        return _picked(cart, _by_price(cart, got, one.of == "dearest"), one.count)
    times = _times(have // one.every, one)
    if one.of in ("order", "lines"):
        picked = _picked(cart, _by_price(cart, got, True), times * one.every)
        return picked._replace(times=times, group=one.every)
    picked = _picked(cart, _by_price(cart, got, one.of == "dearest"), times * one.count)
    return picked._replace(times=times)


def bought_times(cart: Cart, one: Discount, bought: Sequence[int]) -> int:
    """Tell how often what must be bought is in the cart.

    Args:
        cart: the cart.
        one: a discount with `buy`.
        bought: lines that count as bought.

    Returns:
        How often, at most as often as it is given.
    """
    return _times(sum(cart.pieces[place] for place in bought) // one.buy, one)


def by_free_price(cart: Cart, one: Discount, places: Iterable[int], dearest: bool) -> list[int]:
    """Sort lines by which of them is free first.

    Args:
        cart: the cart.
        one: the discount.
        places: the lines.
        dearest: whether the dearest go first where the discount does not say it.

    Returns:
        The lines.
    """
    return _by_price(cart, places, dearest if one.of in ("order", "lines") else one.of == "dearest")


def _times(times: int, one: Discount) -> int:
    return times if one.repeat is None else min(times, one.repeat)


def _got_for_bought(
    cart: Cart, one: Discount, got: Sequence[int], other: tuple[Sequence[int], bool]
) -> Chosen:
    """Give `count` for each `buy`, where a piece is either bought or got, and never both."""
    bought, dearest = other
    both = set(got) & set(bought)
    pieces = cart.pieces
    in_both = sum(pieces[place] for place in both)
    only_bought = sum(pieces[place] for place in bought) - in_both
    only_got = sum(pieces[place] for place in got) - in_both
    times = min(
        (only_bought + in_both) // one.buy,
        (only_got + in_both) // one.count,
        (only_bought + only_got + in_both) // (one.buy + one.count),
    )
    times = _times(times, one)
    # Of the lines that are both, so many pieces must stay bought.
    spare = in_both - max(0, times * one.buy - only_bought)
    left = times * one.count
    picked: dict[int, int] = {}
    for place in by_free_price(cart, one, got, dearest):
        use = min(pieces[place], left, spare if place in both else left)
        if use:
            picked[place] = use
            left -= use
            spare -= use if place in both else 0
    return _chosen(cart, picked)._replace(times=times)


def _by_price(cart: Cart, places: Iterable[int], dearest: bool) -> list[int]:
    ranks = cart.price_ranks
    # Of equal prices the earlier line goes first, either way round.
    return (
        sorted(places, key=lambda place: -ranks[place]) if dearest else sorted(places, key=ranks.__getitem__)
    )


def _picked(cart: Cart, places: Iterable[int], count: int) -> Chosen:
    picked: dict[int, int] = {}
    for place in places:
        use = min(cart.pieces[place], count)
        if use:
            picked[place] = use
            count -= use
    return _chosen(cart, picked)


def _chosen(cart: Cart, picked: dict[int, int]) -> Chosen:
    places = sorted(picked)
    return Chosen(places, [(picked[place], cart.pieces[place]) for place in places])
