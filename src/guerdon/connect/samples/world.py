"""The sample world: members and what happened to them, as CloudEvents in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.connect.samples.goods import ARTICLES, Article
from guerdon.connect.samples.habits import (
    draw_days,
    draw_place,
    draw_second,
    draw_store,
    draw_yearly_orders,
    sale_per_cent,
)
from guerdon.connect.samples.people import Person, make_people

MEMBERS_AT_MOST: Final = 20_000
_SHOP: Final = "backpack-shop"
_TAX_RATE: Final = "0.08875"
_FREE_SHIPPING_CENTS: Final = 7_500
_SHIPPING: Final = "5.95"
_LINES: Final = ((1, 52), (2, 29), (3, 13), (4, 6))
"""How many lines an order has, and of a hundred orders how many have so."""
_NEWSLETTER_PER_CENT: Final = 48
_SECOND_NEWSLETTER_PER_CENT: Final = 6
_RECYCLER_PER_CENT: Final = {"student": 14, "commuter": 9, "traveller": 8, "outdoor": 27}
_RECYCLED_AT_MOST: Final = 4
_NEWSLETTER_WITHIN_DAYS: Final = 75
_YEAR_DAYS: Final = 365
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """What to make."""

    first_on: date
    last_on: date
    """The last local day on which anything happens."""
    members: int = 300
    seed: int = 1
    timezone: str = "America/New_York"


@dataclass(frozen=True, slots=True)
class SampleWorld:
    """What was made."""

    people: Sequence[Person]
    """In the order of their external ids."""
    events: Sequence[dict[str, Any]]
    """CloudEvents in order of time, each person's `member.enrolled` among them; money as decimal text."""

    def lines(self) -> Iterator[bytes]:
        """Write the events as NDJSON.

        Yields:
            One event a line, with its line feed, in UTF-8.
        """
        for event in self.events:
            yield _ENCODER.encode(event) + b"\n"


@dataclass(frozen=True, slots=True)
class _Happening:
    """Something that happened, before it has a number."""

    at: datetime
    person: int
    type: str
    source: str
    channel: str
    store: str
    data: dict[str, Any]


def year_until(day: date) -> tuple[date, date]:
    """Give the year that ended the day before.

    Args:
        day: today.

    Returns:
        First and last day, 365 days in all.
    """
    return day - timedelta(days=_YEAR_DAYS), day - timedelta(days=1)


def make_world(plan: SamplePlan) -> SampleWorld:
    """Make a sample world; the same plan always gives the same one.

    Args:
        plan: seed, days and number of members.

    Returns:
        People and events.

    Raises:
        Problem: `sample_plan_invalid`, or `unknown_timezone`.
    """
    if plan.first_on > plan.last_on or not 1 <= plan.members <= MEMBERS_AT_MOST:
        detail = f"expected 1 to {MEMBERS_AT_MOST:,} members and a first day that is not after the last"
        raise Problem("sample_plan_invalid", detail)
    zone = Zone(plan.timezone)
    days = [plan.first_on + timedelta(days=count) for count in range((plan.last_on - plan.first_on).days + 1)]
    people = make_people(plan.seed, plan.members, days, zone)
    happenings = [
        happening
        for number, person in enumerate(people)
        for happening in _life(Random(f"{plan.seed}:life:{number}"), (number, person), days, zone)
    ]
    happenings.sort(key=lambda one: (one.at, one.person))
    return SampleWorld(people, _numbered(happenings, people))


def _life(chance: Random, who: tuple[int, Person], days: Sequence[date], zone: Zone) -> Iterator[_Happening]:
    """Live one member's year."""
    number, person = who
    yield _Happening(person.joined_at, number, "member.enrolled", _SHOP, "web", "", {})
    joined_on = zone.day_of(person.joined_at)
    # From the day after, so that nothing happens to somebody before they are there.
    left = [day for day in days if day > joined_on]
    if not left:
        return
    home = draw_store(chance)
    count = (draw_yearly_orders(chance) * len(left) + chance.randrange(_YEAR_DAYS)) // _YEAR_DAYS
    for day in draw_days(chance, person.persona, left, count):
        channel, store = draw_place(chance, person.persona, home)
        at = _instant(zone, day, draw_second(chance, channel))
        source = f"till-{store}" if store else _SHOP
        yield _Happening(
            at, number, "order.paid", source, channel, store, _order(chance, person.persona, day, store)
        )
    yield from _small_things(chance, who, left, (zone, home))


def _small_things(
    chance: Random, who: tuple[int, Person], days: Sequence[date], where: tuple[Zone, str]
) -> Iterator[_Happening]:
    """Sign up for the newsletter, bring back old things."""
    number, person = who
    zone, home = where
    times = (chance.randrange(100) < _NEWSLETTER_PER_CENT) + (
        chance.randrange(100) < _SECOND_NEWSLETTER_PER_CENT
    )
    for day in sorted(chance.choices(days[:_NEWSLETTER_WITHIN_DAYS], k=times)):
        at = _instant(zone, day, draw_second(chance, "web"))
        yield _Happening(at, number, "newsletter.subscribed", "newsletter", "web", "", {})
    if chance.randrange(100) >= _RECYCLER_PER_CENT[person.persona]:
        return
    for day in draw_days(chance, person.persona, days, chance.randint(1, _RECYCLED_AT_MOST)):
        at = _instant(zone, day, draw_second(chance, "pos"))
        data = {"sku": chance.choice(ARTICLES).sku, "grams": chance.randrange(180, 2_400, 10)}
        yield _Happening(at, number, "item.recycled", f"till-{home}", "pos", home, data)


def _order(chance: Random, persona: str, day: date, store: str) -> dict[str, Any]:
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


def _numbered(happenings: Sequence[_Happening], people: Sequence[Person]) -> list[dict[str, Any]]:
    """Give events and orders their ids, in order of time."""
    events, orders = [], 0
    for count, one in enumerate(happenings, start=1):
        data, at = one.data, one.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        if one.type == "order.paid":
            orders += 1
            data = {"id": f"{'S' if one.store else 'W'}-{100_000 + orders}", "placed_at": at} | data
        event = {
            "specversion": "1.0",
            "id": f"sample-{count:06d}",
            "source": one.source,
            "type": one.type,
            "time": at,
            "subject": people[one.person].subject,
            "channel": one.channel,
        }
        events.append(event | ({"store": one.store} if one.store else {}) | {"data": data})
    return events


def _instant(zone: Zone, day: date, second: int) -> datetime:
    hour, rest = divmod(second, 3600)
    local = datetime(day.year, day.month, day.day, hour, rest // 60, rest % 60, tzinfo=zone.info)
    return local.astimezone(UTC)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
