"""What is in a sample member's basket, with exact money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any, Final

from guerdon.connect.samples.goods import ARTICLES, Article
from guerdon.connect.samples.habits import sale_per_cent
from guerdon.connect.samples.happening import Happening

_TAX_RATE: Final = "0.08875"
_FREE_SHIPPING_CENTS: Final = 7_500
_SHIPPING: Final = "5.95"
_LINES: Final = ((1, 52), (2, 29), (3, 13), (4, 6))
"""How many lines an order has, and of a hundred orders how many have so."""
_PATIENT_PER_CENT: Final = 18


def make_order(chance: Random, persona: str, day: date, store: str) -> dict[str, Any]:
    """Fill a basket.

    Args:
        chance: the dice.
        persona: whose taste counts.
        day: the local day, which may be one of a sale.
        store: empty where it is sent, with shipping.

    Returns:
        The order's data without its id; money as decimal text.
    """
    count = chance.choices([lines for lines, _ in _LINES], [weight for _, weight in _LINES])[0]
    likes = [article.liked.get(persona, 1) for article in ARTICLES]
    chosen = {one.sku: one for one in chance.choices(ARTICLES, likes, k=count)}
    reduced = sale_per_cent(day)
    lines, net_cents = [], 0
    for place, article in enumerate(chosen.values(), start=1):
        quantity = 2 if "accessory" in article.categories and chance.randrange(8) == 0 else 1
        off = article.price_cents * quantity * reduced // 100 if "backpack" in article.categories else 0
        net_cents += article.price_cents * quantity - off
        lines.append(_line(place, article, quantity, off))
    order: dict[str, Any] = {"currency": "USD", "lines": lines}
    if not store and net_cents < _FREE_SHIPPING_CENTS:
        order["shipping"] = {"amount": _SHIPPING, "method": "standard"}
    return order


def let_wait(seed: int, happenings: Sequence[Happening]) -> None:
    """Let some of those to whom an order is sent choose delivery without a rush.

    Args:
        seed: decides which.
        happenings: what they bought, among others; the order says so then.
    """
    for place, one in enumerate(happenings):
        if one.type != "order.paid" or one.store:
            continue
        # With dice of their own, so that nothing else of the year is changed by it.
        if Random(f"{seed}:rush:{place}").randrange(100) < _PATIENT_PER_CENT:
            one.data["attributes"] = {"delivery": "no_rush"}


def _line(place: int, article: Article, quantity: int, off_cents: int) -> dict[str, Any]:
    line = {
        "id": str(place),
        "sku": article.sku,
        "name": article.name,
        "quantity": quantity,
        "price": _money(article.price_cents),
        "categories": list(article.categories),
        "brand": article.brand,
        "tax_rate": _TAX_RATE,
    }
    return line | ({"discount": _money(off_cents)} if off_cents else {})


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
