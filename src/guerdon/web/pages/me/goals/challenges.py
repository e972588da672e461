"""Challenges with how far they are, punch cards as stamps, and badges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from guerdon.engine.looking.challenges import SeenBadge, SeenChallenge, load_badges, load_challenges
from guerdon.engine.looking.offers import Looker
from guerdon.infra.tx import Tx
from guerdon.web.api.challenges.shown import show_badge, show_challenge
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.pages.me.reader import Reader

_STAMPS_AT_MOST: Final = 12
_FIRST: Final = ("open", "to_join", "not_yet", "done")


@dataclass(frozen=True, slots=True)
class StepView:
    """One of the things that are to be done."""

    name: str
    so_far: str
    """What there is of what it takes; empty where one act is enough."""
    is_done: bool


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """A challenge on the page."""

    key: str
    name: str
    description: str
    state: str
    """`open`, `to_join`, `not_yet` or `done`."""
    so_far: str
    length: int
    """Of the seam, in the drawing's units."""
    stamps: tuple[bool, ...]
    """Of a punch card: which are there. Empty for what is no punch card, or too long for one."""
    times: int
    steps: tuple[StepView, ...]
    prize: str
    can_leave: bool
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A badge on the page."""

    key: str
    name: str
    description: str
    earned_at: datetime | None
    next: str
    """What the next level is called and from what it is reached; empty where there is none."""


def load_challenge_views(tx: Tx, reader: Reader) -> list[ChallengeView]:
    """Load the challenges of a member; those that go on come first.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Those that are not over.
    """
    if not reader.program.definition.challenges:
        return []
    views = [_challenge(reader, one) for one in load_challenges(tx, _looker(reader), reader.now)]
    return sorted((one for one in views if one.state in _FIRST), key=lambda one: _FIRST.index(one.state))


def load_badge_views(tx: Tx, reader: Reader) -> list[BadgeView]:
    """Load the badges of a member, and those that there are to get; hidden ones only where they are there.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        Those that are there first.
    """
    if not reader.program.definition.badges:
        return []
    views = [_badge(reader, one) for one in load_badges(tx, _looker(reader), reader.now)]
    return sorted(views, key=lambda one: one.earned_at is None)


def _looker(reader: Reader) -> Looker:
    taker = reader.taker
    return Looker(taker.program_id, taker.program, taker.account_id, taker.member_id)


def _challenge(reader: Reader, one: SeenChallenge) -> ChallengeView:
    shown = show_challenge(reader.program, one, reader.say.language)
    is_card = one.written.every is not None and one.goal is not None and one.goal == int(one.goal)
    count = int(one.goal) if is_card and one.goal is not None and one.goal <= _STAMPS_AT_MOST else 0
    there = int(one.value) if count else 0
    goal = one.goal or Decimal(0)
    return ChallengeView(
        key=one.key,
        name=reader.opened.voice.called(one.key, one.written.name),
        description=shown.description or "",
        state=one.state,
        so_far=reader.text("so_far", have=one.value, need=goal) if goal else "",
        length=stitch_length(stitches(Decimal(one.per_mille), Decimal(1000))),
        stamps=tuple(number < there for number in range(count)),
        times=one.times,
        steps=tuple(
            StepView(
                step.name,
                _so_far(reader, Decimal(step.value), step.goal),
                step.done_at is not None,
            )
            for step in shown.steps
        ),
        prize=", ".join(shown.prize),
        can_leave=one.written.opt_in and one.joined_at is not None and one.state == "open",
        starts_at=one.starts_at,
        ends_at=one.ends_at,
    )


def _so_far(reader: Reader, value: Decimal, goal: str | None) -> str:
    if goal is None or Decimal(goal) <= 1:
        return ""
    return reader.text("so_far", have=value, need=Decimal(goal))


def _badge(reader: Reader, one: SeenBadge) -> BadgeView:
    shown = show_badge(reader.program, one, reader.say.language)
    levels = shown.levels
    held = levels[one.level - 1].name if one.level and len(levels) >= one.level else ""
    above = levels[one.level] if one.level < len(levels) else None
    name = reader.opened.voice.called(one.key, one.written.name)
    at = reader.say.number(Decimal(above.at)) if above is not None else ""
    return BadgeView(
        key=one.key,
        name=held if held and one.level > 1 else name,
        description=shown.description or "",
        earned_at=one.earned_at or max((x.earned_at for x in levels if x.earned_at), default=None),
        next=reader.text("next_level", level=above.name, at=at)
        if above is not None and len(levels) > 1
        else "",
    )
