"""What a definition may already say and the engine does not do yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from guerdon.rules.definition.campaigns import Campaign
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.scalars.part import spellings
from guerdon.rules.definition.settings import Earning

_LATER_SECTIONS: Final = {
    "journeys": "nobody goes through journeys yet, so nothing of this happens",
    "surveys": "surveys are not sent yet",
}
ACTIVE_KINDS: Final = frozenset(
    {
        "product",
        "coupon",
        "shipping",
        "event",
        "access",
        "content",
        "donation",
        "warranty",
        "partner",
        "service",
        "experience",
        "choice",
    }
)
_OF_CARTS: Final = frozenset({"discount", "gift"})
_LATER_EFFECTS: Final = frozenset({"message"})
_LATER_SETTINGS: Final = (("earning", Earning(), ("same_order",)),)


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
    for key, campaign in definition.campaigns.items():
        yield from _campaign(campaign, f"/campaigns/{key}")
    yield from _rewards(definition)
    yield from _draws(definition)
    yield from _settings(definition)
    for section, why in _LATER_SECTIONS.items():
        for key in getattr(definition, section):
            yield InactivePart(f"/{section}/{key}", why)
    for key, challenge in definition.challenges.items():
        for place, step in enumerate(challenge.steps):
            if step.survey is not None:
                why = "surveys are not sent yet, so this step is never done"
                yield InactivePart(f"/challenges/{key}/steps/{place}/survey", why)


def _draws(definition: Definition) -> Iterator[InactivePart]:
    for key, draw in definition.draws.items():
        if draw.seed is not None:
            why = "the engine makes the seed and publishes its hash itself"
            yield InactivePart(f"/draws/{key}/seed", why)


def _rewards(definition: Definition) -> Iterator[InactivePart]:
    for key, reward in definition.rewards.items():
        if reward.kind not in ACTIVE_KINDS:
            why = f"a reward of kind {reward.kind} is handed out as it stands, without fulfilment of its own"
            yield InactivePart(f"/rewards/{key}/kind", why)


def _settings(definition: Definition) -> Iterator[InactivePart]:
    for section, default, names in _LATER_SETTINGS:
        part = getattr(definition, section)
        for name in names:
            if getattr(part, name) != getattr(default, name):
                spelled = spellings(name, type(part).model_fields[name])[0]
                yield InactivePart(f"/{section}/{spelled}", _WHY_SETTINGS[section])
    if definition.claim_within != Definition.model_fields["claim_within"].default:
        yield InactivePart("/claim_within", "guests' orders cannot be claimed yet")


_WHY_SETTINGS: Final = {
    "earning": "an order's own points cannot pay for it yet, whatever this says",
}


def _campaign(campaign: Campaign, pointer: str) -> Iterator[InactivePart]:
    of_carts = campaign.trigger == "checkout"
    if campaign.exclusive and not of_carts:
        yield InactivePart(f"{pointer}/exclusive", "only campaigns of carts shut each other out")
    if campaign.lane is not None and not of_carts:
        yield InactivePart(f"{pointer}/lane", "lanes choose among discounts, which only carts get")
    for at, effect in enumerate(campaign.then):
        name = effect.effect
        if name in _LATER_EFFECTS:
            yield InactivePart(f"{pointer}/then/{at}/{name}", f"the effect {name} is not applied yet")
        elif of_carts != (name in _OF_CARTS) and not (of_carts and name == "multiply"):
            where = "carts get discounts, gifts and multipliers only" if of_carts else "only carts get it"
            yield InactivePart(
                f"{pointer}/then/{at}/{name}", f"the effect {name} is not applied here: {where}"
            )
