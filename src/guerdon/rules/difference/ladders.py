"""What is said of ladders, their tiers, and what tiers bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guerdon.rules.definition import Benefit, Ladder, Part, Tier, number_text
from guerdon.rules.difference.voice import Voice, as_words, coded, listed, span

Saying = tuple[str, Callable[[Any, Voice], str]]
"""A verb, and how the value behind it is read."""


def _least(value: Any, _: Voice) -> str:
    if value is None:
        return "nothing, as operators give it"
    if isinstance(value, Mapping):
        return listed([f"{number_text(one)} of {coded(metric)}" for metric, one in value.items()])
    return number_text(value)


def _code(value: Any, _: Voice) -> str:
    return "none" if value is None else coded(str(value))


def _codes(value: Any, _: Voice) -> str:
    return listed([coded(one) for one in value]) or "none"


def _benefits(value: Any, voice: Voice) -> str:
    return _codes(value, voice) if value else "no benefit"


FIELDS: Final[Mapping[tuple[type[Part], str], Saying]] = {
    (Ladder, "metric"): ("follows the metric", _code),
    (Ladder, "metrics"): ("follows together the metrics", _codes),
    (Ladder, "reached_by"): (
        "lets a tier be reached by",
        lambda value, _: "every one of its metrics" if value == "every" else "any of its metrics",
    ),
    (Ladder, "review"): (
        "is reviewed each",
        lambda value, _: (
            "period of its metric" if value is None else as_words(value.removeprefix("calendar_"))
        ),
    ),
    (Ladder, "grace"): ("leaves after a review a grace of", lambda value, _: span(value)),
    (Ladder, "soft_landing"): (
        "lets members fall at a review by",
        lambda value, _: "one tier at most" if value else "as many tiers as they lost",
    ),
    (Ladder, "on_return"): (
        "takes what was returned as",
        lambda value, _: "counted still" if value == "keep" else "not counted any more",
    ),
    (Tier, "from_"): ("begins at", _least),
    (Tier, "rate"): ("earns at rate", lambda value, _: number_text(value)),
    (Tier, "benefits"): ("brings", _benefits),
    (Tier, "lifetime"): (
        "is kept",
        lambda value, _: "for life once it was reached" if value else "as long as reviews say",
    ),
    (Tier, "invitation"): (
        "is had",
        lambda value, _: "by invitation alone" if value else "by whoever reaches it",
    ),
    (Benefit, "rate"): (
        "says the rate",
        lambda value, _: "of no tier" if value is None else number_text(value),
    ),
    (Benefit, "price_list"): ("says the price list", _code),
    (Benefit, "ahead"): (
        "comes ahead of everybody else by",
        lambda value, _: "a time that it does not say" if value is None else span(value),
    ),
    (Benefit, "kind"): ("is of the kind", lambda value, _: as_words(value)),
}


def ladder_news(one: Ladder, voice: Voice) -> str:
    """Say what a new ladder is about.

    Args:
        one: the ladder.
        voice: of its definition.

    Returns:
        What follows its name.
    """
    metrics = listed([coded(metric) for metric in one.climbed_by], "or" if one.reached_by == "any" else "and")
    tiers = [f"{voice.called(key, tier.name)} {_from(tier, voice)}" for key, tier in one.tiers.items()]
    return f" on the metric{'s' if one.metrics else ''} {metrics}: {listed(tiers)}"


def _from(tier: Tier, voice: Voice) -> str:
    said = "by invitation" if tier.from_ is None else f"from {_least(tier.from_, voice)}"
    return f"{said} for life" if tier.lifetime else said


def tier_news(one: Tier, voice: Voice) -> str:
    """Say what a new tier is about.

    Args:
        one: the tier.
        voice: of its definition.

    Returns:
        What follows its name.
    """
    benefits = f", bringing {_benefits(one.benefits, voice)}" if one.benefits else ""
    return f" {_from(one, voice)}, earning at rate {number_text(one.rate)}{benefits}"


NEWS: Final[Mapping[type, Callable[[Any, Voice], str]]] = {
    Ladder: ladder_news,
    Tier: tier_news,
    Benefit: lambda one, _: f" of the kind {as_words(one.kind)}",
}
TOLD: Final[Mapping[type, frozenset[str]]] = {
    Ladder: frozenset({"metric", "metrics", "reached_by", "tiers"}),
    Tier: frozenset({"from_", "rate", "benefits", "lifetime", "invitation"}),
    Benefit: frozenset({"kind"}),
}
