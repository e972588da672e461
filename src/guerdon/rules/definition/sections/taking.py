"""What holds between what a reward says of how it is taken and the rest of a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from guerdon.rules.definition.checks import Finding, known_findings, money_findings, units_findings
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.rewards import Reward

_OF_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "called_off": ("event", "experience"),
    "cause": ("donation",),
    "match": ("donation",),
    "adds": ("warranty",),
    "gives": ("partner",),
    "collection": ("access",),
    "lasts": ("event", "experience"),
}
"""Keys that mean something for rewards of some kinds alone."""


def check_takings(definition: Definition) -> Iterator[Finding]:
    """Check prices by tier, balances, choices and kinds of rewards, and what causes are matched with.

    Args:
        definition: as the models took it.

    Yields:
        What does not hold.
    """
    for key, reward in definition.rewards.items():
        at = f"/rewards/{key}"
        for name in ("needs", "leaves"):
            for wallet, units in getattr(reward, name).items():
                yield from units_findings(definition, wallet, units, f"{at}/{name}/{wallet}")
        yield from _prices(definition, reward, at)
        yield from _quantity(reward, at)
        yield from _choices(definition, key, reward)
        yield from _kind(reward, at)
        yield from _lasting(reward, f"{at}/lasts")
    for key, cause in definition.causes.items():
        if cause.match_at_most is not None:
            yield from money_findings(definition, cause.match_at_most, f"/causes/{key}/match_at_most")


def _prices(definition: Definition, reward: Reward, at: str) -> Iterator[Finding]:
    if reward.price_by_tier and not reward.price:
        detail = "say with `price` what it costs all others; `tiers` says whose it is"
        yield Finding(f"{at}/price_by_tier", "price_missing", detail, at_key=True)
    first = ""
    holders = _holders(definition)
    for tier, price in reward.price_by_tier.items():
        pointer = f"{at}/price_by_tier/{tier}"
        yield from known_findings("tier", tier, holders, pointer, at_key=True)
        for wallet, units in price.items():
            yield from units_findings(definition, wallet, units, f"{pointer}/{wallet}")
        ladders = holders.get(tier, [])
        if len(ladders) > 1:
            detail = f"several ladders have a tier '{tier}'; write '{ladders[0]}.{tier}'"
            yield Finding(pointer, "ambiguous_tier", detail, at_key=True)
        elif ladders and ladders[0] != (first := first or ladders[0]):
            detail = f"prices by tier are of one ladder, and '{first}' is named already"
            yield Finding(pointer, "tiers_of_several_ladders", detail, at_key=True)


def _holders(definition: Definition) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {}
    for ladder, entry in definition.ladders.items():
        for tier in entry.tiers:
            holders.setdefault(tier, []).append(ladder)
            holders.setdefault(f"{ladder}.{tier}", []).append(ladder)
    return holders


def _quantity(reward: Reward, at: str) -> Iterator[Finding]:
    if reward.at_least is not None and reward.at_most is not None and reward.at_least > reward.at_most:
        detail = f"at least {reward.at_least} and at most {reward.at_most} leaves nothing that can be taken"
        yield Finding(f"{at}/at_least", "quantity_impossible", detail)


def _choices(definition: Definition, key: str, reward: Reward) -> Iterator[Finding]:
    at = f"/rewards/{key}"
    for choice in reward.stock_by_choice:
        yield from known_findings(
            "choice", choice, reward.choices, f"{at}/stock_by_choice/{choice}", at_key=True
        )
    for place, choice in enumerate(reward.choices):
        chosen = definition.rewards.get(choice) if reward.kind == "choice" else None
        if chosen is not None and (chosen.kind == "choice" or choice == key):
            detail = f"the reward '{choice}' is a choice itself; name what can be chosen of it"
            yield Finding(f"{at}/choices/{place}", "choice_of_choices", detail)


def _lasting(reward: Reward, pointer: str) -> Iterator[Finding]:
    lasts = reward.lasts
    if lasts is None:
        return
    if lasts.is_zero:
        yield Finding(pointer, "lasts_no_time", "what takes place takes some time, such as 2h")
    elif reward.at is None:
        yield Finding(pointer, "at_missing", "say with `at` when it begins", at_key=True)
    elif not isinstance(reward.at, datetime) and (lasts.hours or lasts.minutes):
        detail = "`at` is a whole day, so this lasts days, such as 2d; or say at what time it begins"
        yield Finding(pointer, "lasts_days", detail, "1d")


def _kind(reward: Reward, at: str) -> Iterator[Finding]:
    for name, kinds in _OF_KINDS.items():
        if getattr(reward, name) is not None and reward.kind not in kinds:
            detail = (
                f"`{name}` means nothing for a reward of kind {reward.kind}; it is for {', '.join(kinds)}"
            )
            yield Finding(f"{at}/{name}", "not_of_this_kind", detail)
