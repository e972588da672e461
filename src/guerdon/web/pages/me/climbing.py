"""Where a member stands on the ladders of the program, and the way up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from guerdon.infra.tx import Tx
from guerdon.rules.difference.voice import as_words
from guerdon.web.api.standing import show_standing
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class LadderView:
    """Where a member stands on a ladder."""

    key: str
    tier: str
    benefits: tuple[str, ...]
    until: datetime | None
    """Until when the tier holds at least."""


def load_ladder_views(tx: Tx, reader: Reader) -> list[LadderView]:
    """Load where a member stands.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        One for each ladder of the program.
    """
    if not reader.program.ladders:
        return []
    standing = show_standing(tx, reader.program, reader.taker.account_id, reader.now)
    return [
        LadderView(
            key=key,
            tier=reader.opened.tier(key, one.tier),
            benefits=_benefits(reader, key, one.tier),
            until=one.review_at,
        )
        for key, one in standing.tiers.items()
    ]


def _benefits(reader: Reader, ladder: str, tier: str) -> tuple[str, ...]:
    known: Mapping[str, str] = reader.texts
    held = next((one for one in reader.program.ladders[ladder].tiers if one.key == tier), None)
    names = held.benefits if held is not None else ()
    return tuple(known.get(f"benefit_{name}", as_words(name).capitalize()) for name in names)
