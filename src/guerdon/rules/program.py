"""A program as compiled from its definition: what `step` decides by."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from guerdon.base.calendar import Span, Zone
from guerdon.rules.challenges import Challenge
from guerdon.rules.definition import Definition
from guerdon.rules.expressions import Expression
from guerdon.rules.index import CampaignIndex
from guerdon.rules.lots import SpendingOrder
from guerdon.rules.metrics import Metric
from guerdon.rules.orders import OrderSettings
from guerdon.rules.parts import (
    Award,
    Campaign,
    Conversion,
    Exclusive,
    Expiry,
    Multiply,
    Redeem,
    Reward,
    Schedule,
    Wallet,
)
from guerdon.rules.play.boards import Board
from guerdon.rules.play.draws import PrizeDraw
from guerdon.rules.play.quiz import Quiz
from guerdon.rules.promotions import Promotions
from guerdon.rules.segments import Segment
from guerdon.rules.tiers import Ladder

__all__ = [
    "INDEXED_FROM",
    "Award",
    "Campaign",
    "Conversion",
    "Exclusive",
    "Expiry",
    "Multiply",
    "Program",
    "Redeem",
    "Reward",
    "Schedule",
    "Wallet",
]

INDEXED_FROM = 12
"""With fewer campaigns of a trigger, trying each is quicker than asking the index."""


class Program(msgspec.Struct, frozen=True):
    """A program as compiled; two of one text are the same."""

    key: str
    version: int
    currency: str
    digits: int
    zone: Zone
    definition: Definition
    order_settings: OrderSettings
    spending_order: SpendingOrder
    given_back_lasts: Span
    checkout_ttl: Span
    """How long a checkout holds what it promises."""
    wallets: Mapping[str, Wallet]
    retired: Mapping[str, Conversion]
    """Wallets that are given up, in order of their keys, and what becomes of their units."""
    scales: Mapping[str, int]
    """Decimal places of each wallet, those that are given up among them."""
    metrics: Mapping[str, Metric]
    ladders: Mapping[str, Ladder]
    rewards: Mapping[str, Reward]
    campaigns: tuple[Campaign, ...]
    """In the order of evaluation: by priority, then key, whatever their order in the document."""
    by_trigger: Mapping[str, tuple[Campaign, ...]]
    indexes: Mapping[str, CampaignIndex[Campaign]]
    """By trigger, where there are so many campaigns that looking for the few pays."""
    metrics_by_event: Mapping[str, tuple[Metric, ...]]
    quizzes: Mapping[str, Quiz]
    draws: Mapping[str, PrizeDraw]
    challenges: Mapping[str, Challenge]
    """Levels of badges among them, under keys that no document has."""
    challenges_by_event: Mapping[str, tuple[Challenge, ...]]
    """By type of event: those that it may move, in order of their keys."""
    boards: Mapping[str, Board]
    """Leaderboards, and under `challenge:` keys what teams reach together."""
    team_audiences: Mapping[str, Expression]
    """Who may be in a team, by kind; kinds for everybody are left out."""
    promotions: Promotions
    """What prices carts: campaigns of the trigger `checkout`, and coupons."""
    segments: Mapping[str, Segment]
    segments_of: Mapping[str, tuple[Segment, ...]]
    """By trigger: those that its campaigns can ask for."""
    inputs_of: Mapping[str, tuple[str, ...]]
    """By trigger: what its campaigns read beside the event, as dotted paths, personal values left out."""
    personal_of: Mapping[str, tuple[str, ...]]
    """By trigger: what personal values its campaigns read of people."""
    content: Mapping[str, Exclusive] = {}
    """What only some members are shown, in the order of the document."""
    seen_ladders: Mapping[str, Ladder] = {}
    """Those that expressions see, where an earlier version's campaigns decide; empty for the ladders."""

    def prize_of(self, challenge: str) -> str:
        """Name the campaign that is the prize of a challenge.

        Args:
            challenge: its key.

        Returns:
            The campaign's key; empty for a challenge that is not there.
        """
        found = self.challenges.get(challenge)
        return found.campaign if found is not None else ""

    @property
    def card_wallet(self) -> str | None:
        """The wallet in which gift cards keep their money, None where there are none."""
        return next((key for key, one in self.wallets.items() if one.tender == "gift_card"), None)

    @property
    def metric_ids(self) -> dict[str, str]:
        """Name → identity of each metric."""
        return {name: metric.identity for name, metric in self.metrics.items()}
