"""What a few members try, and what comes back: split baskets, heaps of old things, returned goods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from guerdon.base.calendar import Zone
from guerdon.connect.samples.baskets import make_order
from guerdon.connect.samples.goods import ARTICLES
from guerdon.connect.samples.habits import draw_days, draw_second, draw_store
from guerdon.connect.samples.happening import SHOP, Happening, instant_of
from guerdon.connect.samples.people import Person

_RETURNED_PER_MILLE: Final = {"": 70, "returner": 650}
_RETURN_WITHIN_DAYS: Final = 30
_WHOLE_PER_CENT: Final = 45
_OPENS: Final = 10 * 3600


def play_tricks(
    chance: Random, who: tuple[int, Person], days: Sequence[date], zone: Zone
) -> Iterator[Happening]:
    """Let somebody try what a program should stand.

    Args:
        chance: the dice.
        who: their place among the people, and the person; nothing happens without a trick.
        days: all days.
        zone: the shop's calendar.

    Yields:
        Orders that one basket was split into, or old things in heaps, within an hour.
    """
    number, person = who
    left = [day for day in days if day > zone.day_of(person.joined_at)]
    if not left or person.trick not in ("splitter", "recycler"):
        return
    store = draw_store(chance)
    for day in draw_days(chance, person.persona, left, chance.randint(2, 3)):
        # An hour before they would close, so that all of it is done while they are open.
        at = instant_of(zone, day, max(_OPENS, draw_second(chance, "pos") - 3600))
        for _ in range(chance.randint(5, 9)):
            at += timedelta(seconds=chance.randint(70, 300))
            if person.trick == "splitter":
                data = make_order(chance, person.persona, day, store)
                data["lines"] = data["lines"][:1]
                yield Happening(at, number, "order.paid", f"till-{store}", "pos", store, data)
            else:
                heap = {"sku": chance.choice(ARTICLES).sku, "grams": chance.randrange(180, 2_400, 10)}
                yield Happening(at, number, "item.recycled", f"till-{store}", "pos", store, heap)


def make_returns(
    seed: int, people: Sequence[Person], happenings: Sequence[Happening], until: datetime
) -> list[Happening]:
    """Let some orders come back, whole or in part.

    Args:
        seed: decides which.
        people: who bought.
        happenings: what they bought, among others.
        until: nothing comes back from then on, UTC.

    Returns:
        `order.returned`, each with the order that it is about.
    """
    made = []
    for place, one in enumerate(happenings):
        if one.type != "order.paid":
            continue
        chance = Random(f"{seed}:return:{place}")
        trick = people[one.person].trick
        if chance.randrange(1_000) >= _RETURNED_PER_MILLE.get(trick, _RETURNED_PER_MILLE[""]):
            continue
        at = one.at + timedelta(days=chance.randint(2, _RETURN_WITHIN_DAYS), minutes=chance.randrange(180))
        if at < until:
            source, data = (f"till-{one.store}" if one.store else SHOP), _returned(chance, one.data["lines"])
            made.append(
                Happening(at, one.person, "order.returned", source, one.channel, one.store, data, one)
            )
    return made


def _returned(chance: Random, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if len(lines) == 1 or chance.randrange(100) < _WHOLE_PER_CENT:
        return {"all": True}
    some = chance.sample(list(lines), chance.randint(1, len(lines) - 1))
    return {"lines": [{"id": line["id"], "quantity": chance.randint(1, line["quantity"])} for line in some]}
