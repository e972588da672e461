"""How rewards are taken and causes are matched, said in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guerdon.rules.definition import Cause, Content, Part, Reward, number_text
from guerdon.rules.difference.voice import Voice, coded, condition, listed, names, span

Saying = tuple[str, Callable[[Any, Voice], str]]
"""A verb, and how the value behind it is read."""


def _by_tier(value: Mapping[str, Mapping[str, Any]], voice: Voice) -> str:
    said = [f"{voice.prices(price.items())} for {coded(tier)}" for tier, price in value.items()]
    return listed(said) or "the same for all tiers"


def _units(value: Mapping[str, Any], voice: Voice) -> str:
    return voice.prices(value.items()) if value else "nothing"


def _stocked(value: Mapping[str, int], _: Voice) -> str:
    return (
        listed([f"{count} of {coded(choice)}" for choice, count in value.items()]) or "no end of any choice"
    )


def _content(value: Content | None, _: Voice) -> str:
    if value is None:
        return "nothing"
    said = [coded(value.url)] if value.url is not None else []
    said += [names(value.text)] if value.text is not None else []
    return listed(said) or "nothing"


def _said(nothing: str, read: Callable[[Any, Voice], str]) -> Callable[[Any, Voice], str]:
    return lambda value, voice: nothing if value is None else read(value, voice)


FIELDS: Final[Mapping[tuple[type[Part], str], Saying]] = {
    (Reward, "price_by_tier"): ("costs", _by_tier),
    (Reward, "audience"): ("is for", _said("everybody", lambda value, _: f"those {condition(value)}")),
    (Reward, "stock_by_choice"): ("has", _stocked),
    (Reward, "content"): ("shows to who took it", _content),
    (Reward, "place"): ("is had at", _said("no place that is said", lambda value, _: names(value))),
    (Reward, "partner"): ("is of", _said("no partner", lambda value, _: f"the partner {coded(value)}")),
    (Reward, "called_off"): ("is called off:", _said("it takes place", lambda value, _: names(value))),
    (Reward, "lasts"): ("lasts", _said("for a time that is not said", lambda value, _: span(value))),
    (Reward, "description"): (
        "is described as",
        _said("nothing that is said", lambda value, _: names(value)),
    ),
    (Reward, "collection"): (
        "opens",
        _said("no collection that is named", lambda value, _: f"the collection {coded(value)}"),
    ),
    (Reward, "gives"): (
        "gives",
        _said("no partner points", lambda value, _: f"{number_text(value)} partner points"),
    ),
    (Reward, "at_least"): ("is taken", _said("singly or more", lambda value, _: f"{value} at least at once")),
    (Reward, "at_most"): (
        "is taken",
        _said("as many at once as one likes", lambda value, _: f"{value} at most at once"),
    ),
    (Reward, "cooling"): (
        "can be taken again",
        _said("at once", lambda value, _: f"after {span(value)}"),
    ),
    (Reward, "needs"): ("asks that there be before", _units),
    (Reward, "leaves"): ("asks that there be left", _units),
    (Cause, "match_at_most"): (
        "is matched with",
        _said("no end of money", lambda value, voice: f"{voice.money(value)} in all at most"),
    ),
}
