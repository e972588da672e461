"""Ladders: which tier an account holds, how it came there, and what is missing to the next one."""

from __future__ import annotations

from guerdon.rules.tiers.changes import Cause, change_of, changed
from guerdon.rules.tiers.ladder import Ladder, Tier
from guerdon.rules.tiers.path import Move, keeps_tier, tier_at, tier_path
from guerdon.rules.tiers.prospects import Missing, Prospect, Way, prospect_of

__all__ = [
    "Cause",
    "Ladder",
    "Missing",
    "Move",
    "Prospect",
    "Tier",
    "Way",
    "change_of",
    "changed",
    "keeps_tier",
    "prospect_of",
    "tier_at",
    "tier_path",
]
