"""The guild's program: what the engine gets, and the same said in plain Python for the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.world.days import Span
from tests.world.figures import Figures, span
from tests.world.programs import NOW_AT_ONCE, Campaign, Reward, Spec, Wallet

TEXT = """
program: guild
name: Guild
currency: GBP
timezone: Australia/Lord_Howe
wallets:
  coins: {scale: 0, rounding: %(round)s, pending: %(pending)s, expires: {after: %(lasts)s, from: earned}}
events:
  item.repaired: {data: {minutes: int}}
metrics:
  orders: {event: order.paid}
  spend: {event: order.paid, value: order.net}
  monthly: {event: order.paid, window: calendar_month}
  repairs: {event: item.repaired}
  brought: {event: referral.completed}
ladders:
  rank:
    metric: monthly
    review: calendar_month
    tiers:
      apprentice: {from: 0, rate: 1}
      fellow: {from: 4, rate: "1.5"}
      master: {from: 8, rate: 2}
badges:
  walker: {name: Walker, metric: orders, levels: [2, 5, 9]}
  finisher: {name: Finisher}
  patron: {name: Patron}
challenges:
  card: {metric: orders, every: 3, prize: [{award: {wallet: coins, amount: "%(card)s"}}]}
  months: {metric: monthly, every: 2, limits: {per_account: %(months)s, per: month},
    prize: [{award: {wallet: coins, amount: "7"}}]}
  sprint: {metric: spend, goal: 120, opt_in: true, within: 10d,
    prize: [{award: {wallet: coins, amount: "50"}}]}
  backwards: {metric: orders, goal: 4, opt_in: true, looks_back: true, prize: [{grant: ticket}]}
  again: {metric: spend, goal: 300, repeatable: true, prize: [{award: {wallet: coins, amount: "11"}}]}
  own: {metric: spend, opt_in: true, goal: {personal: "metrics.spend * 1.5", at_least: 40, at_most: 500},
    prize: [{award: {wallet: coins, amount: "19"}}]}
  pair:
    steps: [{metric: orders, goal: 2}, {event: item.repaired, times: 2}]
    prize: [{badge: finisher}, {award: {wallet: coins, amount: "13"}}]
  ordered:
    steps: [{event: item.repaired}, {metric: orders, goal: 2}]
    in_order: true
    prize: [{award: {wallet: coins, amount: "17"}}]
  spring:
    metric: orders
    goal: 3
    starts: 2026-03-10
    ends: 2026-05-05
    prize: [{award: {wallet: coins, amount: "23"}}]
  host: {metric: brought, every: 2, prize: [{award: {wallet: coins, amount: "40"}}]}
referral:
  friend: [{award: {wallet: coins, amount: "25"}}]
  advocate:
    when: order.net < 900
    then: [{award: {wallet: coins, amount: "60 + event.data.net * 0.1"}}]
    limits: {per_account: %(friends)s, per: month}
  minimum: 4
  ladder: [{from: 2, then: [{badge: patron}]}, {from: 3, then: [{award: {wallet: coins, amount: "35"}}]}]
  review: {circle: allow}
campaigns:
  base:
    trigger: order.paid
    then: [{award: {wallet: coins, amount: order.net * account.tiers.rank.rate / %(part)s}}]
  mended: {trigger: item.repaired, then: [{award: {wallet: coins, amount: event.data.minutes / 10}}]}
  welcome: {trigger: member.enrolled, then: [{award: {wallet: coins, amount: "20"}}]}
  done:
    trigger: challenge.completed
    when: event.data.challenge == 'card'
    then: [{award: {wallet: coins, amount: "3"}}]
  proud: {trigger: badge.earned, then: [{award: {wallet: coins, amount: "1"}}]}
  raised: {trigger: tier.reached, then: [{award: {wallet: coins, amount: "9"}}]}
causes:
  wells: {name: Wells, charity: Wells, match: "0.5", match_at_most: "%(match)s"}
rewards:
  ticket: {kind: coupon, discount: {amount: "1.00"}}
  pin: {kind: product, price: {coins: 30}, stock: 9}
  well: {kind: donation, price: {coins: %(well)s}, cause: wells, worth: "0.21"}
"""

GUILD_FIGURES: Figures = {
    "round": "floor",
    "pending": "0d",
    "lasts": "45d",
    "part": "2",
    "card": "30",
    "months": "2",
    "friends": "3",
    "match": "3.00",
    "well": "15",
}
CHOICES: dict[str, tuple[str, ...]] = {
    "round": ("floor", "half_up", "half_even"),
    "pending": ("0d", "2d", "1mo"),
    "lasts": ("10d", "45d", "2mo"),
    "part": ("2", "3", "7"),
    "card": ("30", "8"),
    "months": ("1", "2", "5"),
    "friends": ("1", "3"),
    "match": ("3.00", "0.55", "100.00"),
    "well": ("15", "7"),
}


@dataclass(frozen=True)
class Quest:
    """A challenge, as the model reads it: what one counts, and what it brings."""

    counts: tuple[str, ...]
    """The types of events that its steps count."""
    goals: tuple[Fraction, ...]
    of_net: bool = False
    """Whether an order counts as much as it came to."""
    every: int = 0
    monthly: bool = False
    opt_in: bool = False
    looks_back: bool = False
    repeats: bool = False
    in_order: bool = False
    within: int = 0
    """Days that an account has, the first one included."""
    own: Callable[[Fraction], Fraction] | None = None
    """The goal, by what was spent before."""
    between: tuple[date, date] | None = None
    units: int = 0
    badge: str = ""
    grants: str = ""
    limit: int | None = None
    """Prizes in a month."""
    level: bool = False
    """Whether it is a level of a badge."""


def _own(spent: Fraction) -> Fraction:
    return min(max(spent * Fraction(3, 2), Fraction(40)), Fraction(500))


_ORDER, _REPAIR = "order.paid", "item.repaired"


@dataclass(frozen=True)
class GuildSpec(Spec):
    quests: dict[str, Quest] = field(default_factory=dict)
    friends: int = 0
    """How often a month somebody has the advocate's prize."""
    match: int = 0
    """What the guild adds at most, in pence."""


def _quests(f: Figures) -> dict[str, Quest]:
    def goals(*numbers: int) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, numbers))

    levels = {
        f"badge:walker:{place}": Quest(
            (_ORDER,), goals(least), badge="walker" if place == 1 else f"walker:{place}", level=True
        )
        for place, least in enumerate((2, 5, 9), 1)
    }
    quests = {
        "card": Quest((_ORDER,), (), every=3, units=int(f["card"])),
        "months": Quest((_ORDER,), (), every=2, monthly=True, units=7, limit=int(f["months"])),
        "sprint": Quest((_ORDER,), goals(120), of_net=True, opt_in=True, within=10, units=50),
        "backwards": Quest((_ORDER,), goals(4), opt_in=True, looks_back=True, grants="ticket"),
        "again": Quest((_ORDER,), goals(300), of_net=True, repeats=True, units=11),
        "own": Quest((_ORDER,), goals(0), of_net=True, opt_in=True, own=_own, units=19),
        "pair": Quest((_ORDER, _REPAIR), goals(2, 2), badge="finisher", units=13),
        "ordered": Quest((_REPAIR, _ORDER), goals(1, 2), in_order=True, units=17),
        "spring": Quest((_ORDER,), goals(3), between=(date(2026, 3, 10), date(2026, 5, 5)), units=23),
        "host": Quest(("referral.completed",), (), every=2, units=40),
    }
    return {**quests, **levels}


def guild_of(figures: Figures = GUILD_FIGURES) -> GuildSpec:
    """Make the guild with some figures: what the engine gets and what the model reads."""
    f = figures
    part = Fraction(f["part"])

    return GuildSpec(
        "guild",
        TEXT % f,
        "Australia/Lord_Howe",
        2,
        {"coins": Wallet(0, f["round"], span(f["pending"]), earned=span(f["lasts"]))},
        (
            ("apprentice", Fraction(0), Fraction(1)),
            ("fellow", Fraction(4), Fraction(3, 2)),
            ("master", Fraction(8), Fraction(2)),
        ),
        lambda _: Fraction(1),
        {
            "base": Campaign(_ORDER, "coins", lambda o: o.net * o.rate / part),
            "mended": Campaign(_REPAIR, "coins", lambda o: Fraction(o.act["minutes"]) / 10),
            "welcome": Campaign("member.enrolled", "coins", lambda o: Fraction(20)),
            "referral:friend": Campaign("referral.joined", "coins", lambda o: Fraction(25)),
            "referral:advocate": Campaign(
                "referral.completed",
                "coins",
                lambda o: 60 + o.act["net"] / 10,
                per_account=int(f["friends"]),
            ),
            "referral:from_3": Campaign(
                "referral.completed",
                "coins",
                lambda o: Fraction(35),
                when=lambda o: o.act["friends"] >= 3,
                per_account=1,
                ever=True,
            ),
            "referral:from_2": Campaign(
                "referral.completed",
                when=lambda o: o.act["friends"] >= 2,
                badge="patron",
                per_account=1,
                ever=True,
            ),
        },
        {
            "ticket": Reward({}),
            "pin": Reward({"coins": 30}, stock=9),
            "well": Reward({"coins": int(f["well"])}),
        },
        quests=_quests(f),
        friends=int(f["friends"]),
        match=int(Fraction(f["match"]) * 100),
    )


AT_ONCE: Span = NOW_AT_ONCE
LEAST = Fraction(4)
"""What a friend's first order comes to at least, and less than which."""
MOST = Fraction(900)
WORTH = 21
"""Pence of a donation."""
GUILD = guild_of()
