"""The worlds' programs: what the engine gets, and the same said in plain Python for the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.world.days import Span
from tests.world.figures import CLUB_FIGURES, KIOSK_FIGURES, Figures, span

CLUB_TEXT = """
program: club
name: Club
currency: USD
timezone: America/New_York
wallets:
  points: {scale: 0, rounding: %(round)s, pending: %(pending)s, expires: {after: %(lasts)s, from: earned}}
  cash: {scale: 2, rounding: %(cash_round)s, pending: 0d,
    expires: {after: %(cash_lasts)s, from: earned%(cash_end)s}}
  leaves: {scale: 1, rounding: floor, pending: %(leaves_pending)s, expires: never,
    limits: {per_day: %(per_day)s, balance: %(most)s}}
events:
  item.recycled: {data: {grams: int}}
metrics:
  month_spend: {event: order.paid, value: order.net, window: calendar_month}
ladders:
  club:
    metric: month_spend
    review: calendar_month
    tiers:
      bronze: {from: 0, rate: 1}
      silver: {from: %(silver)s, rate: "%(silver_rate)s"}
      gold: {from: %(gold)s, rate: %(gold_rate)s}
campaigns:
  base:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base * account.tiers.club.rate}}]
  basket:
    trigger: order.paid
    when: order.net >= %(basket)s
    then: [{award: {wallet: points, amount: order.net / %(part)s}}]
  cashback:
    trigger: order.paid
    then: [{award: {wallet: cash, amount: order.net * %(cashback)s}}]
  friday:
    trigger: order.paid
    schedule: {days: [fri]}
    then: [{multiply: {wallet: points, by: 2}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: points, amount: "100", pending: 0d}}]
  recycle:
    trigger: item.recycled
    limits: {per_account: %(recycle)s, per: month}
    then: [{award: {wallet: leaves, amount: event.data.grams / %(grams)s}}]
  promo:
    trigger: promo.joined
    limits: {total: %(promo)s, per: month}
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
  mug: {kind: product, price: {points: %(mug)s}, stock: %(mugs)s}
  voucher: {kind: coupon, price: {points: 50}, discount: {amount: "1.00"}, valid: %(valid)s,
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
  stars: {scale: 0, rounding: %(round)s, pending: 0d, expires: {after: 10d, from: last_activity}}
metrics:
  visits: {event: order.paid, window: calendar_month}
  recent: {event: order.paid, window: {rolling: 7d}}
ladders:
  house:
    metric: visits
    review: calendar_month
    grace: 5d
    soft_landing: true
    tiers:
      paper: {from: 0, rate: 1}
      wood: {from: %(wood)s, rate: "%(wood_rate)s"}
      stone: {from: %(stone)s, rate: %(stone_rate)s}
badges:
  big: {name: Big}
campaigns:
  auto:
    trigger: order.paid
    then: [{redeem: {reward: cake, while: wallets.stars.available >= %(while)s}}]
  base:
    trigger: order.paid
    then: [{award: {wallet: stars, amount: order.net * account.tiers.house.rate / %(part)s}}]
  biggest:
    trigger: order.paid
    when: order.net >= %(big)s
    then: [{badge: big}]
  regular:
    trigger: order.paid
    when: metrics.recent >= 3
    then: [{award: {wallet: stars, amount: "%(regular)s"}}]
  welcome:
    trigger: member.enrolled
    then: [{award: {wallet: stars, amount: "10"}}]
rewards:
  cake: {kind: product, price: {stars: %(cake)s}}
  poster: {kind: product, price: {stars: 7}, stock: %(posters)s}
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
    ever: bool = False
    """Whether uses count for ever, and not by the month."""
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


_CLUB_NUMBERS = ("silver", "silver_rate", "gold", "gold_rate", "basket", "part", "cashback", "grams")
_KIOSK_NUMBERS = ("wood", "wood_rate", "stone", "stone_rate", "part", "big", "regular")
NOW_AT_ONCE: Span = ("days", 0)
HUNDRED = Fraction(100)


def club_of(figures: Figures = CLUB_FIGURES) -> Spec:
    """Make the club with some figures: what the engine gets and what the model reads."""
    f = figures
    number = {name: Fraction(f[name]) for name in _CLUB_NUMBERS}
    return Spec(
        "club",
        CLUB_TEXT % f,
        "America/New_York",
        2,
        {
            "points": Wallet(0, f["round"], span(f["pending"]), earned=span(f["lasts"])),
            "cash": Wallet(
                2, f["cash_round"], NOW_AT_ONCE, earned=span(f["cash_lasts"]), month_end=bool(f["cash_end"])
            ),
            "leaves": Wallet(
                1,
                "floor",
                span(f["leaves_pending"]),
                per_day=10 * int(f["per_day"]),
                most=10 * int(f["most"]),
            ),
        },
        (
            ("bronze", Fraction(0), Fraction(1)),
            ("silver", number["silver"], number["silver_rate"]),
            ("gold", number["gold"], number["gold_rate"]),
        ),
        _net,
        {
            "base": Campaign("order.paid", "points", lambda o: o.net * o.rate),
            "basket": Campaign(
                "order.paid",
                "points",
                lambda o: o.net / number["part"],
                when=lambda o: o.net >= number["basket"],
            ),
            "cashback": Campaign("order.paid", "cash", lambda o: o.net * number["cashback"]),
            "friday": Campaign("order.paid", weekday=4, doubles="points"),
            "welcome": Campaign("member.enrolled", "points", lambda o: HUNDRED, pending=NOW_AT_ONCE),
            "recycle": Campaign(
                "item.recycled",
                "leaves",
                lambda o: Fraction(o.act["grams"]) / number["grams"],
                per_account=int(f["recycle"]),
            ),
            "promo": Campaign(
                "promo.joined", "points", lambda o: Fraction(50), pending=NOW_AT_ONCE, total=int(f["promo"])
            ),
            "gift": Campaign("gift.claimed", "cash", lambda o: Fraction(1), budget=Fraction(7, 2), part=True),
            "treat": Campaign("treat.claimed", "cash", lambda o: Fraction(1), budget=Fraction(7, 2)),
        },
        {
            "mug": Reward({"points": int(f["mug"])}, stock=int(f["mugs"])),
            "voucher": Reward({"points": 50}, valid=span(f["valid"]), per_account=2),
            "tote": Reward({"cash": 250}, tiers=("silver", "gold"), total=6),
            "set": Reward({"points": 30, "cash": 40}),
        },
    )


def kiosk_of(figures: Figures = KIOSK_FIGURES) -> Spec:
    """Make the kiosk with some figures."""
    f = figures
    number = {name: Fraction(f[name]) for name in _KIOSK_NUMBERS}
    return Spec(
        "kiosk",
        KIOSK_TEXT % f,
        "Asia/Beirut",
        0,
        {"stars": Wallet(0, f["round"], NOW_AT_ONCE, idle=("days", 10))},
        (
            ("paper", Fraction(0), Fraction(1)),
            ("wood", number["wood"], number["wood_rate"]),
            ("stone", number["stone"], number["stone_rate"]),
        ),
        _one,
        {
            "auto": Campaign("order.paid", redeems=("cake", "stars", int(f["while"]))),
            "base": Campaign("order.paid", "stars", lambda o: o.net * o.rate / number["part"]),
            "biggest": Campaign("order.paid", when=lambda o: o.net >= number["big"], badge="big"),
            "regular": Campaign(
                "order.paid", "stars", lambda o: number["regular"], when=lambda o: o.recent(7) >= 3
            ),
            "welcome": Campaign("member.enrolled", "stars", lambda o: Fraction(10)),
        },
        {
            "cake": Reward({"stars": int(f["cake"])}),
            "poster": Reward({"stars": 7}, stock=int(f["posters"])),
        },
        grace=("days", 5),
        soft=True,
    )


MAKERS = {"club": club_of, "kiosk": kiosk_of}
CLUB, KIOSK = club_of(), kiosk_of()
SPECS = {spec.key: spec for spec in (CLUB, KIOSK)}
