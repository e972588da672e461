"""Prices of carts, pure: what campaigns and coupons take off, to the last minor unit."""

from guerdon.rules.pricing.cart import Cart, read_cart
from guerdon.rules.pricing.price import price
from guerdon.rules.pricing.quote import (
    Drawn,
    Priced,
    PricedGift,
    PricedLine,
    PricedShipping,
    Skipped,
    Taken,
)
from guerdon.rules.pricing.view import GivenCoupon, View, view_of
from guerdon.rules.promotions import Source

__all__ = [
    "Cart",
    "Drawn",
    "GivenCoupon",
    "Priced",
    "PricedGift",
    "PricedLine",
    "PricedShipping",
    "Skipped",
    "Source",
    "Taken",
    "View",
    "price",
    "read_cart",
    "view_of",
]
