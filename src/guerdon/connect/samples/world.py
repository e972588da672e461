"""The sample world: members and what happened to them, as CloudEvents in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final

import msgspec

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.connect.samples.baskets import let_wait, make_order
from guerdon.connect.samples.goods import ARTICLES
from guerdon.connect.samples.habits import (
    draw_days,
    draw_place,
    draw_second,
    draw_store,
    draw_yearly_orders,
)
from guerdon.connect.samples.happening import SHOP, Happening, instant_of
from guerdon.connect.samples.people import Person, make_people
from guerdon.connect.samples.tricks import make_returns, play_tricks

MEMBERS_AT_MOST: Final = 20_000
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
    returns: bool = False
    """Whether some of what was bought comes back as `order.returned`; nothing else is changed by it."""


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
        for happening in _happenings(plan.seed, (number, person), days, zone)
    ]
    let_wait(plan.seed, happenings)
    if plan.returns:
        happenings += make_returns(
            plan.seed, people, happenings, zone.start_of(plan.last_on + timedelta(days=1))
        )
    happenings.sort(key=lambda one: (one.at, one.person))
    return SampleWorld(people, _numbered(happenings, people))


def _happenings(seed: int, who: tuple[int, Person], days: Sequence[date], zone: Zone) -> Iterator[Happening]:
    number = who[0]
    yield from _life(Random(f"{seed}:life:{number}"), who, days, zone)
    # With dice of their own: whether somebody plays tricks changes nothing for anybody else.
    yield from play_tricks(Random(f"{seed}:tricks:{number}"), who, days, zone)


def _life(chance: Random, who: tuple[int, Person], days: Sequence[date], zone: Zone) -> Iterator[Happening]:
    """Live one member's year."""
    number, person = who
    yield Happening(person.joined_at, number, "member.enrolled", SHOP, "web", "", {})
    joined_on = zone.day_of(person.joined_at)
    # From the day after, so that nothing happens to somebody before they are there.
    left = [day for day in days if day > joined_on]
    if not left:
        return
    home = draw_store(chance)
    count = (draw_yearly_orders(chance) * len(left) + chance.randrange(_YEAR_DAYS)) // _YEAR_DAYS
    for day in draw_days(chance, person.persona, left, count):
        channel, store = draw_place(chance, person.persona, home)
        at = instant_of(zone, day, draw_second(chance, channel))
        source = f"till-{store}" if store else SHOP
        yield Happening(
            at, number, "order.paid", source, channel, store, make_order(chance, person.persona, day, store)
        )
    yield from _small_things(chance, who, left, (zone, home))


def _small_things(
    chance: Random, who: tuple[int, Person], days: Sequence[date], where: tuple[Zone, str]
) -> Iterator[Happening]:
    """Sign up for the newsletter, bring back old things."""
    number, person = who
    zone, home = where
    times = (chance.randrange(100) < _NEWSLETTER_PER_CENT) + (
        chance.randrange(100) < _SECOND_NEWSLETTER_PER_CENT
    )
    for day in sorted(chance.choices(days[:_NEWSLETTER_WITHIN_DAYS], k=times)):
        at = instant_of(zone, day, draw_second(chance, "web"))
        yield Happening(at, number, "newsletter.subscribed", "newsletter", "web", "", {})
    if chance.randrange(100) >= _RECYCLER_PER_CENT[person.persona]:
        return
    for day in draw_days(chance, person.persona, days, chance.randint(1, _RECYCLED_AT_MOST)):
        at = instant_of(zone, day, draw_second(chance, "pos"))
        data = {"sku": chance.choice(ARTICLES).sku, "grams": chance.randrange(180, 2_400, 10)}
        yield Happening(at, number, "item.recycled", f"till-{home}", "pos", home, data)


def _numbered(happenings: Sequence[Happening], people: Sequence[Person]) -> list[dict[str, Any]]:
    """Give events and orders their ids, in order of time."""
    events: list[dict[str, Any]] = []
    orders: dict[int, str] = {}
    for count, one in enumerate(happenings, start=1):
        data, at = one.data, one.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        if one.type == "order.paid":
            orders[id(one)] = f"{'S' if one.store else 'W'}-{100_001 + len(orders)}"
            data = {"id": orders[id(one)], "placed_at": at} | data
        elif one.order is not None:
            data = {"id": f"R-{orders[id(one.order)]}", "order": orders[id(one.order)]} | data
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
