"""The worlds' programs: what the engine gets, and the same said in plain Python for the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.world.days import Span

CLUB_TEXT = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: floor, pending: 3d, expires: {after: 30d, from: earned}}
  cash: {scale: 2, rounding: half_up, pending: 0d, expires: {after: 2mo, from: earned, end_of: month}}
  leaves: {scale: 1, rounding: floor, pending: 36h, expires: never, limits: {per_day: 6, balance: 15}}
events:
  item.recycled: {data: {grams: int}}
metrics:
  month_spend: {event: order.paid, value: order.net, window: calendar_month}
ladders:
  club:
    metric: month_spend
    review: calendar_month
    tiers: {bronze: {from: 0, rate: 1}, silver: {from: 200, rate: "1.5"}, gold: {from: 600, rate: 2}}
campaigns:
  base:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  basket:
    trigger: order.paid
    when: order.net >= 100
    then: [{award: {wallet: points, amount: order.net / 30}}]
  cashback:
    trigger: order.paid
    then: [{award: {wallet: cash, amount: order.net * 0.015}}]
  friday:
    trigger: order.paid
    schedule: {days: [fri]}
    then: [{multiply: {wallet: points, by: 2}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100", pending: 0d}}]
  recycle:
    trigger: item.recycled
    limits: {per_account: 2, per: month}
    then: [{award: {wallet: leaves, amount: event.data.grams / 300}}]
  promo:
    trigger: promo.joined
    limits: {total: 10, per: month}
    then: [{award: {wallet: points, amount: "50", pending: 0d}}]
  gift:
    trigger: gift.claimed
    limits: {budget: {units: {cash: "3.5"}, per: month}, when_short: part}
    then: [{award: {wallet: cash, amount: "1"}}]
  treat:
    trigger: treat.claimed
    limits: {budget: {units: {cash: "3.5"}, per: month}, when_short: none}
    then: [{award: {wallet: cash, amount: "1"}}]
rewards:
  mug: {kind: product, price: {points: 100}, stock: 12}
  voucher: {kind: coupon, price: {points: 50}, discount: {amount: "1.00"}, valid: 30d,
    limits: {per_account: 2, per: month}}
  tote: {kind: product, price: {cash: "2.50"}, tiers: [silver, gold], limits: {total: 6, per: month}}
  set: {kind: product, price: {points: 30, cash: "0.40"}}
"""

KIOSK_TEXT = """
program: kiosk
name: Kiosk
currency: JPY
timezone: Asia/Beirut
wallets:
  stars: {scale: 0, rounding: half_even, pending: 0d, expires: {after: 10d, from: last_activity}}
metrics:
  visits: {event: order.paid, window: calendar_month}
  recent: {event: order.paid, window: {rolling: 7d}}
ladders:
  house:
    metric: visits
    review: calendar_month
    grace: 5d
    soft_landing: true
    tiers: {paper: {from: 0, rate: 1}, wood: {from: 3, rate: "1.2"}, stone: {from: 6, rate: 2}}
badges:
  big: {name: Big}
campaigns:
  auto:
    trigger: order.paid
    then: [{redeem: {reward: cake, while: wallets.stars.available >= 40}}]
  base:
    trigger: order.paid
    then: [{award: {wallet: stars, amount: order.net * account.tiers.house.rate / 100}}]
  biggest:
    trigger: order.paid
    when: order.net >= 5000
    then: [{badge: big}]
  regular:
    trigger: order.paid
    when: metrics.recent >= 3
    then: [{award: {wallet: stars, amount: "5"}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: stars, amount: "10"}}]
rewards:
  cake: {kind: product, price: {stars: 20}}
  poster: {kind: product, price: {stars: 7}, stock: 30}
"""


@dataclass(frozen=True)
class Wallet:
    scale: int
    rounding: str
    pending: Span
    earned: Span | None = None
    """Units expire so long after they were earned, or never."""
    month_end: bool = False
    idle: Span | None = None
    """All units expire so long after the last activity."""
    per_day: int | None = None
    """Units that are earned on one local day at most."""
    most: int | None = None
    """Nothing is earned above so many units."""


@dataclass(frozen=True)
class Campaign:
    trigger: str
    wallet: str = ""
    amount: Callable[[Any], Fraction] | None = None
    """Sees an `Occasion` of the model."""
    when: Callable[[Any], bool] | None = None
    weekday: int | None = None
    doubles: str = ""
    pending: Span | None = None
    per_account: int | None = None
    total: int | None = None
    budget: Fraction | None = None
    part: bool = False
    redeems: tuple[str, str, int] | None = None
    """Reward, wallet, and the least balance at which it is taken."""
    badge: str = ""


@dataclass(frozen=True)
class Reward:
    price: dict[str, int]
    stock: int | None = None
    tiers: tuple[str, ...] = ()
    valid: Span | None = None
    per_account: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Spec:
    key: str
    text: str
    zone: str
    digits: int
    wallets: dict[str, Wallet]
    tiers: tuple[tuple[str, Fraction, Fraction], ...]
    """Key, from, rate; the base first."""
    counts: Callable[[Fraction], Fraction]
    """What an order adds to the ladder's metric, by its net."""
    campaigns: dict[str, Campaign]
    rewards: dict[str, Reward]
    grace: Span | None = None
    soft: bool = False
    first_month: date = date(2025, 1, 1)


def _one(_: Fraction) -> Fraction:
    return Fraction(1)


def _net(net: Fraction) -> Fraction:
    return net


NOW_AT_ONCE: Span = ("days", 0)
HUNDRED = Fraction(100)

CLUB = Spec(
    "club",
    CLUB_TEXT,
    "America/New_York",
    2,
    {
        "points": Wallet(0, "floor", ("days", 3), earned=("days", 30)),
        "cash": Wallet(2, "half_up", NOW_AT_ONCE, earned=("months", 2), month_end=True),
        "leaves": Wallet(1, "floor", ("hours", 36), per_day=60, most=150),
    },
    (
        ("bronze", Fraction(0), Fraction(1)),
        ("silver", Fraction(200), Fraction(3, 2)),
        ("gold", Fraction(600), Fraction(2)),
    ),
    _net,
    {
        "base": Campaign("order.paid", "points", lambda o: o.net * o.rate),
        "basket": Campaign("order.paid", "points", lambda o: o.net / 30, when=lambda o: o.net >= 100),
        "cashback": Campaign("order.paid", "cash", lambda o: o.net * Fraction(15, 1000)),
        "friday": Campaign("order.paid", weekday=4, doubles="points"),
        "welcome": Campaign("member.enrolled", "points", lambda o: HUNDRED, pending=NOW_AT_ONCE),
        "recycle": Campaign(
            "item.recycled", "leaves", lambda o: Fraction(o.act["grams"], 300), per_account=2
        ),
        "promo": Campaign("promo.joined", "points", lambda o: Fraction(50), pending=NOW_AT_ONCE, total=10),
        "gift": Campaign("gift.claimed", "cash", lambda o: Fraction(1), budget=Fraction(7, 2), part=True),
        "treat": Campaign("treat.claimed", "cash", lambda o: Fraction(1), budget=Fraction(7, 2)),
    },
    {
        "mug": Reward({"points": 100}, stock=12),
        "voucher": Reward({"points": 50}, valid=("days", 30), per_account=2),
        "tote": Reward({"cash": 250}, tiers=("silver", "gold"), total=6),
        "set": Reward({"points": 30, "cash": 40}),
    },
)

KIOSK = Spec(
    "kiosk",
    KIOSK_TEXT,
    "Asia/Beirut",
    0,
    {"stars": Wallet(0, "half_even", NOW_AT_ONCE, idle=("days", 10))},
    (
        ("paper", Fraction(0), Fraction(1)),
        ("wood", Fraction(3), Fraction(6, 5)),
        ("stone", Fraction(6), Fraction(2)),
    ),
    _one,
    {
        "auto": Campaign("order.paid", redeems=("cake", "stars", 40)),
        "base": Campaign("order.paid", "stars", lambda o: o.net * o.rate / 100),
        "biggest": Campaign("order.paid", when=lambda o: o.net >= 5000, badge="big"),
        "regular": Campaign("order.paid", "stars", lambda o: Fraction(5), when=lambda o: o.recent(7) >= 3),
        "welcome": Campaign("member.enrolled", "stars", lambda o: Fraction(10)),
    },
    {"cake": Reward({"stars": 20}), "poster": Reward({"stars": 7}, stock=30)},
    grace=("days", 5),
    soft=True,
)

SPECS = {spec.key: spec for spec in (CLUB, KIOSK)}
