"""What members give together: causes with how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from guerdon.infra.tx import Tx
from guerdon.rewards.causes import load_totals
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class CauseView:
    """A cause on the page."""

    key: str
    name: str
    description: str
    charity: str
    total: str
    """What came together, with what the shop put on top."""
    target: str
    """Empty without one."""
    length: int
    """Of the seam, in the drawing's units."""
    rewards: tuple[str, ...]
    """By which it can be given to."""


def load_cause_views(tx: Tx, reader: Reader) -> list[CauseView]:
    """Load the causes of the program.

    Args:
        tx: bound to the tenant.
        reader: who reads.

    Returns:
        In the order of the definition.
    """
    causes = reader.program.definition.causes
    if not causes:
        return []
    totals = load_totals(tx, reader.taker.program_id, list(causes))
    voice, currency = reader.opened.voice, reader.program.definition.currency
    rewards = reader.program.rewards.values()
    found = []
    for key, cause in causes.items():
        total = totals[key].given + totals[key].matched
        target = cause.target or Decimal(0)
        found.append(
            CauseView(
                key=key,
                name=voice.called(key, cause.name),
                description=voice.text(cause.description) if cause.description is not None else "",
                charity=cause.charity or "",
                total=reader.say.money(total, currency),
                target=reader.say.money(target, currency) if target else "",
                length=stitch_length(stitches(total, target)) if target else 0,
                rewards=tuple(one.key for one in rewards if one.gift is not None and one.gift.cause == key),
            )
        )
    return found
