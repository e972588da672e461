"""What a run did, told as a table: a world that says what it did is easier to trust."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.world.actors import Step
from tests.world.days import day_of

_WIDTH = 100


class Told:
    """Counts steps, and what the clock passed over between them."""

    def __init__(self, zones: list[str]) -> None:
        """Begin with nothing.

        Args:
            zones: of the programs.
        """
        self.zones = sorted(set(zones))
        self.now: datetime | None = None
        self.steps = self.acts = self.most = 0
        self.passed: Counter[str] = Counter()

    def step(self, step: Step) -> None:
        """Count a step.

        Args:
            step: acts that are in flight together.
        """
        self.steps, self.acts, self.most = self.steps + 1, self.acts + len(step), max(self.most, len(step))
        now = step[0]["now"]
        if self.now is not None and now > self.now:
            for zone in self.zones:
                self.passed.update(_passed(zone, self.now, now))
        self.now = max(now, self.now or now)


def _passed(zone: str, was: datetime, now: datetime) -> Iterator[str]:
    """Name what of a calendar lies between two instants."""
    first, last = day_of(zone, was), day_of(zone, now)
    if last == first:
        return
    yield "midnights"
    if (last.year, last.month) != (first.year, first.month):
        yield "ends of months"
    if last.year != first.year:
        yield "ends of years"
    place = ZoneInfo(zone)
    at = was
    while at < now:
        following = min(at + timedelta(days=1), now)
        if following.astimezone(place).utcoffset() != at.astimezone(place).utcoffset():
            yield "changes of clocks"
        at = following


def table(
    seen: Mapping[str, int], told: Told, spent: Mapping[str, int], more: Mapping[str, int]
) -> list[str]:
    """Write what a run did.

    Args:
        seen: how often each kind of act came to what, as `program kind outcome`.
        told: of the run.
        spent: microseconds by what they went to.
        more: other figures by name.

    Returns:
        Lines.
    """
    acts: dict[str, dict[str, int]] = {}
    for name, count in sorted(seen.items()):
        key, _, outcome = name.partition(" ")
        acts.setdefault(key, {})[outcome or "done"] = count
    lines = [f"{told.steps} steps, {told.acts} acts, at most {told.most} in flight together"]
    for key, outcomes in acts.items():
        found = sorted(outcomes.items(), key=lambda one: (-one[1], one[0]))
        lines += _wrapped(
            f"  {sum(outcomes.values()):6}  {key:<10}", [f"{what} {count}" for what, count in found]
        )
    passed = [f"{what} {count}" for what, count in sorted(told.passed.items())]
    lines += _wrapped("  the clock passed  ", passed)
    lines += _wrapped("  figures           ", [f"{what} {count:,}" for what, count in more.items()])
    steps = max(told.steps, 1)
    each = [f"{what} {took / 1e6:.1f} s ({took / 1e3 / steps:.1f} ms a step)" for what, took in spent.items()]
    return lines + _wrapped("  time              ", each)


def _wrapped(head: str, words: list[str]) -> list[str]:
    lines, line = [], head
    for place, word in enumerate(words):
        piece = word + (", " if place < len(words) - 1 else "")
        if len(line) + len(piece) > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * len(head)
        line += piece
    return [*lines, line.rstrip()]
