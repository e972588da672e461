"""Tax on what lines and shipping come to, inside of prices or on top of them."""

from __future__ import annotations

from collections.abc import Sequence

from guerdon.rules.pricing.bill import Run
from guerdon.rules.pricing.spreading import Ratio, round_over


def taxes(run: Run, left: Sequence[int], shipping: int) -> tuple[list[int], int]:
    """Work out the tax of each line and of the shipping.

    Args:
        run: the pricing.
        left: by line, what is left after discounts, minor units.
        shipping: likewise.

    Returns:
        By line, and of the shipping; rounded as the program says, and summing to what was rounded.
    """
    cart = run.cart
    rates = (*cart.rates, cart.shipping_rate)
    if not any(top for top, _ in rates):
        return [0] * len(left), 0
    money = (*left, shipping)
    exact = [_tax(net, rate, cart.tax_inside) for net, rate in zip(money, rates, strict=True)]
    groups: list[list[int]] | None = None
    if run.settings.per == "order":
        groups = [list(range(len(money)))]
    elif run.settings.per == "tax_group":
        by_rate: dict[Ratio, list[int]] = {}
        for place, rate in enumerate(rates):
            by_rate.setdefault(rate, []).append(place)
        groups = list(by_rate.values())
    found = round_over(exact, groups, run.how)
    return found[:-1], found[-1]


def _tax(net: int, rate: Ratio, inside: bool) -> Ratio:
    top, bottom = rate
    return (net * top, bottom + top if inside else bottom)
