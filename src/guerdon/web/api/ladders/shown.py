"""Where an account stands on a ladder, as it is shown."""

from __future__ import annotations

from datetime import datetime

from guerdon.base.exact import plain_text
from guerdon.rules.definition import Benefit, canonical_data
from guerdon.rules.metrics import Counts
from guerdon.rules.program import Program
from guerdon.rules.state import TierState
from guerdon.rules.tiers import Way, prospect_of, tier_at
from guerdon.web.api.shapes.members import BenefitShape, GivenShape, TierShape, WayShape


def show_tier(
    program: Program, ladder_key: str, held: TierState | None, counts: Counts, now: datetime
) -> TierShape:
    """Work out where an account stands; what time has done since the last booking is reckoned in.

    Args:
        program: the live program.
        ladder_key: which ladder.
        held: the standing as last booked, or None for a new account.
        counts: the account's buckets of the ladder's metrics.
        now: the instant.

    Returns:
        The tier, what it brings, and what is missing to the next one and to keep this one.
    """
    ladder = program.ladders[ladder_key]
    state = tier_at(ladder, held, counts, program.zone, now)
    prospect = prospect_of(ladder, state, counts, program.zone, now)
    tier = ladder.tiers[ladder.level_of(state.level)]
    return TierShape(
        tier=state.level,
        since=state.since if held is not None else None,
        review_at=state.changes_at,
        rate=plain_text(tier.rate),
        benefits=[_benefit(program, name) for name in tier.benefits],
        next=_way(prospect.next),
        keep=_way(prospect.keep),
        earned=state.own_level,
        given=state.given or None,
        given_until=state.given_until,
        given_next=[GivenShape(tier=one.tier, until=one.until) for one in state.given_next],
    )


def _way(way: Way | None) -> WayShape | None:
    if way is None:
        return None
    return WayShape(
        tier=way.tier,
        missing={one.metric: plain_text(one.missing) for one in way.metrics},
        have={one.metric: plain_text(one.have) for one in way.metrics},
        need={one.metric: plain_text(one.need) for one in way.metrics},
        reached_by="any" if way.any_of else "every",
        by=way.by,
    )


def _benefit(program: Program, name: str) -> BenefitShape:
    known: Benefit | None = program.definition.benefits.get(name)
    if known is None:
        return BenefitShape(benefit=name)
    return BenefitShape(
        benefit=name,
        kind=known.kind,
        name=canonical_data(known.name),
        description=canonical_data(known.description),
        rate=plain_text(known.rate) if known.rate is not None else None,
        price_list=known.price_list,
        ahead=known.ahead.text if known.ahead is not None else None,
    )
