"""Where a member stands on the ladders of the program, the way up, and what keeps the tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from guerdon.infra.tx import Tx
from guerdon.members.standing import Standing, Wanted, load_standing
from guerdon.rules.difference.voice import as_words
from guerdon.rules.tiers import Ladder, Way, prospect_of, tier_at
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.pages.me.reader import Reader

_MONEY: Final = ("order.net", "order.total", "order.subtotal", "order.earning_base")


@dataclass(frozen=True, slots=True)
class PartView:
    """How far one metric is on the way to a tier."""

    what: str
    """Its name."""
    missing: str
    """How much more it takes; empty where it is there."""
    so_far: str
    """What there is of what it takes."""
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
    benefits: tuple[str, ...]
    """That the tier has and the present one has not."""


@dataclass(frozen=True, slots=True)
class LadderView:
    """Where a member stands on a ladder."""

    key: str
    tier: str
    benefits: tuple[str, ...]
    next: WayView | None
    """None at the top."""
    keep: WayView | None
    """None where nothing takes the tier away."""


def load_ladder_views(tx: Tx, reader: Reader) -> list[LadderView]:
    """Load where a member stands.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        One for each ladder of the program.
    """
    ladders = reader.program.ladders
    if not ladders:
        return []
    account_id = reader.taker.account_id
    metrics = {one.identity for ladder in ladders.values() for one in ladder.metrics}
    standing = load_standing(tx, Wanted([account_id], metrics))[account_id]
    return [_ladder(reader, ladder, standing) for ladder in ladders.values()]


def _ladder(reader: Reader, ladder: Ladder, standing: Standing) -> LadderView:
    counts = standing.counts(reader.zone)
    state = tier_at(ladder, standing.tiers.get(ladder.key), counts, reader.zone, reader.now)
    found = prospect_of(ladder, state, counts, reader.zone, reader.now)
    held = _benefits(reader, ladder, state.level)
    return LadderView(
        key=ladder.key,
        tier=reader.opened.tier(ladder.key, state.level),
        benefits=held,
        next=_way(reader, ladder, found.next, held),
        keep=_way(reader, ladder, found.keep, held),
    )


def _way(reader: Reader, ladder: Ladder, way: Way | None, held: Sequence[str]) -> WayView | None:
    if way is None:
        return None
    parts = tuple(
        PartView(
            as_words(one.metric).capitalize(),
            _amount(reader, one.metric, one.missing) if one.missing else "",
            reader.text(
                "so_far",
                have=_amount(reader, one.metric, one.have),
                need=_amount(reader, one.metric, one.need),
            ),
            stitch_length(stitches(one.have, one.need)),
        )
        for one in way.metrics
    )
    more = tuple(one for one in _benefits(reader, ladder, way.tier) if one not in held)
    name = reader.opened.tier(ladder.key, way.tier)
    return WayView(name, parts, way.any_of, way.by, way.is_there, more)


def _amount(reader: Reader, metric: str, value: Decimal) -> str:
    """Write the value of a metric; what it sums of orders is money."""
    written = reader.program.definition.metrics.get(metric)
    said = str(getattr(written, "value", "") or "").strip()
    if said in _MONEY:
        return reader.say.money(value, reader.program.definition.currency)
    return reader.say.number(value)


def _benefits(reader: Reader, ladder: Ladder, tier: str) -> tuple[str, ...]:
    known: Mapping[str, str] = reader.texts
    names = ladder.tiers[ladder.level_of(tier)].benefits
    declared, voice = reader.program.definition.benefits, reader.opened.voice

    def called(name: str) -> str:
        one = declared.get(name)
        if one is not None and one.name is not None:
            return voice.text(one.name)
        return known.get(f"benefit_{name}", as_words(name).capitalize())

    return tuple(called(name) for name in names)
