"""The shop's program: what the engine gets, and the figures that the model reads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.world.programs import Spec, Wallet

TEXT = """
program: store
name: Store
currency: EUR
timezone: Europe/Berlin
checkout: {ttl: 15min}
returns: {given_back_lasts: 5d, gift_cards_to: card}
wallets:
  points: {scale: 0, rounding: floor, pending: 2d, expires: {after: 25d, from: earned}, worth: "0.05"}
  stamps: {scale: 0, rounding: floor, pending: 0d, expires: never, debt: stop_at_zero}
  credit: {scale: 2, tender: store_credit}
  cards: {scale: 2, tender: gift_card, expires: {after: 40d, from: earned}}
earning: {paid_with: {gift_card: true, store_credit: false, points: false}}
metrics:
  month_spend: {event: order.paid, value: order.net, window: calendar_month}
ladders:
  club:
    metric: month_spend
    review: calendar_month
    tiers: {basic: {from: 0, rate: 1}, plus: {from: 150, rate: 2}}
lanes:
  deals: {choose: best, priority: 30}
campaigns:
  base:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  stamp:
    trigger: order.paid
    when: order.net >= 40
    limits: {per_account: 3, per: month}
    then: [{award: {wallet: stamps, amount: "1"}}]
  thanks:
    trigger: order.paid
    when: order.net >= 120
    limits: {per_account: 2, per: month}
    then: [{grant: five}]
  pot:
    trigger: order.paid
    limits: {budget: {units: {points: "40"}, per: month}, when_short: part}
    then: [{award: {wallet: points, amount: "7"}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "600", pending: 0d}}]
  ten:
    trigger: checkout
    lane: deals
    limits: {per_account: 2, per: month}
    then: [{discount: {percent: 10, of: order}}]
  fiver:
    trigger: checkout
    lane: deals
    when: cart.net >= 40
    limits: {budget: {money: "23.00", per: month}, when_short: part}
    then: [{discount: {amount: "5.00"}}]
  early:
    trigger: checkout
    priority: 20
    limits: {total: 6, per: month}
    then: [{discount: {percent: 3, of: lines, where: line.quantity >= 2}}]
  post:
    trigger: checkout
    priority: 5
    when: cart.net >= 80
    then: [{discount: {percent: 100, of: shipping}}]
rewards:
  five:
    kind: coupon
    discount: {amount: "5.00"}
    priority: 10
    valid: 20d
    price: {points: 60}
    code: "FIVE-{8}"
  fifth: {kind: coupon, discount: {percent: 20}, priority: 10}
  cup: {kind: product, price: {points: 90}, stock: 7}
  mystery: {kind: product, price: {stamps: 2}, limits: {per_account: 2, per: month}}
"""

WORTH_MINOR = 5
"""What a point pays, in cents."""
PRICES = {"five": ("points", 60), "cup": ("points", 90), "mystery": ("stamps", 2)}
CUPS = 7
SHARED_CODE = "WELCOME10"
BATCH = 300
"""Codes of one use each."""


@dataclass(frozen=True)
class Version:
    """What changes from version to version: a checkout and a return go by the one that decided."""

    number: int

    @property
    def percent(self) -> int:
        """What `ten` takes off."""
        return (10, 12, 15)[(self.number - 1) % 3]

    @property
    def rate(self) -> int:
        """What the upper tier multiplies by."""
        return (2, 3)[(self.number - 1) % 2]

    @property
    def stamp_from(self) -> int:
        """From which net on, in cents, an order earns a stamp."""
        return (4000, 3000)[(self.number - 1) % 2]

    @property
    def cards_to_credit(self) -> bool:
        """Whether what gift cards paid comes back as store credit."""
        return self.number % 3 == 0

    @property
    def text(self) -> str:
        """The definition."""
        return (
            TEXT.replace("percent: 10, of: order", f"percent: {self.percent}, of: order")
            .replace("plus: {from: 150, rate: 2}", f"plus: {{from: 150, rate: {self.rate}}}")
            .replace("order.net >= 40", f"order.net >= {self.stamp_from // 100}")
            .replace(
                "gift_cards_to: card", f"gift_cards_to: {('card', 'store_credit')[self.cards_to_credit]}"
            )
        )


def _net(net: Fraction) -> Fraction:
    return net


SPEC = Spec(
    "store",
    TEXT,
    "Europe/Berlin",
    2,
    {
        "points": Wallet(0, "floor", ("days", 2), earned=("days", 25)),
        "stamps": Wallet(0, "floor", ("days", 0)),
        "credit": Wallet(2, "floor", ("days", 0)),
        "cards": Wallet(2, "floor", ("days", 0), earned=("days", 40)),
    },
    (("basic", Fraction(0), Fraction(1)), ("plus", Fraction(150), Fraction(2))),
    _net,
    {},
    {},
)
