"""Where a member stands on a ladder, as the console shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from guerdon.members.standing import Standing
from guerdon.rules.difference.voice import as_words
from guerdon.rules.tiers import Ladder, Way, prospect_of, tier_at
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.console.opened import Opened

_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PartView:
    """How far one metric is on the way to a tier."""

    metric: str
    have: Decimal
    need: Decimal
    missing: Decimal
    length: int
    """Of the seam, in the drawing's units."""


@dataclass(frozen=True, slots=True)
class WayView:
    """What a tier still takes."""

    tier: str
    parts: tuple[PartView, ...]
    any_of: bool
    by: datetime | None
    is_there: bool


@dataclass(frozen=True, slots=True)
class LadderView:
    """Where a member stands on a ladder, the way to the next level, and what keeps this one."""

    key: str
    tier: str
    review_at: datetime | None
    next: WayView | None
    keep: WayView | None
    is_given: bool
    """Whether an operator gave the tier that is held."""
    given: str
    """The tier that an operator gave, held or not; empty where none is."""
    given_to: datetime | None
    """The last moment for which it is given."""
    after: tuple[tuple[str, datetime | None], ...]
    """What was given besides, and holds then: names, each with the last moment for which it is given."""
    is_top: bool
    """Whether no tier stands above the one that is held, not even one by invitation."""
    name: str
    """What the ladder is called where there are several."""
    earned: str
    """The tier that is earned."""
    tiers: tuple[tuple[str, str], ...]
    """What an operator can give: keys with names, the base left out."""


def ladder_view(opened: Opened, ladder: Ladder, standing: Standing, now: datetime) -> LadderView:
    """Work out where a member stands on a ladder.

    Args:
        opened: the program.
        ladder: the ladder.
        standing: the account's, with the buckets of the ladder's metrics.
        now: the instant.

    Returns:
        What the pages show.
    """
    zone = opened.program.zone
    counts = standing.counts(zone)
    state = tier_at(ladder, standing.tiers.get(ladder.key), counts, zone, now)
    found = prospect_of(ladder, state, counts, zone, now)
    return LadderView(
        key=ladder.key,
        tier=opened.tier(ladder.key, state.level),
        review_at=state.changes_at,
        next=_way(opened, ladder.key, found.next),
        keep=_way(opened, ladder.key, found.keep),
        is_given=bool(state.earned),
        given=opened.tier(ladder.key, state.given) if state.given else "",
        given_to=_last(state.given_until),
        after=tuple((opened.tier(ladder.key, one.tier), _last(one.until)) for one in state.given_next),
        is_top=state.level == ladder.tiers[-1].key,
        name=as_words(ladder.key).capitalize(),
        earned=opened.tier(ladder.key, state.own_level),
        tiers=tuple((tier.key, opened.tier(ladder.key, tier.key)) for tier in ladder.tiers[1:]),
    )


def _last(until: datetime | None) -> datetime | None:
    return None if until is None else until - _MOMENT


def _way(opened: Opened, ladder: str, way: Way | None) -> WayView | None:
    if way is None:
        return None
    parts = tuple(
        PartView(
            as_words(one.metric).capitalize(),
            one.have,
            one.need,
            one.missing,
            stitch_length(stitches(one.have, one.need)),
        )
        for one in way.metrics
    )
    return WayView(opened.tier(ladder, way.tier), parts, way.any_of, way.by, way.is_there)
