"""An account of the guild's model: every fact is kept, and what counts for a goal is listed one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import cast

from tests.world.accounts import Account
from tests.world.guild.program import GuildSpec, Quest


@dataclass(frozen=True)
class Fact:
    """Something that was told."""

    kind: str
    at: datetime
    day: date
    net: Fraction


@dataclass
class Progress:
    """How far an account is with a quest."""

    joined_at: datetime | None = None
    since: datetime | None = None
    """Where it began; None where all counts."""
    counted: list[Fact] = field(default_factory=list)
    """What was told since it began, and happened since then."""
    goal: Fraction | None = None
    stage: int = 0
    """How many steps were done in their order."""
    rounds: Counter[str] = field(default_factory=Counter)
    """Prizes by month, or all together."""


class Guildsman(Account):
    """One that plays."""

    def __init__(self, spec: GuildSpec) -> None:
        super().__init__(spec)
        self.facts: list[Fact] = []
        self.progress: dict[str, Progress] = {}
        self.given: list[tuple[int, datetime]] = []
        """Tiers that operators gave, and when each ends: more than one where accounts became one."""

    @property
    def quests(self) -> dict[str, Quest]:
        return cast("GuildSpec", self.spec).quests

    def level(self, now: datetime) -> int:
        return max(super().level(now), *(level for level, until in self.given if until > now), 0)

    def of(self, key: str) -> Progress:
        return self.progress.setdefault(key, Progress())

    def note(self, fact: Fact) -> None:
        """Count something for all that has begun."""
        self.facts.append(fact)
        for key, progress in self.progress.items():
            if progress.since is not None and fact.kind in self.quests[key].counts:
                progress.counted += [fact] if fact.at >= progress.since else []

    def spent(self) -> Fraction:
        return sum((one.net for one in self.facts if one.kind == "order.paid"), Fraction(0))

    def take_in_play(self, other: Guildsman) -> None:
        """Take over what another one had reached; what it did before counts for no beginning."""
        self.facts += other.facts
        for key, theirs in other.progress.items():
            mine = self.of(key)
            rounds = mine.rounds + theirs.rounds
            if mine.joined_at is None and mine.since is None:
                mine = self.progress[key] = theirs
            mine.rounds = rounds
        self.given += other.given
