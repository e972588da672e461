"""Tiers that operators give: a match with another program's tier, an invitation, and their end."""

from __future__ import annotations

import msgspec

from guerdon.base.errors import Problem
from guerdon.rules.decision import TierChange
from guerdon.rules.definition import nearest_to
from guerdon.rules.draft import Draft
from guerdon.rules.events import EndTier, GiveTier
from guerdon.rules.tiers.ladder import Ladder, Tier


def give_tier(draft: Draft, command: GiveTier) -> tuple[TierChange, ...]:
    """Give an account a tier until an instant, or without end where it is by invitation.

    Args:
        draft: the decision.
        command: which tier, until when and why.

    Returns:
        What changed: nothing where as much is earned. Whatever was given before is given no more.

    Raises:
        Problem: `unknown_ladder`, `unknown_tier`, `tier_for_everybody`, `until_missing` or `until_passed`.
    """
    ladder = _ladder(draft, command.ladder)
    tier = _tier(ladder, command.tier)
    if command.until is None and tier.is_earned:
        detail = "say until when: without end only tiers by invitation can be given"
        raise Problem.at("/until", "until_missing", detail)
    if command.until is not None and command.until <= draft.now:
        raise Problem.at("/until", "until_passed", "a tier is given until an instant that is still to come")
    held = draft.tiers[ladder.key]
    draft.tiers[ladder.key] = msgspec.structs.replace(
        held, given=tier.key, given_until=command.until, given_next=()
    )
    return draft.retier(ladder.key, "given")


def end_tier(draft: Draft, command: EndTier) -> tuple[TierChange, ...]:
    """Take back all that operators gave on a ladder; what is earned stays.

    Args:
        draft: the decision.
        command: on which ladder and why.

    Returns:
        What changed.

    Raises:
        Problem: `unknown_ladder` or `tier_not_given`.
    """
    ladder = _ladder(draft, command.ladder)
    held = draft.tiers[ladder.key]
    if not held.given:
        raise Problem.at("/ladder", "tier_not_given", "no operator gave this account a tier on this ladder")
    draft.tiers[ladder.key] = msgspec.structs.replace(held, given="", given_until=None, given_next=())
    return draft.retier(ladder.key, "ended")


def _ladder(draft: Draft, key: str) -> Ladder:
    ladder = draft.program.ladders.get(key)
    if ladder is None:
        raise Problem.at("/ladder", "unknown_ladder", _unknown("ladder", key, list(draft.program.ladders)))
    return ladder


def _tier(ladder: Ladder, key: str) -> Tier:
    found = next((tier for tier in ladder.tiers if tier.key == key), None)
    if found is None:
        known = [tier.key for tier in ladder.tiers]
        raise Problem.at("/tier", "unknown_tier", _unknown("tier", key, known))
    if found is ladder.tiers[0]:
        raise Problem.at("/tier", "tier_for_everybody", f"everybody holds '{key}' without being given it")
    return found


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = nearest_to(name, known)
    hint = f"did you mean '{near}'?" if near else f"known are {', '.join(known)}"
    return f"there is no {kind} '{name}'; {hint}"
