"""What a definition may already say and the engine does not do yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from guerdon.rules.definition.campaigns import Campaign
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.metrics import Metric
from guerdon.rules.definition.settings import Pricing

LATER_SECTIONS: Final = (
    "challenges",
    "quizzes",
    "leaderboards",
    "referral",
    "segments",
    "journeys",
    "surveys",
    "retired",
)
ACTIVE_KINDS: Final = frozenset({"product", "coupon", "shipping", "event", "access", "donation", "warranty"})
_LATER_EFFECTS: Final = frozenset({"discount", "gift", "message"})
_LATER_FOLDS: Final = ("streak", "distinct", "min", "max", "last")


@dataclass(frozen=True, slots=True)
class InactivePart:
    """A part of a definition that is kept and checked, and does nothing yet."""

    pointer: str
    why: str


def inactive_parts(definition: Definition) -> tuple[InactivePart, ...]:
    """List what a definition says and this version of the engine does not do.

    Args:
        definition: any definition.

    Returns:
        The parts in the order of the models, each with its JSON pointer.
    """
    return tuple(_all(definition))


def _all(definition: Definition) -> Iterator[InactivePart]:
    for key, metric in definition.metrics.items():
        yield from _metric(metric, f"/metrics/{key}")
    for key, campaign in definition.campaigns.items():
        yield from _campaign(campaign, f"/campaigns/{key}")
    for key in definition.lanes:
        yield InactivePart(f"/lanes/{key}", "lanes choose among discounts, which carts do not get yet")
    yield from _rewards(definition)
    if definition.pricing != Pricing():
        yield InactivePart("/pricing", "carts are not priced yet")
    for section in LATER_SECTIONS:
        for key in getattr(definition, section):
            yield InactivePart(f"/{section}/{key}", f"'{section}' is kept and not run yet")


def _rewards(definition: Definition) -> Iterator[InactivePart]:
    for key, reward in definition.rewards.items():
        if reward.kind not in ACTIVE_KINDS:
            why = f"a reward of kind {reward.kind} is handed out as it stands, without fulfilment of its own"
            yield InactivePart(f"/rewards/{key}/kind", why)


def _metric(metric: Metric, pointer: str) -> Iterator[InactivePart]:
    for fold in _LATER_FOLDS:
        if getattr(metric, fold) is not None:
            yield InactivePart(f"{pointer}/{fold}", f"metrics count and sum; {fold} is not kept yet")


def _campaign(campaign: Campaign, pointer: str) -> Iterator[InactivePart]:
    if campaign.trigger == "checkout":
        yield InactivePart(f"{pointer}/trigger", "carts are not evaluated yet, so this campaign never runs")
    if campaign.audience is not None:
        yield InactivePart(f"{pointer}/audience", "segments are not kept yet, so this campaign never runs")
    if campaign.lane is not None:
        yield InactivePart(f"{pointer}/lane", "lanes choose among discounts, which carts do not get yet")
    for at, effect in enumerate(campaign.then):
        if effect.effect in _LATER_EFFECTS:
            yield InactivePart(
                f"{pointer}/then/{at}/{effect.effect}", f"the effect {effect.effect} is not applied yet"
            )
