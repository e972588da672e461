"""Who plays, invites and gives: acts of the guild, from a seed alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from tests.world.actors import BEGINS, Actors, Clock, Step
from tests.world.days import day_of
from tests.world.figures import Figures
from tests.world.guild.program import CHOICES, GUILD, GUILD_FIGURES
from tests.world.model import Act

KINDS = ("order.paid",) * 7 + ("item.repaired",) * 3 + ("nothing.known",)
QUESTS = ("sprint", "sprint", "own", "own", "backwards", "card", "moon", "badge:walker:1")


class Guildsmen(Actors):
    """The people of the guild."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(GUILD, chance)

    def types(self) -> tuple[str, ...]:
        return KINDS

    def fact(self, kind: str, who: str | None, at: datetime) -> Act:
        act = super().fact(kind, who, at)
        return {**act, "minutes": self.chance.randint(0, 90)} if kind == "item.repaired" else act

    def step(self, now: datetime) -> Step:
        return self.enrolments(now) if self.chance.random() < 0.08 else super().step(now)

    def enrolments(self, now: datetime) -> Step:
        """Most of them were invited, by few."""
        known = [*self.people[:3] * 4, *self.people, *sorted(self.gone)]
        acts = super().enrolments(now)
        # Nobody knows the code yet of who joins in this very step.
        joining = {act["who"] for act in acts}
        known = [who for who in known if who not in joining]
        return [
            {**act, "by": self.chance.choice([*known, "nobody", "typo"])}
            if known and self.chance.random() < 0.7
            else act
            for act in acts
        ]

    def kinds(self, now: datetime, taken: list[str], calls: list[Act]) -> list[tuple[int, Callable[[], Act]]]:
        return [
            *super().kinds(now, taken, calls),
            (9, lambda: {"do": "join", "who": self.somebody(), "quest": self.chance.choice(QUESTS)}),
            (3, lambda: {"do": "leave", "who": self.somebody(), "quest": self.chance.choice(QUESTS)}),
            (3, lambda: self.tier(now)),
            (1, lambda: {"do": "untier", "who": self.somebody()}),
        ]

    def tier(self, now: datetime) -> Act:
        spans: Any = (timedelta(hours=5), timedelta(days=3), timedelta(days=40), timedelta(0), None)
        span = self.chance.choice(spans)
        tier = self.chance.choice(("fellow", "fellow", "master", "master", "apprentice", "king"))
        return {
            "do": "tier",
            "who": self.somebody(),
            "tier": tier,
            "until": None if span is None else now + span,
        }


def start_of_last_month(now: datetime) -> date:
    """Give the first day of the month that is over at the guild."""
    first = day_of(GUILD.zone, now).replace(day=1)
    return (first - timedelta(days=1)).replace(day=1)


def first_figures(chance: random.Random) -> Figures:
    """Choose the figures with which a guild begins."""
    return {name: chance.choice(CHOICES[name]) for name in GUILD_FIGURES}


def make_guild_plan(seed: int, steps: int) -> list[Step]:
    """Make a plan of the guild alone.

    Args:
        seed: the same one gives the same plan.
        steps: how many.

    Returns:
        Bursts of acts in the order in which they are sent.
    """
    chance = random.Random(f"guild {seed}")
    clock, people = Clock(chance), Guildsmen(chance)
    figures = first_figures(chance)
    plan: list[Step] = [[{"do": "define", "program": "guild", "now": BEGINS, "figures": figures}]]
    for _ in range(steps):
        now, roll = clock.move(), chance.random()
        if roll < 0.06:
            plan.append([{"do": "nightly", "program": "guild", "now": now}])
        elif roll < 0.08:
            month = start_of_last_month(now)
            plan.append([{"do": "payout", "program": "guild", "now": now, "month": month}])
        elif roll < 0.1:
            names = chance.sample(sorted(CHOICES), chance.randint(1, 3))
            figures = {**figures, **{name: chance.choice(CHOICES[name]) for name in names}}
            plan.append([{"do": "define", "program": "guild", "now": now, "figures": figures}])
        else:
            plan.append(people.step(now))
    return plan
