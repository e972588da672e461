"""Who does what next: a plan made from a seed alone, so that any part of it can be left out."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.world.days import day_of, next_change, next_leap_day, next_month, start_of
from tests.world.figures import changed, first_figures
from tests.world.model import Act
from tests.world.programs import SPECS, Spec

Step = list[Act]
"""Acts that are in flight together."""
BEGINS = datetime(2026, 2, 25, 12, 0, tzinfo=UTC)
HISTORY_BEGINS = datetime(2025, 6, 1, 9, 0, tzinfo=UTC)
PRICES = ("0.00", "0.333", "4.99", "12.50", "19.999999", "75", "130.10", "640")
QUANTITIES = ("0", "1", "1", "2", "3", "0.5")
TYPES = {
    "club": ("order.paid",) * 6 + ("item.recycled", "promo.joined", "gift.claimed", "treat.claimed"),
    "kiosk": ("order.paid",) * 8 + ("nothing.known",),
}


class Actors:
    """The people of one program, and what they have done so far."""

    def __init__(self, spec: Spec, chance: random.Random) -> None:
        self.spec = spec
        self.chance = chance
        self.people: list[str] = []
        self.sent: list[Act] = []
        self.taken: list[str] = []
        self.calls: list[Act] = []
        self.histories: dict[str, datetime] = {}
        self.gone: set[str] = set()
        self.merged: set[str] = set()
        self.numbers = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def somebody(self) -> str:
        """Most of it happens to one account."""
        if not self.people or self.chance.random() < 0.02:
            return "nobody"
        return self.people[0] if self.chance.random() < 0.4 else self.chance.choice(self.people)

    def step(self, now: datetime) -> Step:
        roll = self.chance.random()
        if len(self.people) < 2 or roll < 0.05:
            return self.enrolments(now)
        if roll < 0.12:
            return self.history(now)
        if roll < 0.13 and len(self.people) > 4:
            return self.erasure(now)
        if roll < 0.16 and len(self.people) > 2:
            return self.merger(now)
        size = self.chance.choices((1, self.chance.randint(2, 8), self.chance.randint(32, 64)), (70, 22, 8))[
            0
        ]
        acts: Step = []
        taken, calls = list(self.taken), list(self.calls)
        for _ in range(size):
            acts.append(self.act(now, taken, calls))
            self.remember(acts[-1])
        return acts

    def remember(self, act: Act) -> None:
        if act["do"] == "event":
            self.sent.append(act)
        elif "once" in act and all(call["once"] != act["once"] for call in self.calls):
            self.calls.append(act)

    def act(self, now: datetime, taken: list[str], calls: list[Act]) -> Act:
        kinds = self.kinds(now, taken, calls)
        chosen = self.chance.choices([one for _, one in kinds], [weight for weight, _ in kinds])[0]
        return {**chosen(), "program": self.spec.key, "now": now}

    def kinds(self, now: datetime, taken: list[str], calls: list[Act]) -> list[tuple[int, Callable[[], Act]]]:
        """What may be done now, each with its weight."""
        return [
            (50, lambda: self.event(now)),
            (12, self.again),
            (14, self.redeem),
            (8, lambda: self.back(taken)),
            (6, self.adjust),
            (6, self.send),
            (2, lambda: {"do": "tick", "who": self.somebody()}),
            (2, lambda: self.retry(now, taken, calls)),
        ]

    def types(self) -> tuple[str, ...]:
        """The types of events that are told, as often as they stand here."""
        return TYPES[self.spec.key]

    def enrolments(self, now: datetime) -> Step:
        acts: Step = []
        for _ in range(self.chance.randint(1, 4)):
            new = f"m{self.number()}"
            gone = sorted(self.gone)
            who = self.chance.choice([new, new, new, *self.people, *gone])
            self.gone.discard(who)
            acts.append({"do": "enrol", "who": who, "program": self.spec.key, "now": now})
            if self.chance.random() < 0.2:
                acts.append(acts[-1])
        self.people += sorted({act["who"] for act in acts} - set(self.people))
        return acts

    def history(self, now: datetime) -> Step:
        """Somebody's past, in order but for one event that comes too late to be history."""
        if self.histories and self.chance.random() < 0.6:
            who = self.chance.choice(sorted(self.histories))
        else:
            who = f"h{self.number()}"
        at = self.histories.get(who, HISTORY_BEGINS)
        acts: Step = []
        for _ in range(self.chance.randint(1, 12)):
            at += timedelta(minutes=self.chance.choice((1, 700, 5_000, 40_000)))
            if at > now:
                break
            told = at - timedelta(days=3) if self.chance.random() < 0.05 else at
            base = {"program": self.spec.key, "now": now, "historical": True, "enrol": True}
            acts.append({**self.fact("order.paid", who, told), **base})
        if acts:
            self.histories[who] = at
            self.sent += acts[:2]
            self.people += [who] if who not in self.people else []
        return acts or self.enrolments(now)

    def erasure(self, now: datetime) -> Step:
        """Somebody wants to be forgotten; nobody tells of them any more, but they may join again."""
        # Whose account went into another's shares it: what becomes of that is for tests of its own.
        alone = [one for one in self.people[1:] if one not in self.merged]
        if not alone:
            return self.enrolments(now)
        who = self.chance.choice(alone)
        self.people.remove(who)
        self.histories.pop(who, None)
        self.gone.add(who)
        self.sent = [act for act in self.sent if act["who"] != who]
        self.calls = [act for act in self.calls if act["who"] != who]
        return [{"do": "erase", "who": who, "program": self.spec.key, "now": now}]

    def merger(self, now: datetime) -> Step:
        """Somebody had two accounts; both names lead to one from now on."""
        who, into = self.chance.sample(self.people, 2)
        who = "nobody" if self.chance.random() < 0.04 else who
        self.merged |= {who, into}
        self.histories.pop(who, None)
        return [{"do": "merge", "who": who, "into": into, "program": self.spec.key, "now": now}]

    def event(self, now: datetime) -> Act:
        roll, chance = self.chance.random(), self.chance
        at = now - timedelta(minutes=chance.randint(0, 9))
        if roll < 0.15:
            at = now - timedelta(minutes=chance.randint(10, 100_000))
        elif roll < 0.18:
            at = now + timedelta(minutes=chance.randint(1, 1_440))
        elif roll < 0.19:
            at = now + timedelta(days=2)
        kind = chance.choice(self.types())
        guest = kind == "order.paid" and chance.random() < 0.03
        return self.fact(kind, None if guest else self.somebody(), at)

    def fact(self, kind: str, who: str | None, at: datetime) -> Act:
        number = self.number()
        act: Act = {"do": "event", "type": kind, "who": who, "time": at, "source": "shop", "id": f"e{number}"}
        if kind == "order.paid":
            lines = self.chance.randint(1, 3)
            act["order"] = f"o{number}"
            act["lines"] = [
                [self.chance.choice(QUANTITIES), self.chance.choice(PRICES)] for _ in range(lines)
            ]
            if self.spec.key == "kiosk":
                act["lines"] = [
                    [quantity, f"{price}00".replace(".", "")[:4]] for quantity, price in act["lines"]
                ]
        elif kind == "item.recycled":
            act["grams"] = self.chance.randint(0, 2_000)
        return act

    def again(self) -> Act:
        """A retry; or an id or an order that somebody uses for something else."""
        if not self.sent:
            return {"do": "tick", "who": self.somebody()}
        chance = self.chance
        first = chance.choice(self.sent[-80:] if chance.random() < 0.7 else self.sent)
        roll = chance.random()
        if roll < 0.7:
            return first
        if roll < 0.8 and first["type"] == "order.paid":
            return {**first, "id": f"e{self.number()}"}
        if first["type"] == "order.paid":
            other = {**first, "lines": [*first["lines"], ["1", "1"]]}
            return other if roll < 0.9 else {**other, "id": f"e{self.number()}"}
        return {**first, "time": first["time"] - timedelta(seconds=1)}

    def redeem(self) -> Act:
        number, chance = self.number(), self.chance
        reward = chance.choice([*self.spec.rewards, *self.spec.rewards, "moon"])
        quantity = chance.choice((1, 1, 1, 1, 2, 3, 0, 1001))
        act: Act = {
            "do": "redeem",
            "who": self.somebody(),
            "reward": reward,
            "quantity": quantity,
            "ref": f"r{number}",
        }
        self.taken.append(act["ref"])
        if chance.random() < 0.3:
            act["once"] = f"k{number}"
        return act

    def retry(self, now: datetime, taken: list[str], calls: list[Act]) -> Act:
        """A call sent again under its key; what it takes can only be given back in a later step."""
        fresh = [call for call in calls if now < call["now"] + timedelta(hours=24)]
        if not fresh:
            return self.redeem()
        call = self.chance.choice(fresh)
        taken[:] = [ref for ref in taken if ref != call["ref"]]
        return call

    def back(self, taken: list[str]) -> Act:
        ref = self.chance.choice(taken[-30:]) if taken and self.chance.random() < 0.95 else "none"
        return {"do": self.chance.choice(("cancel", "use")), "ref": ref}

    def adjust(self) -> Act:
        amount = self.chance.choice((0, 1, 45, 300, -1, -20, -150))
        wallet = self.chance.choice([*self.spec.wallets, *self.spec.wallets, "gold"])
        reason = self.chance.choice(("sorry", "sorry", "sorry", " "))
        return {"do": "adjust", "who": self.somebody(), "wallet": wallet, "amount": amount, "reason": reason}

    def send(self) -> Act:
        wallet = self.chance.choice([*self.spec.wallets, *self.spec.wallets, "gold"])
        amount = self.chance.choice((0, -5, 1, 10, 30, 30, 120))
        return {
            "do": "send",
            "who": self.somebody(),
            "to": self.somebody(),
            "wallet": wallet,
            "amount": amount,
        }


class Clock:
    """Time in jumps: minutes, days, and straight onto the instants at which something changes."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = BEGINS

    def move(self) -> datetime:
        chance, roll = self.chance, self.chance.random()
        if roll < 0.3:
            return self.now
        if roll < 0.7:
            self.now += timedelta(minutes=chance.randint(1, 400))
        elif roll < 0.88:
            self.now += timedelta(minutes=chance.randint(1_440, 6_000))
        elif roll < 0.97:
            self.now = self.edge()
        elif roll < 0.995:
            self.now += timedelta(days=chance.randint(12, 45))
        else:
            self.now += timedelta(days=chance.randint(90, 300))
        return self.now

    def edge(self) -> datetime:
        """The next midnight or month's end of a program, or the last instant before it."""
        zone = self.chance.choice([spec.zone for spec in SPECS.values()])
        day = day_of(zone, self.now)
        following = self.chance.choice((day + timedelta(days=1), day + timedelta(days=2), next_month(day)))
        at = start_of(zone, following)
        roll = self.chance.random()
        if roll < 0.12:
            at = next_change(zone, self.now)
        elif roll < 0.17:
            at = start_of(zone, day.replace(year=day.year + 1, month=1, day=1))
        elif roll < 0.2:
            at = start_of(zone, next_leap_day(day))
        return max(self.now, at - self.chance.choice((timedelta(0), timedelta(0), timedelta(microseconds=1))))


def make_plan(seed: int, steps: int) -> list[Step]:
    """Make a plan.

    Args:
        seed: the same one gives the same plan.
        steps: how many.

    Returns:
        Bursts of acts in the order in which they are sent.
    """
    chance = random.Random(seed)
    clock = Clock(chance)
    actors = [Actors(spec, chance) for spec in SPECS.values()]
    figures = {key: first_figures(key, chance) for key in SPECS}
    plan: list[Step] = [
        [{"do": "define", "program": key, "now": BEGINS, "figures": figures[key]}] for key in SPECS
    ]
    for _ in range(steps):
        now = clock.move()
        roll = chance.random()
        if roll < 0.015:
            plan.append([{"do": "nightly", "program": "club", "now": now}])
        elif roll < 0.045:
            key = chance.choice(sorted(SPECS))
            figures[key] = changed(key, figures[key], chance)
            plan.append([{"do": "define", "program": key, "now": now, "figures": figures[key]}])
        else:
            plan.append(chance.choices(actors, (2, 1))[0].step(now))
    return plan
